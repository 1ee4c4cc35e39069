//! The event and its parts: the union of the four platforms' records.
//!
//! Every vocabulary is open but [`Status`]: an action or a type that nobody has seen before is kept
//! as it came. Members that are absent are `None`, never empty.

use std::borrow::Cow;

use crate::{Json, Moment};

/// Who did what to which thing, when, from where, why and with what result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The source's own id for this event; with `source.system` the idempotency key, for ever.
    pub id: Option<Cow<'a, str>>,
    /// When it happened, as the source wrote it.
    pub occurred_at: Moment<'a>,
    /// The system that says so.
    pub source: Source<'a>,
    /// Who did it.
    pub actor: Option<Actor<'a>>,
    /// Who authorised it.
    pub authorized_by: Option<Person<'a>>,
    /// The sign-in it belongs to.
    pub session: Option<Cow<'a, str>>,
    /// From where.
    pub client: Option<Client<'a>>,
    /// What was done, in the source's own word.
    pub action: Cow<'a, str>,
    /// The thing it was done to.
    pub target: Option<Target<'a>>,
    /// Other things that were involved.
    pub related: Vec<Related<'a>>,
    /// Where the thing belongs.
    pub scope: Option<Scope<'a>>,
    /// What came of it.
    pub outcome: Option<Outcome<'a>>,
    /// Groups the events of one cascade.
    pub operation: Option<Cow<'a, str>>,
    /// Why.
    pub reason: Option<Reason<'a>>,
    /// The request's input.
    pub params: Option<Json<'a>>,
    /// The target's state before.
    pub before: Option<Json<'a>>,
    /// The target's state after.
    pub after: Option<Json<'a>>,
    /// An object with all that has no place above.
    pub attributes: Option<Json<'a>>,
    /// JSON pointers of what was removed before it reached the log.
    pub redacted: Vec<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// An event with what every event needs, to be filled by struct update or assignment.
    pub fn new(
        occurred_at: Moment<'a>,
        system: impl Into<Cow<'a, str>>,
        action: impl Into<Cow<'a, str>>,
    ) -> Self {
        Self {
            id: None,
            occurred_at,
            source: Source { system: system.into(), ..Source::default() },
            actor: None,
            authorized_by: None,
            session: None,
            client: None,
            action: action.into(),
            target: None,
            related: Vec::new(),
            scope: None,
            outcome: None,
            operation: None,
            reason: None,
            params: None,
            before: None,
            after: None,
            attributes: None,
            redacted: Vec::new(),
        }
    }
}

/// The system that reports the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its name, such as `opencga`.
    pub system: Cow<'a, str>,
    /// Which installation of it.
    pub instance: Option<Cow<'a, str>>,
    /// The form of its record.
    pub format: Option<Cow<'a, str>>,
    /// Its version at the time.
    pub version: Option<Cow<'a, str>>,
    /// The region it runs in.
    pub region: Option<Cow<'a, str>>,
    /// The host it runs on.
    pub host: Option<Cow<'a, str>>,
    /// Its own running number for this event.
    pub sequence: Option<u64>,
}

/// Who acted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor<'a> {
    /// `user`, `service`, `system`, `anonymous`, or the source's own word (`type` on the wire).
    pub kind: Cow<'a, str>,
    /// Identifier in the source.
    pub id: Option<Cow<'a, str>>,
    /// Name at the time.
    pub name: Option<Cow<'a, str>>,
    /// E-mail address at the time.
    pub email: Option<Cow<'a, str>>,
    /// Roles at the time.
    pub roles: Vec<Cow<'a, str>>,
    /// The credential that was used.
    pub credential: Option<Credential<'a>>,
}

/// What is known of a credential. Never the credential itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential<'a> {
    /// Its identifier.
    pub id: Option<Cow<'a, str>>,
    /// Its name.
    pub label: Option<Cow<'a, str>>,
    /// Its last characters, as the source shows them.
    pub ending: Option<Cow<'a, str>>,
}

/// Who authorised the act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person<'a> {
    /// Identifier in the source.
    pub id: Option<Cow<'a, str>>,
    /// Name at the time.
    pub name: Option<Cow<'a, str>>,
}

/// Where the act came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client<'a> {
    /// IP address, as the source wrote it.
    pub ip: Option<Cow<'a, str>>,
    /// HTTP user agent.
    pub user_agent: Option<Cow<'a, str>>,
    /// Host name.
    pub host: Option<Cow<'a, str>>,
}

/// The thing that was acted upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// What kind of thing, in the source's own word (`type` on the wire).
    pub kind: Cow<'a, str>,
    /// Identifier in the source.
    pub id: Option<Cow<'a, str>>,
    /// Name at the time.
    pub name: Option<Cow<'a, str>>,
    /// A second, unique identifier.
    pub uuid: Option<Cow<'a, str>>,
    /// Version of the schema of `before` and `after`.
    pub schema_version: Option<Cow<'a, str>>,
    /// Where a person can look at it.
    pub url: Option<Cow<'a, str>>,
}

/// Another thing that was involved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Related<'a> {
    /// How it was involved.
    pub role: Cow<'a, str>,
    /// What kind of thing (`type` on the wire).
    pub kind: Cow<'a, str>,
    /// Identifier in the source.
    pub id: Option<Cow<'a, str>>,
    /// Name at the time.
    pub name: Option<Cow<'a, str>>,
}

/// Where the target belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Organization or tenant.
    pub organization: Option<Place<'a>>,
    /// Workspace.
    pub workspace: Option<Place<'a>>,
    /// Project.
    pub project: Option<Place<'a>>,
    /// Study.
    pub study: Option<Place<'a>>,
    /// The user whose personal space it is.
    pub user: Option<Place<'a>>,
    /// The source's own word for the level.
    pub context: Option<Cow<'a, str>>,
}

/// One level of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// Identifier in the source.
    pub id: Option<Cow<'a, str>>,
    /// Name at the time.
    pub name: Option<Cow<'a, str>>,
    /// A second, unique identifier.
    pub uuid: Option<Cow<'a, str>>,
}

/// What came of the act. The one closed vocabulary of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It was done.
    Success,
    /// It was tried and did not work.
    Failure,
    /// It was not allowed.
    Denied,
    /// The source does not say.
    #[default]
    Unknown,
}

impl Status {
    /// Every status, in the order above.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Denied, Self::Unknown];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
        }
    }

    /// The status with that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// The result of the act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// In one word.
    pub status: Status,
    /// The source's code.
    pub code: Option<Cow<'a, str>>,
    /// The source's name for the error.
    pub name: Option<Cow<'a, str>>,
    /// The source's message.
    pub message: Option<Cow<'a, str>>,
    /// Anything more that the source says of the result.
    pub detail: Option<Cow<'a, str>>,
}

/// Why it was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason<'a> {
    /// In a person's words.
    pub text: Cow<'a, str>,
    /// From a list of the source.
    pub code: Option<Cow<'a, str>>,
}

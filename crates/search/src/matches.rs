//! Whether one event is meant by a question, found by looking at the event.
//!
//! This is the plain scan: the live tail filters with it, and property tests hold the projection
//! against it. It shares with the index only what a word is and when case counts.

use std::borrow::Cow;
use std::net::IpAddr;

use event::{Actor, Entry, Place, Related, Target};

use crate::sieve::late_admits;
use crate::words::{GAP, has_phrase, has_prefix, push_json, words};
use crate::{Clause, Field, Pattern, Query, Test, Text, fold};

/// What actions mean, by the catalogues of their sources.
pub trait Kinds: Send + Sync + std::fmt::Debug {
    /// The kind of an action of a system: one of a few words, such as `delete`.
    fn kind_of(&self, system: &str, action: &str) -> Cow<'static, str>;

    /// Whether what this system calls its actions means something of its own. The actions of all
    /// other systems are of the same kinds wherever they have the same names.
    fn has_own(&self, system: &str) -> bool;

    /// Other names of an action, each with the system that records the same act under it.
    fn also_called(&self, action: &str) -> Vec<(&'static str, &'static str)>;
}

/// No catalogue: every action is of the kind `other`.
#[derive(Clone, Copy, Debug)]
pub struct NoKinds;

impl Kinds for NoKinds {
    fn kind_of(&self, _: &str, _: &str) -> Cow<'static, str> {
        Cow::Borrowed("other")
    }

    fn has_own(&self, _: &str) -> bool {
        false
    }

    fn also_called(&self, _: &str) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

impl Query {
    /// Whether the entry at this leaf index, with detached values in place, is meant.
    pub fn matches(&self, index: u64, entry: &Entry<'_>, kinds: &dyn Kinds) -> bool {
        let (occurred, recorded) = (entry.event.occurred_at.micros(), entry.recorded_at_micros);
        self.indexes.as_ref().is_none_or(|range| range.contains(&index))
            && self.occurred.contains(occurred)
            && self.recorded.contains(recorded)
            && self.hours.iter().all(|hours| hours.contains(occurred))
            && self.during.iter().all(|during| during.contains(occurred))
            && self.late.iter().all(|late| late_admits(*late, occurred, Some(recorded)))
            && self.clauses.iter().all(|clause| clause.matches(entry, kinds))
            && self.texts.iter().all(|text| text.matches(entry))
    }

    /// Whether a recorded event is meant. An entry that is not one of ours counts as an event
    /// without any member, which happened in 1970 and was recorded nobody knows when.
    pub fn matches_recorded(&self, recorded: &trail::Recorded, kinds: &dyn Kinds) -> bool {
        let text = recorded.text();
        match Entry::parse(&text) {
            Ok(entry) => self.matches(recorded.index, &entry, kinds),
            Err(_) => {
                self.indexes.as_ref().is_none_or(|range| range.contains(&recorded.index))
                    && self.occurred.contains(0)
                    && self.recorded.is_open()
                    && self.hours.iter().all(|hours| hours.contains(0))
                    && self.during.iter().all(|during| during.contains(0))
                    && self.late.iter().all(|late| late_admits(*late, 0, None))
                    && self.clauses.iter().all(|clause| clause.negated)
                    && self.texts.iter().all(|text| text.negated)
            }
        }
    }
}

impl Clause {
    fn matches(&self, entry: &Entry<'_>, kinds: &dyn Kinds) -> bool {
        let holds = match &self.test {
            Test::Present => is_present(self.field, entry, kinds),
            Test::Any(patterns) => {
                patterns.iter().any(|pattern| admits(self.field, pattern, entry, kinds))
            }
        };
        holds != self.negated
    }
}

impl Text {
    fn matches(&self, entry: &Entry<'_>) -> bool {
        let pattern = if self.prefix {
            Pattern::Prefix(self.text.clone())
        } else {
            Pattern::Like(self.text.clone())
        };
        let holds = texts(entry).iter().any(|text| has_words(text, &pattern))
            || identifiers(entry).iter().any(|id| pattern.admits(id))
            || has_address(entry, &pattern);
        holds != self.negated
    }
}

fn is_present(field: Field, entry: &Entry<'_>, kinds: &dyn Kinds) -> bool {
    let event = &entry.event;
    match field {
        Field::Reason => event.reason.is_some(),
        Field::Params => event.params.is_some(),
        Field::Before => event.before.is_some(),
        Field::After => event.after.is_some(),
        Field::Attributes => event.attributes.is_some(),
        Field::UserAgent => event.client.as_ref().is_some_and(|client| client.user_agent.is_some()),
        _ => !values(field, entry, kinds).is_empty(),
    }
}

fn admits(field: Field, pattern: &Pattern, entry: &Entry<'_>, kinds: &dyn Kinds) -> bool {
    if field == Field::Ip {
        return entry
            .event
            .client
            .as_ref()
            .and_then(|client| client.ip.as_deref())
            .is_some_and(|ip| admits_address(pattern, ip));
    }
    if words_of(field, entry).is_some_and(|text| has_words(&text, pattern))
        || admits_whole(field, pattern, entry)
    {
        return true;
    }
    values(field, entry, kinds).iter().any(|value| pattern.admits(value))
        || (field == Field::Action && admits_other_name(pattern, entry, kinds))
}

/// Whether the event has another name of the action that a pattern names.
fn admits_other_name(pattern: &Pattern, entry: &Entry<'_>, kinds: &dyn Kinds) -> bool {
    let Pattern::Like(name) = pattern else { return false };
    let event = &entry.event;
    kinds
        .also_called(name)
        .into_iter()
        .any(|(system, other)| event.source.system == system && fold::same(other, &event.action))
}

/// Whether a pattern of the form `type/id` means the target or a related thing.
fn admits_whole(field: Field, pattern: &Pattern, entry: &Entry<'_>) -> bool {
    match field {
        Field::Target => {
            let Some(target) = &entry.event.target else { return false };
            let Some(found) = target.id.as_deref() else { return false };
            let mut splits = pattern.splits().into_iter();
            splits.any(|(kind, id)| kind.admits(&target.kind) && id.admits(found))
        }
        // A related thing is one value, `type/id`, so that type and id are of the same thing.
        Field::Related if !pattern.splits().is_empty() => {
            let mut related = entry.event.related.iter();
            related.any(|one| {
                let whole = one.id.as_ref().map(|id| format!("{}/{id}", one.kind));
                whole.is_some_and(|whole| pattern.admits(&whole))
            })
        }
        _ => false,
    }
}

/// Whether a text has the words of a pattern. Exact patterns are for whole values.
pub(crate) fn has_words(text: &str, pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Exactly(_) | Pattern::Matching(_) => false,
        Pattern::Like(phrase) => has_phrase(text, &words(phrase)),
        Pattern::Prefix(prefix) => match words(prefix).as_slice() {
            [prefix] => has_prefix(text, prefix),
            _ => false,
        },
    }
}

fn admits_address(pattern: &Pattern, ip: &str) -> bool {
    match (crate::lookup::network(pattern.text()), ip.parse::<IpAddr>()) {
        (Some((from, to)), Ok(address)) => {
            let address = crate::lookup::address_bits(address);
            from <= address && address <= to
        }
        (None, Err(_)) => pattern.admits(ip),
        _ => false,
    }
}

/// Whether the client's address is one that a text means, or stands for no address and is like it.
fn has_address(entry: &Entry<'_>, pattern: &Pattern) -> bool {
    let Some(ip) = entry.event.client.as_ref().and_then(|client| client.ip.as_deref()) else {
        return false;
    };
    // Of an address there is no beginning: behind a whole one, `*` changes nothing.
    match ip.parse::<IpAddr>().map(crate::lookup::address_bits) {
        Ok(address) => crate::lookup::network(pattern.text())
            .is_some_and(|(from, to)| from <= address && address <= to),
        Err(_) => pattern.admits(ip),
    }
}

/// The text that a field's patterns are searched in as words.
fn words_of(field: Field, entry: &Entry<'_>) -> Option<String> {
    let event = &entry.event;
    let json = |value: &Option<event::Json<'_>>| {
        value.as_ref().map(|value| {
            let mut out = String::new();
            push_json(value.as_str(), &mut out);
            out
        })
    };
    match field {
        Field::Actor => event.actor.as_ref()?.name.as_ref().map(ToString::to_string),
        Field::Target => event.target.as_ref()?.name.as_ref().map(ToString::to_string),
        Field::UserAgent => event.client.as_ref()?.user_agent.as_ref().map(ToString::to_string),
        Field::Reason => event.reason.as_ref().map(|reason| reason.text.to_string()),
        Field::Params => json(&event.params),
        Field::Before => json(&event.before),
        Field::After => json(&event.after),
        Field::Attributes => json(&event.attributes),
        _ => None,
    }
}

/// The values of a field that patterns are compared with whole.
fn values<'a>(field: Field, entry: &'a Entry<'_>, kinds: &dyn Kinds) -> Vec<Cow<'a, str>> {
    let event = &entry.event;
    let mut found: Vec<Cow<'a, str>> = Vec::new();
    let mut add = |value: Option<&'a str>| found.extend(value.map(Cow::Borrowed));
    match field {
        Field::Id => add(event.id.as_deref()),
        Field::Session => add(event.session.as_deref()),
        Field::Action => add(Some(&event.action)),
        Field::Kind => found.push(kinds.kind_of(&event.source.system, &event.action)),
        Field::Operation => add(event.operation.as_deref()),
        Field::System => add(Some(&event.source.system)),
        Field::Instance => add(event.source.instance.as_deref()),
        Field::Format => add(event.source.format.as_deref()),
        Field::Version => add(event.source.version.as_deref()),
        Field::Region => add(event.source.region.as_deref()),
        Field::Reason => add(event.reason.as_ref().and_then(|reason| reason.code.as_deref())),
        Field::Outcome => add(event.outcome.as_ref().map(|outcome| outcome.status.as_str())),
        Field::OutcomeCode => {
            if let Some(outcome) = &event.outcome {
                add(outcome.code.as_deref());
                add(outcome.name.as_deref());
            }
        }
        Field::AuthorizedBy => {
            if let Some(person) = &event.authorized_by {
                add(person.id.as_deref());
                add(person.name.as_deref());
            }
        }
        Field::Ip => add(event.client.as_ref().and_then(|client| client.ip.as_deref())),
        Field::Host => {
            add(event.client.as_ref().and_then(|client| client.host.as_deref()));
            add(event.source.host.as_deref());
        }
        Field::Via => add(Some(&entry.received.via)),
        Field::Dialect => add(entry.received.dialect.as_deref()),
        Field::Import => add(entry.received.import.as_deref()),
        Field::Imported => add(Some(if is_imported(entry) { "yes" } else { "no" })),
        Field::RecordedBy => add(Some(&entry.recorded_by)),
        Field::Related => found.extend(event.related.iter().flat_map(related_values)),
        Field::Actor
        | Field::ActorId
        | Field::ActorType
        | Field::ActorName
        | Field::ActorEmail
        | Field::Role
        | Field::Credential => {
            found.extend(event.actor.iter().flat_map(|actor| actor_values(field, actor)));
        }
        Field::Target
        | Field::TargetType
        | Field::TargetId
        | Field::TargetName
        | Field::TargetUuid => {
            found.extend(event.target.iter().flat_map(|target| target_values(field, target)));
        }
        _ => found.extend(scope_values(field, entry)),
    }
    found
}

fn actor_values<'a>(field: Field, actor: &'a Actor<'_>) -> Vec<Cow<'a, str>> {
    let credential = actor.credential.as_ref();
    let list: Vec<Option<&str>> = match field {
        Field::ActorId => vec![actor.id.as_deref()],
        Field::ActorName => vec![actor.name.as_deref()],
        Field::ActorEmail => vec![actor.email.as_deref()],
        Field::ActorType => vec![Some(&actor.kind)],
        Field::Role => actor.roles.iter().map(|role| Some(role.as_ref())).collect(),
        Field::Credential => vec![
            credential.and_then(|c| c.id.as_deref()),
            credential.and_then(|c| c.label.as_deref()),
            credential.and_then(|c| c.ending.as_deref()),
        ],
        _ => vec![actor.id.as_deref(), actor.name.as_deref(), actor.email.as_deref()],
    };
    list.into_iter().flatten().map(Cow::Borrowed).collect()
}

fn target_values<'a>(field: Field, target: &'a Target<'_>) -> Vec<Cow<'a, str>> {
    let one = |value: Option<&'a str>| value.map(Cow::Borrowed).into_iter().collect();
    match field {
        Field::TargetType => one(Some(&target.kind)),
        Field::TargetId => one(target.id.as_deref()),
        Field::TargetName => one(target.name.as_deref()),
        Field::TargetUuid => one(target.uuid.as_deref()),
        _ => {
            let parts = [&target.id, &target.name, &target.uuid];
            parts.into_iter().flatten().map(|part| Cow::Borrowed(part.as_ref())).collect()
        }
    }
}

fn related_values<'a>(related: &'a Related<'_>) -> Vec<Cow<'a, str>> {
    let parts = [&related.id, &related.name];
    parts.into_iter().flatten().map(|part| Cow::Borrowed(part.as_ref())).collect()
}

fn scope_values<'a>(field: Field, entry: &'a Entry<'_>) -> Vec<Cow<'a, str>> {
    let Some(scope) = &entry.event.scope else { return Vec::new() };
    let place = match field {
        Field::Organization => scope.organization.as_ref(),
        Field::Workspace => scope.workspace.as_ref(),
        Field::Project => scope.project.as_ref(),
        Field::Study => scope.study.as_ref(),
        Field::User => scope.user.as_ref(),
        Field::StudyUuid => {
            let study = scope.study.as_ref();
            return study
                .and_then(|study| study.uuid.as_deref())
                .map(Cow::Borrowed)
                .into_iter()
                .collect();
        }
        Field::Context => return scope.context.as_deref().map(Cow::Borrowed).into_iter().collect(),
        _ => None,
    };
    place.map(place_values).unwrap_or_default()
}

fn place_values<'a>(place: &'a Place<'_>) -> Vec<Cow<'a, str>> {
    let parts = [&place.id, &place.name, &place.uuid];
    parts.into_iter().flatten().map(|part| Cow::Borrowed(part.as_ref())).collect()
}

fn is_imported(entry: &Entry<'_>) -> bool {
    entry.received.via == "import" || entry.received.import.is_some()
}

/// Every text that a word is looked for in.
fn texts(entry: &Entry<'_>) -> Vec<String> {
    let event = &entry.event;
    let mut texts: Vec<String> = Vec::new();
    for field in [
        Field::Actor,
        Field::Target,
        Field::UserAgent,
        Field::Reason,
        Field::Params,
        Field::Before,
        Field::After,
        Field::Attributes,
    ] {
        texts.extend(words_of(field, entry));
    }
    let mut names: Vec<&str> = Vec::new();
    names.extend(event.authorized_by.as_ref().and_then(|person| person.name.as_deref()));
    let credential = event.actor.as_ref().and_then(|actor| actor.credential.as_ref());
    names.extend(credential.and_then(|credential| credential.label.as_deref()));
    names.extend(event.related.iter().filter_map(|related| related.name.as_deref()));
    if let Some(scope) = &event.scope {
        for place in
            [&scope.organization, &scope.workspace, &scope.project, &scope.study, &scope.user]
        {
            names.extend(place.as_ref().and_then(|place| place.name.as_deref()));
        }
    }
    if let Some(outcome) = &event.outcome {
        names.extend(outcome.name.as_deref());
        names.extend(outcome.message.as_deref());
        names.extend(outcome.detail.as_deref());
    }
    let gap = GAP.to_string();
    texts.push(names.join(&gap));
    texts
}

/// Every value that a text is compared with whole: all that a person sees in an event, but not what
/// the server notes of how it came.
fn identifiers<'a>(entry: &'a Entry<'_>) -> Vec<Cow<'a, str>> {
    let fields = [
        Field::Id,
        Field::Actor,
        Field::ActorType,
        Field::Role,
        Field::Credential,
        Field::AuthorizedBy,
        Field::Session,
        Field::Host,
        Field::Action,
        Field::Target,
        Field::TargetType,
        Field::Related,
        Field::Organization,
        Field::Workspace,
        Field::Project,
        Field::Study,
        Field::User,
        Field::Context,
        Field::Outcome,
        Field::OutcomeCode,
        Field::Operation,
        Field::Reason,
        Field::System,
        Field::Instance,
        Field::Format,
        Field::Version,
        Field::Region,
    ];
    fields.into_iter().flat_map(|field| values(field, entry, &NoKinds)).collect()
}

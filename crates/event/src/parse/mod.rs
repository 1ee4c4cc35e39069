//! From JSON text to an [`Event`], in one pass, naming what is wrong.
//!
//! The same code reads what a client sends and what a log holds. They differ in two points, kept in
//! [`Reading`]: in a log, `null` may stand where a value was detached, and members that a later
//! version added are passed over.

mod part;
mod value;

use std::borrow::Cow;

use crate::json::Scanner;
use crate::limits::{EVENT_BYTES_MAX, ID_BYTES_MAX, TEXT_BYTES_MAX};
use crate::{
    Actor, Client, Event, Invalid, Json, Moment, Outcome, Person, Reason, Related, Rule, Scope,
    Source, Target,
};

pub(crate) use value::{Parsed, Reading, array, object, once, required};
use value::{free, moment, text, vacant, wrong};

impl<'a> Event<'a> {
    /// Reads one event.
    ///
    /// # Errors
    /// Names the member, the rule it breaks and the fix; see [`Rule`].
    pub fn parse(text: &'a str) -> Parsed<Self> {
        if text.len() > EVENT_BYTES_MAX {
            return Err(too_large());
        }
        let mut scanner = Scanner::new(text);
        scanner.skip_space();
        let event = Self::read(&mut scanner)?;
        scanner.skip_space();
        scanner.end()?;
        Ok(event)
    }

    /// Reads one event from where the scanner stands.
    pub(crate) fn read(scanner: &mut Scanner<'a>) -> Parsed<Self> {
        let mut members = Members::default();
        let mut reading = Reading::of_an_event();
        object(scanner, "", |scanner, key| members.read(scanner, &mut reading, key))?;
        members.finish()
    }
}

/// The fault of an event of more than [`EVENT_BYTES_MAX`] bytes.
pub(crate) fn too_large() -> Invalid {
    let message = format!("an event has at most {EVENT_BYTES_MAX} bytes; send less");
    Invalid::new("", Rule::TooLong, message)
}

/// The members of an event while they are being read.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    id: Option<Cow<'a, str>>,
    occurred_at: Option<Moment<'a>>,
    source: Option<Source<'a>>,
    actor: Option<Actor<'a>>,
    authorized_by: Option<Person<'a>>,
    session: Option<Cow<'a, str>>,
    client: Option<Client<'a>>,
    action: Option<Cow<'a, str>>,
    target: Option<Target<'a>>,
    related: Option<Vec<Related<'a>>>,
    scope: Option<Scope<'a>>,
    outcome: Option<Outcome<'a>>,
    operation: Option<Cow<'a, str>>,
    reason: Option<Reason<'a>>,
    params: Option<Json<'a>>,
    before: Option<Json<'a>>,
    after: Option<Json<'a>>,
    attributes: Option<Json<'a>>,
    redacted: Option<Vec<Cow<'a, str>>>,
}

/// Members that only the server sets.
const SERVER_MEMBERS: [&str; 9] = [
    "v",
    "index",
    "recorded_at",
    "recorded_by",
    "received",
    "violations",
    "detached",
    "native",
    "leaf_hash",
];

impl<'a> Members<'a> {
    /// Reads the member with this name, whose value comes next.
    pub(crate) fn read(&mut self, s: &mut Scanner<'a>, r: &mut Reading, key: &str) -> Parsed<()> {
        match key {
            "id" => text(s, &mut self.id, "/id", ID_BYTES_MAX),
            "occurred_at" => once(&mut self.occurred_at, "/occurred_at", moment(s)?),
            "source" => part::source(s, r, vacant(&mut self.source, "/source")?),
            "actor" => part::actor(s, r, vacant(&mut self.actor, "/actor")?),
            "authorized_by" => {
                part::person(s, r, vacant(&mut self.authorized_by, "/authorized_by")?)
            }
            "session" => r.text(s, &mut self.session, "/session", TEXT_BYTES_MAX),
            "client" => part::client(s, r, vacant(&mut self.client, "/client")?),
            "action" => text(s, &mut self.action, "/action", ID_BYTES_MAX),
            "target" => part::target(s, r, vacant(&mut self.target, "/target")?),
            "related" => part::related(s, r, &mut self.related),
            "scope" => part::scope(s, r, vacant(&mut self.scope, "/scope")?),
            "outcome" => part::outcome(s, r, vacant(&mut self.outcome, "/outcome")?),
            "operation" => r.text(s, &mut self.operation, "/operation", TEXT_BYTES_MAX),
            "reason" => part::reason(s, r, vacant(&mut self.reason, "/reason")?),
            "params" => r.fill(s, &mut self.params, "/params", |s, at| free(s, at)),
            "before" => r.fill(s, &mut self.before, "/before", |s, at| free(s, at)),
            "after" => r.fill(s, &mut self.after, "/after", |s, at| free(s, at)),
            "attributes" => r.fill(s, &mut self.attributes, "/attributes", |s, at| {
                free(s, at).and_then(|json| {
                    if json.is_object() { Ok(json) } else { Err(wrong(at, "an object")) }
                })
            }),
            "redacted" => part::redacted(s, r, &mut self.redacted),
            _ if r.is_entry() => r.unknown(s, "", key),
            _ if SERVER_MEMBERS.contains(&key) => Err(Invalid::new(
                format!("/{key}"),
                Rule::ServerMember,
                "only the server sets this member; leave it out",
            )),
            _ => r.unknown(s, "", key),
        }
    }

    /// The event, if nothing that it needs is missing.
    pub(crate) fn finish(self) -> Parsed<Event<'a>> {
        Ok(Event {
            id: self.id,
            occurred_at: required(self.occurred_at, "/occurred_at")?,
            source: required(self.source, "/source")?,
            actor: self.actor,
            authorized_by: self.authorized_by,
            session: self.session,
            client: self.client,
            action: required(self.action, "/action")?,
            target: self.target,
            related: self.related.unwrap_or_default(),
            scope: self.scope,
            outcome: self.outcome,
            operation: self.operation,
            reason: self.reason,
            params: self.params,
            before: self.before,
            after: self.after,
            attributes: self.attributes,
            redacted: self.redacted.unwrap_or_default(),
        })
    }
}

/// What an event's canonical JSON says it redacted; nothing if it is not one.
pub(crate) fn redacted_of(text: &str) -> Vec<Cow<'_, str>> {
    let mut scanner = Scanner::new(text);
    let mut members = Members::default();
    let mut reading = Reading::of_an_entry();
    let read = object(&mut scanner, "", |s, key| members.read(s, &mut reading, key));
    read.ok().and(members.redacted).unwrap_or_default()
}

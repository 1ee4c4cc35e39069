//! From JSON text to an [`Event`], in one pass, naming what is wrong.

use std::borrow::Cow;

use crate::json::{Scanner, is_pointer};
use crate::limits::{
    EVENT_BYTES_MAX, ID_BYTES_MAX, PROSE_BYTES_MAX, REDACTED_MAX, RELATED_MAX, ROLES_MAX,
    SYSTEM_BYTES_MAX, TEXT_BYTES_MAX,
};
use crate::{
    Actor, Client, Credential, Event, Invalid, Json, Moment, Outcome, Person, Place, Reason,
    Related, Rule, Scope, Source, Status, Target,
};

type Parsed<T> = Result<T, Invalid>;
type Text<'a> = Option<Cow<'a, str>>;

impl<'a> Event<'a> {
    /// Reads one event.
    ///
    /// # Errors
    /// Names the member, the rule it breaks and the fix; see [`Rule`].
    pub fn parse(text: &'a str) -> Parsed<Self> {
        if text.len() > EVENT_BYTES_MAX {
            let message = format!("an event has at most {EVENT_BYTES_MAX} bytes; send less");
            return Err(Invalid::new("", Rule::TooLong, message));
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
        object(scanner, "", |scanner, key| members.read(scanner, key, false))?;
        members.finish()
    }
}

/// The members of an event while they are being read.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    id: Text<'a>,
    occurred_at: Option<Moment<'a>>,
    source: Option<Source<'a>>,
    actor: Option<Actor<'a>>,
    authorized_by: Option<Person<'a>>,
    session: Text<'a>,
    client: Option<Client<'a>>,
    action: Text<'a>,
    target: Option<Target<'a>>,
    related: Option<Vec<Related<'a>>>,
    scope: Option<Scope<'a>>,
    outcome: Option<Outcome<'a>>,
    operation: Text<'a>,
    reason: Option<Reason<'a>>,
    params: Option<Json<'a>>,
    before: Option<Json<'a>>,
    after: Option<Json<'a>>,
    attributes: Option<Json<'a>>,
    redacted: Option<Vec<Cow<'a, str>>>,
}

/// Members that only the server sets.
const SERVER_MEMBERS: [&str; 9] = [
    "v", "index", "recorded_at", "recorded_by", "received", "violations", "detached", "native",
    "leaf_hash",
];

impl<'a> Members<'a> {
    /// Reads one member. `holes` allows `null` where a detached value stood.
    pub(crate) fn read(
        &mut self,
        s: &mut Scanner<'a>,
        key: &str,
        holes: bool,
    ) -> Parsed<()> {
        if holes && s.peek() == Some(b'n') {
            return s.value().map(drop);
        }
        match key {
            "id" => text(s, &mut self.id, "/id", ID_BYTES_MAX),
            "occurred_at" => occurred_at(s, &mut self.occurred_at),
            "source" => once(&mut self.source, "/source", source(s)?),
            "actor" => once(&mut self.actor, "/actor", actor(s, holes)?),
            "authorized_by" => {
                once(&mut self.authorized_by, "/authorized_by", person(s, holes)?)
            }
            "session" => text(s, &mut self.session, "/session", TEXT_BYTES_MAX),
            "client" => once(&mut self.client, "/client", client(s, holes)?),
            "action" => text(s, &mut self.action, "/action", ID_BYTES_MAX),
            "target" => once(&mut self.target, "/target", target(s, holes)?),
            "related" => once(&mut self.related, "/related", related(s)?),
            "scope" => once(&mut self.scope, "/scope", scope(s, holes)?),
            "outcome" => once(&mut self.outcome, "/outcome", outcome(s, holes)?),
            "operation" => text(s, &mut self.operation, "/operation", TEXT_BYTES_MAX),
            "reason" => once(&mut self.reason, "/reason", reason(s, holes)?),
            "params" => json(s, &mut self.params, "/params"),
            "before" => json(s, &mut self.before, "/before"),
            "after" => json(s, &mut self.after, "/after"),
            "attributes" => {
                json(s, &mut self.attributes, "/attributes")?;
                match &self.attributes {
                    Some(value) if !value.is_object() => Err(wrong("/attributes", "an object")),
                    _ => Ok(()),
                }
            }
            "redacted" => once(&mut self.redacted, "/redacted", redacted(s)?),
            _ if SERVER_MEMBERS.contains(&key) => Err(Invalid::new(
                format!("/{key}"),
                Rule::ServerMember,
                "only the server sets this member; leave it out",
            )),
            _ => Err(unknown("", key)),
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

fn wrong(at: &str, expected: &str) -> Invalid {
    Invalid::new(at, Rule::Type, format!("expected {expected}"))
}

fn unknown(parent: &str, key: &str) -> Invalid {
    let name: String = key.chars().take(64).collect();
    Invalid::new(
        format!("{parent}/{}", crate::json::pointer_token(&name)),
        Rule::Unknown,
        "no such member; put what has no place of its own under `attributes`",
    )
}

fn duplicate(at: &str) -> Invalid {
    Invalid::new(at, Rule::Duplicate, "stands twice; keep one")
}

fn required<T>(value: Option<T>, at: &str) -> Parsed<T> {
    value.ok_or_else(|| Invalid::new(at, Rule::Required, "is required; add it"))
}

fn once<T>(slot: &mut Option<T>, at: &str, value: T) -> Parsed<()> {
    if slot.is_some() {
        return Err(duplicate(at));
    }
    *slot = Some(value);
    Ok(())
}

fn not_null(s: &Scanner<'_>, at: &str) -> Parsed<()> {
    if s.peek() == Some(b'n') {
        return Err(Invalid::new(at, Rule::Empty, "is null; leave the member out"));
    }
    Ok(())
}

/// Reads an object, giving each member's name to `member`.
pub(crate) fn object<'a>(
    s: &mut Scanner<'a>,
    at: &str,
    mut member: impl FnMut(&mut Scanner<'a>, &str) -> Parsed<()>,
) -> Parsed<()> {
    not_null(s, at)?;
    if !s.take(b'{') {
        return Err(if matches!(s.peek(), Some(b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f')) {
            wrong(at, "an object")
        } else {
            s.fault("expected a JSON object")
        });
    }
    s.descend()?;
    s.skip_space();
    if !s.take(b'}') {
        loop {
            let key = s.string()?;
            s.colon()?;
            member(s, &key)?;
            if s.comma_or(b'}')? {
                break;
            }
        }
    }
    s.ascend();
    Ok(())
}

fn array<'a>(
    s: &mut Scanner<'a>,
    at: &str,
    count_max: usize,
    mut item: impl FnMut(&mut Scanner<'a>) -> Parsed<()>,
) -> Parsed<()> {
    not_null(s, at)?;
    if !s.take(b'[') {
        return Err(wrong(at, "an array"));
    }
    s.descend()?;
    s.skip_space();
    if s.take(b']') {
        return Err(Invalid::new(at, Rule::Empty, "is empty; leave the member out"));
    }
    for position in 0.. {
        if position == count_max {
            let message = format!("has more than {count_max} items; send fewer");
            return Err(Invalid::new(at, Rule::TooLong, message));
        }
        item(s).map_err(|fault| within(fault, at, position))?;
        if s.comma_or(b']')? {
            break;
        }
    }
    s.ascend();
    Ok(())
}

/// Puts an item's position into the pointer of its fault.
fn within(mut fault: Invalid, at: &str, position: usize) -> Invalid {
    if let Some(rest) = fault.at.strip_prefix(at) {
        fault.at = format!("{at}/{position}{rest}");
    }
    fault
}

fn plain_text<'a>(s: &mut Scanner<'a>, at: &str, bytes_max: usize) -> Parsed<Cow<'a, str>> {
    not_null(s, at)?;
    if s.peek() != Some(b'"') {
        return Err(wrong(at, "a string"));
    }
    let content = s.string()?;
    let prose = bytes_max == PROSE_BYTES_MAX;
    if content.is_empty() {
        return Err(Invalid::new(at, Rule::Empty, "is empty; leave the member out"));
    }
    if content.len() > bytes_max {
        let message = format!("has more than {bytes_max} bytes; shorten it");
        return Err(Invalid::new(at, Rule::TooLong, message));
    }
    let control = |byte: u8| {
        (byte < 0x20 || byte == 0x7F) && !(prose && matches!(byte, b'\n' | b'\r' | b'\t'))
    };
    if content.bytes().any(control) {
        let message = "has a control character; remove it";
        return Err(Invalid::new(at, Rule::Control, message));
    }
    Ok(content)
}

fn text<'a>(s: &mut Scanner<'a>, slot: &mut Text<'a>, at: &str, max: usize) -> Parsed<()> {
    let content = plain_text(s, at, max)?;
    once(slot, at, content)
}

/// A text member of a part; `null` is passed over where a detached value may have stood.
fn part<'a>(
    s: &mut Scanner<'a>,
    slot: &mut Text<'a>,
    at: &str,
    max: usize,
    holes: bool,
) -> Parsed<()> {
    if holes && s.peek() == Some(b'n') {
        return s.value().map(drop);
    }
    text(s, slot, at, max)
}

fn json<'a>(s: &mut Scanner<'a>, slot: &mut Option<Json<'a>>, at: &str) -> Parsed<()> {
    not_null(s, at)?;
    let value = s.value().map_err(|mut fault| {
        if fault.rule != Rule::Syntax {
            at.clone_into(&mut fault.at);
        }
        fault
    })?;
    once(slot, at, Json::trusted(value))
}

fn occurred_at<'a>(s: &mut Scanner<'a>, slot: &mut Option<Moment<'a>>) -> Parsed<()> {
    let at = "/occurred_at";
    let content = plain_text(s, at, 64)?;
    let moment = Moment::parse(content).ok_or_else(|| {
        Invalid::new(
            at,
            Rule::Time,
            "write it as RFC 3339 with an offset, such as 2026-11-21T08:05:00.123456+01:00, \
             between 1970 and 2199",
        )
    })?;
    once(slot, at, moment)
}

fn source<'a>(s: &mut Scanner<'a>) -> Parsed<Source<'a>> {
    let mut system = None;
    let mut out = Source::default();
    object(s, "/source", |s, key| match key {
        "system" => text(s, &mut system, "/source/system", SYSTEM_BYTES_MAX),
        "instance" => text(s, &mut out.instance, "/source/instance", ID_BYTES_MAX),
        "format" => text(s, &mut out.format, "/source/format", ID_BYTES_MAX),
        "version" => text(s, &mut out.version, "/source/version", ID_BYTES_MAX),
        "region" => text(s, &mut out.region, "/source/region", ID_BYTES_MAX),
        "host" => text(s, &mut out.host, "/source/host", ID_BYTES_MAX),
        "sequence" => sequence(s, &mut out.sequence),
        _ => Err(unknown("/source", key)),
    })?;
    out.system = required(system, "/source/system")?;
    Ok(out)
}

fn sequence(s: &mut Scanner<'_>, slot: &mut Option<u64>) -> Parsed<()> {
    let at = "/source/sequence";
    not_null(s, at)?;
    if !matches!(s.peek(), Some(b'0'..=b'9' | b'-')) {
        return Err(wrong(at, "a whole number from 0"));
    }
    // 2^53 - 1: beyond it, readers that keep numbers as doubles would change it.
    let number = s.number()?.parse().ok().filter(|number| *number < 1 << 53);
    once(slot, at, number.ok_or_else(|| wrong(at, "a whole number from 0 to 9007199254740991"))?)
}

fn actor<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Actor<'a>> {
    let (mut kind, mut roles) = (None, None);
    let mut out = Actor::default();
    object(s, "/actor", |s, key| match key {
        "type" => text(s, &mut kind, "/actor/type", ID_BYTES_MAX),
        "id" => part(s, &mut out.id, "/actor/id", TEXT_BYTES_MAX, holes),
        "name" => part(s, &mut out.name, "/actor/name", TEXT_BYTES_MAX, holes),
        "email" => part(s, &mut out.email, "/actor/email", TEXT_BYTES_MAX, holes),
        "roles" => {
            let mut list = Vec::new();
            array(s, "/actor/roles", ROLES_MAX, |s| {
                list.push(plain_text(s, "/actor/roles", ID_BYTES_MAX)?);
                Ok(())
            })?;
            once(&mut roles, "/actor/roles", list)
        }
        "credential" => once(&mut out.credential, "/actor/credential", credential(s)?),
        _ => Err(unknown("/actor", key)),
    })?;
    out.kind = required(kind, "/actor/type")?;
    out.roles = roles.unwrap_or_default();
    Ok(out)
}

fn credential<'a>(s: &mut Scanner<'a>) -> Parsed<Credential<'a>> {
    let mut out = Credential::default();
    object(s, "/actor/credential", |s, key| match key {
        "id" => text(s, &mut out.id, "/actor/credential/id", ID_BYTES_MAX),
        "label" => text(s, &mut out.label, "/actor/credential/label", ID_BYTES_MAX),
        "ending" => text(s, &mut out.ending, "/actor/credential/ending", 64),
        _ => Err(unknown("/actor/credential", key)),
    })?;
    Ok(out)
}

fn person<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Person<'a>> {
    let mut out = Person::default();
    object(s, "/authorized_by", |s, key| match key {
        "id" => part(s, &mut out.id, "/authorized_by/id", TEXT_BYTES_MAX, holes),
        "name" => part(s, &mut out.name, "/authorized_by/name", TEXT_BYTES_MAX, holes),
        _ => Err(unknown("/authorized_by", key)),
    })?;
    Ok(out)
}

fn client<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Client<'a>> {
    let mut out = Client::default();
    object(s, "/client", |s, key| match key {
        "ip" => part(s, &mut out.ip, "/client/ip", TEXT_BYTES_MAX, holes),
        "user_agent" => part(s, &mut out.user_agent, "/client/user_agent", TEXT_BYTES_MAX, holes),
        "host" => part(s, &mut out.host, "/client/host", TEXT_BYTES_MAX, holes),
        _ => Err(unknown("/client", key)),
    })?;
    Ok(out)
}

fn target<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Target<'a>> {
    let mut kind = None;
    let mut out = Target::default();
    object(s, "/target", |s, key| match key {
        "type" => text(s, &mut kind, "/target/type", ID_BYTES_MAX),
        "id" => part(s, &mut out.id, "/target/id", TEXT_BYTES_MAX, holes),
        "name" => part(s, &mut out.name, "/target/name", TEXT_BYTES_MAX, holes),
        "uuid" => part(s, &mut out.uuid, "/target/uuid", TEXT_BYTES_MAX, holes),
        "schema_version" => text(s, &mut out.schema_version, "/target/schema_version", ID_BYTES_MAX),
        "url" => part(s, &mut out.url, "/target/url", TEXT_BYTES_MAX, holes),
        _ => Err(unknown("/target", key)),
    })?;
    out.kind = required(kind, "/target/type")?;
    Ok(out)
}

fn related<'a>(s: &mut Scanner<'a>) -> Parsed<Vec<Related<'a>>> {
    let mut list = Vec::new();
    array(s, "/related", RELATED_MAX, |s| {
        let (mut role, mut kind) = (None, None);
        let mut out = Related::default();
        object(s, "/related", |s, key| match key {
            "role" => text(s, &mut role, "/related/role", ID_BYTES_MAX),
            "type" => text(s, &mut kind, "/related/type", ID_BYTES_MAX),
            "id" => text(s, &mut out.id, "/related/id", TEXT_BYTES_MAX),
            "name" => text(s, &mut out.name, "/related/name", TEXT_BYTES_MAX),
            _ => Err(unknown("/related", key)),
        })?;
        out.role = required(role, "/related/role")?;
        out.kind = required(kind, "/related/type")?;
        list.push(out);
        Ok(())
    })?;
    Ok(list)
}

fn scope<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Scope<'a>> {
    let mut out = Scope::default();
    object(s, "/scope", |s, key| {
        let (slot, at) = match key {
            "organization" => (&mut out.organization, "/scope/organization"),
            "workspace" => (&mut out.workspace, "/scope/workspace"),
            "project" => (&mut out.project, "/scope/project"),
            "study" => (&mut out.study, "/scope/study"),
            "user" => (&mut out.user, "/scope/user"),
            "context" => return text(s, &mut out.context, "/scope/context", ID_BYTES_MAX),
            _ => return Err(unknown("/scope", key)),
        };
        once(slot, at, place(s, at, holes)?)
    })?;
    Ok(out)
}

fn place<'a>(s: &mut Scanner<'a>, parent: &str, holes: bool) -> Parsed<Place<'a>> {
    let mut out = Place::default();
    object(s, parent, |s, key| {
        let slot = match key {
            "id" => &mut out.id,
            "name" => &mut out.name,
            "uuid" => &mut out.uuid,
            _ => return Err(unknown(parent, key)),
        };
        // The pointer is only needed for a fault, and this is a hot path.
        part(s, slot, "", TEXT_BYTES_MAX, holes).map_err(|mut fault| {
            if fault.rule != Rule::Syntax {
                fault.at = format!("{parent}/{key}");
            }
            fault
        })
    })?;
    Ok(out)
}

fn outcome<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Outcome<'a>> {
    let mut status = None;
    let mut out = Outcome::default();
    object(s, "/outcome", |s, key| match key {
        "status" => {
            let word = plain_text(s, "/outcome/status", ID_BYTES_MAX)?;
            let known = Status::parse(&word).ok_or_else(|| {
                let message = "expected one of success, failure, denied, unknown";
                Invalid::new("/outcome/status", Rule::Vocabulary, message)
            })?;
            once(&mut status, "/outcome/status", known)
        }
        "code" => part(s, &mut out.code, "/outcome/code", TEXT_BYTES_MAX, holes),
        "name" => part(s, &mut out.name, "/outcome/name", TEXT_BYTES_MAX, holes),
        "message" => part(s, &mut out.message, "/outcome/message", PROSE_BYTES_MAX, holes),
        "detail" => part(s, &mut out.detail, "/outcome/detail", PROSE_BYTES_MAX, holes),
        _ => Err(unknown("/outcome", key)),
    })?;
    out.status = required(status, "/outcome/status")?;
    Ok(out)
}

fn reason<'a>(s: &mut Scanner<'a>, holes: bool) -> Parsed<Reason<'a>> {
    let mut words = None;
    let mut hole = false;
    let mut out = Reason::default();
    object(s, "/reason", |s, key| match key {
        "text" if holes && s.peek() == Some(b'n') => {
            hole = true;
            s.value().map(drop)
        }
        "text" => text(s, &mut words, "/reason/text", PROSE_BYTES_MAX),
        "code" => part(s, &mut out.code, "/reason/code", ID_BYTES_MAX, holes),
        _ => Err(unknown("/reason", key)),
    })?;
    out.text = if hole { Cow::Borrowed("") } else { required(words, "/reason/text")? };
    Ok(out)
}

fn redacted<'a>(s: &mut Scanner<'a>) -> Parsed<Vec<Cow<'a, str>>> {
    let mut list = Vec::new();
    array(s, "/redacted", REDACTED_MAX, |s| {
        let pointer = plain_text(s, "/redacted", TEXT_BYTES_MAX)?;
        if !is_pointer(&pointer) {
            let message = "expected a JSON pointer (RFC 6901), such as /params/token";
            return Err(Invalid::new("/redacted", Rule::Pointer, message));
        }
        list.push(pointer);
        Ok(())
    })?;
    Ok(list)
}

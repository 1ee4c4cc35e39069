//! `AuditRecord`, both ways.

use std::borrow::Cow;

use event::json::{Edit, edit};
use event::{
    Actor, Event, Json, Moment, Outcome, Place, Scope, Source, Status, Target, format_micros,
};

use super::study;
use crate::json::Normal;
use crate::members::{Members, fits, fits_prose, is_whole, string};
use crate::record::{Refused, add_known, finish, own_json};
use crate::{Fault, Mapped, ReadOptions};

/// `source.format` of an event that was an `AuditRecord`.
pub(super) const FORMAT: &str = "audit-record";

/// `source.system` of all that comes from OpenCGA.
pub(super) const SYSTEM: &str = "opencga";

/// The member of `attributes` that holds MongoDB's own id.
pub(super) const OBJECT_ID: &str = "_id";

/// The member of `attributes` that lists what the dialect took from elsewhere in the record.
pub(super) const DERIVED: &str = "derived";

/// Where the parts of a record stand in its event; what is not here stands in `native` only.
const POINTERS: [(&str, &str); 12] = [
    ("/params", "/params"),
    ("/attributes", "/attributes"),
    ("/status/error/description", "/outcome/message"),
    ("/status/error/name", "/outcome/name"),
    ("/status", "/outcome"),
    ("/operationId", "/operation"),
    ("/userId", "/actor/id"),
    ("/resourceId", "/target/id"),
    ("/resourceUuid", "/target/uuid"),
    ("/studyId", "/scope/study/id"),
    ("/studyUuid", "/scope/study/uuid"),
    ("/apiVersion", "/source/version"),
];

/// A record in normal form as an event.
pub(super) fn map(normal: Normal, options: &ReadOptions) -> Result<Mapped, Refused> {
    let Normal { text, mut redacted } = normal;
    let text = redact(text, &mut redacted, options);
    let record = Members::parse(&text)
        .ok_or_else(|| Refused::new(Fault::Shape, "is no JSON object; expected a record"))?;
    let mut event = to_event(&record)?;
    event.redacted = redacted.iter().map(|at| event_pointer(at).into()).collect();
    let again = to_record(&event);
    let native = if again.is_same(&with_nulls(&record)) { None } else { own_json(&text) };
    // What the record says comes before what the caller knows of all records.
    study::derive(&mut event);
    add_known(&mut event, options);
    finish(event, native, text.len())
}

/// Drops what the caller wants dropped.
fn redact(text: String, redacted: &mut Vec<String>, options: &ReadOptions) -> String {
    if options.redact.is_empty() {
        return text;
    }
    edit(&text, &mut |at| {
        let inside = at.starts_with("/params/") || at.starts_with("/attributes/");
        if inside && options.redact.iter().any(|pointer| pointer == at) {
            redacted.push(at.to_owned());
            return Edit::Drop;
        }
        Edit::Keep
    })
}

fn event_pointer(at: &str) -> String {
    POINTERS
        .iter()
        .find_map(|(record, event)| {
            let rest = at.strip_prefix(record)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{event}{rest}"))
        })
        .unwrap_or_else(|| format!("/native{at}"))
}

fn to_event(record: &Members<'_>) -> Result<Event<'static>, Refused> {
    let text = |name| record.peek(name).and_then(string).filter(|text| fits(text, 4_096));
    let word = |name| text(name).filter(|text| fits(text, 1_024));
    let action = word("action").ok_or_else(|| Refused::missing("action"))?;
    let date = record.peek("date").ok_or_else(|| Refused::missing("date"))?;
    let moment = moment(date).ok_or_else(|| Refused::time("date"))?;
    let mut event = Event::new(moment, SYSTEM, action);
    event.id = Some(id(record).ok_or_else(|| Refused::missing("id"))?.into());
    event.source = Source {
        format: Some(FORMAT.into()),
        version: word("apiVersion").map(Cow::Owned),
        ..event.source
    };
    event.actor = text("userId").map(|id| match id.as_str() {
        "*" => Actor { kind: "anonymous".into(), ..Actor::default() },
        _ => Actor { kind: "user".into(), id: Some(id.into()), ..Actor::default() },
    });
    event.target = word("resource").map(|kind| Target {
        kind: kind.into(),
        id: text("resourceId").map(Cow::Owned),
        uuid: text("resourceUuid").map(Cow::Owned),
        ..Target::default()
    });
    let (id, uuid) = (text("studyId"), text("studyUuid"));
    if id.is_some() || uuid.is_some() {
        let study = Place { id: id.map(Cow::Owned), uuid: uuid.map(Cow::Owned), name: None };
        event.scope = Some(Scope { study: Some(study), ..Scope::default() });
    }
    event.operation = text("operationId").map(Cow::Owned);
    event.outcome = record.peek("status").and_then(Members::parse).map(|status| outcome(&status));
    event.params =
        record.peek("params").filter(|json| !matches!(*json, "{}" | "null")).and_then(own_json);
    event.attributes = attributes(record);
    Ok(event)
}

/// The record's own id; for one without, MongoDB's.
fn id(record: &Members<'_>) -> Option<String> {
    let own = record.peek("id").and_then(string).filter(|id| fits(id, 1_024));
    own.or_else(|| {
        let id = Members::parse(record.peek(OBJECT_ID)?)?.peek("$oid").and_then(string)?;
        fits(&id, 64).then(|| format!("oid:{id}"))
    })
}

/// A date in milliseconds since the epoch, or as MongoDB's own type.
fn moment(json: &str) -> Option<Moment<'static>> {
    if let Ok(millis) = json.parse::<i64>() {
        return millis_moment(millis);
    }
    let text = Members::parse(json)?.peek("$date").and_then(string)?;
    Moment::parse(text)
}

fn millis_moment(millis: i64) -> Option<Moment<'static>> {
    let text = format_micros(millis.checked_mul(1_000).filter(|micros| *micros >= 0)?);
    Moment::parse(format!("{}Z", text.strip_suffix("000Z")?))
}

fn outcome(status: &Members<'_>) -> Outcome<'static> {
    let name = status.peek("name").and_then(string).unwrap_or_default();
    let mut outcome = Outcome {
        status: match name.as_str() {
            "SUCCESS" => Status::Success,
            "ERROR" => Status::Failure,
            _ => Status::Unknown,
        },
        ..Outcome::default()
    };
    if outcome.status == Status::Unknown && fits(&name, 1_024) && name != UNKNOWN {
        outcome.detail = Some(name.into());
    }
    if let Some(error) = status.peek("error").and_then(Members::parse) {
        let text = |name| error.peek(name).and_then(string);
        outcome.code =
            error.peek("code").filter(|code| is_whole(code)).map(|code| code.to_owned().into());
        outcome.name = text("name").filter(|name| fits(name, 4_096)).map(Cow::Owned);
        outcome.message = text("description").filter(|text| fits_prose(text)).map(Cow::Owned);
    }
    outcome
}

/// The record's attributes with MongoDB's id among them, unless that would take a name twice.
fn attributes(record: &Members<'_>) -> Option<Json<'static>> {
    let own = record.peek("attributes").and_then(Members::parse).unwrap_or_default();
    let mut all = Members::default();
    if own.peek(OBJECT_ID).is_none()
        && let Some(id) = record.peek(OBJECT_ID)
    {
        all.put(OBJECT_ID, id.to_owned());
    }
    for (name, json) in own.iter() {
        all.put_named(name.to_owned(), json);
    }
    all.into_attributes()
}

/// The status of an event that says nothing of its outcome. OpenCGA itself always does.
const UNKNOWN: &str = "UNKNOWN";

/// An event as a record in normal form. An event of OpenCGA gives its record back, and members that
/// it has no place for are not there.
pub(super) fn to_record(event: &Event<'_>) -> Members<'static> {
    let mut record = Members::default();
    let attributes = event.attributes.as_ref().and_then(|json| Members::parse(json.as_str()));
    let attributes = attributes.unwrap_or_default();
    let derived = study::derived(event);
    let ours = event.source.system == SYSTEM;
    if ours && let Some(id) = attributes.peek(OBJECT_ID) {
        record.put(OBJECT_ID, id.to_owned());
    }
    let text = |record: &mut Members<'static>, name, content: Option<&str>| {
        record.put_text(name, Some(content.unwrap_or_default()));
    };
    let own_id = event.id.as_deref().filter(|id| !(ours && id.starts_with("oid:")));
    text(&mut record, "id", own_id);
    text(&mut record, "operationId", event.operation.as_deref());
    match &event.actor {
        Some(actor) if actor.kind == "anonymous" => text(&mut record, "userId", Some("*")),
        Some(actor) if actor.id.is_some() || actor.name.is_some() => {
            text(&mut record, "userId", actor.id.as_deref().or(actor.name.as_deref()));
        }
        _ => record.put("userId", "null"),
    }
    text(&mut record, "apiVersion", event.source.version.as_deref());
    text(&mut record, "action", Some(&event.action));
    let target = event.target.as_ref();
    text(&mut record, "resource", target.map(|target| &*target.kind));
    text(&mut record, "resourceId", target.and_then(|target| target.id.as_deref()));
    text(&mut record, "resourceUuid", target.and_then(|target| target.uuid.as_deref()));
    let study = event.scope.as_ref().and_then(|scope| scope.study.as_ref());
    let study = study.filter(|_| !derived.iter().any(|at| at == study::STUDY));
    text(&mut record, "studyId", study.and_then(|study| study.id.as_deref()));
    text(&mut record, "studyUuid", study.and_then(|study| study.uuid.as_deref()));
    record.put("params", params(event));
    record.put("status", status(event.outcome.as_ref()));
    record.put("date", event.occurred_at.micros().div_euclid(1_000).to_string());
    let mut own = Members::default();
    for (name, json) in attributes.iter() {
        let added = ours && (name == OBJECT_ID || (name == DERIVED && !derived.is_empty()));
        if !added {
            own.put_named(name.to_owned(), json);
        }
    }
    record.put("attributes", own.to_json());
    record
}

/// Parameters are an object in a record; another value stands in one.
fn params(event: &Event<'_>) -> String {
    match &event.params {
        None => "{}".to_owned(),
        Some(json) if json.is_object() => json.as_str().to_owned(),
        Some(json) => format!("{{\"value\":{}}}", json.as_str()),
    }
}

fn status(outcome: Option<&Outcome<'_>>) -> String {
    let mut status = Members::default();
    let known = outcome.map_or(Status::Unknown, |outcome| outcome.status);
    let name = match known {
        Status::Success => "SUCCESS",
        Status::Failure | Status::Denied => "ERROR",
        Status::Unknown => outcome.and_then(|o| o.detail.as_deref()).unwrap_or(UNKNOWN),
    };
    status.put_text("name", Some(name));
    let said = outcome.filter(|o| o.code.is_some() || o.name.is_some() || o.message.is_some());
    if let Some(outcome) = said {
        let mut error = Members::default();
        error.put("code", code(outcome).unwrap_or("0").to_owned());
        error.put_text("name", Some(outcome.name.as_deref().unwrap_or_default()));
        error.put_text("description", Some(outcome.message.as_deref().unwrap_or_default()));
        status.put("error", error.to_json());
    } else {
        status.put("error", "null");
    }
    status.to_json()
}

/// The code of an error, if it is the whole number that a record needs.
pub(super) fn code<'o>(outcome: &'o Outcome<'_>) -> Option<&'o str> {
    outcome.code.as_deref().filter(|code| is_whole(code))
}

/// The record with the nulls that MongoDB keeps and the REST service leaves out.
fn with_nulls(record: &Members<'_>) -> Members<'static> {
    let mut full = Members::default();
    for (name, json) in record.iter() {
        let status = Members::parse(json).filter(|s| name == "status" && s.peek("error").is_none());
        match status {
            Some(mut status) => {
                status.put("error", "null");
                full.put("status", status.to_json());
            }
            None => full.put_named(name.to_owned(), json),
        }
    }
    if full.peek("userId").is_none() {
        full.put("userId", "null");
    }
    full
}

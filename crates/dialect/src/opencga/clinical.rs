//! The second trail of OpenCGA: the list `audit` inside every clinical analysis.
//!
//! Its entries have author, action, message and a date of whole seconds without a zone, which is
//! taken as UTC and marked as derived. They have no id: the SHA-256 of analysis and entry, and the
//! ordinal among equals in the list, stand for one.

use std::borrow::Cow;

use event::json::{Edit, edit};
use event::{Actor, Event, Moment, Target};

use super::record::{DERIVED, SYSTEM};
use crate::identity::Ordinals;
use crate::json::Normal;
use crate::members::{Members, fits, items, string};
use crate::record::{Refused, add_known, finish, own_json};
use crate::{Fault, Mapped, ReadOptions, Row};

/// `source.format` of an event that was an entry of a clinical analysis.
pub(super) const FORMAT: &str = "clinical-audit";

/// Where the entry's message stands in the event.
const MESSAGE: &str = "/attributes/message";

const TARGET: &str = "CLINICAL_ANALYSIS";

/// Whether a record is a clinical analysis with a trail of its own.
pub(super) fn is_analysis(record: &str) -> bool {
    Members::parse(record).is_some_and(|record| {
        record.peek("action").is_none() && record.peek("audit").is_some_and(|a| a.starts_with('['))
    })
}

/// The entries of an analysis as events.
pub(super) fn rows(line: u64, normal: &Normal, options: &ReadOptions) -> Vec<Row> {
    let Some(analysis) = Members::parse(&normal.text) else { return Vec::new() };
    let mut ordinals = Ordinals::default();
    let entries = analysis.peek("audit").and_then(items).unwrap_or_default();
    let row = |(position, entry): (usize, &str)| {
        let start = format!("/audit/{position}/");
        let inside = normal.redacted.iter().filter_map(|at| at.strip_prefix(&start));
        let redacted = inside.map(event_pointer).collect();
        // The entry's id is that of what it said before the caller's wishes.
        let result = map(&analysis, entry, redacted, options).map(|mut mapped| {
            let owner = own_id(&analysis).unwrap_or_default();
            mapped.event.id = Some(ordinals.id([&*owner, entry].into_iter()).into());
            mapped
        });
        Row { line, result: result.map_err(|refused| refused.at(line)) }
    };
    entries.into_iter().enumerate().map(row).collect()
}

fn map(
    analysis: &Members<'_>,
    text: &str,
    mut redacted: Vec<Cow<'static, str>>,
    options: &ReadOptions,
) -> Result<Mapped, Refused> {
    let unwanted = options.redact.iter().any(|pointer| pointer == MESSAGE);
    let without = unwanted
        .then(|| edit(text, &mut |at| if at == "/message" { Edit::Drop } else { Edit::Keep }));
    if without.as_ref().is_some_and(|without| without != text) {
        redacted.push(MESSAGE.into());
    }
    let text = without.as_deref().unwrap_or(text);
    let entry = Members::parse(text)
        .ok_or_else(|| Refused::new(Fault::Shape, "an audit entry is no JSON object"))?;
    let action = field(&entry, "action").ok_or_else(|| Refused::missing("action"))?;
    let date = field(&entry, "date").ok_or_else(|| Refused::missing("date"))?;
    let moment = moment(&date).ok_or_else(|| Refused::time("date"))?;
    let mut event = Event::new(moment, SYSTEM, action);
    event.source.format = Some(FORMAT.into());
    event.actor = field(&entry, "author").map(|author| Actor {
        kind: "user".into(),
        id: Some(author.into()),
        ..Actor::default()
    });
    event.target = Some(Target {
        kind: TARGET.into(),
        id: field(analysis, "id").map(Cow::Owned),
        uuid: field(analysis, "uuid").map(Cow::Owned),
        ..Target::default()
    });
    let mut attributes = Members::default();
    if let Some(message) = entry.peek("message") {
        attributes.put("message", message.to_owned());
    }
    attributes.put(DERIVED, "[\"/occurred_at\"]");
    event.attributes = attributes.into_attributes();
    event.redacted = redacted;
    let native = if to_entry(&event).is_same(&entry) { None } else { own_json(text) };
    add_known(&mut event, options);
    finish(event, native, text.len())
}

fn field(record: &Members<'_>, name: &str) -> Option<String> {
    record.peek(name).and_then(string).filter(|text| fits(text, 1_024))
}

/// What tells an analysis from all others.
fn own_id(analysis: &Members<'_>) -> Option<String> {
    field(analysis, "uuid").or_else(|| field(analysis, "id"))
}

/// Where what was dropped from an entry stood in the event.
fn event_pointer(at: &str) -> Cow<'static, str> {
    match at {
        "message" => MESSAGE.into(),
        "author" => "/actor/id".into(),
        _ => format!("/native/{at}").into(),
    }
}

/// `yyyyMMddHHmmss` as a moment in UTC.
fn moment(date: &str) -> Option<Moment<'static>> {
    let part = |from: usize, to: usize| date.get(from..to);
    if date.len() != 14 {
        return None;
    }
    let (day, time) = (
        format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?),
        format!("{}:{}:{}", part(8, 10)?, part(10, 12)?, part(12, 14)?),
    );
    Moment::parse(format!("{day}T{time}Z"))
}

/// An event as an entry.
pub(super) fn to_entry(event: &Event<'_>) -> Members<'static> {
    let mut entry = Members::default();
    let attributes = event.attributes.as_ref().and_then(|json| Members::parse(json.as_str()));
    let message = attributes.as_ref().and_then(|attributes| attributes.peek("message"));
    let outcome = || event.outcome.as_ref().and_then(|outcome| outcome.message.as_deref());
    entry.put_text("author", event.actor.as_ref().and_then(|actor| actor.id.as_deref()));
    entry.put_text("action", Some(&event.action));
    match message {
        Some(message) => entry.put("message", message.to_owned()),
        None => entry.put_text("message", outcome()),
    }
    let micros = event::format_micros(event.occurred_at.micros());
    let digits: String = micros.chars().filter(char::is_ascii_digit).take(14).collect();
    entry.put_text("date", Some(&digits));
    entry
}

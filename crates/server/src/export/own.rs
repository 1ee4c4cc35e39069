//! Our own files: CSV for spreadsheets, JSON Lines for programs.
//!
//! CSV is RFC 4180 in UTF-8 with the columns of [`COLUMNS`], one row an event. A cell that a
//! spreadsheet would take for a formula begins with `'`; JSON Lines holds the exact values.

use std::fmt::Write as _;

use event::{Entry, Place, Status};
use search::Kinds as _;
use trail::Recorded;

use crate::kinds::Catalogues;

/// The columns of a CSV file, in order. New ones are only ever added at the end.
pub const COLUMNS: [&str; 39] = [
    "index",
    "recorded_at",
    "recorded_by",
    "via",
    "occurred_at",
    "source_system",
    "source_instance",
    "id",
    "actor_type",
    "actor_id",
    "actor_name",
    "actor_email",
    "authorized_by",
    "session",
    "client_ip",
    "user_agent",
    "action",
    "kind",
    "target_type",
    "target_id",
    "target_name",
    "target_uuid",
    "organization",
    "workspace",
    "project",
    "study",
    "outcome",
    "outcome_code",
    "outcome_name",
    "outcome_message",
    "operation",
    "reason",
    "reason_code",
    "params",
    "before",
    "after",
    "attributes",
    "redacted",
    "source_region",
];

/// The form of a file of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One row an event.
    Csv,
    /// One JSON object a line, with the event's index as its first member.
    JsonLines,
}

impl Format {
    /// Every format by its name, which is also the file's ending.
    pub const ALL: [(&'static str, Self); 2] = [("csv", Self::Csv), ("jsonl", Self::JsonLines)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    /// Appends what stands before the first event.
    pub fn begin(self, out: &mut Vec<u8>) {
        if self == Self::Csv {
            out.extend_from_slice(COLUMNS.join(",").as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Appends an event.
    pub fn write(self, recorded: &Recorded, out: &mut Vec<u8>) {
        match self {
            Self::JsonLines => {
                out.extend_from_slice(recorded.to_json().as_bytes());
                out.push(b'\n');
            }
            Self::Csv => {
                Row { out, is_first: true }.event(recorded);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

struct Row<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl Row<'_> {
    fn event(&mut self, recorded: &Recorded) {
        self.plain(&recorded.index.to_string());
        let text = recorded.text();
        let Ok(entry) = Entry::parse(&text) else {
            // Only a log that someone else wrote has such entries.
            COLUMNS.iter().skip(1).for_each(|_| self.plain(""));
            return;
        };
        self.plain(&event::format_micros(entry.recorded_at_micros));
        self.text(Some(&entry.recorded_by));
        self.text(Some(&entry.received.via));
        let event = &entry.event;
        self.plain(event.occurred_at.as_str());
        self.text(Some(&event.source.system));
        self.text(event.source.instance.as_deref());
        self.text(event.id.as_deref());
        let actor = event.actor.as_ref();
        self.text(actor.map(|actor| actor.kind.as_ref()));
        self.text(actor.and_then(|actor| actor.id.as_deref()));
        self.text(actor.and_then(|actor| actor.name.as_deref()));
        self.text(actor.and_then(|actor| actor.email.as_deref()));
        let authorized_by = event.authorized_by.as_ref();
        self.text(authorized_by.and_then(|person| person.id.as_deref().or(person.name.as_deref())));
        self.text(event.session.as_deref());
        let client = event.client.as_ref();
        self.text(client.and_then(|client| client.ip.as_deref()));
        self.text(client.and_then(|client| client.user_agent.as_deref()));
        self.text(Some(&event.action));
        self.plain(&Catalogues.kind_of(&event.source.system, &event.action));
        self.rest(event);
    }

    fn rest(&mut self, event: &event::Event<'_>) {
        let target = event.target.as_ref();
        self.text(target.map(|target| target.kind.as_ref()));
        self.text(target.and_then(|target| target.id.as_deref()));
        self.text(target.and_then(|target| target.name.as_deref()));
        self.text(target.and_then(|target| target.uuid.as_deref()));
        let scope = event.scope.as_ref();
        self.place(scope.and_then(|scope| scope.organization.as_ref()));
        self.place(scope.and_then(|scope| scope.workspace.as_ref()));
        self.place(scope.and_then(|scope| scope.project.as_ref()));
        self.place(scope.and_then(|scope| scope.study.as_ref()));
        let outcome = event.outcome.as_ref();
        self.plain(outcome.map_or("", |outcome| Status::as_str(outcome.status)));
        self.text(outcome.and_then(|outcome| outcome.code.as_deref()));
        self.text(outcome.and_then(|outcome| outcome.name.as_deref()));
        self.text(outcome.and_then(|outcome| outcome.message.as_deref()));
        self.text(event.operation.as_deref());
        self.text(event.reason.as_ref().map(|reason| reason.text.as_ref()));
        self.text(event.reason.as_ref().and_then(|reason| reason.code.as_deref()));
        for json in [&event.params, &event.before, &event.after, &event.attributes] {
            self.text(json.as_ref().map(event::Json::as_str));
        }
        let mut redacted = String::new();
        for (position, pointer) in event.redacted.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(redacted, "{}{pointer}", if position > 0 { " " } else { "" });
        }
        self.text(Some(&redacted));
        self.text(event.source.region.as_deref());
    }

    fn place(&mut self, place: Option<&Place<'_>>) {
        self.text(place.and_then(|place| {
            place.id.as_deref().or(place.name.as_deref()).or(place.uuid.as_deref())
        }));
    }

    /// A cell whose text came from outside.
    fn text(&mut self, text: Option<&str>) {
        self.separate();
        dialect::csv::write_cell(self.out, text.unwrap_or_default(), true);
    }

    /// A cell that cannot be a formula.
    fn plain(&mut self, text: &str) {
        self.separate();
        dialect::csv::write_cell(self.out, text, false);
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Draft, Event, Received, Stamp};

    fn row(event: &str) -> String {
        let event = Event::parse(event).unwrap();
        let draft = Draft::new(&event, None, &mut || [0; 32]).unwrap();
        let received = Received { via: "api".into(), ..Received::default() };
        let mut entry = Vec::new();
        Stamp::new(0, "tok", &received).write(&draft, &mut entry);
        let recorded = Recorded { index: 7, entry: entry.into(), openings: Vec::new() };
        let mut out = Vec::new();
        Format::Csv.begin(&mut out);
        Format::Csv.write(&recorded, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_has_every_column_and_no_formula() {
        let text = row(
            r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"s"},"action":"=cmd|' /C calc'!A0",
            "id":"-5","actor":{"type":"user","name":"+49, \"Ana\""},"params":{"a":"x,\ny"},"redacted":["/a","/b"]}"#,
        );
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), COLUMNS.len());
        let record = reader.records().next().unwrap().unwrap();
        let cell =
            |name: &str| record.get(COLUMNS.iter().position(|c| *c == name).unwrap()).unwrap();
        assert_eq!(cell("index"), "7");
        assert_eq!(cell("action"), "'=cmd|' /C calc'!A0");
        assert_eq!(cell("id"), "-5", "a number is no formula");
        assert_eq!(cell("actor_name"), "'+49, \"Ana\"");
        assert_eq!(cell("params"), r#"{"a":"x,\ny"}"#);
        assert_eq!(cell("redacted"), "/a /b");
        assert!(text.ends_with("\r\n"));
    }
}

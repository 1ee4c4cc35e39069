//! TetraScience TDP: the audit trail and the system log, each as JSON and as CSV.
//!
//! Records are told apart by their columns or members; a CSV is read by the names in its header, in
//! any order, with hyphens or underscores. Records without a time, an action or an id are rejected.

mod audit;
mod catalogue;
mod date;
mod system;

pub use catalogue::{CATALOGUE, ENTITY_ACTIONS, EntityActions, slug as slug_of};
pub use date::half_open;

use std::io::BufRead;

use event::{Actor, Event, Json, Place, Target};

use crate::columns::{Header, plain};
use crate::export::{JsonWriter, TableWriter, Writing};
use crate::json::Path;
use crate::members::Members;
use crate::reading::Records;
use crate::record::{Form, Refused};
use crate::{
    Catalogue, Dialect, Fault, Format, Losses, Mapped, ReadOptions, Recorded, Rejection, Rows,
    UnknownFormat, WriteOptions, Writer,
};

/// The dialect of TDP.
#[derive(Clone, Copy, Debug)]
pub struct TetraScience;

/// The names of what this dialect writes.
const AUDIT_CSV: &str = "audit-trail-csv";
const AUDIT_CSV_HYPHENS: &str = "audit-trail-csv-hyphens";
const AUDIT_CSV_PAGE: &str = "audit-trail-csv-page";
const AUDIT_JSON: &str = "audit-trail-json";
const SYSTEM_CSV: &str = "system-log-csv";
const SYSTEM_JSON: &str = "system-log-json";

const FORMATS: &[Format] = &[
    Format {
        name: AUDIT_CSV,
        media_type: "text/csv",
        extension: "csv",
        about: "the audit trail in the API's 18 columns",
    },
    Format {
        name: AUDIT_CSV_HYPHENS,
        media_type: "text/csv",
        extension: "csv",
        about: "the same with the column `entity-schema-version` spelt as on the page",
    },
    Format {
        name: AUDIT_CSV_PAGE,
        media_type: "text/csv",
        extension: "csv",
        about: "the audit trail in the 17 columns of the page's download, without reasons",
    },
    Format {
        name: AUDIT_JSON,
        media_type: "application/json",
        extension: "json",
        about: "the audit trail as a page of the API",
    },
    Format {
        name: SYSTEM_CSV,
        media_type: "text/csv",
        extension: "csv",
        about: "the system log in the API's 23 columns",
    },
    Format {
        name: SYSTEM_JSON,
        media_type: "application/json",
        extension: "json",
        about: "the system log as a page of the API",
    },
];

const AUDIT: Form = Form {
    pointers: audit::POINTERS,
    endings: &[&["authToken", "ending"]],
    to_event: audit::to_event,
    to_record: audit::to_record,
};

const SYSTEM: Form = Form {
    pointers: system::POINTERS,
    endings: &[&["source", "tracking", "token"]],
    to_event: system::to_event,
    to_record: system::to_record,
};

impl Dialect for TetraScience {
    fn name(&self) -> &'static str {
        "tetrascience"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["tdp"]
    }

    fn catalogue(&self) -> &'static Catalogue {
        &CATALOGUE
    }

    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn reader<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        options: &ReadOptions,
    ) -> Result<Rows<'r>, Rejection> {
        crate::reading::read::<Reading>(input, options)
    }

    fn writer(&self, options: &WriteOptions) -> Result<Box<dyn Writer>, UnknownFormat> {
        let table = |kind: Kind, columns| -> Box<dyn Writer> {
            Box::new(TableWriter::new(kind.rows(), columns, true, "region", options))
        };
        Ok(match options.choose(FORMATS)?.name {
            AUDIT_CSV => table(Kind::Audit, audit::COLUMNS),
            AUDIT_CSV_HYPHENS => table(Kind::Audit, audit::COLUMNS_HYPHENS),
            AUDIT_CSV_PAGE => Box::new(TableWriter::new(
                Writing { says: audit::says_page, ..Kind::Audit.rows() },
                audit::COLUMNS_PAGE,
                true,
                "region",
                options,
            )),
            SYSTEM_CSV => table(Kind::System, system::COLUMNS),
            AUDIT_JSON => Box::new(JsonWriter::new(
                Kind::Audit.records(),
                ["{\"skip\":0,\"next\":false,\"logs\":[\n", ",\n", "\n]}\n"],
            )),
            _ => Box::new(JsonWriter::new(
                Kind::System.records(),
                ["{\"logs\":[\n", ",\n", "\n],\"hasMore\":false}\n"],
            )),
        })
    }
}

/// Which of the two a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Audit,
    System,
}

impl Kind {
    fn form(self) -> &'static Form {
        match self {
            Self::Audit => &AUDIT,
            Self::System => &SYSTEM,
        }
    }

    /// How its rows are written.
    fn rows(self) -> Writing {
        match self {
            Self::Audit => Writing {
                to_record: audit::to_record,
                says: audit::says,
                native: |recorded| recorded.native_of(CATALOGUE.system, audit::FORMAT_CSV),
                id: Some("id"),
            },
            Self::System => Writing {
                to_record: system::to_record,
                says: system::says,
                native: |recorded| recorded.native_of(CATALOGUE.system, system::FORMAT_CSV),
                id: Some("id"),
            },
        }
    }

    /// How its JSON is written.
    fn records(self) -> Writing {
        match self {
            Self::Audit => Writing {
                native: |recorded| recorded.native_of(CATALOGUE.system, audit::FORMAT_JSON),
                ..self.rows()
            },
            Self::System => Writing {
                native: |recorded| recorded.native_of(CATALOGUE.system, system::FORMAT_JSON),
                ..self.rows()
            },
        }
    }
}

/// An event as one item of `logs` in the answer of `GET /audit-trail`.
pub fn audit_trail_item(recorded: &Recorded<'_>, losses: &mut Losses) -> Json<'static> {
    item(Kind::Audit, recorded, losses)
}

/// An event as one item of `logs` in the answer of `GET /v1/datalake/queryActivityLog`.
pub fn system_log_item(recorded: &Recorded<'_>, losses: &mut Losses) -> Json<'static> {
    item(Kind::System, recorded, losses)
}

fn item(kind: Kind, recorded: &Recorded<'_>, losses: &mut Losses) -> Json<'static> {
    let writing = kind.records();
    losses.add_unsaid(recorded.event, |pointer| (writing.says)(recorded.event, pointer));
    writing.record(recorded).into_json()
}

/// Reads a file: JSON records of both kinds, or the rows of one table.
#[derive(Debug, Default)]
struct Reading {
    table: Option<(Kind, Header)>,
}

impl Records for Reading {
    const PATHS: &'static [Path] = &[&["logs"]];

    fn header(&mut self, names: &[&str]) -> Result<(), Rejection> {
        let has = |name: &str| names.iter().any(|other| plain(other) == plain(name));
        let kind = if !has("id") || !has("action") || !has("created_at") {
            let message = "the first line is no header of an audit trail or a system log: expected \
                           at least the columns `id`, `action` and `created_at`";
            return Err(Rejection::new(1, Fault::Shape, message));
        } else if has("source.tracking.ipaddress") || has("target.type") || has("category") {
            Kind::System
        } else {
            Kind::Audit
        };
        let columns = match kind {
            Kind::Audit => audit::COLUMNS,
            Kind::System => system::COLUMNS,
        };
        self.table = Some((kind, Header::new(columns, names.iter().copied())?));
        Ok(())
    }

    fn row(&mut self, cells: &[&str], options: &ReadOptions) -> Result<Mapped, Refused> {
        let Some((kind, header)) = &self.table else { return Err(Refused::missing("header")) };
        let format = match kind {
            Kind::Audit => audit::FORMAT_CSV,
            Kind::System => system::FORMAT_CSV,
        };
        kind.form().map_row(Some(format), header, cells, options, true)
    }

    fn document(&mut self, text: &str, options: &ReadOptions) -> Result<Mapped, Refused> {
        let members = Members::parse(text).unwrap_or_default();
        let (kind, format) = if members.peek("created_at").is_some() {
            (Kind::System, system::FORMAT_JSON)
        } else {
            (Kind::Audit, audit::FORMAT_JSON)
        };
        kind.form().map(format, text, options)
    }
}

fn actor(members: &mut Members<'_>) -> Option<Actor<'static>> {
    let native = members.take_word("type").unwrap_or_default();
    let actor = Actor {
        id: members.take_text("id").map(Into::into),
        name: members.take_text("name").map(Into::into),
        email: members.take_text("email").map(Into::into),
        ..Actor::default()
    };
    if native.is_empty() && actor == Actor::default() {
        return None;
    }
    Some(Actor { kind: catalogue::actor_kind(&native).to_owned().into(), ..actor })
}

fn write_actor(actor: &Actor<'_>) -> Members<'static> {
    let mut members = Members::default();
    members.put_text("id", actor.id.as_deref());
    members.put_text("type", catalogue::native_actor_kind(&actor.kind));
    members.put_text("name", actor.name.as_deref());
    members.put_text("email", actor.email.as_deref());
    members
}

/// A target whose type the record did not say has one that says so.
fn typed(target: Target<'static>) -> Target<'static> {
    let kind = if target.kind.is_empty() { catalogue::UNKNOWN.into() } else { target.kind };
    Target { kind, ..target }
}

fn native_type<'t>(target: &'t Target<'_>) -> Option<&'t str> {
    (target.kind != catalogue::UNKNOWN).then_some(&*target.kind)
}

/// The word by which the platform names an organization.
fn slug<'p>(organization: &'p Place<'_>) -> Option<&'p str> {
    organization.id.as_deref().or(organization.name.as_deref())
}

/// Whether an event came from a record of one of these formats.
fn is_own(event: &Event<'_>, formats: &[&str]) -> bool {
    event.source.system == CATALOGUE.system
        && event.source.format.as_deref().is_some_and(|format| formats.contains(&format))
}

/// Lays what the event had no place for under the record again.
fn lay_residue(record: &mut Members<'static>, event: &Event<'_>, formats: &[&str]) {
    let residue = event.attributes.as_ref().filter(|_| is_own(event, formats));
    if let Some(residue) = residue.and_then(|json| Members::parse(json.as_str())) {
        record.lay_over(&residue);
    }
}

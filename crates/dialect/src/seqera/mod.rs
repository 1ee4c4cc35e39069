//! Seqera Platform: the audit log until 25.3 (`v1`) and from 26.1 on (`v2`).
//!
//! Both come as CSV and as JSON, and records are told apart by their columns or members. Rows of
//! `v1` have no id; theirs is the SHA-256 of the row and its ordinal among equals in the file.

mod catalogue;
mod date;
mod v1;
mod v2;

pub use catalogue::CATALOGUE;
pub use date::half_open;

use std::io::BufRead;

use event::Json;

use crate::columns::{Header, plain};
use crate::export::{JsonWriter, TableWriter, Writing};
use crate::identity::Ordinals;
use crate::json::Path;
use crate::members::{Members, string};
use crate::reading::Records;
use crate::record::{Form, Refused};
use crate::{
    Catalogue, Dialect, Fault, Format, Losses, Mapped, ReadOptions, Recorded, Rejection, Rows,
    UnknownFormat, WriteOptions, Writer,
};

/// The dialect of Seqera Platform.
#[derive(Clone, Copy, Debug)]
pub struct Seqera;

/// The names of what this dialect writes.
const V2_JSON: &str = "v2-json";
const V2_JSON_LINES: &str = "v2-jsonl";
const V2_CSV: &str = "v2-csv";
const V1_CSV: &str = "v1-csv";
const V2_CSV_WITHOUT_STATE: &str = "v2-csv-without-state";

const FORMATS: &[Format] = &[
    Format {
        name: V2_CSV,
        media_type: "text/csv",
        extension: "csv",
        about: "the records of 26.1 as a table; the platform's own column names are unpublished",
    },
    Format {
        name: V2_JSON,
        media_type: "application/json",
        extension: "json",
        about: "the records of 26.1 as a page of the API",
    },
    Format {
        name: V2_JSON_LINES,
        media_type: "application/x-ndjson",
        extension: "jsonl",
        about: "the records of 26.1, one a line",
    },
    Format {
        name: V1_CSV,
        media_type: "text/csv",
        extension: "csv",
        about: "the ten columns until 25.3",
    },
    Format {
        name: V2_CSV_WITHOUT_STATE,
        media_type: "text/csv",
        extension: "csv",
        about: "the table of 26.1 without the images before and after",
    },
];

const V1: Form = Form {
    pointers: &[("/attributes", "")],
    endings: &[],
    to_event: v1::to_event,
    to_record: v1::to_row,
};

const V2: Form =
    Form { pointers: v2::POINTERS, endings: &[], to_event: v2::to_event, to_record: v2::to_record };

const WRITING_V1: Writing = Writing {
    to_record: v1::to_row,
    says: v1::says,
    native: |recorded| recorded.native.filter(|_| v1::is_own(recorded.event)),
    id: None,
};

const WRITING_V2: Writing = Writing {
    to_record: v2::to_record,
    says: v2::says,
    native: |recorded| recorded.native_of(CATALOGUE.system, v2::FORMAT),
    id: Some("id"),
};

impl Dialect for Seqera {
    fn name(&self) -> &'static str {
        CATALOGUE.system
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["tower", "seqera-platform"]
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
        let page = ["{\"auditLogs\":[\n", ",\n", "\n],\"nextPageToken\":null}\n"];
        Ok(match options.choose(FORMATS)?.name {
            V2_JSON => Box::new(JsonWriter::new(WRITING_V2, page)),
            V2_JSON_LINES => Box::new(JsonWriter::new(WRITING_V2, ["", "\n", "\n"])),
            V2_CSV_WITHOUT_STATE => Box::new(TableWriter::new(
                Writing { says: v2::says_without_state, ..WRITING_V2 },
                v2::COLUMNS_WITHOUT_STATE,
                false,
                "region",
                options,
            )),
            V1_CSV => Box::new(TableWriter::new(WRITING_V1, v1::COLUMNS, true, "Region", options)),
            _ => Box::new(TableWriter::new(WRITING_V2, v2::COLUMNS, false, "region", options)),
        })
    }
}

/// An event as the API gives it: an item of `auditLogs`, or the answer of `GET …/{auditLogId}`.
///
/// The path of that answer takes a number, so a server that looks events up by another number than
/// the source's puts it in `id`. Images are left out unless `state` asks for them, as the
/// parameter `attributes=state` does.
pub fn audit_log(
    recorded: &Recorded<'_>,
    id: Option<u64>,
    state: bool,
    losses: &mut Losses,
) -> Json<'static> {
    losses.add_unsaid(recorded.event, |pointer| v2::says(recorded.event, pointer));
    let mut record = WRITING_V2.record(recorded);
    if let Some(id) = id {
        record.take("id");
        let mut with_id = Members::default();
        with_id.put_text("id", Some(&id.to_string()));
        with_id.lay_over(&record);
        record = with_id;
    }
    if !state {
        record.within("target", |target| target.take("state").map(drop));
    }
    record.into_json()
}

/// Reads a file: JSON records of both kinds, or the rows of one table.
#[derive(Debug, Default)]
struct Reading {
    table: Option<(Kind, Header)>,
    ordinals: Ordinals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    V1,
    V2,
}

impl Records for Reading {
    const PATHS: &'static [Path] = &[&["auditLogs"]];

    fn header(&mut self, names: &[&str]) -> Result<(), Rejection> {
        let has = |name: &str| names.iter().any(|other| plain(other) == plain(name));
        let (kind, columns) = if has("event") && has("timestamp") {
            (Kind::V2, v2::COLUMNS)
        } else if has("Type") && has("Creation date") {
            (Kind::V1, v1::READ_COLUMNS)
        } else {
            let message = "the first line is no header of an audit log: expected at least the \
                           columns `Type` and `Creation date`, or `event` and `timestamp`";
            return Err(Rejection::new(1, Fault::Shape, message));
        };
        self.table = Some((kind, Header::new(columns, names.iter().copied())?));
        Ok(())
    }

    fn row(&mut self, cells: &[&str], options: &ReadOptions) -> Result<Mapped, Refused> {
        let Some((kind, header)) = &self.table else { return Err(Refused::missing("header")) };
        match kind {
            Kind::V1 => v1_row(&mut self.ordinals, header, cells, options),
            Kind::V2 => V2.map_row(Some(v2::FORMAT), header, cells, options, false),
        }
    }

    fn document(&mut self, text: &str, options: &ReadOptions) -> Result<Mapped, Refused> {
        let members = Members::parse(text).unwrap_or_default();
        if members.peek("event").is_some() || members.peek("timestamp").is_some() {
            return V2.map(v2::FORMAT, text, options);
        }
        Json::parse(text).map_err(|invalid| Refused::new(Fault::Syntax, invalid.to_string()))?;
        // A row as JSON is the row: what stands in it as a number or as null is text or nothing.
        let (names, values): (Vec<&str>, Vec<&str>) = members.iter().unzip();
        let header = Header::new(v1::READ_COLUMNS, names.into_iter())
            .map_err(|_| Refused::new(Fault::Syntax, "a member stands twice; keep one"))?;
        let cells: Vec<String> = values
            .into_iter()
            .map(|value| match string(value) {
                Some(text) => text,
                None if value == "null" => String::new(),
                None => value.to_owned(),
            })
            .collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        v1_row(&mut self.ordinals, &header, &cells, options)
    }
}

/// Maps a row without an id and gives it one, from the documented columns in their order and, by
/// name, from all others that it has.
fn v1_row(
    ordinals: &mut Ordinals,
    header: &Header,
    cells: &[&str],
    options: &ReadOptions,
) -> Result<Mapped, Refused> {
    let mut mapped = V1.map_row(None, header, cells, options, true)?;
    let named: Vec<(&str, &str)> = header.named(cells.iter().copied()).collect();
    let documented = v1::COLUMNS.iter().map(|column| {
        let cell = named.iter().find(|(name, _)| *name == column.name);
        cell.map_or("", |(_, cell)| *cell)
    });
    let mut others: Vec<(&str, &str)> = named
        .iter()
        .copied()
        .filter(|(name, cell)| !cell.is_empty() && v1::COLUMNS.iter().all(|c| c.name != *name))
        .collect();
    others.sort_unstable();
    let others = others.into_iter().flat_map(|(name, cell)| [name, cell]);
    let id = ordinals.id(documented.chain(others));
    mapped.event.id = Some(id.into());
    Ok(mapped)
}

//! Writing records: as rows of a table, or as the page of an API.

use std::borrow::Cow;
use std::io::{self, Write};

use event::{Event, Json};

use crate::columns::{Column, write_row};
use crate::members::Members;
use crate::{Losses, Recorded, WriteOptions, Writer};

/// How a platform writes one kind of record.
#[derive(Clone, Copy)]
pub(crate) struct Writing {
    /// An event as a record.
    pub(crate) to_record: fn(&Event<'_>) -> Members<'static>,
    /// Whether the record says what stands at a pointer.
    pub(crate) says: fn(&Event<'_>, &str) -> bool,
    /// The record that was kept beside the event, if it is one of these.
    pub(crate) native: for<'e> fn(&Recorded<'e>) -> Option<&'e Json<'e>>,
    /// The member that holds the record's id, for events that have none.
    pub(crate) id: Option<&'static str>,
}

impl Writing {
    /// The record for an event, exactly as it was where that is known.
    pub(crate) fn record(&self, recorded: &Recorded<'_>) -> Members<'static> {
        let native = (self.native)(recorded).and_then(|json| Members::parse(json.as_str()));
        if let Some(native) = native {
            return native.into_owned();
        }
        let mut record = (self.to_record)(recorded.event);
        if let Some(id) = self.id.filter(|_| recorded.event.id.is_none()) {
            let mut with_id = Members::default();
            with_id.put_text(id, Some(&recorded.index.to_string()));
            with_id.lay_over(&record);
            record = with_id;
        }
        record
    }
}

/// Writes a table with a header.
pub(crate) struct TableWriter {
    writing: Writing,
    /// Whether what is kept beside an event is a row of this table and not a record.
    native_rows: bool,
    columns: &'static [Column],
    region: Option<&'static str>,
    guard: bool,
    row: Vec<u8>,
}

impl TableWriter {
    /// A table with these columns; `region` names the column that holds an event's region, for who
    /// wants one.
    pub(crate) fn new(
        writing: Writing,
        columns: &'static [Column],
        native_rows: bool,
        region: &'static str,
        options: &WriteOptions,
    ) -> Self {
        Self {
            writing,
            native_rows,
            columns,
            region: options.region_column.then_some(region),
            guard: options.formula_guard,
            row: Vec::new(),
        }
    }
}

impl Writer for TableWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.row.clear();
        let names = self.columns.iter().map(|column| column.name).chain(self.region);
        write_row(&mut self.row, names, false);
        out.write_all(&self.row)
    }

    fn write(
        &mut self,
        recorded: &Recorded<'_>,
        out: &mut dyn Write,
        losses: &mut Losses,
    ) -> io::Result<()> {
        let kept = (self.writing.native)(recorded).is_some();
        let record = self.writing.record(recorded);
        let cell = |column: &Column| {
            if kept && self.native_rows {
                Cow::Owned(column.native_text(&record))
            } else {
                column.text(&record)
            }
        };
        let region = recorded.event.source.region.as_deref().unwrap_or_default();
        let region = self.region.map(|_| Cow::Borrowed(region));
        self.row.clear();
        write_row(&mut self.row, self.columns.iter().map(cell).chain(region), self.guard);
        let has_region = self.region.is_some();
        let covered = if kept && self.native_rows {
            record.iter().all(|(name, _)| self.columns.iter().any(|column| column.is_named(name)))
        } else {
            covers(self.columns, &record, &mut Vec::new())
        };
        losses.add_unsaid(recorded.event, |pointer| match pointer {
            "/attributes" if !covered => false,
            "/source/region" if has_region => true,
            _ => (self.writing.says)(recorded.event, pointer),
        });
        out.write_all(&self.row)
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Whether there is a column for all that a record holds.
fn covers<'m>(columns: &[Column], members: &'m Members<'_>, path: &mut Vec<&'m str>) -> bool {
    members.iter().all(|(name, value)| {
        path.push(name);
        let inside = Members::parse(value).filter(|_| columns.iter().any(|c| c.lies_in(path)));
        let covered = match inside {
            _ if columns.iter().any(|column| column.path == path.as_slice()) => true,
            Some(inner) => {
                let mut inner_path: Vec<&str> = path.clone();
                covers(columns, &inner, &mut inner_path)
            }
            None => matches!(value, "null" | "{}"),
        };
        path.pop();
        covered
    })
}

/// Writes records as JSON, with something before, between and after them.
pub(crate) struct JsonWriter {
    writing: Writing,
    before: &'static str,
    between: &'static str,
    after: &'static str,
    begun: bool,
}

impl JsonWriter {
    pub(crate) fn new(writing: Writing, [before, between, after]: [&'static str; 3]) -> Self {
        Self { writing, before, between, after, begun: false }
    }
}

impl Writer for JsonWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.begun = false;
        out.write_all(self.before.as_bytes())
    }

    fn write(
        &mut self,
        recorded: &Recorded<'_>,
        out: &mut dyn Write,
        losses: &mut Losses,
    ) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            out.write_all(self.between.as_bytes())?;
        }
        losses.add_unsaid(recorded.event, |pointer| (self.writing.says)(recorded.event, pointer));
        out.write_all(self.writing.record(recorded).to_json().as_bytes())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.after.as_bytes())
    }
}

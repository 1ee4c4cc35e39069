//! Tables whose rows are records: which column holds which member, told by its name.
//!
//! A row becomes the same JSON record that the platform's own API would give, so that one mapping
//! serves both. Columns may stand in any order and spelling (`entity-schema-version`,
//! `entity_schema_version`, `Entity schema version`); a column that nobody documented is kept in the
//! record's member [`EXTRA`]. An empty cell is a member that is absent.

use std::borrow::Cow;

use event::Json;

use crate::members::{Members, is_whole, string};
use crate::{Fault, Rejection};

/// The member that holds cells of columns that the table's definition does not have.
pub(crate) const EXTRA: &str = "columns";

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its name in the header, as the platform writes it.
    pub(crate) name: &'static str,
    /// Names of members, outermost first.
    pub(crate) path: &'static [&'static str],
    /// What its cells hold.
    pub(crate) cell: Cell,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell {
    /// Text.
    Text,
    /// A whole number; other text is kept as text.
    Number,
    /// `true` or `false`; other text is kept as text.
    Flag,
    /// JSON, written compact; other text is kept as text.
    Json,
    /// JSON, written as PostgreSQL writes `jsonb`: a space after every colon and comma.
    SpacedJson,
    /// A time, written in the way that this makes from RFC 3339.
    Time(fn(&str) -> String),
}

/// A column's name without case and marks.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The header of one file.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
enum Place {
    Known(&'static Column),
    Extra(String),
}

impl Place {
    fn name(&self) -> &str {
        match self {
            Self::Known(column) => column.name,
            Self::Extra(name) => name,
        }
    }
}

impl Header {
    /// Finds the columns of a header.
    pub(crate) fn new<'n>(
        columns: &'static [Column],
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Self, Rejection> {
        let mut seen: Vec<String> = Vec::new();
        let mut places = Vec::new();
        for name in names {
            let name = name.trim();
            if seen.iter().any(|other| other == name) {
                let message = "the header has the same column twice; rename one of them";
                return Err(Rejection::new(1, Fault::Shape, message));
            }
            seen.push(name.to_owned());
            let known = columns.iter().find(|column| column.is_named(name));
            let taken = |column: &Column| {
                places.iter().any(|p| matches!(p, Place::Known(other) if other.name == column.name))
            };
            places.push(match known {
                Some(column) if !taken(column) => Place::Known(column),
                _ => Place::Extra(name.to_owned()),
            });
        }
        Ok(Self { places })
    }

    /// The cells of a row with the names of their columns, documented or not.
    pub(crate) fn named<'h, 'c>(
        &'h self,
        cells: impl Iterator<Item = &'c str>,
    ) -> impl Iterator<Item = (&'h str, &'c str)> {
        self.places.iter().map(Place::name).zip(cells)
    }

    /// A row as a record.
    pub(crate) fn record<'c>(&self, cells: impl Iterator<Item = &'c str>) -> Members<'static> {
        let mut record = Members::default();
        let mut extra = Members::default();
        for (place, cell) in self.places.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            match place {
                Place::Known(column) => record.put_at(column.path, &column.cell.read(cell)),
                Place::Extra(name) => extra.put_named(name.clone(), Json::string(cell).as_str()),
            }
        }
        record.put_object(EXTRA, &extra);
        record
    }

    /// A row as it stood in the file: names as in the header, cells as text, empty ones left out.
    pub(crate) fn native<'c>(&self, cells: impl Iterator<Item = &'c str>) -> Members<'static> {
        let mut native = Members::default();
        for (place, cell) in self.places.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            native.put_named(place.name().to_owned(), Json::string(cell).as_str());
        }
        native
    }

    /// The same from a record that was redacted: what the record no longer has is not in it.
    pub(crate) fn native_of<'c>(
        &self,
        cells: impl Iterator<Item = &'c str>,
        record: &Members<'_>,
    ) -> Members<'static> {
        let mut native = Members::default();
        let extra = record.peek(EXTRA).and_then(Members::parse).unwrap_or_default();
        for (place, cell) in self.places.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let (name, text) = match place {
                Place::Known(column) => (column.name, column.text(record)),
                Place::Extra(name) => (&**name, extra.peek_text(name).unwrap_or_default()),
            };
            let same = same_value(&text, cell);
            let text = if same { cell } else { &*text };
            if !text.is_empty() {
                native.put_named(name.to_owned(), Json::string(text).as_str());
            }
        }
        native
    }

    /// Whether a row says what writing its record again would, cell by cell. Where credentials were
    /// taken out, it is enough that what is left of the record says so.
    pub(crate) fn gives_back<'c>(
        &self,
        cells: impl Iterator<Item = &'c str>,
        record: &Members<'_>,
        again: &Members<'_>,
        redacted: bool,
    ) -> bool {
        record.peek(EXTRA) == again.peek(EXTRA)
            && self.places.iter().zip(cells).all(|(place, cell)| match place {
                Place::Known(column) => {
                    let text = column.text(again);
                    let is_time = matches!(column.cell, Cell::Time(_));
                    text == cell || (redacted && !is_time && text == column.text(record))
                }
                Place::Extra(_) => true,
            })
    }
}

impl Column {
    /// A column of text.
    pub(crate) const fn new(name: &'static str, path: &'static [&'static str]) -> Self {
        Self { name, path, cell: Cell::Text }
    }

    /// The same column with other cells.
    pub(crate) const fn of(self, cell: Cell) -> Self {
        Self { cell, ..self }
    }

    /// Whether its member lies inside the object at a path.
    pub(crate) fn lies_in(&self, path: &[&str]) -> bool {
        self.path.len() > path.len() && self.path.starts_with(path)
    }

    /// Whether a header spells it that way.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        plain(self.name) == plain(name)
    }

    /// The cell for a record; empty where the record has no such member.
    pub(crate) fn text(&self, record: &Members<'_>) -> String {
        record.peek_at(self.path).map(|value| self.cell.write(&value)).unwrap_or_default()
    }

    /// The cell of a row that was kept as it stood; empty where it had none.
    pub(crate) fn native_text(&self, native: &Members<'_>) -> String {
        let cell = native.iter().find(|(name, _)| self.is_named(name));
        cell.and_then(|(_, value)| string(value)).unwrap_or_default()
    }
}

impl Cell {
    /// The JSON value of a cell that is not empty.
    fn read(self, cell: &str) -> String {
        let is_value = match self {
            Self::Text | Self::Time(_) => false,
            Self::Number => is_whole(cell),
            Self::Flag => matches!(cell, "true" | "false"),
            Self::Json | Self::SpacedJson => {
                if let Ok(json) = Json::parse(cell) {
                    return json.as_str().to_owned();
                }
                false
            }
        };
        if is_value { cell.to_owned() } else { Json::string(cell).as_str().to_owned() }
    }

    /// The cell of a JSON value.
    fn write(self, value: &str) -> String {
        match (self, string(value)) {
            (Self::Time(write), Some(text)) => write(&text),
            (Self::Json | Self::SpacedJson, Some(text)) if Json::parse(&text).is_err() => text,
            (Self::SpacedJson, _) => spaced(value),
            (Self::Json, _) => value.to_owned(),
            (_, Some(text)) => text,
            (_, None) if value == "null" => String::new(),
            (_, None) => value.to_owned(),
        }
    }
}

/// Whether two cells hold the same JSON, so that neither hides what the other shows.
fn same_value(one: &str, other: &str) -> bool {
    match (Json::parse(one), Json::parse(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Compact JSON with a space after every colon and comma.
pub(crate) fn spaced(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() + compact.len() / 8);
    let (mut quoted, mut escaped) = (false, false);
    for c in compact.chars() {
        out.push(c);
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if !quoted && matches!(c, ':' | ',') {
            out.push(' ');
        }
    }
    out
}

/// Writes one row of a table as RFC 4180 has it: quotes where they are needed, CRLF left to others.
pub(crate) fn write_row(out: &mut Vec<u8>, cells: impl Iterator<Item = String>, guard: bool) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let guarded = guard && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let cell: Cow<'_, str> = if guarded { format!("'{cell}").into() } else { cell.into() };
        if cell.contains([',', '"', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.push(b'\n');
}

//! Tables whose rows are records: which column holds which member, told by its name.
//!
//! A row becomes the same JSON record that the platform's own API would give, so that one mapping
//! serves both. Columns may stand in any order and spelling (`entity-schema-version`,
//! `entity_schema_version`, `Entity schema version`); a column that nobody documented is kept in the
//! record's member [`EXTRA`]. An empty cell is a member that is absent.

use std::borrow::Cow;

use event::Json;
use event::json::pointer_token;

use crate::csv::write_cell;
use crate::json::{Normal, Syntax, has_token, is_secret_name, listed_pointer, normalise_at};
use crate::members::{Members, Value, is_whole, string};
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

    /// A row as a record, without what is secret; and pointers into it of what was left out.
    pub(crate) fn record<'c>(
        &self,
        cells: impl Iterator<Item = &'c str>,
    ) -> Result<(Members<'c>, Vec<String>), Rejection> {
        let mut record = Members::default();
        let mut extra = Members::default();
        let mut redacted = Vec::new();
        for (place, cell) in self.places.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            match place {
                Place::Known(column) => {
                    if let Some(value) = column.value(cell, &mut redacted)? {
                        record.put_at(column.path, value);
                    }
                }
                Place::Extra(name) if has_token(name) => redacted.push(format!("/{EXTRA}")),
                Place::Extra(name) if is_secret_name(name) || has_token(cell) => {
                    let pointer = format!("/{EXTRA}/{}", pointer_token(name));
                    redacted.push(listed_pointer(&pointer).to_owned());
                }
                Place::Extra(name) => extra.put_value(name.clone(), Value::string(cell)),
            }
        }
        record.put_object(EXTRA, extra);
        Ok((record, redacted))
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
                Place::Extra(name) => {
                    (&**name, Cow::Owned(extra.peek_text(name).unwrap_or_default()))
                }
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
        extra: Option<&str>,
        again: &Members<'_>,
        redacted: Option<&Members<'_>>,
    ) -> bool {
        extra == again.peek(EXTRA)
            && self.places.iter().zip(cells).all(|(place, cell)| match place {
                Place::Known(column) => {
                    let text = column.text(again);
                    let is_time = matches!(column.cell, Cell::Time(_));
                    let is_left = |left: &Members<'_>| !is_time && text == column.text(left);
                    *text == *cell || redacted.is_some_and(is_left)
                }
                Place::Extra(_) => true,
            })
    }

    /// The cell of the column whose member is at a path.
    pub(crate) fn cell<'c>(&self, path: &[&str], cells: &[&'c str]) -> Option<Cow<'c, str>> {
        let is_there = |place: &Place| matches!(place, Place::Known(column) if column.path == path);
        let cell = cells.get(self.places.iter().position(is_there)?)?;
        Some(Cow::Borrowed(*cell)).filter(|cell| !cell.is_empty())
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
    pub(crate) fn text<'m>(&self, record: &'m Members<'_>) -> Cow<'m, str> {
        match record.at(self.path) {
            None => Cow::Borrowed(""),
            Some(Cow::Borrowed(value)) => self.cell.write(value),
            Some(Cow::Owned(value)) => Cow::Owned(self.cell.write(&value).into_owned()),
        }
    }

    /// The JSON value of a cell that is not empty, unless it is secret.
    fn value<'c>(
        &self,
        cell: &'c str,
        redacted: &mut Vec<String>,
    ) -> Result<Option<Value<'c>>, Rejection> {
        if let Some(outer) = self.path.iter().position(|name| is_secret_name(name)) {
            redacted.push(pointer_to(self.path.get(..=outer).unwrap_or_default()));
            return Ok(None);
        }
        let is_plain = match self.cell {
            Cell::Text | Cell::Time(_) => false,
            Cell::Number => is_whole(cell),
            Cell::Flag => matches!(cell, "true" | "false"),
            Cell::Json | Cell::SpacedJson => {
                match normalise_at(cell, Syntax::Json, self.path.len()) {
                    Ok(Normal { text, .. }) if text.starts_with('"') && has_token(&text) => {
                        redacted.push(pointer_to(self.path));
                        return Ok(None);
                    }
                    Ok(Normal { text, redacted: inside }) => {
                        let start = pointer_to(self.path);
                        redacted.extend(inside.iter().map(|at| format!("{start}{at}")));
                        return Ok(Some(Value::json(text)));
                    }
                    Err(rejection) if rejection.fault == Fault::Depth => return Err(rejection),
                    Err(_) => false,
                }
            }
        };
        if is_plain {
            return Ok(Some(Value::json(cell)));
        }
        if has_token(cell) {
            redacted.push(pointer_to(self.path));
            return Ok(None);
        }
        Ok(Some(Value::string(cell)))
    }

    /// The cell of a row that was kept as it stood; empty where it had none.
    pub(crate) fn native_text(&self, native: &Members<'_>) -> String {
        let cell = native.iter().find(|(name, _)| self.is_named(name));
        cell.and_then(|(_, value)| string(value)).unwrap_or_default()
    }
}

impl Cell {
    /// The cell of a JSON value.
    fn write<'v>(self, value: &'v Value<'_>) -> Cow<'v, str> {
        match (self, value.content()) {
            (Self::Time(write), Some(text)) => Cow::Owned(write(&text)),
            (Self::Json | Self::SpacedJson, Some(text)) if Json::parse(&text).is_err() => text,
            (Self::SpacedJson, _) => Cow::Owned(spaced(value.text())),
            (Self::Json, _) => Cow::Borrowed(value.text()),
            (_, Some(text)) => text,
            (_, None) if value.text() == "null" => Cow::Borrowed(""),
            (_, None) => Cow::Borrowed(value.text()),
        }
    }
}

/// The pointer to what lies at a path. No name of a column's path needs an escape.
fn pointer_to(path: &[&str]) -> String {
    path.iter().fold(String::new(), |at, name| at + "/" + name)
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
    let mut out = String::with_capacity(compact.len() + compact.len() / 4);
    let mut rest = compact;
    while !rest.is_empty() {
        // Up to a string, then the string as it is.
        let outside = memchr::memchr(b'"', rest.as_bytes()).unwrap_or(rest.len());
        let (marks, string) = rest.split_at(outside);
        for c in marks.chars() {
            out.push(c);
            if matches!(c, ':' | ',') {
                out.push(' ');
            }
        }
        let (string, after) = string.split_at(string_size(string));
        out.push_str(string);
        rest = after;
    }
    out
}

/// How many bytes the string that a text begins with has, with its quotes.
fn string_size(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// Writes one row of a table as RFC 4180 has it, but for the line end, which is a line feed.
pub(crate) fn write_row<C: AsRef<str>>(
    out: &mut Vec<u8>,
    cells: impl Iterator<Item = C>,
    guard: bool,
) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_cell(out, cell.as_ref(), guard);
    }
    out.push(b'\n');
}

//! What a command says: data on stdout, everything else on stderr.

use std::borrow::Cow;
use std::io::{self, Write};

use clap::ValueEnum;

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values.
    Csv,
}

/// One cell of a row.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// A text.
    Text(String),
    /// A count or an index: a number in JSON.
    Number(u64),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl Cell {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
        }
    }
}

/// Whoever read what a command says went away, as `head` does: no fault of the command.
#[derive(Debug)]
struct ReaderGone;

impl std::fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads this any more")
    }
}

impl std::error::Error for ReaderGone {}

/// Tells a reader of stdout who went away from a connection that broke.
pub(crate) fn to_reader(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::other(ReaderGone),
        _ => error,
    }
}

/// Whether an error says that nobody reads what the command says.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.and_then(|inner| inner.downcast_ref::<ReaderGone>()).is_some()
    })
}

/// Writes one line of data. A reader that went away ends the command quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(to_reader)
}

/// Says something to the person at the terminal.
pub(crate) fn note(text: &str) {
    // There is nobody left to tell when stderr is gone.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Writes rows: as a table for people, as JSON objects, or as CSV.
pub(crate) fn rows(output: Output, header: &[&str], rows: &[Vec<Cell>]) -> io::Result<()> {
    match output {
        Output::Table => {
            let mut table = comfy_table::Table::new();
            table.load_style(comfy_table::TableStyle::new()).set_header(header.iter().copied());
            for row in rows {
                table.add_row(row.iter().map(|cell| printable(&cell.text())));
            }
            line(&table.to_string())
        }
        Output::Json => rows.iter().try_for_each(|row| {
            let object: serde_json::Map<String, serde_json::Value> = header
                .iter()
                .map(|name| (*name).to_owned())
                .zip(row.iter().map(Cell::json))
                .collect();
            line(&serde_json::Value::from(object).to_string())
        }),
        Output::Csv => {
            line(&header.join(","))?;
            rows.iter().try_for_each(|row| {
                let mut cells = Vec::new();
                for (position, cell) in row.iter().enumerate() {
                    if position > 0 {
                        cells.push(b',');
                    }
                    dialect::csv::write_cell(&mut cells, &cell.text(), true);
                }
                line(&String::from_utf8_lossy(&cells))
            })
        }
    }
}

/// A text that cannot move the cursor or turn the writing direction of a terminal.
pub(crate) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

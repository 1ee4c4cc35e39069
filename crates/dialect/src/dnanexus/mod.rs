//! DNAnexus: the daily audit trail file of an organization.
//!
//! One row an event, thirteen columns, no id, no version, no region. DNAnexus documents the columns
//! and not the quoting, nor whether there is a header: each is taken as it comes. A row is identified
//! by what it says and by its ordinal among equals in its file, after what the dialect redacts by
//! itself and before what the caller wants redacted: the same file imported under another redaction
//! adds nothing. An object is one thing in each project that it was cloned into.

mod catalogue;
mod row;
mod writer;

use std::io::BufRead;

use crate::identity::Ordinals;
use crate::input::Input;
use crate::table::{Table, TableRow};
use crate::{
    Catalogue, Dialect, Fault, Format, ReadOptions, Rejection, Row, Rows, UnknownFormat,
    WriteOptions, Writer,
};

pub use catalogue::CATALOGUE;
use row::{COLUMNS, Layout};

/// The dialect of DNAnexus.
#[derive(Clone, Copy, Debug)]
pub struct DnaNexus;

const FORMATS: &[Format] = &[
    Format {
        name: "csv",
        media_type: "text/csv",
        extension: "csv",
        about: "the thirteen columns of the audit trail file, with a header",
    },
    Format {
        name: "csv-no-header",
        media_type: "text/csv",
        extension: "csv",
        about: "the same without a header",
    },
];

impl Dialect for DnaNexus {
    fn name(&self) -> &'static str {
        "dnanexus"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["dx"]
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
        let mut table = Table::new(Input::open(input, options)?);
        let first = match table.next() {
            None => return Ok(Box::new(std::iter::empty())),
            Some(first) => first?,
        };
        let (layout, first) = match Layout::from_header(&first.cells) {
            Some(layout) => (layout?, None),
            None if first.cells.len() == COLUMNS.len() => (Layout::default(), Some(first)),
            None => {
                let message = format!(
                    "expected the {} columns of an audit trail file or a header, not {} cells",
                    COLUMNS.len(),
                    first.cells.len()
                );
                return Err(Rejection::new(first.line, Fault::Shape, message));
            }
        };
        table.set_width(layout.width());
        let options = options.clone();
        let ordinals = Ordinals::default();
        Ok(Box::new(Reader { table, first, layout, options, ordinals }))
    }

    fn writer(&self, options: &WriteOptions) -> Result<Box<dyn Writer>, UnknownFormat> {
        let format = options.choose(FORMATS)?;
        Ok(Box::new(writer::RowWriter::new(format.name == "csv", options)))
    }
}

struct Reader<'r> {
    table: Table<'r>,
    /// The first row of a file without a header.
    first: Option<TableRow>,
    layout: Layout,
    options: ReadOptions,
    ordinals: Ordinals,
}

impl Iterator for Reader<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let read = match self.first.take() {
            Some(first) => first,
            None => match self.table.next()? {
                Ok(read) => read,
                Err(rejection) => return Some(rejection.into()),
            },
        };
        let TableRow { line, cells } = read;
        let width = self.layout.width();
        if cells.len() != width {
            let message = format!("expected {width} columns, not {}", cells.len());
            return Some(Rejection::new(line, Fault::Shape, message).into());
        }
        let result = row::map(cells, &self.layout, &mut self.ordinals, &self.options);
        Some(Row { line, result: result.map_err(|refused| refused.at(line)) })
    }
}

//! OpenCGA: the `audit` collection of its catalogue, and the audit lists of clinical analyses.
//!
//! Reads what `mongoexport`, `mongo` and `mongosh` write, Extended JSON in all its versions, JSON
//! arrays, and the pages of the REST service. OpenCGA keeps the caller's bearer token in
//! `params.token`; it never leaves the reader.
//!
//! OpenCGA records deletions as `UPDATE`; nothing is guessed here, the catalogue says so. Variant
//! reads come without a study; where the query names one, it goes into `scope` and the pointer of
//! what was lifted goes into `attributes.derived`.

mod catalogue;
mod clinical;
mod record;
mod shell;
mod study;
mod writer;

use std::collections::VecDeque;
use std::io::BufRead;

use crate::json::{Documents, Syntax, normalise};
use crate::{
    Catalogue, Dialect, Format, ReadOptions, Rejection, Row, Rows, UnknownFormat, WriteOptions,
    Writer,
};

pub use catalogue::{CATALOGUE, actions_in};
pub use writer::record_json;

/// The dialect of OpenCGA.
#[derive(Clone, Copy, Debug)]
pub struct OpenCga;

const FORMATS: &[Format] = &[
    Format {
        name: "rest",
        media_type: "application/json",
        extension: "json",
        about: "the answer of `studies/{study}/audit/search`",
    },
    Format {
        name: "mongo",
        media_type: "text/plain",
        extension: "json",
        about: "one document a line as MongoDB's legacy shell writes it",
    },
    Format {
        name: "extended-json",
        media_type: "application/x-ndjson",
        extension: "json",
        about: "one document a line in relaxed Extended JSON v2, for `mongoimport`",
    },
    Format {
        name: "clinical",
        media_type: "application/x-ndjson",
        extension: "json",
        about: "the audit lists of clinical analyses, one entry a line",
    },
];

impl Dialect for OpenCga {
    fn name(&self) -> &'static str {
        "opencga"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["catalog", "opencb"]
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
        let documents = Documents::open(input, &[&["responses", "results"]], options)?;
        Ok(Box::new(Reader { documents, options: options.clone(), rows: VecDeque::new() }))
    }

    fn writer(&self, options: &WriteOptions) -> Result<Box<dyn Writer>, UnknownFormat> {
        let format = options.choose(FORMATS)?;
        Ok(writer::of(format.name))
    }
}

struct Reader<'r> {
    documents: Documents<'r>,
    options: ReadOptions,
    /// What is left of the last document; a clinical analysis has many events.
    rows: VecDeque<Row>,
}

impl Reader<'_> {
    fn read(&mut self, line: u64, text: &str) {
        let normal = normalise(text, Syntax::Mongo).map_err(|mut rejection| {
            rejection.line += line - 1;
            rejection
        });
        let normal = match normal {
            Ok(normal) => normal,
            Err(rejection) => return self.rows.push_back(rejection.into()),
        };
        if clinical::is_analysis(&normal.text) {
            let rows = clinical::rows(line, &normal, &self.options);
            return self.rows.extend(rows);
        }
        let result = record::map(normal, &self.options).map_err(|refused| refused.at(line));
        self.rows.push_back(Row { line, result });
    }
}

impl Iterator for Reader<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Some(row);
            }
            match self.documents.next()? {
                Ok(document) => self.read(document.line, &document.text),
                Err(rejection) => return Some(rejection.into()),
            }
        }
    }
}

//! Reading a file whose records are JSON objects or rows under a header.

use std::io::BufRead;

use crate::input::{Input, More};
use crate::json::{Documents, Path};
use crate::record::Refused;
use crate::table::{Table, TableRow};
use crate::{Fault, Mapped, ReadOptions, Rejection, Row, Rows};

/// What a platform makes of headers, rows and JSON objects. One value reads one file.
pub(crate) trait Records: Default + Send {
    /// Where records lie in the pages of the platform's API.
    const PATHS: &'static [Path];

    /// Looks at the header of a table.
    ///
    /// # Errors
    /// When no table of the platform has such columns.
    fn header(&mut self, names: &[&str]) -> Result<(), Rejection>;

    /// Maps a row under the header, which has as many cells.
    fn row(&mut self, cells: &[&str], options: &ReadOptions) -> Result<Mapped, Refused>;

    /// Maps the text of a JSON object.
    fn document(&mut self, text: &str, options: &ReadOptions) -> Result<Mapped, Refused>;
}

/// Reads JSON if the input begins like it, and a table with a header otherwise.
pub(crate) fn read<'r, R: Records + 'r>(
    input: Box<dyn BufRead + Send + 'r>,
    options: &ReadOptions,
) -> Result<Rows<'r>, Rejection> {
    let mut input = Input::open(input, options)?;
    let mut records = R::default();
    let options = options.clone();
    match first_byte(&mut input)? {
        None => Ok(Box::new(std::iter::empty())),
        Some(b'{' | b'[') => Ok(Box::new(Documents::new(input, R::PATHS).map(move |item| {
            let document = match item {
                Ok(document) => document,
                Err(rejection) => return rejection.into(),
            };
            let result = records.document(&document.text, &options);
            row(document.line, result)
        }))),
        Some(_) => {
            let mut table = Table::new(input);
            let header = match table.next() {
                Some(Ok(TableRow { cells, .. })) => cells,
                Some(Err(rejection)) => return Err(rejection),
                None => Vec::new(),
            };
            let names: Vec<&str> = header.iter().map(|name| name.trim()).collect();
            records.header(&names)?;
            let width = names.len();
            table.set_width(width);
            Ok(Box::new(table.map(move |item| match item {
                Ok(cells) => table_row(&mut records, width, &cells, &options),
                Err(rejection) => rejection.into(),
            })))
        }
    }
}

fn table_row<R: Records>(
    records: &mut R,
    width: usize,
    row_read: &TableRow,
    options: &ReadOptions,
) -> Row {
    let TableRow { line, cells } = row_read;
    if cells.len() != width {
        let message = format!("the header has {width} columns and this row {}", cells.len());
        return Rejection::new(*line, Fault::Shape, message).into();
    }
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    row(*line, records.row(&cells, options))
}

fn row(line: u64, result: Result<Mapped, Refused>) -> Row {
    Row { line, result: result.map_err(|refused| refused.at(line)) }
}

/// The first byte that is no space, which stays where it is.
fn first_byte(input: &mut Input<'_>) -> Result<Option<u8>, Rejection> {
    loop {
        let window = input.window();
        if let Some(byte) = window.iter().find(|byte| !byte.is_ascii_whitespace()) {
            return Ok(Some(*byte));
        }
        let size = window.len();
        input.advance(size);
        if input.more()? == More::Ended {
            return Ok(None);
        }
    }
}

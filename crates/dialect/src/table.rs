//! Rows of comma-separated values (RFC 4180) in a stream.
//!
//! Lines end with LF or CRLF, cells may be quoted and then hold both, blank lines are passed over.
//! A row that is broken is rejected, and reading goes on at the line after the one it began on.

use std::ops::Range;

use crate::input::{Input, More};
use crate::limits::{RECORD_BYTES_MAX, RESCAN_BYTES_MAX};
use crate::{Fault, Rejection};

/// The cells of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// Its cells, without quotes.
    pub(crate) cells: Vec<String>,
}

/// The rows of an input, in order. The header is a row like any other.
pub(crate) struct Table<'r> {
    input: Input<'r>,
    /// How many cells a row has, where that is known.
    width: Option<usize>,
    /// How the last row that could be read only one way wrote a quote inside of quotes.
    quoting: Quoting,
    rescanned: u64,
    done: bool,
}

/// How a quote is written inside of quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    /// Twice, as RFC 4180 has it.
    Doubled,
    /// After a backslash, as some writers have it; a backslash stands twice.
    Escaped,
}

impl Quoting {
    const fn other(self) -> Self {
        match self {
            Self::Doubled => Self::Escaped,
            Self::Escaped => Self::Doubled,
        }
    }
}

/// More cells than this are no audit record.
const CELLS_MAX: usize = 1_024;

/// Where a cell stands, and whether between quotes.
type Cell = (Range<usize>, bool);

enum Scan {
    /// Up to the end of the row, line end included.
    Whole(usize, Vec<Cell>),
    /// Up to a place where no row goes on like this.
    Broken(usize, &'static str),
    /// To the end of the window.
    Short,
}

impl<'r> Table<'r> {
    pub(crate) fn new(input: Input<'r>) -> Self {
        Self { input, width: None, quoting: Quoting::Doubled, rescanned: 0, done: false }
    }

    /// Takes rows of that many cells, and reads one that has as many with either quoting.
    pub(crate) fn set_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    /// Looks for a row's end, with the other quoting too where a width tells which is right.
    fn look(&mut self, ended: bool) -> Scan {
        let window = self.input.window();
        let first = scan(window, ended, self.quoting);
        let Some(width) = self.width else { return first };
        let fits = |scan: &Scan| matches!(scan, Scan::Whole(_, cells) if cells.len() == width);
        if fits(&first) || matches!(first, Scan::Short) {
            return first;
        }
        let second = scan(window, ended, self.quoting.other());
        if matches!(second, Scan::Short) {
            return second;
        }
        if fits(&second) {
            self.quoting = self.quoting.other();
            return second;
        }
        match first {
            // A row over many lines that has another number of cells began with a stray quote.
            Scan::Whole(size, _) if has_line_feed(window, size) => {
                Scan::Broken(size, "a row has another number of cells, or a stray quote")
            }
            first => first,
        }
    }

    fn step(&mut self) -> Result<Option<TableRow>, Rejection> {
        if !self.skip_blank()? {
            self.done = true;
            return Ok(None);
        }
        let line = self.input.line();
        let mut ended = false;
        loop {
            match self.look(ended) {
                Scan::Whole(size, cells) => {
                    let row = take(self.input.window(), &cells, line, self.quoting);
                    let too_large = size > RECORD_BYTES_MAX;
                    self.input.advance(size);
                    if too_large {
                        return Err(Rejection::new(line, Fault::TooLarge, TOO_LARGE));
                    }
                    return row.map(|cells| Some(TableRow { line, cells }));
                }
                Scan::Broken(at, message) => {
                    self.resume(at)?;
                    return Err(Rejection::new(line, Fault::Syntax, message));
                }
                Scan::Short => match self.input.more()? {
                    More::Read => {}
                    More::Ended => ended = true,
                    More::Full => {
                        self.resume(self.input.window().len())?;
                        return Err(Rejection::new(line, Fault::TooLarge, TOO_LARGE));
                    }
                },
            }
        }
    }

    /// Passes line ends; false at the end of the input.
    fn skip_blank(&mut self) -> Result<bool, Rejection> {
        loop {
            let window = self.input.window();
            let size = window.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let more = size < window.len();
            self.input.advance(size);
            if more {
                return Ok(true);
            }
            if self.input.more()? == More::Ended {
                return Ok(false);
            }
        }
    }

    /// Goes to the line after the one that the broken row began on, or, when too much has been
    /// looked at twice, after all that was looked at.
    fn resume(&mut self, looked_at: usize) -> Result<(), Rejection> {
        if self.rescanned < RESCAN_BYTES_MAX {
            self.rescanned += u64::try_from(looked_at).unwrap_or(u64::MAX);
        } else {
            self.input.advance(looked_at);
        }
        self.input.skip_line()
    }
}

const TOO_LARGE: &str = "a row has more than 8 MiB, or a quote does not end";

impl Iterator for Table<'_> {
    type Item = Result<TableRow, Rejection>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.step() {
            Ok(row) => row.map(Ok),
            Err(rejection) => {
                self.done = rejection.fault.is_fatal();
                Some(Err(rejection))
            }
        }
    }
}

/// Looks for the end of the row that a window begins with.
fn scan(window: &[u8], ended: bool, quoting: Quoting) -> Scan {
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let quoted = window.get(at) == Some(&b'"');
        let Some(end) = cell_end(window, at, quoted.then_some(quoting), ended) else {
            return if ended {
                Scan::Broken(window.len(), "a quote does not end")
            } else {
                Scan::Short
            };
        };
        let (cell, next) = end;
        if cells.len() == CELLS_MAX {
            return Scan::Broken(next, "a row has more than 1024 cells");
        }
        cells.push((cell, quoted));
        match window.get(next) {
            Some(b',') => at = next + 1,
            Some(b'\n') => return Scan::Whole(next + 1, cells),
            Some(b'\r') if window.get(next + 1) == Some(&b'\n') => {
                return Scan::Whole(next + 2, cells);
            }
            Some(b'\r') if next + 1 == window.len() && !ended => return Scan::Short,
            Some(b'\r') if next + 1 == window.len() => return Scan::Whole(next + 1, cells),
            Some(_) => return Scan::Broken(next, "a cell goes on behind its closing quote"),
            None if ended => return Scan::Whole(next, cells),
            None => return Scan::Short,
        }
    }
}

/// Where the content of the cell that begins here stands, and where what follows it does.
fn cell_end(
    window: &[u8],
    start: usize,
    quoted: Option<Quoting>,
    ended: bool,
) -> Option<(Range<usize>, usize)> {
    if let Some(quoting) = quoted {
        let mut at = start + 1;
        loop {
            if quoting == Quoting::Escaped {
                at += memchr::memchr2(b'"', b'\\', window.get(at..)?)?;
                if window.get(at) == Some(&b'"') {
                    return Some((start + 1..at, at + 1));
                }
                at += 2;
                continue;
            }
            at += memchr::memchr(b'"', window.get(at..)?)?;
            match window.get(at + 1) {
                Some(b'"') => at += 2,
                None if !ended => return None,
                _ => return Some((start + 1..at, at + 1)),
            }
        }
    }
    let rest = window.get(start..)?;
    let size = match memchr::memchr2(b',', b'\n', rest) {
        Some(size) => size,
        None if ended => rest.len(),
        None => return None,
    };
    let cell = rest.get(..size)?;
    let ends_line = rest.get(size) != Some(&b',');
    let size = if ends_line && cell.last() == Some(&b'\r') { size - 1 } else { size };
    Some((start..start + size, start + size))
}

/// Whether a row goes over more than one line.
fn has_line_feed(window: &[u8], size: usize) -> bool {
    let row = window.get(..size.saturating_sub(1)).unwrap_or_default();
    memchr::memchr(b'\n', row).is_some()
}

fn take(
    window: &[u8],
    cells: &[Cell],
    line: u64,
    quoting: Quoting,
) -> Result<Vec<String>, Rejection> {
    let text = |(range, quoted): &Cell| {
        let cell = std::str::from_utf8(window.get(range.clone())?).ok()?;
        Some(match quoting {
            _ if !*quoted => cell.to_owned(),
            Quoting::Doubled => undouble(cell),
            Quoting::Escaped => unescape(cell),
        })
    };
    cells
        .iter()
        .map(text)
        .collect::<Option<Vec<String>>>()
        .ok_or_else(|| Rejection::new(line, Fault::Encoding, "a row is not UTF-8"))
}

fn undouble(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = memchr::memchr(b'"', rest.as_bytes()) {
        // Inside of quotes a quote is always one of two.
        out.push_str(rest.get(..=at).unwrap_or_default());
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Takes the backslash from an escaped quote or backslash, and from nothing else.
fn unescape(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.as_bytes().first() {
            Some(b'"' | b'\\') => {
                out.push_str(rest.get(..1).unwrap_or_default());
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => out.push('\\'),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadOptions;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Vec<Result<TableRow, Rejection>> {
        let input =
            Input::open(Box::new(std::io::Cursor::new(bytes.to_vec())), &ReadOptions::default());
        Table::new(input.unwrap()).collect()
    }

    /// Each row as `line:cell|cell`, each rejection as `line!code`.
    fn check(text: &str, expected: &[&str]) {
        let seen: Vec<String> = read(text.as_bytes())
            .into_iter()
            .map(|item| match item {
                Ok(row) => format!("{}:{}", row.line, row.cells.join("|")),
                Err(rejection) => format!("{}!{}", rejection.line, rejection.fault.code()),
            })
            .collect();
        assert_eq!(seen, expected, "{text:?}");
    }

    #[test]
    fn rows_are_found_with_every_line_end_and_quoting() {
        check("", &[]);
        check("\r\n\n", &[]);
        check("a,b\nc,d", &["1:a|b", "2:c|d"]);
        check("a,b\r\nc,d\r\n", &["1:a|b", "2:c|d"]);
        check("a,\n,b\n", &["1:a|", "2:|b"]);
        check("\"a,\"\"b\"\"\nc\",d\ne,f\n", &["1:a,\"b\"\nc|d", "3:e|f"]);
        check("\"\",\"\"\r\n\"x\"", &["1:|", "2:x"]);
        check("a\"b,c\n", &["1:a\"b|c"]);
        check("a,b\r", &["1:a|b"]);
        check("\"a\"\r", &["1:a"]);
    }

    #[test]
    fn reading_goes_on_after_a_broken_row() {
        check("\"a\"b,c\nd,e\n", &["1!syntax", "2:d|e"]);
        check("\"a,b\nc,d\ne,f\n", &["1!syntax", "2:c|d", "3:e|f"]);
        check(&format!("{}\na\n", ",".repeat(1_024)), &["1!syntax", "2:a"]);
        let seen = read(b"a,\xFF\nb,c\n");
        assert_eq!(seen[0].as_ref().unwrap_err().fault, Fault::Encoding);
        assert_eq!(seen[1].as_ref().unwrap().line, 2);
    }

    #[test]
    fn either_quoting_is_read_where_the_width_tells_them_apart() {
        let read = |text: &str| -> Vec<String> {
            let bytes: Box<dyn std::io::BufRead + Send> = Box::new(text.as_bytes());
            let mut table = Table::new(Input::open(bytes, &ReadOptions::default()).unwrap());
            table.set_width(3);
            table
                .map(|row| match row {
                    Ok(row) => row.cells.join("|"),
                    Err(rejection) => format!("{}!{}", rejection.line, rejection.fault.code()),
                })
                .collect()
        };
        for (text, expected) in [
            (r#"1,"{""a"":""\""b\""""}",2"#, vec![r#"1|{"a":"\"b\""}|2"#]),
            (r#"1,"{\"a\":\"\\\"b\"}",2"#, vec![r#"1|{"a":"\"b"}|2"#]),
            (r#"1,"C:\dir",2"#, vec![r"1|C:\dir|2"]),
            (r#"1,"a\"",2"#, vec![r#"1|a"|2"#]),
            ("1,\"a,2\n1,b,2\n1,c,\"2\n", vec!["1!syntax", "1|b|2", "3!syntax"]),
            ("1,2\n1,2,3\n", vec!["1|2", "1|2|3"]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_row_that_is_too_large_is_passed_over() {
        let large = format!("a,{}\nb,c\n", "x".repeat(9 * 1024 * 1024));
        check(&large, &["1!too-large", "2:b|c"]);
    }

    proptest! {
        #[test]
        fn what_is_written_as_rfc_4180_has_it_is_read_again(
            rows in proptest::collection::vec(
                proptest::collection::vec("[a,\"\r\n é]{0,6}", 2..5), 0..8),
        ) {
            let mut bytes = Vec::new();
            for row in &rows {
                crate::columns::write_row(&mut bytes, row.iter().cloned(), false);
            }
            let seen: Vec<Vec<String>> =
                read(&bytes).into_iter().map(|row| row.unwrap().cells).collect();
            prop_assert_eq!(seen, rows);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let input = Input::open(
                Box::new(std::io::Cursor::new(bytes)), &ReadOptions::default());
            // What begins like UTF-16 or a compressed file may be refused at once.
            if let Ok(input) = input {
                Table::new(input).for_each(drop);
            }
        }
    }
}

//! Records in a stream of JSON: one a line, one after the other over many lines, in an array, or in
//! the pages of an API.
//!
//! Only brackets and strings are looked at here; each record is checked when it is mapped. After a
//! broken one, reading goes on where a line begins like a record.

use crate::input::{Input, More};
use crate::limits::{RECORD_BYTES_MAX, RESCAN_BYTES_MAX};
use crate::{Fault, ReadOptions, Rejection};

/// Where the records of an API's page are: names of members, each of which holds an array. The
/// items of the last are the records, the items of the others objects to look into.
pub(crate) type Path = &'static [&'static str];

/// The text of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// Its text, from bracket to bracket.
    pub(crate) text: String,
}

/// The records of an input, in order.
pub(crate) struct Documents<'r> {
    input: Input<'r>,
    paths: &'static [Path],
    levels: Vec<Level>,
    /// The white space that the line of the record begins with.
    indent: Vec<u8>,
    rescanned: u64,
    done: bool,
}

/// What the input is in the middle of. Outside of all there are records one after the other.
#[derive(Clone, Copy, Debug)]
enum Level {
    /// In an array; the depth along the path says whether its items are records.
    Items { path: Path, depth: usize },
    /// In an object, behind the array that was named by the path.
    Inside { path: Path, depth: usize },
}

/// How far a look at the window came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    /// To the end of the object, exclusive.
    Whole(usize),
    /// Behind the opening bracket of the array that one of the paths names.
    Array(usize, Path),
    /// To a place where no JSON goes on like this.
    Broken(usize),
    /// To the end of the window.
    Short,
}

/// More white space than this before a record is no indentation.
const INDENT_BYTES_MAX: usize = 64;

impl<'r> Documents<'r> {
    /// Reads records, also from pages in which they lie at these paths.
    pub(crate) fn new(input: Input<'r>, paths: &'static [Path]) -> Self {
        let indent = Vec::new();
        Self { input, paths, levels: Vec::new(), indent, rescanned: 0, done: false }
    }

    /// Opens an input; see [`Input::open`].
    pub(crate) fn open(
        input: Box<dyn std::io::BufRead + Send + 'r>,
        paths: &'static [Path],
        options: &ReadOptions,
    ) -> Result<Self, Rejection> {
        Ok(Self::new(Input::open(input, options)?, paths))
    }

    /// One step; nothing when it only moved on.
    fn step(&mut self) -> Result<Option<Document>, Rejection> {
        if let Some(Level::Inside { path, depth }) = self.levels.last().copied() {
            return self.object(1, Some((path, depth))).map(|_| None);
        }
        let Some(first) = self.skip_space()? else {
            self.done = true;
            if self.levels.is_empty() {
                return Ok(None);
            }
            let message = "ends before its closing bracket; what came before is kept";
            return Err(Rejection::new(self.input.line(), Fault::Syntax, message));
        };
        match (first, self.levels.last().copied()) {
            (b'{', None) => self.object(0, None),
            (b'{', Some(Level::Items { path, depth })) => {
                self.object(0, (depth < path.len()).then_some((path, depth)))
            }
            (b'[', None) => {
                self.input.advance(1);
                self.levels.push(Level::Items { path: &[], depth: 0 });
                Ok(None)
            }
            (b']', Some(_)) => {
                self.input.advance(1);
                self.levels.pop();
                Ok(None)
            }
            _ => {
                let message = "expected a JSON object";
                let rejection = Rejection::new(self.input.line(), Fault::Syntax, message);
                self.input.skip_line()?;
                self.indent.clear();
                Err(rejection)
            }
        }
    }

    /// Passes space and commas; gives the byte that follows.
    fn skip_space(&mut self) -> Result<Option<u8>, Rejection> {
        loop {
            let window = self.input.window();
            let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',');
            let size = window.iter().position(|byte| !space(byte)).unwrap_or(window.len());
            let passed = window.get(..size).unwrap_or_default();
            if let Some(at) = memchr::memrchr(b'\n', passed) {
                self.indent = passed.get(at + 1..).unwrap_or_default().to_vec();
            } else if self.indent.len() <= INDENT_BYTES_MAX && self.input.line() == 1 {
                self.indent.clear();
            }
            let next = window.get(size).copied();
            self.input.advance(size);
            if next.is_some() {
                self.indent.truncate(INDENT_BYTES_MAX);
                return Ok(next);
            }
            if self.input.more()? == More::Ended {
                return Ok(None);
            }
        }
    }

    /// Reads an object from its bracket (`opened` 0) or from within it (1), looking for the array
    /// of one path or, outside of all, of any.
    fn object(
        &mut self,
        opened: usize,
        along: Option<(Path, usize)>,
    ) -> Result<Option<Document>, Rejection> {
        let line = self.input.line();
        let outside = self.levels.is_empty();
        loop {
            let wanted = |name: &[u8]| match along {
                Some((path, depth)) => {
                    path.get(depth).is_some_and(|n| n.as_bytes() == name).then_some(path)
                }
                None if outside => {
                    let named = |path: &&Path| path.first().is_some_and(|n| n.as_bytes() == name);
                    self.paths.iter().find(named).copied()
                }
                None => None,
            };
            let window = self.input.window();
            match scan(window, opened, &self.indent, &wanted) {
                Scan::Whole(size) => {
                    let record = opened == 0 && along.is_none();
                    let text = record.then(|| text(window.get(..size).unwrap_or_default(), line));
                    self.input.advance(size);
                    if opened == 1 {
                        self.levels.pop();
                    }
                    return text.transpose().map(|text| text.map(|text| Document { line, text }));
                }
                Scan::Array(size, path) => {
                    let depth = along.map_or(0, |(_, depth)| depth);
                    self.input.advance(size);
                    if opened == 0 {
                        self.levels.push(Level::Inside { path, depth });
                    }
                    self.levels.push(Level::Items { path, depth: depth + 1 });
                    return Ok(None);
                }
                Scan::Broken(at) => {
                    let message = "a record does not end where the next begins";
                    return Err(self.resume(at, line, Fault::Syntax, message)?);
                }
                Scan::Short => match self.input.more()? {
                    More::Read => {}
                    More::Full => {
                        let at = self.input.window().len();
                        let message = "a record has more than 8 MiB, or does not end";
                        return Err(self.resume(at, line, Fault::TooLarge, message)?);
                    }
                    More::Ended => {
                        let at = self.input.window().len();
                        let message = "a record does not end";
                        let rejection = self.resume(at, line, Fault::Syntax, message)?;
                        // Nothing closes what is still open, so it is not looked for again.
                        self.done |= self.input.window().is_empty();
                        return Err(rejection);
                    }
                },
            }
        }
    }

    /// Goes to the next line that begins like a record, and gives the rejection of this one.
    fn resume(
        &mut self,
        looked_at: usize,
        line: u64,
        fault: Fault,
        message: &'static str,
    ) -> Result<Rejection, Rejection> {
        if matches!(self.levels.last(), Some(Level::Inside { .. })) {
            // The page is broken; what follows is taken for records of their own.
            self.levels.clear();
        }
        let window =
            self.input.window().get(..looked_at + 1).unwrap_or_else(|| self.input.window());
        let mut start = b"\n".to_vec();
        start.extend_from_slice(&self.indent);
        start.push(b'{');
        let next = window
            .get(1..)
            .and_then(|rest| memchr::memmem::find(rest, &start))
            .map(|at| at + start.len());
        match next {
            Some(at) if self.rescanned < RESCAN_BYTES_MAX => {
                self.rescanned += u64::try_from(window.len() - at).unwrap_or(u64::MAX);
                self.input.advance(at);
            }
            _ => {
                self.input.advance(looked_at);
                self.input.skip_line()?;
                self.indent.clear();
            }
        }
        Ok(Rejection::new(line, fault, message))
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Document, Rejection>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            match self.step() {
                Ok(Some(document)) => return Some(Ok(document)),
                Ok(None) => {}
                Err(rejection) => {
                    self.done |= rejection.fault.is_fatal();
                    return Some(Err(rejection));
                }
            }
        }
        None
    }
}

fn text(bytes: &[u8], line: u64) -> Result<String, Rejection> {
    if bytes.len() > RECORD_BYTES_MAX {
        let message = "a record has more than 8 MiB";
        return Err(Rejection::new(line, Fault::TooLarge, message));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Rejection::new(line, Fault::Encoding, "a record is not UTF-8")),
    }
}

/// Looks for the end of an object, or for an array at its first level that `wanted` knows by name.
fn scan(
    window: &[u8],
    opened: usize,
    indent: &[u8],
    wanted: &dyn Fn(&[u8]) -> Option<Path>,
) -> Scan {
    let mut depth = opened;
    let mut at = 0;
    // The last byte that was no space; a record cannot begin after a value without a comma.
    let mut before = b',';
    let mut name: &[u8] = &[];
    loop {
        let Some(byte) = window.get(at).copied() else { return Scan::Short };
        match byte {
            b'"' | b'\'' => {
                let Some(size) = string_size(window.get(at..).unwrap_or_default(), byte) else {
                    return Scan::Short;
                };
                let content = window.get(at + 1..at + size - 1).unwrap_or_default();
                if let Some(line_feed) = memchr::memchr(b'\n', content) {
                    return Scan::Broken(at + 1 + line_feed);
                }
                name = content;
                at += size;
                before = byte;
                continue;
            }
            b'{' if depth > 0 && !may_precede(before) && begins_line(window, at, indent) => {
                return Scan::Broken(at);
            }
            b'{' | b'(' => depth += 1,
            b'[' => {
                if depth == 1
                    && before == b':'
                    && let Some(path) = wanted(name)
                {
                    return Scan::Array(at + 1, path);
                }
                depth += 1;
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Scan::Whole(at + 1);
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            _ => {}
        }
        before = byte;
        at += 1;
    }
}

const fn may_precede(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'[' | b'(' | b'{')
}

/// Whether there is only the record's own indentation before a byte on its line.
fn begins_line(window: &[u8], at: usize, indent: &[u8]) -> bool {
    let before = window.get(..at).unwrap_or_default();
    before.strip_suffix(indent).is_some_and(|rest| rest.last() == Some(&b'\n'))
}

/// The size of a string that begins here, both quotes included.
fn string_size(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        let step = memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        at += step;
        if bytes.get(at) == Some(&quote) {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATHS: &[Path] = &[&["responses", "results"], &["logs"]];

    fn read(bytes: &[u8]) -> Vec<Result<Document, Rejection>> {
        let input: Box<dyn std::io::BufRead + Send> = Box::new(bytes);
        let documents = match Documents::open(input, PATHS, &ReadOptions::default()) {
            Ok(documents) => documents,
            // Another encoding, which is told before anything is read.
            Err(rejection) => return vec![Err(rejection)],
        };
        // A reader that does not come to an end must fail, not fill the memory.
        documents.take(bytes.len() + 2).collect()
    }

    /// Each record as `line:text`, each rejection as `line!code`.
    fn check(text: &str, expected: &[&str]) {
        let seen: Vec<String> = read(text.as_bytes())
            .into_iter()
            .map(|item| match item {
                Ok(document) => format!("{}:{}", document.line, document.text),
                Err(rejection) => format!("{}!{}", rejection.line, rejection.fault.code()),
            })
            .collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn records_are_found_in_every_arrangement() {
        check("", &[]);
        check(" \n\n", &[]);
        check("[]", &[]);
        check("{\"a\":1}\n{\"b\":\"}\"}\n", &["1:{\"a\":1}", "2:{\"b\":\"}\"}"]);
        check("{\"a\":1}{\"b\":2} , {\"c\":3}", &["1:{\"a\":1}", "1:{\"b\":2}", "1:{\"c\":3}"]);
        check("[{\"a\":1},\n{\"b\":[{}]}]", &["1:{\"a\":1}", "2:{\"b\":[{}]}"]);
        check(
            "{\n\t\"a\" : {\n\t\t\"b\" : 1\n\t}\n}\n{\n}",
            &["1:{\n\t\"a\" : {\n\t\t\"b\" : 1\n\t}\n}", "6:{\n}"],
        );
        check("{_id: ObjectId('6}'), s: 'a{'}", &["1:{_id: ObjectId('6}'), s: 'a{'}"]);
        check(
            "{\"logs\":7}\n{\"logs\":{\"a\":[]}}",
            &["1:{\"logs\":7}", "2:{\"logs\":{\"a\":[]}}"],
        );
    }

    #[test]
    fn records_are_found_in_the_pages_of_an_api() {
        check(
            "{\"n\":1,\"logs\":[{\"a\":1},{\"logs\":[{}]}],\"next\":false}",
            &["1:{\"a\":1}", "1:{\"logs\":[{}]}"],
        );
        check("{\"logs\":[]}\n{\"logs\" : [ ] }", &[]);
        check(
            "{\"params\":{\"results\":[{}]},\"responses\":[{\"events\":[],\"results\":[{\"a\":1}],\"x\":{}},\n{\"results\":[{\"b\":2}]},{}],\"z\":[{}]}{\"c\":1}",
            &["1:{\"a\":1}", "2:{\"b\":2}", "2:{\"c\":1}"],
        );
    }

    #[test]
    fn reading_goes_on_after_a_broken_record() {
        let good = "{\"a\":1}";
        check(&format!("{{\"b\":\n{good}\n{good}"), &["1!syntax", "2:{\"a\":1}", "3:{\"a\":1}"]);
        check(&format!("{{\"b\":\"cut\n{good}\n"), &["1!syntax", "2:{\"a\":1}"]);
        check(
            &format!("{{\"b\":{{}}\n{good}\n{good}\n"),
            &["1!syntax", "2:{\"a\":1}", "3:{\"a\":1}"],
        );
        check(&format!("oops\n{good}"), &["1!syntax", "2:{\"a\":1}"]);
        check(&format!("{good}}}\n{good}"), &["1:{\"a\":1}", "1!syntax", "2:{\"a\":1}"]);
        check(
            &format!("[\n  {{\"b\":\"\n  {good},\n  {good}\n]"),
            &["2!syntax", "3:{\"a\":1}", "4:{\"a\":1}"],
        );
        check(&format!("[{good},"), &["1:{\"a\":1}", "1!syntax"]);
        check(&format!("{good}\n{{\"a\":"), &["1:{\"a\":1}", "2!syntax"]);
        check(&format!("{{\"logs\":[{good}]"), &["1:{\"a\":1}", "1!syntax"]);
        check(
            &format!("{{\"logs\":[{good}],\"n\":\"\n{good}"),
            &["1:{\"a\":1}", "1!syntax", "2:{\"a\":1}"],
        );
    }

    #[test]
    fn a_page_that_breaks_behind_its_records_comes_to_an_end() {
        check("{\"logs\":[{\"a\":1}],\"n\":\"x", &["1:{\"a\":1}", "1!syntax"]);
        check("{\"logs\":[{\"a\":1}\n],\"n\":{", &["1:{\"a\":1}", "2!syntax"]);
        check("{\"logs\":[],\"n\":\n{\"b\":2}\n", &["1!syntax", "2:{\"b\":2}"]);
    }

    #[test]
    fn what_is_not_utf_8_is_rejected_alone() {
        let seen = read(b"{\"a\":\"\xFF\"}\n{\"a\":1}");
        assert_eq!(seen[0].as_ref().unwrap_err().fault, Fault::Encoding);
        assert_eq!(seen[1].as_ref().unwrap().line, 2);
    }

    #[test]
    fn a_record_that_is_too_large_is_passed_over() {
        let large = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}", "x".repeat(9 * 1024 * 1024));
        let seen = read(large.as_bytes());
        assert_eq!(seen[0].as_ref().unwrap_err().fault, Fault::TooLarge);
        assert_eq!(seen[1].as_ref().unwrap().text, "{\"b\":1}");
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn a_file_of_open_brackets_costs_linear_time() {
        let hostile = "{\n".repeat(5 * 1024 * 1024);
        let seen = read(hostile.as_bytes());
        assert!(seen.iter().all(Result::is_err) && seen.len() < 100);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).len() <= bytes.len() + 1);
        }

        #[test]
        fn no_brackets_make_it_panic(text in "[\\[\\]{}:,\"'a\\\\ \n]{0,40}") {
            prop_assert!(read(text.as_bytes()).len() <= text.len() + 1);
        }
    }
}

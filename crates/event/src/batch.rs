//! Many events in one text: a JSON array, or one event a line.

use crate::json::Scanner;
use crate::limits::EVENT_BYTES_MAX;
use crate::parse::too_large;
use crate::{Event, Invalid};

/// How events follow each other in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One JSON object.
    One,
    /// A JSON array of objects.
    Array,
    /// One JSON object a line (NDJSON); blank lines are passed over.
    Lines,
}

impl Shape {
    /// The shape of a JSON text, told by its first character.
    pub fn of_json(text: &str) -> Self {
        if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
            Self::Array
        } else {
            Self::One
        }
    }
}

/// The events of a text, in order. An event that breaks a rule is an `Err` and the next one follows;
/// an array that stops being JSON ends with that `Err`.
#[derive(Debug)]
pub struct Items<'a> {
    shape: Shape,
    /// What is left to read, for [`Shape::One`] and [`Shape::Lines`].
    rest: &'a str,
    /// Bytes of the text before `rest`.
    read: usize,
    scanner: Scanner<'a>,
    /// Whether the opening bracket of an array was passed.
    begun: bool,
    done: bool,
}

impl<'a> Items<'a> {
    /// Reads events from a text.
    pub fn new(text: &'a str, shape: Shape) -> Self {
        let scanner = Scanner::new(text);
        Self { shape, rest: text, read: 0, scanner, begun: false, done: false }
    }

    fn line(&mut self) -> Option<Result<Event<'a>, Invalid>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            let start = self.read;
            self.read += self.rest.len() - rest.len();
            self.rest = rest;
            if !line.trim_ascii().is_empty() {
                return Some(Event::parse(line).map_err(|mut fault| {
                    fault.offset = fault.offset.map(|offset| start + offset);
                    fault
                }));
            }
        }
    }

    fn item(&mut self) -> Option<Result<Event<'a>, Invalid>> {
        match self.step() {
            Ok(Some(item)) => Some(item),
            Ok(None) => {
                self.done = true;
                None
            }
            Err(fault) => {
                self.done = true;
                Some(Err(fault))
            }
        }
    }

    /// One item of an array; the outer `Err` is a text that cannot be read further.
    fn step(&mut self) -> Result<Option<Result<Event<'a>, Invalid>>, Invalid> {
        let s = &mut self.scanner;
        let ended = if self.begun {
            s.comma_or(b']')?
        } else {
            self.begun = true;
            s.skip_space();
            if !s.take(b'[') {
                return Err(s.fault("expected a JSON array"));
            }
            s.skip_space();
            s.take(b']')
        };
        if ended {
            s.skip_space();
            s.end()?;
            return Ok(None);
        }
        let start = s.offset();
        let item = Event::read(s).and_then(|event| {
            if s.offset() - start > EVENT_BYTES_MAX { Err(too_large()) } else { Ok(event) }
        });
        if item.is_err() {
            // Find where the next item begins, if this one is JSON at all.
            s.rewind(start);
            s.pass()?;
        }
        Ok(Some(item))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Event<'a>, Invalid>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.shape {
            Shape::One => {
                self.done = true;
                Some(Event::parse(self.rest))
            }
            Shape::Lines => self.line(),
            Shape::Array => self.item(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rule;

    const GOOD: &str =
        r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"s"},"action":"a"}"#;

    fn check(text: &str, shape: Shape, expected: &str) {
        let seen: String = Items::new(text, shape)
            .map(|item| match item {
                Ok(_) => 'y',
                Err(fault) if fault.rule == Rule::Syntax => 'x',
                Err(_) => 'n',
            })
            .collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn one_bad_event_does_not_hide_the_next() {
        check(&format!("[{GOOD},{{\"b\":1}},{GOOD}]"), Shape::Array, "yny");
        check(&format!(" [ {GOOD} , 7 , {GOOD} ] "), Shape::Array, "yny");
        check(&format!("{GOOD}\n{{\"b\":1}}\n\n  \r\n{GOOD}"), Shape::Lines, "yny");
        check(&format!("{GOOD}\n{{oops\n{GOOD}\n"), Shape::Lines, "yxy");
        check(GOOD, Shape::One, "y");
        check("[]", Shape::Array, "");
        check("", Shape::Lines, "");
        check("", Shape::One, "x");
    }

    #[test]
    fn an_array_that_stops_being_json_ends_there() {
        check(&format!("[{GOOD},"), Shape::Array, "yx");
        check(&format!("[{GOOD},{{oops,{GOOD}]"), Shape::Array, "yx");
        check(&format!("[{GOOD}]]"), Shape::Array, "yx");
        check(&format!("[{GOOD}"), Shape::Array, "yx");
    }
}

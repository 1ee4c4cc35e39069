//! From text to values with their places.

use std::ops::Range;

use super::Fault;

/// What may stand before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// `=`
    Exactly,
    /// `~`
    Matching,
}

/// A value as it was typed.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) quoted: bool,
    /// What stood before it.
    pub(super) mark: Option<Mark>,
    /// Whether `*` stood after it.
    pub(super) prefix: bool,
    /// Where it stands, quotes and marks included.
    pub(super) place: Range<usize>,
}

impl Value {
    /// Whether this is a keyword and not a value that happens to read like one.
    pub(super) fn is_word(&self, word: &str) -> bool {
        let marked = self.quoted || self.mark.is_some() || self.prefix;
        !marked && self.text.eq_ignore_ascii_case(word)
    }
}

/// Reads a text from left to right.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        if taken {
            self.at += wanted.len_utf8();
        }
        taken
    }

    /// The name of a field with the colon behind it, if one stands here.
    pub(super) fn field(&mut self) -> Option<(&'a str, Range<usize>)> {
        let rest = self.rest();
        let size = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
            .count();
        let starts = rest.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        if !starts || rest.as_bytes().get(size) != Some(&b':') {
            return None;
        }
        let place = self.at..self.at + size;
        self.at += size + 1;
        Some((rest.get(..size)?, place))
    }

    /// One value, or the list in parentheses that stands here.
    pub(super) fn values(&mut self) -> Result<Vec<Value>, Fault> {
        let open = self.at;
        if !self.take('(') {
            return Ok(vec![self.value(false)?]);
        }
        let mut values = Vec::new();
        loop {
            self.skip_space();
            values.push(self.value(true)?);
            self.skip_space();
            if self.take(')') {
                self.end_of_value()?;
                return Ok(values);
            }
            if !self.take('|') {
                let message = "a list of values is written (a|b) and ends with `)`";
                return Err(Fault::new(open..self.at, message));
            }
        }
    }

    /// One value, with the marks before and after it.
    pub(super) fn value(&mut self, listed: bool) -> Result<Value, Fault> {
        let start = self.at;
        let mark = if self.take('=') {
            Some(Mark::Exactly)
        } else {
            self.take('~').then_some(Mark::Matching)
        };
        let quoted = self.peek() == Some('"');
        let text = if quoted { self.quoted()? } else { self.bare(listed) };
        let prefix = self.take('*');
        let place = start..self.at;
        match mark.filter(|_| prefix) {
            Some(Mark::Exactly) => {
                return Err(Fault::new(place, "`=` and `*` exclude each other; leave one out"));
            }
            Some(Mark::Matching) => {
                return Err(Fault::new(place, "quote an expression that has `*` in it"));
            }
            None => {}
        }
        if text.is_empty() {
            return Err(match self.peek().filter(|c| !c.is_whitespace()) {
                Some(c) => {
                    let place = self.at..self.at + c.len_utf8();
                    Fault::new(place, &format!("`{c}` has to be quoted, as in \"{c}\""))
                }
                None => Fault::new(place, "a value is missing here"),
            });
        }
        if !listed {
            self.end_of_value()?;
        }
        Ok(Value { text, quoted, mark, prefix, place })
    }

    fn end_of_value(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(c) if !c.is_whitespace() => {
                let message = format!("put a space before `{c}`, or quote the value");
                Err(Fault::new(self.at..self.at + c.len_utf8(), &message))
            }
            _ => Ok(()),
        }
    }

    fn bare(&mut self, listed: bool) -> String {
        let rest = self.rest();
        let stops = |c: char| {
            c.is_whitespace() || matches!(c, '"' | '*' | '(' | ')') || (listed && c == '|')
        };
        let size = rest.find(stops).unwrap_or(rest.len());
        self.at += size;
        rest.get(..size).unwrap_or_default().to_owned()
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        self.at += 1;
                        text.push(escaped);
                    }
                    _ => text.push('\\'),
                },
                _ => text.push(c),
            }
        }
        Err(Fault::new(start..self.at, "a quote is open; close it with `\"`"))
    }
}

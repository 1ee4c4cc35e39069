//! One pass over JSON text: checks it, finds its extent, and says whether it is compact.

use std::borrow::Cow;

use super::keys::Keys;
use super::text::{plain_size, unescape, write_string};
use crate::limits::DEPTH_MAX;
use crate::{Invalid, Rule};

/// Reads JSON from the front of a text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Whether anything since it was last cleared is not in compact form.
    loose: bool,
    keys: Keys<'a>,
}

type Scanned<T> = Result<T, Invalid>;

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, loose: false, keys: Keys::default() }
    }

    /// The byte offset of what comes next.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Goes back or forward to an offset where a value begins, at depth 0.
    pub(crate) fn rewind(&mut self, offset: usize) {
        self.at = offset;
        self.depth = 0;
        self.keys = Keys::default();
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The text between two offsets.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn skip_space(&mut self) {
        // Most texts are compact: one comparison settles it.
        while let Some(b'\0'..=b' ') = self.peek() {
            if !matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                return;
            }
            self.at += 1;
            self.loose = true;
        }
    }

    pub(crate) fn end(&self) -> Scanned<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault("expected the end of the text")),
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn fault(&self, message: &str) -> Invalid {
        Invalid::syntax(self.at, message)
    }

    /// Takes one byte if it is next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// One value of any kind, compact.
    pub(crate) fn value(&mut self) -> Scanned<Cow<'a, str>> {
        let start = self.at;
        self.loose = false;
        self.skip_value()?;
        let text = self.slice(start, self.at);
        Ok(if self.loose { Cow::Owned(compact(text)) } else { Cow::Borrowed(text) })
    }

    /// A string's content.
    pub(crate) fn string(&mut self) -> Scanned<Cow<'a, str>> {
        let start = self.at;
        let (raw, escaped) = self.skip_string()?;
        if !escaped {
            return Ok(Cow::Borrowed(raw));
        }
        unescape(raw).ok_or_else(|| {
            Invalid::syntax(start, "a string has a lone surrogate; write whole characters")
        })
    }

    /// Enters an array or object whose bracket was taken.
    pub(crate) fn descend(&mut self) -> Scanned<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("nests deeper than {DEPTH_MAX} levels; flatten it");
            return Err(Invalid {
                at: String::new(),
                rule: Rule::Depth,
                message,
                offset: Some(self.at),
            });
        }
        Ok(())
    }

    /// Leaves it again.
    pub(crate) fn ascend(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Passes a value of any depth and with any members, to find where it ends.
    ///
    /// # Errors
    /// [`Rule::Syntax`], when it has no end.
    pub(crate) fn pass(&mut self) -> Scanned<()> {
        // The brackets that are still to close, innermost last.
        let mut open = Vec::new();
        loop {
            match self.peek() {
                Some(first @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.skip_space();
                    let close = if first == b'{' { b'}' } else { b']' };
                    if !self.take(close) {
                        self.pass_name(close)?;
                        open.push(close);
                        continue;
                    }
                }
                Some(b'"') => self.skip_string().map(drop)?,
                _ => self.skip_value()?,
            }
            while let Some(close) = open.last().copied() {
                if !self.comma_or(close)? {
                    self.pass_name(close)?;
                    break;
                }
                open.pop();
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// The name and colon that begin an item, if it is an object that ends with `close`.
    fn pass_name(&mut self, close: u8) -> Scanned<()> {
        if close == b'}' {
            self.skip_string()?;
            self.colon()?;
        }
        Ok(())
    }

    fn skip_value(&mut self) -> Scanned<()> {
        match self.peek() {
            Some(b'"') => self.check_string().map(drop),
            Some(b'{') => self.skip_object(),
            Some(b'[') => self.skip_array(),
            Some(b'-' | b'0'..=b'9') => self.skip_number(),
            Some(b't') => self.skip_word("true"),
            Some(b'f') => self.skip_word("false"),
            Some(b'n') => self.skip_word("null"),
            _ => Err(self.fault("expected a JSON value")),
        }
    }

    /// An unsigned number's digits, or a number of any form to be refused by the caller.
    pub(crate) fn number(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        self.skip_number()?;
        Ok(self.slice(start, self.at))
    }

    fn skip_object(&mut self) -> Scanned<()> {
        self.at += 1;
        self.descend()?;
        self.skip_space();
        let open = self.keys.open();
        if !self.take(b'}') {
            loop {
                let offset = self.at;
                let key = self.check_string()?;
                if !self.keys.add(open, key) {
                    return Err(Invalid {
                        at: String::new(),
                        rule: Rule::Duplicate,
                        message: "an object has the same member twice; keep one".to_owned(),
                        offset: Some(offset),
                    });
                }
                self.colon()?;
                self.skip_value()?;
                if self.comma_or(b'}')? {
                    break;
                }
            }
        }
        self.keys.close(open);
        self.ascend();
        Ok(())
    }

    fn skip_array(&mut self) -> Scanned<()> {
        self.at += 1;
        self.descend()?;
        self.skip_space();
        if !self.take(b']') {
            loop {
                self.skip_value()?;
                if self.comma_or(b']')? {
                    break;
                }
            }
        }
        self.ascend();
        Ok(())
    }

    /// The colon after a member's name, with the space around it.
    #[inline]
    pub(crate) fn colon(&mut self) -> Scanned<()> {
        self.skip_space();
        if !self.take(b':') {
            return Err(self.fault("expected `:` after a member's name"));
        }
        self.skip_space();
        Ok(())
    }

    /// After an item: true at the closing bracket, false at a comma.
    #[inline]
    pub(crate) fn comma_or(&mut self, close: u8) -> Scanned<bool> {
        self.skip_space();
        if self.take(close) {
            return Ok(true);
        }
        if !self.take(b',') {
            return Err(self.fault(match close {
                b']' => "expected `,` or `]`",
                _ => "expected `,` or `}`",
            }));
        }
        self.skip_space();
        Ok(false)
    }

    fn skip_word(&mut self, word: &str) -> Scanned<()> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            return Ok(());
        }
        Err(self.fault("expected a JSON value"))
    }

    fn skip_digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn skip_number(&mut self) -> Scanned<()> {
        let fault =
            |scanner: &Self| Err(scanner.fault("a number is not written as JSON writes it"));
        self.take(b'-');
        if !self.take(b'0') && self.skip_digits() == 0 {
            return fault(self);
        }
        if self.take(b'.') && self.skip_digits() == 0 {
            return fault(self);
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            if self.skip_digits() == 0 {
                return fault(self);
            }
        }
        match self.peek() {
            Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'+' | b'-') => fault(self),
            _ => Ok(()),
        }
    }

    /// A string inside a free value: its content is checked and compared with its compact form.
    fn check_string(&mut self) -> Scanned<Cow<'a, str>> {
        let start = self.at;
        let content = self.string()?;
        if let Cow::Owned(content) = &content {
            let mut compact = Vec::with_capacity(content.len() + 8);
            write_string(&mut compact, content);
            if compact.as_slice() != self.slice(start, self.at).as_bytes() {
                self.loose = true;
            }
        }
        Ok(content)
    }

    /// Passes a string; gives what stands between its quotes and whether it has escapes.
    fn skip_string(&mut self) -> Scanned<(&'a str, bool)> {
        if !self.take(b'"') {
            return Err(self.fault("expected a string"));
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at += plain_size(bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.skip_escape()?;
                }
                Some(_) => {
                    return Err(
                        self.fault("a string has a raw control character; write it as \\u00xx")
                    );
                }
                None => return Err(self.fault("a string does not end")),
            }
        }
        let raw = self.slice(start, self.at);
        self.at += 1;
        Ok((raw, escaped))
    }

    fn skip_escape(&mut self) -> Scanned<()> {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        let size = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if rest.get(1..5).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) => 6,
            _ => return Err(self.fault("an escape is not one that JSON has")),
        };
        self.at += size;
        Ok(())
    }
}

/// The compact form of a text that was checked.
fn compact(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        match first {
            b'"' => {
                let size = string_size(rest);
                let (string, after) = rest.split_at(size.min(rest.len()));
                let raw = string.get(1..size.saturating_sub(1)).unwrap_or_default();
                match unescape(raw) {
                    Some(content) => write_string(&mut out, &content),
                    None => out.extend_from_slice(string.as_bytes()),
                }
                rest = after;
            }
            b' ' | b'\n' | b'\r' | b'\t' => rest = rest.get(1..).unwrap_or_default(),
            _ => {
                let size = rest
                    .bytes()
                    .position(|b| matches!(b, b'"' | b' ' | b'\n' | b'\r' | b'\t'))
                    .unwrap_or(rest.len());
                let (plain, after) = rest.split_at(size);
                out.extend_from_slice(plain.as_bytes());
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// The size of the JSON string that a checked text begins with, quotes included.
pub(super) fn string_size(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(step) = memchr::memchr2(b'"', b'\\', rest) else { return bytes.len() };
        at += step;
        if rest.get(step) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use crate::{Json, Rule};
    use proptest::prelude::*;

    fn compact(text: &str) -> String {
        Json::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).as_str().to_owned()
    }

    #[test]
    fn space_goes_and_escapes_become_one_form() {
        for (loose, expected) in [
            (" { \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}"),
            (r#""\u0041\/\u00e9\u001F\u000a""#, "\"A/é\\u001f\\n\""),
            (
                r#"{"b":1.0,"a":1E+5,"c":-0,"d":100000000000000000000.10}"#,
                r#"{"b":1.0,"a":1E+5,"c":-0,"d":100000000000000000000.10}"#,
            ),
            (r#""\ud83d\ude00""#, "\"😀\""),
            ("[]", "[]"),
            ("{}", "{}"),
            ("null", "null"),
        ] {
            assert_eq!(compact(loose), expected);
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for bad in [
            "",
            " ",
            "{",
            "}",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "--1",
            "1_000",
            "tru",
            "nul",
            "NaN",
            "Infinity",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "[1 2]",
            "1 2",
            "{\"a\":1 \"b\":2}",
            "\u{feff}{}",
            "\"\\u+123\"",
            "// x\n1",
        ] {
            let fault = Json::parse(bad).unwrap_err();
            assert_eq!(fault.rule, Rule::Syntax, "{bad}");
            assert!(fault.offset.is_some_and(|offset| offset <= bad.len()), "{bad}");
        }
    }

    #[test]
    fn the_same_member_twice_is_refused_however_it_is_written() {
        let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
        let large = format!("{{{},\"k7\":0}}", many.join(","));
        for bad in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"a":1,"a":2}}]"#, &large]
        {
            assert_eq!(Json::parse(bad).unwrap_err().rule, Rule::Duplicate, "{bad}");
        }
        for good in [r#"{"a":{"a":1},"b":{"a":1}}"#, &format!("{{{}}}", many.join(","))] {
            assert_eq!(compact(good), *good);
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(&deep(crate::DEPTH_MAX)).is_ok());
        assert_eq!(Json::parse(&deep(crate::DEPTH_MAX + 1)).unwrap_err().rule, Rule::Depth);
        assert_eq!(Json::parse(&"[".repeat(1_000_000)).unwrap_err().rule, Rule::Depth);
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_json_takes_and_keeps_its_meaning(text in "[\\[\\]{}:,\"a0-9.eE+\\\\ u-]{0,24}") {
            let ours = Json::parse(&text);
            let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
            match (&ours, &theirs) {
                (Ok(json), Ok(value)) => {
                    let again: serde_json::Value = serde_json::from_str(json.as_str()).unwrap();
                    prop_assert_eq!(value, &again);
                    prop_assert!(!json.as_str().contains(' ') || json.as_str().contains('"'));
                    prop_assert_eq!(&Json::parse(json.as_str()).unwrap(), json);
                }
                (Err(fault), Ok(_)) => prop_assert_eq!(fault.rule, Rule::Duplicate),
                (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{}", error),
                (Err(_), Err(_)) => {}
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = Json::parse(&text);
        }
    }
}

//! One pass from the JSON that platforms write to compact JSON without secrets.
//!
//! The normal form is compact JSON; what MongoDB's shells write beyond JSON becomes relaxed Extended
//! JSON v2, and so does Extended JSON v1 and canonical v2. Numbers keep their digits and members
//! their order. Credentials are dropped and their JSON pointers listed; no pointer shows one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use event::json::{pointer_token, write_string};

use super::extended;
use super::secrets::{has_token, is_secret_name};
use crate::limits::RECORD_DEPTH_MAX;
use crate::{Fault, Rejection};

/// What a text may be beyond JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Nothing: RFC 8259.
    Json,
    /// What `mongo`, `mongosh` and `mongoexport` write.
    Mongo,
}

/// A value in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Normal {
    /// Compact JSON.
    pub(crate) text: String,
    /// Pointers of what was dropped, in order of appearance. A dropped item of an array stands as
    /// `null`, so that the others keep their places.
    pub(crate) redacted: Vec<String>,
}

/// The most bytes of a pointer; what lies deeper is listed under its parent.
const POINTER_BYTES_MAX: usize = 1_024;

/// The most pointers that are listed one by one.
const POINTERS_MAX: usize = 256;

/// Reads one value that is all of a text.
///
/// # Errors
/// The rejection's line is that of the fault within the text, from 1.
pub(crate) fn normalise(text: &str, syntax: Syntax) -> Result<Normal, Rejection> {
    normalise_at(text, syntax, 0)
}

/// The same for a value that will stand so many levels deep in a record.
///
/// # Errors
/// As [`normalise`].
pub(crate) fn normalise_at(text: &str, syntax: Syntax, depth: usize) -> Result<Normal, Rejection> {
    let mut reader = Reader {
        text,
        at: 0,
        syntax,
        out: Vec::with_capacity(text.len()),
        pointer: String::new(),
        redacted: Vec::new(),
        keys: Vec::new(),
        large: Vec::new(),
        depth,
    };
    reader.space();
    reader.value()?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.fault("expected the end of the record"));
    }
    collapse(&mut reader.redacted);
    // Only whole characters are copied out of a text.
    let text = String::from_utf8(reader.out).unwrap_or_default();
    Ok(Normal { text, redacted: reader.redacted })
}

/// The pointer to list for what was dropped: its own, or that of the nearest parent that can be listed.
pub(crate) fn listed_pointer(mut pointer: &str) -> &str {
    while pointer.len() > POINTER_BYTES_MAX || pointer.bytes().any(|b| b < 0x20 || b == 0x7F) {
        pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    pointer
}

/// Too many pointers are worth less than the names of the members they lie in.
pub(crate) fn collapse(redacted: &mut Vec<String>) {
    if redacted.len() > POINTERS_MAX {
        for pointer in redacted.iter_mut() {
            let end = pointer.match_indices('/').nth(1).map_or(pointer.len(), |(at, _)| at);
            pointer.truncate(end);
        }
    }
    if redacted.len() < 2 {
        return;
    }
    let mut seen = HashSet::new();
    redacted.retain(|pointer| seen.insert(pointer.clone()));
    redacted.truncate(POINTERS_MAX);
}

pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    syntax: Syntax,
    pub(super) out: Vec<u8>,
    pointer: String,
    redacted: Vec<String>,
    /// Where in the output the names of the open objects' members stand.
    keys: Vec<Range<usize>>,
    /// The same as a set, for objects with many members, innermost last.
    large: Vec<(usize, HashSet<Box<[u8]>>)>,
    depth: usize,
}

/// Beyond this many members a set is kept, so that a hostile object costs linear time.
const LINEAR_KEYS_MAX: usize = 24;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A value that is nobody's secret whatever its name: null, a boolean, an empty string.
    Nothing,
    /// A value.
    Something,
    /// A string with a token in it.
    Token,
}

pub(super) type Read<T> = Result<T, Rejection>;

impl<'t> Reader<'t> {
    pub(super) fn fault(&self, message: &'static str) -> Rejection {
        self.rejection(Fault::Syntax, message)
    }

    fn rejection(&self, fault: Fault, message: impl Into<Cow<'static, str>>) -> Rejection {
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        Rejection::new(u64::try_from(line).unwrap_or(u64::MAX), fault, message)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The bytes from here that satisfy a test, which are passed.
    pub(super) fn run(&mut self, test: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let size = rest.bytes().position(|byte| !test(byte)).unwrap_or(rest.len());
        // A run of ASCII ends at the boundary of a character.
        let run = rest.get(..size).unwrap_or_default();
        self.at += run.len();
        run
    }

    fn value(&mut self) -> Read<Seen> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'\'') if self.syntax == Syntax::Mongo => self.string(),
            Some(b'{') => self.object(),
            Some(b'[') => self.array().map(|()| Seen::Something),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Seen::Something),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word(),
            _ => Err(self.fault("expected a JSON value")),
        }
    }

    fn string(&mut self) -> Read<Seen> {
        let content = self.content()?;
        write_string(&mut self.out, &content);
        Ok(if content.is_empty() {
            Seen::Nothing
        } else if has_token(&content) {
            Seen::Token
        } else {
            Seen::Something
        })
    }

    /// A string's content.
    pub(super) fn content(&mut self) -> Read<Cow<'t, str>> {
        let quote = match self.peek() {
            Some(b'"') => b'"',
            Some(b'\'') if self.syntax == Syntax::Mongo => b'\'',
            _ => return Err(self.fault("expected a string")),
        };
        self.at += 1;
        let mut content = Cow::Borrowed("");
        loop {
            let plain = self.plain(quote);
            if content.is_empty() {
                content = Cow::Borrowed(plain);
            } else {
                content.to_mut().push_str(plain);
            }
            if self.take(quote) {
                return Ok(content);
            }
            if !self.take(b'\\') {
                return Err(self.fault("a string does not end, or has a raw control character"));
            }
            let escaped = self.escape()?;
            content.to_mut().push(escaped);
        }
    }

    fn plain(&mut self, quote: u8) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let stop = |byte: &u8| *byte == quote || *byte == b'\\' || *byte < 0x20;
        let size = rest.as_bytes().iter().position(stop).unwrap_or(rest.len());
        let plain = rest.get(..size).unwrap_or_default();
        self.at += size;
        plain
    }

    fn escape(&mut self) -> Read<char> {
        let byte = self.peek();
        self.at += 1;
        Ok(match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.escaped_unit(),
            Some(b'\'') if self.syntax == Syntax::Mongo => '\'',
            _ => {
                self.at -= 1;
                return Err(self.fault("an escape is not one that JSON has"));
            }
        })
    }

    fn escaped_unit(&mut self) -> Read<char> {
        let lone = "a string has a lone surrogate; write whole characters";
        let mut code = self.hex4()?;
        if (0xD800..0xDC00).contains(&code) {
            if !(self.take(b'\\') && self.take(b'u')) {
                return Err(self.fault(lone));
            }
            let low = self.hex4()?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(self.fault(lone));
            }
            code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        char::from_u32(code).ok_or_else(|| self.fault(lone))
    }

    fn hex4(&mut self) -> Read<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() < 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.fault("an escape is not one that JSON has"));
        }
        self.at += 4;
        u32::from_str_radix(digits, 16)
            .map_err(|_| self.fault("an escape is not one that JSON has"))
    }

    fn number(&mut self) -> Read<()> {
        let digits =
            self.run(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        if digits == "-" && self.syntax == Syntax::Mongo {
            return extended::minus_infinity(self);
        }
        if !extended::is_number(digits) {
            return Err(self.fault("a number is not written as JSON writes it"));
        }
        self.out.extend_from_slice(digits.as_bytes());
        Ok(())
    }

    fn word(&mut self) -> Read<Seen> {
        let word = self.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
        match word {
            "true" | "false" | "null" => {
                self.out.extend_from_slice(word.as_bytes());
                Ok(Seen::Nothing)
            }
            _ if self.syntax == Syntax::Mongo => {
                extended::constructor(self, word).map(|()| Seen::Something)
            }
            _ => Err(self.fault("expected a JSON value")),
        }
    }

    fn descend(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > RECORD_DEPTH_MAX {
            let message = format!("nests deeper than {RECORD_DEPTH_MAX} levels");
            return Err(self.rejection(Fault::Depth, message));
        }
        Ok(())
    }

    fn array(&mut self) -> Read<()> {
        self.at += 1;
        self.descend()?;
        self.out.push(b'[');
        self.space();
        if !self.take(b']') {
            for position in 0_usize.. {
                if position > 0 {
                    self.out.push(b',');
                }
                let (start, parent) = (self.out.len(), self.pointer.len());
                self.pointer.push('/');
                self.pointer.push_str(&position.to_string());
                if self.value()? == Seen::Token {
                    self.out.truncate(start);
                    self.out.extend_from_slice(b"null");
                    self.redact();
                }
                self.pointer.truncate(parent);
                if self.comma_or(b']')? {
                    break;
                }
            }
        }
        self.out.push(b']');
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self) -> Read<Seen> {
        let start = self.out.len();
        let keys_start = self.keys.len();
        self.at += 1;
        self.descend()?;
        self.out.push(b'{');
        self.space();
        if !self.take(b'}') {
            loop {
                self.member(start, keys_start)?;
                if self.comma_or(b'}')? {
                    break;
                }
            }
        }
        self.out.push(b'}');
        self.depth -= 1;
        let count = self.keys.len().saturating_sub(keys_start);
        self.keys.truncate(keys_start);
        self.large.pop_if(|(start, _)| *start == keys_start);
        if count == 1 && self.syntax == Syntax::Mongo {
            extended::unwrap(&mut self.out, start);
        }
        Ok(Seen::Something)
    }

    fn member(&mut self, object_start: usize, keys_start: usize) -> Read<()> {
        let start = self.out.len();
        if start > object_start + 1 {
            self.out.push(b',');
        }
        let name_start = self.out.len();
        let name = match self.peek() {
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$') if self.syntax == Syntax::Mongo => {
                Cow::Borrowed(self.run(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$')))
            }
            _ => self.content()?,
        };
        write_string(&mut self.out, &name);
        self.add_key(name_start..self.out.len(), keys_start)?;
        self.space();
        if !self.take(b':') {
            return Err(self.fault("expected `:` after a member's name"));
        }
        self.space();
        self.out.push(b':');
        let parent = self.pointer.len();
        let leaks = has_token(&name);
        let value_start = self.out.len();
        let redacted_before = self.redacted.len();
        if !leaks {
            self.pointer.push('/');
            self.pointer.push_str(&pointer_token(&name));
        }
        let seen = self.value()?;
        let empty = self.out.get(value_start..).is_some_and(|v| v == b"{}" || v == b"[]");
        let secret = is_secret_name(&name) && seen != Seen::Nothing && !empty;
        if leaks || secret || seen == Seen::Token {
            self.out.truncate(start);
            self.keys.pop();
            self.redacted.truncate(redacted_before);
            self.redact();
        }
        self.pointer.truncate(parent);
        Ok(())
    }

    fn add_key(&mut self, range: Range<usize>, keys_start: usize) -> Read<()> {
        let name = |at: &Range<usize>| self.out.get(at.clone()).unwrap_or_default();
        let members = self.keys.get(keys_start..).unwrap_or_default();
        let new = if members.len() < LINEAR_KEYS_MAX {
            !members.iter().any(|other| name(other) == name(&range))
        } else {
            match self.large.last_mut() {
                Some((at, set)) if *at == keys_start => set.insert(name(&range).into()),
                _ => {
                    let mut set: HashSet<_> = members.iter().map(|key| name(key).into()).collect();
                    let new = set.insert(name(&range).into());
                    self.large.push((keys_start, set));
                    new
                }
            }
        };
        if !new {
            return Err(self.fault("an object has the same member twice; keep one"));
        }
        self.keys.push(range);
        Ok(())
    }

    /// Lists the pointer of what was dropped, or the nearest parent's that can be listed.
    fn redact(&mut self) {
        let pointer = listed_pointer(&self.pointer);
        if !pointer.is_empty() {
            self.redacted.push(pointer.to_owned());
        }
    }

    pub(super) fn comma_or(&mut self, close: u8) -> Read<bool> {
        self.space();
        if self.take(close) {
            return Ok(true);
        }
        if !self.take(b',') {
            return Err(self.fault("expected a comma or a closing bracket"));
        }
        self.space();
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(syntax: Syntax, text: &str, expected: &str, redacted: &[&str]) {
        let normal = normalise(text, syntax).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(normal.text, expected);
        assert_eq!(normal.redacted, redacted, "{text}");
        event::Json::parse(&normal.text).unwrap();
    }

    #[test]
    fn json_becomes_compact_and_keeps_its_digits_and_order() {
        for (text, expected) in [
            (
                " { \"b\" : [ 1.0 , -2e5 ] , \"a\" : \"\\u0041\\/\" } ",
                "{\"b\":[1.0,-2e5],\"a\":\"A/\"}",
            ),
            ("[]", "[]"),
            ("{}", "{}"),
            ("\"\\ud83d\\ude00\"", "\"😀\""),
            ("null", "null"),
            ("{\"a．b\":{\"a．b\":1}}", "{\"a．b\":{\"a．b\":1}}"),
        ] {
            check(Syntax::Json, text, expected, &[]);
            check(Syntax::Mongo, text, expected, &[]);
        }
    }

    #[test]
    fn shells_and_extended_json_become_relaxed_extended_json() {
        for (text, expected) in [
            (r#"ObjectId("664debce1dea5e65ab7e1984")"#, r#"{"$oid":"664debce1dea5e65ab7e1984"}"#),
            (
                r"{_id: ObjectId('66'), n: Long('5'), s: 'it\'s'}",
                r#"{"_id":{"$oid":"66"},"n":5,"s":"it's"}"#,
            ),
            (r#"NumberLong("1716382670511")"#, "1716382670511"),
            ("NumberLong(-1)", "-1"),
            ("NumberInt( 7 )", "7"),
            (r#"NumberDecimal("1.10")"#, r#"{"$numberDecimal":"1.10"}"#),
            (r#"ISODate("2024-05-22T12:57:50.511Z")"#, r#"{"$date":"2024-05-22T12:57:50.511Z"}"#),
            ("new Date(1716382670511)", r#"{"$date":"2024-05-22T12:57:50.511Z"}"#),
            ("Timestamp(5, 1)", r#"{"$timestamp":{"t":5,"i":1}}"#),
            ("Timestamp({ t: 5, i: 1 })", r#"{"$timestamp":{"t":5,"i":1}}"#),
            (r#"BinData(0,"YWJj")"#, r#"{"$binary":{"base64":"YWJj","subType":"00"}}"#),
            (r#"{"$numberLong":"9007199254740993"}"#, "9007199254740993"),
            (r#"{"$numberInt":"-1"}"#, "-1"),
            (r#"{"$numberDouble":"1.50"}"#, "1.50"),
            (r#"{"$numberDouble":"NaN"}"#, r#"{"$numberDouble":"NaN"}"#),
            ("NaN", r#"{"$numberDouble":"NaN"}"#),
            ("-Infinity", r#"{"$numberDouble":"-Infinity"}"#),
            (
                r#"{"$date":{"$numberLong":"1716382670511"}}"#,
                r#"{"$date":"2024-05-22T12:57:50.511Z"}"#,
            ),
            (r#"{"$date":1716382670511}"#, r#"{"$date":"2024-05-22T12:57:50.511Z"}"#),
            (r#"{"$date":"2024-05-22T12:57:50Z"}"#, r#"{"$date":"2024-05-22T12:57:50Z"}"#),
            (r#"{"$numberLong":"12","x":1}"#, r#"{"$numberLong":"12","x":1}"#),
            (r#"{"$numberLong":"0x12"}"#, r#"{"$numberLong":"0x12"}"#),
            ("undefined", r#"{"$undefined":true}"#),
            ("MinKey", r#"{"$minKey":1}"#),
        ] {
            check(Syntax::Mongo, text, expected, &[]);
        }
    }

    #[test]
    fn credentials_are_dropped_and_their_places_listed() {
        const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.x";
        for (text, expected, redacted) in [
            (r#"{"a":1,"token":"s3cr3t","b":2}"#, r#"{"a":1,"b":2}"#, vec!["/token"]),
            (r#"{"token":"s3cr3t","b":2}"#, r#"{"b":2}"#, vec!["/token"]),
            (
                r#"{"token":null,"sid":"","password":false,"apiKey":{}}"#,
                r#"{"token":null,"sid":"","password":false,"apiKey":{}}"#,
                vec![],
            ),
            (r#"{"p":{"token":{"secretKey":"k","n":1}}}"#, r#"{"p":{}}"#, vec!["/p/token"]),
            (r#"{"x":"Bearer JWT","l":["JWT","y"]}"#, r#"{"l":[null,"y"]}"#, vec!["/x", "/l/0"]),
            (r#"{"p":{"k JWT":1,"a":2}}"#, r#"{"p":{"a":2}}"#, vec!["/p"]),
            (r#"{"a/b":{"token":7}}"#, r#"{"a/b":{}}"#, vec!["/a~1b/token"]),
            (r#"{"a\u0001":{"token":7}}"#, r#"{"a\u0001":{}}"#, vec![]),
            (r#"{"p":{"a\u0001":{"token":7}}}"#, r#"{"p":{"a\u0001":{}}}"#, vec!["/p"]),
        ] {
            check(Syntax::Mongo, &text.replace("JWT", JWT), expected, &redacted);
        }
        let many: Vec<String> =
            (0..1_000).map(|n| format!("{{\"k{n}\":{{\"token\":1}}}}")).collect();
        let many = format!("{{\"params\":[{}]}}", many.join(","));
        assert_eq!(normalise(&many, Syntax::Json).unwrap().redacted, ["/params"]);
    }

    #[test]
    fn what_is_not_json_is_rejected_with_its_line() {
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "'a'",
            "01",
            "1.",
            "+1",
            "NaN",
            "\"\n\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "[1 2]",
            "1 2",
            "{\"a\":1,\"a\":2}",
            "ObjectId(\"1\")",
            "\"",
            "\"\\u12",
        ] {
            assert_eq!(normalise(bad, Syntax::Json).unwrap_err().fault, Fault::Syntax, "{bad}");
        }
        for bad in
            ["Foo(1)", "NumberLong(", "NumberLong(\"x\")", "ObjectId(1)", "new", "{'a'}", "-"]
        {
            assert_eq!(normalise(bad, Syntax::Mongo).unwrap_err().fault, Fault::Syntax, "{bad}");
        }
        assert_eq!(normalise("{\n\"a\":\n?}", Syntax::Json).unwrap_err().line, 3);
        let deep = "[".repeat(RECORD_DEPTH_MAX + 1);
        assert_eq!(normalise(&deep, Syntax::Json).unwrap_err().fault, Fault::Depth);
        let keys: Vec<String> = (0..100).map(|n| format!("\"k{n}\":1")).collect();
        normalise(&format!("{{{}}}", keys.join(",")), Syntax::Json).unwrap();
        normalise(&format!("{{{},\"k7\":1}}", keys.join(",")), Syntax::Json).unwrap_err();
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = normalise(&text, Syntax::Json);
            let _ = normalise(&text, Syntax::Mongo);
        }

        #[test]
        fn it_agrees_with_the_event_on_what_json_is(text in "[\\[\\]{}:,\"a\\\\u0d8 1.e-]{0,24}") {
            let ours = normalise(&text, Syntax::Json).map(|normal| normal.text).ok();
            let theirs = event::Json::parse(&text).map(|json| json.as_str().to_owned()).ok();
            prop_assert_eq!(ours, theirs);
        }
    }
}

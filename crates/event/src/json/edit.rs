//! Dropping and replacing values in compact JSON text, by JSON pointer.

use std::borrow::Cow;

use super::scan::string_size;
use super::text::unescape;
use crate::limits::DEPTH_MAX;

/// What to do with the value at a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<'e> {
    /// Look inside, and keep the rest.
    Keep,
    /// Look inside, and leave the member or item out if that leaves `{}` or `[]`.
    Prune,
    /// Leave the member or item out.
    Drop,
    /// Put this JSON text in its place.
    Replace(&'e str),
}

/// Rewrites compact, checked JSON text, asking `decide` about every member and item below the top.
///
/// Below [`DEPTH_MAX`] levels it copies without asking. A text that is not JSON gives some text.
pub fn edit<'e>(text: &str, decide: &mut dyn FnMut(&str) -> Edit<'e>) -> String {
    let out = String::with_capacity(text.len());
    let mut editor = Editor { out, at: String::new(), depth: 0, decide };
    editor.value(text);
    editor.out
}

/// Whether a text is a JSON pointer (RFC 6901 section 3) to something below the top.
pub fn is_pointer(text: &str) -> bool {
    text.starts_with('/')
        && text.split('~').skip(1).all(|after| after.starts_with('0') || after.starts_with('1'))
}

/// A member's name as one token of a JSON pointer.
pub fn pointer_token(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

struct Editor<'d, 'e> {
    out: String,
    at: String,
    depth: usize,
    decide: &'d mut dyn FnMut(&str) -> Edit<'e>,
}

impl Editor<'_, '_> {
    /// Copies the value that `text` begins with and gives the rest of the text.
    fn value<'t>(&mut self, text: &'t str) -> &'t str {
        match text.bytes().next() {
            Some(b'{') if self.depth < DEPTH_MAX => self.items(text, '}', true),
            Some(b'[') if self.depth < DEPTH_MAX => self.items(text, ']', false),
            _ => {
                let (whole, rest) = cut(text, value_size(text));
                self.out.push_str(whole);
                rest
            }
        }
    }

    fn items<'t>(&mut self, text: &'t str, close: char, named: bool) -> &'t str {
        let (bracket, mut rest) = cut(text, 1);
        self.out.push_str(bracket);
        self.depth += 1;
        let mut first = true;
        let mut position = 0_usize;
        while let Some(next) = rest.chars().next() {
            if next == close {
                rest = cut(rest, 1).1;
                break;
            }
            let before = rest.len();
            rest = rest.strip_prefix(',').unwrap_or(rest);
            let parent = self.at.len();
            let mut name = "";
            self.at.push('/');
            if named {
                (name, rest) = cut(rest, string_size(rest));
                let raw = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
                let content = unescape(raw).unwrap_or(Cow::Borrowed(raw));
                self.at.push_str(&pointer_token(&content));
                rest = rest.strip_prefix(':').unwrap_or(rest);
            } else {
                self.at.push_str(&position.to_string());
                position += 1;
            }
            rest = self.item(rest, name, &mut first);
            self.at.truncate(parent);
            if rest.len() == before {
                break;
            }
        }
        self.depth -= 1;
        self.out.push(close);
        rest
    }

    fn item<'t>(&mut self, text: &'t str, name: &str, first: &mut bool) -> &'t str {
        let (before, was_first) = (self.out.len(), *first);
        let decision = (self.decide)(&self.at);
        if decision == Edit::Drop {
            return cut(text, value_size(text)).1;
        }
        if !std::mem::take(first) {
            self.out.push(',');
        }
        if !name.is_empty() {
            self.out.push_str(name);
            self.out.push(':');
        }
        let start = self.out.len();
        if let Edit::Replace(value) = decision {
            self.out.push_str(value);
            return cut(text, value_size(text)).1;
        }
        let rest = self.value(text);
        if decision == Edit::Prune && matches!(self.out.get(start..), Some("{}" | "[]")) {
            self.out.truncate(before);
            *first = was_first;
        }
        rest
    }
}

/// The first bytes of a text and the rest; all of it where it cannot be cut there.
fn cut(text: &str, size: usize) -> (&str, &str) {
    text.split_at_checked(size).unwrap_or((text, ""))
}

/// The size of the value that compact, checked text begins with.
fn value_size(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at += string_size(text.get(at..).unwrap_or_default());
                if depth == 0 {
                    return at.min(text.len());
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_are_dropped_and_replaced_by_pointer() {
        let text = r#"{"a":{"b":[1,"x,]",{"c/d":2}],"e":null},"f~":"\"","g":3}"#;
        let check = |edits: &[(&str, Edit<'_>)], expected: &str| {
            let out = edit(text, &mut |at| {
                edits
                    .iter()
                    .find(|(pointer, _)| *pointer == at)
                    .map_or(Edit::Keep, |(_, edit)| edit.clone())
            });
            assert_eq!(out, expected);
        };
        check(&[], text);
        check(&[("/a", Edit::Drop)], r#"{"f~":"\"","g":3}"#);
        check(&[("/g", Edit::Drop)], r#"{"a":{"b":[1,"x,]",{"c/d":2}],"e":null},"f~":"\""}"#);
        check(
            &[("/a/b/1", Edit::Drop), ("/a/b/2/c~1d", Edit::Replace("[7]"))],
            r#"{"a":{"b":[1,{"c/d":[7]}],"e":null},"f~":"\"","g":3}"#,
        );
        check(
            &[("/f~0", Edit::Replace("{}")), ("/a/e", Edit::Replace("1"))],
            r#"{"a":{"b":[1,"x,]",{"c/d":2}],"e":1},"f~":{},"g":3}"#,
        );
    }
}

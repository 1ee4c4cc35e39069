//! Where the members of an object, or the items of an array, begin and end.
//!
//! One pass over the bytes that looks at brackets and quotes only. What lies between them is taken
//! as it is: it was checked before, or is checked when somebody uses it.

use std::borrow::Cow;

use super::{Members, Value, string};

/// The members of an object's text; `None` when it is no object.
pub(super) fn members(text: &str) -> Option<Members<'_>> {
    let mut at = Cursor { text, at: 0 };
    at.pass(b'{')?;
    let mut members = Vec::new();
    at.skip_space();
    if at.pass(b'}').is_none() {
        loop {
            at.skip_space();
            let name = at.string()?;
            at.skip_space();
            at.pass(b':')?;
            at.skip_space();
            let value = at.value()?;
            members.push((content(name)?, Value::json(value)));
            at.skip_space();
            if at.pass(b',').is_none() {
                at.pass(b'}')?;
                break;
            }
        }
    }
    at.is_end().then_some(Members(members))
}

/// The items of an array's text; `None` when it is no array.
pub(super) fn items(text: &str) -> Option<Vec<&str>> {
    let mut at = Cursor { text, at: 0 };
    at.pass(b'[')?;
    let mut items = Vec::new();
    at.skip_space();
    if at.pass(b']').is_none() {
        loop {
            at.skip_space();
            items.push(at.value()?);
            at.skip_space();
            if at.pass(b',').is_none() {
                at.pass(b']')?;
                break;
            }
        }
    }
    at.is_end().then_some(items)
}

fn content(name: &str) -> Option<Cow<'_, str>> {
    let inner = name.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    string(name).map(Cow::Owned)
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.rest().first() == Some(&byte)).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        let space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().take_while(space).count();
    }

    fn is_end(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty()
    }

    fn from(&self, start: usize) -> Option<&'t str> {
        self.text.get(start..self.at)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'t str> {
        let start = self.at;
        self.pass_string()?;
        self.from(start)
    }

    fn pass_string(&mut self) -> Option<()> {
        self.pass(b'"')?;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.rest())?;
            let is_quote = self.rest().get(found) == Some(&b'"');
            self.at += found + if is_quote { 1 } else { 2 };
            if is_quote {
                return Some(());
            }
        }
    }

    /// A value of any kind.
    fn value(&mut self) -> Option<&'t str> {
        let start = self.at;
        match self.rest().first()? {
            b'"' => self.pass_string()?,
            b'{' | b'[' => self.pass_brackets()?,
            _ => {
                let inside = |byte: &&u8| {
                    !matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t')
                };
                self.at += self.rest().iter().take_while(inside).count();
            }
        }
        self.from(start).filter(|value| !value.is_empty())
    }

    fn pass_brackets(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.rest().first()? {
                b'"' => {
                    self.pass_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let seen = members(text);
        let seen: Option<Vec<(String, String)>> = seen.map(|members| {
            members.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        });
        let expected = expected.map(|list| {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        });
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn members_are_found_by_their_brackets_and_quotes() {
        check("{}", Some(&[]));
        check("{ }", Some(&[]));
        check(
            r#"{"a":1,"b\n":"x\"}","c":{"d":[1,"]"]},"e":[{}]}"#,
            Some(&[("a", "1"), ("b\n", r#""x\"}""#), ("c", r#"{"d":[1,"]"]}"#), ("e", "[{}]")]),
        );
        check("{ \"a\" : true , \"b\":null }\n", Some(&[("a", "true"), ("b", "null")]));
        for broken in
            ["", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":[}", "{}x", "[]", "{a:1}"]
        {
            check(broken, None);
        }
        assert_eq!(items("[1, \"a,b\" ,[2]]").unwrap(), ["1", "\"a,b\"", "[2]"]);
        assert_eq!(items("[]").unwrap().len(), 0);
        assert_eq!(items("[1,]"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\",:\\\\ a1é]{0,40}") {
            let _ = members(&text);
            let _ = items(&text);
        }
    }
}

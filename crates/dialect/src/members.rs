//! The members of a JSON object as text: what a mapping takes, and what is left when it has taken.
//!
//! A dialect takes the members that an event has a place for. What is left, the *residue*, keeps its
//! native layout and goes into the event's `attributes`; laying the taken members over it gives the
//! record back, nulls, empty objects and unknown members included. Values are never turned into
//! numbers or maps: their text stays as it came.

use std::borrow::Cow;
use std::fmt;

use event::json::write_string;
use event::{ID_BYTES_MAX, Json, TEXT_BYTES_MAX};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The most bytes of what a person wrote; the event's own limit.
const PROSE_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes of a credential's ending; the event's own limit.
const ENDING_BYTES_MAX: usize = 64;

/// Names and compact values of one JSON object, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Members<'a> {
    /// The members of a compact JSON object; `None` when the text is something else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a member's value.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// A string member's content, which stays where it is.
    pub(crate) fn peek_text(&self, name: &str) -> Option<String> {
        self.peek(name).and_then(string)
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a value of any kind but `null`.
    pub(crate) fn take_json(&mut self, name: &str) -> Option<Json<'static>> {
        if self.peek(name)? == "null" {
            return None;
        }
        let value = self.take(name)?;
        Json::parse(&value).ok().map(Json::into_owned)
    }

    /// Takes a string that fits a name or an address of an event; any other stays.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        self.take_string(name, TEXT_BYTES_MAX)
    }

    /// Takes a string that fits a word that is looked up: an action, a type.
    pub(crate) fn take_word(&mut self, name: &str) -> Option<String> {
        self.take_string(name, ID_BYTES_MAX)
    }

    /// Takes the ending of a credential.
    pub(crate) fn take_ending(&mut self, name: &str) -> Option<String> {
        self.take_string(name, ENDING_BYTES_MAX)
    }

    fn take_string(&mut self, name: &str, bytes_max: usize) -> Option<String> {
        let content = self.peek(name).and_then(string).filter(|text| fits(text, bytes_max))?;
        self.take(name)?;
        Some(content)
    }

    /// Takes a whole number as its digits.
    pub(crate) fn take_number(&mut self, name: &str) -> Option<String> {
        let digits = self.peek(name).filter(|text| is_whole(text))?.to_owned();
        self.take(name)?;
        Some(digits)
    }

    /// Hands an object's members to `body`, and keeps what that leaves. An object that was empty, and
    /// a value that is no object, stay as they are.
    pub(crate) fn within<T>(
        &mut self,
        name: &str,
        body: impl FnOnce(&mut Members<'_>) -> T,
    ) -> Option<T> {
        let (_, value) = self.0.iter_mut().find(|(key, _)| key == name)?;
        let text = value.clone();
        let mut inner = Members::parse(&text)?;
        let was_empty = inner.is_empty();
        let out = body(&mut inner);
        if inner.is_empty() && !was_empty {
            self.take(name)?;
        } else {
            *value = Cow::Owned(inner.to_json());
        }
        Some(out)
    }

    /// Adds a member; the caller knows that there is none of this name and that the text is JSON.
    pub(crate) fn put(&mut self, name: &'static str, json: impl Into<Cow<'a, str>>) {
        self.0.push((Cow::Borrowed(name), json.into()));
    }

    /// Adds a string, if there is one.
    pub(crate) fn put_text(&mut self, name: &'static str, content: Option<&str>) {
        if let Some(content) = content {
            self.put(name, Json::string(content).as_str().to_owned());
        }
    }

    /// Adds a whole number; text that is none is added as a string.
    pub(crate) fn put_number(&mut self, name: &'static str, content: Option<&str>) {
        match content {
            Some(digits) if is_whole(digits) => self.put(name, digits.to_owned()),
            other => self.put_text(name, other),
        }
    }

    /// Adds a value, if there is one.
    pub(crate) fn put_json(&mut self, name: &'static str, json: Option<&Json<'_>>) {
        if let Some(json) = json {
            self.put(name, json.as_str().to_owned());
        }
    }

    /// Adds an object, unless it is empty.
    pub(crate) fn put_object(&mut self, name: &'static str, inner: &Members<'_>) {
        if !inner.is_empty() {
            self.put(name, inner.to_json());
        }
    }

    /// Adds a member of any name.
    pub(crate) fn put_named(&mut self, name: String, json: &str) {
        self.0.push((Cow::Owned(name), Cow::Owned(json.to_owned())));
    }

    /// Adds a value inside objects that are made where they are missing.
    pub(crate) fn put_at(&mut self, path: &[&'static str], json: &str) {
        let [name, rest @ ..] = path else { return };
        if rest.is_empty() {
            return self.put_named((*name).to_owned(), json);
        }
        let mut inner = self
            .take(name)
            .and_then(|text| Members::parse(&text).map(Members::into_owned))
            .unwrap_or_default();
        inner.put_at(rest, json);
        self.put(name, inner.to_json());
    }

    /// The text of a value inside objects.
    pub(crate) fn peek_at(&self, path: &[&str]) -> Option<String> {
        let [name, rest @ ..] = path else { return None };
        let value = self.peek(name)?;
        if rest.is_empty() { Some(value.to_owned()) } else { Members::parse(value)?.peek_at(rest) }
    }

    /// The same with its own copy of every text.
    pub(crate) fn into_owned(self) -> Members<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Members(self.0.into_iter().map(|(name, value)| (own(name), own(value))).collect())
    }

    /// Lays a residue under what is here: its members are added, and objects on both sides are
    /// joined. Where both have a value, the one here stands.
    pub(crate) fn lay_over(&mut self, residue: &Members<'_>) {
        for (name, value) in &residue.0 {
            let Some((_, here)) = self.0.iter_mut().find(|(key, _)| key == name) else {
                self.0.push((Cow::Owned(name.to_string()), Cow::Owned(value.to_string())));
                continue;
            };
            let joined = match (Members::parse(here), Members::parse(value)) {
                (Some(mut mine), Some(theirs)) => {
                    mine.lay_over(&theirs);
                    Some(mine.to_json())
                }
                _ => None,
            };
            if let Some(joined) = joined {
                *here = Cow::Owned(joined);
            }
        }
    }

    /// The members in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The object as compact JSON.
    pub(crate) fn to_json(&self) -> String {
        let mut out = vec![b'{'];
        for (name, value) in &self.0 {
            if out.len() > 1 {
                out.push(b',');
            }
            write_string(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
        String::from_utf8(out).unwrap_or_default()
    }

    /// The object as JSON.
    pub(crate) fn into_json(self) -> Json<'static> {
        Json::parse(&self.to_json()).map_or_else(|_| Json::string(""), Json::into_owned)
    }

    /// The object as an event's `attributes`; `None` when there is nothing in it.
    pub(crate) fn into_attributes(self) -> Option<Json<'static>> {
        if self.is_empty() { None } else { Json::parse(&self.to_json()).ok().map(Json::into_owned) }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = map.next_value::<&RawValue>()?;
                    members.push((Cow::Owned(name), Cow::Borrowed(value.get())));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The content of a JSON string.
pub(crate) fn string(json: &str) -> Option<String> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    // Most strings have no escape, and are then what stands between their quotes.
    if inner.contains('\\') { serde_json::from_str(json).ok() } else { Some(inner.to_owned()) }
}

/// Whether a text is a whole number that JSON and a 64-bit id would both write this way.
pub(crate) fn is_whole(text: &str) -> bool {
    text.len() <= 20 && text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

/// Whether a text may stand in a member of an event that holds at most that many bytes.
pub(crate) fn fits(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.bytes().any(|b| b < 0x20 || b == 0x7F)
}

/// Whether a text may stand where an event holds what a person wrote.
pub(crate) fn fits_prose(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= PROSE_BYTES_MAX
        && !text.bytes().any(|b| (b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t')) || b == 0x7F)
}

/// Whether two compact JSON texts say the same, whatever the order of members in objects.
pub(crate) fn same_json(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    if let (Some(mut one), Some(mut other)) = (Members::parse(one), Members::parse(other)) {
        one.0.sort_unstable();
        other.0.sort_unstable();
        return one.0.len() == other.0.len()
            && one.0.iter().zip(&other.0).all(|(a, b)| a.0 == b.0 && same_json(&a.1, &b.1));
    }
    match (items(one), items(other)) {
        (Some(one), Some(other)) => {
            one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| same_json(a, b))
        }
        _ => false,
    }
}

pub(crate) fn items(text: &str) -> Option<Vec<&str>> {
    if !text.starts_with('[') {
        return None;
    }
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_and_what_is_left_give_the_record_back() {
        let text = r#"{"a":"x","n":null,"e":{},"o":{"id":7,"odd":[1.50],"name":"o"},"p":{"id":8},"long":"\u0001"}"#;
        let compact = Json::parse(text).unwrap();
        let mut members = Members::parse(compact.as_str()).unwrap();
        assert_eq!(members.take_text("a").as_deref(), Some("x"));
        assert_eq!(members.take_text("n"), None);
        assert_eq!(members.take_text("long"), None);
        assert_eq!(members.within("e", |e| e.take_text("id")), Some(None));
        let o = members.within("o", |o| (o.take_number("id"), o.take_text("name"))).unwrap();
        assert_eq!(o, (Some("7".to_owned()), Some("o".to_owned())));
        members.within("p", |p| p.take_number("id"));
        assert_eq!(members.to_json(), r#"{"n":null,"e":{},"o":{"odd":[1.50]},"long":"\u0001"}"#);

        let mut again = Members::default();
        again.put_text("a", Some("x"));
        let mut inner = Members::default();
        inner.put_number("id", Some("7"));
        inner.put_text("name", Some("o"));
        again.put_object("o", &inner);
        let mut inner = Members::default();
        inner.put_number("id", Some("8"));
        again.put_object("p", &inner);
        again.lay_over(&members);
        assert!(same_json(&again.to_json(), compact.as_str()), "{}", again.to_json());
    }

    #[test]
    fn order_of_members_does_not_matter_and_all_else_does() {
        for (one, other, same) in [
            (r#"{"a":1,"b":[{"c":2,"d":3}]}"#, r#"{"b":[{"d":3,"c":2}],"a":1}"#, true),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, false),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
            ("[1,2]", "[2,1]", false),
            ("[1]", "[1,2]", false),
            (r#""1""#, "1", false),
            ("{}", "[]", false),
        ] {
            assert_eq!(same_json(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_number_is_taken_only_as_it_would_be_written() {
        for (text, whole) in
            [("7", true), ("-7", true), ("07", false), ("7.0", false), ("1e3", false), ("", false)]
        {
            assert_eq!(is_whole(text), whole, "{text}");
        }
        assert!(!is_whole("9223372036854775808"));
    }
}

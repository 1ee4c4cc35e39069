//! The members of a JSON object: what a mapping takes, and what is left when it has taken.
//!
//! A dialect takes the members that an event has a place for. What is left, the *residue*, keeps its
//! native layout and goes into the event's `attributes`; laying the taken members over it gives the
//! record back, nulls, empty objects and unknown members included. Values are never turned into
//! numbers or maps: their text stays as it came. Objects inside are opened when something in them is
//! asked for, and stay open, so that a record is taken apart once.

mod split;
mod value;

use std::borrow::Cow;

use event::json::write_string;
use event::{ID_BYTES_MAX, Json, TEXT_BYTES_MAX};

pub(crate) use value::Value;

/// The most bytes of what a person wrote; the event's own limit.
const PROSE_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes of a credential's ending; the event's own limit.
const ENDING_BYTES_MAX: usize = 64;

/// Up to this many members are compared by looking each up; beyond it they are sorted, so that a
/// hostile object costs no more than its size.
const LINEAR_MEMBERS_MAX: usize = 32;

/// Names and compact values of one JSON object, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Members<'a> {
    /// The members of a JSON object; `None` when the text is something else. What lies inside the
    /// values is not looked at: the text is known to be JSON, or somebody checks it elsewhere.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        split::members(text)
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        self.0.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of a member's value.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.find(name).map(Value::text)
    }

    /// A string member's content, which stays where it is.
    pub(crate) fn peek_text(&self, name: &str) -> Option<String> {
        self.find(name)?.content().map(Cow::into_owned)
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1.into_text())
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
        let at = self.0.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.0.get(at)?;
        let content = value.content().filter(|text| fits(text, bytes_max))?.into_owned();
        self.0.remove(at);
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
        let at = self.0.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.0.get_mut(at)?;
        let inner = value.open()?;
        let was_empty = inner.is_empty();
        let out = body(inner);
        if inner.is_empty() && !was_empty {
            self.0.remove(at);
        }
        Some(out)
    }

    /// Adds a member; the caller knows that there is none of this name and that the text is JSON.
    pub(crate) fn put(&mut self, name: &'static str, json: impl Into<Cow<'a, str>>) {
        self.0.push((Cow::Borrowed(name), Value::json(json)));
    }

    /// Adds a string, if there is one.
    pub(crate) fn put_text(&mut self, name: &'static str, content: Option<&str>) {
        if let Some(content) = content {
            self.0.push((Cow::Borrowed(name), Value::string(content.to_owned())));
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
    pub(crate) fn put_object(&mut self, name: &'static str, inner: Self) {
        if !inner.is_empty() {
            self.0.push((Cow::Borrowed(name), Value::object(inner)));
        }
    }

    /// Adds a member of any name.
    pub(crate) fn put_named(&mut self, name: String, json: &str) {
        self.0.push((Cow::Owned(name), Value::json(json.to_owned())));
    }

    /// Adds a value of any name.
    pub(crate) fn put_value(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.0.push((name.into(), value));
    }

    /// Adds a value inside objects that are made where they are missing.
    pub(crate) fn put_at(&mut self, path: &[&'static str], value: Value<'a>) {
        let [name, rest @ ..] = path else { return };
        if rest.is_empty() {
            return self.put_value(*name, value);
        }
        if let Some(inner) = self.find_mut(name).and_then(Value::open) {
            return inner.put_at(rest, value);
        }
        self.take(name);
        let mut inner = Members::default();
        inner.put_at(rest, value);
        self.put_value(*name, Value::object(inner));
    }

    /// The value inside objects.
    pub(crate) fn at(&self, path: &[&str]) -> Option<Cow<'_, Value<'_>>> {
        let [name, rest @ ..] = path else { return None };
        let value = self.find(name)?;
        if rest.is_empty() {
            return Some(Cow::Borrowed(value));
        }
        if let Some(inner) = value.opened() {
            return inner.at(rest);
        }
        let inner = Members::parse(value.text())?;
        inner.at(rest).map(|value| Cow::Owned(value.into_owned().into_owned()))
    }

    /// The same with its own copy of every text.
    pub(crate) fn into_owned(self) -> Members<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Members(self.0.into_iter().map(|(name, value)| (own(name), value.into_owned())).collect())
    }

    /// Lays a residue under what is here: its members are added, and objects on both sides are
    /// joined. Where both have a value, the one here stands.
    pub(crate) fn lay_over(&mut self, residue: &Members<'_>) {
        for (name, value) in &residue.0 {
            let Some(here) = self.find_mut(name) else {
                let value = value.clone().into_owned();
                self.0.push((Cow::Owned(name.to_string()), value));
                continue;
            };
            if let Some(theirs) = value.members()
                && let Some(mine) = here.open()
            {
                mine.lay_over(&theirs);
            }
        }
    }

    /// The members in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.text()))
    }

    /// The object as compact JSON.
    pub(crate) fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (position, (name, value)) in self.0.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_string(out, name);
            out.push(b':');
            value.write(out);
        }
        out.push(b'}');
    }

    /// The object as JSON.
    pub(crate) fn into_json(self) -> Json<'static> {
        Json::parse(&self.to_json()).map_or_else(|_| Json::string(""), Json::into_owned)
    }

    /// The object as an event's `attributes`; `None` when there is nothing in it.
    pub(crate) fn into_attributes(self) -> Option<Json<'static>> {
        if self.is_empty() { None } else { Json::parse(&self.to_json()).ok().map(Json::into_owned) }
    }

    /// Whether two objects say the same, whatever the order of members in objects.
    pub(crate) fn is_same(&self, other: &Members<'_>) -> bool {
        if self.0.len() != other.0.len() {
            return false;
        }
        if self.0.len() <= LINEAR_MEMBERS_MAX {
            let same = |(name, value): &(Cow<'_, str>, Value<'_>)| {
                other.find(name).is_some_and(|theirs| value.is_same(theirs))
            };
            return self.0.iter().all(same);
        }
        let [one, other] = [self.sorted(), other.sorted()];
        one.iter().zip(&other).all(|(a, b)| a.0 == b.0 && a.1.is_same(b.1))
    }

    fn sorted(&self) -> Vec<(&str, &Value<'a>)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, value)| (&**name, value)).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
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
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    plain && (digits.len() < 19 || text.parse::<i64>().is_ok())
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
    if let (Some(one), Some(other)) = (Members::parse(one), Members::parse(other)) {
        return one.is_same(&other);
    }
    match (items(one), items(other)) {
        (Some(one), Some(other)) => {
            one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| same_json(a, b))
        }
        _ => false,
    }
}

/// The items of a JSON array; `None` when the text is something else.
pub(crate) fn items(text: &str) -> Option<Vec<&str>> {
    split::items(text)
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
        again.put_object("o", inner);
        let mut inner = Members::default();
        inner.put_number("id", Some("8"));
        again.put_object("p", inner);
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
        for (text, whole) in [
            ("9223372036854775807", true),
            ("-9223372036854775808", true),
            ("9223372036854775808", false),
            ("-9223372036854775809", false),
            ("99999999999999999999", false),
            ("0", true),
            ("-0", false),
            ("-", false),
            ("+7", false),
        ] {
            assert_eq!(is_whole(text), whole, "{text}");
        }
    }
}

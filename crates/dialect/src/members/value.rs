//! A member's value: text, the content of a string, or an object that was opened.

use std::borrow::Cow;
use std::cell::OnceCell;

use event::json::write_string;

use super::{Members, same_json, string};

/// A JSON value in whichever form it is at hand.
#[derive(Clone, Debug)]
pub(crate) struct Value<'a> {
    kind: Kind<'a>,
    /// The compact text of what is kept in another form, once somebody asked for it.
    text: OnceCell<Box<str>>,
}

#[derive(Clone, Debug)]
enum Kind<'a> {
    /// Compact text.
    Json(Cow<'a, str>),
    /// The content of a string.
    String(Cow<'a, str>),
    Object(Members<'a>),
}

impl<'a> Value<'a> {
    /// A value in compact text.
    pub(crate) fn json(text: impl Into<Cow<'a, str>>) -> Self {
        Self { kind: Kind::Json(text.into()), text: OnceCell::new() }
    }

    /// A string with this content.
    pub(crate) fn string(content: impl Into<Cow<'a, str>>) -> Self {
        Self { kind: Kind::String(content.into()), text: OnceCell::new() }
    }

    /// An object.
    pub(crate) fn object(members: Members<'a>) -> Self {
        Self { kind: Kind::Object(members), text: OnceCell::new() }
    }

    /// The compact text.
    pub(crate) fn text(&self) -> &str {
        match &self.kind {
            Kind::Json(text) => text,
            _ => self.text.get_or_init(|| self.to_text().into()),
        }
    }

    fn to_text(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends the compact text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Json(text) => out.extend_from_slice(text.as_bytes()),
            Kind::String(content) => write_string(out, content),
            Kind::Object(members) => members.write(out),
        }
    }

    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self.kind {
            Kind::Json(text) => text,
            _ => Cow::Owned(self.to_text()),
        }
    }

    /// The content of a string.
    pub(crate) fn content(&self) -> Option<Cow<'_, str>> {
        match &self.kind {
            Kind::String(content) => Some(Cow::Borrowed(content)),
            Kind::Json(json) => {
                let inner = json.strip_prefix('"')?.strip_suffix('"')?;
                if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
                    return Some(Cow::Borrowed(inner));
                }
                string(json).map(Cow::Owned)
            }
            Kind::Object(_) => None,
        }
    }

    /// The members of an object, to be changed; `None` for any other value.
    pub(super) fn open(&mut self) -> Option<&mut Members<'a>> {
        let opened = match &self.kind {
            Kind::Object(_) => None,
            Kind::Json(Cow::Borrowed(text)) => Some(Members::parse(text)?),
            Kind::Json(Cow::Owned(text)) => Some(Members::parse(text)?.into_owned()),
            Kind::String(_) => return None,
        };
        if let Some(members) = opened {
            self.kind = Kind::Object(members);
        }
        self.text = OnceCell::new();
        match &mut self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The members of an object that is open already.
    pub(super) fn opened(&self) -> Option<&Members<'a>> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The members of an object; `None` for any other value.
    pub(super) fn members(&self) -> Option<Cow<'_, Members<'_>>> {
        match &self.kind {
            Kind::Object(members) => Some(Cow::Borrowed(members)),
            Kind::Json(text) => Members::parse(text).map(Cow::Owned),
            Kind::String(_) => None,
        }
    }

    /// The same with its own copy of every text.
    pub(super) fn into_owned(self) -> Value<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let kind = match self.kind {
            Kind::Json(text) => Kind::Json(own(text)),
            Kind::String(content) => Kind::String(own(content)),
            Kind::Object(members) => Kind::Object(members.into_owned()),
        };
        Value { kind, text: OnceCell::new() }
    }

    /// Whether two values say the same, whatever the order of members in objects.
    pub(super) fn is_same(&self, other: &Value<'_>) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Json(one), Kind::Json(other)) => same_json(one, other),
            (Kind::String(one), _) => other.content().is_some_and(|other| *one == other),
            (_, Kind::String(other)) => self.content().is_some_and(|one| one == *other),
            _ => match (self.members(), other.members()) {
                (Some(one), Some(other)) => one.is_same(&other),
                _ => false,
            },
        }
    }
}

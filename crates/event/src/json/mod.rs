//! JSON text as it is needed here: checked, made compact, and edited, never turned into values.
//!
//! Compact means: no white space outside of strings; a string escapes `"`, `\` and the controls
//! U+0000 to U+001F, with the two-character form where JSON has one and `\u00xx` in lower case
//! otherwise, and nothing else. Numbers and the order of members stay as they were.

mod edit;
mod keys;
mod scan;
mod text;

pub use edit::{Edit, edit, is_pointer, pointer_token};
pub(crate) use scan::Scanner;
pub use text::write_string;

use std::borrow::Cow;

use crate::Invalid;

/// A JSON value in compact text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Json<'a>(Cow<'a, str>);

impl<'a> Json<'a> {
    /// Checks a text and makes it compact; borrows it where it is compact already.
    ///
    /// # Errors
    /// Names the byte where the text stops being JSON, a member that stands twice, or nesting that
    /// is too deep.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let mut scanner = Scanner::new(text);
        scanner.skip_space();
        let value = scanner.value()?;
        scanner.skip_space();
        scanner.end()?;
        Ok(Self(value))
    }

    /// Takes a text that is compact JSON already.
    pub(crate) fn trusted(text: Cow<'a, str>) -> Self {
        Self(text)
    }

    /// A JSON string with this content.
    pub fn string(content: &str) -> Json<'static> {
        let mut text = Vec::with_capacity(content.len() + 2);
        write_string(&mut text, content);
        Json(Cow::Owned(String::from_utf8(text).unwrap_or_default()))
    }

    /// The compact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }

    /// The same, with its own copy of the text.
    pub fn into_owned(self) -> Json<'static> {
        Json(Cow::Owned(self.0.into_owned()))
    }
}

//! The short name of a trail: in URLs, in paths, on the command line.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The trail of configuration.
pub const SYSTEM_SLUG: &str = "system";

/// The trail of who looked at what.
pub const ACCESS_SLUG: &str = "access";

/// The longest slug, in bytes.
const BYTES_MAX: usize = 63;

/// 1 to 63 of `a-z`, `0-9` and `-`, not beginning or ending with `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Arc<str>);

/// A text that is not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trail's slug has 1 to 63 of a-z, 0-9 and -, and neither begins nor ends with -")]
pub struct SlugError;

impl Slug {
    /// Reads a slug.
    ///
    /// # Errors
    /// Says what a slug is.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let letters = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let whole = (1..=BYTES_MAX).contains(&text.len())
            && text.bytes().all(letters)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if whole { Ok(Self(text.into())) } else { Err(SlugError) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the server keeps this trail for itself: nobody appends to it.
    pub fn is_built_in(&self) -> bool {
        matches!(self.as_str(), SYSTEM_SLUG | ACCESS_SLUG)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.as_str().to_owned()
    }
}

impl std::str::FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_tricks_are_not_slugs() {
        for bad in ["", ".", "..", "a/b", "../a", "A", "a b", "-a", "a-", "ä", "a\0", "a%2f", "a_b"]
        {
            assert_eq!(Slug::parse(bad), Err(SlugError), "{bad:?}");
        }
        assert_eq!(Slug::parse(&"a".repeat(64)), Err(SlugError));
        for good in ["a", "lab", "lab-7", "0", &"a".repeat(63)] {
            assert_eq!(Slug::parse(good).unwrap().as_str(), good);
        }
    }
}

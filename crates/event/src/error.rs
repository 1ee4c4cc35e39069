//! Why a text is not an event.

use std::fmt;

/// The rule that a text breaks: a stable word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The text is not JSON.
    Syntax,
    /// An object has the same member twice.
    Duplicate,
    /// Arrays and objects nest deeper than [`crate::DEPTH_MAX`].
    Depth,
    /// A member has another type than it should.
    Type,
    /// A member that every event needs is not there.
    Required,
    /// A member that an event does not have.
    Unknown,
    /// A member that only the server sets.
    ServerMember,
    /// A value is `null` or empty; absent members are left out.
    Empty,
    /// A value is longer, or has more items, than it may.
    TooLong,
    /// A time is not RFC 3339 with an offset, or lies outside of 1970 to 2199.
    Time,
    /// A name or identifier has control characters.
    Control,
    /// A word outside of a closed vocabulary.
    Vocabulary,
    /// A JSON pointer in `redacted` is not one.
    Pointer,
}

impl Rule {
    /// The stable word for this rule, in kebab case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Duplicate => "duplicate-member",
            Self::Depth => "too-deep",
            Self::Type => "wrong-type",
            Self::Required => "required",
            Self::Unknown => "unknown-member",
            Self::ServerMember => "server-member",
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::Time => "time",
            Self::Control => "control-character",
            Self::Vocabulary => "vocabulary",
            Self::Pointer => "pointer",
        }
    }
}

/// A text that is not an event: the member, the rule and the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// JSON pointer (RFC 6901) of the member; empty for the event itself.
    pub at: String,
    /// The rule it breaks.
    pub rule: Rule,
    /// What is wrong and what to do, for a person. Holds no value of the event.
    pub message: String,
    /// Byte offset in the text, where it is not JSON or breaks a rule of JSON that is kept here.
    pub offset: Option<usize>,
}

impl Invalid {
    pub(crate) fn new(at: impl Into<String>, rule: Rule, message: impl Into<String>) -> Self {
        Self { at: at.into(), rule, message: message.into(), offset: None }
    }

    pub(crate) fn syntax(offset: usize, message: impl Into<String>) -> Self {
        Self {
            at: String::new(),
            rule: Rule::Syntax,
            message: message.into(),
            offset: Some(offset),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "`{}`: ", self.at)?;
        }
        f.write_str(&self.message)?;
        if let Some(offset) = self.offset {
            write!(f, " (byte {offset})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

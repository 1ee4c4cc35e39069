//! Input that is not an event, and why.

use std::borrow::Cow;
use std::fmt;

/// Why a part of the input is not an event: a stable word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The input could not be read any further; what comes after is lost.
    Read,
    /// The compressed stream is damaged or cut off.
    Compression,
    /// It decompresses to far more than it should.
    Bomb,
    /// The input has more bytes than the caller allows.
    TooMuch,
    /// One record or one line is too large.
    TooLarge,
    /// Arrays and objects nest too deep.
    Depth,
    /// The bytes are not UTF-8.
    Encoding,
    /// The text is not what the format says it is.
    Syntax,
    /// The columns or members are not those of the format.
    Shape,
    /// A field that every event needs is missing or empty.
    Missing,
    /// A time cannot be read, or lies outside of 1970 to 2199.
    Time,
    /// A value cannot be what it claims to be.
    Value,
}

impl Fault {
    /// The stable word for this fault, in kebab case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Compression => "compression",
            Self::Bomb => "bomb",
            Self::TooMuch => "too-much",
            Self::TooLarge => "too-large",
            Self::Depth => "too-deep",
            Self::Encoding => "encoding",
            Self::Syntax => "syntax",
            Self::Shape => "shape",
            Self::Missing => "missing",
            Self::Time => "time",
            Self::Value => "value",
        }
    }

    /// Whether nothing can be read after it.
    pub const fn is_fatal(self) -> bool {
        matches!(self, Self::Read | Self::Compression | Self::Bomb | Self::TooMuch)
    }
}

/// A part of the input that is not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line it begins on, from 1.
    pub line: u64,
    /// The rule it breaks.
    pub fault: Fault,
    /// What is wrong and what to do, for a person. Holds no value of the input.
    pub message: Cow<'static, str>,
}

impl Rejection {
    /// A rejection at a line.
    pub fn new(line: u64, fault: Fault, message: impl Into<Cow<'static, str>>) -> Self {
        Self { line, fault, message: message.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Rejection {}

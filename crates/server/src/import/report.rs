//! What became of an import.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::instance::InstanceError;

/// Rejected records that a report lists one by one.
const LISTED_MAX: usize = 1_000;

/// What became of the records that were read. `read` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are new in the trail.
    pub recorded: u64,
    /// Records that the trail had.
    pub already: u64,
    /// Records that could not be recorded.
    pub rejected: u64,
}

impl Counts {
    /// Records that were looked at.
    pub fn read(&self) -> u64 {
        self.recorded + self.already + self.rejected
    }

    /// The counts of two imports together.
    pub fn add(&mut self, other: &Self) {
        self.recorded += other.recorded;
        self.already += other.already;
        self.rejected += other.rejected;
    }

    /// The counts as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "read": self.read(),
            "recorded": self.recorded,
            "already": self.already,
            "rejected": self.rejected,
        })
    }
}

/// A record that could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The line it begins on, from 1; 0 where no line is to blame.
    pub line: u64,
    /// Why, as a stable word.
    pub code: &'static str,
    /// Why, for a person. Holds no value of the input.
    pub message: Cow<'static, str>,
}

impl Rejected {
    fn to_json(&self) -> Value {
        json!({"line": self.line, "code": self.code, "message": self.message})
    }
}

impl From<dialect::Rejection> for Rejected {
    fn from(rejection: dialect::Rejection) -> Self {
        let dialect::Rejection { line, fault, message } = rejection;
        Self { line, code: fault.code(), message }
    }
}

/// The first rejected records, and how many more there were.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    listed: Vec<Rejected>,
    left_out: u64,
}

impl Rejections {
    pub(super) fn push(&mut self, rejected: Rejected) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(rejected);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn into_parts(self) -> (Vec<Rejected>, u64) {
        (self.listed, self.left_out)
    }
}

/// How an import ended.
#[derive(Debug)]
pub enum End {
    /// The input was read to its end, and all that was recorded is published.
    Complete,
    /// The input could not be read any further: it is none of the platform's, broken, or too long.
    Unreadable(Rejected),
    /// It was strict, and a record was rejected.
    Strict,
    /// It was told to stop.
    Stopped,
    /// The trail failed.
    Failed(InstanceError),
}

impl End {
    /// Whether the whole input was read.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Why it did not read the whole input, as a word and for a person.
    pub fn reason(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Complete => None,
            Self::Unreadable(Rejected { line: 0, code, message }) => {
                Some((*code, message.to_string()))
            }
            Self::Unreadable(Rejected { line, code, message }) => {
                Some((*code, format!("line {line}: {message}")))
            }
            Self::Strict => Some(("strict", "a record was rejected".to_owned())),
            Self::Stopped => Some(("stopped", "the import was told to stop".to_owned())),
            Self::Failed(error) => Some(("failed", error.to_string())),
        }
    }
}

/// What became of an import and of every record that it read.
#[derive(Debug)]
pub struct Report {
    /// The id of the event that records the import, which its events name in `received.import`.
    pub id: String,
    /// What became of the records.
    pub counts: Counts,
    /// The first of the rejected records.
    pub rejected: Vec<Rejected>,
    /// How many more were rejected.
    pub rejected_left_out: u64,
    /// Bytes of the input that were read.
    pub bytes: u64,
    /// The SHA-256 of those bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// How it ended.
    pub end: End,
}

impl Report {
    /// The report as a JSON object.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "import": self.id,
            "complete": self.end.is_complete(),
            "counts": self.counts.to_json(),
            "bytes": self.bytes,
            "sha256": self.sha256,
            "rejections": self.rejected.iter().map(Rejected::to_json).collect::<Vec<_>>(),
            "rejections_left_out": self.rejected_left_out,
        });
        if let (Some((code, message)), Some(object)) = (self.end.reason(), json.as_object_mut()) {
            object.insert("ended".to_owned(), json!({"code": code, "message": message}));
        }
        json
    }
}

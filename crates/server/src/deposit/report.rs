//! What a run did and found.

use super::{Day, Failure};

/// Findings of one deposit that a report names; the rest are counted.
const FINDINGS_MAX: usize = 100;

/// What a run did for one deposit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// When it began, in microseconds since the epoch.
    pub at_micros: i64,
    /// Days that it deposited.
    pub deposited: u64,
    /// Days that were deposited before and whose files are as they were.
    pub verified: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_left_out: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The day that it is about, if it is about one.
    pub day: Option<Day>,
    /// A stable word: `missing`, `altered`, `not-a-file`, or that of a [`Failure`].
    pub code: &'static str,
    /// What it is and what to do, for a person.
    pub message: String,
}

impl Finding {
    /// Whether a file is not what was deposited, rather than not deposited yet.
    pub fn is_damage(&self) -> bool {
        matches!(self.code, "missing" | "altered" | "not-a-file")
    }
}

impl Report {
    /// Whether everything that is owed is deposited, and everything deposited is as it was.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes what an earlier run had verified and this one did not look at.
    pub(crate) fn carry(&mut self, earlier: &Self) {
        self.verified += earlier.verified + earlier.deposited;
        self.findings_left_out += earlier.findings_left_out;
        for finding in earlier.findings.iter().filter(|finding| finding.is_damage()) {
            self.add(finding.clone());
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }

    pub(super) fn fail(&mut self, day: Option<Day>, failure: &Failure) {
        let mut message = failure.to_string();
        if let Failure::Trail(error) = failure
            && let Some(cause) = std::error::Error::source(error)
        {
            message = format!("{message}: {cause}");
        }
        self.add(Finding { day, code: failure.code(), message });
    }
}

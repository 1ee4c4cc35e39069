//! Intervals during which something happened.

use crate::Interval;

/// A condition on when it happened: within one of these intervals, or within none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct During {
    /// Whether the events meant are those that happened in none of them.
    pub negated: bool,
    /// The intervals.
    pub any: Vec<Interval>,
}

/// How it is written.
pub(crate) const FORM: &str = "not a span of time; write during:2026-01-01..2026-02-01, \
                               during:..2026-02-01 or during:2026-01-01..";

impl During {
    /// Whether a moment, in microseconds since the epoch, is meant.
    pub fn contains(&self, micros: i64) -> bool {
        self.any.iter().any(|interval| interval.contains(micros)) != self.negated
    }

    /// An interval outside of which nothing is meant.
    pub(crate) fn hull(&self) -> Interval {
        if self.negated {
            return Interval::default();
        }
        let ends = |interval: &Interval| {
            (interval.from.unwrap_or(i64::MIN), interval.to.unwrap_or(i64::MAX))
        };
        let (from, to) = self
            .any
            .iter()
            .map(ends)
            .fold((i64::MAX, i64::MIN), |one, other| (one.0.min(other.0), one.1.max(other.1)));
        Interval {
            from: Some(from).filter(|from| *from > i64::MIN),
            to: Some(to).filter(|to| *to < i64::MAX),
        }
    }

    /// Whether it could be written in the language: a span without any end is none.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.any.iter().any(Interval::is_open) { Err(FORM.to_owned()) } else { Ok(()) }
    }
}

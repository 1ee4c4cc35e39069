//! UTC days, as dates of recording.

use std::fmt;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// A day that no clock reaches.
    pub(super) const LAST: Self = Self(i64::MAX / DAY_MICROS - 1);

    /// The day of a moment, in microseconds since the epoch.
    pub fn of_micros(micros: i64) -> Self {
        Self(micros.div_euclid(DAY_MICROS))
    }

    /// Reads a date such as `2026-11-21`.
    pub fn parse(text: &str) -> Option<Self> {
        let day = event::parse_rfc3339(&format!("{text}T00:00:00Z")).map(Self::of_micros)?;
        (day.to_string() == text).then_some(day)
    }

    /// Its first moment, in microseconds since the epoch.
    pub fn start_micros(self) -> i64 {
        self.0 * DAY_MICROS
    }

    /// The day after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The day before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// The days from this one to another, both included.
    pub fn to(self, last: Self) -> impl DoubleEndedIterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = event::format_micros(self.start_micros());
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_spelling_and_ends_where_the_next_begins() {
        let day = Day::parse("2026-11-21").unwrap();
        assert_eq!(day.to_string(), "2026-11-21");
        assert_eq!(Day::of_micros(day.start_micros()), day);
        assert_eq!(Day::of_micros(day.next().start_micros() - 1), day);
        assert_eq!(Day::parse("2028-02-28").unwrap().next().to_string(), "2028-02-29");
        assert_eq!(Day::parse("2026-01-01").unwrap().previous().to_string(), "2025-12-31");
        for bad in
            ["", "2026-2-1", "2026-02-30", "2026-11-21T00:00:00Z", "+2026-11-21", " 2026-11-21"]
        {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        assert_eq!(day.to(day.previous()).count(), 0);
    }
}

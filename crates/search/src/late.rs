//! How long after it happened something was recorded.

/// The most seconds that can be asked for: a hundred years of 365 days.
pub(crate) const LATE_SECONDS_MAX: u64 = 100 * 365 * DAY;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The units that a duration is written in, the longest first, with their seconds.
const UNITS: [(&str, u64); 4] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1)];

/// How it is written.
pub(crate) const FORM: &str =
    "not a duration; write late:90s, late:30m, late:1h or late:7d, up to a hundred years";

/// A condition on the time from when something is said to have happened until it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// Whether the events meant are those that were recorded sooner.
    pub negated: bool,
    /// The least time between the two, in seconds. With 0, only what is said to happen after it was
    /// recorded is sooner.
    pub least_seconds: u64,
}

impl Late {
    /// Reads the duration: a whole number and one unit.
    pub(crate) fn seconds(text: &str) -> Option<u64> {
        let (number, seconds) = UNITS.into_iter().find_map(|(unit, seconds)| {
            let number = text.strip_suffix(unit)?;
            Some((number, seconds))
        })?;
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let count: u64 = if plain { number.parse().ok()? } else { return None };
        count.checked_mul(seconds).filter(|seconds| *seconds <= LATE_SECONDS_MAX)
    }

    /// The duration in the longest unit that says it in a whole number, and that unit.
    pub(crate) fn written(self) -> (u64, &'static str) {
        let whole =
            |seconds: u64| self.least_seconds > 0 && self.least_seconds.is_multiple_of(seconds);
        let unit = UNITS.into_iter().find(|(_, seconds)| whole(*seconds));
        unit.map_or((self.least_seconds, "s"), |(unit, seconds)| {
            (self.least_seconds / seconds, unit)
        })
    }

    /// Whether it could be written in the language.
    pub(crate) fn check(self) -> Result<(), String> {
        if self.least_seconds <= LATE_SECONDS_MAX { Ok(()) } else { Err(FORM.to_owned()) }
    }

    /// Whether an event that happened and was recorded at these moments, in microseconds since the
    /// epoch, is meant.
    pub fn contains(self, occurred: i64, recorded: i64) -> bool {
        let least = i64::try_from(self.least_seconds.saturating_mul(1_000_000));
        let is_late = least.is_ok_and(|least| recorded.saturating_sub(occurred) >= least);
        is_late != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, seconds, written) in [
            ("0s", 0, "0s"),
            ("0d", 0, "0s"),
            ("90s", 90, "90s"),
            ("60m", 3_600, "1h"),
            ("36h", 129_600, "36h"),
            ("007d", 604_800, "7d"),
            ("36500d", LATE_SECONDS_MAX, "36500d"),
        ] {
            assert_eq!(Late::seconds(text), Some(seconds), "{text}");
            let (count, unit) = Late { negated: false, least_seconds: seconds }.written();
            assert_eq!(format!("{count}{unit}"), written);
        }
        for bad in [
            "",
            "h",
            "1",
            "1.5h",
            "-1h",
            "+1h",
            "1 h",
            "1w",
            "1H",
            "36501d",
            "99999999999999999999s",
        ] {
            assert_eq!(Late::seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn it_is_late_from_the_very_microsecond_on() {
        let hour = 3_600_000_000;
        let late = Late { negated: false, least_seconds: 3_600 };
        let sooner = Late { negated: true, ..late };
        for (recorded, is_late) in
            [(hour - 1, false), (hour, true), (hour + 1, true), (-hour, false)]
        {
            assert_eq!(late.contains(7, 7 + recorded), is_late, "{recorded}");
            assert_eq!(sooner.contains(7, 7 + recorded), !is_late, "{recorded}");
        }
        let early = Late { negated: true, least_seconds: 0 };
        assert!(early.contains(7, 6) && !early.contains(7, 7));
        assert!(late.contains(i64::MIN, i64::MAX));
    }
}

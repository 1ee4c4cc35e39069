//! Times of the week at which something happened, by the clocks of a place.
//!
//! The zone is part of the question, so that a question means the same to everyone who asks it.

use jiff::Timestamp;

use crate::Zone;

/// The days as the language writes them, Monday first.
pub(crate) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Minutes of a day.
pub(crate) const DAY_MINUTES: u16 = 24 * 60;

/// A condition on the time of the week at which something happened: one of these times, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Whether the events meant are those that happened at none of these times.
    pub negated: bool,
    /// The times.
    pub any: Vec<WeekTime>,
}

/// Hours of some days of the week, by the clocks of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekTime {
    /// The first day, Monday being 0.
    pub first_day: u8,
    /// The last day, itself included; before the first one, the days go over Sunday.
    pub last_day: u8,
    /// The first minute of a day.
    pub from_minute: u16,
    /// The first minute after them, at most 1,440; before `from_minute`, the hours go over midnight:
    /// late hours and early hours of the days.
    pub to_minute: u16,
    /// By whose clocks.
    pub zone: Zone,
}

impl WeekTime {
    /// Whether it is every minute of its days.
    pub(crate) fn is_whole_day(&self) -> bool {
        self.from_minute == 0 && self.to_minute == DAY_MINUTES
    }

    /// Whether it is every day.
    pub(crate) fn is_every_day(&self) -> bool {
        self.first_day == 0 && self.last_day == 6
    }

    /// Whether a day and a minute of it are meant.
    pub(crate) fn admits(&self, day: u8, minute: u16) -> bool {
        let days = if self.first_day <= self.last_day {
            (self.first_day..=self.last_day).contains(&day)
        } else {
            day >= self.first_day || day <= self.last_day
        };
        let minutes = if self.from_minute < self.to_minute {
            (self.from_minute..self.to_minute).contains(&minute)
        } else {
            minute >= self.from_minute || minute < self.to_minute
        };
        days && minutes
    }

    /// Whether a moment, in microseconds since the epoch, is meant.
    fn contains(&self, micros: i64) -> bool {
        let Ok(timestamp) = Timestamp::from_microsecond(micros) else { return false };
        let local = timestamp.to_zoned(self.zone.time_zone().clone());
        let day = u8::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute()));
        self.admits(day, minute.unwrap_or(0))
    }

    /// Whether it could be written in the language.
    pub(crate) fn check(&self) -> Result<(), String> {
        let days = self.first_day < 7 && self.last_day < 7;
        let minutes = self.from_minute < DAY_MINUTES
            && self.to_minute <= DAY_MINUTES
            && self.from_minute != self.to_minute;
        // Without a name it could not be said in a link.
        let named = self.zone.name().is_some();
        if days && minutes && named { Ok(()) } else { Err(FORM.to_owned()) }
    }
}

/// How it is written.
pub(crate) const FORM: &str =
    "not a time of the week; write hours:22-6, hours:sat-sun or hours:mon-fri/7:30-19";

impl Hours {
    /// Whether a moment, in microseconds since the epoch, is meant.
    pub fn contains(&self, micros: i64) -> bool {
        self.any.iter().any(|time| time.contains(micros)) != self.negated
    }
}

/// Asks the same of many moments: the rules of a zone are looked up once for each span between two
/// changes of its clocks.
#[derive(Debug)]
pub(crate) struct Almanac {
    conditions: Vec<(bool, Vec<(WeekTime, Clocks)>)>,
}

/// What clocks show between two changes.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    from: i64,
    to: i64,
    ahead_micros: i64,
}

impl Almanac {
    pub(crate) fn new(conditions: &[Hours]) -> Self {
        let nothing = Clocks { from: i64::MAX, to: i64::MIN, ahead_micros: 0 };
        let each = |hours: &Hours| {
            (hours.negated, hours.any.iter().map(|time| (time.clone(), nothing)).collect())
        };
        Self { conditions: conditions.iter().map(each).collect() }
    }

    /// Whether a moment is meant by all conditions.
    pub(crate) fn admits(&mut self, micros: i64) -> bool {
        self.conditions.iter_mut().all(|(negated, times)| {
            times.iter_mut().any(|(time, clocks)| clocks.admit(time, micros)) != *negated
        })
    }
}

impl Clocks {
    fn admit(&mut self, time: &WeekTime, micros: i64) -> bool {
        if micros < self.from || self.to <= micros {
            match Self::at(&time.zone, micros) {
                Some(clocks) => *self = clocks,
                None => return false,
            }
        }
        let minutes = (micros + self.ahead_micros).div_euclid(60_000_000);
        let days = minutes.div_euclid(i64::from(DAY_MINUTES));
        // The epoch was a Thursday.
        let day = u8::try_from((days + 3).rem_euclid(7)).unwrap_or(0);
        let minute = u16::try_from(minutes.rem_euclid(i64::from(DAY_MINUTES))).unwrap_or(0);
        time.admits(day, minute)
    }

    fn at(zone: &Zone, micros: i64) -> Option<Self> {
        let timestamp = Timestamp::from_microsecond(micros).ok()?;
        let next = Timestamp::from_microsecond(micros + 1).ok()?;
        let zone = zone.time_zone();
        let edge = |timestamp: Timestamp| timestamp.as_microsecond();
        let ahead = i64::from(zone.to_offset(timestamp).seconds()) * 1_000_000;
        let before = zone.preceding(next).next().map(|change| edge(change.timestamp()));
        let after = zone.following(timestamp).next().map(|change| edge(change.timestamp()));
        Some(Self {
            from: before.unwrap_or(i64::MIN),
            to: after.unwrap_or(i64::MAX),
            ahead_micros: ahead,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> WeekTime {
        let query = crate::Query::parse(&format!("hours:{text}")).unwrap();
        query.hours[0].any[0].clone()
    }

    fn at(text: &str) -> i64 {
        event::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_time_of_the_week_is_by_the_clocks_of_its_place() {
        for (text, moment, expected) in [
            // 21 November 2026 is a Saturday.
            ("sat-sun", "2026-11-21T12:00:00Z", true),
            ("mon-fri", "2026-11-21T12:00:00Z", false),
            ("mon-fri@Asia/Tokyo", "2026-11-22T15:00:00Z", true),
            ("fri-mon", "2026-11-21T12:00:00Z", true),
            ("fri-mon", "2026-11-24T12:00:00Z", false),
            ("22-6", "2026-11-21T23:59:59Z", true),
            ("22-6", "2026-11-21T05:59:59Z", true),
            ("22-6", "2026-11-21T06:00:00Z", false),
            ("7:30-19", "2026-11-21T07:29:59Z", false),
            ("7:30-19", "2026-11-21T07:30:00Z", true),
            // In Madrid it is 8 o'clock at 6 in summer and at 7 in winter, UTC.
            ("8-9@Europe/Madrid", "2026-07-01T06:00:00Z", true),
            ("8-9@Europe/Madrid", "2026-12-01T06:00:00Z", false),
            ("8-9@Europe/Madrid", "2026-12-01T07:00:00Z", true),
        ] {
            assert_eq!(time(text).contains(at(moment)), expected, "{text} {moment}");
        }
    }

    #[test]
    fn clocks_change_at_their_very_moment() {
        let spring = at("2026-03-29T01:00:00Z");
        let autumn = at("2026-10-25T01:00:00Z");
        let conditions = [Hours { negated: false, any: vec![time("3-4@Europe/Madrid")] }];
        let mut almanac = Almanac::new(&conditions);
        for change in [spring, autumn] {
            for micros in [change - 1, change, change + 1, change - 3_600_000_000] {
                assert_eq!(almanac.admits(micros), conditions[0].contains(micros), "{micros}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_almanac_says_what_the_calendar_says(
            moments in proptest::collection::vec(-10_000_000_000_000_000..10_000_000_000_000_000_i64, 1..40),
            which in 0..4_usize,
            negated in any::<bool>(),
        ) {
            let text = ["sat-sun@America/St_Johns", "22-6@Asia/Kolkata", "mon-fri/7:30-19@Europe/London", "0-12"];
            let conditions = [Hours { negated, any: vec![time(text[which])] }];
            let mut almanac = Almanac::new(&conditions);
            for micros in moments {
                prop_assert_eq!(almanac.admits(micros), conditions[0].contains(micros), "{}", micros);
            }
        }
    }
}

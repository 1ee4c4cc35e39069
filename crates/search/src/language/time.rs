//! Times in questions: RFC 3339, or a local date or date and time in the reader's zone.

use jiff::civil;
use jiff::tz::TimeZone;

use crate::hours::{DAY_MINUTES, DAYS};
use crate::{Interval, WeekTime};

/// The zone in which dates without one are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// A zone by its IANA name, such as `Europe/Madrid`.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// Its IANA name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.iana_name()
    }

    pub(crate) fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// The time of the week that a text names: `[days][/][hours][@zone]`.
    pub(super) fn week_time(&self, text: &str) -> Option<WeekTime> {
        let (text, zone) = match text.split_once('@') {
            Some((text, name)) => (text, Self::named(name)?),
            None => (text, self.clone()),
        };
        let (days, hours) = match text.split_once('/') {
            Some((days, hours)) => (Some(days), Some(hours)),
            None if text.starts_with(|c: char| c.is_ascii_digit()) => (None, Some(text)),
            None => (Some(text), None),
        };
        let (first_day, last_day) = days.map_or(Some((0, 6)), read_days)?;
        let (from_minute, to_minute) = hours.map_or(Some((0, DAY_MINUTES)), read_hours)?;
        let time = WeekTime { first_day, last_day, from_minute, to_minute, zone };
        time.check().is_ok().then_some(time)
    }

    /// The span of time that a text names: `[a]..[b]`.
    pub(super) fn interval(&self, text: &str) -> Option<Interval> {
        let (from, to) = text.split_once("..")?;
        let end = |text: &str| match text {
            "" => Some(None),
            text => self.micros(text).map(Some),
        };
        Some(Interval { from: end(from)?, to: end(to)? }).filter(|interval| !interval.is_open())
    }

    /// The moment that a text names, in microseconds since the epoch.
    pub(super) fn micros(&self, text: &str) -> Option<i64> {
        if let Some(micros) = event::parse_rfc3339(text) {
            return Some(micros);
        }
        let moment: civil::DateTime = match text.parse::<civil::Date>() {
            Ok(date) if text.len() == 10 => date.to_datetime(civil::Time::midnight()),
            // The parser would pass over an offset or a zone that it does not expect.
            _ if text.len() >= 16 && is_plain_time(text.get(11..)?) => text.parse().ok()?,
            _ => return None,
        };
        let zoned = self.0.to_zoned(moment).ok()?;
        Some(zoned.timestamp().as_microsecond())
    }
}

/// Whether a time of the day has digits and what stands between them, and nothing behind them.
fn is_plain_time(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
}

/// `sat`, or `mon-fri`.
fn read_days(text: &str) -> Option<(u8, u8)> {
    let day = |text: &str| {
        let found = DAYS.into_iter().position(|day| day.eq_ignore_ascii_case(text))?;
        u8::try_from(found).ok()
    };
    match text.split_once('-') {
        Some((first, last)) => Some((day(first)?, day(last)?)),
        None => day(text).map(|day| (day, day)),
    }
}

/// `7-19`, `7:30-19`, `22-6`.
fn read_hours(text: &str) -> Option<(u16, u16)> {
    let plain = |text: &str, digits: usize| -> Option<u16> {
        let whole = (1..=digits).contains(&text.len());
        (whole && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let minute = |text: &str| {
        let (hour, minute) = match text.split_once(':') {
            Some((hour, minute)) => (plain(hour, 2)?, plain(minute, 2).filter(|m| *m < 60)?),
            None => (plain(text, 2)?, 0),
        };
        Some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    Some((minute(from)?, minute(to)?))
}

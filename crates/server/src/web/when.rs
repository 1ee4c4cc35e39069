//! Times as a reader sees them, and spans of time as a reader picks them.
//!
//! A time is always shown with its zone: UTC, the reader's own, or the one that the source wrote.
//! A span is half-open inside and said in words outside: the day that a reader picks as the end is
//! part of it.

use std::fmt::Write as _;

use event::Moment;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// By which clock times are shown.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// Coordinated Universal Time.
    Utc,
    /// The zone with this IANA name.
    Zone(TimeZone, String),
    /// As each source wrote it. Days that a reader picks are meant in UTC.
    Own,
}

/// A moment in parts, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// `2026-11-21`.
    pub(crate) date: String,
    /// `09:15:02.123456`, without a fraction that is zero.
    pub(crate) time: String,
    /// `UTC`, or the offset.
    pub(crate) zone: String,
    /// The instant, for machines.
    pub(crate) iso: String,
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.date, self.time, self.zone)
    }
}

impl Clock {
    /// `utc`, `own`, or the name of a zone. What is not one of them is UTC.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "own" => Self::Own,
            "" | "utc" | "UTC" => Self::Utc,
            name => TimeZone::get(name).map_or(Self::Utc, |zone| Self::Zone(zone, name.to_owned())),
        }
    }

    /// The word that [`Clock::parse`] reads.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Utc => "utc",
            Self::Own => "own",
            Self::Zone(_, name) => name,
        }
    }

    /// For a person, to be written behind a list of times.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            Self::Own => "each event’s own zone".to_owned(),
            Self::Zone(_, name) => name.clone(),
        }
    }

    /// The zone in which days are meant.
    pub(crate) fn zone(&self) -> TimeZone {
        match self {
            Self::Zone(zone, _) => zone.clone(),
            Self::Utc | Self::Own => TimeZone::UTC,
        }
    }

    /// The name of the zone in which days are meant.
    pub(crate) fn zone_name(&self) -> &str {
        match self {
            Self::Zone(_, name) => name,
            Self::Utc | Self::Own => "UTC",
        }
    }

    /// A moment that a source wrote.
    pub(crate) fn stamp(&self, moment: &Moment<'_>) -> Stamp {
        if matches!(self, Self::Own)
            && let Some(stamp) = own(moment)
        {
            return stamp;
        }
        self.stamp_micros(moment.micros())
    }

    /// A moment that the server wrote.
    pub(crate) fn stamp_micros(&self, micros: i64) -> Stamp {
        let iso = event::format_micros(micros);
        let Ok(timestamp) = Timestamp::from_microsecond(micros) else {
            let (date, time) = iso.split_once('T').unwrap_or((&iso, ""));
            let (date, time) = (date.to_owned(), time.to_owned());
            return Stamp { date, time, zone: "UTC".to_owned(), iso };
        };
        let zoned = timestamp.to_zoned(self.zone());
        let zone = match self {
            Self::Zone(..) => zoned.strftime("%:z").to_string(),
            Self::Utc | Self::Own => "UTC".to_owned(),
        };
        // Writing to a String cannot fail.
        let fraction = micros.rem_euclid(1_000_000);
        let mut time = zoned.strftime("%H:%M:%S").to_string();
        if fraction % 1_000 != 0 {
            let _ = write!(time, ".{fraction:06}");
        } else if fraction != 0 {
            let _ = write!(time, ".{:03}", fraction / 1_000);
        }
        Stamp { date: zoned.strftime("%Y-%m-%d").to_string(), time, zone, iso }
    }
}

/// The parts of RFC 3339 text, as they stand in it.
fn own(moment: &Moment<'_>) -> Option<Stamp> {
    let (date, rest) = moment.as_str().split_at_checked(10)?;
    let rest = rest.get(1..)?;
    let at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at_checked(at)?;
    let zone = if zone.eq_ignore_ascii_case("z") { "UTC" } else { zone };
    Some(Stamp {
        date: date.to_owned(),
        time: time.to_owned(),
        zone: zone.to_owned(),
        iso: event::format_micros(moment.micros()),
    })
}

/// How long ago, roughly: a hint beside a time, never instead of it.
pub(crate) fn ago(micros: i64, now_micros: i64) -> String {
    let seconds = (now_micros - micros) / 1_000_000;
    let (amount, unit) = match seconds.unsigned_abs() {
        0..60 => return if seconds < 0 { "just ahead".into() } else { "just now".into() },
        s @ 60..3_600 => (s / 60, "min"),
        s @ 3_600..86_400 => (s / 3_600, "h"),
        s @ 86_400..5_184_000 => (s / 86_400, "d"),
        s @ 5_184_000..63_072_000 => (s / 2_592_000, "months"),
        s => (s / 31_536_000, "years"),
    };
    if seconds < 0 { format!("in {amount} {unit}") } else { format!("{amount} {unit} ago") }
}

/// A length of time for a person.
pub(crate) fn duration(micros: i64) -> String {
    let seconds = micros.unsigned_abs() / 1_000_000;
    match seconds {
        0 => "under 1 s".to_owned(),
        s @ 1..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

/// A span of days that a reader picks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Period {
    /// All that was recorded.
    #[default]
    All,
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
    /// So many days, today among them.
    LastDays(i32),
    /// From the first of this month on.
    ThisMonth,
    /// From a day to a day, both whole; open where `None`.
    Custom(Option<Date>, Option<Date>),
}

/// The bounds of a half-open span, in microseconds since the epoch, open where `None`.
pub(crate) type Bounds = (Option<i64>, Option<i64>);

impl Period {
    /// What the page offers, in order.
    pub(crate) const PRESETS: [(&'static str, &'static str); 8] = [
        ("all", "Any time"),
        ("today", "Today"),
        ("yesterday", "Yesterday"),
        ("7d", "Last 7 days"),
        ("30d", "Last 30 days"),
        ("90d", "Last 90 days"),
        ("month", "This month"),
        ("custom", "Custom…"),
    ];

    /// The period that a URL names. A day that is not one is left open; of two days either may come
    /// first.
    pub(crate) fn parse(word: &str, from: &str, to: &str) -> Self {
        match word {
            "today" => Self::Today,
            "yesterday" => Self::Yesterday,
            "7d" => Self::LastDays(7),
            "30d" => Self::LastDays(30),
            "90d" => Self::LastDays(90),
            "month" => Self::ThisMonth,
            "custom" => match (from.parse().ok(), to.parse().ok()) {
                (None, None) => Self::All,
                (Some(from), Some(to)) if to < from => Self::Custom(Some(to), Some(from)),
                (from, to) => Self::Custom(from, to),
            },
            _ => Self::All,
        }
    }

    /// The word in the URL.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::LastDays(7) => "7d",
            Self::LastDays(30) => "30d",
            Self::LastDays(_) => "90d",
            Self::ThisMonth => "month",
            Self::Custom(..) => "custom",
        }
    }

    /// The first and the last day, as seen from a moment in a zone.
    fn days(self, now: Timestamp, zone: &TimeZone) -> (Option<Date>, Option<Date>) {
        let today = now.to_zoned(zone.clone()).date();
        let back = |days: i32| today.checked_sub(Span::new().days(days)).ok();
        match self {
            Self::All => (None, None),
            Self::Today => (Some(today), Some(today)),
            Self::Yesterday => (back(1), back(1)),
            Self::LastDays(days) => (back(days - 1), Some(today)),
            Self::ThisMonth => (Some(today.first_of_month()), Some(today.last_of_month())),
            Self::Custom(from, to) => (from, to),
        }
    }

    /// The half-open span: from the first day's midnight to the midnight after the last day.
    pub(crate) fn bounds(self, now: Timestamp, zone: &TimeZone) -> Bounds {
        let midnight = |date: Date| {
            let zoned = zone.to_zoned(date.to_datetime(Time::midnight())).ok()?;
            Some(zoned.timestamp().as_microsecond())
        };
        let (first, last) = self.days(now, zone);
        let after = last.and_then(|date| date.tomorrow().ok());
        (first.and_then(midnight), after.and_then(midnight))
    }

    /// For a person: which days, and that the last one is part of it.
    pub(crate) fn words(self, now: Timestamp, clock: &Clock) -> String {
        let zone = clock.zone_name();
        let day = |date: Date| date.strftime("%-d %b %Y").to_string();
        match self.days(now, &clock.zone()) {
            (None, None) => "any time".to_owned(),
            (Some(first), Some(last)) if first == last => {
                format!("the whole of {} ({zone})", day(first))
            }
            (Some(first), Some(last)) => {
                format!("{} to {}, both days whole ({zone})", day(first), day(last))
            }
            (Some(first), None) => format!("from {} on ({zone})", day(first)),
            (None, Some(last)) => format!("up to and including {} ({zone})", day(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_shown_by_the_readers_clock_with_its_zone() {
        let moment = Moment::parse("2026-07-01T23:30:00.5+09:00").unwrap();
        for (clock, expected) in [
            ("utc", "2026-07-01 14:30:00.500 UTC"),
            ("own", "2026-07-01 23:30:00.5 +09:00"),
            ("Europe/Madrid", "2026-07-01 16:30:00.500 +02:00"),
            ("No/Where", "2026-07-01 14:30:00.500 UTC"),
        ] {
            assert_eq!(Clock::parse(clock).stamp(&moment).to_string(), expected, "{clock}");
        }
        assert_eq!(Clock::Utc.stamp_micros(1).time, "00:00:00.000001");
    }

    #[test]
    fn the_day_picked_as_the_end_is_part_of_the_span() {
        let now = at("2026-11-21T09:15:00Z");
        let madrid = TimeZone::get("Europe/Madrid").unwrap();
        for (word, from, to, zone, first, after) in [
            ("today", "", "", &TimeZone::UTC, "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
            ("yesterday", "", "", &TimeZone::UTC, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
            ("7d", "", "", &TimeZone::UTC, "2026-11-15T00:00:00Z", "2026-11-22T00:00:00Z"),
            ("month", "", "", &TimeZone::UTC, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            (
                "custom",
                "2026-03-28",
                "2026-03-29",
                &madrid,
                "2026-03-27T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
        ] {
            let bounds = Period::parse(word, from, to).bounds(now, zone);
            let expected = (Some(at(first).as_microsecond()), Some(at(after).as_microsecond()));
            assert_eq!(bounds, expected, "{word} {from} {to}");
        }
        assert_eq!(Period::parse("custom", "x", "").bounds(now, &TimeZone::UTC), (None, None));
    }

    #[test]
    fn a_span_is_said_in_words() {
        let now = at("2026-11-21T09:15:00Z");
        for (word, from, to, expected) in [
            ("all", "", "", "any time"),
            ("today", "", "", "the whole of 21 Nov 2026 (UTC)"),
            ("7d", "", "", "15 Nov 2026 to 21 Nov 2026, both days whole (UTC)"),
            ("custom", "2026-01-02", "", "from 2 Jan 2026 on (UTC)"),
            (
                "custom",
                "2026-01-09",
                "2026-01-02",
                "2 Jan 2026 to 9 Jan 2026, both days whole (UTC)",
            ),
            ("custom", "", "2026-01-02", "up to and including 2 Jan 2026 (UTC)"),
        ] {
            assert_eq!(Period::parse(word, from, to).words(now, &Clock::Utc), expected, "{word}");
        }
    }

    #[test]
    fn every_preset_reads_back() {
        for (word, _) in Period::PRESETS {
            if word != "custom" {
                assert_eq!(Period::parse(word, "", "").word(), word);
            }
        }
    }

    #[test]
    fn relative_time_is_rough_and_looks_both_ways() {
        let hour = 3_600_000_000;
        for (micros, expected) in [
            (0, "just now"),
            (-2 * hour, "2 h ago"),
            (hour, "in 1 h"),
            (-30 * 24 * hour, "30 d ago"),
        ] {
            assert_eq!(ago(micros, 0), expected);
        }
    }
}

//! The grammar of dates: `2024`, `202402`, `20240201`, `20240201103000`, with `<`, `<=`, `>`, `>=` or
//! `=` before them, or two of them as the range `[from, to)`; of several, `,` means any and `;` all.
//! Dates are meant in UTC.
//!
//! OpenCGA keeps milliseconds, so that `>` and `<=` are meant to the millisecond. A bare date means
//! all of its year, month, day, hour, minute or second.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use search::{During, Interval, Query};

/// The least difference of two dates of the platform.
const MILLISECOND: i64 = 1_000;

/// Puts what a filter means into a question.
pub(super) fn narrow(query: &mut Query, text: &str) -> Option<()> {
    if text.contains(',') && text.contains(';') {
        return None;
    }
    if text.contains(',') {
        let any = text.split(',').map(part_interval).collect::<Option<_>>()?;
        query.during.push(During { negated: false, any });
        return Some(());
    }
    for part in text.split(';') {
        query.occurred = query.occurred.and(part_interval(part)?);
    }
    Some(())
}

fn part_interval(text: &str) -> Option<Interval> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (operator, dates) = text.split_at(digits);
    if let Some((from, to)) = dates.split_once('-') {
        let (from, to) = (Period::parse(from)?, Period::parse(to)?);
        return operator
            .is_empty()
            .then_some(Interval { from: Some(from.begin), to: Some(to.begin) });
    }
    let period = Period::parse(dates)?;
    let (from, to) = match operator {
        "" | "=" | "==" => (Some(period.begin), Some(period.end)),
        ">" => (Some(period.begin + MILLISECOND), None),
        ">=" => (Some(period.begin), None),
        "<" => (None, Some(period.begin)),
        "<=" => (None, Some(period.begin + MILLISECOND)),
        _ => return None,
    };
    Some(Interval { from, to })
}

/// A year, month, day, hour, minute or second, in microseconds since the epoch.
struct Period {
    begin: i64,
    end: i64,
}

impl Period {
    fn parse(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let part = |from: usize, size: usize| text.get(from..from + size)?.parse::<i8>().ok();
        let year: i16 = text.get(..4)?.parse().ok()?;
        let length: Span = match text.len() {
            4 => 1.year(),
            6 => 1.month(),
            8 => 1.day(),
            10 => 1.hour(),
            12 => 1.minute(),
            14 => 1.second(),
            _ => return None,
        };
        // What a date does not say is the beginning; what it says wrongly is no date.
        let or =
            |from: usize, first: i8| if text.len() > from { part(from, 2) } else { Some(first) };
        let day = Date::new(year, or(4, 1)?, or(6, 1)?).ok()?;
        let begin: DateTime = day.at(0, 0, 0, 0);
        let begin =
            begin.with().hour(or(8, 0)?).minute(or(10, 0)?).second(or(12, 0)?).build().ok()?;
        let micros = |at: DateTime| {
            let at = at.to_zoned(TimeZone::UTC).ok()?;
            Some(at.timestamp().as_microsecond())
        };
        Some(Self { begin: micros(begin)?, end: micros(begin.checked_add(length).ok()?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        event::parse_rfc3339(text)
    }

    fn read(text: &str) -> Option<Query> {
        let mut query = Query::default();
        narrow(&mut query, text).map(|()| query)
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        for (text, from, to) in [
            ("2024", Some("2024-01-01T00:00:00Z"), Some("2025-01-01T00:00:00Z")),
            ("202402", Some("2024-02-01T00:00:00Z"), Some("2024-03-01T00:00:00Z")),
            ("=20240229", Some("2024-02-29T00:00:00Z"), Some("2024-03-01T00:00:00Z")),
            ("2024022910", Some("2024-02-29T10:00:00Z"), Some("2024-02-29T11:00:00Z")),
            ("20240229103015", Some("2024-02-29T10:30:15Z"), Some("2024-02-29T10:30:16Z")),
            (">2018", Some("2018-01-01T00:00:00.001Z"), None),
            (">=2018", Some("2018-01-01T00:00:00Z"), None),
            ("<201805", None, Some("2018-05-01T00:00:00Z")),
            ("<=201805", None, Some("2018-05-01T00:00:00.001Z")),
            ("2017-2018", Some("2017-01-01T00:00:00Z"), Some("2018-01-01T00:00:00Z")),
            (">=2017;<2018", Some("2017-01-01T00:00:00Z"), Some("2018-01-01T00:00:00Z")),
            (
                "20240101100000-20240101103000",
                Some("2024-01-01T10:00:00Z"),
                Some("2024-01-01T10:30:00Z"),
            ),
        ] {
            let expected = Interval { from: from.and_then(micros), to: to.and_then(micros) };
            assert_eq!(read(text).map(|query| query.occurred), Some(expected), "{text}");
        }
    }

    #[test]
    fn any_of_several_dates_may_be_meant() {
        for (text, expected) in [
            (
                "2024,20260201",
                "during:(2024-01-01T00:00:00Z..2025-01-01T00:00:00Z|\
                 2026-02-01T00:00:00Z..2026-02-02T00:00:00Z)",
            ),
            ("<2018,>=2020", "during:(..2018-01-01T00:00:00Z|2020-01-01T00:00:00Z..)"),
            (
                "2017-2018,=201902",
                "during:(2017-01-01T00:00:00Z..2018-01-01T00:00:00Z|\
                 2019-02-01T00:00:00Z..2019-03-01T00:00:00Z)",
            ),
        ] {
            assert_eq!(read(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "today",
            "20241",
            "2024013",
            "20241301",
            "20240230",
            "2024022925",
            "!2024",
            "~2024",
            "!=2024",
            "2024-",
            "-2024",
            ">2024-2025",
            "2024,",
            "2024,soon",
            "2024,2025;2026",
            "2024 ",
            "20240229103015123",
            "99999999999999999999",
            "２０２４",
            ">",
            "2024-2025-2026",
            "9999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

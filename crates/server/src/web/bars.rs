//! Over which buckets the histogram counts, and what each bar leads to.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Unit, ZonedRound};
use search::{Histogram, Interval, Query};

use super::criteria::Criteria;

use super::row::NO_OUTCOME;
use super::svg::{Bar, Bars};
use super::when::Clock;
use crate::api::edge_after;

/// Bars that a histogram has at most.
const BARS_MAX: usize = 90;

/// The widths to choose from, narrowest first.
fn widths() -> [(Unit, i64, Span); 14] {
    [
        (Unit::Second, 1, 1.second()),
        (Unit::Second, 10, 10.seconds()),
        (Unit::Minute, 1, 1.minute()),
        (Unit::Minute, 5, 5.minutes()),
        (Unit::Minute, 15, 15.minutes()),
        (Unit::Hour, 1, 1.hour()),
        (Unit::Hour, 3, 3.hours()),
        (Unit::Hour, 12, 12.hours()),
        (Unit::Day, 1, 1.day()),
        (Unit::Day, 1, 7.days()),
        (Unit::Month, 1, 1.month()),
        (Unit::Month, 1, 3.months()),
        (Unit::Year, 1, 1.year()),
        (Unit::Year, 1, 10.years()),
    ]
}

const SECOND: i64 = 1_000_000;

/// Bars that a histogram has at least, so that one can be seen to stand among others.
const BARS_MIN: i64 = 8;

/// The edges of buckets that cover a span of time and some room around it, at round moments of a
/// zone. The room stays within the span that was asked for where that is long enough.
pub(crate) fn edges(found: (i64, i64), asked: Interval, zone: &TimeZone) -> Vec<i64> {
    let (from, to) = with_room(found, asked, zone);
    let seconds = (to - from).max(1) / 1_000_000;
    widths()
        .into_iter()
        .filter(|(.., width)| {
            // Roughly, so that narrow ones are not even tried.
            let bars_max = i64::try_from(BARS_MAX).unwrap_or(i64::MAX);
            seconds_of(width) * bars_max >= seconds
        })
        .find_map(|(unit, increment, width)| try_edges(from, to, zone, unit, increment, width))
        .unwrap_or_default()
}

/// A span, or a longer one around it where it would fill all of a few bars. What happened within one
/// second is shown in its hour, as there is nothing finer to be seen.
fn with_room((from, to): (i64, i64), asked: Interval, zone: &TimeZone) -> (i64, i64) {
    let enough = |(from, to): (i64, i64)| to - from >= (BARS_MIN - 1) * SECOND;
    if enough((from, to)) {
        return (from, to);
    }
    let one_second = from.div_euclid(SECOND) == to.div_euclid(SECOND);
    let hour = one_second.then(|| hour_of(from, zone)).flatten();
    let half = BARS_MIN / 2 * SECOND;
    let room = hour.unwrap_or_else(|| (from.saturating_sub(half), to.saturating_add(half)));
    let within = (
        asked.from.map_or(room.0, |asked| asked.max(room.0).min(from)),
        asked.to.map_or(room.1, |asked| (asked - 1).min(room.1).max(to)),
    );
    if enough(within) { within } else { room }
}

/// The first and the last moment of an hour of the clocks.
fn hour_of(at: i64, zone: &TimeZone) -> Option<(i64, i64)> {
    let at = Timestamp::from_microsecond(at).ok()?.to_zoned(zone.clone());
    let round = ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc);
    let from = at.round(round).ok()?.timestamp().as_microsecond();
    Some((from, from + 3_600 * SECOND - 1))
}

fn seconds_of(width: &Span) -> i64 {
    let days = i64::from(width.get_years()) * 365
        + i64::from(width.get_months()) * 30
        + i64::from(width.get_days());
    days * 86_400
        + i64::from(width.get_hours()) * 3_600
        + width.get_minutes() * 60
        + width.get_seconds()
}

fn try_edges(
    from: i64,
    to: i64,
    zone: &TimeZone,
    unit: Unit,
    increment: i64,
    width: Span,
) -> Option<Vec<i64>> {
    let first = Timestamp::from_microsecond(from).ok()?.to_zoned(zone.clone());
    let day = first.date();
    let first = match unit {
        Unit::Year => day.first_of_year().to_zoned(zone.clone()).ok()?,
        Unit::Month => day.first_of_month().to_zoned(zone.clone()).ok()?,
        Unit::Day => day.to_zoned(zone.clone()).ok()?,
        _ => {
            let round = ZonedRound::new().smallest(unit).increment(increment);
            first.round(round.mode(jiff::RoundMode::Trunc)).ok()?
        }
    };
    let mut edges = Vec::new();
    for step in 0_i64.. {
        let span = width.checked_mul(step).ok()?;
        let by_days = matches!(unit, Unit::Year | Unit::Month | Unit::Day);
        let edge = edge_after(&first, span, by_days).ok()?;
        // Where clocks are set back, two bars may begin at one moment.
        if edges.last().is_none_or(|last| edge > *last) {
            edges.push(edge);
        }
        if edge > to && edges.len() > 1 {
            return Some(edges);
        }
        if edges.len() > BARS_MAX + 1 {
            return None;
        }
    }
    None
}

/// The drawing of a histogram: each bar leads to the list of its bucket.
pub(crate) fn bars(
    counted: &Histogram,
    edges: &[i64],
    criteria: &Criteria,
    clock: &Clock,
    trail: &str,
) -> Bars {
    let mut parts: Vec<String> = counted.series.iter().map(|(name, _)| name.clone()).collect();
    let rest: Vec<u64> = counted
        .totals
        .iter()
        .enumerate()
        .map(|(at, total)| {
            let named: u64 =
                counted.series.iter().filter_map(|(_, counts)| counts.get(at)).copied().sum();
            total.saturating_sub(named)
        })
        .collect();
    let has_rest = rest.iter().any(|count| *count > 0);
    if has_rest {
        parts.push(NO_OUTCOME.to_owned());
    }
    let list = edges.iter().zip(edges.iter().skip(1)).enumerate().map(|(at, (from, to))| {
        let mut counts: Vec<u64> =
            counted.series.iter().map(|(_, counts)| counts.get(at).copied().unwrap_or(0)).collect();
        if has_rest {
            counts.extend(rest.get(at));
        }
        let (begin, end) = (clock.stamp_micros(*from), clock.stamp_micros(*to - 1));
        let title = if begin.date == end.date && begin.time.as_str() == "00:00:00" {
            format!("{} {}", begin.date, begin.zone)
        } else if begin.date == end.date {
            format!("{} {} to {} {}", begin.date, short(&begin.time), short(&end.time), begin.zone)
        } else {
            format!("{} to {}", begin.date, end.date)
        };
        let href = format!("/t/{trail}{}", zoomed(criteria, *from, *to).href());
        Bar { counts, title, href, bounds: (*from, *to) }
    });
    Bars { bars: list.collect(), parts }
}

fn short(time: &str) -> &str {
    time.split('.').next().unwrap_or(time)
}

/// The same list, over one bucket.
fn zoomed(criteria: &Criteria, from: i64, to: i64) -> Criteria {
    let mut query: Query = criteria.query.clone();
    query.occurred.from = Some(from);
    query.occurred.to = Some(to);
    Criteria { period: super::when::Period::All, ..criteria.asking(query) }
}

/// The labels below the drawing, for the first moment, the quarters and the last. One that would say
/// the same as the one before it is empty, so that the others keep their places.
pub(crate) fn axis(edges: &[i64], clock: &Clock) -> Vec<String> {
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return Vec::new() };
    // Quarters of four days or more begin on days of their own.
    let of_days = last - first >= 4 * 86_400 * SECOND;
    let to_the_second = edges.iter().any(|edge| edge.rem_euclid(60 * SECOND) != 0);
    let mut date = String::new();
    let quarters = (0..=4).filter_map(|quarter| edges.get(quarter * (edges.len() - 1) / 4));
    let label = |edge: &i64| {
        let stamp = clock.stamp_micros(*edge);
        let is_new = std::mem::replace(&mut date, stamp.date.clone()) != stamp.date;
        let time = short(&stamp.time);
        let time = if to_the_second { time } else { time.get(..5).unwrap_or(time) };
        match (of_days, is_new) {
            (true, true) => stamp.date,
            (true, false) => String::new(),
            (false, true) => format!("{} {time}", stamp.date),
            (false, false) => time.to_owned(),
        }
    };
    let mut labels: Vec<String> = quarters.map(label).collect();
    for at in (1..labels.len()).rev() {
        if labels.get(at) == labels.get(at - 1)
            && let Some(label) = labels.get_mut(at)
        {
            label.clear();
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_covered_by_few_round_bars() {
        let second = 1_000_000;
        let begin = event::parse_rfc3339("2026-03-27T12:34:56Z").unwrap();
        let madrid = TimeZone::get("Europe/Madrid").unwrap();
        for length in [0, 59, 3_600, 86_400, 3 * 86_400, 400 * 86_400, 40 * 365 * 86_400] {
            let end = begin + length * second;
            let edges = edges((begin, end), Interval::default(), &madrid);
            assert!(edges.len() > 1 && edges.len() <= BARS_MAX + 2, "{length}: {}", edges.len());
            assert!(edges.is_sorted());
            assert!(*edges.first().unwrap() <= begin && end < *edges.last().unwrap(), "{length}");
        }
    }

    fn at(text: &str) -> i64 {
        event::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn what_happened_within_a_second_is_one_bar_in_its_hour() {
        let (zone, clock) = (TimeZone::UTC, Clock::Utc);
        let found = (at("2026-03-27T07:05:00.1Z"), at("2026-03-27T07:05:00.9Z"));
        let list = edges(found, Interval::default(), &zone);
        assert_eq!(list.len(), 61);
        let labels = axis(&list, &clock);
        assert_eq!(labels, ["2026-03-27 07:00", "07:15", "07:30", "07:45", "08:00"]);
        // Who zooms in on a minute sees that minute.
        let asked = (at("2026-03-27T07:05:00Z")..at("2026-03-27T07:06:00Z")).into();
        let list = edges(found, asked, &zone);
        assert_eq!(axis(&list, &clock)[0], "2026-03-27 07:05:00");
        assert_eq!(list.len(), 61);
        // A second that was asked for is too short to show anything.
        let asked = (at("2026-03-27T07:05:00Z")..at("2026-03-27T07:05:01Z")).into();
        assert_eq!(edges(found, asked, &zone).len(), 61);
    }

    #[test]
    fn what_happened_within_a_few_seconds_has_room_around_it() {
        let found = (at("2026-03-27T07:05:00Z"), at("2026-03-27T07:05:02Z"));
        let list = edges(found, Interval::default(), &TimeZone::UTC);
        assert_eq!((list.len(), list[0]), (12, at("2026-03-27T07:04:56Z")));
    }

    #[test]
    fn no_label_says_the_same_as_the_one_before_it() {
        let begin = at("2026-03-27T22:34:56Z");
        let madrid = Clock::parse("Europe/Madrid");
        for minutes in (0..200).map(|step| step * step * 3) {
            let found = (begin, begin + minutes * 60 * SECOND);
            let labels = axis(&edges(found, Interval::default(), &madrid.zone()), &madrid);
            assert_eq!(labels.len(), 5);
            for pair in labels.windows(2) {
                assert!(pair[0] != pair[1] || pair[0].is_empty(), "{minutes}: {labels:?}");
            }
        }
    }
}

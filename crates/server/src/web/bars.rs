//! Over which buckets the histogram counts, and what each bar leads to.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Unit, ZonedRound};
use search::{Histogram, Query};

use super::criteria::Criteria;
use super::svg::{Bar, Bars};
use super::when::Clock;

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

/// The edges of buckets that cover a span of time, at round moments of a zone.
pub(crate) fn edges(from: i64, to: i64, zone: &TimeZone) -> Vec<i64> {
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
        let edge = first.checked_add(width.checked_mul(step).ok()?).ok()?;
        let edge = edge.timestamp().as_microsecond();
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
        parts.push("unsaid".to_owned());
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

/// The labels below the drawing: the first moment, one in the middle, the last.
pub(crate) fn axis(edges: &[i64], clock: &Clock) -> Vec<String> {
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return Vec::new() };
    let days = (last - first) / 86_400_000_000;
    [0, 1, 2, 3, 4]
        .into_iter()
        .filter_map(|quarter| edges.get(quarter * (edges.len() - 1) / 4))
        .map(|edge| {
            let stamp = clock.stamp_micros(*edge);
            match days {
                0 => short(&stamp.time).to_owned(),
                1..3 => format!("{} {}", stamp.date, stamp.time.get(..5).unwrap_or_default()),
                _ => stamp.date,
            }
        })
        .collect()
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
            let edges = edges(begin, end, &madrid);
            assert!(edges.len() > 1 && edges.len() <= BARS_MAX + 2, "{length}: {}", edges.len());
            assert!(edges.is_sorted());
            assert!(*edges.first().unwrap() <= begin && end < *edges.last().unwrap(), "{length}");
        }
    }
}

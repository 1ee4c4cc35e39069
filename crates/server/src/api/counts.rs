//! `GET …/count`, `…/facets` and `…/histogram`.

use std::io::Write as _;

use event::json::write_string;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};
use search::{Facets, Field, Histogram, Split};
use serde_json::{Map, Value, json};

use super::question::Question;
use crate::app::Answer;
use crate::call::{Call, json as json_answer};
use crate::problem::{Code, Problem};

/// The most fields that are counted at once.
const FIELDS_MAX: usize = 16;

/// The most buckets of a histogram.
const BUCKETS_MAX: usize = 2_000;

/// Values of a facet when nothing else is asked for.
const TOP: u64 = 10;

/// How many events are meant.
pub(crate) async fn count(call: Call) -> Answer {
    let open = call.trail().await?;
    let question = Question::ask(&call.app, call.params()?).await?;
    call.record_read("count", &open, &question.to_params());
    call.app
        .blocking(move || {
            let counted = open.projection.count(&question.query)?;
            let body = json!({"count": counted.count, "projected_size": counted.projected_size});
            Ok::<_, Problem>(json_answer(body.to_string()))
        })
        .await
}

/// Counts of the events that are meant by the values of fields.
pub(crate) async fn facets(call: Call) -> Answer {
    let open = call.trail().await?;
    let mut params = call.params()?;
    let names = params.required("fields")?;
    let top = params.number("top", 1..=1_000)?.unwrap_or(TOP);
    let top = usize::try_from(top).unwrap_or(usize::MAX);
    let question = Question::ask(&call.app, params).await?;
    let fields: Option<Vec<Field>> =
        names.split(',').map(|name| Field::parse(name.trim())).collect();
    let fields = fields
        .filter(|fields| fields.len() <= FIELDS_MAX)
        .ok_or_else(|| Problem::parameter("fields", "lists up to 16 fields, with commas"))?;
    call.record_read("count", &open, &question.to_params());
    call.app
        .blocking(move || {
            let counted = open.projection.facets(&question.query, &fields, top)?;
            Ok::<_, Problem>(json_answer(told(&counted)))
        })
        .await
}

/// The answer, written by hand: a facet may have many values.
fn told(counted: &Facets) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * 1024);
    out.extend_from_slice(b"{\"facets\":[");
    for (place, facet) in counted.facets.iter().enumerate() {
        out.extend_from_slice(if place > 0 { b",{\"field\":" } else { b"{\"field\":" });
        write_string(&mut out, facet.field.name());
        out.extend_from_slice(b",\"values\":[");
        for (place, (value, count)) in facet.values.iter().enumerate() {
            out.extend_from_slice(if place > 0 { b",{\"value\":" } else { b"{\"value\":" });
            write_string(&mut out, value);
            // Writing to a vector cannot fail.
            let _ = write!(out, ",\"count\":{count}}}");
        }
        let _ = write!(out, "],\"distinct\":{}}}", facet.distinct);
    }
    let Facets { count, projected_size, .. } = counted;
    let _ = write!(out, "],\"count\":{count},\"projected_size\":{projected_size}}}");
    out
}

/// A width of the bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Width {
    const ALL: [(&'static str, Self); 6] = [
        ("minute", Self::Minute),
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("year", Self::Year),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, width)| *width == self).map_or("", |(name, _)| name)
    }

    fn span(self) -> Span {
        match self {
            Self::Minute => 1.minute(),
            Self::Hour => 1.hour(),
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
        }
    }

    /// The finest width that needs few enough bars.
    fn suited(seconds: i64) -> Self {
        match seconds {
            ..=7_200 => Self::Minute,
            7_201..=345_600 => Self::Hour,
            345_601..=10_368_000 => Self::Day,
            10_368_001..=63_072_000 => Self::Week,
            63_072_001..=315_360_000 => Self::Month,
            _ => Self::Year,
        }
    }

    /// The beginning of the bar that a moment lies in. Weeks begin on Monday.
    fn floor(self, moment: &Zoned) -> Result<Zoned, jiff::Error> {
        let date = moment.date();
        let start = match self {
            Self::Minute => {
                return moment.round(
                    jiff::ZonedRound::new()
                        .smallest(jiff::Unit::Minute)
                        .mode(jiff::RoundMode::Floor),
                );
            }
            Self::Hour => {
                return moment.round(
                    jiff::ZonedRound::new().smallest(jiff::Unit::Hour).mode(jiff::RoundMode::Floor),
                );
            }
            Self::Day => date,
            Self::Week => {
                date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())?
            }
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        };
        start.to_zoned(moment.time_zone().clone())
    }
}

/// Counts of the events that are meant by when they happened.
pub(crate) async fn histogram(call: Call) -> Answer {
    let open = call.trail().await?;
    let mut params = call.params()?;
    let width = params.word("interval", &Width::ALL)?;
    let split = params.word("split", &[("outcome", Split::Outcome), ("kind", Split::Kind)])?;
    let question = Question::ask(&call.app, params).await?;
    call.record_read("count", &open, &question.to_params());
    call.app
        .blocking(move || {
            let Question { query, zone } = question;
            // The zone was looked up when the question was read.
            let tz = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
            let (mut from, mut to) = (query.occurred.from, query.occurred.to);
            if (from.is_none() || to.is_none())
                && let Some((first, last)) = open.projection.span(&query)?
            {
                from = from.or(Some(first));
                to = to.or(Some(last + 1));
            }
            let (Some(from), Some(to)) = (from, to) else {
                return Ok(empty(&open, width, &zone, split));
            };
            let width = width.unwrap_or_else(|| Width::suited((to - from) / 1_000_000));
            let edges = edges(from, to, width, &tz)?;
            let counted = open.projection.histogram(&query, &edges, split.unwrap_or_default())?;
            Ok::<_, Problem>(written(&counted, &edges, width.name(), &zone, split))
        })
        .await
}

fn empty(
    open: &crate::instance::OpenTrail,
    width: Option<Width>,
    zone: &str,
    split: Option<Split>,
) -> axum::http::Response<axum::body::Body> {
    let projected_size = open.projection.projected_size();
    let counted = Histogram { totals: Vec::new(), series: Vec::new(), projected_size };
    written(&counted, &[], width.unwrap_or(Width::Day).name(), zone, split)
}

/// The moment that lies a span behind the first edge. Days begin at their own midnight, or with the
/// first moment that they have: where clocks are set forward at midnight, a day's first hour may be
/// another one.
pub(crate) fn edge_after(first: &Zoned, span: Span, by_days: bool) -> Result<i64, jiff::Error> {
    let edge = if by_days {
        first.date().checked_add(span)?.to_zoned(first.time_zone().clone())?
    } else {
        first.checked_add(span)?
    };
    Ok(edge.timestamp().as_microsecond())
}

/// The edges of bars that cover an interval, each at a round moment of the zone.
pub(crate) fn edges(
    from: i64,
    to: i64,
    width: Width,
    zone: &TimeZone,
) -> Result<Vec<i64>, Problem> {
    let refused = |error: jiff::Error| Problem::new(Code::InvalidQuery).detail(error.to_string());
    let first = Timestamp::from_microsecond(from).map_err(refused)?.to_zoned(zone.clone());
    let first = width.floor(&first).map_err(refused)?;
    let mut edges = Vec::new();
    for step in 0_i64.. {
        let span = width.span().checked_mul(step).map_err(refused)?;
        let edge = edge_after(&first, span, width >= Width::Day).map_err(refused)?;
        // Where clocks are set back, two bars may begin at one moment.
        if edges.last().is_none_or(|last| edge > *last) {
            edges.push(edge);
        }
        if edge >= to && edges.len() > 1 {
            break;
        }
        if edges.len() > BUCKETS_MAX {
            let message = format!("would need more than {BUCKETS_MAX} bars; choose wider ones");
            return Err(Problem::parameter("interval", message));
        }
    }
    Ok(edges)
}

fn written(
    counted: &Histogram,
    edges: &[i64],
    interval: &str,
    zone: &str,
    split: Option<Split>,
) -> axum::http::Response<axum::body::Body> {
    let bars: Vec<Value> = edges
        .iter()
        .zip(edges.iter().skip(1))
        .zip(&counted.totals)
        .enumerate()
        .map(|(place, ((from, to), count))| {
            let mut bar = json!({
                "from": event::format_micros(*from),
                "to": event::format_micros(*to),
                "count": count,
            });
            if let (Some(members), Some(_)) = (bar.as_object_mut(), split) {
                let by: Map<String, Value> = counted
                    .series
                    .iter()
                    .filter_map(|(value, counts)| {
                        counts
                            .get(place)
                            .filter(|count| **count > 0)
                            .map(|c| (value.clone(), json!(c)))
                    })
                    .collect();
                members.insert("by".to_owned(), Value::Object(by));
            }
            bar
        })
        .collect();
    let body = json!({
        "interval": interval,
        "zone": zone,
        "buckets": bars,
        "projected_size": counted.projected_size,
    });
    json_answer(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_round_moments_of_the_zone() {
        let micros = |text: &str| event::parse_rfc3339(text).unwrap();
        let madrid = TimeZone::get("Europe/Madrid").unwrap();
        let check = |from: &str, to: &str, width: Width, expected: &[&str]| {
            let edges = edges(micros(from), micros(to), width, &madrid).unwrap();
            let seen: Vec<String> = edges.into_iter().map(event::format_micros).collect();
            let seen: Vec<&str> = seen.iter().map(|edge| edge.split_at(16).0).collect();
            assert_eq!(seen, expected);
        };
        let cairo = TimeZone::get("Africa/Cairo").unwrap();
        let (from, to) = (micros("2026-04-23T22:00:00Z"), micros("2026-04-25T21:00:00Z"));
        let days = edges(from, to, Width::Day, &cairo).unwrap();
        let expected = ["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z", "2026-04-25T21:00:00Z"];
        assert_eq!(days, expected.map(micros), "a day that begins at one o'clock is the only one");
        // The night when clocks are set forward has 23 hours.
        check(
            "2026-03-28T12:00:00Z",
            "2026-03-29T23:00:00Z",
            Width::Day,
            &["2026-03-27T23:00", "2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"],
        );
        check(
            "2026-11-21T09:30:00Z",
            "2026-11-21T11:00:00Z",
            Width::Hour,
            &["2026-11-21T09:00", "2026-11-21T10:00", "2026-11-21T11:00"],
        );
        check(
            "2026-11-21T09:30:00Z",
            "2026-11-21T09:30:01Z",
            Width::Week,
            &["2026-11-15T23:00", "2026-11-22T23:00"],
        );
    }
}

//! The two ways in which TDP writes a time: ISO 8601 in JSON, and PostgreSQL's text in CSV.

use event::Moment;

/// A moment written as ISO 8601, or as PostgreSQL writes `timestamptz`: `2023-04-19 12:05:02.42+00`.
pub(super) fn parse(text: &str) -> Option<Moment<'static>> {
    Moment::parse(text.to_owned()).or_else(|| Moment::parse(iso(text)?))
}

/// The half-open range of microseconds since the epoch that the API's `from` and `to` name: `to` is
/// exclusive, as on the page. A day such as `2023-08-16` is its beginning in UTC, and a bound that is
/// not given is open. `None` when one is no time.
pub fn half_open(from: Option<&str>, to: Option<&str>) -> Option<(Option<i64>, Option<i64>)> {
    let micros = |text: Option<&str>| match text {
        Some(text) => parse(text)
            .or_else(|| Moment::parse(format!("{text}T00:00:00Z")))
            .map(|moment| Some(moment.micros())),
        None => Some(None),
    };
    Some((micros(from)?, micros(to)?))
}

/// RFC 3339 from PostgreSQL's text: another separator, and an offset whose minutes may be missing.
fn iso(text: &str) -> Option<String> {
    let (date, time) = text.split_once(' ')?;
    let sign = time.rfind(['+', '-'])?;
    let minutes = if time.len() - sign == 3 { ":00" } else { "" };
    Some(format!("{date}T{time}{minutes}"))
}

/// PostgreSQL's text for an RFC 3339 time. A time that was read from such text comes back as it was;
/// `Z` becomes `+00`.
pub(super) fn postgres(rfc3339: &str) -> String {
    let text = rfc3339.replacen(['T', 't'], " ", 1);
    if let Some(utc) = text.strip_suffix(['Z', 'z']) {
        return format!("{}+00", trim_fraction(utc));
    }
    let Some(sign) = text.rfind(['+', '-']).filter(|at| *at > 10) else { return text };
    let (time, offset) = text.split_at(sign);
    format!("{}{}", trim_fraction(time), offset.strip_suffix(":00").unwrap_or(offset))
}

/// PostgreSQL writes no zeros at the end of a fraction.
fn trim_fraction(time: &str) -> &str {
    if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_6_postgres_times_come_back_as_they_were() {
        for (text, iso) in [
            ("2023-04-19 12:05:02.42+00", "2023-04-19T12:05:02.42+00:00"),
            ("2025-09-03 08:05:00+00", "2025-09-03T08:05:00+00:00"),
            ("2025-09-03 08:05:00.123456+05:30", "2025-09-03T08:05:00.123456+05:30"),
            ("2025-09-03 08:05:00-07", "2025-09-03T08:05:00-07:00"),
        ] {
            let moment = parse(text).unwrap();
            assert_eq!(moment.as_str(), iso);
            assert_eq!(postgres(iso), text);
        }
        assert_eq!(postgres("2023-04-19T12:05:02.420Z"), "2023-04-19 12:05:02.42+00");
        assert_eq!(postgres("2023-04-19T12:05:02.000Z"), "2023-04-19 12:05:02+00");
    }

    #[test]
    fn case_12_the_end_is_exclusive() {
        let at = |text: &str| Moment::parse(text.to_owned()).unwrap().micros();
        let (from, to) = (at("2023-08-16T00:00:00Z"), at("2023-08-17T00:00:00Z"));
        let day = Some((Some(from), Some(to)));
        assert_eq!(half_open(Some("2023-08-16"), Some("2023-08-17")), day);
        assert_eq!(half_open(Some("2023-08-16T00:00:00Z"), Some("2023-08-17 00:00:00+00")), day);
        assert_eq!(half_open(None, Some("2023-08-17")), Some((None, Some(to))));
        assert_eq!(half_open(Some("2023-08"), None), None);
    }

    #[test]
    fn other_times_are_refused() {
        for text in [
            "",
            "2023-04-19",
            "2023-04-19 12:05:02",
            "2023-04-19 12:05:02 +00",
            "yesterday at 5+00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse(&text);
            let _ = postgres(&text);
        }
    }
}

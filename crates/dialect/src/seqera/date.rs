//! The two ways in which Seqera Platform writes a date.

use event::Moment;

/// A moment written as `YYYY-MM-DD-HH-MM-SS` (23.x, and again 25.2 and 25.3; taken as UTC) or as
/// ISO 8601 with `Z` or an offset (24.1 to 25.1, and 26.1 on). The flag says that it was the former.
pub(super) fn parse(text: &str) -> Option<(Moment<'static>, bool)> {
    if let Some(moment) = Moment::parse(text.to_owned()) {
        return Some((moment, false));
    }
    let bytes = text.as_bytes();
    let dashed = bytes.len() == 19
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 | 10 | 13 | 16 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !dashed {
        return None;
    }
    let iso: String = text
        .char_indices()
        .map(|(at, c)| match at {
            10 => 'T',
            13 | 16 => ':',
            _ => c,
        })
        .chain(['Z'])
        .collect();
    Some((Moment::parse(iso)?, true))
}

/// The half-open range of microseconds since the epoch that the API's two bounds name. Both of the
/// platform's bounds are inclusive, and a bound that is not given is open. `None` when one is no
/// time.
pub fn half_open(
    after_or_equal: Option<&str>,
    before_or_equal: Option<&str>,
) -> Option<(Option<i64>, Option<i64>)> {
    let micros = |text: Option<&str>| match text {
        Some(text) => parse(text).map(|(moment, _)| Some(moment.micros())),
        None => Some(None),
    };
    Some((micros(after_or_equal)?, micros(before_or_equal)?.map(|last| last + 1)))
}

/// A moment in UTC as `YYYY-MM-DD-HH-MM-SS`; digits below the second are cut.
pub(super) fn dashed(moment: &Moment<'_>) -> String {
    seconds(moment).replace(['T', ':'], "-").trim_end_matches('Z').to_owned()
}

/// A moment in UTC as `YYYY-MM-DDTHH:MM:SSZ`; digits below the second are cut.
pub(super) fn seconds(moment: &Moment<'_>) -> String {
    let text = event::format_micros(moment.micros());
    format!("{}Z", text.get(..19).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_6_both_date_formats_name_the_same_moment() {
        for (text, iso, is_dashed) in [
            ("2024-02-11-09-30-05", "2024-02-11T09:30:05Z", true),
            ("2025-06-28T22:07:40Z", "2025-06-28T22:07:40Z", false),
            ("2026-06-02T07:58:11.204Z", "2026-06-02T07:58:11.204Z", false),
            ("2026-06-02T07:58:11+02:00", "2026-06-02T07:58:11+02:00", false),
        ] {
            let (moment, flag) = parse(text).unwrap();
            assert_eq!((moment.as_str(), flag), (iso, is_dashed), "{text}");
            if is_dashed {
                assert_eq!(dashed(&moment), text);
            }
        }
        let offset = Moment::parse("2026-06-02T00:30:00.9+02:00").unwrap();
        assert_eq!(seconds(&offset), "2026-06-01T22:30:00Z");
    }

    #[test]
    fn case_12_both_bounds_are_inclusive() {
        let at = |text: &str| Moment::parse(text.to_owned()).unwrap().micros();
        let (from, to) = ("2026-06-02T00:00:00Z", "2026-06-02T08:00:00.5Z");
        assert_eq!(half_open(Some(from), Some(to)), Some((Some(at(from)), Some(at(to) + 1))));
        assert_eq!(half_open(None, None), Some((None, None)));
        assert_eq!(half_open(Some("noon"), None), None);
        assert_eq!(half_open(None, Some("")), None);
    }

    #[test]
    fn other_dates_are_refused() {
        for text in [
            "",
            "2024-02-30-09-30-05",
            "2024-02-11",
            "2024-02-11 09:30:05",
            "2024-02-11-09-30-05Z",
            "2024-02-11-24-30-05",
            "２024-02-11-09-30",
            "1969-12-31-23-59-59",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

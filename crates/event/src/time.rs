//! Times as sources write them, and as the server writes them.
//!
//! Hand-written because a time is parsed for every event and its text must be kept as it was sent.
//! Gregorian arithmetic after Howard Hinnant's `days_from_civil`, checked against `jiff` in tests.

use std::borrow::Cow;

/// A moment as it was written: the text, and the instant that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment<'a> {
    text: Cow<'a, str>,
    micros: i64,
}

impl<'a> Moment<'a> {
    /// Reads RFC 3339 with an offset; `None` when it is not, or lies outside of 1970 to 2199.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        let micros = parse_rfc3339(&text)?;
        Some(Self { text, micros })
    }

    /// The moment that many microseconds after 1970-01-01T00:00:00Z, written in UTC.
    pub fn from_micros(micros: i64) -> Moment<'static> {
        Moment { text: Cow::Owned(format_micros(micros)), micros }
    }

    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Microseconds since 1970-01-01T00:00:00Z; digits beyond are cut.
    pub fn micros(&self) -> i64 {
        self.micros
    }

    /// The same, with its own copy of the text.
    pub fn into_owned(self) -> Moment<'static> {
        Moment { text: Cow::Owned(self.text.into_owned()), micros: self.micros }
    }
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

/// Microseconds since the epoch of an RFC 3339 text with offset, or `None`.
///
/// Takes up to nine digits of a second; digits beyond the microsecond are cut. A leap second (`:60`)
/// counts as the second before. Times outside of 1970 to 2199 are refused.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (head, rest) = bytes.split_at_checked(19)?;
    let &[
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T' | b't',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
    ] = head
    else {
        return None;
    };
    let year = digits(&[y0, y1, y2, y3])?;
    let month = digits(&[m0, m1])?;
    let day = digits(&[d0, d1])?;
    let hour = digits(&[h0, h1])?;
    let minute = digits(&[i0, i1])?;
    let second = digits(&[s0, s1])?;
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let (fraction, zone) = fraction_micros(rest)?;
    let offset_seconds = offset_seconds(zone)?;
    let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY
        + hour * 3_600
        + minute * 60
        + second.min(59)
        - offset_seconds;
    let micros = seconds * MICROS_PER_SECOND + fraction;
    (0..LATEST_MICROS).contains(&micros).then_some(micros)
}

/// 2200-01-01T00:00:00Z.
const LATEST_MICROS: i64 = 84_006 * SECONDS_PER_DAY * MICROS_PER_SECOND;

fn fraction_micros(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', after)) = rest.split_first() else {
        return Some((0, rest));
    };
    let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (fraction, zone) = after.split_at(count);
    let kept = fraction.get(..count.min(6))?;
    let scale = 10_i64.pow(u32::try_from(6 - kept.len()).ok()?);
    Some((digits(kept)? * scale, zone))
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (digits(&[h0, h1])?, digits(&[m0, m1])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            Some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Writes microseconds since the epoch as `2026-11-21T08:05:00.000000Z`.
pub fn format_micros(micros: i64) -> String {
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let fraction = micros.rem_euclid(MICROS_PER_SECOND);
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) =
        (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_needs_an_offset_and_sense() {
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T08:05:00",
            "2026-11-21 08:05:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01:60",
            "1969-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-01-01T00:00:00Zx",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn digits_and_offsets_are_understood() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01t00:00:00.000001z", 1),
            ("1970-01-01T00:00:00.1Z", 100_000),
            ("1970-01-01T00:00:00.123456789-00:00", 123_456),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000_000),
            ("2024-02-29T12:00:00-05:30", 1_709_227_800_000_000),
        ] {
            assert_eq!(parse_rfc3339(text), Some(micros), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_jiff(micros in 0..LATEST_MICROS) {
            let text = format_micros(micros);
            let theirs: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(theirs.as_microsecond(), micros);
            prop_assert_eq!(parse_rfc3339(&text), Some(micros));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse_rfc3339(&text);
        }
    }
}

//! Times in questions: RFC 3339, or a local date or date and time in the reader's zone.

use jiff::civil;
use jiff::tz::TimeZone;

/// The zone in which dates without one are meant.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// A zone by its IANA name, such as `Europe/Madrid`.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The moment that a text names, in microseconds since the epoch.
    pub(super) fn micros(&self, text: &str) -> Option<i64> {
        if let Some(micros) = event::parse_rfc3339(text) {
            return Some(micros);
        }
        let moment: civil::DateTime = match text.parse::<civil::Date>() {
            Ok(date) if text.len() == 10 => date.to_datetime(civil::Time::midnight()),
            _ if text.len() >= 16 && !text.ends_with(['Z', 'z']) => text.parse().ok()?,
            _ => return None,
        };
        let zoned = self.0.to_zoned(moment).ok()?;
        Some(zoned.timestamp().as_microsecond())
    }
}

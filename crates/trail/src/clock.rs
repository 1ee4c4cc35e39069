//! Where time comes from.

use std::time::Instant;

/// Wall time and monotonic time. The system's in a server, a script in tests.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Wall time in microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;

    /// Microseconds since some moment, never going back.
    fn monotonic_micros(&self) -> i64;
}

/// The system's clock: the only place of the program that asks it.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others are given")]
    fn now_micros(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_micros()).ok())
            .unwrap_or(0)
    }

    fn monotonic_micros(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

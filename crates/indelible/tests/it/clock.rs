//! A time that a test says.

use std::sync::atomic::{AtomicI64, Ordering};

use trail::Clock;

/// A clock that a test sets.
#[derive(Debug)]
pub(crate) struct OlderClock(pub(crate) AtomicI64);

impl Clock for OlderClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic_micros(&self) -> i64 {
        self.now_micros()
    }
}

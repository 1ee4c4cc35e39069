//! A flood is recorded first and indexed after it.
//!
//! When more events arrive than indexing holds, doing both at once makes both slower: they take the
//! processor from each other, and what was recorded a while ago has to be read from the disk again
//! anyway. So indexing waits until the flood is over, somebody waits for it, or it has waited for long
//! enough; then it has the machine for itself. Below [`Limits::chunk_events`](super::Limits) nothing is
//! ever held back.

use std::time::{Duration, Instant};

/// How often it is looked whether the flood goes on.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So many events from one look to the next are a flood.
const ARRIVALS_MIN: u64 = 3_000;
/// The longest that indexing is held back …
const HOLD_MAX: Duration = Duration::from_secs(30);
/// … and the most events that wait for it meanwhile.
const WAITING_MAX: u64 = 4_000_000;

/// What is known of the flood that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood {
    began: Instant,
    looked: Instant,
    /// The trail's size at the last look.
    size: u64,
    arriving: bool,
}

impl Flood {
    /// A flood that was noticed now, in a trail of this size.
    pub(super) const fn begin(now: Instant, size: u64) -> Self {
        Self { began: now, looked: now, size, arriving: true }
    }

    /// Whether indexing should wait, while so many events wait for it.
    pub(super) fn holds_back(&mut self, now: Instant, size: u64, waiting: u64) -> bool {
        if now.duration_since(self.looked) >= LOOK_EVERY {
            self.arriving = size.saturating_sub(self.size) >= ARRIVALS_MIN;
            (self.looked, self.size) = (now, size);
        }
        self.arriving && waiting <= WAITING_MAX && now.duration_since(self.began) < HOLD_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_indexing_back_while_events_pour_in_and_not_for_ever() {
        let begin = Instant::now();
        let mut flood = Flood::begin(begin, 100_000);
        let mut size = 100_000;
        for look in 1..300 {
            size += ARRIVALS_MIN;
            assert!(flood.holds_back(begin + LOOK_EVERY * look, size, 70_000), "look {look}");
        }
        assert!(!flood.holds_back(begin + HOLD_MAX, size + ARRIVALS_MIN, 70_000));
    }

    #[test]
    fn it_is_over_when_few_events_come_and_goes_on_when_many_do() {
        let begin = Instant::now();
        let mut flood = Flood::begin(begin, 0);
        assert!(flood.holds_back(begin + LOOK_EVERY / 2, 1, 70_000), "not looked again yet");
        assert!(!flood.holds_back(begin + LOOK_EVERY, ARRIVALS_MIN - 1, 70_000));
        assert!(!flood.holds_back(begin + LOOK_EVERY * 3 / 2, 1_000_000, 70_000));
        assert!(flood.holds_back(begin + LOOK_EVERY * 2, 1_000_000, 70_000));
    }

    #[test]
    fn no_more_than_so_many_events_wait() {
        let begin = Instant::now();
        let mut flood = Flood::begin(begin, 0);
        assert!(flood.holds_back(begin, 0, WAITING_MAX));
        assert!(!flood.holds_back(begin, 0, WAITING_MAX + 1));
    }
}

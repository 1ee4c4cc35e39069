//! A flood is recorded first and indexed after it.
//!
//! When more events arrive than indexing holds, doing both at once makes both slower: they take the
//! processor from each other, and what was recorded a while ago has to be read from the disk again
//! anyway. So indexing waits until the flood is over, somebody waits for it, or it has waited for long
//! enough; then it has the machine for itself. Below [`Limits::chunk_events`](super::Limits) nothing is
//! ever held back, and neither is a rebuild.

use std::time::{Duration, Instant};

/// How often it is looked whether the flood goes on.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So many events a second are a flood: what two cores index at least.
const ARRIVALS_MIN: u128 = 60_000;
/// The longest that indexing is held back: those who wait for events late in a flood should still
/// find them in the time that they have.
const HOLD_MAX: Duration = Duration::from_secs(15);
/// The most events that wait for it meanwhile.
const WAITING_MAX: u64 = 4_000_000;
/// More events than this that wait at once did not come just now: an index is being rebuilt.
const NOTICED_MAX: u64 = 400_000;

/// What is known of the flood that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood {
    began: Instant,
    looked: Instant,
    /// The trail's size at the last look.
    size: u64,
    arriving: bool,
    /// It was held back for long enough, until all of it is indexed.
    spent: bool,
}

impl Flood {
    /// A flood that was noticed now, in a trail of this size of which so many events wait.
    pub(super) const fn begin(now: Instant, size: u64, waiting: u64) -> Self {
        Self { began: now, looked: now, size, arriving: true, spent: waiting > NOTICED_MAX }
    }

    /// Whether indexing should wait, while so many events wait for it.
    pub(super) fn holds_back(&mut self, now: Instant, size: u64, waiting: u64) -> bool {
        let since = now.duration_since(self.looked);
        if since >= LOOK_EVERY {
            let arrived = u128::from(size.saturating_sub(self.size));
            self.arriving = arrived * 1_000 >= ARRIVALS_MIN * since.as_millis();
            (self.looked, self.size) = (now, size);
        }
        self.spent |= waiting > WAITING_MAX || now.duration_since(self.began) >= HOLD_MAX;
        self.arriving && !self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events from one look to the next that are just a flood.
    const POURING: u64 = 6_000;

    #[test]
    fn it_holds_indexing_back_while_events_pour_in_and_not_for_ever() {
        let begin = Instant::now();
        let mut flood = Flood::begin(begin, 100_000, 70_000);
        let mut size = 100_000;
        for look in 1..150 {
            size += POURING;
            assert!(flood.holds_back(begin + LOOK_EVERY * look, size, 70_000), "look {look}");
        }
        for look in 150..200 {
            size += POURING;
            assert!(!flood.holds_back(begin + LOOK_EVERY * look, size, 70_000), "look {look}");
        }
    }

    #[test]
    fn it_is_over_when_few_events_come_and_goes_on_when_many_do() {
        let begin = Instant::now();
        let mut flood = Flood::begin(begin, 0, 70_000);
        assert!(flood.holds_back(begin + LOOK_EVERY / 2, 1, 70_000), "not looked again yet");
        assert!(!flood.holds_back(begin + LOOK_EVERY, POURING - 1, 70_000));
        assert!(!flood.holds_back(begin + LOOK_EVERY * 3 / 2, 1_000_000, 70_000));
        assert!(flood.holds_back(begin + LOOK_EVERY * 2, 1_000_000, 70_000));
        let late = begin + LOOK_EVERY * 22;
        assert!(!flood.holds_back(late, 1_000_000 + POURING * 19, 70_000), "too few for the time");
    }

    #[test]
    fn what_waits_is_bounded_and_indexed_to_the_end_once_it_was_too_much() {
        let begin = Instant::now();
        let mut flood = Flood::begin(begin, 0, 70_000);
        assert!(flood.holds_back(begin, 0, WAITING_MAX));
        assert!(!flood.holds_back(begin, 0, WAITING_MAX + 1));
        assert!(!flood.holds_back(begin, 0, WAITING_MAX / 2));
    }

    #[test]
    fn a_rebuild_is_no_flood() {
        let begin = Instant::now();
        assert!(!Flood::begin(begin, 0, NOTICED_MAX + 1).holds_back(begin, 0, NOTICED_MAX + 1));
    }
}

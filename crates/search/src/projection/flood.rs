//! A flood is recorded first and indexed after it.
//!
//! Indexing an event costs more than recording it. When so many arrive that indexing them as they come
//! would take a good part of the machine, doing both at once makes both slower: they take the processor
//! from each other. So indexing waits until the flood is over, somebody waits for it, or it has waited
//! for long enough, once in a flood; then it has the machine for itself. On a machine with more
//! processors more is needed for a flood. Neither fewer events nor the rebuild of a large trail are ever
//! held back.

use std::time::{Duration, Instant};

/// How often it is looked whether the flood goes on.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Events are a flood when indexing them as they come would take this part of all processors …
const MACHINE_PART: u64 = 10;
/// … and never when fewer than this come in a second.
const FLOOD_MIN: u64 = 10_000;
/// A flood is over when there was none for so long: it stumbles while the disk does, and what came
/// before would be indexed in the middle of it.
const CALM: Duration = Duration::from_millis(300);
/// The longest that indexing is held back: those who wait for events late in a flood should still
/// find them in the time that they have.
const HOLD_MAX: Duration = Duration::from_secs(15);
/// The most events that wait for it meanwhile.
const WAITING_MAX: u64 = 4_000_000;
/// More events than this that wait at once did not come just now: an index is being rebuilt.
const NOTICED_MAX: u64 = 400_000;
/// When it is over and fewer than this wait, all of it is as good as indexed, and another may begin.
const WAITING_FEW: u64 = 65_536;

/// What is known of the events that come in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flood {
    looked: Instant,
    /// The trail's size at the last look.
    size: u64,
    /// The last look that found a flood.
    poured: Option<Instant>,
    /// Since when the flood goes on that is not indexed yet.
    began: Option<Instant>,
    /// It was held back for long enough.
    spent: bool,
}

impl Flood {
    /// Begins to look at a trail that has this size now.
    pub(super) const fn watch(now: Instant, size: u64) -> Self {
        Self { looked: now, size, poured: None, began: None, spent: false }
    }

    /// Whether indexing should wait, while so many events wait for it, and where so many events a
    /// second are a flood.
    pub(super) fn holds_back(
        &mut self,
        now: Instant,
        size: u64,
        waiting: u64,
        flood_rate: u64,
    ) -> bool {
        let since = now.duration_since(self.looked);
        if since >= LOOK_EVERY {
            let arrived = u128::from(size.saturating_sub(self.size));
            if arrived * 1_000 >= u128::from(flood_rate) * since.as_millis() {
                self.poured = Some(now);
            }
            (self.looked, self.size) = (now, size);
        }
        let pouring = self.poured.is_some_and(|poured| now.duration_since(poured) < CALM);
        if self.began.is_none() {
            self.spent |= waiting > NOTICED_MAX;
            self.began = pouring.then_some(now);
        }
        let long = self.began.is_some_and(|began| now.duration_since(began) >= HOLD_MAX);
        self.spent |= long || waiting > WAITING_MAX;
        if !pouring && waiting < WAITING_FEW {
            (self.began, self.spent) = (None, false);
        }
        pouring && !self.spent
    }
}

/// What indexing an event takes of a processor, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost(u64);

impl Default for Cost {
    /// What is believed until it is known.
    fn default() -> Self {
        Self(10_000)
    }
}

impl Cost {
    /// Pieces of work with fewer events cost what each piece costs, and say little of an event.
    const EVENTS_MIN: u64 = 1_024;
    /// How much more what was known counts than what is learnt.
    const KNOWN: u64 = 3;

    /// Learns from so many events that took so much of a processor.
    pub(super) fn learn(&mut self, events: u64, took: Duration) {
        if events >= Self::EVENTS_MIN {
            let each = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / events;
            self.0 = self.0.saturating_mul(Self::KNOWN).saturating_add(each) / (Self::KNOWN + 1);
        }
    }

    /// So many events a second are a flood where there are so many processors.
    pub(super) fn flood_rate(self, processors: usize) -> u64 {
        let processors = u64::try_from(processors).unwrap_or(u64::MAX);
        let rate = processors.saturating_mul(1_000_000_000) / self.0.max(1) / MACHINE_PART;
        rate.max(FLOOD_MIN)
    }
}

/// The time that this thread has had of a processor.
pub(super) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // The kernel counts up from zero.
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many events a second are a flood in these tests …
    const RATE: u64 = 20_000;
    /// … which are so many from one look to the next.
    const POURING: u64 = 2_000;

    /// A flood at its first look, and when that was.
    fn pouring() -> (Flood, Instant) {
        let begin = Instant::now();
        let mut flood = Flood::watch(begin, 0);
        assert!(!flood.holds_back(begin, POURING, POURING, RATE), "not looked yet");
        assert!(flood.holds_back(begin + LOOK_EVERY, POURING, POURING, RATE));
        (flood, begin + LOOK_EVERY)
    }

    #[test]
    fn it_holds_indexing_back_while_events_pour_in_and_not_for_ever() {
        let (mut flood, begin) = pouring();
        let mut size = POURING;
        for look in 1..150 {
            size += POURING;
            assert!(flood.holds_back(begin + LOOK_EVERY * look, size, size, RATE), "look {look}");
        }
        for look in 150..200 {
            size += POURING;
            assert!(!flood.holds_back(begin + LOOK_EVERY * look, size, size, RATE), "look {look}");
        }
        let few = WAITING_FEW - 1;
        size += POURING;
        assert!(!flood.holds_back(begin + LOOK_EVERY * 200, size, few, RATE), "once in a flood");
        let over = begin + LOOK_EVERY * 200 + CALM;
        assert!(!flood.holds_back(over, size, few, RATE), "it is over");
        size += POURING;
        assert!(flood.holds_back(over + LOOK_EVERY, size, few, RATE), "another begins");
    }

    #[test]
    fn it_is_over_when_few_events_come_and_goes_on_when_many_do() {
        let (mut flood, begin) = pouring();
        let mut size = POURING;
        assert!(flood.holds_back(begin + LOOK_EVERY / 2, size, size, RATE), "not looked again yet");
        for look in 1..3 {
            size += POURING - 1;
            assert!(flood.holds_back(begin + LOOK_EVERY * look, size, size, RATE), "it stumbles");
        }
        size += POURING - 1;
        assert!(!flood.holds_back(begin + CALM, size, size, RATE));
        size += POURING;
        assert!(!flood.holds_back(begin + CALM + LOOK_EVERY / 2, size, size, RATE));
        assert!(flood.holds_back(begin + CALM + LOOK_EVERY, size, size, RATE));
        size += POURING * 17;
        assert!(
            !flood.holds_back(begin + LOOK_EVERY * 22, size, size, RATE),
            "too few for the time"
        );
    }

    #[test]
    fn what_waits_is_bounded_and_indexed_to_the_end_once_it_was_too_much() {
        let (mut flood, begin) = pouring();
        assert!(flood.holds_back(begin, 0, WAITING_MAX, RATE));
        assert!(!flood.holds_back(begin, 0, WAITING_MAX + 1, RATE));
        assert!(!flood.holds_back(begin, 0, WAITING_MAX / 2, RATE));
    }

    #[test]
    fn a_rebuild_is_no_flood() {
        let begin = Instant::now();
        let mut flood = Flood::watch(begin, 0);
        let waiting = NOTICED_MAX + 1;
        assert!(!flood.holds_back(begin, 0, waiting, RATE));
        let less = NOTICED_MAX - 1;
        assert!(!flood.holds_back(begin + LOOK_EVERY, POURING, less, RATE), "though more come");
        let mut noticed_late = Flood::watch(begin, 0);
        assert!(!noticed_late.holds_back(begin + LOOK_EVERY, POURING, waiting, RATE));
    }

    #[test]
    fn what_a_flood_is_depends_on_the_machine() {
        let mut cost = Cost::default();
        assert_eq!(cost.flood_rate(2), 20_000);
        assert_eq!(cost.flood_rate(16), 160_000);
        assert_eq!(cost.flood_rate(1), FLOOD_MIN);
        cost.learn(10, Duration::from_secs(1));
        assert_eq!(cost.flood_rate(2), 20_000, "ten events say nothing");
        for _ in 0..20 {
            cost.learn(10_000, Duration::from_millis(50));
        }
        assert!((36_000..=40_000).contains(&cost.flood_rate(2)), "{cost:?}");
        for _ in 0..20 {
            cost.learn(10_000, Duration::from_secs(10));
        }
        assert_eq!(cost.flood_rate(2), FLOOD_MIN);
        cost.learn(u64::MAX, Duration::ZERO);
        assert!(cost.flood_rate(usize::MAX) >= FLOOD_MIN);
    }

    #[test]
    fn the_processor_is_not_charged_for_sleep() {
        let before = processor_time();
        std::thread::sleep(Duration::from_millis(50));
        assert!(processor_time().saturating_sub(before) < Duration::from_millis(40));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        assert!(processor_time() > before);
    }
}

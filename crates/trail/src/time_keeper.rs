//! The server's clock, watched: `recorded_at` never goes back, and not ahead on the word of a clock
//! that jumped.
//!
//! Between two looks the wall clock should move as far as the monotonic clock does, which goes on
//! while the machine is suspended. A difference of more than [`STEP_MICROS`] is a step: it is noted, and the times go on from the new one. A step
//! that would move `recorded_at` more than [`AHEAD_MICROS`] ahead is not believed before an operator
//! confirms it, because `recorded_at` could never come back.
//!
//! All trails of a server share one watch, so that a step is noted once, and a trail that is opened
//! after a leap does not believe what the others doubt.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Clock;

/// A larger difference between the two clocks is a step.
pub const STEP_MICROS: i64 = 5_000_000;

/// A step further ahead than this stops appends.
pub const AHEAD_MICROS: i64 = 3_600_000_000;

/// Two clocks are not read in one moment: read so far apart, they are read again …
const APART_MICROS: i64 = 100_000;

/// … but only so often.
const READINGS_MAX: usize = 8;

/// Steps that wait to be recorded; of more, the first are forgotten.
const STEPS_MAX: usize = 64;

/// What the wall clock did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was set, and is believed.
    Set {
        /// What it would have said.
        from_micros: i64,
        /// What it says.
        to_micros: i64,
    },
    /// It leapt ahead, and is not believed.
    Leapt {
        /// What it would have said.
        from_micros: i64,
        /// What it says.
        to_micros: i64,
    },
    /// It came back to where it is believed, without anybody's word.
    Returned {
        /// What it says.
        to_micros: i64,
    },
}

/// A wall clock beside a monotonic one.
#[derive(Debug)]
pub struct WatchedClock {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    wall_minus_monotonic: Option<i64>,
    /// Whether the leap that the clock is in was noted.
    leapt: bool,
    steps: VecDeque<Step>,
}

/// One look at the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// What the clock says; where it is not believed, what it would have said.
    pub(crate) at_micros: i64,
    /// How far ahead of that it is, when it is not believed.
    pub(crate) ahead_micros: Option<i64>,
}

impl WatchedClock {
    /// Watches a clock, which is believed as it stands at the first look.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Microseconds since the epoch. Where the clock leapt ahead and is not believed, what it would
    /// have said.
    pub fn now_micros(&self) -> i64 {
        self.look().at_micros
    }

    /// How far the clock leapt ahead, while it is not believed.
    pub fn ahead_micros(&self) -> Option<i64> {
        self.look().ahead_micros
    }

    /// Believes the clock as it stands now. The caller has recorded who says so.
    pub fn confirm(&self) {
        let mut state = self.lock();
        (state.wall_minus_monotonic, state.leapt) = (None, false);
    }

    /// Takes what the clock did since this was last asked, for the record.
    pub fn take_steps(&self) -> Vec<Step> {
        self.look();
        self.lock().steps.drain(..).collect()
    }

    pub(crate) fn look(&self) -> Look {
        let mut state = self.lock();
        let (now, monotonic) = self.read();
        let base = *state.wall_minus_monotonic.get_or_insert(now - monotonic);
        let expected = base + monotonic;
        let stepped = now - expected;
        if stepped > AHEAD_MICROS {
            if !state.leapt {
                state.note(Step::Leapt { from_micros: expected, to_micros: now });
                state.leapt = true;
            }
            return Look { at_micros: expected, ahead_micros: Some(stepped) };
        }
        if std::mem::take(&mut state.leapt) {
            state.note(Step::Returned { to_micros: now });
        }
        if stepped.abs() > STEP_MICROS {
            state.note(Step::Set { from_micros: expected, to_micros: now });
            state.wall_minus_monotonic = Some(now - monotonic);
        }
        Look { at_micros: now, ahead_micros: None }
    }

    /// Wall and monotonic time of one moment. A machine that is suspended between the two readings
    /// would seem to have been set back, and then to leap.
    fn read(&self) -> (i64, i64) {
        let mut before = self.clock.monotonic_micros();
        let mut now = self.clock.now_micros();
        for _ in 1..READINGS_MAX {
            let after = self.clock.monotonic_micros();
            if after - before <= APART_MICROS {
                break;
            }
            (before, now) = (after, self.clock.now_micros());
        }
        (now, before)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, step: Step) {
        tracing::warn!(?step, "the wall clock was set");
        if self.steps.len() == STEPS_MAX {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }
}

/// The last recorded time of one trail.
#[derive(Debug)]
pub(crate) struct TimeKeeper {
    last_micros: i64,
}

impl TimeKeeper {
    pub(crate) fn new(last_micros: i64) -> Self {
        Self { last_micros }
    }

    /// The time for what is recorded after a look. Call [`Self::recorded`] once it is.
    pub(crate) fn at(&self, look: Look) -> i64 {
        look.at_micros.max(self.last_micros)
    }

    pub(crate) fn recorded(&mut self, at_micros: i64) {
        self.last_micros = self.last_micros.max(at_micros);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Script(Mutex<(i64, i64)>);

    impl Clock for Script {
        fn now_micros(&self) -> i64 {
            self.0.lock().unwrap().0
        }
        fn monotonic_micros(&self) -> i64 {
            self.0.lock().unwrap().1
        }
    }

    fn believed(at_micros: i64) -> Look {
        Look { at_micros, ahead_micros: None }
    }

    #[test]
    fn recorded_time_never_goes_back_and_never_jumps_an_hour_unasked() {
        let script = Arc::new(Script(Mutex::new((1_000, 0))));
        let set = |wall: i64, monotonic: i64| *script.0.lock().unwrap() = (wall, monotonic);
        let clock = WatchedClock::new(Arc::clone(&script) as Arc<dyn Clock>);
        let mut keeper = TimeKeeper::new(5_000);
        assert_eq!(keeper.at(clock.look()), 5_000);
        set(1_000_000, 999_000);
        assert_eq!(keeper.at(clock.look()), 1_000_000);
        keeper.recorded(1_000_000);
        assert_eq!(clock.take_steps(), []);

        set(8_000_000, 999_001);
        assert_eq!(keeper.at(clock.look()), 8_000_000);
        keeper.recorded(8_000_000);
        let ahead = Step::Set { from_micros: 1_000_001, to_micros: 8_000_000 };
        assert_eq!(clock.take_steps(), [ahead], "a step is noted once");

        set(500_000, 999_002);
        assert_eq!(keeper.at(clock.look()), 8_000_000);
        assert!(matches!(clock.take_steps()[..], [Step::Set { to_micros: 500_000, .. }]));

        set(2 * AHEAD_MICROS, 1_999_002);
        let ahead_micros = Some(2 * AHEAD_MICROS - 1_500_000);
        assert_eq!(clock.look(), Look { at_micros: 1_500_000, ahead_micros });
        assert_eq!(clock.now_micros(), 1_500_000, "the time goes on without the leap");
        assert!(matches!(clock.take_steps()[..], [Step::Leapt { from_micros: 1_500_000, .. }]));
        set(1_600_000, 2_099_002);
        assert_eq!(clock.look(), believed(1_600_000));
        assert_eq!(clock.take_steps(), [Step::Returned { to_micros: 1_600_000 }]);

        set(3 * AHEAD_MICROS, 2_099_003);
        assert!(clock.ahead_micros().is_some());
        clock.confirm();
        assert_eq!(clock.look(), believed(3 * AHEAD_MICROS));
    }
    /// A machine that sleeps at chosen readings of its clocks.
    #[derive(Debug, Default)]
    struct Sleeper {
        micros: AtomicI64,
        readings: AtomicI64,
        sleeps_at: i64,
    }

    impl Sleeper {
        const WALL_MINUS_BOOT: i64 = 1_750_000_000_000_000;

        fn read(&self) -> i64 {
            let reading = self.readings.fetch_add(1, Ordering::Relaxed);
            let passes = if reading == self.sleeps_at { 9 * AHEAD_MICROS } else { 10 };
            self.micros.fetch_add(passes, Ordering::Relaxed)
        }
    }

    impl Clock for Sleeper {
        fn now_micros(&self) -> i64 {
            Self::WALL_MINUS_BOOT + self.read()
        }
        fn monotonic_micros(&self) -> i64 {
            self.read()
        }
    }

    #[test]
    fn a_machine_may_be_suspended_between_any_two_readings() {
        for sleeps_at in 0..24 {
            let sleeper = Arc::new(Sleeper { sleeps_at, ..Sleeper::default() });
            let clock = WatchedClock::new(Arc::clone(&sleeper) as Arc<dyn Clock>);
            for _ in 0..10 {
                assert_eq!(clock.ahead_micros(), None, "slept at reading {sleeps_at}");
            }
            assert_eq!(clock.take_steps(), [], "slept at reading {sleeps_at}");
        }
    }
}

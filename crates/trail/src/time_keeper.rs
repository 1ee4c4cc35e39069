//! `recorded_at`: never back, and not ahead on the word of a clock that jumped.
//!
//! Between two looks the wall clock should move as far as the monotonic clock does. A difference of
//! more than [`STEP_MICROS`] is a step: it is noted, and the times go on from the new one. A step
//! that would move `recorded_at` more than [`AHEAD_MICROS`] ahead is not believed before an
//! operator confirms it, because `recorded_at` could never come back.

use crate::Clock;

/// A larger difference between the two clocks is a step.
pub const STEP_MICROS: i64 = 5_000_000;

/// A step further ahead than this stops appends.
pub const AHEAD_MICROS: i64 = 3_600_000_000;

/// What the clock did since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// The time to record.
    At(i64),
    /// The time to record, and that the wall clock was set by this many microseconds.
    Stepped {
        /// The time to record.
        at: i64,
        /// How far the wall clock jumped; negative for back.
        by_micros: i64,
    },
    /// The clock would move `recorded_at` this far ahead; nothing may be recorded.
    Untrusted {
        /// How far ahead of where it should be.
        ahead_micros: i64,
    },
}

/// Keeps the last recorded time and the relation of the two clocks.
#[derive(Debug)]
pub(crate) struct TimeKeeper {
    last_micros: i64,
    wall_minus_monotonic: Option<i64>,
}

impl TimeKeeper {
    pub(crate) fn new(last_micros: i64) -> Self {
        Self { last_micros, wall_minus_monotonic: None }
    }

    /// The time for what is recorded now. Call [`Self::recorded`] once it is.
    pub(crate) fn tick(&mut self, clock: &dyn Clock) -> Tick {
        let now = clock.now_micros();
        let difference = now - clock.monotonic_micros();
        let stepped = difference - *self.wall_minus_monotonic.get_or_insert(difference);
        if stepped > AHEAD_MICROS {
            return Tick::Untrusted { ahead_micros: stepped };
        }
        let at = now.max(self.last_micros);
        if stepped.abs() <= STEP_MICROS {
            return Tick::At(at);
        }
        self.wall_minus_monotonic = Some(difference);
        Tick::Stepped { at, by_micros: stepped }
    }

    pub(crate) fn recorded(&mut self, at_micros: i64) {
        self.last_micros = self.last_micros.max(at_micros);
    }

    /// Believes the clock as it stands now.
    pub(crate) fn confirm(&mut self) {
        self.wall_minus_monotonic = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Debug)]
    struct Script(Mutex<(i64, i64)>);

    impl Script {
        fn set(&self, wall: i64, monotonic: i64) {
            *self.0.lock().unwrap() = (wall, monotonic);
        }
    }

    impl Clock for Script {
        fn now_micros(&self) -> i64 {
            self.0.lock().unwrap().0
        }
        fn monotonic_micros(&self) -> i64 {
            self.0.lock().unwrap().1
        }
    }

    #[test]
    fn recorded_time_never_goes_back_and_never_jumps_an_hour_unasked() {
        let clock = Script(Mutex::new((1_000, 0)));
        let mut keeper = TimeKeeper::new(5_000);
        assert_eq!(keeper.tick(&clock), Tick::At(5_000));
        clock.set(1_000_000, 999_000);
        assert_eq!(keeper.tick(&clock), Tick::At(1_000_000));
        keeper.recorded(1_000_000);

        clock.set(1_000_000 + 7_000_000, 999_001);
        let Tick::Stepped { at: 8_000_000, by_micros } = keeper.tick(&clock) else { panic!() };
        assert!(by_micros > STEP_MICROS);
        keeper.recorded(8_000_000);
        assert_eq!(keeper.tick(&clock), Tick::At(8_000_000));

        clock.set(500_000, 999_002);
        let Tick::Stepped { at: 8_000_000, by_micros } = keeper.tick(&clock) else { panic!() };
        assert!(by_micros < -STEP_MICROS);

        clock.set(2 * AHEAD_MICROS, 999_003);
        assert!(matches!(keeper.tick(&clock), Tick::Untrusted { .. }));
        assert!(matches!(keeper.tick(&clock), Tick::Untrusted { .. }));
        keeper.confirm();
        assert_eq!(keeper.tick(&clock), Tick::At(2 * AHEAD_MICROS));
    }
}

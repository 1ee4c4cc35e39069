//! Where time comes from.

/// Wall time and monotonic time. The system's in a server, a script in tests.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Wall time in microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;

    /// Microseconds since some moment, never going back, and going on while the machine is
    /// suspended: else the wall clock would seem to leap whenever it wakes up.
    fn monotonic_micros(&self) -> i64;
}

/// The system's clock: the only place of the program that asks it.
#[derive(Debug, Default)]
pub struct SystemClock {
    elapsed: Elapsed,
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
        self.elapsed.micros()
    }
}

/// Time since the machine was started, suspended or not.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
struct Elapsed;

#[cfg(target_os = "linux")]
impl Elapsed {
    #[expect(clippy::unused_self, reason = "elsewhere it has a beginning")]
    fn micros(&self) -> i64 {
        // `std::time::Instant` is CLOCK_MONOTONIC here, which stands still in suspend.
        let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        at.tv_sec.saturating_mul(1_000_000).saturating_add(at.tv_nsec / 1_000)
    }
}

/// Time since the program was started. Whether it goes on in suspend is up to the system; where it
/// does not, an operator has to confirm the clock after an hour of it.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Elapsed(std::time::Instant);

#[cfg(not(target_os = "linux"))]
impl Default for Elapsed {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

#[cfg(not(target_os = "linux"))]
impl Elapsed {
    fn micros(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The kernel's uptime counts suspended time, as its documentation says; the time that
    /// `Instant` tells does not.
    #[test]
    fn the_systems_clock_counts_what_the_machine_slept() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let told = SystemClock::default().monotonic_micros() / 1_000_000;
        let told: f64 = i32::try_from(told).unwrap().into();
        assert!((told - seconds).abs() < 30.0, "{told} s, but the machine is up for {seconds} s");
    }
}

//! Times of single operations, and their percentiles.

use std::time::{Duration, Instant};

use crate::number::float;

/// Samples in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    micros: Vec<u64>,
}

impl Latencies {
    /// Adds the time since `start`.
    pub(crate) fn since(&mut self, start: Instant) {
        self.push(start.elapsed());
    }

    /// Adds one sample.
    pub(crate) fn push(&mut self, time: Duration) {
        self.micros.push(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds the samples of another.
    pub(crate) fn merge(&mut self, other: Self) {
        self.micros.extend(other.micros);
    }

    /// The sample that `per_cent` of all do not exceed (nearest rank), in milliseconds; 0 of none.
    pub(crate) fn percentile_ms(&self, per_cent: usize) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * per_cent).div_ceil(100).saturating_sub(1);
        float(sorted.get(rank).copied().unwrap_or_default()) / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_of_the_nearest_rank() {
        let mut latencies = Latencies::default();
        for millis in (1..=200).rev() {
            latencies.push(Duration::from_millis(millis));
        }
        for (per_cent, expected) in [(1, 2.0), (50, 100.0), (99, 198.0), (100, 200.0)] {
            let measured: f64 = latencies.percentile_ms(per_cent);
            assert!((measured - expected).abs() < 1e-9, "{per_cent}: {measured}");
        }
        assert!(Latencies::default().percentile_ms(99) < f64::EPSILON);
    }
}

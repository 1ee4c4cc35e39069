//! Random numbers that are the same on every machine: `SplitMix64`, and a skewed choice.
//!
//! Not for secrets. The whole corpus follows from one seed, so two runs measure the same events.

/// `SplitMix64` (Steele, Lea and Flood, 2014): one addition and three mixes a number.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The sequence that belongs to `seed` and `stream`; streams of one seed do not overlap in
    /// practice, so batches can be made in any order.
    pub(crate) const fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self { state: seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93) };
        random.next();
        random
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let wide = u128::from(self.next()) * limit as u128;
        usize::try_from(wide >> 64).expect("the high half of the product is below the limit")
    }

    /// True `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: usize) -> bool {
        self.below(1_000) < per_mille
    }
}

/// Choices whose k-th most frequent comes with a weight of 1/k, as words and people do.
#[derive(Debug)]
pub(crate) struct Zipf {
    slots: Vec<u16>,
}

impl Zipf {
    /// Resolution of the weights; the rarest of 5,000 still has a slot.
    const SLOTS: usize = 1 << 17;

    /// A choice among `count`, at most 65,536.
    pub(crate) fn new(count: u16) -> Self {
        let total: f64 = (1..=count).map(|rank| 1.0 / f64::from(rank)).sum();
        let mut slots = Vec::with_capacity(Self::SLOTS);
        let mut seen = 0.0;
        for rank in 0..count {
            seen += 1.0 / f64::from(rank + 1) / total;
            let end = share_of(Self::SLOTS, seen).max(slots.len() + 1);
            slots.resize(end.min(Self::SLOTS), rank);
        }
        Self { slots }
    }

    /// One of them: 0 is the most frequent.
    pub(crate) fn pick(&self, random: &mut Random) -> usize {
        let slot = random.below(self.slots.len());
        self.slots.get(slot).copied().map_or(0, usize::from)
    }
}

/// `share` (0 to 1) of `whole`, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of a small table"
)]
fn share_of(whole: usize, share: f64) -> usize {
    (whole as f64 * share) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_of_a_skewed_table_comes_and_the_first_comes_most() {
        let zipf = Zipf::new(5_000);
        let mut counts = vec![0_usize; 5_000];
        let mut random = Random::new(1, 0);
        for _ in 0..2_000_000 {
            counts[zipf.pick(&mut random)] += 1;
        }
        assert!(counts.iter().all(|count| *count > 0));
        assert!(counts[0] > counts[1] && counts[1] > counts[9] && counts[9] > counts[999]);
    }

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(7, 3);
        let first: Vec<usize> = (0..4).map(|_| random.below(1_000)).collect();
        let mut again = Random::new(7, 3);
        let second: Vec<usize> = (0..4).map(|_| again.below(1_000)).collect();
        assert_eq!(first, second);
        assert_ne!(first, (0..4).map(|_| random.below(1_000)).collect::<Vec<_>>());
    }
}

//! When the events of a segment happened, block by block.
//!
//! Events lie in the order in which they were recorded, which is nearly that in which they happened.
//! So most blocks of neighbours lie wholly within an interval or wholly outside of it, and only
//! those at its ends have to be looked at event by event.

use std::ops::Range;

use tantivy::columnar::Column;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId};

use crate::Interval;

/// The parts in which a segment is looked at. No answer depends on them.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Events in a block.
    pub block: u32,
    /// The most runs of blocks that a range is cut into; a segment in no order is looked at as one.
    pub runs_max: usize,
    /// A page is looked for in so many events at the better end of a segment first …
    pub first_piece: u32,
    /// … and then in so many times as many each time.
    pub piece_growth: u32,
}

impl Parts {
    /// What a server uses.
    pub const STANDARD: Self =
        Self { block: 1_024, runs_max: 8, first_piece: 4_096, piece_growth: 4 };
}

/// The earliest and latest moment of each block of a segment, in microseconds since the epoch.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// Documents in a block, at least one.
    size: u32,
    runs_max: usize,
    bounds: Vec<(i64, i64)>,
}

/// Neighbouring documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) docs: Range<DocId>,
    /// Whether all of them happened within the interval; otherwise some may have.
    pub(crate) within: bool,
}

impl Blocks {
    /// Reads the moments of all documents of a segment once.
    pub(crate) fn new(occurred: &Column<i64>, count: u32, parts: Parts) -> Self {
        let mut moments = [None; COLLECT_BLOCK_BUFFER_LEN];
        let mut bound_of = |block: Range<DocId>| {
            let mut bound = (i64::MAX, i64::MIN);
            in_buffers(block, &mut |docs| {
                let moments = moments.get_mut(..docs.len()).unwrap_or_default();
                occurred.first_vals(docs, moments);
                for micros in moments.iter().map(|moment| moment.unwrap_or_default()) {
                    bound = (bound.0.min(micros), bound.1.max(micros));
                }
            });
            bound
        };
        let mut blocks =
            Self { size: parts.block.max(1), runs_max: parts.runs_max, bounds: Vec::new() };
        let bounds = blocks
            .blocks(&(0..count))
            .map(|block| bound_of(blocks.start(block)..blocks.start(block + 1).min(count)));
        blocks.bounds = bounds.collect();
        blocks
    }

    /// The earliest and latest moment of some neighbours, of whole blocks at their ends.
    pub(crate) fn bounds(&self, docs: &Range<DocId>) -> (i64, i64) {
        let blocks = self.bounds.get(self.blocks(docs)).unwrap_or_default();
        blocks.iter().fold((i64::MAX, i64::MIN), |(first, last), block| {
            (first.min(block.0), last.max(block.1))
        })
    }

    /// One past the last document that may have happened at a moment or before it.
    pub(crate) fn end_until(&self, micros: i64) -> DocId {
        let last = self.bounds.iter().rposition(|(first, _)| *first <= micros);
        last.map_or(0, |block| self.start(block + 1))
    }

    /// The first document that may have happened at a moment or after it.
    pub(crate) fn start_from(&self, micros: i64) -> DocId {
        let first = self.bounds.iter().position(|(_, last)| *last >= micros);
        self.start(first.unwrap_or(self.bounds.len()))
    }

    /// The runs of a range that may have something in an interval, in order.
    pub(crate) fn runs(&self, docs: &Range<DocId>, interval: Interval) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let numbers = self.blocks(docs);
        let bounds = self.bounds.get(numbers.clone()).unwrap_or_default();
        for (number, (first, last)) in numbers.zip(bounds) {
            if interval.misses(*first, *last) {
                continue;
            }
            let within = interval.contains(*first) && interval.contains(*last);
            let end = self.start(number + 1).min(docs.end);
            let start = self.start(number).max(docs.start);
            match runs.last_mut() {
                Some(run) if run.docs.end == start && run.within == within => run.docs.end = end,
                _ => runs.push(Run { docs: start..end, within }),
            }
        }
        match (runs.first(), runs.last()) {
            (Some(first), Some(last)) if runs.len() > self.runs_max => {
                vec![Run { docs: first.docs.start..last.docs.end, within: false }]
            }
            _ => runs,
        }
    }

    /// The first document of a block.
    fn start(&self, block: usize) -> DocId {
        u32::try_from(block).unwrap_or(u32::MAX).saturating_mul(self.size)
    }

    /// The blocks that documents lie in.
    fn blocks(&self, docs: &Range<DocId>) -> Range<usize> {
        let block = |doc: DocId| usize::try_from(doc).unwrap_or(usize::MAX);
        if docs.is_empty() {
            return 0..0;
        }
        block(docs.start / self.size)..block((docs.end - 1) / self.size + 1)
    }
}

/// Hands out the documents of a range as the engine's columns take them, some at a time.
pub(crate) fn in_buffers(range: Range<DocId>, take: &mut dyn FnMut(&[DocId])) {
    let mut buffer = [0; COLLECT_BLOCK_BUFFER_LEN];
    let mut left = range;
    while !left.is_empty() {
        let mut size = 0;
        for (slot, doc) in buffer.iter_mut().zip(&mut left) {
            *slot = doc;
            size += 1;
        }
        take(buffer.get(..size).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    const BLOCK: u32 = 16;

    /// Block `b` happened in the hour `hours[b]`.
    fn of_hours(hours: &[i64]) -> Blocks {
        let Parts { runs_max, .. } = Parts::STANDARD;
        let bounds = hours.iter().map(|hour| (hour * HOUR, (hour + 1) * HOUR - 1)).collect();
        Blocks { size: BLOCK, runs_max, bounds }
    }

    fn between(from: i64, to: i64) -> Interval {
        Interval { from: Some(from), to: Some(to) }
    }

    #[test]
    fn only_the_ends_of_an_interval_are_looked_at() {
        let blocks = of_hours(&[0, 1, 2, 3, 4]);
        let runs = blocks.runs(&(0..5 * BLOCK - 7), between(HOUR / 2, 3 * HOUR + HOUR / 2));
        let run = |docs, within| Run { docs, within };
        assert_eq!(
            runs,
            [run(0..BLOCK, false), run(BLOCK..3 * BLOCK, true), run(3 * BLOCK..4 * BLOCK, false)]
        );
        let open = blocks.runs(&(10..5 * BLOCK - 7), Interval::default());
        assert_eq!(open, [run(10..5 * BLOCK - 7, true)]);
        assert_eq!(blocks.runs(&(3..3), Interval::default()), []);
        assert_eq!(blocks.runs(&(0..5 * BLOCK), between(9 * HOUR, 10 * HOUR)), []);
    }

    #[test]
    fn a_segment_in_no_order_is_one_run() {
        let hours: Vec<i64> = (0..100).map(|block| block % 2 * 10).collect();
        let runs = of_hours(&hours).runs(&(0..100 * BLOCK), between(0, 5 * HOUR));
        assert_eq!(runs, [Run { docs: 0..99 * BLOCK, within: false }]);
    }

    #[test]
    fn bounds_are_those_of_whole_blocks() {
        let blocks = of_hours(&[5, 1, 3]);
        assert_eq!(blocks.bounds(&(BLOCK + 1..BLOCK + 2)), (HOUR, 2 * HOUR - 1));
        assert_eq!(blocks.bounds(&(0..3 * BLOCK)), (HOUR, 6 * HOUR - 1));
    }

    #[test]
    fn what_cannot_be_before_or_after_a_moment_is_cut_off() {
        let blocks = of_hours(&[1, 2, 0, 4]);
        assert_eq!(blocks.end_until(HOUR / 2), 3 * BLOCK);
        assert_eq!(blocks.end_until(4 * HOUR), 4 * BLOCK);
        assert_eq!(blocks.end_until(-1), 0);
        assert_eq!(blocks.start_from(2 * HOUR), BLOCK);
        assert_eq!(blocks.start_from(3 * HOUR), 3 * BLOCK);
        assert_eq!(blocks.start_from(9 * HOUR), 4 * BLOCK);
    }
}

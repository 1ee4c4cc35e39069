//! How much is done at a time.

use std::time::Duration;

use crate::blocks::Parts;

/// The sizes at which a projection cuts, merges and flushes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most events that one piece of work takes on, so that no trail keeps others waiting.
    pub chunk_events: u64,
    /// A chunk of up to so many events goes to memory, a larger one to disk.
    pub memory_chunk_events: u64,
    /// What is in memory goes to disk when it has so many events …
    pub flush_events: u32,
    /// … or when nothing has come for so long …
    pub flush_after: Duration,
    /// … or when the oldest of it has been there for so long, whatever comes.
    pub memory_max: Duration,
    /// A segment is cut when building it takes so much memory, whatever its events are like.
    pub build_bytes: usize,
    /// So many neighbours of like size become one segment.
    pub merge_run: usize,
    /// In memory, only segments with fewer events are merged with each other: the larger ones are
    /// few until they go to disk together.
    pub merge_in_memory_below: u32,
    /// A segment with so many events is not merged again …
    pub merge_below_events: u32,
    /// … and none becomes larger than this.
    pub merged_events: u32,
    /// While so many events a second are added, the scheduler has nothing merged on disk, and nobody
    /// merges while a chunk of events waits …
    pub merge_below_rate: u64,
    /// … unless there are so many segments.
    pub segments_max: usize,
    /// The parts in which a segment is looked at.
    pub parts: Parts,
}

impl Limits {
    /// What a server uses.
    pub const STANDARD: Self = Self {
        chunk_events: 65_536,
        memory_chunk_events: 16_384,
        flush_events: 65_536,
        flush_after: Duration::from_secs(10),
        memory_max: Duration::from_mins(1),
        build_bytes: 40 * 1024 * 1024,
        merge_run: 8,
        merge_in_memory_below: 2_048,
        merge_below_events: 400_000,
        merged_events: 1_000_000,
        merge_below_rate: 10_000,
        segments_max: 96,
        parts: Parts::STANDARD,
    };
}

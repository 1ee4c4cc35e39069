//! What a projection needs of a trail: its size, and its events in order.

use std::ops::Range;

use bytes::Bytes;
use event::Opening;

use crate::Error;

/// One recorded event: its place, its bytes as they are hashed, and what was detached from them.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Zero-based position in the trail.
    pub index: u64,
    /// The entry, exactly as it is in the log.
    pub entry: Bytes,
    /// Detached values that can be read. Almost always empty.
    pub openings: Vec<Opening>,
}

impl Recorded {
    /// Bytes that it takes in memory, about.
    pub fn size_bytes(&self) -> usize {
        self.entry.len() + self.openings.iter().map(Opening::size_bytes).sum::<usize>()
    }

    /// The entry as JSON text with detached values put back in their places.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        // Entries are UTF-8 by construction, and were checked against the tree.
        let text = std::str::from_utf8(&self.entry).unwrap_or("{}");
        if self.openings.is_empty() {
            std::borrow::Cow::Borrowed(text)
        } else {
            std::borrow::Cow::Owned(Opening::restore(text, &self.openings))
        }
    }

    /// The entry as JSON text with `"index"` as its first member and detached values in place.
    pub fn to_json(&self) -> String {
        let text = self.text();
        format!("{{\"index\":{},{}", self.index, text.strip_prefix('{').unwrap_or(&text))
    }
}

/// A trail as its followers see it. Everything that it gives has been checked against the tree.
pub trait Feed: Send + Sync + std::fmt::Debug {
    /// How many events are committed; all below it can be read.
    fn committed_size(&self) -> u64;

    /// Events from `from` on, at most `count_max` of them, in order and without a gap. Fewer when
    /// the trail ends or when their bytes would pass a bound; at least one if there is one.
    fn read(&self, from: u64, count_max: usize) -> Result<Vec<Recorded>, Error>;

    /// The events at these indexes, in the order asked for. Unknown indexes are an error.
    fn read_many(&self, indexes: &[u64]) -> Result<Vec<Recorded>, Error>;

    /// The event at an index. [`Error::NoEvent`] where there is none.
    fn read_one(&self, index: u64) -> Result<Recorded, Error> {
        let missing = || Error::NoEvent { index, size: self.committed_size() };
        self.read_many(&[index])?.pop().ok_or_else(missing)
    }
}

/// The events of a range, some at a time, in order. It ends after an error.
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    feed: &'a dyn Feed,
    range: Range<u64>,
    count_max: usize,
}

impl<'a> Runs<'a> {
    /// The events of a range, at most `count_max` of them at a time.
    pub fn new(feed: &'a dyn Feed, range: Range<u64>, count_max: usize) -> Self {
        Self { feed, range, count_max }
    }
}

impl Iterator for Runs<'_> {
    type Item = Result<Vec<Recorded>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.range.is_empty() {
            return None;
        }
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(self.count_max);
        let run = self.feed.read(self.range.start, left.min(self.count_max));
        match &run {
            Ok(run) if !run.is_empty() => self.range.start += run.len() as u64,
            // Nothing more comes.
            Ok(_) | Err(_) => self.range.start = self.range.end,
        }
        Some(run)
    }
}

//! Pages of leaf indexes, newest first or in another order, without visiting what cannot be on them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::ops::Range;

use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId};

use crate::blocks::Parts;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::segment::{Opened, Segment};
use crate::view::View;

/// The most events of one page.
pub const PAGE_MAX: usize = 1_000;

/// The most events that one question may skip.
pub const SKIP_MAX: usize = 1_000_000;

/// In which order events are listed. Events of one moment are ordered by leaf index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// What happened last comes first.
    #[default]
    Newest,
    /// What happened first comes first.
    Oldest,
    /// What was recorded last comes first.
    LastRecorded,
    /// What was recorded first comes first.
    FirstRecorded,
}

/// Some of the events that are meant, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Their leaf indexes.
    pub indexes: Vec<u64>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
    /// The place behind each of its events.
    places: Vec<Cursor>,
}

impl Page {
    /// Keeps the first `count` events alone, one at least: the next page begins behind the last of
    /// them, whatever the trail has become meanwhile.
    pub fn cut(&mut self, count: usize) {
        let count = count.max(1);
        let last = self.places.get(count - 1);
        if let Some(place) = last.filter(|_| count < self.indexes.len()) {
            self.next = Some(*place);
            self.indexes.truncate(count);
            self.places.truncate(count);
        }
    }
}

/// A place in a list: behind one event. It stays valid while the trail grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    order: Order,
    micros: i64,
    index: u64,
}

impl Order {
    const fn letter(self) -> char {
        match self {
            Self::Newest => 'n',
            Self::Oldest => 'o',
            Self::LastRecorded => 'l',
            Self::FirstRecorded => 'f',
        }
    }

    /// Where an event stands: greater comes first.
    const fn rank(self, micros: i64, index: u64) -> (i64, u64) {
        match self {
            Self::Newest => (micros, index),
            Self::Oldest => (!micros, !index),
            Self::LastRecorded => (0, index),
            Self::FirstRecorded => (0, !index),
        }
    }

    /// The greatest rank that an event of a segment may have.
    fn best(self, segment: &Segment) -> (i64, u64) {
        self.best_of(segment, segment.occurred, &(0..segment.count))
    }

    /// The greatest rank that an event of a piece of a segment may have, between these moments.
    fn best_of(
        self,
        segment: &Segment,
        (first, last): (i64, i64),
        piece: &Range<DocId>,
    ) -> (i64, u64) {
        let start = segment.from + u64::from(piece.start);
        let end = (segment.from + u64::from(piece.end)).saturating_sub(1);
        match self {
            Self::Newest | Self::LastRecorded => self.rank(last, end),
            Self::Oldest | Self::FirstRecorded => self.rank(first, start),
        }
    }

    /// The least rank that an event of a segment may have.
    fn worst(self, segment: &Segment) -> (i64, u64) {
        let last = segment.to().saturating_sub(1);
        match self {
            Self::Newest => self.rank(segment.occurred.0, segment.from),
            Self::Oldest => self.rank(segment.occurred.1, last),
            Self::LastRecorded => self.rank(0, segment.from),
            Self::FirstRecorded => self.rank(0, last),
        }
    }

    /// The place behind an event of this rank.
    const fn cursor(self, (micros, index): (i64, u64)) -> Cursor {
        let (micros, index) = match self {
            Self::Newest | Self::LastRecorded => (micros, index),
            Self::Oldest => (!micros, !index),
            Self::FirstRecorded => (micros, !index),
        };
        Cursor { order: self, micros, index }
    }

    const fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::LastRecorded)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:x}-{:x}", self.order.letter(), self.micros, self.index)
    }
}

impl std::str::FromStr for Cursor {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) wrote, and nothing else.
    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let mut chars = text.chars();
            let letter = chars.next()?;
            let order = [Order::Newest, Order::Oldest, Order::LastRecorded, Order::FirstRecorded]
                .into_iter()
                .find(|order| order.letter() == letter)?;
            let (micros, index) = chars.as_str().split_once('-')?;
            let micros = u64::from_str_radix(micros, 16).ok()?.cast_signed();
            let index = u64::from_str_radix(index, 16).ok()?;
            let cursor = Self { order, micros, index };
            (cursor.to_string() == text).then_some(cursor)
        };
        read().ok_or(Error::Cursor)
    }
}

/// The best of what has been seen so far.
#[derive(Debug)]
struct Best {
    order: Order,
    parts: Parts,
    limit: usize,
    /// Only ranks below this one are on the page.
    below: Option<(i64, u64)>,
    heap: BinaryHeap<Reverse<(i64, u64)>>,
}

impl Best {
    /// Whether an event of at most this rank may be on the page.
    fn wants_below(&self, rank: (i64, u64)) -> bool {
        self.heap.len() < self.limit || self.heap.peek().is_none_or(|Reverse(worst)| *worst <= rank)
    }

    /// Whether an event of this rank would be on the page.
    fn wants(&self, rank: (i64, u64)) -> bool {
        self.below.is_none_or(|below| rank < below)
            && (self.heap.len() < self.limit
                || self.heap.peek().is_some_and(|Reverse(worst)| rank > *worst))
    }

    /// The part of a segment's range that does not lie before the page.
    fn reach(&self, segment: &Segment, opened: &Opened, range: Range<DocId>) -> Range<DocId> {
        let Some(below) = self.below else { return range };
        let Cursor { micros, index, .. } = self.order.cursor(below);
        let after = |index: u64| segment.docs(&(segment.from..index)).end;
        match self.order {
            Order::Newest => {
                range.start..range.end.min(opened.blocks(self.parts).end_until(micros))
            }
            Order::Oldest => {
                range.start.max(opened.blocks(self.parts).start_from(micros))..range.end
            }
            Order::LastRecorded => range.start..range.end.min(after(index)),
            Order::FirstRecorded => range.start.max(after(index))..range.end,
        }
    }

    fn offer(&mut self, rank: (i64, u64)) {
        if self.wants(rank) {
            if self.heap.len() == self.limit {
                self.heap.pop();
            }
            self.heap.push(Reverse(rank));
        }
    }

    /// Offers the documents of a segment, the most promising first: segments are nearly in order.
    fn offer_docs(&mut self, segment: &Segment, opened: &Opened, docs: &[DocId]) {
        let mut moments = [None; COLLECT_BLOCK_BUFFER_LEN];
        let mut block = |best: &mut Self, docs: &[DocId]| {
            let moments = moments.get_mut(..docs.len()).unwrap_or_default();
            opened.occurred.first_vals(docs, moments);
            for (doc, micros) in docs.iter().zip(&*moments).rev() {
                let index = segment.from + u64::from(*doc);
                best.offer(best.order.rank(micros.unwrap_or_default(), index));
            }
        };
        if self.order.is_descending() {
            docs.rchunks(COLLECT_BLOCK_BUFFER_LEN).for_each(|docs| block(self, docs));
        } else {
            docs.chunks(COLLECT_BLOCK_BUFFER_LEN).for_each(|docs| block(self, docs));
        }
    }

    fn into_page(self, limit: usize, projected_size: u64) -> Page {
        let order = self.order;
        let mut ranks: Vec<(i64, u64)> = self.heap.into_iter().map(|Reverse(rank)| rank).collect();
        ranks.sort_unstable_by(|one, other| other.cmp(one));
        let more = ranks.len() > limit;
        ranks.truncate(limit);
        let places: Vec<Cursor> = ranks.into_iter().map(|rank| order.cursor(rank)).collect();
        let next = places.last().filter(|_| more).copied();
        let indexes = places.iter().map(|place| place.index).collect();
        Page { indexes, next, projected_size, places }
    }
}

/// One page of the events that a plan means.
pub(crate) fn page(
    view: &View,
    plan: &Plan,
    order: Order,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Page> {
    if after.is_some_and(|cursor| cursor.order != order) {
        return Err(Error::Cursor);
    }
    let limit = limit.clamp(1, PAGE_MAX);
    let below = after.map(|cursor| order.rank(cursor.micros, cursor.index));
    // One more than asked for tells whether there is a next page.
    let best = Best { order, parts: plan.parts, limit: limit + 1, below, heap: BinaryHeap::new() };
    Ok(filled(best, view, plan)?.into_page(limit, view.size()))
}

/// The place behind the first `count` of the events that a plan means; `None` when there are fewer.
pub(crate) fn behind(
    view: &View,
    plan: &Plan,
    order: Order,
    count: usize,
) -> Result<Option<Cursor>> {
    if count > SKIP_MAX {
        let message = format!("at most {SKIP_MAX} events can be skipped; narrow the question");
        return Err(Error::Question(message));
    }
    let best =
        Best { order, parts: plan.parts, limit: count, below: None, heap: BinaryHeap::new() };
    let mut best = filled(best, view, plan)?;
    let full = best.heap.len() == count;
    let last = best.heap.pop().filter(|_| full);
    Ok(last.map(|Reverse(rank)| order.cursor(rank)))
}

/// Offers what a plan means, segment by segment, as long as better may come.
fn filled(mut best: Best, view: &View, plan: &Plan) -> Result<Best> {
    let (order, below) = (best.order, best.below);
    let mut segments: Vec<&Segment> = view
        .segments
        .iter()
        .map(AsRef::as_ref)
        .filter(|segment| !plan.misses(segment))
        .filter(|segment| below.is_none_or(|below| order.worst(segment) < below))
        .collect();
    segments.sort_unstable_by_key(|segment| Reverse(order.best(segment)));
    for segment in segments {
        // What follows is no better than this.
        if !best.wants_below(order.best(segment)) {
            break;
        }
        fill_from(&mut best, segment, plan)?;
    }
    Ok(best)
}

/// Offers what a plan means of a segment, piece by piece from its better end: most pages are full
/// after the first.
fn fill_from(best: &mut Best, segment: &Segment, plan: &Plan) -> Result<()> {
    let opened = segment.open()?;
    let mut docs = Vec::new();
    let range = best.reach(segment, opened, plan.reach(segment)?);
    for piece in pieces(range, best.order.is_descending(), best.parts) {
        let rank = best.order.best_of(segment, opened.blocks(best.parts).bounds(&piece), &piece);
        if !best.wants_below(rank) {
            continue;
        }
        docs.clear();
        plan.each_of(segment, &piece, &mut |_, block| docs.extend_from_slice(block))?;
        best.offer_docs(segment, opened, &docs);
    }
    Ok(())
}

/// Cuts a range into pieces that grow, from one end to the other.
fn pieces(
    range: Range<DocId>,
    from_the_end: bool,
    parts: Parts,
) -> impl Iterator<Item = Range<DocId>> {
    let (mut left, mut size) = (range, parts.first_piece.max(1));
    std::iter::from_fn(move || {
        let count = size.min(left.end.saturating_sub(left.start));
        size = size.saturating_mul(parts.piece_growth);
        let piece = if from_the_end {
            left.end -= count;
            left.end..left.end + count
        } else {
            left.start += count;
            left.start - count..left.start
        };
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        for (order, micros, index) in [
            (Order::Newest, 0, 0),
            (Order::Oldest, 1_700_000_000_000_000, 5_000_000),
            (Order::LastRecorded, 0, u64::MAX),
            (Order::FirstRecorded, -1, 7),
        ] {
            let cursor = Cursor { order, micros, index };
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
        for bad in ["", "n", "n-", "x0-0", "n0-0 ", "n00-0", "n+1-0", "n0-0-0", "nA-0", "é0-0"] {
            assert!(matches!(bad.parse::<Cursor>(), Err(Error::Cursor)), "{bad}");
        }
    }
}

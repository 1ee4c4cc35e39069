//! What can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Projection;
use crate::error::{Error, Result};
use crate::page::{Cursor, Order, Page, behind, page};
use crate::plan::Plan;
use crate::tally::{self, Accounts, Facets, Histogram, Split, Wanted};
use crate::view::View;
use crate::{Field, Interval, Query};

/// How long an answer waits for the projection to be whole.
const WHOLE_WITHIN: Duration = Duration::from_secs(2);

/// How many events are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Exactly so many.
    pub count: u64,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
}

/// What a projection takes on disk and in memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Segments on disk.
    pub segments: usize,
    /// Segments in memory.
    pub segments_in_memory: usize,
    /// Bytes by part of the index: dictionary, postings, positions, columns, rest.
    pub parts: BTreeMap<&'static str, u64>,
}

impl Projection {
    /// One page of the events that are meant.
    ///
    /// # Errors
    /// [`Error::Question`] and [`Error::Cursor`] for what was asked; [`Error::Damaged`] when the
    /// projection turned out to be damaged and is being rebuilt.
    pub fn search(
        &self,
        query: &Query,
        order: Order,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page> {
        self.answer(query, |view, plan| page(view, plan, order, limit, after))
    }

    /// The place behind the first `count` of the events that are meant, for lists that are paged by
    /// number; `None` when there are fewer, or none is to be skipped.
    ///
    /// # Errors
    /// As [`Projection::search`]; [`Error::Question`] beyond [`SKIP_MAX`](crate::SKIP_MAX).
    pub fn behind(&self, query: &Query, order: Order, count: usize) -> Result<Option<Cursor>> {
        if count == 0 {
            return Ok(None);
        }
        self.answer(query, |view, plan| behind(view, plan, order, count))
    }

    /// How many events are meant.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn count(&self, query: &Query) -> Result<Counted> {
        self.answer(query, |view, plan| {
            let counts = view.segments.iter().map(|segment| plan.count(segment));
            let count = counts.sum::<Result<u64>>()?;
            Ok(Counted { count, projected_size: view.size() })
        })
    }

    /// Counts of the events that are meant by the values of fields, the `top` most frequent ones.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn facets(&self, query: &Query, fields: &[Field], top: usize) -> Result<Facets> {
        let kinds = self.options.kinds.as_ref();
        self.answer(query, |view, plan| tally::facets(view, plan, kinds, fields, top))
    }

    /// Accounts of the events that are meant, and the addresses that they were used from.
    ///
    /// # Errors
    /// As [`Projection::search`]; [`Error::Question`] for more pairs than memory should hold.
    pub fn accounts(&self, query: &Query, wanted: Wanted) -> Result<Accounts> {
        self.answer(query, |view, plan| tally::accounts(view, plan, wanted))
    }

    /// Counts of the events that are meant by when they happened. The edges, in microseconds since
    /// the epoch, ascend; bucket `i` is `[edges[i], edges[i + 1])`.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn histogram(&self, query: &Query, edges: &[i64], split: Split) -> Result<Histogram> {
        let mut query = query.clone();
        if let (Some(first), Some(last)) = (edges.first(), edges.last()) {
            query.occurred = query.occurred.and(Interval::from(*first..*last));
        }
        let kinds = self.options.kinds.as_ref();
        self.answer(&query, |view, plan| tally::histogram(view, plan, kinds, edges, split))
    }

    /// When the first and the last of the events that are meant happened, in microseconds.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn span(&self, query: &Query) -> Result<Option<(i64, i64)>> {
        self.answer(query, tally::span)
    }

    /// One page of what happened to a thing, from the beginning.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn history(
        &self,
        target_type: &str,
        target_id: &str,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page> {
        self.search(&Query::history(target_type, target_id), Order::Oldest, limit, after)
    }

    /// Values of a field that begin so, but for case, with the number of events that have each; for
    /// completion, the most frequent first. Looks at 10,000 values of a segment at most.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn distinct(&self, field: Field, prefix: &str, count: usize) -> Result<Vec<(String, u64)>> {
        let kinds = self.options.kinds.as_ref();
        let view = self.whole_view()?;
        let found = tally::distinct(&view, kinds, field, prefix, count);
        self.checked(found.map_err(Error::while_reading))
    }

    /// What the projection takes.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn usage(&self) -> Result<Usage> {
        let view = self.view();
        let mut usage = Usage::default();
        for segment in &view.segments {
            if segment.in_memory() {
                usage.segments_in_memory += 1;
                continue;
            }
            usage.segments += 1;
            for (part, bytes) in segment.usage()? {
                *usage.parts.entry(part).or_default() += bytes;
            }
        }
        Ok(usage)
    }

    /// What can be found, once it is all that could be when the projection was opened or began again:
    /// of less than that, "nothing" would mean nothing. Waits a little for it.
    fn whole_view(&self) -> Result<Arc<View>> {
        // The view first: one that begins again says how many it wants before it has none.
        let view = self.view();
        let wanted = self.whole_from.load(Ordering::Acquire);
        if view.size() >= wanted {
            return Ok(view);
        }
        if self.wait_for(wanted, WHOLE_WITHIN) {
            return Ok(self.view());
        }
        Err(Error::Behind { size: self.projected_size(), wanted })
    }

    fn answer<T>(&self, query: &Query, work: impl FnOnce(&View, &Plan) -> Result<T>) -> Result<T> {
        let view = self.whole_view()?;
        let plan = Plan::new(query, &view, &self.options);
        let answer = plan.and_then(|plan| work(&view, &plan));
        self.checked(answer.map_err(Error::while_reading))
    }
}

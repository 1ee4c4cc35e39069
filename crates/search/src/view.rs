//! What is searched: segments in order, without a gap, and how far they reach.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use tantivy::DocId;

use crate::Interval;
use crate::error::Result;
use crate::lookup::terms_of;
use crate::schema::{Layout, Tag};
use crate::segment::Segment;

/// One consistent state of a projection. Cheap to clone; stays as it is while the projection moves on.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// In the order of their leaf indexes.
    pub(crate) segments: Vec<Arc<Segment>>,
}

impl View {
    /// How many events are covered: all below this index.
    pub(crate) fn size(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.to())
    }

    /// The indexes of the events that were recorded within an interval. They are a range, because
    /// `recorded_at` never decreases.
    pub(crate) fn recorded_between(&self, interval: &Interval) -> Result<Range<u64>> {
        let from = interval.from.map_or(Ok(0), |from| self.first_recorded(from))?;
        let to = interval.to.map_or_else(|| Ok(self.size()), |to| self.first_recorded(to))?;
        Ok(from..to.max(from))
    }

    /// The first index that was recorded at or after a moment.
    fn first_recorded(&self, micros: i64) -> Result<u64> {
        for segment in &self.segments {
            let recorded = &segment.open()?.recorded;
            let before = |doc: DocId| recorded.first(doc).is_some_and(|at| at < micros);
            if segment.count > 0 && !before(segment.count - 1) {
                let (mut low, mut high) = (0, segment.count - 1);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if before(middle) {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                return Ok(segment.from + u64::from(low));
            }
        }
        Ok(self.size())
    }

    /// Every value of a member.
    pub(crate) fn terms_of(&self, tag: Tag) -> Result<BTreeSet<String>> {
        let mut all = BTreeSet::new();
        for segment in &self.segments {
            let inverted = segment.open()?.reader.inverted_index(Layout::current().terms)?;
            let mut stream =
                terms_of(inverted.terms(), tag).map_err(tantivy::TantivyError::from)?;
            while stream.advance() {
                let value = stream.key().get(1..).unwrap_or_default();
                let value = String::from_utf8_lossy(value);
                if !all.contains(value.as_ref()) {
                    all.insert(value.into_owned());
                }
            }
        }
        Ok(all)
    }
}

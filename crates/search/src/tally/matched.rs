//! The documents that a question means, kept while they are counted by several fields.

use tantivy::{BitSet, DocId};

use crate::error::Result;
use crate::plan::Plan;
use crate::segment::Segment;
use crate::view::View;

/// The documents that are meant, segment by segment.
#[derive(Debug)]
pub(super) struct Matched<'a> {
    pub(super) segments: Vec<(&'a Segment, Docs)>,
    pub(super) count: u64,
}

#[derive(Debug)]
pub(super) enum Docs {
    All,
    Some(Vec<DocId>),
}

impl Docs {
    /// The documents of a segment as a set; `None` for all of them.
    pub(super) fn set(&self, segment: &Segment) -> Option<BitSet> {
        let Self::Some(docs) = self else { return None };
        let mut set = BitSet::with_max_value(segment.count);
        for doc in docs {
            set.insert(*doc);
        }
        Some(set)
    }
}

impl<'a> Matched<'a> {
    pub(super) fn new(view: &'a View, plan: &Plan) -> Result<Self> {
        let mut matched = Self { segments: Vec::new(), count: 0 };
        for segment in &view.segments {
            if plan.takes_all(segment) {
                matched.count += u64::from(segment.count);
                matched.segments.push((segment, Docs::All));
                continue;
            }
            let mut docs = Vec::new();
            plan.each(segment, &mut |_, block| docs.extend_from_slice(block))?;
            if !docs.is_empty() {
                matched.count += docs.len() as u64;
                matched.segments.push((segment, Docs::Some(docs)));
            }
        }
        Ok(matched)
    }
}

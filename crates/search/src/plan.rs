//! From a question to the documents of a segment.

use std::ops::Range;

use tantivy::query::{EnableScoring, Query as _, Scorer, Weight};
use tantivy::{BitSet, COLLECT_BLOCK_BUFFER_LEN, DocId, TERMINATED};

use crate::blocks::{Parts, Run, in_buffers};
use crate::error::Result;
use crate::lowering::{clause_lookup, intersection, text_lookup};
use crate::schema::Layout;
use crate::segment::{Opened, Segment};
use crate::sieve::{Sieve, Times};
use crate::view::View;
use crate::{During, Interval, Options, Query};

/// How a question is answered on a view.
pub(crate) struct Plan {
    /// What must hold, as the dictionaries tell; `None` when nothing is asked of them.
    weight: Option<Box<dyn Weight>>,
    /// What must not hold. The engine's own exclusion seeks backwards in phrases.
    without: Vec<Box<dyn Weight>>,
    pub(crate) indexes: Range<u64>,
    times: Times,
    pub(crate) parts: Parts,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("indexes", &self.indexes).finish_non_exhaustive()
    }
}

impl Plan {
    pub(crate) fn new(query: &Query, view: &View, options: &Options) -> Result<Self> {
        query.check()?;
        let mut indexes = view.recorded_between(&query.recorded)?;
        if let Some(range) = &query.indexes {
            indexes = indexes.start.max(range.start)..indexes.end.min(range.end);
        }
        let (mut must, mut without) = (Vec::new(), Vec::new());
        for clause in &query.clauses {
            let list = if clause.negated { &mut without } else { &mut must };
            list.push(clause_lookup(clause, view, options.kinds.as_ref())?);
        }
        for text in &query.texts {
            let list = if text.negated { &mut without } else { &mut must };
            list.push(text_lookup(text));
        }
        let scoring = EnableScoring::disabled_from_schema(&Layout::current().schema);
        let without =
            without.iter().map(|lookup| lookup.weight(scoring)).collect::<tantivy::Result<_>>()?;
        let weight = intersection(must).map(|all| all.weight(scoring)).transpose()?;
        let hulls = query.during.iter().map(During::hull);
        let times = Times {
            occurred: hulls.fold(query.occurred, Interval::and),
            during: query.during.clone(),
            hours: query.hours.clone(),
            late: query.late.clone(),
        };
        Ok(Self { weight, without, indexes, times, parts: options.limits.parts })
    }

    /// Everything there is.
    pub(crate) fn all(view: &View) -> Self {
        let times = Times::default();
        let (indexes, parts) = (0..view.size(), Parts::STANDARD);
        Self { weight: None, without: Vec::new(), indexes, times, parts }
    }

    /// Whether a segment can have no document that is meant.
    pub(crate) fn misses(&self, segment: &Segment) -> bool {
        let (first, last) = segment.occurred;
        segment.docs(&self.indexes).is_empty() || self.times.occurred.misses(first, last)
    }

    /// Whether every document of a segment is meant.
    pub(crate) fn takes_all(&self, segment: &Segment) -> bool {
        self.weight.is_none()
            && self.without.is_empty()
            && segment.docs(&self.indexes) == (0..segment.count)
            && !self.filters_time(segment)
    }

    fn filters_time(&self, segment: &Segment) -> bool {
        !self.times.take_all(segment.occurred)
    }

    /// The range of a segment's documents beyond which none is meant.
    pub(crate) fn reach(&self, segment: &Segment) -> Result<Range<DocId>> {
        let runs = self.runs(segment, segment.docs(&self.indexes))?;
        let first = runs.first().map_or(0, |run| run.docs.start);
        Ok(first..runs.last().map_or(first, |run| run.docs.end))
    }

    /// How many documents of a segment are meant.
    pub(crate) fn count(&self, segment: &Segment) -> Result<u64> {
        if self.misses(segment) {
            return Ok(0);
        }
        if self.takes_all(segment) {
            return Ok(u64::from(segment.count));
        }
        let whole = segment.docs(&self.indexes) == (0..segment.count) && self.without.is_empty();
        if let (Some(weight), true, false) = (&self.weight, whole, self.filters_time(segment)) {
            return Ok(u64::from(weight.count(&segment.open()?.reader)?));
        }
        let mut count = 0;
        if self.weight.is_some() || !self.without.is_empty() {
            self.each(segment, &mut |_, docs| count += docs.len() as u64)?;
            return Ok(count);
        }
        let mut sieve = Sieve::new(&self.times);
        for run in self.runs(segment, segment.docs(&self.indexes))? {
            if run.within {
                count += run.docs.len() as u64;
            } else {
                let mut add = |_: &Opened, docs: &[DocId]| count += docs.len() as u64;
                self.each_within(segment.open()?, run.docs, &mut sieve, &mut add)?;
            }
        }
        Ok(count)
    }

    /// The runs of a range of documents whose times may be meant: of all in a run that is within,
    /// they are.
    fn runs(&self, segment: &Segment, docs: Range<DocId>) -> Result<Vec<Run>> {
        if !self.filters_time(segment) {
            return Ok(vec![Run { docs, within: true }]);
        }
        let mut runs = segment.open()?.blocks(self.parts).runs(&docs, self.times.occurred);
        if self.times.look_closer() {
            for run in &mut runs {
                run.within = false;
            }
        }
        Ok(runs)
    }

    /// Hands out the documents of a segment that are meant, in order, some at a time.
    pub(crate) fn each(
        &self,
        segment: &Segment,
        take: &mut dyn FnMut(&Opened, &[DocId]),
    ) -> Result<()> {
        self.each_of(segment, &(0..segment.count), take)
    }

    /// The same for a range of the segment's documents.
    pub(crate) fn each_of(
        &self,
        segment: &Segment,
        docs: &Range<DocId>,
        take: &mut dyn FnMut(&Opened, &[DocId]),
    ) -> Result<()> {
        if self.misses(segment) {
            return Ok(());
        }
        let opened = segment.open()?;
        let range = segment.docs(&self.indexes);
        let range = range.start.max(docs.start)..range.end.min(docs.end);
        let mut sieve = Sieve::new(&self.times);
        for run in self.runs(segment, range)? {
            if run.within {
                self.each_doc(opened, run.docs, &mut |docs| take(opened, docs))?;
            } else {
                self.each_within(opened, run.docs, &mut sieve, take)?;
            }
        }
        Ok(())
    }

    /// Hands out those that a sieve keeps.
    fn each_within(
        &self,
        opened: &Opened,
        range: Range<DocId>,
        sieve: &mut Sieve<'_>,
        take: &mut dyn FnMut(&Opened, &[DocId]),
    ) -> Result<()> {
        self.each_doc(opened, range, &mut |docs| {
            let kept = sieve.keep(opened, docs);
            if !kept.is_empty() {
                take(opened, kept);
            }
        })
    }

    fn each_doc(
        &self,
        opened: &Opened,
        range: Range<u32>,
        take: &mut dyn FnMut(&[DocId]),
    ) -> Result<()> {
        if self.without.is_empty() {
            return self.each_candidate(opened, range, take);
        }
        let mut candidates = range.end.saturating_sub(range.start);
        if let Some(weight) = &self.weight {
            candidates = candidates.min(weight.scorer(&opened.reader, 1.0)?.size_hint());
        }
        let excluded = self.without.iter();
        let excluded = excluded.map(|weight| Excluded::new(&**weight, opened, &range, candidates));
        let mut excluded = excluded.collect::<Result<Vec<_>>>()?;
        let mut kept = Vec::with_capacity(COLLECT_BLOCK_BUFFER_LEN);
        self.each_candidate(opened, range, &mut |docs| {
            kept.clear();
            let stays = |doc: &DocId| !excluded.iter_mut().any(|excluded| excluded.contains(*doc));
            kept.extend(docs.iter().copied().filter(stays));
            if !kept.is_empty() {
                take(&kept);
            }
        })
    }

    fn each_candidate(
        &self,
        opened: &Opened,
        range: Range<u32>,
        take: &mut dyn FnMut(&[DocId]),
    ) -> Result<()> {
        let Some(weight) = &self.weight else {
            in_buffers(range, take);
            return Ok(());
        };
        let mut buffer = [0; COLLECT_BLOCK_BUFFER_LEN];
        let mut scorer = weight.scorer(&opened.reader, 1.0)?;
        if scorer.doc() < range.start {
            scorer.seek(range.start);
        }
        while scorer.doc() != TERMINATED {
            let size = scorer.fill_buffer(&mut buffer);
            let docs = buffer.get(..size).unwrap_or_default();
            let inside = docs.partition_point(|doc| *doc < range.end);
            take(docs.get(..inside).unwrap_or_default());
            if inside < size || size < buffer.len() {
                break;
            }
        }
        Ok(())
    }
}

/// Documents that are not meant.
enum Excluded {
    /// Many, as bits.
    Dense(BitSet),
    /// Few, or few that will be asked for.
    Sparse(Box<dyn Scorer>),
}

impl Excluded {
    /// Those in a range, of which so many may be asked for.
    fn new(
        weight: &dyn Weight,
        opened: &Opened,
        range: &Range<DocId>,
        candidates: u32,
    ) -> Result<Self> {
        let mut scorer = weight.scorer(&opened.reader, 1.0)?;
        if scorer.doc() < range.start {
            scorer.seek(range.start);
        }
        if scorer.size_hint() / 16 > candidates {
            return Ok(Self::Sparse(scorer));
        }
        let mut bits = BitSet::with_max_value(opened.reader.max_doc());
        let mut buffer = [0; COLLECT_BLOCK_BUFFER_LEN];
        loop {
            let size = scorer.fill_buffer(&mut buffer);
            for doc in buffer.iter().take(size) {
                bits.insert(*doc);
            }
            let past =
                buffer.get(..size).and_then(<[_]>::last).is_some_and(|doc| *doc >= range.end);
            if past || size < buffer.len() {
                return Ok(Self::Dense(bits));
            }
        }
    }

    /// Whether a document is among them; documents are asked for in ascending order.
    fn contains(&mut self, doc: DocId) -> bool {
        match self {
            Self::Dense(bits) => bits.contains(doc),
            Self::Sparse(scorer) => {
                if scorer.doc() < doc {
                    scorer.seek(doc);
                }
                scorer.doc() == doc
            }
        }
    }
}

//! Counts over time.

use std::collections::BTreeMap;

use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId};

use super::columns::counted;
use super::kinds::KindNamer;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::plan::Plan;
use crate::segment::{Opened, Segment};
use crate::view::View;
use crate::{Field, Kinds};

/// The most buckets of a histogram.
const BUCKETS_MAX: usize = 2_000;

/// What the bars of a histogram are stacked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Split {
    /// Nothing.
    #[default]
    None,
    /// The outcome's status.
    Outcome,
    /// What the action means.
    Kind,
}

/// Counts over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// How many events happened in each bucket.
    pub totals: Vec<u64>,
    /// The same for each value of what it is split by; events without a value are in none.
    pub series: Vec<(String, Vec<u64>)>,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
}

/// Counts what a plan means over time. The edges are ascending; bucket `i` is `[edge i, edge i+1)`.
pub(crate) fn histogram(
    view: &View,
    plan: &Plan,
    kinds: &dyn Kinds,
    edges: &[i64],
    split: Split,
) -> Result<Histogram> {
    check_edges(edges)?;
    let buckets = edges.len() - 1;
    let mut totals = vec![0; buckets];
    let mut series: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for segment in &view.segments {
        let mut bars = Bars::new(segment, kinds, edges, split)?;
        plan.each(segment, &mut |opened, docs| bars.count(opened, docs))?;
        bars.finish(&mut totals, &mut series)?;
    }
    let series = series.into_iter().collect();
    Ok(Histogram { totals, series, projected_size: view.size() })
}

fn check_edges(edges: &[i64]) -> Result<()> {
    let question = |message: String| Err(Error::Question(message));
    if edges.len() < 2 || edges.len() > BUCKETS_MAX + 1 {
        return question(format!(
            "a histogram has 1 to {BUCKETS_MAX} buckets; choose other widths"
        ));
    }
    if !edges.is_sorted_by(|one, next| one < next) {
        return question("the edges of a histogram must ascend".to_owned());
    }
    Ok(())
}

/// The bars of one segment.
struct Bars<'a> {
    edges: &'a [i64],
    split: Split,
    labels: Option<&'a Labels>,
    namer: Option<KindNamer<'a>>,
    /// For each place of what it is split by, each bucket.
    counts: Vec<Vec<u64>>,
    totals: Vec<u64>,
    bucket: usize,
    failure: Option<Error>,
}

impl<'a> Bars<'a> {
    fn new(
        segment: &'a Segment,
        kinds: &'a dyn Kinds,
        edges: &'a [i64],
        split: Split,
    ) -> Result<Self> {
        let opened = segment.open()?;
        Ok(Self {
            edges,
            split,
            labels: counted(opened, Field::Outcome).filter(|_| split == Split::Outcome),
            namer: (split == Split::Kind).then(|| KindNamer::new(opened, kinds)),
            counts: Vec::new(),
            totals: vec![0; edges.len() - 1],
            bucket: 0,
            failure: None,
        })
    }

    fn count(&mut self, opened: &Opened, docs: &[DocId]) {
        let mut moments = [None; COLLECT_BLOCK_BUFFER_LEN];
        opened.occurred.first_vals(docs, moments.get_mut(..docs.len()).unwrap_or_default());
        let mut places = [None; COLLECT_BLOCK_BUFFER_LEN];
        if let Err(error) = self.places(docs, &mut places) {
            self.failure.get_or_insert(error);
        }
        for (moment, place) in moments.into_iter().zip(places).take(docs.len()) {
            let Some(bucket) = self.bucket_of(moment.unwrap_or_default()) else { continue };
            if let Some(count) = self.totals.get_mut(bucket) {
                *count += 1;
            }
            let Some(place) = place else { continue };
            if self.counts.len() <= place {
                self.counts.resize(place + 1, Vec::new());
            }
            if let Some(counts) = self.counts.get_mut(place) {
                counts.resize(self.edges.len() - 1, 0);
                if let Some(count) = counts.get_mut(bucket) {
                    *count += 1;
                }
            }
        }
    }

    fn places(
        &mut self,
        docs: &[DocId],
        places: &mut [Option<usize>; COLLECT_BLOCK_BUFFER_LEN],
    ) -> Result<()> {
        match (self.split, &self.labels, &mut self.namer) {
            (Split::Outcome, Some(labels), _) => {
                let mut ords = [None; COLLECT_BLOCK_BUFFER_LEN];
                let ords = ords.get_mut(..docs.len()).unwrap_or_default();
                labels.ords().first_vals(docs, ords);
                for (place, ord) in places.iter_mut().zip(ords) {
                    *place = ord.and_then(|ord| usize::try_from(ord).ok());
                }
                Ok(())
            }
            (Split::Kind, _, Some(namer)) => namer.slots(docs, places),
            _ => Ok(()),
        }
    }

    /// The bucket of a moment. Neighbours are mostly in the same one.
    fn bucket_of(&mut self, micros: i64) -> Option<usize> {
        let inside = |bucket: usize| {
            let from = self.edges.get(bucket)?;
            let to = self.edges.get(bucket + 1)?;
            (*from <= micros && micros < *to).then_some(bucket)
        };
        if let Some(bucket) = inside(self.bucket) {
            return Some(bucket);
        }
        let bucket = self.edges.partition_point(|edge| *edge <= micros).checked_sub(1)?;
        let bucket = inside(bucket)?;
        self.bucket = bucket;
        Some(bucket)
    }

    fn finish(self, totals: &mut [u64], series: &mut BTreeMap<String, Vec<u64>>) -> Result<()> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        add(totals, &self.totals);
        for (place, counts) in self.counts.into_iter().enumerate() {
            if counts.iter().all(|count| *count == 0) {
                continue;
            }
            let name = match (&self.namer, self.labels) {
                (Some(namer), _) => namer.names.get(place).cloned().unwrap_or_default(),
                (None, Some(labels)) => labels.name(place as u64)?,
                (None, None) => continue,
            };
            let sums = series.entry(name).or_insert_with(|| vec![0; totals.len()]);
            add(sums, &counts);
        }
        Ok(())
    }
}

fn add(sums: &mut [u64], counts: &[u64]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// The first and last moment at which something that is meant happened.
pub(crate) fn span(view: &View, plan: &Plan) -> Result<Option<(i64, i64)>> {
    let mut span: Option<(i64, i64)> = None;
    let mut extend = |first: i64, last: i64| {
        span = Some(span.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
    };
    for segment in &view.segments {
        if plan.takes_all(segment) {
            extend(segment.occurred.0, segment.occurred.1);
            continue;
        }
        let mut moments = [None; COLLECT_BLOCK_BUFFER_LEN];
        plan.each(segment, &mut |opened, docs| {
            let moments = moments.get_mut(..docs.len()).unwrap_or_default();
            opened.occurred.first_vals(docs, moments);
            moments.iter().flatten().for_each(|micros| extend(*micros, *micros));
        })?;
    }
    Ok(span)
}

//! Counts: how many, by what, and over time. Every number is exact.

use std::collections::{BTreeMap, HashMap};

use tantivy::columnar::StrColumn;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, COLLECT_BLOCK_BUFFER_LEN, DocId, TantivyError};

use crate::error::{Error, Result};
use crate::lookup::{address_text, after_prefix, beginning_with};
use crate::plan::{Plan, tags};
use crate::schema::{COUNTED, Layout, Tag};
use crate::segment::{Opened, Segment};
use crate::view::View;
use crate::{Field, Kinds};

/// The most values of one facet that are handed out.
const TOP_MAX: usize = 1_000;
/// The most buckets of a histogram.
const BUCKETS_MAX: usize = 2_000;

/// Counts by the values of some fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    /// One for each field asked for, in that order.
    pub facets: Vec<Facet>,
    /// How many events are meant.
    pub count: u64,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
}

/// Counts by the values of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The field.
    pub field: Field,
    /// The most frequent values with the number of events that have each; then by value.
    pub values: Vec<(String, u64)>,
    /// How many different values there are.
    pub distinct: u64,
}

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

/// Counts what a plan means by some fields.
pub(crate) fn facets(
    view: &View,
    plan: &Plan,
    kinds: &dyn Kinds,
    fields: &[Field],
    top: usize,
) -> Result<Facets> {
    let refused = fields.iter().find(|field| !field.is_facet() || **field == Field::Id);
    if let Some(field) = refused {
        return Err(Error::Question(format!("events cannot be counted by `{}`", field.name())));
    }
    let matched = Matched::new(view, plan)?;
    let top = top.min(TOP_MAX);
    let facets = fields
        .iter()
        .map(|field| {
            let ranking = match COUNTED.iter().position(|counted| counted == field) {
                _ if *field == Field::Kind => Ranking::from(by_kind(&matched, kinds)?, top),
                Some(column) => Ranking::from(by_column(&matched, column)?, top),
                None => by_terms(&matched, *field, top)?,
            };
            Ok(ranking.into_facet(*field))
        })
        .collect::<Result<_>>()?;
    Ok(Facets { facets, count: matched.count, projected_size: view.size() })
}

/// The documents that are meant, segment by segment.
#[derive(Debug)]
struct Matched<'a> {
    segments: Vec<(&'a Segment, Docs)>,
    count: u64,
}

#[derive(Debug)]
enum Docs {
    All,
    Some(Vec<DocId>),
}

impl<'a> Matched<'a> {
    fn new(view: &'a View, plan: &Plan) -> Result<Self> {
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

/// The most frequent of the values that were counted.
#[derive(Debug, Default)]
struct Ranking {
    top: usize,
    values: Vec<(String, u64)>,
    distinct: u64,
}

impl Ranking {
    fn new(top: usize) -> Self {
        Self { top, ..Self::default() }
    }

    fn from(counts: HashMap<String, u64>, top: usize) -> Self {
        let mut ranking = Self::new(top);
        for (value, count) in counts {
            ranking.add(count, || value);
        }
        ranking
    }

    fn add(&mut self, count: u64, value: impl FnOnce() -> String) {
        self.distinct += 1;
        self.values.push((value(), count));
        // Now and then, so that the list stays short at no great cost.
        if self.values.len() >= 4 * self.top + 1_024 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.values.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        self.values.truncate(self.top);
    }

    fn into_facet(mut self, field: Field) -> Facet {
        self.cut();
        Facet { field, values: self.values, distinct: self.distinct }
    }
}

fn by_column(matched: &Matched<'_>, column: usize) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for (segment, docs) in &matched.segments {
        let opened = segment.open()?;
        let Some(Some(labels)) = opened.counted.get(column) else { continue };
        let of_segment = match docs {
            Docs::Some(docs) => &count_labels(labels, docs.chunks(COLLECT_BLOCK_BUFFER_LEN))?,
            Docs::All => totals(opened, column, labels)?,
        };
        for (label, count) in of_segment {
            match counts.get_mut(label) {
                Some(sum) => *sum += count,
                None => drop(counts.insert(label.clone(), *count)),
            }
        }
    }
    Ok(counts)
}

/// The counts over a whole segment, worked out once.
fn totals<'a>(
    opened: &'a Opened,
    column: usize,
    labels: &StrColumn,
) -> Result<&'a Vec<(String, u64)>> {
    let slot = opened
        .totals
        .get(column)
        .ok_or_else(|| Error::Damaged("there is no such column".to_owned()))?;
    if let Some(counts) = slot.get() {
        return Ok(counts);
    }
    let docs: Vec<DocId> = (0..opened.reader.max_doc()).collect();
    let counts = count_labels(labels, docs.chunks(COLLECT_BLOCK_BUFFER_LEN))?;
    Ok(slot.get_or_init(|| counts))
}

fn count_labels<'a>(
    labels: &StrColumn,
    blocks: impl Iterator<Item = &'a [DocId]>,
) -> Result<Vec<(String, u64)>> {
    let mut counts = vec![0_u64; labels.num_terms()];
    let mut ords = [None; COLLECT_BLOCK_BUFFER_LEN];
    for docs in blocks {
        let ords = ords.get_mut(..docs.len()).unwrap_or_default();
        // Only values that are there are written.
        ords.fill(None);
        labels.ords().first_vals(docs, ords);
        for ord in ords.iter().flatten() {
            if let Some(count) = usize::try_from(*ord).ok().and_then(|ord| counts.get_mut(ord)) {
                *count += 1;
            }
        }
    }
    let present = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
    present.map(|(ord, count)| Ok((label(labels, ord as u64)?, count))).collect()
}

fn label(labels: &StrColumn, ord: u64) -> Result<String> {
    let mut text = String::new();
    labels.ord_to_str(ord, &mut text).map_err(TantivyError::from)?;
    Ok(text)
}

/// The column of a counted field.
fn counted(opened: &Opened, field: Field) -> Option<&StrColumn> {
    let position = COUNTED.iter().position(|counted| *counted == field)?;
    opened.counted.get(position)?.as_ref()
}

fn by_kind(matched: &Matched<'_>, kinds: &dyn Kinds) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for (segment, docs) in &matched.segments {
        let opened = segment.open()?;
        let all: Vec<DocId>;
        let docs = match docs {
            Docs::Some(docs) => docs,
            Docs::All => {
                all = (0..segment.count).collect();
                &all
            }
        };
        let mut namer = KindNamer::new(opened, kinds);
        let mut pairs = [None; COLLECT_BLOCK_BUFFER_LEN];
        let mut by_slot: Vec<u64> = Vec::new();
        for docs in docs.chunks(COLLECT_BLOCK_BUFFER_LEN) {
            namer.slots(docs, &mut pairs)?;
            for slot in pairs.iter().take(docs.len()).flatten() {
                if by_slot.len() <= *slot {
                    by_slot.resize(*slot + 1, 0);
                }
                if let Some(count) = by_slot.get_mut(*slot) {
                    *count += 1;
                }
            }
        }
        for (name, count) in namer.names.iter().zip(by_slot).filter(|(_, count)| *count > 0) {
            *counts.entry(name.clone()).or_default() += count;
        }
    }
    Ok(counts)
}

/// Finds the kind of each document of a segment, asking the catalogue once for each pair of system
/// and action.
#[derive(Debug)]
struct KindNamer<'a> {
    opened: &'a Opened,
    kinds: &'a dyn Kinds,
    names: Vec<String>,
    slots: HashMap<(u64, u64), usize>,
    last: Option<((u64, u64), usize)>,
}

impl<'a> KindNamer<'a> {
    fn new(opened: &'a Opened, kinds: &'a dyn Kinds) -> Self {
        Self { opened, kinds, names: Vec::new(), slots: HashMap::new(), last: None }
    }

    /// Writes for each document the place of its kind in `names`.
    fn slots(
        &mut self,
        docs: &[DocId],
        out: &mut [Option<usize>; COLLECT_BLOCK_BUFFER_LEN],
    ) -> Result<()> {
        out.fill(None);
        let (Some(systems), Some(actions)) =
            (counted(self.opened, Field::System), counted(self.opened, Field::Action))
        else {
            return Ok(());
        };
        let mut system = [None; COLLECT_BLOCK_BUFFER_LEN];
        let mut action = [None; COLLECT_BLOCK_BUFFER_LEN];
        let size = docs.len();
        systems.ords().first_vals(docs, system.get_mut(..size).unwrap_or_default());
        actions.ords().first_vals(docs, action.get_mut(..size).unwrap_or_default());
        for ((slot, system), action) in out.iter_mut().zip(system).zip(action).take(size) {
            if let (Some(system), Some(action)) = (system, action) {
                *slot = Some(self.slot((system, action), systems, actions)?);
            }
        }
        Ok(())
    }

    fn slot(
        &mut self,
        pair: (u64, u64),
        systems: &StrColumn,
        actions: &StrColumn,
    ) -> Result<usize> {
        if let Some((_, slot)) = self.last.filter(|(last, _)| *last == pair) {
            return Ok(slot);
        }
        let slot = if let Some(slot) = self.slots.get(&pair) {
            *slot
        } else {
            let kind = self.kinds.kind_of(&label(systems, pair.0)?, &label(actions, pair.1)?);
            let known = self.names.iter().position(|name| *name == kind);
            let slot = known.unwrap_or_else(|| {
                self.names.push(kind.into_owned());
                self.names.len() - 1
            });
            self.slots.insert(pair, slot);
            slot
        };
        self.last = Some((pair, slot));
        Ok(slot)
    }
}

/// Counts by a field without a column: for each term, how many of its documents are meant. The
/// dictionaries of all segments are walked side by side, so that memory does not grow with them.
fn by_terms(matched: &Matched<'_>, field: Field, top: usize) -> Result<Ranking> {
    let tags: &[Tag] = if field == Field::Target { &[Tag::TargetId] } else { tags(field) };
    let mut ranking = Ranking::new(top);
    for tag in tags {
        count_terms(matched, *tag, &mut ranking)?;
    }
    Ok(ranking)
}

fn count_terms(matched: &Matched<'_>, tag: Tag, ranking: &mut Ranking) -> Result<()> {
    let start = [tag as u8];
    let end = after_prefix(&start).unwrap_or_default();
    let mut sets = Vec::new();
    let mut readers = Vec::new();
    for (segment, docs) in &matched.segments {
        sets.push(match docs {
            Docs::All => None,
            Docs::Some(docs) => {
                let mut set = BitSet::with_max_value(segment.count);
                docs.iter().for_each(|doc| {
                    set.insert(*doc);
                });
                Some(set)
            }
        });
        readers.push(segment.open()?.reader.inverted_index(Layout::current().terms)?);
    }
    let mut streams = Vec::new();
    for (reader, set) in readers.iter().zip(&sets) {
        let range = reader.terms().range().ge(start).lt(&end);
        let mut stream = range.into_stream().map_err(TantivyError::from)?;
        if stream.advance() {
            streams.push((stream, reader, set));
        }
    }
    while let Some(least) = streams.iter().map(|(stream, ..)| stream.key()).min() {
        let least = least.to_vec();
        let mut count = 0;
        let mut ended = false;
        for (stream, reader, set) in &mut streams {
            if stream.key() == least {
                count += count_docs(reader, stream.value(), set.as_ref())?;
                ended |= !stream.advance();
            }
        }
        if ended {
            // An ended stream stays at its last key.
            streams.retain(|(stream, ..)| stream.key() > least.as_slice());
        }
        if count > 0 {
            ranking.add(count, || term_text(tag, least.get(1..).unwrap_or_default()));
        }
    }
    Ok(())
}

fn count_docs(
    reader: &tantivy::InvertedIndexReader,
    info: &TermInfo,
    set: Option<&BitSet>,
) -> Result<u64> {
    let Some(set) = set else { return Ok(u64::from(info.doc_freq)) };
    let mut count = 0;
    let mut block = reader
        .read_block_postings_from_terminfo(info, IndexRecordOption::Basic)
        .map_err(TantivyError::from)?;
    while !block.docs().is_empty() {
        count += block.docs().iter().filter(|doc| set.contains(**doc)).count() as u64;
        block.advance();
    }
    Ok(count)
}

/// The text of a term's value.
pub(crate) fn term_text(tag: Tag, value: &[u8]) -> String {
    let address = if tag == Tag::Address { address_text(value) } else { None };
    address.unwrap_or_else(|| String::from_utf8_lossy(value).into_owned())
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
    labels: Option<&'a StrColumn>,
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
                (None, Some(labels)) => label(labels, place as u64)?,
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

/// The most values of a segment that completion looks at.
const DISTINCT_MAX: usize = 10_000;

/// Values of a field that begin so, the most frequent first.
pub(crate) fn distinct(
    view: &View,
    kinds: &dyn Kinds,
    field: Field,
    prefix: &str,
    top: usize,
) -> Result<Vec<(String, u64)>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    if field == Field::Kind {
        let matched = Matched::new(view, &Plan::all(view))?;
        counts = by_kind(&matched, kinds)?;
        counts.retain(|kind, _| crate::fold::starts_with(kind, prefix));
    } else {
        for segment in &view.segments {
            let inverted = segment.open()?.reader.inverted_index(Layout::current().terms)?;
            for tag in tags(field) {
                let found = beginning_with(inverted.terms(), *tag, prefix, DISTINCT_MAX)?;
                for (bytes, count) in found {
                    *counts.entry(term_text(*tag, &bytes)).or_default() += count;
                }
            }
        }
    }
    Ok(Ranking::from(counts, top.min(TOP_MAX)).into_facet(field).values)
}

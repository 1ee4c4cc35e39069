//! From a question to the documents of a segment.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, EnableScoring, Occur, PhraseQuery, Query as Lookup,
    TermQuery, Weight,
};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, TERMINATED};

use crate::error::Result;
use crate::lookup;
use crate::schema::{Layout, Part, Tag};
use crate::segment::{Opened, Segment};
use crate::view::View;
use crate::words::words;
use crate::{Clause, Field, Interval, Kinds, Pattern, Query, Test, Text};

/// How a question is answered on a view.
pub(crate) struct Plan {
    /// What the dictionaries decide; `None` when nothing is asked of them.
    weight: Option<Box<dyn Weight>>,
    pub(crate) indexes: Range<u64>,
    pub(crate) occurred: Interval,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("indexes", &self.indexes).finish_non_exhaustive()
    }
}

impl Plan {
    pub(crate) fn new(query: &Query, view: &View, kinds: &dyn Kinds) -> Result<Self> {
        query.check()?;
        let mut indexes = view.recorded_between(&query.recorded)?;
        if let Some(range) = &query.indexes {
            indexes = indexes.start.max(range.start)..indexes.end.min(range.end);
        }
        let mut must = Vec::new();
        for clause in &query.clauses {
            must.push(signed(clause.negated, clause_lookup(clause, view, kinds)?));
        }
        must.extend(query.texts.iter().map(|text| signed(text.negated, text_lookup(text))));
        let weight = if query.is_unconditional() { None } else { Some(conjunction(must)?) };
        Ok(Self { weight, indexes, occurred: query.occurred })
    }

    /// Everything there is.
    pub(crate) fn all(view: &View) -> Self {
        Self { weight: None, indexes: 0..view.size(), occurred: Interval::default() }
    }

    /// Whether a segment can have no document that is meant.
    pub(crate) fn misses(&self, segment: &Segment) -> bool {
        let (first, last) = segment.occurred;
        segment.docs(&self.indexes).is_empty()
            || self.occurred.from.is_some_and(|from| last < from)
            || self.occurred.to.is_some_and(|to| to <= first)
    }

    /// Whether every document of a segment is meant.
    pub(crate) fn takes_all(&self, segment: &Segment) -> bool {
        self.weight.is_none()
            && segment.docs(&self.indexes) == (0..segment.count)
            && !self.filters_time(segment)
    }

    fn filters_time(&self, segment: &Segment) -> bool {
        !self.occurred.contains(segment.occurred.0) || !self.occurred.contains(segment.occurred.1)
    }

    /// How many documents of a segment are meant.
    pub(crate) fn count(&self, segment: &Segment) -> Result<u64> {
        if self.misses(segment) {
            return Ok(0);
        }
        if self.takes_all(segment) {
            return Ok(u64::from(segment.count));
        }
        let whole = segment.docs(&self.indexes) == (0..segment.count);
        if let (Some(weight), true, false) = (&self.weight, whole, self.filters_time(segment)) {
            return Ok(u64::from(weight.count(&segment.open()?.reader)?));
        }
        let mut count = 0;
        self.each(segment, &mut |_, docs| count += docs.len() as u64)?;
        Ok(count)
    }

    /// Hands out the documents of a segment that are meant, in order, some at a time.
    pub(crate) fn each(
        &self,
        segment: &Segment,
        take: &mut dyn FnMut(&Opened, &[DocId]),
    ) -> Result<()> {
        if self.misses(segment) {
            return Ok(());
        }
        let opened = segment.open()?;
        let range = segment.docs(&self.indexes);
        if self.filters_time(segment) {
            let mut sieve = Sieve::new(self.occurred);
            return self.each_doc(opened, range, &mut |docs| {
                let kept = sieve.keep(opened, docs);
                if !kept.is_empty() {
                    take(opened, kept);
                }
            });
        }
        self.each_doc(opened, range, &mut |docs| take(opened, docs))
    }

    fn each_doc(
        &self,
        opened: &Opened,
        range: Range<u32>,
        take: &mut dyn FnMut(&[DocId]),
    ) -> Result<()> {
        let mut buffer = [0; COLLECT_BLOCK_BUFFER_LEN];
        let Some(weight) = &self.weight else {
            let mut next = range.start;
            while next < range.end {
                let mut size = 0;
                for (slot, doc) in buffer.iter_mut().zip(next..range.end) {
                    *slot = doc;
                    size += 1;
                }
                take(buffer.get(..size).unwrap_or_default());
                next += u32::try_from(size).unwrap_or(u32::MAX);
            }
            return Ok(());
        };
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

/// Keeps the documents whose events happened within an interval.
#[derive(Debug)]
struct Sieve {
    interval: Interval,
    moments: [Option<i64>; COLLECT_BLOCK_BUFFER_LEN],
    kept: Vec<DocId>,
}

impl Sieve {
    fn new(interval: Interval) -> Self {
        let kept = Vec::with_capacity(COLLECT_BLOCK_BUFFER_LEN);
        Self { interval, moments: [None; COLLECT_BLOCK_BUFFER_LEN], kept }
    }

    fn keep(&mut self, opened: &Opened, docs: &[DocId]) -> &[DocId] {
        let moments = self.moments.get_mut(..docs.len()).unwrap_or_default();
        opened.occurred.first_vals(docs, moments);
        self.kept.clear();
        let within = |moment: &Option<i64>| moment.is_some_and(|at| self.interval.contains(at));
        self.kept.extend(
            docs.iter().zip(&*moments).filter(|(_, moment)| within(moment)).map(|(doc, _)| *doc),
        );
        &self.kept
    }
}

fn signed(negated: bool, lookup: Box<dyn Lookup>) -> (Occur, Box<dyn Lookup>) {
    (if negated { Occur::MustNot } else { Occur::Must }, lookup)
}

fn conjunction(mut parts: Vec<(Occur, Box<dyn Lookup>)>) -> Result<Box<dyn Weight>> {
    if parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        parts.push((Occur::Must, Box::new(AllQuery)));
    }
    let scoring = EnableScoring::disabled_from_schema(&Layout::current().schema);
    Ok(BooleanQuery::new(parts).weight(scoring)?)
}

fn union(mut parts: Vec<Box<dyn Lookup>>) -> Box<dyn Lookup> {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => Box::new(EmptyQuery),
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            Box::new(BooleanQuery::union(parts))
        }
    }
}

fn both(one: Box<dyn Lookup>, other: Box<dyn Lookup>) -> Box<dyn Lookup> {
    Box::new(BooleanQuery::intersection(vec![one, other]))
}

fn clause_lookup(clause: &Clause, view: &View, kinds: &dyn Kinds) -> Result<Box<dyn Lookup>> {
    let field = clause.field;
    Ok(match &clause.test {
        Test::Present => present(field),
        Test::Any(patterns) if field == Field::Kind => {
            let parts = patterns.iter().map(|pattern| kind(pattern, view, kinds));
            union(parts.collect::<Result<_>>()?)
        }
        Test::Any(patterns) => {
            union(patterns.iter().map(|pattern| admitted(field, pattern)).collect())
        }
    })
}

fn present(field: Field) -> Box<dyn Lookup> {
    if field == Field::Kind {
        return lookup::present(Tag::Action);
    }
    match part(field).filter(|_| field.is_words()) {
        Some(part) => lookup::exactly(Tag::Has, &[part as u8]),
        None => union(tags(field).iter().map(|tag| lookup::present(*tag)).collect()),
    }
}

fn admitted(field: Field, pattern: &Pattern) -> Box<dyn Lookup> {
    if field == Field::Ip {
        return match lookup::network(pattern.text()) {
            Some((from, to)) => lookup::addresses(from, to),
            None => lookup::like(&[Tag::AddressText], pattern),
        };
    }
    let mut parts = Vec::new();
    if !tags(field).is_empty() {
        parts.push(lookup::like(tags(field), pattern));
    }
    if let Some(part) = part(field) {
        parts.extend(phrase(&[part], pattern));
    }
    for (kind, id) in
        if matches!(field, Field::Target | Field::Related) { pattern.splits() } else { Vec::new() }
    {
        if field == Field::Related {
            parts.push(lookup::like(&[Tag::RelatedWhole], pattern));
            break;
        }
        if kind.text().is_empty() {
            continue;
        }
        let id = if id.text().is_empty() {
            lookup::present(Tag::TargetId)
        } else {
            lookup::like(&[Tag::TargetId], &id)
        };
        parts.push(both(lookup::like(&[Tag::TargetType], &kind), id));
    }
    union(parts)
}

fn text_lookup(text: &Text) -> Box<dyn Lookup> {
    const IDENTIFIERS: [Tag; 15] = [
        Tag::Id,
        Tag::ActorId,
        Tag::ActorEmail,
        Tag::Session,
        Tag::Action,
        Tag::TargetId,
        Tag::TargetUuid,
        Tag::Related,
        Tag::Organization,
        Tag::Workspace,
        Tag::Project,
        Tag::Study,
        Tag::User,
        Tag::Operation,
        Tag::OutcomeCode,
    ];
    let pattern = if text.prefix {
        Pattern::Prefix(text.text.clone())
    } else {
        Pattern::Like(text.text.clone())
    };
    let mut parts = phrase(&Part::SEARCHED, &pattern);
    parts.push(lookup::like(&IDENTIFIERS, &pattern));
    union(parts)
}

/// Events with the words of a pattern in a row in one of these members.
fn phrase(parts: &[Part], pattern: &Pattern) -> Vec<Box<dyn Lookup>> {
    let column = Layout::current().text;
    let words = words(pattern.text());
    let marked = |part: Part, word: &str| format!("{}{word}", part.mark());
    let term = |part: Part, word: &str| Term::from_field_text(column, &marked(part, word));
    parts
        .iter()
        .filter_map(|part| -> Option<Box<dyn Lookup>> {
            match (pattern, words.as_slice()) {
                (Pattern::Prefix(_), [word]) => Some(lookup::word_prefix(&marked(*part, word))),
                (Pattern::Exactly(_) | Pattern::Prefix(_), _) | (_, []) => None,
                (Pattern::Like(_), [word]) => {
                    Some(Box::new(TermQuery::new(term(*part, word), IndexRecordOption::Basic)))
                }
                (Pattern::Like(_), words) => {
                    let terms = words.iter().map(|word| term(*part, word)).collect();
                    Some(Box::new(PhraseQuery::new(terms)))
                }
            }
        })
        .collect()
}

/// Events whose action is of a kind: for each system, its actions of that kind.
fn kind(pattern: &Pattern, view: &View, kinds: &dyn Kinds) -> Result<Box<dyn Lookup>> {
    let systems = view.terms_of(Tag::System)?;
    let actions = view.terms_of(Tag::Action)?;
    let mut parts = Vec::new();
    for system in &systems {
        let of_kind: BTreeSet<&String> = actions
            .iter()
            .filter(|action| {
                let kind: Cow<'_, str> = kinds.kind_of(system, action);
                pattern.admits(&kind)
            })
            .collect();
        if !of_kind.is_empty() {
            parts.push(both(
                lookup::exactly(Tag::System, system.as_bytes()),
                lookup::any_of(Tag::Action, of_kind.into_iter().cloned()),
            ));
        }
    }
    Ok(union(parts))
}

/// The member whose words a field's patterns are also searched in.
const fn part(field: Field) -> Option<Part> {
    match field {
        Field::Actor => Some(Part::ActorName),
        Field::Target => Some(Part::TargetName),
        Field::UserAgent => Some(Part::UserAgent),
        Field::Reason => Some(Part::Reason),
        Field::Params => Some(Part::Params),
        Field::Before => Some(Part::Before),
        Field::After => Some(Part::After),
        Field::Attributes => Some(Part::Attributes),
        _ => None,
    }
}

/// The members whose whole values a field's patterns are compared with.
pub(crate) const fn tags(field: Field) -> &'static [Tag] {
    match field {
        Field::Id => &[Tag::Id],
        Field::Actor => &[Tag::ActorId, Tag::ActorName, Tag::ActorEmail],
        Field::ActorId => &[Tag::ActorId],
        Field::ActorType => &[Tag::ActorType],
        Field::ActorName => &[Tag::ActorName],
        Field::ActorEmail => &[Tag::ActorEmail],
        Field::Role => &[Tag::Role],
        Field::Credential => &[Tag::Credential],
        Field::AuthorizedBy => &[Tag::AuthorizedBy],
        Field::Session => &[Tag::Session],
        Field::Ip => &[Tag::Address, Tag::AddressText],
        Field::Host => &[Tag::Host],
        Field::Action => &[Tag::Action],
        Field::Target => &[Tag::TargetId, Tag::TargetName, Tag::TargetUuid],
        Field::TargetType => &[Tag::TargetType],
        Field::TargetId => &[Tag::TargetId],
        Field::TargetName => &[Tag::TargetName],
        Field::TargetUuid => &[Tag::TargetUuid],
        Field::Related => &[Tag::Related],
        Field::Organization => &[Tag::Organization],
        Field::Workspace => &[Tag::Workspace],
        Field::Project => &[Tag::Project],
        Field::Study => &[Tag::Study],
        Field::User => &[Tag::User],
        Field::Context => &[Tag::Context],
        Field::Outcome => &[Tag::Outcome],
        Field::OutcomeCode => &[Tag::OutcomeCode],
        Field::Operation => &[Tag::Operation],
        Field::Reason => &[Tag::ReasonCode],
        Field::System => &[Tag::System],
        Field::Instance => &[Tag::Instance],
        Field::Format => &[Tag::Format],
        Field::Region => &[Tag::Region],
        Field::Via => &[Tag::Via],
        Field::Dialect => &[Tag::Dialect],
        Field::Import => &[Tag::Import],
        Field::Imported => &[Tag::Imported],
        Field::RecordedBy => &[Tag::RecordedBy],
        Field::Kind
        | Field::UserAgent
        | Field::Params
        | Field::Before
        | Field::After
        | Field::Attributes => &[],
    }
}

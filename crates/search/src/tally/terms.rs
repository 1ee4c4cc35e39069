//! Counts by the terms of a field that has no column.

use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, InvertedIndexReader, TantivyError};

use super::facets::Ranking;
use super::matched::Matched;
use crate::Field;
use crate::error::Result;
use crate::lookup::{address_text, beginning_with, terms_of};
use crate::lowering::tags;
use crate::schema::{Layout, Tag};
use crate::view::View;

/// The most values of a segment that completion looks at.
const DISTINCT_MAX: usize = 10_000;

/// Counts by a field without a column: for each term, how many of its documents are meant. The
/// dictionaries of all segments are walked side by side, so that memory does not grow with them.
pub(super) fn by_terms(matched: &Matched<'_>, field: Field, top: usize) -> Result<Ranking> {
    let tags: &[Tag] = if field == Field::Target { &[Tag::TargetId] } else { tags(field) };
    let mut ranking = Ranking::new(top);
    for tag in tags {
        count_terms(matched, *tag, &mut ranking)?;
    }
    Ok(ranking)
}

fn count_terms(matched: &Matched<'_>, tag: Tag, ranking: &mut Ranking) -> Result<()> {
    let mut sets = Vec::new();
    let mut readers = Vec::new();
    for (segment, docs) in &matched.segments {
        sets.push(docs.set(segment));
        readers.push(segment.open()?.reader.inverted_index(Layout::current().terms)?);
    }
    let mut streams = Vec::new();
    for (reader, set) in readers.iter().zip(&sets) {
        let mut stream = terms_of(reader.terms(), tag).map_err(TantivyError::from)?;
        if stream.advance() {
            streams.push((stream, reader, set));
        }
    }
    while let Some(least) = streams.iter().map(|(stream, ..)| stream.key()).min() {
        let least = least.to_vec();
        let mut count = 0;
        let mut failed = None;
        streams.retain_mut(|(stream, reader, set)| {
            if stream.key() != least {
                return true;
            }
            match count_docs(reader, stream.value(), set.as_ref()) {
                Ok(more) => count += more,
                Err(error) => failed = Some(error),
            }
            // The key of a stream that has ended means nothing.
            stream.advance()
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if count > 0 {
            ranking.add(count, || term_text(tag, least.get(1..).unwrap_or_default()));
        }
    }
    Ok(())
}

fn count_docs(reader: &InvertedIndexReader, info: &TermInfo, set: Option<&BitSet>) -> Result<u64> {
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
pub(super) fn term_text(tag: Tag, value: &[u8]) -> String {
    let address = if tag == Tag::Address { address_text(value) } else { None };
    address.unwrap_or_else(|| String::from_utf8_lossy(value).into_owned())
}

/// Values of a field that begin so but for case, with the number of events that have each, segment
/// by segment.
pub(super) fn beginning(view: &View, field: Field, prefix: &str) -> Result<Vec<(String, u64)>> {
    let mut values = Vec::new();
    for segment in &view.segments {
        let inverted = segment.open()?.reader.inverted_index(Layout::current().terms)?;
        for tag in tags(field) {
            let found = beginning_with(inverted.terms(), *tag, prefix, DISTINCT_MAX)?;
            values.extend(found.into_iter().map(|(bytes, count)| (term_text(*tag, &bytes), count)));
        }
    }
    Ok(values)
}

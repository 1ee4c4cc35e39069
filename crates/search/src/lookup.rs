//! From patterns to terms: one term, a range of the dictionary, or all that differ only in case.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::index::SegmentId;
use tantivy::postings::TermInfo;
use tantivy::query::{
    BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight,
};
use tantivy::schema::{Field as Column, IndexRecordOption};
use tantivy::termdict::{TermDictionary, TermStreamer};
use tantivy::{
    BitSet, DocId, HasLen as _, InvertedIndexReader, Score, SegmentReader, TantivyError,
};

use crate::folded::{Folded, Take, after_prefix, terms_below};
use crate::known::term_info;
use crate::matches::has_words;
use crate::schema::{Layout, Tag};
use crate::{Expression, Pattern, fold};

/// The addresses that a text means, as 128 bits from first to last: one address, or a network in
/// CIDR notation. An IPv4 address is its IPv6 mapping.
pub(crate) fn network(text: &str) -> Option<(u128, u128)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) if bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit()) => {
            bits.parse::<u32>().ok().filter(|bits| *bits <= width)?
        }
        Some(_) => return None,
        None => width,
    };
    let hosts = u128::MAX.checked_shr(128 - (width - bits)).unwrap_or(0);
    let first = address_bits(address) & !hosts;
    Some((first, first | hosts))
}

/// An address as 128 bits.
pub(crate) fn address_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The text of an address term.
pub(crate) fn address_text(bytes: &[u8]) -> Option<String> {
    let bits = u128::from_be_bytes(bytes.try_into().ok()?);
    Some(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical().to_string())
}

/// Events with a term of one of these members that is like a pattern.
pub(crate) fn like(tags: &[Tag], pattern: &Pattern) -> Box<dyn Query> {
    let select = match pattern {
        Pattern::Exactly(text) => Select::listed(tags, text),
        Pattern::Like(text) if text.chars().all(|c| fold::variants(c).len() == 1) => {
            Select::listed(tags, text)
        }
        Pattern::Like(_) | Pattern::Prefix(_) => {
            Select::Alike(Arc::new(Alike::new(tags, pattern.clone())))
        }
        Pattern::Matching(expression) => {
            Select::Scanned(tags.to_vec(), Wanted::Matching(expression.clone()))
        }
    };
    Terms::of(Layout::current().terms, select)
}

/// Values of a member that begin so but for case, with the number of their events; so many at most.
pub(crate) fn beginning_with(
    dictionary: &TermDictionary,
    tag: Tag,
    prefix: &str,
    count_max: usize,
) -> tantivy::Result<Vec<(Vec<u8>, u64)>> {
    let mut found = Vec::new();
    if count_max == 0 {
        return Ok(found);
    }
    Folded::new(&[tag], prefix, true).each(dictionary, &mut |key, info| {
        let value = key.get(1..).unwrap_or_default().to_vec();
        found.push((value, u64::from(info.doc_freq)));
        if found.len() < count_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// Events with one of these terms of a member.
pub(crate) fn any_of(tag: Tag, values: impl Iterator<Item = String>) -> Box<dyn Query> {
    let select = Select::Listed(values.map(|value| key(tag, value.as_bytes())).collect());
    Terms::of(Layout::current().terms, select)
}

/// Events whose whole text in a member has the words of a pattern. Every text of the member is looked
/// at: it is for members with few different ones.
pub(crate) fn with_words(tag: Tag, pattern: &Pattern) -> Box<dyn Query> {
    let select = Select::Scanned(vec![tag], Wanted::Words(pattern.clone()));
    Terms::of(Layout::current().terms, select)
}

fn key(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(value.len() + 1);
    key.push(tag as u8);
    key.extend_from_slice(value);
    key
}

/// Events with exactly this term of a member.
pub(crate) fn exactly(tag: Tag, value: &[u8]) -> Box<dyn Query> {
    Terms::of(Layout::current().terms, Select::Listed([key(tag, value)].into()))
}

/// Events with any term of a member.
pub(crate) fn present(tag: Tag) -> Box<dyn Query> {
    Terms::of(Layout::current().terms, Select::prefix(&[tag as u8]))
}

/// Events whose address is in a network.
pub(crate) fn addresses(from: u128, to: u128) -> Box<dyn Query> {
    let key = |bits: u128| key(Tag::Address, &bits.to_be_bytes());
    let mut end = key(to);
    // The first key behind `to`: keys have no continuation.
    end.push(0);
    Terms::of(Layout::current().terms, Select::Range { from: key(from), end: Some(end) })
}

/// Events with a word, given with its mark.
pub(crate) fn word(marked: &str) -> Box<dyn Query> {
    Terms::of(Layout::current().text, Select::Listed([marked.as_bytes().to_vec()].into()))
}

/// Events with a word that begins so, given with its mark.
pub(crate) fn word_prefix(marked: &str) -> Box<dyn Query> {
    Terms::of(Layout::current().text, Select::prefix(marked.as_bytes()))
}

/// Which terms of a dictionary.
#[derive(Clone, Debug)]
enum Select {
    Range {
        from: Vec<u8>,
        end: Option<Vec<u8>>,
    },
    Listed(Arc<[Vec<u8>]>),
    Alike(Arc<Alike>),
    /// Of these members, those texts that are wanted: all their terms are looked at.
    Scanned(Vec<Tag>, Wanted),
}

/// Which texts of a member.
#[derive(Clone, Debug)]
enum Wanted {
    /// Those in which an expression is found.
    Matching(Expression),
    /// Those that have the words of a pattern.
    Words(Pattern),
}

impl Wanted {
    fn admits(&self, text: &[u8]) -> bool {
        match self {
            Self::Matching(expression) => expression.is_in_bytes(text),
            Self::Words(pattern) => has_words(&String::from_utf8_lossy(text), pattern),
        }
    }
}

/// Values of some members that differ from a text only in case, or begin so.
#[derive(Debug)]
struct Alike {
    /// In the order of the dictionary.
    tags: Vec<Tag>,
    pattern: Pattern,
    /// The text among the values of members with many, as it was looked for in the segment before.
    folded: Mutex<Option<(Vec<Tag>, Arc<Folded>)>>,
}

/// Members that lie side by side and have so few values together, in bytes at rest, are read in one
/// go: a word is looked for in most members, and most have a handful of values.
const FEW_BYTES: usize = 8 * 1024;

impl Alike {
    fn new(tags: &[Tag], pattern: Pattern) -> Self {
        let mut tags = tags.to_vec();
        tags.sort_unstable_by_key(|tag| *tag as u8);
        Self { tags, pattern, folded: Mutex::default() }
    }

    fn each(&self, dictionary: &TermDictionary, take: &mut Take<'_>) -> io::Result<()> {
        let (runs, many) = self.parted(dictionary);
        for run in runs {
            let (from, end) = bounds(run);
            let mut stream = dictionary.range().ge(from).lt(end).into_stream()?;
            while stream.advance() {
                let Some((tag, value)) = stream.key().split_first() else { continue };
                let meant = run.iter().any(|one| *one as u8 == *tag)
                    && self.pattern.admits(&String::from_utf8_lossy(value));
                if meant && take(stream.key(), stream.value()).is_break() {
                    return Ok(());
                }
            }
        }
        if many.is_empty() { Ok(()) } else { self.folded(many).each(dictionary, take) }
    }

    /// Runs of members with few values together, and the members with many.
    fn parted(&self, dictionary: &TermDictionary) -> (Vec<&[Tag]>, Vec<Tag>) {
        let (mut runs, mut many) = (Vec::new(), Vec::new());
        let mut rest = self.tags.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            let splits = (1..=rest.len()).map_while(|count| rest.split_at_checked(count));
            let few = splits.take_while(|(run, _)| bytes_of(dictionary, run) <= FEW_BYTES).last();
            rest = few.map_or(behind, |(_, behind)| behind);
            match few {
                Some((run, _)) => runs.push(run),
                None => many.push(*first),
            }
        }
        (runs, many)
    }

    fn folded(&self, tags: Vec<Tag>) -> Arc<Folded> {
        let mut last = self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, folded)) = last.as_ref().filter(|(of, _)| *of == tags) {
            return Arc::clone(folded);
        }
        let prefix = matches!(self.pattern, Pattern::Prefix(_));
        let folded = Arc::new(Folded::new(&tags, self.pattern.text(), prefix));
        *last = Some((tags, Arc::clone(&folded)));
        folded
    }
}

/// The least keys of a run of members and behind it.
fn bounds(run: &[Tag]) -> ([u8; 1], [u8; 1]) {
    let byte = |tag: Option<&Tag>| tag.map_or(0, |tag| *tag as u8);
    ([byte(run.first())], [byte(run.last()) + 1])
}

/// Bytes at rest of the blocks that the terms of a run of members can be in.
fn bytes_of(dictionary: &TermDictionary, run: &[Tag]) -> usize {
    let (from, end) = bounds(run);
    let range = (Bound::Included(from.as_slice()), Bound::Excluded(end.as_slice()));
    dictionary.file_slice_for_range(range, None).len()
}

impl Select {
    fn prefix(prefix: &[u8]) -> Self {
        Self::Range { from: prefix.to_vec(), end: after_prefix(prefix) }
    }

    fn listed(tags: &[Tag], text: &str) -> Self {
        Self::Listed(tags.iter().map(|tag| key(*tag, text.as_bytes())).collect())
    }

    fn infos(&self, reader: &SegmentReader, column: Column) -> tantivy::Result<Vec<TermInfo>> {
        let inverted = reader.inverted_index(column)?;
        let dictionary = inverted.terms();
        let mut infos = Vec::new();
        match self {
            Self::Range { from, end } => {
                let mut range = dictionary.range().ge(from);
                if let Some(end) = end {
                    range = range.lt(end);
                }
                let mut stream = range.without_keys().into_stream()?;
                while stream.advance() {
                    infos.push(stream.value().clone());
                }
            }
            Self::Listed(keys) => {
                for key in keys.iter() {
                    infos.extend(term_info(reader, column, key)?);
                }
            }
            Self::Alike(alike) => {
                alike.each(dictionary, &mut |_, info| {
                    infos.push(info.clone());
                    ControlFlow::Continue(())
                })?;
            }
            Self::Scanned(tags, wanted) => {
                for tag in tags {
                    let mut stream = terms_of(dictionary, *tag)?;
                    while stream.advance() {
                        if wanted.admits(stream.key().get(1..).unwrap_or_default()) {
                            infos.push(stream.value().clone());
                        }
                    }
                }
            }
        }
        Ok(infos)
    }
}

/// Every term of a member, in order; each begins with the member's byte.
pub(crate) fn terms_of(dictionary: &TermDictionary, tag: Tag) -> io::Result<TermStreamer<'_>> {
    terms_below(dictionary, &[tag as u8])
}

/// Events with any of the selected terms.
#[derive(Clone)]
struct Terms {
    column: Column,
    select: Select,
    /// What was found in segments already: a question may look into one in several places.
    found: Arc<Mutex<HashMap<SegmentId, Found>>>,
}

/// What a dictionary has of the selected terms.
#[derive(Clone)]
enum Found {
    Nothing,
    One(TermInfo),
    /// The documents of several.
    Many(BitSet),
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terms").field("select", &self.select).finish_non_exhaustive()
    }
}

impl Terms {
    fn of(column: Column, select: Select) -> Box<dyn Query> {
        Box::new(Self { column, select, found: Arc::default() })
    }

    fn found(&self, reader: &SegmentReader) -> tantivy::Result<Found> {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(&reader.segment_id()) {
            return Ok(found.clone());
        }
        let infos = self.select.infos(reader, self.column)?;
        let found = match infos.as_slice() {
            [] => Found::Nothing,
            [info] => Found::One(info.clone()),
            infos => {
                let inverted = reader.inverted_index(self.column)?;
                Found::Many(union(&inverted, infos, reader.max_doc())?)
            }
        };
        all.insert(reader.segment_id(), found.clone());
        Ok(found)
    }
}

/// The documents of several terms.
fn union(
    inverted: &InvertedIndexReader,
    infos: &[TermInfo],
    docs_count: u32,
) -> tantivy::Result<BitSet> {
    let mut docs = BitSet::with_max_value(docs_count);
    for info in infos {
        let mut block =
            inverted.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        while !block.docs().is_empty() {
            block.docs().iter().for_each(|doc| {
                docs.insert(*doc);
            });
            block.advance();
        }
    }
    Ok(docs)
}

impl Query for Terms {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Terms {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(match self.found(reader)? {
            Found::Nothing => Box::new(EmptyScorer),
            Found::One(info) => {
                let inverted = reader.inverted_index(self.column)?;
                let postings =
                    inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
                Box::new(ConstScorer::new(postings, boost))
            }
            Found::Many(docs) => Box::new(ConstScorer::new(BitSetDocSet::from(docs), boost)),
        })
    }

    fn count(&self, reader: &SegmentReader) -> tantivy::Result<u32> {
        // Nothing is ever deleted from a segment.
        Ok(match self.found(reader)? {
            Found::Nothing => 0,
            Found::One(info) => info.doc_freq,
            Found::Many(docs) => u32::try_from(docs.len()).unwrap_or(u32::MAX),
        })
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument("nothing is scored here".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use tantivy::directory::FileSlice;
    use tantivy::termdict::TermDictionaryBuilder;

    use super::*;

    /// Members with many values and with few, side by side, and one that is not asked for.
    fn dictionary() -> (TermDictionary, Vec<Vec<u8>>) {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for number in 0_u32..20_000 {
            let mixed = number.wrapping_mul(2_654_435_769);
            for tag in [Tag::ActorId, Tag::TargetId] {
                keys.push(key(tag, format!("Job-{mixed:08x}").as_bytes()));
            }
        }
        for tag in [Tag::Id, Tag::ActorType, Tag::Role, Tag::Outcome, Tag::Region, Tag::Imported] {
            keys.extend(
                ["job-", "JOB-", "Job", "jobs", "\u{212a}"].map(|v| key(tag, v.as_bytes())),
            );
        }
        keys.sort_unstable();
        keys.dedup();
        let mut builder = TermDictionaryBuilder::create(Vec::new()).unwrap();
        for (place, key) in keys.iter().enumerate() {
            let info =
                TermInfo { doc_freq: 1, postings_range: place..place + 1, positions_range: 0..0 };
            builder.insert(key, &info).unwrap();
        }
        (TermDictionary::open(FileSlice::from(builder.finish().unwrap())).unwrap(), keys)
    }

    #[test]
    fn members_with_few_values_and_with_many_tell_the_same_as_every_term() {
        let (dictionary, keys) = dictionary();
        let tags = [
            Tag::Region,
            Tag::TargetId,
            Tag::Id,
            Tag::ActorId,
            Tag::Role,
            Tag::Session,
            Tag::Outcome,
        ];
        for text in ["job-", "JOB", "k", "Job-0", "job-9e3779b9", "x", "jobs"] {
            for pattern in [Pattern::Like(text.to_owned()), Pattern::Prefix(text.to_owned())] {
                let alike = Alike::new(&tags, pattern.clone());
                let (runs, many) = alike.parted(&dictionary);
                assert_eq!((runs.len(), many.as_slice()), (3, &[Tag::ActorId, Tag::TargetId][..]));
                let mut found = Vec::new();
                let mut take = |key: &[u8], info: &TermInfo| {
                    assert_eq!(keys[info.postings_range.start], key);
                    found.push(key.to_vec());
                    ControlFlow::Continue(())
                };
                alike.each(&dictionary, &mut take).unwrap();
                found.sort_unstable();
                let meant = |key: &&Vec<u8>| {
                    tags.iter().any(|tag| *tag as u8 == key[0])
                        && pattern.admits(std::str::from_utf8(&key[1..]).unwrap())
                };
                let all: Vec<Vec<u8>> = keys.iter().filter(meant).cloned().collect();
                assert_eq!(found, all, "{pattern:?}");
            }
        }
    }

    #[test]
    fn networks_are_understood() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", vec!["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], vec!["11.0.0.0"]),
            ("10.1.2.3/8", vec!["10.200.0.1"], vec!["9.255.255.255"]),
            ("192.168.1.7", vec!["192.168.1.7"], vec!["192.168.1.8"]),
            ("0.0.0.0/0", vec!["255.255.255.255"], vec!["2001:db8::1"]),
            ("2001:db8::/32", vec!["2001:db8:ffff::1"], vec!["2001:db9::", "10.0.0.1"]),
            ("::/0", vec!["10.0.0.1", "2001:db8::1"], vec![]),
        ] {
            let (from, to) = network(text).unwrap();
            let has = |ip: &str| (from..=to).contains(&address_bits(ip.parse().unwrap()));
            assert!(inside.iter().all(|ip| has(ip)), "{text}");
            assert!(!outside.iter().any(|ip| has(ip)), "{text}");
        }
        for bad in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/+8", "host"] {
            assert_eq!(network(bad), None, "{bad}");
        }
    }
}

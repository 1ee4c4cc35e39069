//! Terms that differ from a text only in case, or begin so.
//!
//! The engine can run an automaton over a dictionary, but asks it about every block, and a trail has
//! thousands. Here the text is followed character by character, each way that a character may be
//! written, until what is left of the dictionary is small; only that is read.

use std::io;
use std::ops::{Bound, ControlFlow};

use tantivy::HasLen as _;
use tantivy::postings::TermInfo;
use tantivy::termdict::{TermDictionary, TermStreamer};

use crate::fold;
use crate::schema::Tag;

/// A part of the dictionary this small, in bytes at rest, is read to its end: some blocks.
const FEW_BYTES: usize = 8 * 1024;

/// So many parts are cut up at most: beyond, what is left of each is read to its end.
const CUTS_MAX: usize = 512;

/// What is told of each term: itself, with its tag, and where its events are.
pub(crate) type Take<'a> = dyn FnMut(&[u8], &TermInfo) -> ControlFlow<()> + 'a;

/// A text, in every case, as a value of some members.
#[derive(Debug)]
pub(crate) struct Folded {
    tags: Vec<Tag>,
    /// For each character, the UTF-8 of all that may stand in its place. None begins another.
    places: Vec<Vec<Vec<u8>>>,
    /// Whether more may follow.
    prefix: bool,
}

impl Folded {
    /// The values of some members that differ from a text only in case, or, as a prefix, begin so.
    pub(crate) fn new(tags: &[Tag], text: &str, prefix: bool) -> Self {
        let utf8 = |c: char| c.to_string().into_bytes();
        let places = text.chars().map(|c| fold::variants(c).into_iter().map(utf8).collect());
        Self { tags: tags.to_vec(), places: places.collect(), prefix }
    }

    /// Tells the terms of a dictionary that are meant, until it is told to break off.
    pub(crate) fn each(&self, dictionary: &TermDictionary, take: &mut Take<'_>) -> io::Result<()> {
        let mut cuts = CUTS_MAX;
        for tag in &self.tags {
            let mut key = vec![*tag as u8];
            if self.descend(dictionary, &mut key, 0, &mut cuts, take)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Tells the terms that begin with `key`, which spells the first `place` characters.
    fn descend(
        &self,
        dictionary: &TermDictionary,
        key: &mut Vec<u8>,
        place: usize,
        cuts: &mut usize,
        take: &mut Take<'_>,
    ) -> io::Result<ControlFlow<()>> {
        let variants = match self.places.get(place) {
            Some(variants) => variants,
            None if self.prefix => return self.read(dictionary, key, take),
            None => {
                let info = dictionary.get(&*key)?;
                return Ok(info.map_or(ControlFlow::Continue(()), |info| take(key, &info)));
            }
        };
        if *cuts == 0 || bytes_below(dictionary, key) <= FEW_BYTES {
            return self.read(dictionary, key, take);
        }
        *cuts -= 1;
        let size = key.len();
        for variant in variants {
            key.extend_from_slice(variant);
            let flow = self.descend(dictionary, key, place + 1, cuts, take)?;
            key.truncate(size);
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Looks at every term that begins with `key`.
    fn read(
        &self,
        dictionary: &TermDictionary,
        key: &[u8],
        take: &mut Take<'_>,
    ) -> io::Result<ControlFlow<()>> {
        let mut stream = terms_below(dictionary, key)?;
        while stream.advance() {
            let meant = self.admits(stream.key().get(1..).unwrap_or_default());
            if meant && take(stream.key(), stream.value()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn admits(&self, value: &[u8]) -> bool {
        let mut left = value;
        for variants in &self.places {
            match variants.iter().find_map(|variant| left.strip_prefix(variant.as_slice())) {
                Some(behind) => left = behind,
                None => return false,
            }
        }
        self.prefix || left.is_empty()
    }
}

/// Every term that begins so, in order.
pub(crate) fn terms_below<'a>(
    dictionary: &'a TermDictionary,
    prefix: &[u8],
) -> io::Result<TermStreamer<'a>> {
    let range = dictionary.range().ge(prefix);
    match after_prefix(prefix) {
        Some(end) => range.lt(end).into_stream(),
        None => range.into_stream(),
    }
}

/// Bytes at rest of the blocks that terms which begin with `key` can be in.
fn bytes_below(dictionary: &TermDictionary, key: &[u8]) -> usize {
    let end = after_prefix(key);
    let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    dictionary.file_slice_for_range((Bound::Included(key), end), None).len()
}

/// The least key that is greater than every key with this prefix.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use tantivy::directory::FileSlice;
    use tantivy::termdict::TermDictionaryBuilder;

    use super::*;

    #[test]
    fn what_differs_in_case_is_meant() {
        let admits = |text: &str, prefix: bool, value: &str| {
            Folded::new(&[Tag::Action], text, prefix).admits(value.as_bytes())
        };
        assert!(admits("Gómez", false, "GÓMEZ"));
        assert!(admits("k", false, "\u{212a}"));
        assert!(!admits("Gómez", false, "Gomez"));
        assert!(!admits("ana", false, "anab"));
        assert!(admits("ana", true, "ANAB"));
        assert!(!admits("ana", true, "an"));
        assert!(admits("", true, "an"));
        assert!(!admits("", false, "an"));
    }

    #[test]
    fn the_least_key_behind_a_prefix() {
        assert_eq!(after_prefix(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(after_prefix(b"\xff"), None);
    }

    /// A dictionary of many blocks is cut up; what is found is what a look at every term finds.
    #[test]
    fn a_large_dictionary_tells_the_same_as_every_term_of_it() {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for number in 0_u32..40_000 {
            let mixed = number.wrapping_mul(2_654_435_769);
            let cased = if number % 3 == 0 {
                format!("Job-{mixed:08X}")
            } else {
                format!("jOB-{mixed:08x}")
            };
            for tag in [Tag::Id, Tag::TargetId] {
                keys.push([&[tag as u8], cased.as_bytes()].concat());
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let mut builder = TermDictionaryBuilder::create(Vec::new()).unwrap();
        for (place, key) in (0_u32..).zip(&keys) {
            let place = usize::try_from(place).unwrap();
            let info =
                TermInfo { doc_freq: 1, postings_range: place..place + 1, positions_range: 0..0 };
            builder.insert(key, &info).unwrap();
        }
        let dictionary = TermDictionary::open(FileSlice::from(builder.finish().unwrap())).unwrap();
        let sample = String::from_utf8(keys[4_321][1..].to_vec()).unwrap();
        let texts = [&*sample, &sample.to_uppercase(), &sample[..6], "job-", "", "Job-none", "ſ"];
        for (text, prefix) in texts.into_iter().flat_map(|text| [(text, false), (text, true)]) {
            for tags in [&[Tag::TargetId][..], &[Tag::Id, Tag::Session, Tag::TargetId]] {
                let folded = Folded::new(tags, text, prefix);
                let mut found = Vec::new();
                let mut take = |key: &[u8], info: &TermInfo| {
                    assert_eq!(keys[info.postings_range.start], key);
                    found.push(key.to_vec());
                    ControlFlow::Continue(())
                };
                folded.each(&dictionary, &mut take).unwrap();
                found.sort_unstable();
                let meant = |key: &&Vec<u8>| {
                    tags.iter().any(|tag| *tag as u8 == key[0]) && folded.admits(&key[1..])
                };
                let all: Vec<_> = keys.iter().filter(meant).cloned().collect();
                assert_eq!(found, all, "{text} {prefix}");
            }
        }
    }
}

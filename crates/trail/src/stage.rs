//! A batch on its way into the journal, and a batch read back from it.
//!
//! ```text
//! u8 version (1) | u32be entry count | entries, each after its length as u16be
//! u32be opening count | openings, each after its entry's index as u64be
//! ```

use bytes::Bytes;
use event::Opening;
use tlog::{Hash, leaf_hash};

use crate::ids::IdKey;
use crate::openings;

const VERSION: u8 = 1;

/// Entries that are committed together, in the order of their indexes.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    /// The index of the first entry.
    pub(crate) first: u64,
    /// Entries, each after its length: what a bundle holds.
    pub(crate) framed: Bytes,
    /// Where each entry begins, after its length, and how long it is.
    pub(crate) places: Vec<(u32, u16)>,
    /// Detached values and the index of their entry. Almost always empty.
    pub(crate) openings: Vec<(u64, Opening)>,
    /// Keys for the id index.
    pub(crate) keys: Vec<(IdKey, u64)>,
}

impl Chunk {
    pub(crate) fn len(&self) -> u64 {
        self.places.len() as u64
    }

    pub(crate) fn end(&self) -> u64 {
        self.first + self.len()
    }

    /// Bytes that it takes in memory, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let openings = self.openings.iter().map(|(_, opening)| opening.size_bytes());
        self.framed.len() + openings.sum::<usize>()
    }

    /// The entry at an index of the trail.
    pub(crate) fn entry(&self, index: u64) -> Option<Bytes> {
        let position = usize::try_from(index.checked_sub(self.first)?).ok()?;
        let (start, size) = self.places.get(position)?;
        let start = usize::try_from(*start).ok()?;
        let end = start + usize::from(*size);
        (end <= self.framed.len()).then(|| self.framed.slice(start..end))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Bytes> + '_ {
        (self.first..self.end()).filter_map(|index| self.entry(index))
    }

    pub(crate) fn openings_of(&self, index: u64) -> Vec<Opening> {
        self.openings.iter().filter(|(at, _)| *at == index).map(|(_, o)| o.clone()).collect()
    }

    /// The first opening that its entry does not commit to, or that it commits to and lacks: the
    /// entry's index and the pointer.
    pub(crate) fn unadmitted(&self) -> Option<(u64, String)> {
        let stray = self.openings.iter().find(|(index, _)| self.entry(*index).is_none());
        if let Some((index, opening)) = stray {
            return Some((*index, opening.at.clone()));
        }
        (self.first..self.end()).find_map(|index| {
            let entry = self.entry(index)?;
            let detached = openings::detached(&entry);
            // Almost no entry has any.
            if detached.is_empty() && self.openings.is_empty() {
                return None;
            }
            let admitted = openings::admitted(&detached, self.openings_of(index));
            admitted.err().map(|at| (index, at))
        })
    }

    /// Reads a committed stage. `None` when it is not one.
    pub(crate) fn decode(first: u64, stage: &Bytes) -> Option<(Self, Vec<Hash>)> {
        let (version, rest) = stage.split_first()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        if *version != VERSION {
            return None;
        }
        let count = u32::from_be_bytes(*count);
        let header = stage.len() - rest.len();
        let mut at = 0_usize;
        let mut places = Vec::new();
        let mut leaves = Vec::new();
        for _ in 0..count {
            let (size, after) = rest.get(at..)?.split_first_chunk::<2>()?;
            let size = u16::from_be_bytes(*size);
            let entry = after.get(..usize::from(size))?;
            places.push((u32::try_from(at + 2).ok()?, size));
            leaves.push(leaf_hash(entry));
            at += 2 + usize::from(size);
        }
        let (count, mut rest) = rest.get(at..)?.split_first_chunk::<4>()?;
        let mut list = Vec::new();
        for _ in 0..u32::from_be_bytes(*count) {
            let (index, after) = rest.split_first_chunk::<8>()?;
            let opening;
            (opening, rest) = openings::read(after)?;
            list.push((u64::from_be_bytes(*index), opening));
        }
        let framed = stage.slice(header..header + at);
        rest.is_empty()
            .then_some((Self { first, framed, places, openings: list, keys: Vec::new() }, leaves))
    }
}

/// A chunk while it is being filled.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) first: u64,
    pub(crate) framed: Vec<u8>,
    pub(crate) places: Vec<(u32, u16)>,
    pub(crate) leaves: Vec<Hash>,
    pub(crate) openings: Vec<(u64, Opening)>,
    pub(crate) keys: Vec<(IdKey, u64)>,
}

impl Stage {
    pub(crate) fn new(first: u64, bytes_expected: usize) -> Self {
        Self {
            first,
            framed: Vec::with_capacity(bytes_expected),
            places: Vec::new(),
            leaves: Vec::new(),
            openings: Vec::new(),
            keys: Vec::new(),
        }
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.first + self.places.len() as u64
    }

    /// Adds an entry that `write` appends to the buffer; gives its index and leaf hash.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>) -> usize) -> (u64, Hash) {
        let index = self.next_index();
        self.framed.extend_from_slice(&[0, 0]);
        let start = self.framed.len();
        // `Draft::new` left room for the server's members within the 65,535 bytes.
        let size = u16::try_from(write(&mut self.framed)).unwrap_or(u16::MAX);
        if let Some(length) = self.framed.get_mut(start - 2..start) {
            length.copy_from_slice(&size.to_be_bytes());
        }
        let leaf = leaf_hash(self.framed.get(start..).unwrap_or_default());
        self.places.push((u32::try_from(start).unwrap_or(u32::MAX), size));
        self.leaves.push(leaf);
        (index, leaf)
    }

    /// The entry at an index, if it is staged here.
    pub(crate) fn entry(&self, index: u64) -> Option<&[u8]> {
        let position = usize::try_from(index.checked_sub(self.first)?).ok()?;
        let (start, size) = self.places.get(position)?;
        let start = usize::try_from(*start).ok()?;
        self.framed.get(start..start + usize::from(*size))
    }

    /// What goes before and after the entries in the journal's frame.
    pub(crate) fn frame_ends(&self) -> (Vec<u8>, Vec<u8>) {
        let mut before = vec![VERSION];
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX).to_be_bytes();
        before.extend_from_slice(&count(self.places.len()));
        let mut after = count(self.openings.len()).to_vec();
        for (index, opening) in &self.openings {
            after.extend_from_slice(&index.to_be_bytes());
            openings::write(&mut after, opening);
        }
        (before, after)
    }

    pub(crate) fn into_chunk(self) -> Chunk {
        Chunk {
            first: self.first,
            framed: self.framed.into(),
            places: self.places,
            openings: self.openings,
            keys: self.keys,
        }
    }
}

//! Entry bundles: up to 256 entries, each after its length (c2sp.org/tlog-tiles).
//!
//! An entry is written as its length in two big-endian bytes and then its bytes; nothing separates
//! entries and nothing follows the last. Bundle *n* has the entries of level-0 tile *n*, and the
//! same width.

use crate::path::Position;
use crate::{Error, LeafIndex, TILE_HEIGHT, TILE_WIDTH, TreeSize};

/// The largest entry: what two bytes can count.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Which bundle: its index, and how many entries it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    index: u64,
    width: u16,
}

impl BundleId {
    /// A bundle; refused with a width outside 1 to 256.
    pub const fn new(index: u64, width: u16) -> Result<Self, Error> {
        if width == 0 || width > TILE_WIDTH {
            return Err(Error::TileOutOfRange { level: 0, width });
        }
        Ok(Self { index, width })
    }

    /// The bundle of a tree of this size that has this index, as wide as it is there; `None` where
    /// the tree has none.
    pub fn at(size: TreeSize, index: u64) -> Option<Self> {
        let tile = crate::Tile::at(size, 0, index)?;
        Some(Self { index, width: tile.width() })
    }

    /// The bundle of a tree of this size that holds a leaf; `None` where the tree has no such leaf.
    pub fn of_leaf(size: TreeSize, leaf: LeafIndex) -> Option<Self> {
        Self::at(size, leaf.get() >> TILE_HEIGHT).filter(|_| size.contains(leaf))
    }

    /// Every bundle of a tree of this size, in order.
    pub fn every(size: TreeSize) -> impl Iterator<Item = Self> {
        let count = size.get().div_ceil(u64::from(TILE_WIDTH));
        (0..count).filter_map(move |index| Self::at(size, index))
    }

    /// Its position.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many entries it has: 1 to 256.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it has all of its 256 entries and so can never change.
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The leaf of its first entry.
    pub const fn first_leaf(self) -> LeafIndex {
        LeafIndex::new(self.index.saturating_mul(TILE_WIDTH as u64))
    }

    /// Its path below the trail's prefix: `tile/entries/x001/x234/067`, and `….p/9` when partial.
    pub fn path(self) -> String {
        format!("tile/entries/{}", Position { index: self.index, width: self.width })
    }

    /// Reads a path; only the spelling that [`path`](Self::path) writes is accepted.
    pub fn parse_path(text: &str) -> Result<Self, Error> {
        let position = text.strip_prefix("tile/entries/").and_then(Position::parse);
        let Position { index, width } = position.ok_or(Error::PathMalformed)?;
        Self::new(index, width)
    }

    /// Reads the entries of this bundle: exactly as many as its width says.
    pub const fn entries(self, bytes: &[u8]) -> Entries<'_> {
        Entries { rest: bytes, width: self.width, next: 0 }
    }
}

/// Writes an entry at the end of a bundle.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), Error> {
    let length =
        u16::try_from(entry.len()).map_err(|_| Error::EntryTooLarge { bytes: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, in order, borrowed from its bytes.
///
/// Ends with an error where the bytes end too early or go on too long; a bundle is sound only when
/// every item was `Ok`.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
    width: u16,
    next: u16,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.width {
            let bytes = std::mem::take(&mut self.rest).len();
            return (bytes > 0).then_some(Err(Error::BundleTrailing { bytes }));
        }
        let split = self.rest.split_first_chunk().and_then(|(length, rest)| {
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        let Some((entry, rest)) = split else {
            let entry = self.next;
            (self.rest, self.next) = (&[], self.width);
            return Some(Err(Error::BundleTruncated { entry }));
        };
        self.rest = rest;
        self.next += 1;
        Some(Ok(entry))
    }
}

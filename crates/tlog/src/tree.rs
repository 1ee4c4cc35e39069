//! The tree itself: its numbers, and the few hashes that an append-only tree must remember.
//!
//! A [`Frontier`] is the compact range of the whole tree: the roots of the perfect subtrees that
//! its size is the sum of. It is enough to append for ever and to know the root at any time, and
//! it takes at most 63 hashes.

use std::fmt;

use crate::{Error, Hash, TILE_HEIGHT, Tile, node_hash};

/// The largest tree: a receipt has at most 63 hashes, and other implementations count in `i64`.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// The zero-based position of a leaf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// The leaf at this position.
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// The position as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many leaves a tree has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(u64);

impl TreeSize {
    /// The tree without leaves.
    pub const ZERO: Self = Self(0);

    /// A tree of this many leaves.
    pub const fn new(size: u64) -> Self {
        Self(size)
    }

    /// The number of leaves.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the tree has this leaf.
    pub const fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an append-only tree must remember to go on: a size and the roots of its perfect subtrees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One hash per one-bit of `size`, the largest subtree first.
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, hashes: Vec::new() }
    }

    /// The tree with this size and these perfect subtrees, the largest first.
    ///
    /// Whether they are the right hashes is known only by comparing [`root`](Self::root).
    pub fn from_parts(size: TreeSize, hashes: Vec<Hash>) -> Result<Self, Error> {
        if size.get() > MAX_TREE_SIZE {
            return Err(Error::TreeTooLarge { size });
        }
        if u32::try_from(hashes.len()) != Ok(size.get().count_ones()) {
            return Err(Error::TreeParts { size, hashes: hashes.len() });
        }
        Ok(Self { size: size.get(), hashes })
    }

    /// The tree with this size, from the partial tiles of its right edge ([`Tile::for_size`]).
    ///
    /// `fetch` gives the bytes of each. They are checked for length only: compare
    /// [`root`](Self::root) before using the result.
    pub fn from_tiles(
        size: TreeSize,
        mut fetch: impl FnMut(Tile) -> Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let mut hashes = Vec::new();
        let mut levels: Vec<_> = Tile::for_size(size).collect();
        levels.reverse();
        for tile in levels {
            let bytes = fetch(tile).ok_or(Error::TileMissing { tile })?;
            let mut entries = tile.hashes(&bytes)?;
            for height in (0..TILE_HEIGHT).rev().filter(|height| tile.width() >> height & 1 == 1) {
                hashes.extend(perfect_root(entries.by_ref().take(1 << height)));
            }
        }
        Self::from_parts(size, hashes)
    }

    /// Appends a leaf. One node hash on average.
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _| ());
    }

    /// Appends a leaf and shows every perfect subtree that it completes, with its height: first
    /// the leaf itself, last the largest.
    pub(crate) fn push_with(&mut self, leaf: Hash, mut completed: impl FnMut(u32, Hash)) {
        let mut hash = leaf;
        completed(0, hash);
        for height in 1..=self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
            completed(height, hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The number of leaves.
    pub const fn size(&self) -> TreeSize {
        TreeSize(self.size)
    }

    /// The root at this size.
    pub fn root(&self) -> Hash {
        let hashes = self.hashes.iter().copied().rev();
        hashes.reduce(|right, left| node_hash(&left, &right)).unwrap_or(Hash::EMPTY_ROOT)
    }

    /// The roots of the perfect subtrees, the largest first; [`from_parts`](Self::from_parts)
    /// takes them back.
    pub fn parts(&self) -> &[Hash] {
        &self.hashes
    }
}

impl Extend<Hash> for Frontier {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

/// The root over `2^n` hashes; `None` over none.
pub(crate) fn perfect_root(hashes: impl Iterator<Item = Hash>) -> Option<Hash> {
    let mut frontier = Frontier::new();
    frontier.extend(hashes);
    debug_assert!(frontier.hashes.len() <= 1, "only a power of two has one root");
    frontier.hashes.first().copied()
}

//! Making tiles while a tree grows.
//!
//! A [`TileBuilder`] holds the right edge of every level, at most 8 KiB each, and the
//! [`Frontier`] over it. Leaves go in; full tiles come out as they fill, and the partial ones of
//! the current size on demand. Each node is hashed once: the root of a full tile is a subtree that
//! the frontier has completed anyway.

use std::mem;

use crate::{Error, Frontier, Hash, TILE_BYTES, TILE_HEIGHT, Tile, TreeSize};

/// A growing tree, as far as its next tiles need it.
#[derive(Clone, Debug, Default)]
pub struct TileBuilder {
    frontier: Frontier,
    /// The bytes of each level's partial tile, from the leaves up; empty where a level has none.
    edges: Vec<Vec<u8>>,
    full: Vec<(Tile, Vec<u8>)>,
}

impl TileBuilder {
    /// The tree without leaves.
    pub const fn new() -> Self {
        Self { frontier: Frontier::new(), edges: Vec::new(), full: Vec::new() }
    }

    /// Goes on from a stored tree: `fetch` gives the bytes of each of its partial tiles
    /// ([`Tile::for_size`]).
    ///
    /// The bytes are checked for length only: compare [`root`](Self::root) with a signed or
    /// authenticated root before using the result.
    pub fn from_partials(
        size: TreeSize,
        mut fetch: impl FnMut(Tile) -> Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let mut edges = Vec::new();
        let frontier = Frontier::from_tiles(size, |tile| {
            let bytes = fetch(tile)?;
            let level = usize::from(tile.level());
            if edges.len() <= level {
                edges.resize_with(level + 1, Vec::new);
            }
            if let Some(edge) = edges.get_mut(level) {
                edge.clone_from(&bytes);
            }
            Some(bytes)
        })?;
        Ok(Self { frontier, edges, full: Vec::new() })
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let Self { frontier, edges, full } = self;
        let leaf_index = frontier.size().get();
        frontier.push_with(leaf, |height, hash| {
            if height % TILE_HEIGHT != 0 {
                return;
            }
            let level = height / TILE_HEIGHT;
            if edges.len() <= level as usize {
                edges.resize_with(level as usize + 1, Vec::new);
            }
            if let (Some(edge), Ok(tile_level)) = (edges.get_mut(level as usize), level.try_into())
            {
                edge.extend_from_slice(hash.as_bytes());
                if edge.len() == TILE_BYTES {
                    let index = leaf_index.checked_shr(height + TILE_HEIGHT).unwrap_or_default();
                    let tile = Tile { level: tile_level, index, width: crate::TILE_WIDTH };
                    full.push((tile, mem::take(edge)));
                }
            }
        });
    }

    /// Takes the tiles that have become full since the last call, in the order they filled.
    ///
    /// They are kept until taken: 32 bytes per leaf.
    pub fn take_full(&mut self) -> Vec<(Tile, Vec<u8>)> {
        mem::take(&mut self.full)
    }

    /// The partial tiles of the current size: the bytes of [`Tile::for_size`], in its order.
    pub fn partials(&self) -> Vec<(Tile, Vec<u8>)> {
        Tile::for_size(self.size())
            .filter_map(|tile| Some((tile, self.edges.get(usize::from(tile.level()))?.clone())))
            .collect()
    }

    /// The number of leaves.
    pub const fn size(&self) -> TreeSize {
        self.frontier.size()
    }

    /// The root at the current size.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The compact range of the current tree.
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }
}

impl Extend<Hash> for TileBuilder {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

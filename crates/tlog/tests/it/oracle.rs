//! Trees made the slow and obvious way, and those of other implementations.

use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use tlog::{Hash, TILE_WIDTH, Tile, TreeSize, leaf_hash, node_hash};

/// Sizes at which a tree changes shape.
pub(crate) const SIZES: [u64; 12] =
    [0, 1, 2, 3, 255, 256, 257, 512, 65_535, 65_536, 65_537, 70_000];

/// The entry that every test tree has at a position.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The first leaf hashes of every test tree.
pub(crate) fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&entry(index))).collect()
}

/// Where RFC 6962 section 2.1 splits `n` leaves.
pub(crate) fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// The root as RFC 6962 section 2.1 defines it.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// All tiles of a tree, each level as one row of hashes.
pub(crate) struct Levels(Vec<Vec<Hash>>);

impl Levels {
    pub(crate) fn new(leaves: &[Hash]) -> Self {
        let mut levels = vec![leaves.to_vec()];
        loop {
            let below = levels.last().unwrap();
            let level: Vec<_> = below.as_chunks::<256>().0.iter().map(|tile| root(tile)).collect();
            if level.is_empty() {
                return Self(levels);
            }
            levels.push(level);
        }
    }

    /// The bytes of a tile, cut to its width.
    pub(crate) fn tile(&self, tile: Tile) -> Vec<u8> {
        let level = &self.0[usize::from(tile.level())];
        let start = usize::try_from(tile.index()).unwrap() * usize::from(TILE_WIDTH);
        let hashes = &level[start..start + usize::from(tile.width())];
        hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// A reader for proofs in any tree up to this size.
    pub(crate) fn reader(&self) -> impl Fn(Tile) -> Result<Vec<u8>, Infallible> {
        |tile| Ok(self.tile(tile))
    }
}

/// The same tree in `ct-merkle`.
pub(crate) fn ct_merkle(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|index| tree.push(entry(index)));
    tree
}

/// A root as `ct-merkle` has it.
pub(crate) fn ct_root(size: TreeSize, root: Hash) -> ct_merkle::RootHash<Sha256> {
    ct_merkle::RootHash::new((*root.as_bytes()).into(), size.get())
}

/// The same tree in `tlog_tiles`: its stored hashes, for any size up to this one.
pub(crate) struct StoredHashes(Vec<tlog_tiles::Hash>);

impl StoredHashes {
    pub(crate) fn new(size: u64) -> Self {
        let mut stored = Self(Vec::new());
        for index in 0..size {
            let new = tlog_tiles::stored_hashes(index, &entry(index), &stored).unwrap();
            stored.0.extend(new);
        }
        stored
    }
}

impl tlog_tiles::HashReader for StoredHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

/// Our tiles, for the reader of `tlog_tiles`, which believes none before it has checked it.
pub(crate) struct TilesForStrangers<'a>(pub(crate) &'a Levels);

impl tlog_tiles::TileReader for TilesForStrangers<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let ours = |tile: &tlog_tiles::Tile| {
            let width = u16::try_from(tile.width()).unwrap();
            Tile::new(tile.level(), tile.level_index(), width).unwrap()
        };
        Ok(tiles.iter().map(|tile| self.0.tile(ours(tile))).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Hashes as `tlog_tiles` has them.
pub(crate) fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash.as_bytes())
}

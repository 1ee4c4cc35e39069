//! Roots of subtrees, from tiles.

use crate::tree::perfect_root;
use crate::{BuildError, Error, Hash, HashReader, TILE_HEIGHT, TILE_WIDTH, Tile, TreeSize};

/// Reads subtree roots of one tree, each tile once.
pub(super) struct Subtrees<'r, R: HashReader> {
    reader: &'r R,
    size: TreeSize,
    /// What was read: at most two tiles per level for one proof.
    tiles: Vec<(Tile, R::Bytes)>,
}

impl<'r, R: HashReader> Subtrees<'r, R> {
    pub(super) const fn new(reader: &'r R, size: TreeSize) -> Self {
        Self { reader, size, tiles: Vec::new() }
    }

    /// The root over the leaves from `start` to before `end`, where `start` is a multiple of a
    /// power of two that is at least their number.
    pub(super) fn root(&mut self, start: u64, end: u64) -> Result<Hash, BuildError<R::Error>> {
        let mut perfect = Vec::new();
        let mut from = start;
        while from < end {
            let height = (end - from).ilog2();
            perfect.push(self.perfect(from, height)?);
            from += 1 << height;
        }
        let root = perfect.into_iter().rev();
        Ok(root.reduce(|right, left| crate::node_hash(&left, &right)).unwrap_or(Hash::EMPTY_ROOT))
    }

    /// The root over the `2^height` leaves from `start`: within one tile of the level below.
    fn perfect(&mut self, start: u64, height: u32) -> Result<Hash, BuildError<R::Error>> {
        let level = height / TILE_HEIGHT;
        let entry = start >> (level * TILE_HEIGHT);
        let index = entry >> TILE_HEIGHT;
        let within = usize::try_from(entry % u64::from(TILE_WIDTH)).unwrap_or_default();
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let tile =
            Tile::at(self.size, level, index).ok_or(Error::TileOutOfRange { level, width: 0 })?;
        let bytes = self.read(tile)?;
        let hashes = tile.hashes(bytes)?.skip(within).take(1 << (height % TILE_HEIGHT));
        Ok(perfect_root(hashes).ok_or(Error::TileMissing { tile })?)
    }

    fn read(&mut self, tile: Tile) -> Result<&[u8], BuildError<R::Error>> {
        let known = self.tiles.iter().position(|(known, _)| *known == tile);
        let place = known.unwrap_or(self.tiles.len());
        if known.is_none() {
            let bytes = self.reader.tile(tile).map_err(BuildError::Read)?;
            self.tiles.push((tile, bytes));
        }
        let (_, bytes) = self.tiles.get(place).ok_or(Error::TileMissing { tile })?;
        Ok(bytes.as_ref())
    }
}

//! Tiles: 256 hashes of one level, and where they are found (c2sp.org/tlog-tiles).
//!
//! A tile at level *l* has the roots of perfect subtrees of 256^*l* leaves each: level 0 has leaf
//! hashes, level 1 the roots of full level-0 tiles. Entry *i* of tile *n* is entry *256·n + i* of
//! its level. The last tile of a level may be partial, with 1 to 255 hashes, and then its path says
//! how many; a full tile never changes. A level above 0 has no entry for a partial tile below it.

use crate::path::Position;
use crate::{Error, HASH_BYTES, Hash, LeafIndex, TreeSize};

/// The levels of the tree that one tile spans.
pub const TILE_HEIGHT: u32 = 8;

/// The hashes of a full tile, and the entries of a full bundle.
pub const TILE_WIDTH: u16 = 1 << TILE_HEIGHT;

/// The bytes of a full tile.
pub const TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;

/// The highest level that a path may name.
const MAX_LEVEL: u8 = 63;

/// The levels that a tree can have tiles at.
const LEVELS: u8 = 8;

/// Which tile: its level, its index in that level, and how many hashes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) width: u16,
}

impl Tile {
    /// A tile; refused with a level above 63 or a width outside 1 to 256.
    pub const fn new(level: u8, index: u64, width: u16) -> Result<Self, Error> {
        if level > MAX_LEVEL || width == 0 || width > TILE_WIDTH {
            return Err(Error::TileOutOfRange { level, width });
        }
        Ok(Self { level, index, width })
    }

    /// The tile of a tree of this size that has this level and index, as wide as it is there;
    /// `None` where the tree has none.
    pub fn at(size: TreeSize, level: u8, index: u64) -> Option<Self> {
        let full = Self::full_tiles(size, level);
        let width = match index.cmp(&full) {
            std::cmp::Ordering::Less => TILE_WIDTH,
            std::cmp::Ordering::Equal => Self::partial_width(size, level),
            std::cmp::Ordering::Greater => 0,
        };
        Self::new(level, index, width).ok()
    }

    /// The level-0 tile of a tree of this size that holds a leaf; `None` where the tree has no
    /// such leaf.
    pub fn of_leaf(size: TreeSize, leaf: LeafIndex) -> Option<Self> {
        size.contains(leaf).then(|| Self::at(size, 0, leaf.get() >> TILE_HEIGHT))?
    }

    /// How many full tiles a tree of this size has at a level.
    pub fn full_tiles(size: TreeSize, level: u8) -> u64 {
        entries_at(size, level) >> TILE_HEIGHT
    }

    /// How many hashes the partial tile of a level has in a tree of this size; 0 when there is no
    /// partial tile.
    pub fn partial_width(size: TreeSize, level: u8) -> u16 {
        u16::try_from(entries_at(size, level) % u64::from(TILE_WIDTH)).unwrap_or_default()
    }

    /// Every partial tile of a tree of this size, the lowest level first: its right edge.
    ///
    /// A checkpoint of this size needs these beside the full tiles.
    pub fn for_size(size: TreeSize) -> impl Iterator<Item = Self> {
        (0..LEVELS).filter_map(move |level| {
            Self::new(level, Self::full_tiles(size, level), Self::partial_width(size, level)).ok()
        })
    }

    /// Every tile of a tree of this size, full and partial, level by level from the leaves up.
    pub fn every(size: TreeSize) -> impl Iterator<Item = Self> {
        (0..LEVELS).flat_map(move |level| {
            let partial = u64::from(Self::partial_width(size, level) > 0);
            (0..Self::full_tiles(size, level) + partial)
                .filter_map(move |index| Self::at(size, level, index))
        })
    }

    /// Its level: 0 holds leaf hashes.
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Its position in its level.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes it has: 1 to 256.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it has all of its 256 hashes and so can never change.
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile at the same place.
    #[must_use]
    pub const fn to_full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// How many bytes it has.
    pub const fn len_bytes(self) -> usize {
        self.width as usize * HASH_BYTES
    }

    /// Its path below the trail's prefix: `tile/0/x001/x234/067`, and `….p/9` when partial.
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, Position { index: self.index, width: self.width })
    }

    /// Reads a path; only the spelling that [`path`](Self::path) writes is accepted.
    pub fn parse_path(text: &str) -> Result<Self, Error> {
        let read = || {
            let (level, position) = text.strip_prefix("tile/")?.split_once('/')?;
            let level = u8::try_from(crate::lexeme::decimal(level)?).ok()?;
            let Position { index, width } = Position::parse(position)?;
            Self::new(level, index, width).ok()
        };
        read().ok_or(Error::PathMalformed)
    }

    /// Splits the bytes of this tile into its hashes; refused unless there are exactly
    /// [`len_bytes`](Self::len_bytes) of them.
    pub fn hashes(self, bytes: &[u8]) -> Result<impl ExactSizeIterator<Item = Hash>, Error> {
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        if hashes.len() != usize::from(self.width) || !rest.is_empty() {
            return Err(Error::TileLength { tile: self, bytes: bytes.len() });
        }
        Ok(hashes.iter().map(|hash| Hash::from_bytes(*hash)))
    }
}

/// How many entries a level has: one for each perfect subtree of 256^level leaves.
fn entries_at(size: TreeSize, level: u8) -> u64 {
    size.get().checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or_default()
}

/// Where a proof gets its tiles from.
///
/// Any function from a [`Tile`] to its bytes is one.
pub trait HashReader {
    /// The bytes of a tile.
    type Bytes: AsRef<[u8]>;
    /// Why a tile could not be read.
    type Error;

    /// Reads a tile: exactly as many hashes as its width says.
    ///
    /// For the right edge that is its width in the tree the proof is built for
    /// ([`Tile::for_size`]): a reader that has a wider tile cuts it.
    fn tile(&self, tile: Tile) -> Result<Self::Bytes, Self::Error>;
}

impl<F, B, E> HashReader for F
where
    F: Fn(Tile) -> Result<B, E>,
    B: AsRef<[u8]>,
{
    type Bytes = B;
    type Error = E;

    fn tile(&self, tile: Tile) -> Result<B, E> {
        self(tile)
    }
}

//! Inflated pieces of bundles, and tiles that were checked: bounded, shared by all trails.
//!
//! Of many more tiles than are kept it is known what bytes they have, so that one that is read again
//! costs one hash of its bytes and not the 255 of its tree.

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache as Bounded;
use sha2::{Digest as _, Sha256};
use tlog::{BundleId, Tile};

use crate::ids::IdKey;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Frame(IdKey, BundleId, u8),
    /// The beginning of a frame.
    Start(IdKey, BundleId, u8),
    Tile(IdKey, Tile),
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Bytes> for ByBytes {
    fn weight(&self, _key: &Key, value: &Bytes) -> u64 {
        value.len() as u64 + 64
    }
}

/// A cache of a given size in bytes.
#[derive(Debug)]
pub struct Cache {
    items: Bounded<Key, Bytes, ByBytes>,
    /// SHA-256 of the bytes of tiles that were checked.
    known: Bounded<(IdKey, Tile), [u8; 32]>,
}

/// Tiles whose bytes are known: those of 16 million events, in about 8 MiB.
const KNOWN_MAX: usize = 65_536;

/// About one inflated frame of a bundle.
const ITEM_BYTES_EXPECTED: u64 = 24 * 1024;

impl Cache {
    /// A cache that holds at most about this many bytes.
    pub fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / ITEM_BYTES_EXPECTED).unwrap_or(1).max(16);
        let items = Bounded::with_weighter(items, bytes_max, ByBytes);
        Self { items, known: Bounded::new(KNOWN_MAX) }
    }

    pub(crate) fn frame(&self, mark: &IdKey, bundle: BundleId, number: u8) -> Option<Bytes> {
        self.items.get(&Key::Frame(*mark, bundle, number))
    }

    pub(crate) fn keep_frame(&self, mark: &IdKey, bundle: BundleId, number: u8, bytes: Bytes) {
        self.items.remove(&Key::Start(*mark, bundle, number));
        self.items.insert(Key::Frame(*mark, bundle, number), bytes);
    }

    /// The beginning of a frame, of which nothing else was needed yet.
    pub(crate) fn start(&self, mark: &IdKey, bundle: BundleId, number: u8) -> Option<Bytes> {
        self.items.get(&Key::Start(*mark, bundle, number))
    }

    pub(crate) fn keep_start(&self, mark: &IdKey, bundle: BundleId, number: u8, bytes: Bytes) {
        self.items.insert(Key::Start(*mark, bundle, number), bytes);
    }

    /// Lets go of what is kept of a frame: it was not what it should be, and may be mended on disk.
    pub(crate) fn forget_frame(&self, mark: &IdKey, bundle: BundleId, number: u8) {
        self.items.remove(&Key::Frame(*mark, bundle, number));
        self.items.remove(&Key::Start(*mark, bundle, number));
    }

    pub(crate) fn tile(&self, mark: &IdKey, tile: Tile) -> Option<Bytes> {
        self.items.get(&Key::Tile(*mark, tile))
    }

    /// Whether these are the bytes that a full tile had when it was checked.
    pub(crate) fn knows_tile(&self, mark: &IdKey, tile: Tile, bytes: &[u8]) -> bool {
        let known = self.known.get(&(*mark, tile));
        known.is_some_and(|known| known == <[u8; 32]>::from(Sha256::digest(bytes)))
    }

    /// Remembers what bytes a full tile has that was checked, or that was just published.
    pub(crate) fn know_tile(&self, mark: &IdKey, tile: Tile, bytes: &[u8]) {
        self.known.insert((*mark, tile), Sha256::digest(bytes).into());
    }

    pub(crate) fn keep_tile(&self, mark: &IdKey, tile: Tile, bytes: Bytes) {
        self.items.insert(Key::Tile(*mark, tile), bytes);
    }
}

//! Inflated pieces of bundles, and tiles that were checked: bounded, shared by all trails.

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache as Bounded;
use tlog::{BundleId, Tile};

use crate::ids::IdKey;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Frame(IdKey, BundleId, u8),
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
}

/// About one inflated frame of a bundle.
const ITEM_BYTES_EXPECTED: u64 = 24 * 1024;

impl Cache {
    /// A cache that holds at most about this many bytes.
    pub fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / ITEM_BYTES_EXPECTED).unwrap_or(1).max(16);
        Self { items: Bounded::with_weighter(items, bytes_max, ByBytes) }
    }

    pub(crate) fn frame(&self, mark: &IdKey, bundle: BundleId, number: u8) -> Option<Bytes> {
        self.items.get(&Key::Frame(*mark, bundle, number))
    }

    pub(crate) fn keep_frame(&self, mark: &IdKey, bundle: BundleId, number: u8, bytes: Bytes) {
        self.items.insert(Key::Frame(*mark, bundle, number), bytes);
    }

    pub(crate) fn tile(&self, mark: &IdKey, tile: Tile) -> Option<Bytes> {
        self.items.get(&Key::Tile(*mark, tile))
    }

    pub(crate) fn keep_tile(&self, mark: &IdKey, tile: Tile, bytes: Bytes) {
        self.items.insert(Key::Tile(*mark, tile), bytes);
    }
}

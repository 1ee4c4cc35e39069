//! Inflated pieces of bundles, and tiles that were checked: bounded, shared by all trails.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache as Bounded;
use tlog::Tile;

use crate::ids::IdKey;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Frame(IdKey, u64, u8),
    Tile(IdKey, Tile),
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Arc<[u8]>> for ByBytes {
    fn weight(&self, _key: &Key, value: &Arc<[u8]>) -> u64 {
        value.len() as u64 + 64
    }
}

/// A cache of a given size in bytes.
#[derive(Debug)]
pub struct Cache {
    items: Bounded<Key, Arc<[u8]>, ByBytes>,
}

/// About one inflated frame of a bundle.
const ITEM_BYTES_EXPECTED: u64 = 24 * 1024;

impl Cache {
    /// A cache that holds at most about this many bytes.
    pub fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / ITEM_BYTES_EXPECTED).unwrap_or(1).max(16);
        Self { items: Bounded::with_weighter(items, bytes_max, ByBytes) }
    }

    pub(crate) fn frame(&self, mark: &IdKey, bundle: u64, number: u8) -> Option<Arc<[u8]>> {
        self.items.get(&Key::Frame(*mark, bundle, number))
    }

    pub(crate) fn keep_frame(&self, mark: &IdKey, bundle: u64, number: u8, bytes: Arc<[u8]>) {
        self.items.insert(Key::Frame(*mark, bundle, number), bytes);
    }

    pub(crate) fn tile(&self, mark: &IdKey, tile: Tile) -> Option<Arc<[u8]>> {
        self.items.get(&Key::Tile(*mark, tile))
    }

    pub(crate) fn keep_tile(&self, mark: &IdKey, tile: Tile, bytes: Arc<[u8]>) {
        self.items.insert(Key::Tile(*mark, tile), bytes);
    }
}

//! Which path holds what, below a trail's folder.

use store::ObjectPath;
use tlog::{BundleId, Tile, TreeSize};

/// The folder of one trail in the store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    folder: ObjectPath,
}

impl Layout {
    pub(crate) fn new(folder: ObjectPath) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &ObjectPath {
        &self.folder
    }

    /// Joins a path that this crate spelled, which is always well-formed.
    fn at(&self, rest: &str) -> ObjectPath {
        self.folder.join(rest).unwrap_or_else(|_| self.folder.clone())
    }

    pub(crate) fn checkpoint(&self) -> ObjectPath {
        self.at("checkpoint")
    }

    /// The last checkpoint of a UTC day.
    pub(crate) fn archived(&self, day: &str) -> ObjectPath {
        self.at(&format!("checkpoints/{day}"))
    }

    pub(crate) fn journal(&self) -> ObjectPath {
        self.at("journal")
    }

    pub(crate) fn tile(&self, tile: Tile) -> ObjectPath {
        self.at(&tile.path())
    }

    pub(crate) fn bundle(&self, bundle: BundleId) -> ObjectPath {
        self.at(&bundle.path())
    }

    /// The openings of one entry.
    pub(crate) fn opening(&self, index: u64) -> ObjectPath {
        let spelled = BundleId::new(index, tlog::TILE_WIDTH).map(BundleId::path);
        let number = spelled.as_deref().ok().and_then(|path| path.strip_prefix("tile/entries/"));
        self.at(&format!("opening/{}", number.unwrap_or_default()))
    }

    /// The partial tiles and the partial bundle of a tree of this size.
    pub(crate) fn partials(&self, size: TreeSize) -> Vec<ObjectPath> {
        let tiles: Vec<Tile> = Tile::for_size(size).collect();
        let bundle = tiles
            .iter()
            .find(|tile| tile.level() == 0)
            .and_then(|tile| BundleId::new(tile.index(), tile.width()).ok());
        tiles
            .into_iter()
            .map(|tile| self.tile(tile))
            .chain(bundle.map(|bundle| self.bundle(bundle)))
            .collect()
    }
}

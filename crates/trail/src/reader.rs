//! Verified reads: nothing from the store is believed before it is checked.
//!
//! An entry is believed because its hash is in its level-0 tile; a full tile because its root is in
//! the tile above it; the partial tiles at the top because they make the checkpoint's root.

use std::sync::Arc;

use bytes::Bytes;
use event::Opening;
use tlog::{
    BundleId, Checkpoint, ConsistencyProof, Frontier, Hash, InclusionProof, LeafIndex, Receipt,
    Tile, TreeSize, leaf_hash,
};

use crate::openings;
use crate::packed::{ENTRIES_PER_FRAME, Packed, frame_count};
use crate::trail::lock;
use crate::{Corruption, Error, Feed, Published, Recorded, Trail};

/// The partial tiles of a published tree, which make its root.
#[derive(Debug)]
pub(crate) struct CheckedEdge {
    size: TreeSize,
    tiles: Vec<(Tile, Bytes)>,
}

/// The most bytes that one read gives, but for the last event of them.
const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is inflated of a frame beyond where an entry is likely to end: a few common entries.
const START_BYTES_MORE: usize = 4 * 1024;

impl Feed for Trail {
    fn committed_size(&self) -> u64 {
        self.read_view().committed_size
    }

    fn read(&self, from: u64, count_max: usize) -> Result<Vec<Recorded>, Error> {
        let mut list = Vec::new();
        let mut bytes = 0;
        let mut next = from;
        let size = self.committed_size();
        while next < size && list.len() < count_max && bytes < READ_BYTES_MAX {
            let before = list.len();
            self.read_run(next, count_max - before, &mut list)?;
            let new = list.get(before..).unwrap_or_default();
            bytes += new.iter().map(Recorded::size_bytes).sum::<usize>();
            if new.is_empty() {
                return Err(Error::NoEvent { index: next, size });
            }
            next += new.len() as u64;
        }
        Ok(list)
    }

    fn read_many(&self, indexes: &[u64]) -> Result<Vec<Recorded>, Error> {
        let mut list = Vec::with_capacity(indexes.len());
        for index in indexes {
            let before = list.len();
            self.read_run(*index, 1, &mut list)?;
            if list.len() == before {
                return Err(Error::NoEvent { index: *index, size: self.committed_size() });
            }
        }
        Ok(list)
    }
}

impl Trail {
    /// Reads events that lie together: up to the end of a chunk in memory, or of a bundle's frame.
    pub(crate) fn read_run(
        &self,
        from: u64,
        count: usize,
        out: &mut Vec<Recorded>,
    ) -> Result<(), Error> {
        // The tail may be published and dropped between the look and the read; then look again.
        for _ in 0..3 {
            let (chunk, published) = {
                let view = self.read_view();
                if from >= view.committed_size {
                    return Ok(());
                }
                (view.chunk(from).cloned(), Arc::clone(&view.published))
            };
            if let Some(chunk) = chunk {
                let mut bytes = 0;
                for index in (from..chunk.end()).take(count) {
                    let Some(entry) = chunk.entry(index).filter(|_| bytes < READ_BYTES_MAX) else {
                        break;
                    };
                    let recorded = Recorded { index, entry, openings: chunk.openings_of(index) };
                    bytes += recorded.size_bytes();
                    out.push(recorded);
                }
                return Ok(());
            }
            if published.checkpoint.size().contains(LeafIndex::new(from)) {
                match self.read_frame(from, count, &published.checkpoint, out) {
                    // A partial object that was outgrown and removed meanwhile.
                    Err(Error::Corrupt(Corruption::Missing { .. }))
                        if self.published().checkpoint.size() != published.checkpoint.size() => {}
                    result => return result,
                }
            }
        }
        Err(Error::NoEvent { index: from, size: self.committed_size() })
    }

    fn read_frame(
        &self,
        from: u64,
        count: usize,
        checkpoint: &Checkpoint,
        out: &mut Vec<Recorded>,
    ) -> Result<(), Error> {
        let size = checkpoint.size();
        let missing = || Error::NoEvent { index: from, size: size.get() };
        let bundle = BundleId::of_leaf(size, LeafIndex::new(from)).ok_or_else(missing)?;
        let position = usize::try_from(from - bundle.first_leaf().get()).unwrap_or(0);
        let before = out.len();
        self.read_from_frame(bundle, position, count, checkpoint, out).inspect_err(|_| {
            // What is cached was not checked as a whole; once the file is mended it must be read.
            out.truncate(before);
            self.forget_frame(bundle, position / ENTRIES_PER_FRAME);
        })
    }

    fn forget_frame(&self, bundle: BundleId, number: usize) {
        let key = u8::try_from(number).unwrap_or(u8::MAX);
        self.around.cache.forget_frame(&self.mark, bundle, key);
    }

    fn read_from_frame(
        &self,
        bundle: BundleId,
        position: usize,
        count: usize,
        checkpoint: &Checkpoint,
        out: &mut Vec<Recorded>,
    ) -> Result<(), Error> {
        let number = position / ENTRIES_PER_FRAME;
        let first = number * ENTRIES_PER_FRAME;
        let path = self.layout.bundle(bundle);
        let damaged = |what| Corruption::BundleDamaged { path: path.to_string(), what };
        let frame = match count {
            1 => self.start(bundle, number, position - first)?,
            _ => self.frame(bundle, number)?,
        };
        let hashes = self.tile_hashes(Tile::new(0, bundle.index(), bundle.width()), checkpoint)?;
        let (mut at, mut bytes) = (0, 0);
        for (place, hash) in hashes.into_iter().enumerate().skip(first).take(ENTRIES_PER_FRAME) {
            let length = frame.get(at..at + 2).and_then(|b| b.first_chunk::<2>());
            let length = length.ok_or_else(|| damaged("ends too early"))?;
            let end = at + 2 + usize::from(u16::from_be_bytes(*length));
            if end > frame.len() {
                return Err(damaged("ends too early").into());
            }
            let entry = frame.slice(at + 2..end);
            at = end;
            if place < position {
                continue;
            }
            let index = bundle.first_leaf().get() + place as u64;
            if leaf_hash(&entry) != hash {
                return Err(Corruption::LeafMismatch { path: path.to_string(), index }.into());
            }
            let openings = self.openings(index, &entry)?;
            // A reader of one event must not hold on to its neighbours.
            let entry = if count == 1 { Bytes::copy_from_slice(&entry) } else { entry };
            let recorded = Recorded { index, entry, openings };
            bytes += recorded.size_bytes();
            out.push(recorded);
            if place + 1 - position >= count || bytes >= READ_BYTES_MAX {
                break;
            }
        }
        Ok(())
    }

    /// One inflated frame of a bundle. Not checked: its entries are, one by one.
    fn frame(&self, bundle: BundleId, number: usize) -> Result<Bytes, Error> {
        let key = u8::try_from(number).unwrap_or(u8::MAX);
        if let Some(frame) = self.around.cache.frame(&self.mark, bundle, key) {
            return Ok(frame);
        }
        let frame = self.inflate(bundle, |packed| packed.frame(number))?;
        // A partial bundle of a width never changes either.
        self.around.cache.keep_frame(&self.mark, bundle, key, frame.clone());
        Ok(frame)
    }

    /// A frame at least up to the end of one of its entries: what lies scattered is read without
    /// inflating all that follows. The whole frame is inflated when more of it is needed later.
    fn start(&self, bundle: BundleId, number: usize, place: usize) -> Result<Bytes, Error> {
        let key = u8::try_from(number).unwrap_or(u8::MAX);
        let cache = &self.around.cache;
        let reaches = |start: &[u8]| bundle.entries(start).nth(place).is_some_and(|e| e.is_ok());
        if let Some(frame) = cache.frame(&self.mark, bundle, key) {
            return Ok(frame);
        }
        if let Some(start) = cache.start(&self.mark, bundle, key) {
            return if reaches(&start) { Ok(start) } else { self.frame(bundle, number) };
        }
        let mut size = 0;
        let start = self.inflate(bundle, |packed| {
            let entries = usize::from(bundle.width()) - number * ENTRIES_PER_FRAME;
            // A guess by the mean, and a little more: a wrong one costs the whole frame.
            let entries = entries.min(ENTRIES_PER_FRAME);
            size = packed.frame_size(number)?;
            packed.frame_start(number, size / entries * (place + 1) + START_BYTES_MORE)
        })?;
        if !reaches(&start) {
            return self.frame(bundle, number);
        }
        if start.len() == size {
            cache.keep_frame(&self.mark, bundle, key, start.clone());
        } else {
            cache.keep_start(&self.mark, bundle, key, start.clone());
        }
        Ok(start)
    }

    /// What is inflated of a stored bundle.
    fn inflate(
        &self,
        bundle: BundleId,
        inflate: impl FnOnce(&Packed<'_>) -> Option<Vec<u8>>,
    ) -> Result<Bytes, Error> {
        let path = self.layout.bundle(bundle);
        let (stored, width) = match self.store.get(&path)? {
            Some(stored) => (stored, bundle.width()),
            // Outgrown: the wider bundle begins with the same entries.
            None => {
                let missing = || Corruption::Missing { path: path.to_string() };
                self.wider(bundle)?.ok_or_else(missing)?
            }
        };
        let damaged = |what| Corruption::BundleDamaged { path: path.to_string(), what };
        let packed = Packed::open(&stored).ok_or_else(|| damaged("is not a packed bundle"))?;
        if packed.frame_count() != frame_count(width) {
            return Err(damaged("has another number of frames").into());
        }
        Ok(inflate(&packed).ok_or_else(|| damaged("cannot be inflated"))?.into())
    }

    /// What a bundle is stored as that was outgrown, with how many entries that has.
    fn wider(&self, bundle: BundleId) -> Result<Option<(Bytes, u16)>, Error> {
        let published = self.published().checkpoint.size();
        let now =
            BundleId::at(published, bundle.index()).filter(|now| now.width() > bundle.width());
        match now {
            Some(now) => {
                let stored = self.store.get(&self.layout.bundle(now))?;
                Ok(stored.map(|stored| (stored, now.width())))
            }
            None => Ok(None),
        }
    }

    /// The values that were detached from an entry, each checked against its commitment.
    fn openings(&self, index: u64, entry: &[u8]) -> Result<Vec<Opening>, Error> {
        let detached = openings::detached(entry);
        if detached.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.layout.opening(index);
        let stored = self.store.get(&path)?;
        let stored = stored.ok_or_else(|| Corruption::Missing { path: path.to_string() })?;
        let plain = Packed::open(&stored).and_then(|packed| packed.unpack());
        let list = plain.and_then(|plain| openings::read_all(&plain)).unwrap_or_default();
        openings::admitted(&detached, list).map_err(|at| {
            let path = path.to_string();
            Corruption::OpeningMismatch { path, index, at }.into()
        })
    }

    /// The bytes of a tile as the store has it: not checked.
    pub(crate) fn stored_tile(&self, tile: Tile) -> Result<Bytes, Error> {
        let path = self.layout.tile(tile);
        if let Some(bytes) = self.store.get(&path)? {
            return Ok(bytes);
        }
        // Outgrown: cut it from the wider one.
        let published = self.published().checkpoint.size();
        if let Some(now) = Tile::at(published, tile.level(), tile.index())
            && now.width() > tile.width()
            && let Some(bytes) = self.store.get(&self.layout.tile(now))?
            && bytes.len() >= tile.len_bytes()
        {
            return Ok(bytes.slice(..tile.len_bytes()));
        }
        Err(Corruption::Missing { path: path.to_string() }.into())
    }

    /// The hashes of a tile of a published tree, checked up to its root.
    pub(crate) fn tile_hashes(
        &self,
        tile: Result<Tile, tlog::Error>,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Hash>, Error> {
        let tile = tile.map_err(|_| Error::Stopped)?;
        let bytes = self.checked_tile(tile, checkpoint)?;
        let mismatch = || Corruption::TileMismatch { path: self.layout.tile(tile).to_string() };
        Ok(tile.hashes(&bytes).map_err(|_| mismatch())?.collect())
    }

    fn checked_tile(&self, tile: Tile, checkpoint: &Checkpoint) -> Result<Bytes, Error> {
        if !tile.is_full() {
            return self.checked_edge(tile, checkpoint);
        }
        if let Some(bytes) = self.around.cache.tile(&self.mark, tile) {
            return Ok(bytes);
        }
        let mismatch = || Corruption::TileMismatch { path: self.layout.tile(tile).to_string() };
        let bytes = self.stored_tile(tile)?;
        if self.around.cache.knows_tile(&self.mark, tile, &bytes) {
            self.around.cache.keep_tile(&self.mark, tile, bytes.clone());
            return Ok(bytes);
        }
        let mut frontier = Frontier::new();
        for hash in tile.hashes(&bytes).map_err(|_| mismatch())? {
            frontier.push(hash);
        }
        let (parent, place) = (tile.index() / 256, tile.index() % 256);
        let parent = Tile::at(checkpoint.size(), tile.level() + 1, parent).ok_or_else(mismatch)?;
        let hashes = self.tile_hashes(Ok(parent), checkpoint)?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if hashes.get(place) != Some(&frontier.root()) {
            return Err(mismatch().into());
        }
        self.around.cache.know_tile(&self.mark, tile, &bytes);
        self.around.cache.keep_tile(&self.mark, tile, bytes.clone());
        Ok(bytes)
    }

    /// A partial tile of the right edge: believed when the whole edge makes the root.
    fn checked_edge(&self, tile: Tile, checkpoint: &Checkpoint) -> Result<Bytes, Error> {
        let size = checkpoint.size();
        let kept = lock(&self.edge).clone().filter(|edge| edge.size == size);
        let edge = match kept {
            Some(edge) => edge,
            None => {
                let tiles = self.load_tiles(size, checkpoint.root())?.partials();
                let tiles = tiles.into_iter().map(|(tile, bytes)| (tile, bytes.into())).collect();
                let edge = Arc::new(CheckedEdge { size, tiles });
                *lock(&self.edge) = Some(Arc::clone(&edge));
                edge
            }
        };
        let found = edge.tiles.iter().find(|(partial, _)| *partial == tile);
        let path = self.layout.tile(tile).to_string();
        Ok(found.ok_or(Corruption::TileMismatch { path })?.1.clone())
    }

    /// The receipt of an event: entry, openings, inclusion proof, published checkpoint.
    ///
    /// # Errors
    /// [`Error::NotPublished`] while no checkpoint covers the event.
    pub fn receipt(&self, index: u64) -> Result<Receipt, Error> {
        let published = self.published();
        let size = published.checkpoint.size();
        let leaf = LeafIndex::new(index);
        if index >= self.committed_size() {
            return Err(Error::NoEvent { index, size: self.committed_size() });
        }
        if !size.contains(leaf) {
            return Err(Error::NotPublished { index, size: size.get() });
        }
        let recorded = self.read_one(index)?;
        let reader = |tile: Tile| self.checked_tile(tile, &published.checkpoint);
        let proof = InclusionProof::build(&reader, leaf, size).map_err(unwrap_build)?;
        Ok(Receipt {
            extra: Some(crate::extra::encode(&recorded)),
            index: leaf,
            proof,
            checkpoint_note: published.note.to_string(),
        })
    }

    /// The proof that the tree at one published size extends the tree at an older one.
    pub fn consistency(&self, older: u64, newer: u64) -> Result<ConsistencyProof, Error> {
        let published = self.published();
        let size = published.checkpoint.size().get();
        if newer > size || older > newer {
            return Err(Error::NotPublished { index: newer.max(older), size });
        }
        let reader = |tile: Tile| {
            let now = Tile::at(published.checkpoint.size(), tile.level(), tile.index());
            let now = now.unwrap_or(tile);
            let bytes = self.checked_tile(now, &published.checkpoint)?;
            Ok::<_, Error>(bytes.get(..tile.len_bytes()).unwrap_or_default().to_vec())
        };
        let (older, newer) = (TreeSize::new(older), TreeSize::new(newer));
        ConsistencyProof::build(&reader, older, newer).map_err(unwrap_build)
    }

    /// The signed checkpoint of the last entry of a UTC day, such as `2026-11-21`. `None` when the
    /// day has no entry, or when no entry of a later day is published yet.
    ///
    /// # Errors
    /// [`Corruption::CheckpointUnsigned`] for one that this trail did not sign.
    pub fn last_checkpoint_of(&self, day: &str) -> Result<Option<Published>, Error> {
        let path = self.layout.archived(day);
        let Some(note) = self.store.get(&path)? else { return Ok(None) };
        let unsigned = || Corruption::CheckpointUnsigned { path: path.to_string() };
        let note = std::str::from_utf8(&note).map_err(|_| unsigned())?;
        let checkpoint = Checkpoint::open(note, Some(&self.origin), &[self.verifier()])
            .map_err(|_| unsigned())?;
        Ok(Some(Published { checkpoint, note: note.into() }))
    }

    /// A resource of the static read path (C2SP tlog-tiles), as plain bytes: `checkpoint`,
    /// `tile/…` or `tile/entries/…`. `None` when the published tree does not have it.
    pub fn resource(&self, path: &str) -> Result<Option<Bytes>, Error> {
        let published = self.published();
        let size = published.checkpoint.size();
        if path == "checkpoint" {
            return Ok(Some(Bytes::copy_from_slice(published.note.as_bytes())));
        }
        if let Ok(bundle) = BundleId::parse_path(path) {
            let Some(now) = BundleId::at(size, bundle.index()) else { return Ok(None) };
            if now.width() < bundle.width() {
                return Ok(None);
            }
            let plain = self.checked_bundle(now, &published.checkpoint)?;
            return Ok(Some(cut_bundle(plain, bundle.width())));
        }
        let Ok(tile) = Tile::parse_path(path) else { return Ok(None) };
        let Some(now) = Tile::at(size, tile.level(), tile.index()) else { return Ok(None) };
        if now.width() < tile.width() {
            return Ok(None);
        }
        let bytes = self.checked_tile(now, &published.checkpoint)?;
        // What was checked has the size that its name says.
        Ok(Some(bytes.slice(..tile.len_bytes().min(bytes.len()))))
    }

    /// The plain bytes of a bundle of a published tree, each entry checked.
    fn checked_bundle(&self, bundle: BundleId, checkpoint: &Checkpoint) -> Result<Vec<u8>, Error> {
        let mut plain = Vec::new();
        for number in 0..frame_count(bundle.width()) {
            plain.extend_from_slice(&self.frame(bundle, number)?);
        }
        let path = self.layout.bundle(bundle).to_string();
        let hashes = self.tile_hashes(Tile::new(0, bundle.index(), bundle.width()), checkpoint)?;
        let mut entries = bundle.entries(&plain);
        let mut leaves = (bundle.first_leaf().get()..).zip(hashes);
        let mut wrong = leaves
            .find(|(_, hash)| entries.next().and_then(Result::ok).map(leaf_hash) != Some(*hash))
            .map(|(index, _)| Corruption::LeafMismatch { path: path.clone(), index });
        // A partial one may have been read from the wider one that took its place.
        let is_full = bundle.width() == tlog::TILE_WIDTH;
        if wrong.is_none() && is_full && entries.next().is_some() {
            let what = "does not have the entries that its name says";
            wrong = Some(Corruption::BundleDamaged { path, what });
        }
        match wrong {
            None => Ok(plain),
            Some(wrong) => {
                (0..frame_count(bundle.width())).for_each(|at| self.forget_frame(bundle, at));
                Err(wrong.into())
            }
        }
    }
}

/// The first entries of a bundle.
fn cut_bundle(plain: Vec<u8>, width: u16) -> Bytes {
    let mut at = 0;
    for _ in 0..width {
        let Some(length) = plain.get(at..at + 2).and_then(|b| b.first_chunk::<2>()) else { break };
        at += 2 + usize::from(u16::from_be_bytes(*length));
    }
    let end = at.min(plain.len());
    Bytes::from(plain).slice(..end)
}

fn unwrap_build(error: tlog::BuildError<Error>) -> Error {
    match error {
        tlog::BuildError::Read(error) => error,
        tlog::BuildError::Invalid(_) => Error::Stopped,
    }
}

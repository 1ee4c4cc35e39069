//! From committed entries to bundles, tiles and a signed checkpoint.
//!
//! Every step can be done again: objects are write-once, and doing the same twice changes nothing.
//! The checkpoint is replaced last, so that it never names what is not there.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use event::format_micros;
use store::Object;
use tlog::{BundleId, Checkpoint, Hash, TILE_WIDTH, Tile, TileBuilder, TreeSize, leaf_hash};

use crate::head::Head;
use crate::packed::{self, ENTRIES_PER_FRAME, Packed, pack};
use crate::stage::Chunk;
use crate::trail::lock;
use crate::{Corruption, Error, Published, Trail};

/// The right edge of the published tree, kept while a trail is busy.
#[derive(Debug)]
pub(crate) struct Publisher {
    edge: Option<Edge>,
    /// The UTC day of the published checkpoint, as `2026-11-21`.
    day: String,
    /// Sizes that could not be published, of which some objects may be there.
    attempted: Vec<TreeSize>,
    /// Partial objects that are no longer published and could not be removed yet.
    outgrown: Vec<store::ObjectPath>,
}

#[derive(Debug)]
struct Edge {
    tiles: TileBuilder,
    /// The partial bundle: entries, each after its length.
    framed: Vec<u8>,
    /// Where each of its entries begins, its length included.
    starts: Vec<usize>,
}

impl Publisher {
    pub(crate) fn new(recorded_at_micros: i64) -> Self {
        Self {
            edge: None,
            day: day(recorded_at_micros),
            attempted: Vec::new(),
            outgrown: Vec::new(),
        }
    }

    pub(crate) fn rest(&mut self) {
        self.edge = None;
    }
}

fn day(micros: i64) -> String {
    format_micros(micros).split('T').next().unwrap_or_default().to_owned()
}

/// The UTC day that an entry was recorded on: its format puts `recorded_at` at a fixed place.
pub(crate) fn day_of(entry: &[u8]) -> Option<&str> {
    let rest = entry.strip_prefix(b"{\"v\":1,\"recorded_at\":\"")?;
    std::str::from_utf8(rest.get(..10)?).ok()
}

impl Trail {
    /// Publishes all that is committed. True when there was something to publish.
    ///
    /// # Errors
    /// Nothing is lost: it can be tried again, unless the trail is [stopped](Trail::is_stopped).
    pub fn publish(&self) -> Result<bool, Error> {
        let mut publisher = lock(&self.publisher);
        let before = self.published();
        let (head, segment) = {
            let mut writer = lock(&self.writer);
            if writer.is_stopped() {
                return Err(Error::Stopped);
            }
            if writer.head().size == before.checkpoint.size() {
                drop(writer);
                return self.remove_outgrown(&mut publisher).map(|()| false);
            }
            writer.rotate()?
        };
        let edge = match publisher.edge.take() {
            Some(edge) => edge,
            None => self.load_edge(&before.checkpoint)?,
        };
        let chunks = self.read_view().chunks_from(before.checkpoint.size().get());
        // Kept only when all went well: what failed is done again, and the day may end in it.
        let mut day = publisher.day.clone();
        let result = self.publish_edge(edge, &before, &head, &chunks, &mut day);
        let edge = result.inspect_err(|error| {
            if matches!(error, Error::Stopped | Error::Corrupt(_)) {
                lock(&self.writer).stop();
            }
            // Tried again and again while nothing is appended, it is the same size.
            if publisher.attempted.last() != Some(&head.size) {
                publisher.attempted.push(head.size);
            }
        })?;
        publisher.edge = Some(edge);
        publisher.day = day;
        publisher.attempted.push(before.checkpoint.size());
        for older in std::mem::take(&mut publisher.attempted) {
            publisher.outgrown.extend(self.outgrown(older, head.size));
        }
        self.project_ids(&head, &chunks)?;
        // Before the journal lets go: a start that finds nothing in it looks for nothing to remove.
        let removed = self.remove_outgrown(&mut publisher);
        lock(&self.writer).retire(segment, head.size.get())?;
        removed.map(|()| true)
    }

    fn publish_edge(
        &self,
        mut edge: Edge,
        before: &Published,
        head: &Head,
        chunks: &[Arc<Chunk>],
        last_day: &mut String,
    ) -> Result<Edge, Error> {
        let mut objects = self.bundles(&mut edge, head.size, chunks, last_day)?;
        let full: Vec<(Tile, Bytes)> =
            edge.tiles.take_full().into_iter().map(|(tile, bytes)| (tile, bytes.into())).collect();
        let partial = edge.tiles.partials().into_iter().map(|(tile, bytes)| (tile, bytes.into()));
        objects.extend(
            full.iter()
                .cloned()
                .chain(partial)
                .map(|(tile, bytes)| Object { path: self.layout.tile(tile), bytes }),
        );
        if edge.tiles.size() != head.size || edge.tiles.root() != head.root {
            let path = self.layout.journal().to_string();
            return Err(Corruption::JournalDetached { path }.into());
        }
        objects.extend(self.opening_objects(before.checkpoint.size(), head.size, chunks)?);
        self.create_objects(objects)?;
        // Only what is committed is ever signed.
        let checkpoint =
            Checkpoint::new(&self.origin, head.size, head.root).map_err(|_| Error::Stopped)?;
        let note = checkpoint.sign(std::slice::from_ref(self.keys.signing()));
        self.store.replace(&self.layout.checkpoint(), note.as_bytes())?;
        let vkey = self.verifier().to_string();
        if let Err(error) = self.around.watermark.remember(&vkey, &note) {
            tracing::error!(origin = %self.origin, %error, "the checkpoint cannot be remembered elsewhere");
        }
        for (tile, bytes) in &full {
            self.around.cache.know_tile(&self.mark, *tile, bytes);
        }
        let size = checkpoint.size().get();
        let published = Published { checkpoint, note: note.into() };
        self.view.write().unwrap_or_else(PoisonError::into_inner).publish(published);
        self.published.send_replace(size);
        Ok(edge)
    }

    /// The edge of the published tree, from the store, checked against the checkpoint.
    fn load_edge(&self, checkpoint: &Checkpoint) -> Result<Edge, Error> {
        let size = checkpoint.size();
        let tiles = self.load_tiles(size, checkpoint.root())?;
        let mut edge = Edge { tiles, framed: Vec::new(), starts: Vec::new() };
        let Some(bundle) = Tile::for_size(size)
            .find(|tile| tile.level() == 0)
            .and_then(|tile| BundleId::new(tile.index(), tile.width()).ok())
        else {
            return Ok(edge);
        };
        let path = self.layout.bundle(bundle);
        let damaged = |what| Corruption::BundleDamaged { path: path.to_string(), what };
        let stored = self.store.get(&path)?;
        let stored = stored.ok_or_else(|| Corruption::Missing { path: path.to_string() })?;
        let plain = packed::plain(&stored).ok_or_else(|| damaged("cannot be inflated"))?;
        let hashes = self.tile_hashes(Tile::new(0, bundle.index(), bundle.width()), checkpoint)?;
        for (entry, hash) in bundle.entries(&plain).zip(hashes) {
            let entry = entry.map_err(|_| damaged("cannot be read as entries"))?;
            if leaf_hash(entry) != hash {
                let index = bundle.first_leaf().get() + edge.starts.len() as u64;
                return Err(Corruption::LeafMismatch { path: path.to_string(), index }.into());
            }
            edge.push(entry);
        }
        Ok(edge)
    }

    /// The tiles' right edge at a size, checked against its root.
    pub(crate) fn load_tiles(&self, size: TreeSize, root: Hash) -> Result<TileBuilder, Error> {
        let mut failed = None;
        let tiles = TileBuilder::from_partials(size, |tile| match self.stored_tile(tile) {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        match (tiles, failed) {
            (_, Some(error)) => Err(error),
            (Ok(tiles), None) if tiles.root() == root => Ok(tiles),
            _ => {
                let path = self.layout.checkpoint().to_string();
                Err(Corruption::RootMismatch { path, size: size.get() }.into())
            }
        }
    }

    /// The bundles that are new in a tree of this size. Leaf hashes are taken from the bytes that
    /// will be written, inflated again, so that a bit that flips on the way is never signed.
    fn bundles(
        &self,
        edge: &mut Edge,
        size: TreeSize,
        chunks: &[Arc<Chunk>],
        last_day: &mut String,
    ) -> Result<Vec<Object>, Error> {
        let mut objects = Vec::new();
        let mut hashed = edge.starts.len();
        let mut next = edge.tiles.size().get();
        for chunk in chunks {
            for index in next.max(chunk.first)..chunk.end().min(size.get()) {
                let Some(entry) = chunk.entry(index) else { break };
                if let Some(today) = day_of(&entry).filter(|today| *today != last_day) {
                    if index > 0 {
                        objects.push(self.day_checkpoint(edge, hashed, index, last_day)?);
                    }
                    today.clone_into(last_day);
                }
                edge.push(&entry);
                next = index + 1;
                if edge.starts.len() == usize::from(TILE_WIDTH) {
                    objects.push(self.seal(edge, index / u64::from(TILE_WIDTH), hashed)?);
                    edge.framed.clear();
                    edge.starts.clear();
                    hashed = 0;
                }
            }
        }
        if edge.starts.len() > hashed {
            objects.push(self.seal(edge, size.get() / u64::from(TILE_WIDTH), hashed)?);
        }
        Ok(objects)
    }

    /// The checkpoint of the last entry of a day, which is kept for ever. All of it is committed.
    fn day_checkpoint(
        &self,
        edge: &Edge,
        hashed: usize,
        size: u64,
        day: &str,
    ) -> Result<Object, Error> {
        let mut frontier = edge.tiles.frontier().clone();
        let bounds = edge.starts.iter().copied().chain([edge.framed.len()]);
        let bounds: Vec<usize> = bounds.skip(hashed).collect();
        for pair in bounds.windows(2) {
            let [start, end] = pair else { continue };
            frontier.push(leaf_hash(edge.framed.get(start + 2..*end).unwrap_or_default()));
        }
        let checkpoint = Checkpoint::new(&self.origin, TreeSize::new(size), frontier.root())
            .map_err(|_| Error::Stopped)?;
        let note = checkpoint.sign(std::slice::from_ref(self.keys.signing()));
        Ok(Object { path: self.layout.archived(day), bytes: note.into_bytes().into() })
    }

    /// One bundle as it will be written; its entries from `hashed` on become leaves.
    fn seal(&self, edge: &mut Edge, number: u64, hashed: usize) -> Result<Object, Error> {
        let width = u16::try_from(edge.starts.len()).unwrap_or(TILE_WIDTH);
        let bundle = BundleId::new(number, width).map_err(|_| Error::Stopped)?;
        let path = self.layout.bundle(bundle);
        let damaged = |what| Corruption::BundleDamaged { path: path.to_string(), what };
        // There is no hurry here, and appends that wait for a processor would wait for the next tick.
        std::thread::yield_now();
        let bytes = pack(&edge.pieces()).map_err(|_| damaged("cannot be packed"))?;
        std::thread::yield_now();
        let written = Packed::open(&bytes).and_then(|packed| packed.unpack());
        let written = written.ok_or_else(|| damaged("cannot be inflated after packing"))?;
        for entry in bundle.entries(&written).skip(hashed) {
            let entry = entry.map_err(|_| damaged("cannot be read after packing"))?;
            edge.tiles.push(leaf_hash(entry));
        }
        Ok(Object { path, bytes: bytes.into() })
    }

    /// The openings of the entries between two sizes, one object an entry.
    fn opening_objects(
        &self,
        from: TreeSize,
        to: TreeSize,
        chunks: &[Arc<Chunk>],
    ) -> Result<Vec<Object>, Error> {
        let mut objects = Vec::new();
        for chunk in chunks {
            let mut openings = chunk.openings.iter().peekable();
            while let Some((index, opening)) = openings.next() {
                let mut plain = Vec::new();
                crate::openings::write(&mut plain, opening);
                while let Some((_, more)) = openings.next_if(|(next, _)| next == index) {
                    crate::openings::write(&mut plain, more);
                }
                if (from.get()..to.get()).contains(index) {
                    let path = self.layout.opening(*index);
                    let damaged = |what| Corruption::BundleDamaged { path: path.to_string(), what };
                    let bytes = pack(&[&plain]).map_err(|_| damaged("cannot be packed"))?;
                    let written = Packed::open(&bytes).and_then(|packed| packed.unpack());
                    if written.is_none_or(|written| written != plain) {
                        return Err(damaged("is another one after packing").into());
                    }
                    objects.push(Object { path, bytes: bytes.into() });
                }
            }
        }
        Ok(objects)
    }

    /// Creates objects. One that is there already is the same if its plain bytes are, in the same
    /// frames: another version of the compressor may have packed them otherwise.
    fn create_objects(&self, mut objects: Vec<Object>) -> Result<(), Error> {
        loop {
            let Err(error) = self.store.create(&objects) else { return Ok(()) };
            let store::Error::Conflict { path } = &error else { return Err(error.into()) };
            let theirs = self.store.get(path)?;
            let ours = objects.iter_mut().find(|object| object.path == *path);
            let same = ours.zip(theirs).filter(|(ours, theirs)| {
                ours.bytes != *theirs && packed::are_same(&ours.bytes, theirs)
            });
            let Some((ours, theirs)) = same else {
                let (path, what) = (path.to_string(), "another one is there");
                return Err(Corruption::BundleDamaged { path, what }.into());
            };
            // Created with its own bytes, so that it is known to be durable.
            ours.bytes = theirs;
        }
    }

    /// Partial objects of the older size that the newer size does not have.
    fn outgrown(&self, older: TreeSize, newer: TreeSize) -> Vec<store::ObjectPath> {
        let kept = self.layout.partials(newer);
        let mut gone = self.layout.partials(older);
        gone.retain(|path| !kept.contains(path));
        gone
    }

    /// Removes what is outgrown, also from publications that could not.
    fn remove_outgrown(&self, publisher: &mut Publisher) -> Result<(), Error> {
        if !publisher.outgrown.is_empty() {
            self.store.remove(&publisher.outgrown)?;
            publisher.outgrown.clear();
        }
        Ok(())
    }

    fn project_ids(&self, head: &Head, chunks: &[Arc<Chunk>]) -> Result<(), Error> {
        let ids = &self.around.ids;
        let done = ids.projected_size(&self.mark).map_err(Error::Ids)?;
        if chunks.first().is_some_and(|chunk| chunk.first > done) {
            // An earlier publication could not project its own.
            return self.catch_up_ids();
        }
        let wanted = done..head.size.get();
        let all = chunks.iter().flat_map(|chunk| &chunk.keys).copied();
        let keys: Vec<_> = all.filter(|(_, index)| wanted.contains(index)).collect();
        ids.extend(&self.mark, &keys, head.size.get()).map_err(Error::Ids)
    }
}

impl Edge {
    fn push(&mut self, entry: &[u8]) {
        self.starts.push(self.framed.len());
        // An entry came out of a frame that counted it with a `u16`.
        let size = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        self.framed.extend_from_slice(&size.to_be_bytes());
        self.framed.extend_from_slice(entry);
    }

    fn pieces(&self) -> Vec<&[u8]> {
        let bounds: Vec<usize> = self
            .starts
            .iter()
            .step_by(ENTRIES_PER_FRAME)
            .copied()
            .chain([self.framed.len()])
            .collect();
        bounds
            .windows(2)
            .filter_map(|pair| match pair {
                [start, end] => self.framed.get(*start..*end),
                _ => None,
            })
            .collect()
    }
}

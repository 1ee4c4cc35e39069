//! Recomputes everything from the store: every leaf, tile, root, signature and opening, and that
//! the journal continues the tiles.
//!
//! One function serves the command, the nightly scrub and the simulator. It reads only, and goes on
//! after a fault, so that one report names them all (up to [`PROBLEMS_MAX`]).

use std::collections::{BTreeMap, HashSet};

use event::Entry;
use store::{ObjectPath, Store};
use tlog::{
    BundleId, Checkpoint, Frontier, TILE_WIDTH, Tile, TileBuilder, TreeSize, VerifierKey, leaf_hash,
};

use crate::head::Head;
use crate::layout::Layout;
use crate::packed::Packed;
use crate::publish::day_of;
use crate::stage::Chunk;
use crate::{Corruption, Error, Keys, Trail};

/// Faults that one report names; a trail with more is beyond reading.
const PROBLEMS_MAX: usize = 1_000;

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Entries in the published tree.
    pub published_size: u64,
    /// Entries that are committed.
    pub committed_size: u64,
    /// Entries whose leaf was recomputed.
    pub checked: u64,
    /// Detached values that were compared with their commitments.
    pub openings: u64,
    /// Every contradiction, with its place.
    pub problems: Vec<Corruption>,
    /// What is not wrong but a person should know, such as tails that were cut after a crash.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether the trail is what it says.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problem: Corruption) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

/// Checks one trail. `progress` is told how many entries were checked so far.
///
/// # Errors
/// Only when the store cannot be read at all; what is wrong with the trail is in the report.
pub fn check(
    store: &dyn Store,
    slug: &str,
    origin: &str,
    keys: &Keys,
    remembered: Option<&str>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, Error> {
    let layout = Layout::new(Trail::folder(slug)?);
    let vkeys = [keys.verifier()];
    let mut checker = Checker {
        store,
        origin,
        vkeys: &vkeys,
        known: store.list(layout.folder())?.into_iter().collect(),
        layout,
        report: Report::default(),
        tiles: TileBuilder::new(),
        roots: BTreeMap::new(),
        day: String::new(),
    };
    let checkpoint = checker.checkpoint()?;
    if let Some(note) = remembered {
        checker.remembered(note);
    }
    if let Some(checkpoint) = &checkpoint {
        checker.entries(checkpoint.size(), progress)?;
        checker.edge(checkpoint)?;
    }
    checker.journal(keys, checkpoint.as_ref())?;
    checker.extra();
    Ok(checker.report)
}

struct Checker<'a> {
    store: &'a dyn Store,
    layout: Layout,
    origin: &'a str,
    vkeys: &'a [VerifierKey],
    /// Paths that nothing has accounted for yet.
    known: HashSet<ObjectPath>,
    report: Report,
    tiles: TileBuilder,
    /// Roots that the tree must have at certain sizes, and who says so.
    roots: BTreeMap<TreeSize, Vec<(tlog::Hash, String)>>,
    /// The UTC day of the entry before.
    day: String,
}

impl Checker<'_> {
    fn read(&mut self, path: &ObjectPath) -> Result<Option<bytes::Bytes>, Error> {
        self.known.remove(path);
        let bytes = self.store.get(path)?;
        if bytes.is_none() {
            self.report.add(Corruption::Missing { path: path.to_string() });
        }
        Ok(bytes)
    }

    fn open(&mut self, note: &[u8], path: &str) -> Option<Checkpoint> {
        let checkpoint = std::str::from_utf8(note)
            .ok()
            .and_then(|note| Checkpoint::open(note, Some(self.origin), self.vkeys).ok());
        if checkpoint.is_none() {
            self.report.add(Corruption::CheckpointUnsigned { path: path.to_owned() });
        }
        checkpoint
    }

    fn checkpoint(&mut self) -> Result<Option<Checkpoint>, Error> {
        let path = self.layout.checkpoint();
        let Some(note) = self.read(&path)? else { return Ok(None) };
        let checkpoint = self.open(&note, path.as_str());
        if let Some(checkpoint) = &checkpoint {
            self.report.published_size = checkpoint.size().get();
            self.expect_root(checkpoint, path.to_string());
        }
        Ok(checkpoint)
    }

    fn expect_root(&mut self, checkpoint: &Checkpoint, path: String) {
        self.roots.entry(checkpoint.size()).or_default().push((checkpoint.root(), path));
    }

    /// Where a day ends, its last checkpoint must be kept and say what the tree is there.
    fn day(&mut self, index: u64, entry: &[u8]) -> Result<(), Error> {
        let Some(today) = day_of(entry).filter(|today| *today != self.day) else { return Ok(()) };
        let last = std::mem::replace(&mut self.day, today.to_owned());
        if index == 0 {
            return Ok(());
        }
        let path = self.layout.archived(&last);
        let Some(note) = self.read(&path)? else { return Ok(()) };
        if let Some(checkpoint) = self.open(&note, path.as_str())
            && (checkpoint.size().get() != index || checkpoint.root() != self.tiles.root())
        {
            self.report.add(Corruption::RootMismatch { path: path.to_string(), size: index });
        }
        Ok(())
    }

    fn remembered(&mut self, note: &str) {
        let path = "the remembered checkpoint";
        if let Some(checkpoint) = self.open(note.as_bytes(), path) {
            self.expect_prefix(&checkpoint, path.to_owned());
        }
    }

    fn expect_prefix(&mut self, checkpoint: &Checkpoint, path: String) {
        let (from, to) = (checkpoint.size().get(), self.report.published_size);
        if from > to {
            self.report.add(Corruption::SizeWentBack { from, to });
        } else {
            self.expect_root(checkpoint, path);
        }
    }

    /// Every bundle, the level-0 tiles beside them, and the tiles above as they fill.
    fn entries(&mut self, size: TreeSize, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        self.compare_root(TreeSize::ZERO);
        for bundle in BundleId::every(size) {
            self.bundle(bundle)?;
            // Whatever the bundle was like, the tree goes on from the leaves it should have.
            for (tile, bytes) in self.tiles.take_full() {
                self.tile(tile, &bytes)?;
            }
            progress(self.report.checked);
        }
        Ok(())
    }

    fn bundle(&mut self, bundle: BundleId) -> Result<(), Error> {
        let path = self.layout.bundle(bundle);
        let tile = Tile::new(0, bundle.index(), bundle.width()).map_err(|_| Error::Stopped)?;
        let stored_tile = self.store.get(&self.layout.tile(tile))?;
        let hashes: Vec<tlog::Hash> = stored_tile
            .as_deref()
            .and_then(|bytes| tile.hashes(bytes).ok().map(Iterator::collect))
            .unwrap_or_default();
        let stored = self.read(&path)?;
        let plain = stored.as_deref().and_then(|bytes| self.inflate(bytes, &path));
        let mut position = 0_u64;
        let mut entries = plain.as_deref().map(|plain| bundle.entries(plain));
        for place in 0..u64::from(bundle.width()) {
            let index = bundle.first_leaf().get() + place;
            let hash = usize::try_from(place).ok().and_then(|place| hashes.get(place)).copied();
            let entry = entries.as_mut().and_then(Iterator::next).and_then(Result::ok);
            let leaf = entry.map(leaf_hash);
            if let (Some(leaf), Some(hash)) = (leaf, hash)
                && leaf != hash
            {
                self.report.add(Corruption::LeafMismatch { path: path.to_string(), index });
            }
            if let Some(entry) = entry {
                position += 1;
                self.day(index, entry)?;
                self.openings(index, entry)?;
            }
            // Prefer what the tile says where the entry is unreadable, to go on with the next.
            self.tiles.push(leaf.or(hash).unwrap_or(tlog::Hash::EMPTY_ROOT));
            self.compare_root(TreeSize::new(index + 1));
        }
        self.report.checked += position;
        let trailing = entries.is_some_and(|mut entries| entries.next().is_some());
        if plain.is_some() && (trailing || position < u64::from(bundle.width())) {
            let what = "does not have the entries that its name says";
            self.report.add(Corruption::BundleDamaged { path: path.to_string(), what });
        }
        Ok(())
    }

    fn inflate(&mut self, bytes: &[u8], path: &ObjectPath) -> Option<Vec<u8>> {
        let packed = Packed::open(bytes).filter(Packed::is_intact);
        let plain = packed.and_then(|packed| packed.unpack());
        if plain.is_none() {
            let what = "is not what was written";
            self.report.add(Corruption::BundleDamaged { path: path.to_string(), what });
        }
        plain
    }

    /// The tree's root at a size, where someone claims to know it.
    fn compare_root(&mut self, size: TreeSize) {
        let Some(claims) = self.roots.remove(&size) else { return };
        let root = self.tiles.root();
        for (claimed, path) in claims {
            if claimed != root {
                self.report.add(Corruption::RootMismatch { path, size: size.get() });
            }
        }
    }

    fn tile(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), Error> {
        let path = self.layout.tile(tile);
        if self.read(&path)?.is_some_and(|stored| stored.as_ref() != bytes) {
            self.report.add(Corruption::TileMismatch { path: path.to_string() });
        }
        Ok(())
    }

    /// The partial tiles at the right edge.
    fn edge(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        for (tile, bytes) in self.tiles.partials() {
            self.tile(tile, &bytes)?;
        }
        debug_assert_eq!(self.tiles.size(), checkpoint.size());
        Ok(())
    }

    fn openings(&mut self, index: u64, entry: &[u8]) -> Result<(), Error> {
        if memchr::memmem::find(entry, b"\"detached\":[").is_none() {
            return Ok(());
        }
        let text = std::str::from_utf8(entry).unwrap_or_default();
        let detached = Entry::parse(text).map(|entry| entry.detached).unwrap_or_default();
        if detached.is_empty() {
            return Ok(());
        }
        let path = self.layout.opening(index);
        let Some(stored) = self.read(&path)? else { return Ok(()) };
        let plain = self.inflate(&stored, &path);
        let list = plain.and_then(|plain| crate::openings::read_all(&plain)).unwrap_or_default();
        for value in &detached {
            if list.iter().any(|opening| value.admits(opening)) {
                self.report.openings += 1;
            } else {
                let (path, at) = (path.to_string(), value.at.to_string());
                self.report.add(Corruption::OpeningMismatch { path, index, at });
            }
        }
        Ok(())
    }

    /// The journal: every frame, every head, and that they continue the published tree.
    fn journal(&mut self, keys: &Keys, checkpoint: Option<&Checkpoint>) -> Result<(), Error> {
        let folder = self.layout.journal();
        self.known.retain(|path| !path.is_below(&folder));
        let path = folder.to_string();
        let replay = match self.store.open_journal(&folder) {
            Ok(Some((_, replay))) => replay,
            Ok(None) => {
                self.report.add(Corruption::Missing { path });
                return Ok(());
            }
            Err(store::Error::Damaged { path, offset, what }) => {
                let path = path.to_string();
                self.report.add(Corruption::JournalDamaged { path, offset, what });
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        for tail in &replay.set_aside {
            self.report.notes.push(format!("{tail}: an incomplete frame, cut after a crash"));
        }
        if let Some(torn) = &replay.torn {
            let path = torn.path.to_string();
            let what = "the last frame is incomplete or damaged";
            self.report.add(Corruption::JournalDamaged { path, offset: torn.offset, what });
        }
        let frontier = self.tiles.frontier().clone();
        match frames_lead_on(&replay, self.origin, keys, checkpoint, frontier) {
            Ok(size) => self.report.committed_size = size,
            Err(Walk::Forged) => self.report.add(Corruption::HeadForged { path }),
            Err(Walk::Detached) => self.report.add(Corruption::JournalDetached { path }),
            Err(Walk::Back { from, to }) => self.report.add(Corruption::SizeWentBack { from, to }),
        }
        Ok(())
    }

    /// What is left belongs to no one.
    fn extra(&mut self) {
        let mut paths: Vec<_> = std::mem::take(&mut self.known).into_iter().collect();
        paths.sort_unstable();
        for path in paths {
            self.report.add(Corruption::Extra { path: path.to_string() });
        }
    }
}

enum Walk {
    Forged,
    Detached,
    Back { from: u64, to: u64 },
}

/// Walks the journal from the published tree on, and gives the committed size.
fn frames_lead_on(
    replay: &store::Replay,
    origin: &str,
    keys: &Keys,
    checkpoint: Option<&Checkpoint>,
    mut frontier: Frontier,
) -> Result<u64, Walk> {
    let published = checkpoint.map_or(TreeSize::ZERO, Checkpoint::size);
    let mut head = Head::decode(&replay.base, origin, keys).ok_or(Walk::Forged)?;
    let mut met = head.size == published && head.root == frontier.root();
    for frame in &replay.frames {
        let next = Head::decode(&frame.head, origin, keys).ok_or(Walk::Forged)?;
        if next.size <= head.size {
            return Err(Walk::Detached);
        }
        if next.size == published {
            met = next.root == frontier.root();
        }
        if next.size > published {
            let (_, leaves) =
                Chunk::decode(frontier.size().get(), &frame.stage).ok_or(Walk::Detached)?;
            frontier.extend(leaves);
            if frontier.size() != next.size || frontier.root() != next.root {
                return Err(Walk::Detached);
            }
        }
        head = next;
    }
    if head.size < published {
        return Err(Walk::Back { from: published.get(), to: head.size.get() });
    }
    if met { Ok(head.size.get()) } else { Err(Walk::Detached) }
}

const _: () = assert!(TILE_WIDTH == 256, "bundles and tiles are counted together");

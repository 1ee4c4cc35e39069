//! Recomputes everything from the store: every leaf, tile, root, signature and opening, and that
//! the journal continues the tiles.
//!
//! One function serves the command, the nightly scrub and the simulator. It reads only, and goes on
//! after a fault, so that one report names them all (up to [`PROBLEMS_MAX`]).
//!
//! It also works while a server writes. Full bundles and tiles below a checkpoint never change and
//! are judged once. The growing end does change: partial objects are outgrown, a publication has
//! written what no checkpoint names yet, the last frame of the journal is half there. So a fault at
//! the end is believed only if it stands: found in look after look while the checkpoint moves on, or
//! for as long as the caller has patience.

use std::collections::HashSet;

use store::{ObjectPath, Store};
use tlog::{BundleId, Checkpoint, TILE_WIDTH, Tile, TileBuilder, TreeSize, VerifierKey, leaf_hash};

use crate::corruption::PUBLISHED;
use crate::layout::Layout;
use crate::openings;
use crate::packed::Packed;
use crate::publish::day_of;
use crate::walk::{Walk, walk};
use crate::{Corruption, Error, Keys, REMEMBERED, Trail};

/// Faults that one report names; a trail with more is beyond reading.
const PROBLEMS_MAX: usize = 1_000;

/// Looks in a row that must find the same fault of a trail that moves on: two may meet the same
/// moment of two publications.
const STANDING_LOOKS: u32 = 5;

/// Looks at the end of a trail that moves on between any two of them.
const LOOKS_MAX: u32 = 1_000;

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
/// Where another thread or process may be writing, `look_again` waits a little before the end of the
/// trail is read again for faults that were seen so many times in a row, and says no when that was
/// often enough. Where nobody writes, it says no at once.
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
    look_again: &mut dyn FnMut(u32) -> bool,
) -> Result<Report, Error> {
    let layout = Layout::new(Trail::folder(slug)?);
    let vkeys = [keys.verifier()];
    let known = Known::default();
    let accounted = HashSet::new();
    let mut checker = Checker { store, layout, origin, vkeys: &vkeys, accounted, known };
    if let Some(note) = remembered {
        checker.known.remembered = checker.open(note.as_bytes(), REMEMBERED);
        checker.compare_remembered();
    }
    let (mut before, mut seen) = (End::default(), 0);
    for look in 1.. {
        let note = checker.full(progress)?;
        let mut end = checker.end(keys, note)?;
        let moved = look > 1 && end.note != before.note;
        let stood = |fault: &Corruption| before.faults.iter().any(|f| fault.stands_in(f));
        let standing = end.faults.iter().any(stood);
        seen = if standing { seen + 1 } else { 1 };
        let stands = moved && seen >= STANDING_LOOKS;
        if end.faults.is_empty() || stands || look == LOOKS_MAX || !look_again(seen) {
            if look > 1 {
                end.faults.retain(stood);
            }
            end.faults.into_iter().for_each(|fault| end.report.add(fault));
            return Ok(end.report);
        }
        before = end;
    }
    Ok(before.report)
}

/// What is known of the part of a trail that was read.
#[derive(Clone, Debug, Default)]
struct Known {
    report: Report,
    tiles: TileBuilder,
    /// The checkpoint that was kept outside of the store, until the tree has its size.
    remembered: Option<Checkpoint>,
    /// The UTC day of the entry before.
    day: String,
}

/// One look at the growing end of a trail.
#[derive(Debug, Default)]
struct End {
    /// The checkpoint's bytes, as they were.
    note: Option<bytes::Bytes>,
    /// What is wrong beyond the full bundles.
    faults: Vec<Corruption>,
    /// Everything else.
    report: Report,
}

struct Checker<'a> {
    store: &'a dyn Store,
    layout: Layout,
    origin: &'a str,
    vkeys: &'a [VerifierKey],
    /// Objects that belong to the trail.
    accounted: HashSet<ObjectPath>,
    known: Known,
}

impl Checker<'_> {
    /// Every full bundle and tile that the checkpoint has and that was not read yet. Gives the
    /// checkpoint's bytes.
    fn full(&mut self, progress: &mut dyn FnMut(u64)) -> Result<Option<bytes::Bytes>, Error> {
        let note = self.store.get(&self.layout.checkpoint())?;
        let checkpoint = note.as_deref().and_then(|note| self.parse(note));
        let size = checkpoint.map_or(0, |checkpoint| checkpoint.size().get());
        let width = u64::from(TILE_WIDTH);
        for index in self.known.tiles.size().get() / width..size / width {
            self.bundle(BundleId::new(index, TILE_WIDTH).map_err(|_| Error::Stopped)?)?;
            // Whatever the bundle was like, the tree goes on from the leaves it should have.
            for (tile, bytes) in self.known.tiles.take_full() {
                self.tile(tile, &bytes)?;
            }
            progress(self.known.report.checked);
        }
        Ok(note)
    }

    /// The partial bundle and tiles of a checkpoint, the journal, and what belongs to no one. Leaves
    /// what is known as it was.
    fn end(&mut self, keys: &Keys, note: Option<bytes::Bytes>) -> Result<End, Error> {
        let known = self.known.clone();
        let path = self.layout.checkpoint();
        self.accounted.insert(path.clone());
        let checkpoint = match &note {
            Some(note) => self.open(note, path.as_str()),
            None => {
                self.add(Corruption::Missing { path: path.to_string() });
                None
            }
        };
        if let Some(checkpoint) = &checkpoint {
            self.edge(checkpoint, path.as_str())?;
        }
        let heads = self.journal(keys, checkpoint.as_ref())?;
        self.extra(&heads)?;
        let mut report = std::mem::replace(&mut self.known, known).report;
        let faults = report.problems.split_off(self.known.report.problems.len());
        Ok(End { note, faults, report })
    }

    fn add(&mut self, problem: Corruption) {
        self.known.report.add(problem);
    }

    fn read(&mut self, path: &ObjectPath) -> Result<Option<bytes::Bytes>, Error> {
        self.accounted.insert(path.clone());
        match self.store.get(path) {
            Ok(Some(bytes)) => return Ok(Some(bytes)),
            Ok(None) => self.add(Corruption::Missing { path: path.to_string() }),
            // One object that cannot be read must not hide what is wrong with the others.
            Err(store::Error::Refused { path, source }) => {
                self.add(Corruption::Unreadable { path, why: source.to_string() });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    fn parse(&self, note: &[u8]) -> Option<Checkpoint> {
        let note = std::str::from_utf8(note).ok()?;
        Checkpoint::open(note, Some(self.origin), self.vkeys).ok()
    }

    fn open(&mut self, note: &[u8], path: &str) -> Option<Checkpoint> {
        let checkpoint = self.parse(note);
        if checkpoint.is_none() {
            self.add(Corruption::CheckpointUnsigned { path: path.to_owned() });
        }
        checkpoint
    }

    /// Where a day ends, its last checkpoint must be kept and say what the tree is there.
    fn day(&mut self, index: u64, entry: &[u8]) -> Result<(), Error> {
        let Some(today) = day_of(entry).filter(|today| *today != self.known.day) else {
            return Ok(());
        };
        let last = std::mem::replace(&mut self.known.day, today.to_owned());
        // Nobody knows on what day the entries before were recorded when none of them can be read.
        if index == 0 || last.is_empty() {
            return Ok(());
        }
        let path = self.layout.archived(&last);
        let Some(note) = self.read(&path)? else { return Ok(()) };
        if let Some(checkpoint) = self.open(&note, path.as_str())
            && (checkpoint.size().get() != index || checkpoint.root() != self.known.tiles.root())
        {
            self.add(Corruption::RootMismatch { path: path.to_string(), size: index });
        }
        Ok(())
    }

    /// The partial bundle and tiles at the right edge, and that the root is the checkpoint's.
    fn edge(&mut self, checkpoint: &Checkpoint, path: &str) -> Result<(), Error> {
        let size = checkpoint.size();
        self.known.report.published_size = size.get();
        let known = self.known.tiles.size();
        if known > size {
            let witness = "what was read before";
            let (from, to) = (known.get(), size.get());
            self.add(Corruption::SizeWentBack { witness, from, to });
            return Ok(());
        }
        if let Some(bundle) = BundleId::at(size, size.get() / u64::from(TILE_WIDTH)) {
            self.bundle(bundle)?;
        }
        for (tile, bytes) in self.known.tiles.partials() {
            self.tile(tile, &bytes)?;
        }
        debug_assert_eq!(self.known.tiles.size(), size);
        if self.known.tiles.root() != checkpoint.root() {
            self.add(Corruption::RootMismatch { path: path.to_owned(), size: size.get() });
        }
        if let Some(remembered) = self.known.remembered.take() {
            let (from, to) = (remembered.size().get(), size.get());
            self.add(Corruption::SizeWentBack { witness: REMEMBERED, from, to });
        }
        Ok(())
    }

    /// The tree's root where the remembered checkpoint claims to know it.
    fn compare_remembered(&mut self) {
        let size = self.known.tiles.size();
        let Some(remembered) = self.known.remembered.take_if(|known| known.size() == size) else {
            return;
        };
        if remembered.root() != self.known.tiles.root() {
            self.add(Corruption::RootMismatch { path: REMEMBERED.to_owned(), size: size.get() });
        }
    }

    fn bundle(&mut self, bundle: BundleId) -> Result<(), Error> {
        let path = self.layout.bundle(bundle);
        let tile = Tile::new(0, bundle.index(), bundle.width()).map_err(|_| Error::Stopped)?;
        // What is wrong with the tile is told when it is compared.
        let stored_tile = self.store.get(&self.layout.tile(tile)).ok().flatten();
        let hashes: Vec<tlog::Hash> = stored_tile
            .as_deref()
            .and_then(|bytes| tile.hashes(bytes).ok().map(Iterator::collect))
            .unwrap_or_default();
        let stored = self.read(&path)?;
        let is_cut = |packed: &Packed<'_>, plain: &[u8]| packed.is_cut_as(bundle, plain);
        let plain = stored.as_deref().and_then(|bytes| self.inflate(bytes, &path, is_cut));
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
                self.add(Corruption::LeafMismatch { path: path.to_string(), index });
            }
            if let Some(entry) = entry {
                position += 1;
                self.day(index, entry)?;
                self.openings(index, entry)?;
            }
            // Prefer what the tile says where the entry is unreadable, to go on with the next.
            self.known.tiles.push(leaf.or(hash).unwrap_or(tlog::Hash::EMPTY_ROOT));
            self.compare_remembered();
        }
        self.known.report.checked += position;
        let trailing = entries.is_some_and(|mut entries| entries.next().is_some());
        if plain.is_some() && (trailing || position < u64::from(bundle.width())) {
            let what = "does not have the entries that its name says";
            self.add(Corruption::BundleDamaged { path: path.to_string(), what });
        }
        Ok(())
    }

    /// The plain bytes of a file that is as it was written, in frames that are cut as they should be.
    fn inflate(
        &mut self,
        bytes: &[u8],
        path: &ObjectPath,
        is_cut: impl Fn(&Packed<'_>, &[u8]) -> bool,
    ) -> Option<Vec<u8>> {
        let packed = Packed::open(bytes).filter(Packed::is_intact);
        let plain =
            packed.and_then(|packed| packed.unpack().filter(|plain| is_cut(&packed, plain)));
        if plain.is_none() {
            let what = "is not what was written";
            self.add(Corruption::BundleDamaged { path: path.to_string(), what });
        }
        plain
    }

    fn tile(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), Error> {
        let path = self.layout.tile(tile);
        if self.read(&path)?.is_some_and(|stored| stored.as_ref() != bytes) {
            self.add(Corruption::TileMismatch { path: path.to_string() });
        }
        Ok(())
    }

    fn openings(&mut self, index: u64, entry: &[u8]) -> Result<(), Error> {
        let detached = openings::detached(entry);
        if detached.is_empty() {
            return Ok(());
        }
        let path = self.layout.opening(index);
        let Some(stored) = self.read(&path)? else { return Ok(()) };
        let plain = self.inflate(&stored, &path, |packed, _| packed.frame_count() == 1);
        let list = plain.and_then(|plain| openings::read_all(&plain)).unwrap_or_default();
        match openings::admitted(&detached, list) {
            Ok(admitted) => self.known.report.openings += admitted.len() as u64,
            Err(at) => {
                let path = path.to_string();
                self.add(Corruption::OpeningMismatch { path, index, at });
            }
        }
        Ok(())
    }

    /// The journal: every frame, every head, and that they continue the published tree. Gives the
    /// sizes of its heads.
    fn journal(
        &mut self,
        keys: &Keys,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Vec<TreeSize>, Error> {
        let folder = self.layout.journal();
        let path = folder.to_string();
        let replay = match self.store.open_journal(&folder) {
            Ok(Some((_, replay))) => replay,
            Ok(None) => {
                self.add(Corruption::Missing { path });
                return Ok(Vec::new());
            }
            Err(store::Error::Damaged { path, offset, what }) => {
                let path = path.to_string();
                self.add(Corruption::JournalDamaged { path, offset, what });
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        for tail in &replay.set_aside {
            let note = format!("{tail}: an incomplete frame, cut after a crash");
            self.known.report.notes.push(note);
        }
        if let Some(torn) = &replay.torn {
            let path = torn.path.to_string();
            let what = "the last frame is incomplete or damaged";
            self.add(Corruption::JournalDamaged { path, offset: torn.offset, what });
        }
        let frontier = self.known.tiles.frontier().clone();
        match walk(&replay, self.origin, keys, checkpoint, frontier) {
            Ok(heads) => {
                self.known.report.committed_size = heads.last().map_or(0, |size| size.get());
                return Ok(heads);
            }
            Err(Walk::Forged) => self.add(Corruption::HeadForged { path }),
            Err(Walk::Detached) => self.add(Corruption::JournalDetached { path }),
            Err(Walk::Unopened { index, at }) => {
                self.add(Corruption::OpeningMismatch { path, index, at });
            }
            Err(Walk::Back { from, to }) => {
                self.add(Corruption::SizeWentBack { witness: PUBLISHED, from, to });
            }
        }
        Ok(Vec::new())
    }

    /// What belongs to no one: neither to the published tree, nor to a publication that is under way
    /// or was cut short, of one of these sizes.
    fn extra(&mut self, heads: &[TreeSize]) -> Result<(), Error> {
        let journal = self.layout.journal();
        let mut paths = self.store.list(self.layout.folder())?;
        paths.retain(|path| !path.is_below(&journal) && !self.accounted.contains(path));
        if !paths.is_empty() {
            let unpublished = self.unpublished(heads);
            paths.retain(|path| !unpublished.contains(path));
        }
        for path in paths {
            // One that was outgrown meanwhile is gone.
            if !matches!(self.store.get(&path), Ok(None)) {
                self.add(Corruption::Extra { path: path.to_string() });
            }
        }
        Ok(())
    }

    /// Objects of trees of these sizes, the published one first, that a publication may have written
    /// before its checkpoint. Recovery compares them with the journal, and writes them again.
    fn unpublished(&self, heads: &[TreeSize]) -> HashSet<ObjectPath> {
        let mut paths: HashSet<_> =
            heads.iter().flat_map(|size| self.layout.partials(*size)).collect();
        let from = TreeSize::new(self.known.report.published_size);
        let Some(to) = heads.last().copied().filter(|to| *to > from) else { return paths };
        for level in 0..8 {
            for index in Tile::full_tiles(from, level)..Tile::full_tiles(to, level) {
                paths.extend(Tile::at(to, level, index).map(|tile| self.layout.tile(tile)));
            }
        }
        let width = u64::from(TILE_WIDTH);
        let bundles = (from.get() / width..to.get() / width).map(|index| BundleId::at(to, index));
        paths.extend(bundles.flatten().map(|bundle| self.layout.bundle(bundle)));
        paths.extend((from.get()..to.get()).map(|index| self.layout.opening(index)));
        // Where the published tree ends in a day that another one has followed.
        paths.insert(self.layout.archived(&self.known.day));
        paths
    }
}

const _: () = assert!(TILE_WIDTH == 256, "bundles and tiles are counted together");

//! A store in memory: for tests and the simulator.
//!
//! **Guarantee.** It behaves as [`Disk`](crate::Disk) does, down to the bytes of its journals, and is
//! deterministic. A clone is another handle on the same bytes, so "restarting" is to drop all that
//! was opened and open it again.
//!
//! **Absent on purpose.** It has no faults of its own; `sim` wraps it for those.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{
    Error, Journal, Object, ObjectPath, Replay, Result, Store, frame,
    segments::{self, Position, Segment},
};

/// Objects and journals in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: BTreeMap<ObjectPath, Contents>,
    /// How often the journal in a folder was written: a writer that saw fewer is behind.
    versions: BTreeMap<ObjectPath, u64>,
    limit_bytes: Option<u64>,
}

/// Shared bytes of an object, or growing ones of a journal's segment.
#[derive(Clone, Debug)]
enum Contents {
    Object(Bytes),
    Segment(Vec<u8>),
}

impl Contents {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Object(bytes) => bytes,
            Self::Segment(bytes) => bytes,
        }
    }

    fn to_bytes(&self) -> Bytes {
        match self {
            Self::Object(bytes) => bytes.clone(),
            Self::Segment(bytes) => Bytes::copy_from_slice(bytes),
        }
    }
}

/// What a test may do to the bytes behind the store's back.
impl Memory {
    /// An independent copy of all that is stored.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.lock().clone())) }
    }

    /// Every path, journal segments included, sorted.
    pub fn paths(&self) -> Vec<ObjectPath> {
        self.lock().files.keys().cloned().collect()
    }

    /// Changes the bytes at a path, and says whether there were any.
    pub fn corrupt(&self, path: &ObjectPath, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut state = self.lock();
        match state.files.get_mut(path) {
            None => false,
            Some(Contents::Segment(bytes)) => {
                change(bytes);
                true
            }
            Some(Contents::Object(bytes)) => {
                let mut changed = bytes.to_vec();
                change(&mut changed);
                *bytes = changed.into();
                true
            }
        }
    }

    /// Cuts the bytes at a path to a size, and says whether there were that many.
    pub fn truncate(&self, path: &ObjectPath, size: usize) -> bool {
        let mut enough = false;
        self.corrupt(path, |bytes| {
            enough = bytes.len() >= size;
            bytes.truncate(size);
        }) && enough
    }

    /// Takes a path away, and says whether it was there.
    pub fn remove_raw(&self, path: &ObjectPath) -> bool {
        self.lock().files.remove(path).is_some()
    }

    /// Puts bytes at a path, whatever was there.
    pub fn write_raw(&self, path: &ObjectPath, bytes: impl Into<Bytes>) {
        self.lock().files.insert(path.clone(), Contents::Object(bytes.into()));
    }

    /// Limits the bytes stored in all; what would exceed them is [`Error::NoSpace`].
    pub fn limit(&self, bytes: Option<u64>) {
        self.lock().limit_bytes = bytes;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn get(&self, path: &ObjectPath) -> Result<Option<Bytes>> {
        Ok(self.lock().files.get(path).map(Contents::to_bytes))
    }

    fn create(&self, objects: &[Object]) -> Result<()> {
        let mut state = self.lock();
        let mut fresh: BTreeMap<&ObjectPath, &Bytes> = BTreeMap::new();
        for Object { path, bytes } in objects {
            let there = match state.files.get(path) {
                Some(contents) => Some(contents.as_slice()),
                None => fresh.get(path).map(AsRef::as_ref),
            };
            match there {
                Some(there) if there == bytes => {}
                Some(_) => return Err(Error::Conflict { path: path.clone() }),
                None => {
                    state.check_name(path)?;
                    fresh.insert(path, bytes);
                }
            }
        }
        if let Some(path) = fresh.keys().next() {
            state.check_room(path, fresh.values().map(|bytes| bytes.len()).sum())?;
        }
        for (path, bytes) in fresh {
            state.files.insert(path.clone(), Contents::Object(bytes.clone()));
        }
        Ok(())
    }

    fn replace(&self, path: &ObjectPath, bytes: &[u8]) -> Result<()> {
        let mut state = self.lock();
        state.check_name(path)?;
        state.check_room(path, bytes.len())?;
        state.files.insert(path.clone(), Contents::Object(Bytes::copy_from_slice(bytes)));
        Ok(())
    }

    fn remove(&self, paths: &[ObjectPath]) -> Result<()> {
        let mut state = self.lock();
        for path in paths {
            state.files.remove(path);
        }
        Ok(())
    }

    fn list(&self, prefix: &ObjectPath) -> Result<Vec<ObjectPath>> {
        Ok(self.lock().below(prefix).cloned().collect())
    }

    fn free_bytes(&self) -> Result<Option<u64>> {
        let state = self.lock();
        Ok(state.limit_bytes.map(|limit| limit.saturating_sub(state.used_bytes())))
    }

    fn create_journal(&self, folder: &ObjectPath, head: &[u8]) -> Result<Box<dyn Journal>> {
        let path = segments::path(folder, segments::FIRST)?;
        let (bytes, chain) = frame::header(segments::FIRST, head)
            .ok_or_else(|| Error::too_large(&path, "a head is larger than a journal takes"))?;
        let position = Position::first(folder, head, chain, bytes.len() as u64)?;
        let mut state = self.lock();
        if !state.segments(folder).is_empty() {
            return Err(Error::Conflict { path });
        }
        state.check_name(&path)?;
        state.check_room(&path, bytes.len())?;
        state.files.insert(path, Contents::Segment(bytes));
        let version = state.versions.entry(folder.clone()).or_default();
        *version += 1;
        Ok(Box::new(MemoryJournal { memory: self.clone(), version: *version, position }))
    }

    fn open_journal(&self, folder: &ObjectPath) -> Result<Option<(Box<dyn Journal>, Replay)>> {
        let mut state = self.lock();
        let segments = state.segments(folder);
        for Segment { number, .. } in &segments {
            // A restored or damaged segment may have come back as an object.
            let path = segments::path(folder, *number)?;
            if let Some(contents @ Contents::Object(_)) = state.files.get_mut(&path) {
                *contents = Contents::Segment(contents.as_slice().to_vec());
            }
        }
        let version = state.versions.get(folder).copied().unwrap_or_default();
        let set_aside = state.below(&segments::torn_folder(folder)?).cloned().collect();
        drop(state);
        let Some((position, replay)) = segments::replay(folder, &segments)? else {
            return Ok(None);
        };
        let journal = MemoryJournal { memory: self.clone(), version, position };
        Ok(Some((Box::new(journal), Replay { set_aside, ..replay })))
    }
}

impl State {
    fn below<'a>(&'a self, folder: &'a ObjectPath) -> impl Iterator<Item = &'a ObjectPath> {
        // Names such as `folder-2` sort between the folder and what is in it.
        let first = format!("{folder}/");
        let rest = self.files.range::<str, _>((Bound::Included(first.as_str()), Bound::Unbounded));
        rest.map(|(path, _)| path).take_while(|path| path.is_below(folder))
    }

    fn segments(&self, folder: &ObjectPath) -> Vec<Segment> {
        self.below(folder)
            .filter(|path| path.as_str().len() == folder.as_str().len() + 17)
            .filter_map(|path| {
                let bytes = self.files.get(path)?.to_bytes();
                Some(Segment { number: segments::number(path.name())?, bytes })
            })
            .collect()
    }

    /// Refuses what a file system could not hold: a folder and an object of one name.
    fn check_name(&self, path: &ObjectPath) -> Result<()> {
        let ancestors = std::iter::successors(path.parent(), ObjectPath::parent);
        for folder in ancestors {
            if self.files.contains_key(&folder) {
                let source = std::io::ErrorKind::NotADirectory.into();
                return Err(Error::refused(path.as_str(), source));
            }
        }
        if self.below(path).next().is_some() {
            return Err(Error::refused(path.as_str(), std::io::ErrorKind::IsADirectory.into()));
        }
        Ok(())
    }

    fn check_room(&self, path: &ObjectPath, size: usize) -> Result<()> {
        match self.limit_bytes {
            Some(limit) if self.used_bytes() + size as u64 > limit => {
                Err(Error::NoSpace { path: path.clone() })
            }
            _ => Ok(()),
        }
    }

    fn used_bytes(&self) -> u64 {
        self.files.values().map(|contents| contents.as_slice().len() as u64).sum()
    }
}

#[derive(Debug)]
struct MemoryJournal {
    memory: Memory,
    version: u64,
    position: Position,
}

impl MemoryJournal {
    /// Does one write, if nobody has written since this journal was opened or last wrote.
    fn write(&mut self, write: impl FnOnce(&mut State, &mut Position) -> Result<()>) -> Result<()> {
        let mut state = self.memory.state.lock().unwrap_or_else(PoisonError::into_inner);
        let version = state.versions.get(&self.position.folder).copied().unwrap_or_default();
        if version != self.version {
            return Err(Error::Conflict { path: self.position.path.clone() });
        }
        write(&mut state, &mut self.position)?;
        self.version += 1;
        state.versions.insert(self.position.folder.clone(), self.version);
        Ok(())
    }
}

impl State {
    /// The newest segment, which must be as its writer left it, without its padding.
    fn newest(&mut self, position: &Position) -> Result<&mut Vec<u8>> {
        let end = usize::try_from(position.end()).unwrap_or(usize::MAX);
        match self.files.get_mut(&position.path) {
            Some(Contents::Segment(bytes)) if frame::is_padding(bytes, end) => {
                bytes.truncate(end);
                Ok(bytes)
            }
            _ => Err(Error::Damaged {
                path: position.path.clone(),
                offset: position.end(),
                what: "the segment was changed under its writer",
            }),
        }
    }
}

impl Journal for MemoryJournal {
    fn commit(&mut self, expected: &[u8], stage: &[&[u8]], head: &[u8]) -> Result<()> {
        let seal = self.position.seal(expected, stage, head)?;
        self.write(|state, position| {
            state.check_room(&position.path, usize::try_from(seal.size).unwrap_or(usize::MAX))?;
            let segment = state.newest(position)?;
            segment.extend_from_slice(&seal.prelude);
            segment.extend_from_slice(head);
            for piece in stage {
                segment.extend_from_slice(piece);
            }
            segment.extend_from_slice(&seal.chain);
            position.advance(&seal, head);
            Ok(())
        })
    }

    fn rotate(&mut self) -> Result<u64> {
        let mut next = self.position.next_segment()?;
        let number = next.number;
        self.write(|state, position| {
            if state.files.contains_key(&next.path) {
                return Err(Error::Conflict { path: next.path.clone() });
            }
            state.check_room(&next.path, next.bytes.len())?;
            let bytes = std::mem::take(&mut next.bytes);
            state.files.insert(next.path.clone(), Contents::Segment(bytes));
            position.rotate(next);
            Ok(())
        })?;
        Ok(number)
    }

    fn retire(&mut self, segment: u64) -> Result<()> {
        let older = self.position.older_than(segment)?;
        self.write(|state, position| {
            for number in older {
                state.files.remove(&segments::path(&position.folder, number)?);
                position.retired(number);
            }
            Ok(())
        })
    }

    fn cut(&mut self) -> Result<()> {
        let Some(torn) = self.position.torn.clone() else { return Ok(()) };
        self.write(|state, position| {
            let offset = usize::try_from(torn.offset).unwrap_or(usize::MAX);
            let segment = state.newest(position)?;
            let tail = Bytes::copy_from_slice(segment.get(offset..).unwrap_or_default());
            let tail = frame::without_padding(&tail);
            let path = position.aside(&torn, |path| match state.files.get(path) {
                Some(there) => Ok(there.as_slice() == tail),
                None => Ok(true),
            })?;
            state.check_room(&path, tail.len())?;
            state.files.insert(path, Contents::Object(tail));
            state.newest(position)?.truncate(offset);
            position.cut();
            Ok(())
        })
    }

    fn size_bytes(&self) -> u64 {
        self.position.size_bytes()
    }
}

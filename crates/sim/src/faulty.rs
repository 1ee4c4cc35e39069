//! A store in memory that fails at the operation one chooses, in the way one chooses.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use store::{Error, Journal, Memory, Object, ObjectPath, Replay, Result, Store};

/// What happens at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused and did not happen; the next may succeed.
    Refused,
    /// There is no room and it did not happen; the next may succeed.
    Full,
    /// It is reported as unknown, and did not happen.
    UnknownAndNot,
    /// It is reported as unknown, and happened.
    UnknownAndDone,
    /// The process dies before it.
    DiesBefore,
    /// The process dies in the middle: of a batch one half happened, of a frame one half arrived.
    /// What is atomic did not happen.
    DiesMidway,
    /// The process dies after it, before it hears of it.
    DiesAfter,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::Full,
        Self::UnknownAndNot,
        Self::UnknownAndDone,
        Self::DiesBefore,
        Self::DiesMidway,
        Self::DiesAfter,
    ];
}

/// A handle of one process's life on a store in memory.
///
/// Operations are counted over all lives, reads included. When the process has died, this handle,
/// its clones and its journals refuse everything; [`FaultyStore::restart`] makes the next life's.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    memory: Memory,
    control: Arc<Mutex<Control>>,
    life: u64,
}

#[derive(Debug, Default)]
struct Control {
    /// What was done, in order: the operation's name and path.
    trace: Vec<String>,
    faults: BTreeMap<u64, Fault>,
    life: u64,
    is_dead: bool,
}

impl FaultyStore {
    /// The first life on a store.
    pub fn new(memory: Memory) -> Self {
        Self { memory, control: Arc::default(), life: 0 }
    }

    /// Chooses what happens at an operation, counted from 0.
    pub fn arm(&self, operation: u64, fault: Fault) {
        self.lock().faults.insert(operation, fault);
    }

    /// Lets everything succeed from here on.
    pub fn disarm(&self) {
        self.lock().faults.clear();
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.lock().trace.len() as u64
    }

    /// What was done, in order: each operation's name and path.
    pub fn trace(&self) -> Vec<String> {
        self.lock().trace.clone()
    }

    /// Whether the process has died.
    pub fn is_dead(&self) -> bool {
        let control = self.lock();
        control.is_dead || control.life != self.life
    }

    /// Begins the next life: what is in memory is there, and nothing else.
    #[must_use]
    pub fn restart(&self) -> Self {
        let mut control = self.lock();
        control.life += 1;
        control.is_dead = false;
        let life = control.life;
        drop(control);
        Self { life, ..self.clone() }
    }

    /// The bytes themselves, which have no faults.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and says what is to happen at it.
    fn next(&self, name: &str, path: &str) -> Result<Option<Fault>> {
        if self.is_dead() {
            return Err(dead(path));
        }
        let mut control = self.lock();
        let operation = control.trace.len() as u64;
        control.trace.push(format!("{name} {path}"));
        let fault = control.faults.get(&operation).copied();
        control.is_dead =
            matches!(fault, Some(Fault::DiesBefore | Fault::DiesMidway | Fault::DiesAfter));
        Ok(fault)
    }

    /// An operation that changes nothing: it succeeds, is refused, or is the process's last.
    fn read<T>(
        &self,
        name: &str,
        path: &ObjectPath,
        read: impl FnOnce(&Memory) -> Result<T>,
    ) -> Result<T> {
        match self.next(name, path.as_str())? {
            None => read(&self.memory),
            Some(Fault::DiesBefore | Fault::DiesMidway | Fault::DiesAfter) => {
                Err(dead(path.as_str()))
            }
            Some(_) => Err(refused(path)),
        }
    }

    /// An operation that changes something; `half` does what a death in the middle leaves.
    fn write<T>(
        &self,
        name: &str,
        path: &ObjectPath,
        whole: impl FnOnce(&Memory) -> Result<T>,
        half: impl FnOnce(&Memory),
    ) -> Result<T> {
        let Some(fault) = self.next(name, path.as_str())? else { return whole(&self.memory) };
        match fault {
            Fault::Refused => Err(refused(path)),
            Fault::Full => Err(Error::NoSpace { path: path.clone() }),
            Fault::UnknownAndNot => Err(unknown(path)),
            // What fails by itself fails as it would have.
            Fault::UnknownAndDone => whole(&self.memory).and(Err(unknown(path))),
            Fault::DiesBefore => Err(dead(path.as_str())),
            Fault::DiesMidway => {
                half(&self.memory);
                Err(dead(path.as_str()))
            }
            Fault::DiesAfter => whole(&self.memory).and(Err(dead(path.as_str()))),
        }
    }

    fn journal(&self, folder: &ObjectPath, inner: Box<dyn Journal>) -> Box<dyn Journal> {
        let store = self.clone();
        Box::new(FaultyJournal { store, folder: folder.clone(), inner, is_poisoned: false })
    }
}

fn half<T>(all: &[T]) -> &[T] {
    all.get(..all.len() / 2).unwrap_or_default()
}

fn refused(path: &ObjectPath) -> Error {
    Error::Refused { path: path.to_string(), source: io::Error::other("a chosen fault") }
}

fn unknown(path: &ObjectPath) -> Error {
    Error::Unknown { path: path.clone(), source: io::Error::other("a chosen fault") }
}

fn dead(path: &str) -> Error {
    Error::Refused { path: path.to_owned(), source: io::Error::other("the process is dead") }
}

impl Store for FaultyStore {
    fn get(&self, path: &ObjectPath) -> Result<Option<Bytes>> {
        self.read("get", path, |memory| memory.get(path))
    }

    fn create(&self, objects: &[Object]) -> Result<()> {
        let Some(Object { path, .. }) = objects.first() else { return Ok(()) };
        self.write(
            "create",
            path,
            |memory| memory.create(objects),
            |memory| drop(memory.create(half(objects))),
        )
    }

    fn replace(&self, path: &ObjectPath, bytes: &[u8]) -> Result<()> {
        self.write("replace", path, |memory| memory.replace(path, bytes), |_| ())
    }

    fn remove(&self, paths: &[ObjectPath]) -> Result<()> {
        let Some(path) = paths.first() else { return Ok(()) };
        self.write(
            "remove",
            path,
            |memory| memory.remove(paths),
            |memory| drop(memory.remove(half(paths))),
        )
    }

    fn list(&self, prefix: &ObjectPath) -> Result<Vec<ObjectPath>> {
        self.read("list", prefix, |memory| memory.list(prefix))
    }

    fn free_bytes(&self) -> Result<Option<u64>> {
        match self.next("free_bytes", "")? {
            None => self.memory.free_bytes(),
            Some(_) if self.is_dead() => Err(dead("")),
            Some(_) => Err(Error::Refused {
                path: String::new(),
                source: io::Error::other("a chosen fault"),
            }),
        }
    }

    fn create_journal(&self, folder: &ObjectPath, head: &[u8]) -> Result<Box<dyn Journal>> {
        let create = |memory: &Memory| memory.create_journal(folder, head);
        let inner = self.write("create_journal", folder, create, |_| ())?;
        Ok(self.journal(folder, inner))
    }

    fn open_journal(&self, folder: &ObjectPath) -> Result<Option<(Box<dyn Journal>, Replay)>> {
        let opened = self.read("open_journal", folder, |memory| memory.open_journal(folder))?;
        Ok(opened.map(|(inner, replay)| (self.journal(folder, inner), replay)))
    }
}

#[derive(Debug)]
struct FaultyJournal {
    store: FaultyStore,
    folder: ObjectPath,
    inner: Box<dyn Journal>,
    /// After an unknown outcome, until it is opened again.
    is_poisoned: bool,
}

impl FaultyJournal {
    fn write<T>(
        &mut self,
        name: &str,
        whole: impl FnOnce(&mut dyn Journal) -> Result<T>,
        half: impl FnOnce(&mut dyn Journal, &Memory),
    ) -> Result<T> {
        if self.is_poisoned {
            return Err(unknown(&self.folder));
        }
        // Only one of the two is called.
        let inner = std::cell::RefCell::new(&mut *self.inner);
        let result = self.store.write(
            name,
            &self.folder,
            |_| whole(&mut **inner.borrow_mut()),
            |memory| half(&mut **inner.borrow_mut(), memory),
        );
        self.is_poisoned = matches!(result, Err(Error::Unknown { .. }));
        result
    }

    /// The newest segment and its size.
    fn newest(memory: &Memory, folder: &ObjectPath) -> Option<(ObjectPath, usize)> {
        let paths = memory.list(folder).ok()?;
        let newest = paths.into_iter().rfind(|path| path.parent().as_ref() == Some(folder))?;
        let size = memory.get(&newest).ok()??.len();
        Some((newest, size))
    }
}

impl Journal for FaultyJournal {
    fn commit(&mut self, expected: &[u8], stage: &[&[u8]], head: &[u8]) -> Result<()> {
        let folder = self.folder.clone();
        self.write(
            "commit",
            |journal| journal.commit(expected, stage, head),
            |journal, memory| {
                let before = Self::newest(memory, &folder);
                if journal.commit(expected, stage, head).is_ok()
                    && let (Some((path, before)), Some((_, after))) =
                        (before, Self::newest(memory, &folder))
                {
                    memory.truncate(&path, usize::midpoint(before, after));
                }
            },
        )
    }

    fn rotate(&mut self) -> Result<u64> {
        self.write("rotate", |journal| journal.rotate(), |_, _| ())
    }

    fn retire(&mut self, segment: u64) -> Result<()> {
        self.write(
            "retire",
            |journal| journal.retire(segment),
            |journal, _| drop(journal.retire(segment.saturating_sub(1))),
        )
    }

    fn cut(&mut self) -> Result<()> {
        self.write("cut", |journal| journal.cut(), |_, _| ())
    }

    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ObjectPath {
        ObjectPath::new(text).unwrap()
    }

    fn objects() -> [Object; 2] {
        ["a/1", "a/2"].map(|at| Object { path: path(at), bytes: Bytes::from(at) })
    }

    fn armed(fault: Fault) -> FaultyStore {
        let store = FaultyStore::new(Memory::default());
        store.arm(1, fault);
        store.replace(&path("before"), b"x").unwrap();
        store
    }

    /// Creates two objects under a fault: what it says, whether the process lives, what is there.
    fn check(fault: Fault, says: fn(&Error) -> bool, lives: bool, there: usize) {
        let store = armed(fault);
        let error = store.create(&objects()).unwrap_err();
        assert!(says(&error), "{fault:?} said {error}");
        assert_eq!(store.is_dead(), !lives, "{fault:?}");
        assert_eq!(store.memory().list(&path("a")).unwrap().len(), there, "{fault:?}");
        assert_eq!(store.get(&path("before")).is_ok(), lives, "{fault:?}");
        let store = if lives { store } else { store.restart() };
        store.create(&objects()).unwrap();
        assert_eq!(store.list(&path("a")).unwrap().len(), 2);
    }

    #[test]
    fn each_fault_does_what_it_says_once() {
        let is_refused = |error: &Error| matches!(error, Error::Refused { .. });
        let is_full = |error: &Error| matches!(error, Error::NoSpace { .. });
        let is_unknown = |error: &Error| matches!(error, Error::Unknown { .. });
        check(Fault::Refused, is_refused, true, 0);
        check(Fault::Full, is_full, true, 0);
        check(Fault::UnknownAndNot, is_unknown, true, 0);
        check(Fault::UnknownAndDone, is_unknown, true, 2);
        check(Fault::DiesBefore, is_refused, false, 0);
        check(Fault::DiesMidway, is_refused, false, 1);
        check(Fault::DiesAfter, is_refused, false, 2);
    }

    /// Commits a frame under a fault: how many frames the next life finds, and whether one is torn.
    fn check_commit(fault: Fault, frames: usize, torn: bool) {
        let store = armed(fault);
        store.memory().create_journal(&path("j"), b"0").unwrap();
        // The journal that is opened is of this life, and opening it is not the second operation.
        let inner = store.memory().open_journal(&path("j")).unwrap().unwrap().0;
        let mut journal = store.journal(&path("j"), inner);
        journal.commit(b"0", &[b"stage"], b"1").unwrap_err();
        let again = journal.commit(b"0", &[b"stage"], b"1");
        assert_eq!(again.is_ok(), matches!(fault, Fault::Refused | Fault::Full), "{fault:?}");
        let frames = frames + usize::from(again.is_ok());
        let (_, replay) = store.restart().open_journal(&path("j")).unwrap().unwrap();
        assert_eq!((replay.frames.len(), replay.torn.is_some()), (frames, torn), "{fault:?}");
        journal.rotate().unwrap_err();
    }

    #[test]
    fn a_commit_happens_or_not_or_by_half() {
        check_commit(Fault::Refused, 0, false);
        check_commit(Fault::Full, 0, false);
        check_commit(Fault::UnknownAndNot, 0, false);
        check_commit(Fault::UnknownAndDone, 1, false);
        check_commit(Fault::DiesBefore, 0, false);
        check_commit(Fault::DiesMidway, 0, true);
        check_commit(Fault::DiesAfter, 1, false);
    }

    #[test]
    fn whoever_survives_from_an_earlier_life_is_refused() {
        let store = FaultyStore::new(Memory::default());
        let mut journal = store.create_journal(&path("j"), b"0").unwrap();
        let next = store.restart();
        assert!(store.is_dead() && !next.is_dead());
        store.get(&path("a")).unwrap_err();
        store.free_bytes().unwrap_err();
        journal.commit(b"0", &[], b"1").unwrap_err();
        assert!(next.open_journal(&path("j")).unwrap().unwrap().1.frames.is_empty());
        assert_eq!(next.trace(), ["create_journal j", "open_journal j"]);
    }
}

//! A store in memory that can be made to wait, to fail and to panic when objects are created.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use store::{Error, Journal, Memory, Object, ObjectPath, Replay, Result, Store};

/// What happens to whoever creates objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Waits until the way is another.
    Closed,
    Fails,
    Panics,
}

/// Handles share the store and its gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    memory: Memory,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug)]
struct State {
    way: Way,
    /// How many stand before the gate.
    waiting: usize,
}

impl Gate {
    pub(crate) fn new(memory: Memory) -> Self {
        let state = State { way: Way::Open, waiting: 0 };
        Self { memory, state: Arc::new((Mutex::new(state), Condvar::new())) }
    }

    pub(crate) fn set(&self, way: Way) {
        self.state.0.lock().unwrap().way = way;
        self.state.1.notify_all();
    }

    /// Waits until somebody stands before the gate.
    pub(crate) fn wait_for_one(&self) {
        let state = self.state.0.lock().unwrap();
        let patience = Duration::from_mins(1);
        let waited = self.state.1.wait_timeout_while(state, patience, |state| state.waiting == 0);
        assert!(!waited.unwrap().1.timed_out(), "nobody comes to the gate");
    }

    fn pass(&self, path: &str) -> Result<()> {
        let mut state = self.state.0.lock().unwrap();
        while state.way == Way::Closed {
            state.waiting += 1;
            self.state.1.notify_all();
            state = self.state.1.wait(state).unwrap();
            state.waiting -= 1;
        }
        let way = state.way;
        drop(state);
        match way {
            Way::Panics => std::panic::panic_any("a chosen fault"),
            Way::Fails => Err(Error::Refused {
                path: path.to_owned(),
                source: io::Error::other("a chosen fault"),
            }),
            Way::Open | Way::Closed => Ok(()),
        }
    }
}

impl Store for Gate {
    fn get(&self, path: &ObjectPath) -> Result<Option<Bytes>> {
        self.memory.get(path)
    }

    fn create(&self, objects: &[Object]) -> Result<()> {
        let path = objects.first().map_or("", |object| object.path.as_str());
        self.pass(path)?;
        self.memory.create(objects)
    }

    fn replace(&self, path: &ObjectPath, bytes: &[u8]) -> Result<()> {
        self.memory.replace(path, bytes)
    }

    fn remove(&self, paths: &[ObjectPath]) -> Result<()> {
        self.memory.remove(paths)
    }

    fn list(&self, prefix: &ObjectPath) -> Result<Vec<ObjectPath>> {
        self.memory.list(prefix)
    }

    fn free_bytes(&self) -> Result<Option<u64>> {
        self.memory.free_bytes()
    }

    fn create_journal(&self, folder: &ObjectPath, head: &[u8]) -> Result<Box<dyn Journal>> {
        self.memory.create_journal(folder, head)
    }

    fn open_journal(&self, folder: &ObjectPath) -> Result<Option<(Box<dyn Journal>, Replay)>> {
        self.memory.open_journal(folder)
    }
}

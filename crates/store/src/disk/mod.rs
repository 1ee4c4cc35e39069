//! A store in a directory, on Linux 5.8 or later.
//!
//! Objects are files at their paths; `lock` and `tmp/` are the store's own. Every object is written
//! under `tmp/`, made durable there, and only then gets its name, so that a crash leaves at most
//! temporaries, which the next open sweeps away.
//!
//! **Trust.** Paths are resolved beneath the directory without following symbolic links, so nothing
//! that somebody puts into it makes the store read or write elsewhere.

mod folders;
mod journal;
mod lock;
mod root;
mod write;

use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use bytes::Bytes;

use self::{folders::Folders, journal::DiskJournal, root::Root};
use crate::{Error, Journal, Object, ObjectPath, Replay, Result, Store};

/// A directory as a store. Clones share it.
#[derive(Clone, Debug)]
pub struct Disk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: Root,
    /// What makes a writer of this: absent in a store that was opened to read.
    writer: Option<Writer>,
    /// How often the journal in a folder was written: a writer that saw fewer is behind.
    versions: Mutex<BTreeMap<ObjectPath, Arc<Mutex<u64>>>>,
}

#[derive(Debug)]
struct Writer {
    /// Keeps other processes out for as long as it is open.
    _lock: File,
    folders: Folders,
    next_temporary: AtomicU64,
}

impl Disk {
    /// Opens an existing directory for reading and writing.
    ///
    /// It is locked against other processes until the last clone and the last journal are dropped
    /// ([`Error::Locked`]), and temporaries that a crash left are removed.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        let root = Root::open(directory.as_ref())?;
        let lock = lock::take(&root)?;
        write::sweep(&root)?;
        let writer =
            Writer { _lock: lock, folders: Folders::default(), next_temporary: AtomicU64::new(0) };
        Ok(Self::with(root, Some(writer)))
    }

    /// Opens an existing directory for reading, also while another process writes to it. Every write
    /// is [`Error::Refused`].
    ///
    /// A journal that is being written meanwhile is seen as it was at one moment; its last frame may
    /// be one that is half written, and is then reported as [`Replay::torn`].
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::with(Root::open(directory.as_ref())?, None))
    }

    fn with(root: Root, writer: Option<Writer>) -> Self {
        Self { inner: Arc::new(Inner { root, writer, versions: Mutex::default() }) }
    }
}

impl Inner {
    fn writer(&self, path: &ObjectPath) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| read_only(path))
    }

    /// The version of the journal in a folder.
    fn version(&self, folder: &ObjectPath) -> Arc<Mutex<u64>> {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(versions.entry(folder.clone()).or_default())
    }
}

fn read_only(path: &ObjectPath) -> Error {
    let source = std::io::Error::new(
        std::io::ErrorKind::ReadOnlyFilesystem,
        "the store was opened for reading only",
    );
    Error::refused(path.as_str(), source)
}

impl Store for Disk {
    fn get(&self, path: &ObjectPath) -> Result<Option<Bytes>> {
        self.inner.root.read(path)
    }

    fn create(&self, objects: &[Object]) -> Result<()> {
        self.inner.create(objects)
    }

    fn replace(&self, path: &ObjectPath, bytes: &[u8]) -> Result<()> {
        self.inner.replace(path, bytes)
    }

    fn remove(&self, paths: &[ObjectPath]) -> Result<()> {
        self.inner.remove(paths)
    }

    fn list(&self, prefix: &ObjectPath) -> Result<Vec<ObjectPath>> {
        self.inner.root.list(prefix)
    }

    fn free_bytes(&self) -> Result<Option<u64>> {
        self.inner.root.free_bytes().map(Some)
    }

    fn create_journal(&self, folder: &ObjectPath, head: &[u8]) -> Result<Box<dyn Journal>> {
        Ok(Box::new(DiskJournal::create(&self.inner, folder, head)?))
    }

    fn open_journal(&self, folder: &ObjectPath) -> Result<Option<(Box<dyn Journal>, Replay)>> {
        let opened = DiskJournal::open(&self.inner, folder)?;
        Ok(opened.map(|(journal, replay)| (Box::new(journal) as Box<dyn Journal>, replay)))
    }
}

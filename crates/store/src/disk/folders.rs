//! Folders: made when they are first needed, known to be durable before anything in them counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use rustix::{
    fs::{AtFlags, Mode},
    io::Errno,
};

use super::root::Root;

/// How many folders are remembered as durable. Forgetting costs a few syncs, nothing else.
const MAX_REMEMBERED: usize = 100_000;

/// What is known of the folders of a store.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// Shared while a name is put into a folder, exclusive while empty folders are removed.
    names: RwLock<()>,
    durable: Mutex<Durable>,
}

/// Folders whose own names are durable, all the way up.
#[derive(Debug, Default)]
struct Durable {
    folders: BTreeSet<String>,
    /// How often folders were removed: what was learnt before may be of a folder that is gone.
    removals: u64,
}

/// The folders that a write touches, open so that they can be synced.
#[derive(Debug)]
pub(super) struct Touched<'a> {
    root: &'a Root,
    folders: &'a Folders,
    open: BTreeMap<String, OwnedFd>,
    /// Was opened before anything is touched, so that a sync by it is told of all that failed.
    whole: OwnedFd,
    removals: u64,
}

impl Folders {
    /// Starts a write.
    pub(super) fn touch<'a>(&'a self, root: &'a Root) -> io::Result<Touched<'a>> {
        let removals = self.durable.lock().unwrap_or_else(PoisonError::into_inner).removals;
        let whole = root.to_sync_by()?;
        Ok(Touched { root, folders: self, open: BTreeMap::new(), whole, removals })
    }

    /// Keeps folders from being removed while names are put into them.
    pub(super) fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a folder and those above it for as long as they are empty.
    ///
    /// Nothing is lost if a crash brings an empty folder back, so nothing is synced.
    pub(super) fn prune(&self, root: &Root, folder: &str) {
        let _names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let mut folder = folder;
        while !folder.is_empty() {
            let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
            let Ok(fd) = root.open_folder(parent) else { return };
            if rustix::fs::unlinkat(fd, name, AtFlags::REMOVEDIR).is_err() {
                return;
            }
            durable.folders.remove(folder);
            durable.removals += 1;
            folder = parent;
        }
    }
}

impl Touched<'_> {
    /// Opens a folder, making it and those above it where they are missing. Call under
    /// [`Folders::hold`].
    pub(super) fn folder(&mut self, folder: &str) -> io::Result<&OwnedFd> {
        if !self.open.contains_key(folder) {
            self.open_with_ancestors(folder)?;
        }
        self.open.get(folder).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Opens a folder, and each above it whose names are not known to be durable.
    fn open_with_ancestors(&mut self, folder: &str) -> io::Result<()> {
        let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
        let mut parent = "";
        for end in ends {
            let here = folder.get(..end).unwrap_or_default();
            if !self.open.contains_key(here) {
                let known = !here.is_empty() && self.is_durable(here);
                if known && here != folder {
                    parent = here;
                    continue;
                }
                if !known && !here.is_empty() {
                    self.make(parent, here)?;
                }
                let fd = self.root.open_folder(here)?;
                self.open.insert(here.to_owned(), fd);
            }
            parent = here;
        }
        Ok(())
    }

    /// Makes a folder if it is missing. Its parent is opened, so that it will be synced.
    fn make(&mut self, parent: &str, here: &str) -> io::Result<()> {
        if !self.open.contains_key(parent) {
            let fd = self.root.open_folder(parent)?;
            self.open.insert(parent.to_owned(), fd);
        }
        let Some(fd) = self.open.get(parent) else { return Ok(()) };
        let name = here.rsplit_once('/').map_or(here, |(_, name)| name);
        match rustix::fs::mkdirat(fd, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes all that was written to the file system durable.
    pub(super) fn sync_whole(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.whole)?)
    }

    /// Makes the names in all touched folders durable, and those of the folders themselves.
    pub(super) fn sync(self) -> io::Result<()> {
        if self.open.len() > super::write::MAX_SINGLE_SYNCS {
            self.sync_whole()?;
        } else {
            for fd in self.open.values() {
                rustix::fs::fsync(fd)?;
            }
        }
        let mut durable = self.folders.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if durable.folders.len() >= MAX_REMEMBERED {
            durable.folders.clear();
        }
        if durable.removals == self.removals {
            durable.folders.extend(self.open.into_keys());
        }
        Ok(())
    }

    fn is_durable(&self, folder: &str) -> bool {
        let durable = self.folders.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.folders.contains(folder)
    }
}

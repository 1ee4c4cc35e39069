//! Objects get onto the disk: temporaries, one sync for many, names, and the folders' sync.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    sync::atomic::Ordering,
};

use bytes::Bytes;
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    Inner, Writer,
    folders::Touched,
    root::{MAX_OBJECT_BYTES, Root, check_name},
};
use crate::{Error, Object, ObjectPath, Result};

/// Up to here files are synced one by one; beyond, one sync of the whole file system is cheaper.
pub(super) const MAX_SINGLE_SYNCS: usize = 8;

/// Where temporaries are written: on the same file system, so that they can be linked.
const TEMPORARIES: &str = "tmp";

/// An object is never written again.
const OBJECT_MODE: Mode = Mode::from_raw_mode(0o444);

/// What is replaced whole.
const REPLACEABLE_MODE: Mode = Mode::from_raw_mode(0o644);

/// Removes what a crash left, and makes the folder for temporaries.
pub(super) fn sweep(root: &Root) -> Result<()> {
    let refused = |error| Error::refused(root.shown(TEMPORARIES), error);
    match rustix::fs::mkdirat(&root.fd, TEMPORARIES, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(refused(errno.into())),
    }
    let folder = root.open_folder(TEMPORARIES).map_err(refused)?;
    let remove_all = || -> io::Result<()> {
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..")
                && entry.file_type() != FileType::Directory
            {
                rustix::fs::unlinkat(&folder, entry.file_name(), AtFlags::empty())?;
            }
        }
        Ok(())
    };
    remove_all().map_err(refused)
}

impl Inner {
    /// [`Store::create`](crate::Store::create). When it fails, some of the objects may be there
    /// already, each with its final bytes; creating them again is harmless.
    pub(super) fn create(&self, objects: &[Object]) -> Result<()> {
        let Some(first) = objects.first() else { return Ok(()) };
        let writer = self.writer(&first.path)?;
        let (fresh, present) = self.divide(objects)?;
        let single = fresh.len() + present.len() <= MAX_SINGLE_SYNCS;
        let failed = |error| Error::write(&first.path, error);
        // Before the first byte is written, so that it is told of all that comes of them.
        let touched = writer.folders.touch(&self.root).map_err(failed)?;
        let mut temporaries = Vec::with_capacity(fresh.len());
        for (path, bytes) in fresh {
            let temporary = Temporary::write(self, writer, path, &[bytes], OBJECT_MODE)?;
            if single {
                temporary.sync().map_err(|error| Error::write(path, error))?;
            }
            // Many files are not kept open: one sync of the file system covers them.
            temporaries.push((path, bytes, temporary.close()));
        }
        if single {
            for path in &present {
                // It may have come from a process that died before its syncs.
                if let Some(file) = self.root.open_file(path, OFlags::RDONLY)? {
                    file.sync_all().map_err(|error| Error::write(path, error))?;
                }
            }
        } else {
            touched.sync_whole().map_err(failed)?;
        }
        self.link(writer, touched, temporaries, &present)
    }

    /// Divides objects into those to be written and those that are there with the same bytes.
    fn divide<'a>(
        &self,
        objects: &'a [Object],
    ) -> Result<(BTreeMap<&'a ObjectPath, &'a Bytes>, Vec<&'a ObjectPath>)> {
        let mut fresh: BTreeMap<&ObjectPath, &Bytes> = BTreeMap::new();
        let mut present = Vec::new();
        for Object { path, bytes } in objects {
            check_name(path)?;
            check_size(path, bytes)?;
            if let Some(twin) = fresh.get(path) {
                if *twin != bytes {
                    return Err(Error::Conflict { path: path.clone() });
                }
                continue;
            }
            match self.root.read(path)? {
                None => drop(fresh.insert(path, bytes)),
                Some(there) if there == *bytes => present.push(path),
                Some(_) => return Err(Error::Conflict { path: path.clone() }),
            }
        }
        Ok((fresh, present))
    }

    /// Gives durable temporaries their names and makes those durable.
    fn link(
        &self,
        writer: &Writer,
        mut touched: Touched<'_>,
        temporaries: Vec<(&ObjectPath, &Bytes, Temporary<'_>)>,
        present: &[&ObjectPath],
    ) -> Result<()> {
        let names = writer.folders.hold();
        let mut last = present.last().copied();
        for (path, bytes, temporary) in temporaries {
            let (folder, name) = split(path);
            let folder = touched.folder(folder).map_err(|error| Error::write(path, error))?;
            match temporary.link(folder, name) {
                Ok(()) => {}
                // Somebody was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    match self.root.read(path)? {
                        Some(there) if there == *bytes => {}
                        Some(_) => return Err(Error::Conflict { path: path.clone() }),
                        None => {
                            let source = io::ErrorKind::IsADirectory.into();
                            return Err(Error::refused(path.as_str(), source));
                        }
                    }
                }
                Err(error) => return Err(Error::write(path, error)),
            }
            last = Some(path);
        }
        for path in present {
            touched.folder(split(path).0).map_err(|error| Error::write(path, error))?;
        }
        drop(names);
        match (touched.sync(), last) {
            (Err(source), Some(path)) => Err(Error::Unknown { path: path.clone(), source }),
            _ => Ok(()),
        }
    }

    /// [`Store::replace`](crate::Store::replace).
    pub(super) fn replace(&self, path: &ObjectPath, bytes: &[u8]) -> Result<()> {
        check_name(path)?;
        check_size(path, bytes)?;
        let writer = self.writer(path)?;
        let failed = |error| Error::write(path, error);
        let temporary = Temporary::write(self, writer, path, &[bytes], REPLACEABLE_MODE)?;
        temporary.sync().map_err(failed)?;
        let mut touched = writer.folders.touch(&self.root).map_err(failed)?;
        let names = writer.folders.hold();
        let (folder, name) = split(path);
        temporary.rename(touched.folder(folder).map_err(failed)?, name).map_err(failed)?;
        drop(names);
        touched.sync().map_err(|source| Error::Unknown { path: path.clone(), source })
    }

    /// [`Store::remove`](crate::Store::remove). Folders that become empty go as well.
    pub(super) fn remove(&self, paths: &[ObjectPath]) -> Result<()> {
        let Some(last) = paths.last() else { return Ok(()) };
        let writer = self.writer(last)?;
        let whole = self.root.to_sync_by().map_err(|error| Error::write(last, error))?;
        let mut folders: BTreeMap<&str, OwnedFd> = BTreeMap::new();
        for path in paths {
            check_name(path)?;
            let (parent, name) = split(path);
            if !folders.contains_key(parent) {
                match self.root.open_folder(parent) {
                    Ok(fd) => drop(folders.insert(parent, fd)),
                    Err(error) if is_absent(&error) => continue,
                    Err(error) => return Err(Error::write(path, error)),
                }
            }
            let Some(fd) = folders.get(parent) else { continue };
            match rustix::fs::unlinkat(fd, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(Error::write(path, errno.into())),
            }
        }
        let sync = || -> io::Result<()> {
            if folders.len() > MAX_SINGLE_SYNCS {
                return Ok(rustix::fs::syncfs(&whole)?);
            }
            folders.values().try_for_each(|fd| Ok(rustix::fs::fsync(fd)?))
        };
        sync().map_err(|source| Error::Unknown { path: last.clone(), source })?;
        for folder in folders.keys().rev() {
            writer.folders.prune(&self.root, folder);
        }
        Ok(())
    }
}

/// A file without its final name. It goes when it is dropped, whether or not it got one.
#[derive(Debug)]
pub(super) struct Temporary<'a> {
    root: &'a Root,
    name: String,
    file: Option<File>,
}

impl<'a> Temporary<'a> {
    /// Writes the bytes of what will be at `path`.
    pub(super) fn write(
        inner: &'a Inner,
        writer: &Writer,
        path: &ObjectPath,
        pieces: &[&[u8]],
        mode: Mode,
    ) -> Result<Self> {
        let number = writer.next_temporary.fetch_add(1, Ordering::Relaxed);
        let name = format!("{TEMPORARIES}/{number}");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let fd = inner
            .root
            .open_beneath(&name, flags, mode)
            .map_err(|error| Error::write(path, error))?;
        let mut temporary = Self { root: &inner.root, name, file: Some(File::from(fd)) };
        temporary.fill(pieces).map_err(|error| Error::write(path, error))?;
        Ok(temporary)
    }

    fn fill(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        pieces.iter().try_for_each(|piece| file.write_all(piece))
    }

    /// Makes the bytes durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_all)
    }

    fn close(mut self) -> Self {
        self.file = None;
        self
    }

    /// Gives the file a name that nothing has yet.
    pub(super) fn link(&self, folder: &OwnedFd, name: &str) -> io::Result<()> {
        let flags = AtFlags::empty();
        Ok(rustix::fs::linkat(&self.root.fd, self.name.as_str(), folder, name, flags)?)
    }

    /// Gives the file a name, in the place of what had it.
    fn rename(&self, folder: &OwnedFd, name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.root.fd, self.name.as_str(), folder.as_fd(), name)?)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // What stays because of an error is swept by the next open.
        let _ = rustix::fs::unlinkat(&self.root.fd, self.name.as_str(), AtFlags::empty());
    }
}

/// Refuses what could not be read again.
fn check_size(path: &ObjectPath, bytes: &[u8]) -> Result<()> {
    if bytes.len() as u64 > MAX_OBJECT_BYTES {
        return Err(Error::too_large(path, "an object has at most 1 GiB"));
    }
    Ok(())
}

/// A path's folder (empty for the directory itself) and name.
pub(super) fn split(path: &ObjectPath) -> (&str, &str) {
    path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

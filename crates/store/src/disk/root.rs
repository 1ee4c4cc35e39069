//! The directory, and reading beneath it.

use std::{
    fs::File,
    io::{self, ErrorKind, Read as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags},
    io::Errno,
};

use crate::{Error, ObjectPath, Result};

/// The largest object, in bytes: objects are read whole into memory.
pub(super) const MAX_OBJECT_BYTES: u64 = 1 << 30;

/// Names at the top that are the store's own.
const OWN_NAMES: [&str; 2] = ["lock", "tmp"];

/// An open directory, beneath which all paths are resolved.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) fd: OwnedFd,
    path: PathBuf,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| Error::refused(path.display().to_string(), errno.into()))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// The directory once more, to sync its file system by. The kernel tells of a write-back that
    /// failed once for each time that a file was opened: with one for all, whoever asks first would
    /// be told of the others' failures, and they of none.
    pub(super) fn to_sync_by(&self) -> io::Result<OwnedFd> {
        self.open_folder("")
    }

    /// A path as messages show it.
    pub(super) fn shown(&self, path: &str) -> String {
        self.path.join(path).display().to_string()
    }

    /// Opens what is at a path, never through a symbolic link and never outside.
    pub(super) fn open_beneath(
        &self,
        path: &str,
        flags: OFlags,
        mode: Mode,
    ) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        Ok(rustix::fs::openat2(&self.fd, path, flags, mode, resolve)?)
    }

    /// Opens a folder, or the directory itself where the path is empty.
    pub(super) fn open_folder(&self, path: &str) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { "." } else { path };
        match self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            // The kernel says of a link what it says of an object; only the latter is a plain no.
            Err(error) if error.kind() == ErrorKind::NotADirectory && self.is_link(path) => {
                Err(Errno::LOOP.into())
            }
            result => result,
        }
    }

    fn is_link(&self, path: &str) -> bool {
        self.open_beneath(path, OFlags::PATH, Mode::empty())
            .and_then(|fd| Ok(rustix::fs::fstat(fd)?))
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
    }

    /// Opens the file at a path, if there is one.
    pub(super) fn open_file(&self, path: &ObjectPath, flags: OFlags) -> Result<Option<File>> {
        check_name(path)?;
        match self.open_beneath(path.as_str(), flags | OFlags::NONBLOCK, Mode::empty()) {
            Ok(fd) => Ok(Some(File::from(fd))),
            // Below an object there is nothing, as in a store without folders.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::refused(path.as_str(), error)),
        }
    }

    /// Reads the whole object at a path, if there is one; or a journal's segment, which has what is not
    /// published and is bounded far below what an object may have.
    pub(super) fn read(&self, path: &ObjectPath) -> Result<Option<Bytes>> {
        let Some(file) = self.open_file(path, OFlags::RDONLY)? else { return Ok(None) };
        read_all(file, MAX_OBJECT_BYTES).map_err(|error| Error::refused(path.as_str(), error))
    }

    /// Every object below a folder, sorted. Names that no object can have are passed over.
    pub(super) fn list(&self, folder: &ObjectPath) -> Result<Vec<ObjectPath>> {
        check_name(folder)?;
        let mut found = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(folder) = folders.pop() {
            for (path, kind) in self.entries(&folder)? {
                // A link is listed too: whoever reads it is told that it is not an object.
                match kind {
                    FileType::Directory => folders.push(path),
                    _ => found.push(path),
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What is directly in a folder; nothing if it is not there.
    pub(super) fn entries(&self, folder: &ObjectPath) -> Result<Vec<(ObjectPath, FileType)>> {
        let refused = |error: io::Error| Error::refused(folder.as_str(), error);
        let fd = match self.open_folder(folder.as_str()) {
            Ok(fd) => fd,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(refused(error)),
        };
        let mut entries = Vec::new();
        for entry in Dir::read_from(&fd).map_err(|errno| refused(errno.into()))? {
            let entry = entry.map_err(|errno| refused(errno.into()))?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Ok(path) = folder.join(name) else { continue };
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    match rustix::fs::statat(&fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                        Err(Errno::NOENT) => continue,
                        Err(errno) => return Err(refused(errno.into())),
                    }
                }
                known => known,
            };
            entries.push((path, kind));
        }
        Ok(entries)
    }

    /// Bytes that the process may still write to the file system.
    pub(super) fn free_bytes(&self) -> Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.fd)
            .map_err(|errno| Error::refused(self.path.display().to_string(), errno.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Refuses the store's own names.
pub(super) fn check_name(path: &ObjectPath) -> Result<()> {
    let first = path.as_str().split('/').next().unwrap_or_default();
    if OWN_NAMES.contains(&first) {
        let source =
            io::Error::new(ErrorKind::InvalidInput, "the name belongs to the store itself");
        return Err(Error::refused(path.as_str(), source));
    }
    Ok(())
}

/// Reads a whole regular file; `None` if it is a folder.
fn read_all(mut file: File, limit: u64) -> io::Result<Option<Bytes>> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is not a regular file"));
    }
    if metadata.len() > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let size = usize::try_from(metadata.len()).map_err(|_| ErrorKind::FileTooLarge)?;
    let mut bytes = Vec::with_capacity(size);
    // What is appended while it is read is left for the next reader.
    file.by_ref().take(metadata.len()).read_to_end(&mut bytes)?;
    Ok(Some(bytes.into()))
}

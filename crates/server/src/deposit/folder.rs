//! A deposit's folder: files get their names only when they are whole, and never a second time.
//!
//! **Guarantee.** A file is written under a name of its own, synced, made read-only, and then given
//! its final name if nothing has it: no half file is visible under a final name, and none is ever
//! overwritten. [`Folder::sync`] makes the names durable. No symbolic link is followed.
//!
//! **Absent on purpose.** No way to change or remove a file that has its final name.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;

use super::Destination;

/// The folders that files are deposited in. The disk's in a server; tests put faults before it.
pub trait Shelf: Send + Sync + std::fmt::Debug {
    /// Makes a folder and those above it up to the root, durably, where they are missing.
    ///
    /// # Errors
    /// Those of the disk; a symbolic link on the way.
    fn make(&self, destination: &Destination) -> io::Result<()>;

    /// Opens a folder. It is not made: one that is gone may be a disk that is not mounted.
    ///
    /// # Errors
    /// Those of the disk; [`io::ErrorKind::NotFound`] when it is gone.
    fn open(&self, destination: &Destination) -> io::Result<Box<dyn Folder>>;
}

/// One folder, open.
pub trait Folder: Send {
    /// What has a name.
    ///
    /// # Errors
    /// Those of the disk.
    fn read(&self, name: &str) -> io::Result<Found>;

    /// Begins the file that will have a name, and removes what a crash left of an earlier attempt.
    ///
    /// # Errors
    /// Those of the disk.
    fn begin(&self, name: &str) -> io::Result<Box<dyn Part>>;

    /// Gives a sealed part its name. False when something has the name already.
    ///
    /// # Errors
    /// Those of the disk.
    fn name(&self, part: Box<dyn Part>, name: &str) -> io::Result<bool>;

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// Those of the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A file on its way. It goes when it is dropped without a name.
pub trait Part: Write + Send {
    /// Makes its bytes durable and the file read-only.
    ///
    /// # Errors
    /// Those of the disk.
    fn seal(&mut self) -> io::Result<()>;
}

/// What has a name.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A regular file.
    File(File),
    /// A link, a folder or something else that no deposit makes.
    Other,
}

/// Folders on disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskShelf;

/// Everyone may read a deposited file and nobody may write it.
const FILE_MODE: Mode = Mode::from_raw_mode(0o444);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Shelf for DiskShelf {
    fn make(&self, destination: &Destination) -> io::Result<()> {
        let root = rustix::fs::open(&destination.root, FOLDER, Mode::empty())?;
        let mut parent = root.try_clone()?;
        for (end, _) in destination.below.match_indices('/').chain([(destination.below.len(), "")])
        {
            let here = destination.below.get(..end).unwrap_or_default();
            let name = here.rsplit_once('/').map_or(here, |(_, name)| name);
            match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            rustix::fs::fsync(&parent)?;
            parent = open_beneath(&root, here, FOLDER)?;
        }
        Ok(())
    }

    fn open(&self, destination: &Destination) -> io::Result<Box<dyn Folder>> {
        let root = rustix::fs::open(&destination.root, FOLDER, Mode::empty())?;
        let fd = open_beneath(&root, &destination.below, FOLDER)?;
        Ok(Box::new(DiskFolder { fd }))
    }
}

fn open_beneath(folder: &OwnedFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    Ok(rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve)?)
}

struct DiskFolder {
    fd: OwnedFd,
}

/// Where a file is written until it is whole. One process at a time writes to a deposit's folder.
fn temporary(name: &str) -> String {
    format!(".{name}.part")
}

impl Folder for DiskFolder {
    fn read(&self, name: &str) -> io::Result<Found> {
        // Opening a pipe must not wait for somebody at its other end.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        match open_beneath(&self.fd, name, flags) {
            Ok(fd) => {
                let file = File::from(fd);
                let is_file = file.metadata()?.is_file();
                Ok(if is_file { Found::File(file) } else { Found::Other })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => {
                // A link (`ELOOP`) or a socket (`ENXIO`) cannot be opened at all.
                let errno = Errno::from_io_error(&error);
                if matches!(errno, Some(Errno::LOOP | Errno::NXIO)) {
                    return Ok(Found::Other);
                }
                Err(error)
            }
        }
    }

    fn begin(&self, name: &str) -> io::Result<Box<dyn Part>> {
        let temporary = temporary(name);
        match rustix::fs::unlinkat(&self.fd, &temporary, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, &temporary, flags, Mode::from_raw_mode(0o600))?;
        let folder = self.fd.try_clone()?;
        Ok(Box::new(DiskPart { file: File::from(fd), folder, temporary }))
    }

    fn name(&self, part: Box<dyn Part>, name: &str) -> io::Result<bool> {
        // Gone before its part is dropped, the temporary name is not missed.
        let temporary = temporary(name);
        let named = rename_or_link(&self.fd, &temporary, name);
        drop(part);
        match named {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }
}

/// Gives a file a name that nothing has. Some file systems know only one of the two ways.
fn rename_or_link(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())
        }
        result => result,
    }
}

struct DiskPart {
    file: File,
    folder: OwnedFd,
    temporary: String,
}

impl Write for DiskPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Part for DiskPart {
    fn seal(&mut self) -> io::Result<()> {
        rustix::fs::fchmod(&self.file, FILE_MODE)?;
        self.file.sync_all()
    }
}

impl Drop for DiskPart {
    fn drop(&mut self) {
        // What stays because of an error is removed by the next attempt.
        let _ = rustix::fs::unlinkat(&self.folder, &self.temporary, AtFlags::empty());
    }
}

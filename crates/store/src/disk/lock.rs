//! One process at a time.

use std::fs::{File, TryLockError};

use rustix::fs::{Mode, OFlags};

use super::root::Root;
use crate::{Error, Result};

const NAME: &str = "lock";

/// Locks the directory until the file is closed, which the system does when the process dies.
pub(super) fn take(root: &Root) -> Result<File> {
    let path = root.shown(NAME);
    let file = root
        .open_beneath(NAME, OFlags::RDWR | OFlags::CREATE, Mode::RUSR | Mode::WUSR)
        .map_err(|error| Error::refused(&path, error))?;
    let file = File::from(file);
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
        Err(TryLockError::Error(error)) => Err(Error::refused(path, error)),
    }
}

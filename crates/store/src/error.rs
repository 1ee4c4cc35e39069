//! What can go wrong, named by what the caller may do about it.

use std::io;

use crate::ObjectPath;

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed store operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something else is there already: other bytes at the path, or another head. Nothing happened.
    #[error("{path} already holds something else")]
    Conflict {
        /// The object or journal.
        path: ObjectPath,
    },
    /// Stored bytes contradict themselves. A person has to look.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The object or journal segment.
        path: ObjectPath,
        /// Where in it.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
    /// Another process has the directory open.
    #[error("{path} is locked by another process")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The disk is full. Nothing happened; it may work once there is room.
    #[error("no space left for {path}")]
    NoSpace {
        /// What was being written.
        path: ObjectPath,
    },
    /// The operating system said no and nothing happened.
    #[error("cannot access {path}")]
    Refused {
        /// The object, folder or journal.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is not known whether the write happened. The writer has to stop and recover.
    #[error("it is not known whether {path} was written")]
    Unknown {
        /// The object or journal.
        path: ObjectPath,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// The operating system, or this crate in its place, said no.
    pub(crate) fn refused(path: impl Into<String>, source: io::Error) -> Self {
        Self::Refused { path: path.into(), source }
    }

    /// A limit of the store is exceeded.
    pub(crate) fn too_large(path: &ObjectPath, what: &'static str) -> Self {
        Self::refused(path.as_str(), io::Error::new(io::ErrorKind::FileTooLarge, what))
    }

    /// A journal's writer was left behind by a failed write.
    pub(crate) fn poisoned(path: &ObjectPath) -> Self {
        let source = io::Error::other("an earlier write failed; open the journal again");
        Self::Unknown { path: path.clone(), source }
    }

    /// A write that failed with nothing done.
    pub(crate) fn write(path: &ObjectPath, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path: path.clone() }
            }
            _ => Self::refused(path.as_str(), source),
        }
    }
}

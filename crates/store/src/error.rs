//! What can go wrong, named by what the caller may do about it.

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
        source: std::io::Error,
    },
    /// It is not known whether the write happened. The writer has to stop and recover.
    #[error("it is not known whether {path} was written")]
    Unknown {
        /// The object or journal.
        path: ObjectPath,
        /// Why.
        source: std::io::Error,
    },
}

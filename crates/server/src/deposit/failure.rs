//! Why a run could not do something.

use std::io;

use super::DestinationError;

/// What kept a run from depositing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The trail refused or failed.
    #[error(transparent)]
    Trail(#[from] trail::Error),
    /// The folder is not there. It is made when the deposit is ordered and not again: its disk may
    /// not be mounted.
    #[error("the folder is gone; bring it back with the files in it")]
    Gone,
    /// The folder's disk is full.
    #[error("the folder's disk is full")]
    Full,
    /// The folder cannot be used for another reason.
    #[error("the folder cannot be used: {0}")]
    Folder(io::Error),
    /// Something that this deposit did not write has the name of a file.
    #[error("{name} is there and is not what belongs there; move it away")]
    Occupied {
        /// The name.
        name: String,
    },
    /// The folder does not lie below a root any more.
    #[error("the destination {0}")]
    Destination(#[from] DestinationError),
    /// This version does not write the dialect and format.
    #[error("this version does not write {0}")]
    Dialect(String),
    /// An entry has an id of the server's own records and is not one.
    #[error("entry {index} stands where a record of the server belongs")]
    Foreign {
        /// Its index.
        index: u64,
    },
    /// A record would not be a valid event.
    #[error("it cannot be recorded: {0}")]
    Invalid(#[from] event::Invalid),
    /// The server stops; the next run goes on.
    #[error("the server stops")]
    Cut,
}

impl Failure {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Trail(_) | Self::Foreign { .. } | Self::Invalid(_) => "trail",
            Self::Gone => "destination-gone",
            Self::Full => "disk-full",
            Self::Folder(_) => "destination-failed",
            Self::Occupied { .. } => "occupied",
            Self::Destination(_) => "destination-refused",
            Self::Dialect(_) => "dialect",
            Self::Cut => "stopped",
        }
    }

    /// Whether other days of the same deposit may do better.
    pub(super) const fn is_of_one_day(&self) -> bool {
        matches!(self, Self::Occupied { .. })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::NotFound => Self::Gone,
            _ => Self::Folder(error),
        }
    }
}

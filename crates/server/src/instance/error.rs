//! What can go wrong with a data directory, named by what the caller may do.

use std::path::PathBuf;

use registry::Slug;

/// A failed operation on an instance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// `init` was asked to use a directory that has something in it.
    #[error("{path} is not empty; init makes a new directory and touches no other")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was not made by `init`.
    #[error("{path} is not a data directory; make one with `indelible init`")]
    NotInitialised {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be looked into.
    #[error("permission denied in {path}; run this as the user that the data directory belongs to")]
    Denied {
        /// The directory.
        path: PathBuf,
    },
    /// There is no trail of this name.
    #[error("there is no trail `{slug}`")]
    NoTrail {
        /// Its name.
        slug: Slug,
    },
    /// There is a trail of this name already.
    #[error("there is a trail `{slug}` already")]
    TrailExists {
        /// Its name.
        slug: Slug,
    },
    /// There is no token with this id.
    #[error("there is no token {id}")]
    NoToken {
        /// Its id.
        id: String,
    },
    /// There is no deposit with this id on the trail.
    #[error("there is no deposit {id}")]
    NoDeposit {
        /// Its id.
        id: String,
    },
    /// The folder is or was another deposit's.
    #[error("the destination belongs to the deposit {id}; a folder is for one deposit, for ever")]
    DestinationTaken {
        /// The other deposit.
        id: String,
    },
    /// What was ordered cannot be done.
    #[error("{member} {message}")]
    Order {
        /// The member of the order.
        member: &'static str,
        /// What it should be.
        message: String,
    },
    /// The origin cannot name a trail.
    #[error(
        "`{origin}` cannot be an origin: use letters, digits, `.`, `-` and `/`, such as audit.example.org/lab"
    )]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The trail refused or failed.
    #[error(transparent)]
    Trail(#[from] trail::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The search projection failed.
    #[error("search failed")]
    Search(#[from] search::Error),
    /// A change would not make a valid event.
    #[error("the change cannot be recorded: {0}")]
    Invalid(#[from] event::Invalid),
    /// A file beside the store failed.
    #[error("cannot use {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl InstanceError {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

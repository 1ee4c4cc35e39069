//! What can go wrong, named by what the caller may do about it.

/// A question that could not be answered, or a projection that could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The question is not one that can be answered; the message says what to change.
    #[error("{0}")]
    Question(String),
    /// The cursor is not one that was handed out for this order.
    #[error("this is not a cursor of this list; start again without one")]
    Cursor,
    /// The projection's folder is damaged. It is being rebuilt; ask again later.
    #[error("the projection is damaged and is being rebuilt: {0}")]
    Damaged(String),
    /// The projection is being made again, and has not got as far as it was; ask again later.
    #[error("search is being rebuilt: {size} of {wanted} events can be found")]
    Behind {
        /// How many events can be found.
        size: u64,
        /// How many there were when it began.
        wanted: u64,
    },
    /// The folder cannot be read or written.
    #[error("{path}: the projection's folder cannot be used")]
    Folder {
        /// What was being read or written.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The trail could not be read.
    #[error("the trail could not be read")]
    Feed(#[from] trail::Error),
    /// The search engine failed.
    #[error("the search engine failed")]
    Engine(#[from] tantivy::TantivyError),
}

impl Error {
    /// The engine only fails to read what is damaged.
    pub(crate) fn while_reading(self) -> Self {
        match self {
            Self::Engine(error) => Self::Damaged(error.to_string()),
            other => other,
        }
    }

    pub(crate) fn folder(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Folder { path: path.display().to_string(), source }
    }
}

/// Results of this crate.
pub(crate) type Result<T> = std::result::Result<T, Error>;

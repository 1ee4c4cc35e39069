//! What can go wrong, named by what the caller may do about it.

/// A failed operation on a trail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too much is waiting; try again in a moment. Nothing was recorded.
    #[error("the trail is busy; try again")]
    Busy,
    /// The disk is full. Nothing was recorded; try again when there is room.
    #[error("the disk is full")]
    Full(#[source] Option<store::Error>),
    /// The clock cannot be believed; an operator has to confirm it. Nothing was recorded.
    #[error("the clock would move recorded_at {ahead_seconds} s ahead")]
    ClockUntrusted {
        /// How far ahead of the last recorded time.
        ahead_seconds: i64,
    },
    /// An event with this source system and id is recorded already, and says something else.
    #[error("event {position} of the request has the id of another event")]
    Different {
        /// Position of the offending event in its request.
        position: usize,
        /// Where the recorded one is; `None` when both are in the same request.
        index: Option<u64>,
    },
    /// No such event.
    #[error("there is no event {index}; the trail has {size}")]
    NoEvent {
        /// What was asked for.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// The writer stopped after a write whose outcome is unknown. Only recovery brings it back.
    #[error("the trail stopped after a write of unknown outcome; open it again")]
    Stopped,
    /// The stored trail contradicts itself. A person has to look.
    #[error(transparent)]
    Corrupt(#[from] crate::Corruption),
    /// The store failed and nothing happened; it may work later.
    #[error("the store failed")]
    Unavailable(#[source] store::Error),
    /// The id index failed. Nothing was recorded.
    #[error("the id index failed")]
    Ids(#[source] std::io::Error),
    /// The receipt cannot be made yet: the event is recorded, but no checkpoint covers it.
    #[error("event {index} is not published yet; the checkpoint has {size}")]
    NotPublished {
        /// What was asked for.
        index: u64,
        /// The size of the published checkpoint.
        size: u64,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoSpace { .. } => Self::Full(Some(error)),
            store::Error::Unknown { .. } => Self::Stopped,
            store::Error::Damaged { path, offset, what } => {
                Self::Corrupt(crate::Corruption::JournalDamaged {
                    path: path.to_string(),
                    offset,
                    what,
                })
            }
            other => Self::Unavailable(other),
        }
    }
}

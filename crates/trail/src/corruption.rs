//! The ways in which a stored trail can contradict itself.

use crate::REMEMBERED;

/// One contradiction, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// A bundle cannot be read as entries.
    #[error("{path}: the bundle is damaged: {what}")]
    BundleDamaged {
        /// The object.
        path: String,
        /// What was found.
        what: &'static str,
    },
    /// A checkpoint is not signed by the trail's key, or is not a checkpoint.
    #[error("{path}: not a checkpoint signed by this trail's key")]
    CheckpointUnsigned {
        /// The object.
        path: String,
    },
    /// The head's code does not match: it was not written by this trail.
    #[error("{path}: the head is not authentic")]
    HeadForged {
        /// The journal.
        path: String,
    },
    /// The journal is damaged.
    #[error("{path}: damaged at byte {offset}: {what}")]
    JournalDamaged {
        /// The segment.
        path: String,
        /// Where in it.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
    /// The journal does not continue the tiles.
    #[error("{path}: the journal does not lead to its own head")]
    JournalDetached {
        /// The journal.
        path: String,
    },
    /// An entry is not the one whose hash is in the tree.
    #[error("{path}: entry {index} is not the one that was recorded")]
    LeafMismatch {
        /// The bundle.
        path: String,
        /// Its leaf index.
        index: u64,
    },
    /// An object that must exist does not.
    #[error("{path}: missing")]
    Missing {
        /// The object.
        path: String,
    },
    /// An object is there and cannot be read.
    #[error("{path}: cannot be read: {why}")]
    Unreadable {
        /// The object.
        path: String,
        /// What the system says.
        why: String,
    },
    /// A detached value is not the one that its entry commits to.
    #[error("{path}: the opening of entry {index} at {at} does not match")]
    OpeningMismatch {
        /// The object.
        path: String,
        /// The entry's leaf index.
        index: u64,
        /// JSON pointer of the value.
        at: String,
    },
    /// An object that nothing accounts for.
    #[error("{path}: does not belong to this trail")]
    Extra {
        /// The object.
        path: String,
    },
    /// The trail is smaller than it is known to have been.
    #[error(
        "{witness} knows {from} entries of the trail and it went back to {to}: this is an older copy \
         of it, or an older copy of a part was put back"
    )]
    SizeWentBack {
        /// What knows more: [`REMEMBERED`], or a part of the data directory.
        witness: &'static str,
        /// The highest size known.
        from: u64,
        /// The size that was found.
        to: u64,
    },
    /// Two roots for one size.
    #[error("{path}: the root at size {size} is not the one known")]
    RootMismatch {
        /// The object.
        path: String,
        /// The tree size.
        size: u64,
    },
    /// A tile's hashes are not those of the entries or tiles below it.
    #[error("{path}: the tile does not hash what lies below it")]
    TileMismatch {
        /// The object.
        path: String,
    },
}

/// What the published checkpoint is called, where it is a witness.
pub(crate) const PUBLISHED: &str = "the published checkpoint";

impl Corruption {
    /// Whether another look at a trail that moves on found the same: sizes go on with the trail.
    pub(crate) fn stands_in(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::SizeWentBack { witness, from, .. },
                Self::SizeWentBack { witness: other, from: size, .. },
            ) => (witness, from) == (other, size),
            (Self::RootMismatch { path, .. }, Self::RootMismatch { path: other, .. }) => {
                path == other
            }
            _ => self == other,
        }
    }

    /// Whether the trail says something else than the checkpoint that is remembered outside of it:
    /// damage of the trail itself does not show so, but an older copy or another history does.
    pub fn contradicts_remembered(&self) -> bool {
        match self {
            Self::SizeWentBack { witness, .. } => *witness == REMEMBERED,
            Self::RootMismatch { path, .. } => path == REMEMBERED,
            _ => false,
        }
    }
}

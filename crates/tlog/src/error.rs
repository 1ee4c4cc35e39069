//! Every way in which something handed to this crate can contradict its specification.

use crate::{LeafIndex, Tile, TreeSize};

/// One variant per misdeed, alphabetical. None of them carries a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A bundle goes on after its last entry.
    #[error("{bytes} bytes follow the last entry of the bundle")]
    BundleTrailing {
        /// How many bytes are left over.
        bytes: usize,
    },
    /// A bundle ends inside an entry, or before it.
    #[error("the bundle ends inside its entry {entry}")]
    BundleTruncated {
        /// The position of that entry in the bundle.
        entry: u16,
    },
    /// A text is not a checkpoint (c2sp.org/tlog-checkpoint).
    #[error("malformed checkpoint: {0}")]
    CheckpointMalformed(&'static str),
    /// An entry that its two-byte length cannot count.
    #[error("an entry of {bytes} bytes is larger than {}", crate::MAX_ENTRY_BYTES)]
    EntryTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not 44 characters of canonical base64.
    #[error("not the canonical base64 of a 32-byte hash")]
    HashMalformed,
    /// The key ID in a key's text is not the one that its name and key bytes have.
    #[error("the key ID does not belong to the key")]
    KeyIdMismatch,
    /// A text is not a key.
    #[error("malformed key: {0}")]
    KeyMalformed(&'static str),
    /// A key name is empty or has a space or a `+`.
    #[error("a key name must be non-empty, without spaces and without '+'")]
    KeyNameInvalid,
    /// A signature type that this crate cannot verify.
    #[error("unsupported signature type {0:#04x}")]
    KeyTypeUnsupported(u8),
    /// A public key is not a point of the curve, or one of the few weak ones.
    #[error("the public key is not a usable Ed25519 point")]
    KeyUnusable,
    /// A leaf that the tree does not have.
    #[error("a tree of size {size} has no leaf {index}")]
    LeafOutOfRange {
        /// The leaf asked for.
        index: LeafIndex,
        /// The tree it is not in.
        size: TreeSize,
    },
    /// A text is not a signed note (c2sp.org/signed-note).
    #[error("malformed note: {0}")]
    NoteMalformed(&'static str),
    /// A note is larger than [`crate::MAX_NOTE_BYTES`].
    #[error("a note of {bytes} bytes is too large")]
    NoteTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No signature by a key that the caller trusts.
    #[error("no signature by a trusted key")]
    NoteUntrusted,
    /// A checkpoint of something else.
    #[error("the checkpoint is of {found:?}, not of {expected:?}")]
    OriginMismatch {
        /// What the caller asked for.
        expected: String,
        /// What the checkpoint says.
        found: String,
    },
    /// A path that no tile or bundle has.
    #[error("not a canonical tile path")]
    PathMalformed,
    /// A key in a policy is not one that can be used.
    #[error("the key in line {line} of the policy cannot be used")]
    PolicyKey {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// A text is not a policy (c2sp.org/tlog-policy).
    #[error("malformed policy: {what}, in line {line}")]
    PolicyMalformed {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A proof has too few or too many hashes for its tree.
    #[error("the proof has {hashes} hashes, which is the wrong number for its tree")]
    ProofLength {
        /// How many it has.
        hashes: usize,
    },
    /// Fewer witnesses have cosigned than the policy asks for, or others.
    #[error("{cosignatures} known witnesses have cosigned, which is not the quorum")]
    QuorumMissing {
        /// How many of the policy's witnesses have.
        cosignatures: usize,
    },
    /// A text is not a receipt (c2sp.org/tlog-proof).
    #[error("malformed receipt: {0}")]
    ReceiptMalformed(&'static str),
    /// A proof or a set of hashes leads to another root.
    #[error("the hashes lead to another root")]
    RootMismatch,
    /// A known key's signature does not verify.
    #[error("the signature by {name:?} does not verify")]
    SignatureInvalid {
        /// The key's name.
        name: String,
    },
    /// A tree is asked to be an extension of a larger one.
    #[error("a tree of size {new} cannot extend one of size {old}")]
    SizeWentBack {
        /// The size that was seen before.
        old: TreeSize,
        /// The size that came after.
        new: TreeSize,
    },
    /// A tile's bytes are not as many as its width says.
    #[error("{} has {bytes} bytes", .tile.path())]
    TileLength {
        /// The tile.
        tile: Tile,
        /// How many bytes came for it.
        bytes: usize,
    },
    /// A tile that is needed was not given.
    #[error("{} is missing", .tile.path())]
    TileMissing {
        /// The tile.
        tile: Tile,
    },
    /// A level above 63 or a width outside 1 to 256.
    #[error("no tile has level {level} and width {width}")]
    TileOutOfRange {
        /// The level asked for.
        level: u8,
        /// The width asked for.
        width: u16,
    },
    /// The number of hashes is not the one that a tree of this size has.
    #[error("a tree of size {size} does not have {hashes} subtrees")]
    TreeParts {
        /// The size claimed.
        size: TreeSize,
        /// How many hashes came with it.
        hashes: usize,
    },
    /// A tree size above [`crate::MAX_TREE_SIZE`].
    #[error("a tree of size {size} is too large")]
    TreeTooLarge {
        /// The size claimed.
        size: TreeSize,
    },
}

/// Why a proof could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError<E> {
    /// The question makes no sense, or a tile has the wrong length.
    #[error(transparent)]
    Invalid(#[from] Error),
    /// The reader failed.
    #[error("a tile could not be read")]
    Read(#[source] E),
}

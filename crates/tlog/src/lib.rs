//! Transparency-log mathematics and formats.
//!
//! What a stranger needs to check a trail, and what a trail needs to be checkable: hashes, trees,
//! tiles, entry bundles, signed notes, checkpoints, proofs and receipts, exactly as these
//! specifications write them:
//!
//! | specification | version | here |
//! |---|---|---|
//! | RFC 6962 section 2.1, RFC 9162 section 2.1 | final | [`leaf_hash`], [`Frontier`], [`InclusionProof`], [`ConsistencyProof`] |
//! | c2sp.org/tlog-tiles | v0.1.0 | [`Tile`], [`TileBuilder`], [`BundleId`] |
//! | c2sp.org/signed-note | v1.0.0 | [`Note`], [`VerifierKey`], [`SigningKey`] |
//! | c2sp.org/tlog-checkpoint | v1.0.0 | [`Checkpoint`] |
//! | c2sp.org/tlog-cosignature | v1.0.1, Ed25519 only | [`Cosignature`] |
//! | c2sp.org/tlog-proof | v1 | [`Receipt`] |
//! | c2sp.org/tlog-policy | June 2026, Ed25519 only | [`Policy`] |
//!
//! **Guarantee.** Every parser accepts exactly what its printer prints, and nothing here panics on
//! input. Every limit is a named constant.
//!
//! **Trust.** Tiles, notes and proofs come from anyone. A tile is believed only through a root, a
//! root only through a signature, a signature only through a [`VerifierKey`] that the caller chose.
//!
//! **Absent on purpose.** No I/O, no clock, no randomness, no threads, no knowledge of what an
//! entry says. An auditor can verify a receipt with this crate and nothing else of ours.

mod bundle;
mod checkpoint;
mod cosignature;
mod error;
mod hash;
mod key;
mod lexeme;
mod note;
mod path;
mod policy;
mod proof;
mod receipt;
mod tile;
mod tiles;
mod tree;

pub use bundle::{BundleId, Entries, MAX_ENTRY_BYTES, push_entry};
pub use checkpoint::Checkpoint;
pub use cosignature::Cosignature;
pub use error::{BuildError, Error};
pub use hash::{HASH_BYTES, Hash, leaf_hash, node_hash};
pub use key::{KeyKind, SigningKey, VerifierKey};
pub use note::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, Signature, VerifiedNote};
pub use policy::{MAX_POLICY_BYTES, Party, Policy};
pub use proof::{ConsistencyProof, InclusionProof};
pub use receipt::{MAX_RECEIPT_BYTES, Receipt};
pub use tile::{HashReader, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile};
pub use tiles::TileBuilder;
pub use tree::{Frontier, LeafIndex, MAX_TREE_SIZE, TreeSize};

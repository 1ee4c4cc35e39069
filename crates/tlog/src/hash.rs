//! Hashes of leaves and nodes (RFC 6962 section 2.1).
//!
//! A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right), the empty tree SHA-256 of
//! nothing. The first byte keeps a leaf from ever passing for a node. An entry's length prefix in
//! its bundle is not part of the leaf.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::Error;

/// The bytes of a [`Hash`](struct@Hash).
pub const HASH_BYTES: usize = 32;

/// The characters of a hash in base64, padding included.
const BASE64_CHARS: usize = 44;

/// A SHA-256 hash: of a leaf, a node or a whole tree.
///
/// Prints as standard base64 (the form of checkpoints and receipts), debugs as hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_BYTES]);

impl Hash {
    /// The root of the tree without leaves: SHA-256 of nothing.
    pub const EMPTY_ROOT: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Reads the canonical, padded standard base64 of a hash and nothing else.
    pub fn parse_base64(text: &str) -> Result<Self, Error> {
        if text.len() != BASE64_CHARS {
            return Err(Error::HashMalformed);
        }
        let bytes = STANDARD.decode(text).map_err(|_| Error::HashMalformed)?;
        Self::try_from(bytes.as_slice())
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = Error;

    /// Takes exactly 32 bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::HashMalformed)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of a leaf: of an entry's exact bytes.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update([0]);
    sha.update(entry);
    Hash(sha.finalize().into())
}

/// The hash of a node from those of its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1; 1 + 2 * HASH_BYTES];
    if let Some((_, children)) = input.split_first_mut() {
        let (l, r) = children.split_at_mut(HASH_BYTES);
        l.copy_from_slice(&left.0);
        r.copy_from_slice(&right.0);
    }
    Hash(Sha256::digest(input).into())
}

//! Values that stand outside of the entry, and the commitment to each that stands inside.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The first bytes that are hashed into every digest of a detached value.
const DOMAIN: &[u8] = b"indelible/detached/v1\0";

/// What an entry says of a value that was detached from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detached<'a> {
    /// JSON pointer of the value in the entry, where `null` stands.
    pub at: Cow<'a, str>,
    /// Bytes of the value's compact JSON.
    pub size: u64,
    /// [`digest`] of salt, pointer and value.
    pub digest: [u8; 32],
}

impl Detached<'_> {
    /// Whether an opening is the one that this commits to.
    pub fn admits(&self, opening: &Opening) -> bool {
        self.at == opening.at
            && u64::try_from(opening.value.len()) == Ok(self.size)
            && digest(&opening.salt, &opening.at, opening.value.as_bytes()) == self.digest
    }
}

/// A digest as it stands in an entry: base64 with padding (RFC 4648 section 4).
pub(crate) fn digest_text(digest: [u8; 32]) -> String {
    STANDARD.encode(digest)
}

pub(crate) fn parse_digest(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// What makes a detached value readable: its salt and its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// JSON pointer of the value in the entry.
    pub at: String,
    /// Random bytes that keep a short value from being guessed out of its digest.
    pub salt: [u8; 32],
    /// The value's compact JSON.
    pub value: String,
}

impl Opening {
    /// Bytes that it takes in memory and in a journal, about.
    pub fn size_bytes(&self) -> usize {
        self.at.len() + self.salt.len() + self.value.len() + 8
    }
}

impl std::fmt::Debug for Opening {
    /// Shows neither the salt nor the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening")
            .field("at", &self.at)
            .field("size", &self.value.len())
            .finish_non_exhaustive()
    }
}

/// SHA-256 of the domain, the salt, the pointer's length as `u32` big-endian, the pointer and the
/// value's compact JSON.
pub fn digest(salt: &[u8; 32], at: &str, value: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(salt);
    // A pointer has at most a few hundred bytes.
    hasher.update(u32::try_from(at.len()).unwrap_or(u32::MAX).to_be_bytes());
    hasher.update(at.as_bytes());
    hasher.update(value);
    hasher.finalize().into()
}

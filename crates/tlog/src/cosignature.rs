//! Cosignatures: a witness's word on when it saw a checkpoint (c2sp.org/tlog-cosignature v1).
//!
//! The bytes after the key ID are a big-endian `u64` of POSIX seconds and 64 bytes of Ed25519 over
//! `cosignature/v1`, a newline, `time <seconds>`, a newline, and the whole text of the checkpoint.
//! It says that as of then this was the largest consistent tree that the witness knew of that
//! origin. The ML-DSA-44 form (type 0x06) is not understood here; its lines are ignored like those
//! of any unknown key.

use crate::{Error, VerifierKey};

/// A cosignature that has been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosignature<'a> {
    key: &'a VerifierKey,
    timestamp_s: u64,
}

impl<'a> Cosignature<'a> {
    pub(crate) const fn new(key: &'a VerifierKey, timestamp_s: u64) -> Self {
        Self { key, timestamp_s }
    }

    /// The witness's key.
    pub const fn key(&self) -> &'a VerifierKey {
        self.key
    }

    /// When the witness signed, in POSIX seconds; at most 2^63 − 1. Its clock is its own.
    pub const fn timestamp_s(&self) -> u64 {
        self.timestamp_s
    }
}

/// Verifies the bytes after the key ID of a witness's line; gives its time in POSIX seconds.
pub(crate) fn verify(key: &VerifierKey, text: &str, signature: &[u8]) -> Result<u64, Error> {
    let invalid = || Error::SignatureInvalid { name: key.name().to_owned() };
    let (timestamp, signature) = signature.split_first_chunk().ok_or_else(invalid)?;
    let timestamp_s = u64::from_be_bytes(*timestamp);
    if i64::try_from(timestamp_s).is_err() {
        return Err(invalid());
    }
    let message = format!("cosignature/v1\ntime {timestamp_s}\n{text}");
    key.verify_bytes(message.as_bytes(), signature)?;
    Ok(timestamp_s)
}

//! An id for records that have none: what they say, and which of several equal ones it is.
//!
//! The SHA-256 of the parsed record, and the record's ordinal among equals in its file. So a file
//! that is imported again, or another that overlaps it, adds nothing, and two rows that are equal
//! to the letter both survive.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest, Sha256};

/// SHA-256 of a record's fields, each after its length in bytes (`u64`, big-endian).
pub(crate) fn digest<'f>(fields: impl Iterator<Item = &'f str>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().into()
}

/// The id of the record with this digest and ordinal.
pub(crate) fn id(digest: &[u8; 32], ordinal: u64) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 64];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
        for (slot, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *slot = HEX.get(usize::from(nibble)).copied().unwrap_or_default();
        }
    }
    let mut text = String::with_capacity(7 + 64 + 2);
    text.push_str("sha256:");
    text.push_str(std::str::from_utf8(&hex).unwrap_or_default());
    text.push(':');
    if ordinal == 0 {
        text.push('0');
    } else {
        text.push_str(&ordinal.to_string());
    }
    text
}

/// Records that are remembered in each of two generations. Equal records name the same second, so
/// in a file that is ordered by time equals are never further apart than this; where they are, a
/// later one counts as the first again, which is an event that is there already.
const GENERATION_RECORDS: usize = 1 << 20;

/// How often each record was seen, in constant memory.
///
/// 64 bits of a digest tell records apart: among two million, the odds that any two different ones
/// agree are one in ten million, and then both still get ids of their own.
#[derive(Debug, Default)]
pub(crate) struct Ordinals {
    current: Generation,
    previous: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    seen: HashSet<u64, BuildHasherDefault<Identity>>,
    /// How often those were seen that were seen twice or more.
    repeated: HashMap<u64, u64, BuildHasherDefault<Identity>>,
}

impl Generation {
    fn count(&self, key: u64) -> u64 {
        self.repeated.get(&key).copied().unwrap_or_else(|| u64::from(self.seen.contains(&key)))
    }
}

impl Ordinals {
    /// The id of the next record, from what it says.
    pub(crate) fn id<'f>(&mut self, fields: impl Iterator<Item = &'f str>) -> String {
        let digest = digest(fields);
        let ordinal = self.next(&digest);
        id(&digest, ordinal)
    }

    /// The ordinal of the next record with this digest, from 0.
    pub(crate) fn next(&mut self, digest: &[u8; 32]) -> u64 {
        let key = digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let ordinal = self.current.count(key).max(self.previous.count(key));
        if self.current.seen.len() >= GENERATION_RECORDS {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.seen.insert(key);
        if ordinal > 0 {
            self.current.repeated.insert(key, ordinal + 1);
        }
        ordinal
    }
}

/// A digest's bits are as good as any hash of them.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_counted_and_others_are_not() {
        let mut ordinals = Ordinals::default();
        let [a, b] = [digest(["a", ""].into_iter()), digest(["", "a"].into_iter())];
        assert_ne!(a, b, "where one field ends matters");
        let seen: Vec<u64> = [a, b, a, a, b].iter().map(|d| ordinals.next(d)).collect();
        assert_eq!(seen, [0, 0, 1, 2, 1]);
        assert_eq!(id(&[0xAB; 32], 3), format!("sha256:{}:3", "ab".repeat(32)));
    }

    #[test]
    fn a_generation_that_is_full_is_still_remembered() {
        let mut ordinals = Ordinals::default();
        let key = |n: u64| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&n.to_be_bytes());
            digest
        };
        ordinals.next(&key(7));
        ordinals.next(&key(7));
        for n in 100..100 + GENERATION_RECORDS as u64 {
            ordinals.next(&key(n));
        }
        assert_eq!(ordinals.next(&key(7)), 2);
        assert_eq!(ordinals.next(&key(7)), 3);
        assert!(ordinals.current.seen.len() <= GENERATION_RECORDS);
    }
}

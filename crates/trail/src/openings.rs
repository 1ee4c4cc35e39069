//! Openings as bytes: in a commit's stage and in objects.
//!
//! `u16be` length of the pointer, pointer, 32 bytes of salt, `u32be` length of the value, value.

use event::{Detached, Entry, Opening};

pub(crate) fn write(out: &mut Vec<u8>, opening: &Opening) {
    // A pointer has tens of bytes and a value at most 8 MiB: both were checked when they came.
    out.extend_from_slice(&u16::try_from(opening.at.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(opening.at.as_bytes());
    out.extend_from_slice(&opening.salt);
    out.extend_from_slice(&u32::try_from(opening.value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(opening.value.as_bytes());
}

/// Reads the opening that the bytes begin with, and gives the rest.
pub(crate) fn read(bytes: &[u8]) -> Option<(Opening, &[u8])> {
    let (at_size, rest) = bytes.split_first_chunk::<2>()?;
    let (at, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*at_size)))?;
    let (salt, rest) = rest.split_first_chunk::<32>()?;
    let (value_size, rest) = rest.split_first_chunk::<4>()?;
    let value_size = usize::try_from(u32::from_be_bytes(*value_size)).ok()?;
    let (value, rest) = rest.split_at_checked(value_size)?;
    let opening = Opening {
        at: String::from_utf8(at.to_vec()).ok()?,
        salt: *salt,
        value: String::from_utf8(value.to_vec()).ok()?,
    };
    Some((opening, rest))
}

/// What an entry says that was detached from it. Nothing of an entry that is none of ours.
pub(crate) fn detached(entry: &[u8]) -> Vec<Detached<'_>> {
    if memchr::memmem::find(entry, b"\"detached\":[").is_none() {
        return Vec::new();
    }
    let text = std::str::from_utf8(entry).unwrap_or_default();
    Entry::parse(text).map(|entry| entry.detached).unwrap_or_default()
}

/// The openings that an entry commits to, one for each value that was detached from it. Where one is
/// missing, or there is any other, the pointer of it: whoever puts openings in their places believes
/// them all, and an entry does not commit to its members one by one.
pub(crate) fn admitted(
    detached: &[Detached<'_>],
    mut list: Vec<Opening>,
) -> Result<Vec<Opening>, String> {
    let mut admitted = Vec::with_capacity(detached.len());
    for value in detached {
        let place = list.iter().position(|opening| value.admits(opening));
        admitted.push(list.swap_remove(place.ok_or_else(|| value.at.to_string())?));
    }
    match list.pop() {
        None => Ok(admitted),
        Some(other) => Err(other.at),
    }
}

/// Reads openings until the bytes end.
pub(crate) fn read_all(mut bytes: &[u8]) -> Option<Vec<Opening>> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let opening;
        (opening, bytes) = read(bytes)?;
        list.push(opening);
    }
    Some(list)
}

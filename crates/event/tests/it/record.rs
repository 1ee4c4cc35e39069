//! Recording an event as a server would, with a time, a token and salts that are known.

use event::{Draft, Event, Json, Opening, Received, Stamp};
use sha2::{Digest, Sha256};

/// 2026-11-21T08:05:00.250000Z.
pub(crate) const RECORDED_AT: i64 = 1_795_248_300_250_000;

pub(crate) struct Recorded {
    pub(crate) entry: String,
    pub(crate) openings: Vec<Opening>,
}

/// Salts of which the first is 32 times 1, the second 32 times 2, and so on.
pub(crate) fn counting() -> impl FnMut() -> [u8; 32] {
    let mut count = 0;
    move || {
        count += 1;
        [count; 32]
    }
}

/// The stamp of `lims-token` through the API.
pub(crate) fn stamp() -> Stamp {
    Stamp::new(RECORDED_AT, "lims-token", &Received { via: "api".into(), ..Received::default() })
}

pub(crate) fn record(event: &Event<'_>, native: Option<&Json<'_>>) -> Recorded {
    let draft = Draft::new(event, native, &mut counting()).unwrap();
    Recorded { entry: write(&stamp(), &draft), openings: draft.openings().to_vec() }
}

pub(crate) fn write(stamp: &Stamp, draft: &Draft) -> String {
    let mut out = b"before".to_vec();
    let size = stamp.write(draft, &mut out);
    assert_eq!(out.len(), size + 6);
    String::from_utf8(out.split_off(6)).unwrap()
}

/// SHA-256 over a zero byte and the entry (RFC 6962 section 2.1), in hex.
pub(crate) fn leaf_hash(entry: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(entry);
    hex(&hasher.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

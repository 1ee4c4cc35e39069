//! An event on its way into the trail: its canonical bytes, before it has an index and a time.

use sha2::{Digest, Sha256};

use crate::detached::{digest, digest_text};
use crate::json::write_string;
use crate::limits::{
    DETACH_OVER_BYTES, DETACHED_BYTES_MAX, ENTRY_BYTES_MAX, SERVER_BYTES_RESERVED,
};
use crate::write::{Leaf, Writer};
use crate::{Event, Invalid, Json, Opening, Rule};

/// Where salts come from: the system's randomness, or a seeded generator in a simulation.
pub trait Salts {
    /// 32 bytes that nobody can guess.
    fn salt(&mut self) -> [u8; 32];
}

impl<F: FnMut() -> [u8; 32]> Salts for F {
    fn salt(&mut self) -> [u8; 32] {
        self()
    }
}

/// The canonical members of an event, what was detached from them, and its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The event's members, with `null` where a value was detached.
    pub(crate) members: Box<[u8]>,
    /// The source's own record, where the event would not give it back exactly.
    pub(crate) native: Option<Box<[u8]>>,
    /// What was detached. Rarely anything.
    pub(crate) openings: Vec<Opening>,
    key: Option<[u8; 16]>,
    occurred_at_micros: i64,
}

impl Draft {
    /// Writes an event in canonical form and detaches what is too large for the log. A `native` that
    /// is `null` counts as absent.
    ///
    /// The event is believed to keep the rules of the wire: it was parsed, or [`Event::check`]ed.
    ///
    /// # Errors
    /// [`Rule::TooLong`] when the event has more bytes than can be detached.
    pub fn new(
        event: &Event<'_>,
        native: Option<&Json<'_>>,
        salts: &mut dyn Salts,
    ) -> Result<Self, Invalid> {
        let native = native.filter(|json| json.as_str() != "null");
        let mut writer = Writer { out: Vec::with_capacity(1024), leaves: None };
        writer.event(event);
        let native_size = native.map_or(0, |json| json.as_str().len());
        let mut draft = Self {
            members: Box::default(),
            native: native.map(|json| json.as_str().as_bytes().into()),
            openings: Vec::new(),
            key: event.id.as_deref().map(|id| id_key(&event.source.system, id)),
            occurred_at_micros: event.occurred_at.micros(),
        };
        if writer.out.len() + native_size > DETACH_OVER_BYTES {
            draft.detach(event, &mut writer, salts)?;
        }
        draft.members = writer.out.into_boxed_slice();
        if draft.size_bytes() - draft.entry_bytes() > DETACHED_BYTES_MAX {
            let message = "the event and its source's own record are too long together";
            return Err(Invalid::new("", Rule::TooLong, message));
        }
        Ok(draft)
    }

    /// The idempotency key: 16 bytes of SHA-256 over source system and id. `None` without an id.
    pub fn key(&self) -> Option<[u8; 16]> {
        self.key
    }

    /// When it happened, in microseconds since the epoch.
    pub fn occurred_at_micros(&self) -> i64 {
        self.occurred_at_micros
    }

    /// What was detached.
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// Bytes that the entry will have, give or take the server's own members.
    pub fn entry_bytes(&self) -> usize {
        self.members.len() + self.native.as_ref().map_or(0, |native| native.len())
    }

    /// The same and the bytes of what was detached: what the event takes in memory and in a journal.
    pub fn size_bytes(&self) -> usize {
        self.entry_bytes() + self.openings.iter().map(Opening::size_bytes).sum::<usize>()
    }

    /// The whole event as canonical JSON, detached values in their places.
    pub fn event_json(&self) -> String {
        let mut text = String::with_capacity(self.members.len() + 2);
        text.push('{');
        text.push_str(&String::from_utf8_lossy(&self.members));
        text.push('}');
        Opening::restore(&text, &self.openings)
    }

    fn detach(
        &mut self,
        event: &Event<'_>,
        writer: &mut Writer,
        salts: &mut dyn Salts,
    ) -> Result<(), Invalid> {
        *writer = Writer { out: Vec::with_capacity(writer.out.len()), leaves: Some(Vec::new()) };
        writer.event(event);
        let leaves = writer.leaves.take().unwrap_or_default();
        let native_size = self.native.as_ref().map_or(0, |native| native.len());
        let chosen = choose(&leaves, writer.out.len(), native_size)?;
        if let Some(native) = self.native.take_if(|_| chosen.contains(&NATIVE)) {
            self.open(NATIVE, &native, salts);
            self.native = Some(b"null".as_slice().into());
        }
        let mut holed = Vec::with_capacity(ENTRY_BYTES_MAX.min(writer.out.len()));
        let mut copied = 0;
        for Leaf { at, range } in leaves.iter().filter(|leaf| chosen.contains(&leaf.at)) {
            holed.extend_from_slice(writer.out.get(copied..range.start).unwrap_or_default());
            holed.extend_from_slice(b"null");
            copied = range.end;
            self.open(at, writer.out.get(range.clone()).unwrap_or_default(), salts);
        }
        holed.extend_from_slice(writer.out.get(copied..).unwrap_or_default());
        writer.out = holed;
        Ok(())
    }

    fn open(&mut self, at: &str, value: &[u8], salts: &mut dyn Salts) {
        let value = String::from_utf8_lossy(value).into_owned();
        self.openings.push(Opening { at: at.to_owned(), salt: salts.salt(), value });
    }

    /// The member `detached` of the entry and the comma before it, or nothing.
    pub(crate) fn write_detached(&self, out: &mut Vec<u8>) {
        if self.openings.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"detached\":[");
        for (position, opening) in self.openings.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            let digest = digest(&opening.salt, &opening.at, opening.value.as_bytes());
            out.extend_from_slice(b"{\"at\":");
            write_string(out, &opening.at);
            let (size, digest) = (opening.value.len(), digest_text(digest));
            let rest = format!(",\"size\":{size},\"digest\":\"{digest}\"}}");
            out.extend_from_slice(rest.as_bytes());
        }
        out.push(b']');
    }
}

/// Where the source's own record stands in an entry.
const NATIVE: &str = "/native";

/// Which leaves to detach: each of over 16 KiB, then the largest until the entry fits.
fn choose(
    leaves: &[Leaf],
    members_size: usize,
    native_size: usize,
) -> Result<Vec<&'static str>, Invalid> {
    const BUDGET: usize = ENTRY_BYTES_MAX - SERVER_BYTES_RESERVED;
    let mut sizes: Vec<(usize, &'static str)> =
        leaves.iter().map(|leaf| (leaf.range.len(), leaf.at)).collect();
    if native_size > 0 {
        sizes.push((native_size, NATIVE));
    }
    // Ties are broken by the pointer, so that the choice is a function of the event.
    sizes.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let mut size = members_size + native_size;
    let mut chosen = Vec::new();
    for (leaf_size, at) in sizes {
        if leaf_size <= DETACH_OVER_BYTES && size <= BUDGET {
            break;
        }
        size = size.saturating_sub(leaf_size) + "null".len();
        chosen.push(at);
    }
    if size > BUDGET {
        let message = "too many long members that have to stay in the log; shorten some";
        return Err(Invalid::new("", Rule::TooLong, message));
    }
    Ok(chosen)
}

/// The idempotency key of an event: 16 bytes of SHA-256 over the domain, the source system, a zero byte and the id.
pub fn id_key(system: &str, id: &str) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(b"indelible/id/v1\0");
    hasher.update(system.as_bytes());
    hasher.update([0]);
    hasher.update(id.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let mut key = [0; 16];
    key.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
    key
}

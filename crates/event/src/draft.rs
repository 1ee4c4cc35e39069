//! An event on its way into the trail: its canonical bytes, before it has an index and a time.

use sha2::{Digest, Sha256};

use crate::detached::digest;
use crate::json::Edit;
use crate::limits::{DETACH_OVER_BYTES, ENTRY_BYTES_MAX, SERVER_BYTES_RESERVED};
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
    /// Writes an event in canonical form and detaches what is too large for the log.
    ///
    /// # Errors
    /// [`Rule::TooLong`] when the event has more bytes than can be detached.
    pub fn new(
        event: &Event<'_>,
        native: Option<&Json<'_>>,
        salts: &mut dyn Salts,
    ) -> Result<Self, Invalid> {
        let mut writer = Writer { out: Vec::with_capacity(1024), leaves: None };
        writer.event(event);
        let native_size = native.map_or(0, |json| json.as_str().len());
        let mut draft = Self {
            members: Box::default(),
            native: native.map(|json| json.as_str().as_bytes().into()),
            openings: Vec::new(),
            key: event.id.as_deref().map(|id| key(&event.source.system, id)),
            occurred_at_micros: event.occurred_at.micros(),
        };
        if writer.out.len() + native_size > DETACH_OVER_BYTES {
            draft.detach(event, &mut writer, salts)?;
        }
        draft.members = writer.out.into_boxed_slice();
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
    pub fn size_bytes(&self) -> usize {
        self.members.len() + self.native.as_ref().map_or(0, |native| native.len())
    }

    /// The whole event as canonical JSON, detached values in their places.
    pub fn event_json(&self) -> String {
        let mut text = String::with_capacity(self.members.len() + 2);
        text.push('{');
        text.push_str(&String::from_utf8_lossy(&self.members));
        text.push('}');
        crate::entry::restore(&text, &self.openings)
    }

    fn detach(
        &mut self,
        event: &Event<'_>,
        writer: &mut Writer,
        salts: &mut dyn Salts,
    ) -> Result<(), Invalid> {
        *writer = Writer { out: Vec::with_capacity(writer.out.len()), leaves: Some(Vec::new()) };
        writer.event(event);
        let mut leaves = writer.leaves.take().unwrap_or_default();
        let native_size = self.native.as_ref().map_or(0, |native| native.len());
        let mut chosen = choose(&mut leaves, writer.out.len(), native_size)?;
        let mut text = String::from("{");
        text.push_str(&String::from_utf8_lossy(&writer.out));
        text.push('}');
        if let Some(native) = self.native.take_if(|_| chosen.contains(&"/native")) {
            let value = String::from_utf8_lossy(&native).into_owned();
            self.openings.push(Opening { at: "/native".to_owned(), salt: salts.salt(), value });
            self.native = Some(b"null".as_slice().into());
            chosen.retain(|at| *at != "/native");
        }
        for leaf in leaves.iter().filter(|leaf| chosen.contains(&leaf.at)) {
            let value = writer.out.get(leaf.range.clone()).unwrap_or_default();
            let value = String::from_utf8_lossy(value).into_owned();
            self.openings.push(Opening { at: leaf.at.to_owned(), salt: salts.salt(), value });
        }
        let holed = crate::json::edit(&text, &mut |at| {
            if chosen.contains(&at) { Edit::Replace("null") } else { Edit::Keep }
        });
        let inner = holed.get(1..holed.len().saturating_sub(1)).unwrap_or_default();
        writer.out = inner.as_bytes().to_vec();
        Ok(())
    }

    /// The members `detached` of the entry, or nothing.
    pub(crate) fn write_detached(&self, out: &mut Vec<u8>) {
        if self.openings.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"detached\":[");
        for (position, opening) in self.openings.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            let digest = crate::Detached {
                at: (&opening.at).into(),
                size: 0,
                digest: digest(&opening.salt, &opening.at, opening.value.as_bytes()),
            };
            out.extend_from_slice(b"{\"at\":");
            crate::json::write_string(out, &opening.at);
            out.extend_from_slice(
                format!(
                    ",\"size\":{},\"digest\":\"{}\"}}",
                    opening.value.len(),
                    digest.digest_text()
                )
                .as_bytes(),
            );
        }
        out.push(b']');
    }
}

/// Which leaves to detach: each of over 16 KiB, then the largest until the entry fits.
fn choose(
    leaves: &mut [Leaf],
    members_size: usize,
    native_size: usize,
) -> Result<Vec<&'static str>, Invalid> {
    const BUDGET: usize = ENTRY_BYTES_MAX - SERVER_BYTES_RESERVED;
    let mut sizes: Vec<(usize, &'static str)> =
        leaves.iter().map(|leaf| (leaf.range.len(), leaf.at)).collect();
    if native_size > 0 {
        sizes.push((native_size, "/native"));
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

/// 16 bytes of SHA-256 over the domain, the source system, a zero byte and the id.
pub(crate) fn key(system: &str, id: &str) -> [u8; 16] {
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

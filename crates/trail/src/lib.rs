//! The append-only trail: append, commit, publish, recover, prove, check.
//!
//! Append has three phases. **Stage**: give indexes and times, build the entries and the new root.
//! **Commit**: one call of the store's journal, the only linearisation point; what is acknowledged
//! after it is durable. **Publish**: bundles and tiles, then the signed checkpoint, then the journal
//! behind it is retired. The same code runs in normal life, after a crash, and in the simulator.
//!
//! **Guarantee.** An acknowledged event is in every later checkpoint, at its index, with its bytes.
//! No size is ever signed with two roots; only what is committed is signed. The same source system
//! and id never make a second event.
//!
//! **Trust.** The store is not trusted: entries are checked against tiles, tiles against a signed
//! checkpoint, heads by a code whose key is not in the store.
//!
//! **Absent on purpose.** No way to change or remove an entry. No knowledge of search, of HTTP, or of
//! what an event means. No threads and no timers: callers bring them.

mod cache;
mod check;
mod clock;
mod corruption;
mod error;
mod extra;
mod feed;
mod head;
mod ids;
mod keys;
mod layout;
mod openings;
mod packed;
mod publish;
mod queue;
mod reader;
mod recovery;
mod stage;
mod time_keeper;
mod trail;
mod view;
mod walk;
mod watermark;
mod writer;

pub use cache::Cache;
pub use check::{Report, check};
pub use clock::{Clock, SystemClock};
pub use corruption::Corruption;
pub use error::Error;
pub use extra::receipt_extra;
pub use feed::{Feed, Recorded, Runs};
pub use ids::{DiskIds, IdKey, Ids, MemoryIds};
pub use keys::Keys;
pub use queue::{QUEUE_BYTES_MAX, Reply};
pub use recovery::Recovery;
pub use time_keeper::{AHEAD_MICROS, STEP_MICROS, Step, WatchedClock};
pub use trail::{Answer, Batch, Options, Surroundings, Trail};
pub use view::Published;
pub use watermark::{FileWatermark, NoWatermark, REMEMBERED, Watermark};

/// The plain bytes of an object that may be packed, as bundles in a data directory are. `None` when
/// it looks packed and is damaged.
pub fn unpack(bytes: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    packed::plain(bytes)
}

//! What happened: the event, and the exact bytes that are hashed.
//!
//! An [`Event`] is what a source says: who did what to which thing, when, from where, why and with
//! what result. An [`Entry`] is what the trail keeps: the server's own members followed by the
//! event's, one compact JSON object in a fixed order, written by hand so that no library update can
//! change a byte of it. `docs/format.md` is the normative text; the golden tests guard it.
//!
//! **Guarantee.** Parsing accepts a text or names the member, the rule and the fix. Numbers keep
//! their digits and objects inside `params`, `before`, `after` and `attributes` keep their order.
//! Nothing here panics on input.
//!
//! **Absent on purpose.** No I/O, no clock, no randomness of its own, no serde: the caller brings
//! the time and the salts.

mod batch;
mod detached;
mod draft;
mod entry;
mod error;
mod event;
pub mod json;
mod limits;
mod parse;
mod same;
mod time;
mod write;

pub use batch::{Items, Shape};
pub use detached::{Detached, Opening, digest};
pub use draft::{Draft, Salts, id_key};
pub use entry::{Entry, Received, Stamp};
pub use error::{Invalid, Rule};
pub use event::{
    Actor, Client, Credential, Event, Outcome, Person, Place, Reason, Related, Scope, Source,
    Status, Target,
};
pub use json::Json;
pub use limits::{
    DEPTH_MAX, DETACH_OVER_BYTES, DETACHED_BYTES_MAX, ENTRY_BYTES_MAX, EVENT_BYTES_MAX,
    ID_BYTES_MAX, TEXT_BYTES_MAX,
};
pub use same::same;
pub use time::{Moment, format_micros, parse_rfc3339};

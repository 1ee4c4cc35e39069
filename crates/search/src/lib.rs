//! The projection that answers questions: it follows a trail, finds, counts and draws up histories.
//!
//! A [`Projection`] keeps inverted indexes over a trail's events and no event: an answer is leaf
//! indexes, and the entries come from the trail. It can be deleted at any time and comes back from
//! the trail alone.
//!
//! **Guarantee.** Answers are exact over the first [`Projection::projected_size`] events: no count
//! is estimated and no list is cut without a cursor. [`Query::matches`] says the same of a single
//! event without any index, and property tests hold the two against each other.
//!
//! **Trust.** Everything read from the projection's folder may be missing or damaged; then it is
//! rebuilt. The feed is trusted: the trail has checked what it hands out.
//!
//! **Absent on purpose.** No ranking, no stemming, no fuzzy matching: a reviewer must be able to
//! say why an event is in an answer. No wall clock. No copy of any event.

mod blocks;
mod document;
mod during;
mod error;
mod expression;
mod field;
mod fold;
mod folded;
mod hours;
mod known;
mod labels;
mod language;
mod late;
mod lookup;
mod lowering;
mod manifest;
mod matches;
mod page;
mod plan;
mod projection;
mod query;
mod scheduler;
mod schema;
mod segment;
mod sieve;
mod tally;
mod values;
mod view;
mod words;

pub use blocks::Parts;
pub use during::During;
pub use error::Error;
pub use expression::{EXPRESSIONS_MAX, Expression};
pub use field::Field;
pub use hours::{Hours, WeekTime};
pub use language::{Fault, KEYWORDS, Zone, is_condition, parse, parse_among};
pub use late::Late;
pub use matches::{Kinds, NoKinds};
pub use page::{Cursor, Order, PAGE_MAX, Page, SKIP_MAX};
pub use projection::{Awaited, Counted, Limits, Options, Projection, Usage};
pub use query::{Clause, Interval, Pattern, Query, Test, Text};
pub use scheduler::Scheduler;
pub use schema::SCHEMA_VERSION;
pub use tally::{Account, Accounts, Facet, Facets, Histogram, Split, Wanted};

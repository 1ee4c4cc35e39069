//! Counts: how many, by what, and over time. Every number is exact.

mod addresses;
mod columns;
mod facets;
mod histogram;
mod kinds;
mod matched;
mod terms;

pub(crate) use addresses::accounts;
pub use addresses::{Account, Accounts, Wanted};
pub use facets::{Facet, Facets};
pub(crate) use facets::{distinct, facets};
pub use histogram::{Histogram, Split};
pub(crate) use histogram::{histogram, span};

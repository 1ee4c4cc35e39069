//! Counts: how many, by what, and over time. Every number is exact.

mod columns;
mod facets;
mod histogram;
mod kinds;
mod matched;
mod terms;

pub use facets::{Facet, Facets};
pub(crate) use facets::{distinct, facets};
pub use histogram::{Histogram, Split};
pub(crate) use histogram::{histogram, span};

//! The append-only trail: append, commit, publish, recover, prove, check.
mod corruption;
mod error;
mod feed;

pub use corruption::Corruption;
pub use error::Error;
pub use feed::{Feed, Recorded};

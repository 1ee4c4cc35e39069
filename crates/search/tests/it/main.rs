//! The projection against a plain scan, and against what can happen to it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod feed;
mod generate;
mod language;
mod oracle;
mod random;
mod survive;
mod tables;

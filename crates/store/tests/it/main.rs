//! The store's tests: the contract over both backends, and what only a disk can do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod contract;
mod disk;
mod full_disk;
mod golden;
mod model;

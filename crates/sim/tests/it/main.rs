//! The trail under faults: whatever fails, whenever, nothing that was acknowledged is lost.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod crash_matrix;
mod deposits;
mod swarm;
mod world;

//! The system on one thread, under faults that are chosen and not waited for. Tests only.
//!
//! **Guarantee.** Nothing here reads a clock, draws a random number or starts a thread, so a run that
//! failed fails again.

mod faulty;

pub use faulty::{Fault, FaultyStore};

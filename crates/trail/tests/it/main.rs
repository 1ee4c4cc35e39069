//! A trail from the outside: what it promises, and what it notices.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "a test that fails should say where"
)]

mod appending;
mod checking;
mod forged;
mod gate;
mod harness;
mod publishing;
mod recovering;
mod verifying;

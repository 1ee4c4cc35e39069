//! The command from outside, and the rules of the house.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod beside;
mod clock;
mod command;
mod faults;
mod import;
mod killed;
mod killed_deposits;
mod load;
mod logs;
mod memory;
mod shell;
mod tidy;

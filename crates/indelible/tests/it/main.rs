//! The command from outside, and the rules of the house.

#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

mod command;
mod import;
mod shell;
mod tidy;

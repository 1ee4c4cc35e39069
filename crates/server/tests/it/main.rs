//! The server from outside: the real service over a real data directory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "a test that fails should say where"
)]

mod app;
mod append;
mod auth;
mod bad_input;
mod config;
mod deposits;
mod description;
mod facades;
mod import;
mod instance;
mod read;
mod search;
mod streams;
mod tiles;
mod wire;

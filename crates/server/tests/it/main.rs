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
mod connections;
mod deposits;
mod description;
mod facades;
#[expect(dead_code, reason = "the projection’s tests use more of it")]
#[path = "../../../search/tests/it/feed.rs"]
mod feed;
#[expect(dead_code, reason = "the projection’s tests use more of it")]
#[path = "../../../search/tests/it/generate.rs"]
mod generate;
mod import;
mod instance;
mod large;
mod pages;
#[path = "../../../search/tests/it/random.rs"]
mod random;
mod read;
mod reader;
mod refusals;
mod search;
mod streams;
mod tiles;
mod views;
mod wire;

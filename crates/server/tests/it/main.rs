//! The server from outside: the real service over a real data directory.

mod app;
mod append;
mod auth;
mod bad_input;
mod config;
mod description;
mod read;
mod search;
mod streams;
mod tiles;
mod wire;

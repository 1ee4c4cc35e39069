//! A trail from the outside: what it promises, and what it notices.

mod appending;
mod checking;
mod harness;
mod recovering;
mod verifying;

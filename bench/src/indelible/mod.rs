//! Our side: the released program, driven over HTTP and by its commands as a user would.

mod api;
mod http;
mod load;
mod questions;
mod server;
mod side;
mod tools;
mod trails;

pub(crate) use side::{batches as measure_batches, measure, singles as measure_singles};
pub(crate) use tools::measure as measure_tools;
pub(crate) use trails::measure as measure_trails;

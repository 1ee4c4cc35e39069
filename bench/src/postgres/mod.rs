//! The other side: PostgreSQL, set up as its documentation advises, asked in its best SQL.

pub(crate) mod cluster;
mod load;
mod questions;
mod schema;
mod side;
mod wire;

pub(crate) use side::measure;

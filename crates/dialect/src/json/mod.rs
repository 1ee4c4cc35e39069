//! JSON as platforms really write it: found in a stream, brought into one form, rid of secrets.

mod documents;
mod extended;
mod normal;
mod secrets;

pub(crate) use documents::{Documents, Path};
pub(crate) use normal::{Normal, Syntax, collapse, listed_pointer, normalise, normalise_at};
pub(crate) use secrets::{has_token, is_secret_name};

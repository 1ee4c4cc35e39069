//! Events as files: our own CSV and JSON Lines, and the files of every platform.
//!
//! **Guarantee.** A file holds every event that is meant and that was committed when it began, in the
//! order of the trail. It is written as the events are read, in memory that does not grow with their
//! number. What a platform's form cannot say is counted.

mod form;
mod own;
mod visit;

pub(crate) use form::as_dialects_take_it;
pub use form::{FileWriter, Form, Loss, UnknownForm};
pub use own::{COLUMNS, Format};
pub use visit::visit;

//! The one place where errors become HTTP: RFC 9457 problems with a stable code each.

mod answer;
mod code;
mod convert;

pub(crate) use answer::Told;
pub use answer::{Detail, Problem};
pub use code::Code;
pub(crate) use convert::different;

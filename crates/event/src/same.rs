//! Whether two tellings are of the same event.

use crate::Event;
use crate::json::{Edit, edit};

/// Whether two events, given as canonical JSON, are equal outside of what either says it redacted.
///
/// A retry may come from a source that redacts more than it did, or less; neither makes it another
/// event.
pub fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let redacted: Vec<String> = [one, other]
        .into_iter()
        .filter_map(|text| Event::parse(text).ok())
        .flat_map(|event| event.redacted.into_iter().map(|at| at.into_owned()).collect::<Vec<_>>())
        .chain(["/redacted".to_owned()])
        .collect();
    let strip = |text: &str| {
        edit(text, &mut |at| {
            if redacted.iter().any(|gone| gone == at) { Edit::Drop } else { Edit::Keep }
        })
    };
    strip(one) == strip(other)
}

//! Whether two tellings are of the same event.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::json::{Edit, edit};
use crate::parse::redacted_of;

/// Whether two events, given as canonical JSON, are equal outside of what either says it redacted.
///
/// A retry may come from a source that redacts more than it did, or less; neither makes it another
/// event. A part or list that held nothing else than what was redacted counts as absent.
pub fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let gone: HashSet<Cow<'_, str>> = redacted_of(one)
        .into_iter()
        .chain(redacted_of(other))
        .chain(["/redacted".into()])
        .collect();
    let above: HashSet<&str> = gone.iter().flat_map(|at| ancestors(at)).collect();
    let strip = |text: &str| {
        edit(text, &mut |at| {
            if gone.contains(at) {
                Edit::Drop
            } else if above.contains(at) {
                Edit::Prune
            } else {
                Edit::Keep
            }
        })
    };
    strip(one) == strip(other)
}

/// The pointers to what a value stands in.
fn ancestors(at: &str) -> impl Iterator<Item = &str> {
    at.match_indices('/').filter(|(end, _)| *end > 0).filter_map(|(end, _)| at.get(..end))
}

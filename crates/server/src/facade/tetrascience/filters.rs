//! The filters of both lists. A partial match is one inside the whole value, whatever the case.

use dialect::tetrascience::{half_open, slug_of};
use search::{Clause, Expression, Field, Interval, Pattern, Query, Test};

use crate::params::Params;
use crate::problem::Problem;

/// How a parameter's text is compared with a field.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// Somewhere in the value, but for case.
    Inside,
    /// As these words in a row.
    Words,
    /// One of several with commas, to the byte.
    Listed,
    /// One of several with commas; in the words of the page, or as the API writes them.
    Slugs,
}

/// Takes one filter.
pub(super) fn take(
    params: &mut Params,
    query: &mut Query,
    name: &str,
    field: Field,
    how: How,
) -> Result<(), Problem> {
    // Lists are also written by naming the parameter several times.
    let values = match how {
        How::Listed => params.take_all(name).into_iter().filter(|text| !text.is_empty()).collect(),
        _ => params.take(name)?.into_iter().collect::<Vec<_>>(),
    };
    if values.is_empty() {
        return Ok(());
    }
    let mut patterns = Vec::new();
    for value in &values {
        match how {
            How::Inside => {
                let expression = Expression::containing(value);
                let expression = expression.map_err(|fault| Problem::parameter(name, fault))?;
                patterns.push(Pattern::Matching(expression));
            }
            How::Words => patterns.push(Pattern::Like(value.clone())),
            How::Listed => patterns.extend(value.split(',').map(exactly)),
            How::Slugs => {
                for word in value.split(',') {
                    patterns.extend([exactly(word), exactly(&slug_of(word))]);
                }
            }
        }
    }
    query.clauses.push(Clause { field, negated: false, test: Test::Any(patterns) });
    Ok(())
}

fn exactly(text: &str) -> Pattern {
    Pattern::Exactly(text.to_owned())
}

/// Takes `from` and `to`, which is exclusive.
pub(super) fn interval(params: &mut Params) -> Result<Interval, Problem> {
    let mut taken = [None, None];
    for (place, name) in taken.iter_mut().zip(["from", "to"]) {
        *place = params.take(name)?;
        if place.as_deref().is_some_and(|text| half_open(Some(text), None).is_none()) {
            let message = "is a time, as 2025-09-03T08:05:00Z or 2025-09-03";
            return Err(Problem::parameter(name, message));
        }
    }
    let [from, to] = taken;
    let (from, to) = half_open(from.as_deref(), to.as_deref()).unwrap_or_default();
    Ok(Interval { from, to })
}

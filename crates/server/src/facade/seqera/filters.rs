//! What narrows a list: times, both of them inclusive, and words that the platform does not filter by.

use dialect::seqera::{CATALOGUE, half_open};
use search::{Clause, Field, Interval, Pattern, Query, Test};

use crate::params::Params;
use crate::problem::Problem;

/// Takes `attributes`, and says whether the images before and after are wanted.
pub(super) fn state(params: &mut Params) -> Result<bool, Problem> {
    let mut state = false;
    // The list is one value with commas; some generated clients repeat the parameter.
    for list in params.take_all("attributes") {
        for word in list.split(',').filter(|word| !word.is_empty()) {
            if word != "state" {
                return Err(Problem::parameter("attributes", "is `state` or nothing"));
            }
            state = true;
        }
    }
    Ok(state)
}

/// Takes the filters out of the parameters.
pub(super) fn take(params: &mut Params) -> Result<Query, Problem> {
    let mut query = Query { occurred: interval(params)?, ..Query::default() };
    if let Some(events) = params.take("event")? {
        let patterns = events.split(',').flat_map(names).map(Pattern::Exactly).collect();
        let test = Test::Any(patterns);
        query.clauses.push(Clause { field: Field::Action, negated: false, test });
    }
    for (name, field) in [("actor", Field::Actor), ("target", Field::Target)] {
        let text = params.take(name)?;
        query.clauses.extend(text.map(|text| Clause::new(field, Pattern::Like(text))));
    }
    query.check()?;
    Ok(query)
}

/// Every name under which an event is recorded: deprecated ones and their successors are one.
fn names(event: &str) -> Vec<String> {
    let mut names: Vec<String> =
        CATALOGUE.names_of(event).into_iter().map(ToOwned::to_owned).collect();
    if !names.iter().any(|name| name == event) {
        names.push(event.to_owned());
    }
    names
}

fn interval(params: &mut Params) -> Result<Interval, Problem> {
    let bounds = ["timestampAfterOrEqual", "timestampBeforeOrEqual"];
    let mut taken = [None, None];
    for (place, name) in taken.iter_mut().zip(bounds) {
        *place = params.take(name)?;
        if place.as_deref().is_some_and(|text| half_open(Some(text), None).is_none()) {
            let message = "is a time, as 2026-06-02T07:58:11Z";
            return Err(Problem::parameter(name, message));
        }
    }
    let [after, before] = taken;
    let (from, to) = half_open(after.as_deref(), before.as_deref()).unwrap_or_default();
    Ok(Interval { from, to })
}

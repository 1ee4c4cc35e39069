//! Counts by the values of fields.

use std::collections::HashMap;

use super::columns::by_column;
use super::kinds::by_kind;
use super::matched::Matched;
use super::terms::{beginning, by_terms};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::schema::COUNTED;
use crate::view::View;
use crate::{Field, Kinds, fold};

/// The most values of one facet that are handed out.
const TOP_MAX: usize = 1_000;

/// Counts by the values of some fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    /// One for each field asked for, in that order.
    pub facets: Vec<Facet>,
    /// How many events are meant.
    pub count: u64,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
}

/// Counts by the values of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The field.
    pub field: Field,
    /// The most frequent values with the number of events that have each; then by value.
    pub values: Vec<(String, u64)>,
    /// How many different values there are.
    pub distinct: u64,
}

/// Counts what a plan means by some fields.
pub(crate) fn facets(
    view: &View,
    plan: &Plan,
    kinds: &dyn Kinds,
    fields: &[Field],
    top: usize,
) -> Result<Facets> {
    let refused = fields.iter().find(|field| !field.is_facet() || **field == Field::Id);
    if let Some(field) = refused {
        return Err(Error::Question(format!("events cannot be counted by `{}`", field.name())));
    }
    let matched = Matched::new(view, plan)?;
    let top = top.min(TOP_MAX);
    let facets = fields
        .iter()
        .map(|field| {
            let ranking = match COUNTED.iter().position(|counted| counted == field) {
                _ if *field == Field::Kind => Ranking::from(by_kind(&matched, kinds)?, top),
                Some(column) => Ranking::from(by_column(&matched, column)?, top),
                None => by_terms(&matched, *field, top)?,
            };
            Ok(ranking.into_facet(*field))
        })
        .collect::<Result<_>>()?;
    Ok(Facets { facets, count: matched.count, projected_size: view.size() })
}

/// The most frequent of the values that were counted.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    top: usize,
    values: Vec<(String, u64)>,
    distinct: u64,
}

impl Ranking {
    pub(super) fn new(top: usize) -> Self {
        Self { top, ..Self::default() }
    }

    fn from(counts: HashMap<String, u64>, top: usize) -> Self {
        let mut ranking = Self::new(top);
        for (value, count) in counts {
            ranking.add(count, || value);
        }
        ranking
    }

    pub(super) fn add(&mut self, count: u64, value: impl FnOnce() -> String) {
        self.distinct += 1;
        self.values.push((value(), count));
        // Now and then, so that the list stays short at no great cost.
        if self.values.len() >= 4 * self.top + 1_024 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.values.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        self.values.truncate(self.top);
    }

    fn into_facet(mut self, field: Field) -> Facet {
        self.cut();
        Facet { field, values: self.values, distinct: self.distinct }
    }
}

/// Values of a field that begin so, the most frequent first.
pub(crate) fn distinct(
    view: &View,
    kinds: &dyn Kinds,
    field: Field,
    prefix: &str,
    top: usize,
) -> Result<Vec<(String, u64)>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    if field == Field::Kind {
        counts = by_kind(&Matched::new(view, &Plan::all(view))?, kinds)?;
        counts.retain(|kind, _| fold::starts_with(kind, prefix));
    } else {
        for (value, count) in beginning(view, field, prefix)? {
            *counts.entry(value).or_default() += count;
        }
    }
    Ok(Ranking::from(counts, top.min(TOP_MAX)).into_facet(field).values)
}

//! `GET …/admin/audit/groupBy`: records of the whole trail, counted by the values of fields.

use std::sync::Arc;

use axum::extract::Request;
use search::{Clause, Field, Pattern, Query, Test};
use serde_json::{Map, Value, json};

use super::envelope::Results;
use super::filters::{self, STATUSES, UNKNOWN, outcome_unknown};
use super::search::Part;
use super::{FACADE, flag, visit};
use crate::App;
use crate::instance::OpenTrail;
use crate::params::Params;
use crate::problem::Problem;

/// Groups when nothing else is asked for.
const LIMIT: u64 = 50;

/// The most fields to group by.
const FIELDS_MAX: usize = 4;

/// The most values that one field may have within a group.
const VALUES_MAX: usize = 1_000;

/// The most groups of an answer before it is cut to `limit`, and the most questions to the
/// projection that may find them.
const GROUPS_MAX: usize = 10_000;
const LOOKUPS_MAX: usize = 1_000;

/// Members of a record that records can be grouped by.
const FIELDS: [(&str, Field); 9] = [
    ("action", Field::Action),
    ("resource", Field::TargetType),
    ("userId", Field::Actor),
    ("status", Field::Outcome),
    ("status.name", Field::Outcome),
    ("studyId", Field::Study),
    ("operationId", Field::Operation),
    ("resourceId", Field::TargetId),
    ("resourceUuid", Field::TargetUuid),
];

/// A member to group by, as the client wrote it.
#[derive(Clone, Copy, Debug)]
struct Member {
    name: &'static str,
    field: Field,
}

/// A group: one value for each member, and its records.
#[derive(Debug)]
struct Group {
    values: Vec<Value>,
    count: u64,
}

pub(super) async fn group_by(app: &App, request: Request) -> Result<Results, Problem> {
    let (visit, mut params) = visit(app, request).await?;
    let members = members(&params.required("fields")?)?;
    let part = Part::take(&mut params, LIMIT)?;
    let counted = flag(&mut params, "count")?;
    let entity = params.required("entity")?;
    let states = states(&mut params)?;
    let mut query = filters::take(&mut params)?;
    params.finish()?;
    query.clauses.push(Clause::new(Field::TargetType, Pattern::Exactly(entity)));
    query.clauses.extend(states);
    query.check()?;
    visit.record("count", FACADE, &query);
    let open = Arc::clone(&visit.open);
    app.blocking(move || {
        let mut grouping =
            Grouping { open: &open, members: &members, groups: Vec::new(), left: LOOKUPS_MAX };
        grouping.split(&query, &mut Vec::new())?;
        let mut groups = grouping.groups;
        groups.sort_by_cached_key(|group| {
            (std::cmp::Reverse(group.count), json!(group.values).to_string())
        });
        let matches = groups.len() as u64;
        let wanted = groups.into_iter().skip(part.skip).take(part.limit);
        let list = wanted.map(|group| result(&members, group, counted)).collect();
        let warnings = Vec::new();
        Ok::<_, Problem>(Results { list, kind: "", matches: Some(matches), warnings })
    })
    .await
}

/// Reads the list of members.
fn members(text: &str) -> Result<Vec<Member>, Problem> {
    let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let found: Option<Vec<Member>> = text
        .split(',')
        .map(|name| FIELDS.iter().find(|(known, _)| *known == name.trim()))
        .map(|found| found.map(|(name, field)| Member { name, field: *field }))
        .collect();
    found.filter(|list| list.len() <= FIELDS_MAX).ok_or_else(|| {
        let message = format!("lists 1 to {FIELDS_MAX} of {}, with commas", known.join(", "));
        Problem::parameter("fields", message)
    })
}

/// `before` and `after`: words in the state of the thing.
fn states(params: &mut Params) -> Result<Vec<Clause>, Problem> {
    let mut clauses = Vec::new();
    for (name, field) in [("before", Field::Before), ("after", Field::After)] {
        let words = params.take(name)?;
        clauses.extend(words.map(|words| Clause::new(field, Pattern::Like(words))));
    }
    Ok(clauses)
}

/// The JSON of a group. The service collects a member into `items` that no record has.
fn result(members: &[Member], group: Group, counted: bool) -> String {
    let names = members.iter().map(|member| member.name.to_owned());
    let id: Map<String, Value> = names.zip(group.values).collect();
    if counted {
        json!({"_id": id, "count": group.count}).to_string()
    } else {
        json!({"_id": id, "items": []}).to_string()
    }
}

/// Groups while they are found, one member after the other.
struct Grouping<'a> {
    open: &'a OpenTrail,
    members: &'a [Member],
    groups: Vec<Group>,
    /// Questions that may still be asked.
    left: usize,
}

impl Grouping<'_> {
    /// Splits what a question means by the next member.
    fn split(&mut self, query: &Query, values: &mut Vec<Value>) -> Result<(), Problem> {
        let Some(member) = self.members.get(values.len()).copied() else { return Ok(()) };
        let too_many = || {
            let message = "makes too many groups; list fewer fields, or narrow with date, action, \
                           userId or another filter";
            Problem::parameter("fields", message)
        };
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        let found = self.open.projection.facets(query, &[member.field], VALUES_MAX)?;
        let facet = found.facets.into_iter().next();
        let facet = facet.map_or((Vec::new(), 0), |facet| (facet.values, facet.distinct));
        let (counts, distinct) = facet;
        if distinct > VALUES_MAX as u64 || self.groups.len() > GROUPS_MAX {
            return Err(too_many());
        }
        for (value, clauses, count) in parts(member.field, counts, found.count) {
            let narrowed = clauses.into_iter().fold(query.clone(), Query::with);
            let count = match count {
                Some(count) => count,
                None => self.open.projection.count(&narrowed)?.count,
            };
            if count == 0 {
                continue;
            }
            values.push(value);
            if values.len() == self.members.len() {
                self.groups.push(Group { values: values.clone(), count });
            } else {
                self.split(&narrowed, values)?;
            }
            values.pop();
        }
        Ok(())
    }
}

/// The values of a member as the service shows them, each with the conditions that make it and the
/// number of its records where that is known.
fn parts(
    field: Field,
    counts: Vec<(String, u64)>,
    total: u64,
) -> Vec<(Value, Vec<Clause>, Option<u64>)> {
    if field == Field::Outcome {
        return statuses();
    }
    let with = counts.iter().map(|(_, count)| count).sum();
    let mut parts: Vec<_> = counts
        .into_iter()
        .map(|(value, count)| {
            let clause = Clause::new(field, Pattern::Exactly(value.clone()));
            (Value::from(value), vec![clause], Some(count))
        })
        .collect();
    let without = total.saturating_sub(with);
    if without == 0 {
        return parts;
    }
    let absent = Clause::present(field, false);
    if field == Field::Actor {
        let word = || Pattern::Exactly("anonymous".to_owned());
        let anonymous = Clause::new(Field::ActorType, word());
        let mut known = anonymous.clone();
        known.negated = true;
        parts.push((Value::from("*"), vec![absent.clone(), anonymous], None));
        parts.push((Value::Null, vec![absent, known], None));
    } else {
        parts.push((Value::from(""), vec![absent], Some(without)));
    }
    parts
}

/// How it ended, in the words of the service. What is neither success nor error is unknown.
fn statuses() -> Vec<(Value, Vec<Clause>, Option<u64>)> {
    let any = |words: &[&str]| {
        let patterns = words.iter().map(|word| Pattern::Exactly((*word).to_owned()));
        Clause { field: Field::Outcome, negated: false, test: Test::Any(patterns.collect()) }
    };
    STATUSES
        .iter()
        .map(|(name, outcomes)| {
            let is_unknown = *name == UNKNOWN;
            let clause = if is_unknown { outcome_unknown() } else { any(outcomes) };
            (Value::from(*name), vec![clause], None)
        })
        .collect()
}

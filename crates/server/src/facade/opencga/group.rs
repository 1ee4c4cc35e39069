//! `GET …/admin/audit/groupBy`: records of the whole trail, counted by the values of fields.
//!
//! `year`, `month` and `day` are those of `date`, in UTC. As in the original a day has its month and a
//! month its year, also where they were not listed.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::Request;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use search::{Clause, Field, Interval, Pattern, Query, Split, Test};
use serde_json::{Map, Value, json};

use super::envelope::Results;
use super::filters::{self, STATUSES, UNKNOWN, outcome_unknown};
use super::search::Part as Page;
use super::{FACADE, flag, visit};
use crate::App;
use crate::api::{Width, edges};
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
const MEMBERS: [Member; 14] = [
    Member::of("action", By::Field(Field::Action)),
    Member::of("resource", By::Field(Field::TargetType)),
    Member::of("userId", By::Field(Field::Actor)),
    Member::of("status", By::Field(Field::Outcome)),
    Member::of("status.name", By::Field(Field::Outcome)),
    Member::of("studyId", By::Field(Field::Study)),
    Member::of("studyUuid", By::Field(Field::StudyUuid)),
    Member::of("operationId", By::Field(Field::Operation)),
    Member::of("resourceId", By::Field(Field::TargetId)),
    Member::of("resourceUuid", By::Field(Field::TargetUuid)),
    Member::of("apiVersion", By::Field(Field::Version)),
    YEAR,
    MONTH,
    Member::of("day", By::Date(Width::Day)),
];
const YEAR: Member = Member::of("year", By::Date(Width::Year));
const MONTH: Member = Member::of("month", By::Date(Width::Month));

/// A member to group by, as the client wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    name: &'static str,
    by: By,
}

impl Member {
    const fn of(name: &'static str, by: By) -> Self {
        Self { name, by }
    }

    /// How long the part of the date is, if it is one.
    fn width(self) -> Option<Width> {
        match self.by {
            By::Date(width) => Some(width),
            By::Field(_) => None,
        }
    }
}

/// What records are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Field(Field),
    /// A part of the date, within the next larger one.
    Date(Width),
}

/// Those records of a question that have one value of a member.
struct Part {
    value: Value,
    question: Query,
    /// How many they are, where that is known.
    count: Option<u64>,
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
    let page = Page::take(&mut params, LIMIT)?;
    let counted = flag(&mut params, "count")?;
    let entity = params.required("entity")?;
    let states = states(&mut params)?;
    let mut query = filters::take(&mut params)?;
    params.finish()?;
    query.clauses.push(Clause::exactly(Field::TargetType, entity));
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
            (Reverse(group.count), group.values.iter().map(rank).collect::<Vec<_>>())
        });
        let matches = groups.len() as u64;
        let wanted = groups.into_iter().skip(page.skip).take(page.limit);
        let list = wanted.map(|group| result(&members, group, counted)).collect();
        let warnings = Vec::new();
        Ok::<_, Problem>(Results { list, kind: "", matches: Some(matches), warnings })
    })
    .await
}

/// Reads the list of members. Parts of the date come last, the larger before the smaller.
fn members(text: &str) -> Result<Vec<Member>, Problem> {
    let found: Option<Vec<Member>> = text
        .split(',')
        .map(|name| MEMBERS.into_iter().find(|known| known.name == name.trim()))
        .collect();
    let mut list = found.filter(|list| list.len() <= FIELDS_MAX).ok_or_else(|| {
        let known: Vec<&str> = MEMBERS.iter().map(|member| member.name).collect();
        let message = format!("lists 1 to {FIELDS_MAX} of {}, with commas", known.join(", "));
        Problem::parameter("fields", message)
    })?;
    let finest = list.iter().filter_map(|member| member.width()).min();
    let larger = [YEAR, MONTH].into_iter().filter(|part| part.width() > finest && finest.is_some());
    list.extend(larger);
    list.sort_by_key(|member| member.width().map(Reverse));
    list.dedup();
    Ok(list)
}

/// Values in the order of a list: numbers by size, texts by their letters.
fn rank(value: &Value) -> (Option<u64>, String) {
    (value.as_u64(), value.to_string())
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
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        let parts = match member.by {
            By::Field(field) => self.by_field(query, field)?,
            By::Date(width) => self.by_date(query, width)?,
        };
        if self.groups.len() > GROUPS_MAX {
            return Err(too_many());
        }
        for Part { value, question, count } in parts {
            let count = match count {
                Some(count) => count,
                None => self.open.projection.count(&question)?.count,
            };
            if count == 0 {
                continue;
            }
            values.push(value);
            if values.len() == self.members.len() {
                self.groups.push(Group { values: values.clone(), count });
            } else {
                self.split(&question, values)?;
            }
            values.pop();
        }
        Ok(())
    }

    fn by_field(&self, query: &Query, field: Field) -> Result<Vec<Part>, Problem> {
        let found = self.open.projection.facets(query, &[field], VALUES_MAX)?;
        let facet = found.facets.into_iter().next();
        let (counts, distinct) =
            facet.map_or((Vec::new(), 0), |facet| (facet.values, facet.distinct));
        if distinct > VALUES_MAX as u64 {
            return Err(too_many());
        }
        let parts = parts(field, counts, found.count).into_iter().map(|(value, clauses, count)| {
            let question = clauses.into_iter().fold(query.clone(), Query::with);
            Part { value, question, count }
        });
        Ok(parts.collect())
    }

    fn by_date(&self, query: &Query, width: Width) -> Result<Vec<Part>, Problem> {
        let Some((first, last)) = self.open.projection.span(query)? else {
            return Ok(Vec::new());
        };
        let edges = edges(first, last + 1, width, &TimeZone::UTC).map_err(|_| too_many())?;
        let counted = self.open.projection.histogram(query, &edges, Split::None)?;
        let periods = edges.iter().zip(edges.iter().skip(1)).zip(counted.totals);
        let parts = periods.filter(|(_, count)| *count > 0).map(|((from, to), count)| {
            let mut question = query.clone();
            question.occurred = question.occurred.and(Interval::from(*from..*to));
            Part { value: date_part(*from, width), question, count: Some(count) }
        });
        Ok(parts.collect())
    }
}

/// The number that a year, a month or a day has which begins at this moment.
fn date_part(micros: i64, width: Width) -> Value {
    let Ok(moment) = Timestamp::from_microsecond(micros) else { return Value::Null };
    let date = moment.to_zoned(TimeZone::UTC).date();
    match width {
        Width::Year => date.year().into(),
        Width::Month => date.month().into(),
        _ => date.day().into(),
    }
}

fn too_many() -> Problem {
    let message = "makes too many groups; list fewer fields, or narrow with date, action, userId or \
                   another filter";
    Problem::parameter("fields", message)
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

//! The filters that the service has on records, as a question.

use search::{Clause, Field, Pattern, Query, Test};

use super::{date, text};
use crate::params::Params;
use crate::problem::Problem;

/// Filters that compare one member with the words of the client.
const PLAIN: [(&str, Field); 7] = [
    ("operationId", Field::Operation),
    ("action", Field::Action),
    ("resource", Field::TargetType),
    ("resourceId", Field::TargetId),
    ("resourceUuid", Field::TargetUuid),
    ("studyId", Field::Study),
    ("studyUuid", Field::StudyUuid),
];

/// The platform's words for how it ended, and those of the index.
pub(super) const STATUSES: [(&str, &[&str]); 3] =
    [("SUCCESS", &["success"]), ("ERROR", &["failure", "denied"]), (UNKNOWN, &["unknown"])];

/// The word for records that do not say how it ended.
pub(super) const UNKNOWN: &str = "UNKNOWN";

/// Stands for a word that is none of those.
const NO_STATUS: &str = "-";

/// Takes the filters out of the parameters.
///
/// # Errors
/// Names the parameter that cannot be read.
pub(super) fn take(params: &mut Params) -> Result<Query, Problem> {
    let mut query = Query::default();
    for (name, field) in PLAIN {
        if let Some(text) = params.take(name)? {
            let clauses = text::clauses(field, &text, &|pattern| vec![pattern.clone()]);
            query.clauses.extend(clauses.map_err(|fault| Problem::parameter(name, fault))?);
        }
    }
    if let Some(text) = params.take("userId")? {
        query.clauses.extend(user(&text).map_err(|fault| Problem::parameter("userId", fault))?);
    }
    for name in ["status", "status.name"] {
        if let Some(text) = params.take(name)? {
            if text == UNKNOWN {
                query.clauses.push(outcome_unknown());
                continue;
            }
            let clauses = text::clauses(Field::Outcome, &text, &outcomes);
            let clauses = clauses.map_err(|fault| Problem::parameter(name, fault))?;
            query.clauses.extend(clauses.into_iter().filter_map(known_outcomes));
        }
    }
    if let Some(text) = params.take("date")? {
        let message = "is a date as 2024, 202401, 20240131 or 20240131235959 in UTC, with <, <=, > \
                       or >= before it, or a range of two as 20240101-20240201; several with `,` \
                       (any) or `;` (all) between";
        let narrowed = date::narrow(&mut query, &text);
        narrowed.ok_or_else(|| Problem::parameter("date", message))?;
    }
    Ok(query)
}

/// A user by id; for events of other platforms also by the name that stands in its place. `*` is
/// whoever was not signed in.
fn user(filter: &str) -> Result<Vec<Clause>, String> {
    let anonymous = |negated| Clause {
        field: Field::ActorType,
        negated,
        test: Test::Any(vec![Pattern::Exactly("anonymous".to_owned())]),
    };
    match filter {
        "*" => Ok(vec![anonymous(false)]),
        "!*" => Ok(vec![anonymous(true)]),
        _ => text::clauses(Field::Actor, filter, &|pattern| vec![pattern.clone()]),
    }
}

/// Records that are neither success nor error, also those that say nothing.
pub(super) fn outcome_unknown() -> Clause {
    let known = ["success", "failure", "denied"].map(|word| Pattern::Exactly(word.to_owned()));
    Clause { field: Field::Outcome, negated: true, test: Test::Any(known.to_vec()) }
}

/// The outcomes that a word or an expression of the platform means.
fn outcomes(pattern: &Pattern) -> Vec<Pattern> {
    let meant = STATUSES.iter().filter(|(word, _)| text::is_like(pattern, word));
    let words: Vec<Pattern> = meant
        .flat_map(|(_, outcomes)| outcomes.iter())
        .map(|outcome| Pattern::Exactly((*outcome).to_owned()))
        .collect();
    // A word that the platform does not have: no outcome is like it.
    if words.is_empty() { vec![Pattern::Exactly(NO_STATUS.to_owned())] } else { words }
}

/// A condition without the words that no outcome is like; `None` when it leaves out nothing but those.
fn known_outcomes(clause: Clause) -> Option<Clause> {
    let Test::Any(mut patterns) = clause.test else { return Some(clause) };
    patterns.retain(|pattern| pattern.text() != NO_STATUS);
    if patterns.is_empty() {
        if clause.negated {
            return None;
        }
        // The question of nothing: no outcome begins like this.
        patterns.push(Pattern::Prefix(NO_STATUS.to_owned()));
    }
    Some(Clause { test: Test::Any(patterns), ..clause })
}

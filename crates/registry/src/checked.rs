//! What a check of a trail came to, as an event and back.

use event::{Actor, Event, Json, Moment, Outcome, Status, Target};
use serde::{Deserialize, Serialize};

use crate::{SYSTEM, Slug};

/// Problems that the event of a check tells in words.
pub const PROBLEMS_TOLD_MAX: usize = 20;

/// The longest of these words.
const PROBLEM_CHARS_MAX: usize = 500;

/// The action of the event.
pub const ACTION: &str = "trail.check";

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Entries in the published tree.
    pub published_size: u64,
    /// Entries that were committed.
    pub committed_size: u64,
    /// Entries whose leaf was recomputed.
    pub checked: u64,
    /// How many contradictions there are.
    pub problems: u64,
    /// The first of them, with their places.
    pub first_problems: Vec<String>,
}

/// The last check of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRecord {
    /// When it ended, in microseconds since the epoch.
    pub at_micros: i64,
    /// What it came to.
    pub checked: Checked,
}

impl From<&trail::Report> for Checked {
    /// What a report comes to, with as much in words as its event tells.
    fn from(report: &trail::Report) -> Self {
        let told = |problem: &trail::Corruption| -> String {
            problem.to_string().chars().take(PROBLEM_CHARS_MAX).collect()
        };
        Self {
            published_size: report.published_size,
            committed_size: report.committed_size,
            checked: report.checked,
            problems: report.problems.len() as u64,
            first_problems: report.problems.iter().take(PROBLEMS_TOLD_MAX).map(told).collect(),
        }
    }
}

impl Checked {
    /// Whether the trail is what it says.
    pub fn is_sound(&self) -> bool {
        self.problems == 0
    }

    /// The event that records this.
    pub fn event(
        &self,
        id: String,
        at_micros: i64,
        actor: Actor<'static>,
        slug: &Slug,
    ) -> Event<'static> {
        let status = if self.is_sound() { Status::Success } else { Status::Failure };
        let mut told = self.clone();
        told.first_problems.truncate(PROBLEMS_TOLD_MAX);
        for problem in &mut told.first_problems {
            *problem = problem.chars().take(PROBLEM_CHARS_MAX).collect();
        }
        let params = serde_json::to_string(&told).unwrap_or_default();
        Event {
            id: Some(id.into()),
            actor: Some(actor),
            target: Some(Target {
                kind: "trail".into(),
                id: Some(slug.to_string().into()),
                ..Target::default()
            }),
            outcome: Some(Outcome { status, ..Outcome::default() }),
            params: Json::parse(&params).map(Json::into_owned).ok(),
            ..Event::new(Moment::from_micros(at_micros), SYSTEM, ACTION)
        }
    }

    /// Reads it back.
    pub(crate) fn of(event: &Event<'_>) -> Option<(Slug, Self)> {
        let slug = Slug::parse(event.target.as_ref()?.id.as_deref()?).ok()?;
        let checked = serde_json::from_str(event.params.as_ref()?.as_str()).ok()?;
        Some((slug, checked))
    }
}

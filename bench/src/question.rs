//! The twelve questions that a reviewer asks, in words that both systems can be asked in.
//!
//! Parameters come from events of the corpus, so each question has an answer, and they vary from
//! run to run, so that no cache of answers helps.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::figures::Answer;
use crate::generate::{BATCH, DAYS, Draw, Generator, day_us, format_us};
use crate::random::Random;

/// Events on a page.
pub(crate) const PAGE: usize = 50;
/// The most events of one target's history that are asked for at once.
pub(crate) const HISTORY: usize = 500;
/// The most rows of a facet.
pub(crate) const FACET_ROWS: usize = 100;

/// The questions, numbered from 1.
pub(crate) const QUESTIONS: [Question; 12] = [
    Question { number: 1, name: "newest page", counts: false },
    Question { number: 2, name: "newest of an actor", counts: false },
    Question { number: 3, name: "history of a target", counts: false },
    Question { number: 4, name: "failures of an action in a week", counts: false },
    Question { number: 5, name: "two words in params", counts: false },
    Question { number: 6, name: "count of a month", counts: true },
    Question { number: 7, name: "count of an action", counts: true },
    Question { number: 8, name: "actions, all time", counts: true },
    Question { number: 9, name: "actors of an org in a month", counts: true },
    Question { number: 10, name: "events per day, all time", counts: true },
    Question { number: 11, name: "page 300 days deep", counts: false },
    Question { number: 12, name: "org, action and outcome, newest", counts: false },
];

/// One of the twelve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// Its number.
    pub(crate) number: u32,
    /// What it asks.
    pub(crate) name: &'static str,
    /// Whether it counts or facets, instead of fetching events.
    pub(crate) counts: bool,
}

/// What the events must satisfy; absent members do not matter. Times are `[from, to)`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// `actor.id`.
    pub(crate) actor: Option<String>,
    /// `action`.
    pub(crate) action: Option<String>,
    /// `target.type` and `target.id`.
    pub(crate) target: Option<(String, String)>,
    /// `scope.organization.id`.
    pub(crate) organization: Option<String>,
    /// `outcome.status`.
    pub(crate) status: Option<String>,
    /// Words that must both be in the text.
    pub(crate) words: Option<[String; 2]>,
    /// The earliest `occurred_at`.
    pub(crate) from: Option<String>,
    /// The first `occurred_at` that is too late.
    pub(crate) to: Option<String>,
}

/// What is wanted of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whole events, newest first, at most so many.
    Events(usize),
    /// Their number.
    Count,
    /// The most frequent values of a field with their numbers.
    Facet(Field),
    /// Their number for each day, UTC.
    Days,
}

/// A field to facet by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// `action`.
    Action,
    /// `actor.id`.
    Actor,
}

/// A question with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// Which events.
    pub(crate) filter: Filter,
    /// What of them.
    pub(crate) wanted: Wanted,
}

impl Question {
    /// The name under which its figures over `events` events are kept.
    pub(crate) fn figure(&self, events: u64) -> String {
        format!("q{:02}.{events}", self.number)
    }

    /// The question as it is asked in one run, over `events` events.
    pub(crate) fn asking(&self, generator: &Generator, events: u64, run: u64) -> Asking {
        let mut random = Random::new(u64::from(self.number) << 32, run);
        let batches = usize::try_from(events / BATCH).unwrap_or(1).max(1);
        let batch = random.below(batches) as u64;
        let place = random.below(usize::try_from(BATCH).unwrap_or(1));
        let draw = generator.batch(batch).nth(place).expect("a batch has as many events");
        // Of the days that the events cover: fewer than a year's, when only the first are loaded.
        let days = generator.days(events);
        let pieces = |length: i64, most: usize| {
            usize::try_from(days / length).unwrap_or(most).clamp(1, most)
        };
        let month = i64::try_from(random.below(pieces(30, 11))).unwrap_or_default() * 30;
        let span = |from: i64, length: i64| Filter {
            from: Some(format_us(day_us(from))),
            to: Some(format_us(day_us(from + length))),
            ..Filter::default()
        };
        let page = Wanted::Events(PAGE);
        let (filter, wanted) = match self.number {
            1 => (Filter::default(), page),
            2 => (Filter { actor: Some(draw.actor()), ..Filter::default() }, page),
            3 => (target_of(&draw), Wanted::Events(HISTORY)),
            4 => {
                let week = i64::try_from(random.below(pieces(7, 50))).unwrap_or_default();
                let filter = span(week * 7, 7);
                let (action, status) = (Some(draw.action().into()), Some("failure".into()));
                (Filter { action, status, ..filter }, page)
            }
            5 => (Filter { words: Some(words(generator, &draw)), ..Filter::default() }, page),
            6 => (span(month, 30), Wanted::Count),
            7 => {
                let action = Some(draw.action().into());
                (Filter { action, ..Filter::default() }, Wanted::Count)
            }
            8 => (Filter::default(), Wanted::Facet(Field::Action)),
            9 => {
                let organization = Some(draw.organization().into());
                (Filter { organization, ..span(month, 30) }, Wanted::Facet(Field::Actor))
            }
            10 => (Filter::default(), Wanted::Days),
            11 => {
                let depth = i64::try_from(random.below(60)).unwrap_or_default();
                let to = Some(format_us(day_us(DAYS - 300 - depth) + draw.occurred_us() % 1_000));
                (Filter { to, ..Filter::default() }, page)
            }
            _ => {
                let filter = Filter {
                    organization: Some(draw.organization().into()),
                    action: Some(draw.action().into()),
                    status: Some("success".into()),
                    ..Filter::default()
                };
                (filter, page)
            }
        };
        Asking { filter, wanted }
    }
}

impl Answer {
    /// The answer that consists of these rows in this order.
    pub(crate) fn of_rows<'a>(rows: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = DefaultHasher::new();
        let mut count = 0;
        for row in rows {
            row.hash(&mut hasher);
            count += 1;
        }
        Self { count, digest: hasher.finish() }
    }

    /// The answer that is one number.
    pub(crate) const fn of_count(count: u64) -> Self {
        Self { count, digest: 0 }
    }
}

fn target_of(draw: &Draw) -> Filter {
    let target = Some((draw.target_type().to_owned(), draw.target_id()));
    Filter { target, ..Filter::default() }
}

/// Two different words of one event, neither of the twenty most frequent.
fn words(generator: &Generator, draw: &Draw) -> [String; 2] {
    let mut ranks: Vec<u16> = draw.words().filter(|rank| *rank >= 20).collect();
    ranks.dedup();
    let first = ranks.first().copied().unwrap_or(20);
    let second = ranks.iter().copied().find(|rank| *rank != first).unwrap_or(21);
    [first, second].map(|rank| generator.word(rank).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_question_differ_in_their_parameters() {
        let generator = Generator::new(1, 100_000);
        for question in QUESTIONS.iter().filter(|question| ![1, 8, 10].contains(&question.number)) {
            let asked: std::collections::BTreeSet<String> = (0..50)
                .map(|run| format!("{:?}", question.asking(&generator, 100_000, run)))
                .collect();
            assert!(asked.len() > 8, "{} has {} variants", question.name, asked.len());
        }
    }
}

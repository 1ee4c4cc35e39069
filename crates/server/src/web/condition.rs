//! How a trail is doing: when it was on, what the last start had to mend, and what checks found.
//!
//! Nothing here is a fixed text of comfort: it is read from the `system` trail and from what opening
//! the trail found, or it says that it is not known.

use event::Entry;
use registry::{Checked, SYSTEM_SLUG};
use search::{Clause, Field, Interval, Order, Query};
use trail::{Feed as _, Recorded, Recovery};

use super::text::{self, grouped};
use super::when::{Clock, duration};
use crate::instance::chronicle::{SERVER, START};
use crate::instance::{Instance, InstanceError, OpenTrail};

/// Checks that are listed.
const CHECKS_MAX: usize = 5;

/// Starts and stops that are looked at.
const LIFE_MAX: usize = 40;

/// How a trail is doing.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// The last checks, the last one first.
    pub(crate) checks: Vec<CheckView>,
    /// Since when this trail is being checked; empty when it is not.
    pub(crate) checking: String,
    /// Another trail that is being checked now; empty when none is.
    pub(crate) checking_other: String,
    /// When it was on and off, the last first.
    pub(crate) spans: Vec<SpanView>,
    /// Whether there is more than is shown.
    pub(crate) more: bool,
    /// What the last start found.
    pub(crate) start: Vec<String>,
}

/// A check and its result.
#[derive(Debug)]
pub(crate) struct CheckView {
    pub(crate) when: String,
    pub(crate) by: String,
    pub(crate) is_sound: bool,
    /// What was recomputed.
    pub(crate) words: String,
    /// How many entries: all below this index.
    pub(crate) checked: String,
    count: u64,
    pub(crate) problems: Vec<String>,
}

/// How much of a trail a check covers, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Covers {
    /// A tick when it is all.
    pub(crate) sign: &'static str,
    pub(crate) what: String,
    pub(crate) found: &'static str,
}

/// A time during which the server was on or off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SpanView {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) length: String,
    pub(crate) state: State,
}

impl SpanView {
    fn new(span: Span, clock: &Clock) -> Self {
        let stamp = |micros| clock.stamp_micros(micros).to_string();
        Self {
            from: stamp(span.from),
            to: if span.is_now { "now".to_owned() } else { stamp(span.to) },
            length: duration(span.to - span.from),
            state: span.state,
        }
    }
}

/// What a server did during a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It answers.
    On,
    /// It had been stopped.
    Stopped,
    /// It had ended without saying so; the span begins with the last event that it recorded here.
    Lost,
}

impl State {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Stopped => "off: the server had been stopped",
            Self::Lost => {
                "off: the server had ended without saying so, at some time after the last event \
                 before it"
            }
        }
    }

    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

impl Condition {
    /// Asks the records of the server and of the trail. Blocks on the disk.
    pub(crate) fn of(
        instance: &Instance,
        open: &OpenTrail,
        clock: &Clock,
        created_micros: Option<i64>,
    ) -> Result<Self, InstanceError> {
        let mut condition = Self { start: start_words(&open.recovery), ..Self::default() };
        if let Some((slug, since)) = instance.checking() {
            if slug == open.slug {
                condition.checking = clock.stamp_micros(since).to_string();
            } else {
                condition.checking_other = slug.to_string();
            }
        }
        condition.checks = last_checks(instance, open, clock, CHECKS_MAX)?;
        let life = life(instance)?;
        condition.more = life.len() == LIFE_MAX;
        let mut spans = Vec::new();
        for span in spans_of(&life, instance.now_micros()) {
            if span.state == State::Lost {
                // It was on at least as long as it recorded something here.
                let last = last_recorded(open, span.to)?.unwrap_or(span.from).max(span.from);
                spans.push(Span { to: last, state: State::On, ..span });
                spans.push(Span { from: last, ..span });
            } else {
                spans.push(span);
            }
        }
        let created = created_micros.unwrap_or(i64::MIN);
        let spans = spans.into_iter().rev().filter(|span| span.from < span.to && created < span.to);
        condition.spans = spans
            .map(|span| SpanView::new(Span { from: span.from.max(created), ..span }, clock))
            .collect();
        Ok(condition)
    }

    /// The last check.
    pub(crate) fn last_check(&self) -> Option<&CheckView> {
        self.checks.first()
    }
}

/// The last checks of a trail, ready to be shown.
pub(crate) fn last_checks(
    instance: &Instance,
    open: &OpenTrail,
    clock: &Clock,
    count: usize,
) -> Result<Vec<CheckView>, InstanceError> {
    let found = instance.last_checks(&open.slug, count)?;
    Ok(found.iter().filter_map(|recorded| CheckView::new(recorded, clock)).collect())
}

impl CheckView {
    /// What this check says of a trail that has so many entries now, if it found no fault: a part is
    /// never told for the whole.
    pub(crate) fn covers(&self, recorded: u64) -> Covers {
        let (sign, what) = match (self.count, recorded) {
            (0, 1..) => ("…", "no entry checked yet".to_owned()),
            (1, 1) => ("✓", "the one entry checked".to_owned()),
            (count, recorded) if count >= recorded => {
                ("✓", format!("all {} entries checked", grouped(recorded)))
            }
            (count, recorded) => (
                "…",
                format!("the first {} of {} entries checked", grouped(count), grouped(recorded)),
            ),
        };
        let found = match self.count {
            0 => "the trail was empty",
            count if count < recorded => "nothing missing among them",
            _ => "nothing missing",
        };
        Covers { sign, what, found }
    }

    fn new(recorded: &Recorded, clock: &Clock) -> Option<Self> {
        let text = recorded.text();
        let entry = Entry::parse(&text).ok()?;
        let event = &entry.event;
        let checked: Checked = serde_json::from_str(event.params.as_ref()?.as_str()).ok()?;
        let mut problems: Vec<String> =
            checked.first_problems.iter().map(|problem| text::plain(problem)).collect();
        let unnamed = checked.problems.saturating_sub(problems.len() as u64);
        if unnamed > 0 {
            problems.push(format!("{} more", grouped(unnamed)));
        }
        let entries = if checked.checked == 1 { "entry" } else { "entries" };
        let words = format!(
            "{} {entries}, every tile, root and signature recomputed",
            grouped(checked.checked)
        );
        let by = event.actor.as_ref();
        let by = by.and_then(|actor| actor.name.as_deref().or(actor.id.as_deref()));
        Some(Self {
            when: clock.stamp_micros(entry.recorded_at_micros).to_string(),
            by: text::plain(by.unwrap_or("somebody")),
            is_sound: checked.is_sound(),
            words,
            checked: grouped(checked.checked),
            count: checked.checked,
            problems,
        })
    }
}

/// What opening the trail found, in words.
fn start_words(recovery: &Recovery) -> Vec<String> {
    let mut words = Vec::new();
    match recovery.republished {
        0 => {}
        1 => words.push("1 event that was recorded had not been published; it is now.".to_owned()),
        count => words.push(format!(
            "{} events that were recorded had not been published; they are now.",
            grouped(count)
        )),
    }
    if let Some(torn) = &recovery.cut {
        words.push(format!(
            "A last write was incomplete and had never been acknowledged; its {} bytes are kept \
             beside {}.",
            grouped(torn.size),
            torn.path
        ));
    }
    if words.is_empty() {
        words.push("Everything that was recorded had been published; nothing was mended.".into());
    }
    for path in &recovery.set_aside {
        words.push(format!("Set aside at an earlier start and kept: {}.", text::plain(path)));
    }
    words
}

/// A start or a stop, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    at: i64,
    is_start: bool,
}

/// A span in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: i64,
    to: i64,
    state: State,
    is_now: bool,
}

/// Starts and stops, the first one first.
fn life(instance: &Instance) -> Result<Vec<Turn>, InstanceError> {
    let Some(system) = registry::Slug::parse(SYSTEM_SLUG).ok() else { return Ok(Vec::new()) };
    let system = instance.trail(&system)?;
    let clause = Clause::exactly(Field::TargetType, SERVER);
    let query = Query::default().with(clause);
    let found = system.projection.search(&query, Order::LastRecorded, LIFE_MAX, None)?;
    let mut turns: Vec<Turn> = system
        .trail
        .read_many(&found.indexes)?
        .iter()
        .filter_map(|recorded| {
            let text = recorded.text();
            let entry = Entry::parse(&text).ok()?;
            let is_start = entry.event.action == START;
            Some(Turn { at: entry.recorded_at_micros, is_start })
        })
        .collect();
    turns.reverse();
    Ok(turns)
}

/// The spans between turns. A start after a start means that the first run ended unsaid.
fn spans_of(turns: &[Turn], now: i64) -> Vec<Span> {
    let mut spans = Vec::new();
    for (at, turn) in turns.iter().enumerate() {
        let next = turns.get(at + 1);
        let state = match (turn.is_start, next) {
            (true, Some(next)) if next.is_start => State::Lost,
            (true, _) => State::On,
            (false, Some(_)) => State::Stopped,
            // What answers now has not stopped: another process did.
            (false, None) => continue,
        };
        let to = next.map_or(now, |next| next.at);
        spans.push(Span { from: turn.at, to, state, is_now: next.is_none() });
    }
    spans
}

/// When the last event before a moment was recorded.
fn last_recorded(open: &OpenTrail, before: i64) -> Result<Option<i64>, InstanceError> {
    let recorded = Interval { from: None, to: Some(before) };
    let query = Query { recorded, ..Query::default() };
    let found = open.projection.search(&query, Order::LastRecorded, 1, None)?;
    let recorded = open.trail.read_many(&found.indexes)?;
    Ok(recorded.first().and_then(|recorded| {
        Entry::parse(&recorded.text()).ok().map(|entry| entry.recorded_at_micros)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_after_a_start_means_that_the_first_run_was_lost() {
        let start = |at| Turn { at, is_start: true };
        let stop = |at| Turn { at, is_start: false };
        let spans = spans_of(&[start(1), stop(5), start(7), start(20)], 30);
        let states: Vec<(i64, i64, State)> =
            spans.iter().map(|span| (span.from, span.to, span.state)).collect();
        assert_eq!(
            states,
            [(1, 5, State::On), (5, 7, State::Stopped), (7, 20, State::Lost), (20, 30, State::On)]
        );
        assert!(spans[3].is_now);
        assert!(spans_of(&[], 9).is_empty());
    }

    #[test]
    fn what_a_start_mended_is_said() {
        let quiet = start_words(&Recovery::default());
        assert_eq!(quiet.len(), 1);
        assert!(quiet[0].contains("nothing was mended"));
        let mended = Recovery { republished: 3, ..Recovery::default() };
        assert!(start_words(&mended)[0].starts_with("3 events"));
    }

    #[test]
    fn a_check_of_a_part_is_not_told_for_the_whole() {
        let words = |count: u64, recorded: u64| {
            let view = CheckView {
                when: String::new(),
                by: String::new(),
                is_sound: true,
                words: String::new(),
                checked: grouped(count),
                count,
                problems: Vec::new(),
            };
            let Covers { sign, what, found } = view.covers(recorded);
            format!("{sign} {what}, {found}")
        };
        assert_eq!(words(3, 3), "✓ all 3 entries checked, nothing missing");
        assert_eq!(words(1, 1), "✓ the one entry checked, nothing missing");
        assert_eq!(words(4, 3), "✓ all 3 entries checked, nothing missing", "it grew meanwhile");
        assert_eq!(words(2, 3), "… the first 2 of 3 entries checked, nothing missing among them");
        assert_eq!(words(0, 3), "… no entry checked yet, the trail was empty");
        assert_eq!(words(0, 0), "✓ all 0 entries checked, the trail was empty");
    }
}

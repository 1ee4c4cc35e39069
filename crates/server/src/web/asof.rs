//! A record as of any moment, rebuilt from what the trail says happened to it.
//!
//! The fold is as plain as can be, so that an inspector can do it by hand: events in the order in
//! which they happened; `after` is the state from then on; a deletion ends it; a change without
//! `after` is noted and makes the state uncertain; what failed or was only looked at changes nothing.
//! A `before` that is not the state that the trail knew is called out: something changed the record
//! without leaving an event.

use std::collections::BTreeMap;

use dialect::{Kind, Meaning};
use event::{Entry, Status};
use serde_json::Value;

use super::diff::{Change, diff};
use super::meaning::meaning;

/// One event of a record's history, reduced to what the fold needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moved {
    /// Leaf index.
    pub(crate) index: u64,
    /// When it happened, in microseconds since the epoch.
    pub(crate) occurred_micros: i64,
    /// What it did to the record.
    pub(crate) effect: Effect,
    /// The state that the event says was there before.
    pub(crate) before: Option<Value>,
}

/// What an event does to a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Nothing: it failed, was refused, or only looked.
    None,
    /// It is like this from now on.
    Replaced(Value),
    /// It is gone from now on.
    Ended,
    /// It changed, and the event does not say into what.
    Unsaid,
}

/// What the trail knows of a record at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// The state, if the trail has one and the record was not deleted since.
    pub(crate) value: Option<Value>,
    /// The event that the state comes from.
    pub(crate) since: Option<u64>,
    /// Whether it is gone.
    pub(crate) ended: bool,
    /// Changes since then that do not say what they changed.
    pub(crate) unsaid: Vec<u64>,
}

/// One step of a history: an event and what it did, compared with what was known before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Leaf index.
    pub(crate) index: u64,
    /// When it happened, in microseconds since the epoch.
    pub(crate) occurred_micros: i64,
    /// What changed, by the event's own `before` if it has one, else by the state known so far.
    pub(crate) changes: Vec<Change>,
    /// What changed without an event: between the state known so far and this event's `before`.
    pub(crate) unrecorded: Vec<Change>,
}

/// A change of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldChange {
    /// The event that made it, or that found it made.
    pub(crate) index: u64,
    /// When that happened, in microseconds since the epoch.
    pub(crate) occurred_micros: i64,
    /// Whether an event says that it made the change; otherwise one found it made.
    pub(crate) is_recorded: bool,
    /// What changed.
    pub(crate) change: Change,
}

/// Each field's changes in order.
pub(crate) type FieldHistory = BTreeMap<String, Vec<FieldChange>>;

impl Moved {
    /// What an entry did to its target.
    pub(crate) fn of(index: u64, entry: &Entry<'_>) -> Self {
        let event = &entry.event;
        let json = |json: &Option<event::Json<'_>>| {
            json.as_ref().and_then(|json| serde_json::from_str::<Value>(json.as_str()).ok())
        };
        let status = event.outcome.as_ref().map_or(Status::Unknown, |outcome| outcome.status);
        let kind = match meaning(&event.source.system, &event.action) {
            Meaning::Known(kind) | Meaning::Guessed(kind) => Some(kind),
            Meaning::Unknown => None,
        };
        let effect = match (status, json(&event.after), kind) {
            (Status::Failure | Status::Denied, _, _) => Effect::None,
            (_, None | Some(Value::Null), Some(Kind::Delete)) => Effect::Ended,
            (_, Some(after), _) => Effect::Replaced(after),
            (_, None, Some(Kind::Create | Kind::Update)) => Effect::Unsaid,
            (_, None, _) => Effect::None,
        };
        Self {
            index,
            occurred_micros: event.occurred_at.micros(),
            effect,
            before: json(&event.before),
        }
    }
}

impl State {
    fn apply(&mut self, moved: &Moved) {
        match &moved.effect {
            Effect::None => {}
            Effect::Replaced(value) => {
                *self = Self {
                    value: Some(value.clone()),
                    since: Some(moved.index),
                    ended: false,
                    unsaid: Vec::new(),
                };
            }
            Effect::Ended => {
                *self = Self { since: Some(moved.index), ended: true, ..Self::default() };
            }
            Effect::Unsaid => {
                self.ended = false;
                self.unsaid.push(moved.index);
            }
        }
    }
}

/// The events of a record in the order in which they happened.
pub(crate) fn in_order(mut events: Vec<Moved>) -> Vec<Moved> {
    events.sort_by_key(|moved| (moved.occurred_micros, moved.index));
    events
}

/// The record as of a moment: all that happened up to it, the moment itself included.
pub(crate) fn as_of(events: &[Moved], micros: i64) -> State {
    let mut state = State::default();
    for moved in events.iter().filter(|moved| moved.occurred_micros <= micros) {
        state.apply(moved);
    }
    state
}

/// Each event with what it changed.
pub(crate) fn steps(events: &[Moved]) -> Vec<Step> {
    let mut state = State::default();
    events
        .iter()
        .map(|moved| {
            let known = state.value.clone();
            let certain = state.unsaid.is_empty();
            state.apply(moved);
            let before = moved.before.as_ref().or(known.as_ref());
            let changes = match &moved.effect {
                Effect::Replaced(after) => diff(before, Some(after)).changes,
                Effect::Ended => diff(before, None).changes,
                Effect::None | Effect::Unsaid => Vec::new(),
            };
            let unrecorded = match (&known, &moved.before) {
                (Some(known), Some(before)) if certain => diff(Some(known), Some(before)).changes,
                _ => Vec::new(),
            };
            Step { index: moved.index, occurred_micros: moved.occurred_micros, changes, unrecorded }
        })
        .collect()
}

/// The same changes, field by field, those without an event among them.
pub(crate) fn fields(steps: &[Step]) -> FieldHistory {
    let mut fields = FieldHistory::new();
    for step in steps {
        for (changes, is_recorded) in [(&step.unrecorded, false), (&step.changes, true)] {
            for change in changes {
                fields.entry(change.path.clone()).or_default().push(FieldChange {
                    index: step.index,
                    occurred_micros: step.occurred_micros,
                    is_recorded,
                    change: change.clone(),
                });
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn moved(index: u64, at: i64, effect: Effect) -> Moved {
        Moved { index, occurred_micros: at, effect, before: None }
    }

    #[test]
    fn the_last_state_stands_until_the_next_or_the_end() {
        let events = in_order(vec![
            moved(2, 30, Effect::Ended),
            moved(0, 10, Effect::Replaced(json!({"v": 1}))),
            moved(1, 20, Effect::Replaced(json!({"v": 2}))),
            moved(3, 25, Effect::None),
        ]);
        for (at, value, ended) in [
            (9, None, false),
            (10, Some(json!({"v": 1})), false),
            (19, Some(json!({"v": 1})), false),
            (29, Some(json!({"v": 2})), false),
            (30, None, true),
        ] {
            let state = as_of(&events, at);
            assert_eq!((state.value, state.ended), (value, ended), "{at}");
        }
    }

    #[test]
    fn a_change_that_says_nothing_makes_the_state_uncertain() {
        let events = vec![
            moved(0, 1, Effect::Replaced(json!({"v": 1}))),
            moved(1, 2, Effect::Unsaid),
            moved(2, 3, Effect::Replaced(json!({"v": 3}))),
        ];
        assert_eq!(as_of(&events, 2).unsaid, [1]);
        assert_eq!(as_of(&events, 2).value, Some(json!({"v": 1})));
        assert!(as_of(&events, 3).unsaid.is_empty());
    }

    #[test]
    fn a_state_before_that_the_trail_did_not_know_is_called_out() {
        let mut second = moved(1, 2, Effect::Replaced(json!({"v": 3})));
        second.before = Some(json!({"v": 2}));
        let found = steps(&[moved(0, 1, Effect::Replaced(json!({"v": 1}))), second]);
        assert_eq!(found[1].unrecorded.len(), 1);
        assert_eq!(found[1].changes[0].old, Some(json!(2)));
        assert_eq!(fields(&found).get("v").map(Vec::len), Some(3));
    }

    #[test]
    fn what_failed_changes_nothing_and_a_deletion_ends() {
        let entry = |outcome: &str, action: &str, after: &str| {
            format!(
                r#"{{"v":1,"recorded_at":"2026-01-01T00:00:00.000000Z","recorded_by":"t","received":{{"via":"api"}},"occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"x"}},"action":"{action}","outcome":{{"status":"{outcome}"}}{after}}}"#
            )
        };
        for (outcome, action, after, expected) in [
            ("success", "update", r#","after":{"v":1}"#, Effect::Replaced(json!({"v": 1}))),
            ("failure", "update", r#","after":{"v":1}"#, Effect::None),
            ("denied", "delete", "", Effect::None),
            ("success", "delete", "", Effect::Ended),
            ("success", "update", "", Effect::Unsaid),
            ("success", "view", "", Effect::None),
            ("success", "frobnicate", "", Effect::None),
        ] {
            let text = entry(outcome, action, after);
            let entry = Entry::parse(&text).unwrap();
            assert_eq!(Moved::of(0, &entry).effect, expected, "{outcome} {action}");
        }
    }

    proptest! {
        #[test]
        fn the_view_equals_the_last_effect_before_the_moment(
            effects in proptest::collection::vec((0_i64..20, 0_u8..3), 0..20),
            at in 0_i64..20,
        ) {
            let events: Vec<Moved> = effects.iter().enumerate().map(|(index, (time, effect))| {
                let index = index as u64;
                moved(index, *time, match effect {
                    0 => Effect::Replaced(json!(index)),
                    1 => Effect::Ended,
                    _ => Effect::None,
                })
            }).collect();
            let events = in_order(events);
            let last = events.iter().rfind(|e| e.occurred_micros <= at && e.effect != Effect::None);
            let expected = last.and_then(|e| match &e.effect {
                Effect::Replaced(value) => Some(value.clone()),
                _ => None,
            });
            prop_assert_eq!(as_of(&events, at).value, expected);
        }
    }
}

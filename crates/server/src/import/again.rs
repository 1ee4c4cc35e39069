//! The same record in another of its platform's forms.
//!
//! A platform hands out one record in several forms, and some say less: the JSON of TDP's audit trail
//! has no reason for a change, a REST answer of OpenCGA not MongoDB's id. A record that is told again
//! in fewer words is already there; one that says anything more, or anything else, is not.

use event::{Draft, Entry, parse_rfc3339};
use serde_json::Value;
use trail::{Error, Feed};

/// Whether the event at an index says all that a draft says.
pub(super) fn is_told(feed: &dyn Feed, index: u64, draft: &Draft) -> Result<bool, Error> {
    let recorded = feed.read_many(&[index])?;
    let text = recorded.first().map(|recorded| recorded.text());
    let entry = text.as_deref().and_then(|text| Entry::parse(text).ok());
    let Some(entry) = entry else { return Ok(false) };
    Ok(says(&entry.event.to_json(), &draft.event_json()))
}

fn says(recorded: &str, told: &str) -> bool {
    let read = |text: &str| serde_json::from_str(text).ok();
    let (Some(recorded), Some(told)) = (read(recorded), read(told)) else { return false };
    covers(&recorded, &told, "")
}

/// Whether all that is told at a pointer is recorded there.
fn covers(recorded: &Value, told: &Value, at: &str) -> bool {
    match (at, recorded, told) {
        // An empty cell of a table is a member that is absent.
        (_, Value::Null, told) if is_nothing(told) => true,
        // The form in which it was told is no part of what happened.
        ("/source/format" | "/redacted", _, _) => true,
        ("/occurred_at", Value::String(recorded), Value::String(told)) => {
            parse_rfc3339(recorded) == parse_rfc3339(told)
        }
        // A value of the platform's is whole or another.
        ("/params" | "/before" | "/after", _, _) => is_equal(recorded, told),
        (_, Value::Object(recorded), Value::Object(told)) => told.iter().all(|(name, told)| {
            let at = format!("{at}/{name}");
            let there = recorded.get(name).unwrap_or(&Value::Null);
            covers(there, told, &at)
        }),
        _ => is_equal(recorded, told),
    }
}

/// Whether two values are equal: members in any order, and numbers however they are written.
fn is_equal(one: &Value, other: &Value) -> bool {
    /// Numbers of fewer characters are exact as floating-point numbers.
    const EXACT_CHARS: usize = 16;
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (a, b) = (one.to_string(), other.to_string());
            let short = a.len() < EXACT_CHARS && b.len() < EXACT_CHARS;
            a == b || (short && one.as_f64() == other.as_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_equal(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|theirs| is_equal(value, theirs))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

/// Whether a value says nothing, as an empty cell does.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(recorded: &str, told: &str, expected: bool) {
        let event = |members: &str| {
            format!(
                r#"{{"id":"1","occurred_at":"2026-01-01T00:00:00.5Z","source":{{"system":"s","format":"a"}},"action":"x"{members}}}"#
            )
        };
        assert_eq!(says(&event(recorded), &event(told)), expected, "{recorded} {told}");
    }

    #[test]
    fn fewer_words_are_the_same_record_and_other_words_are_not() {
        check("", "", true);
        check(r#","reason":{"text":"r"}"#, "", true);
        check("", r#","reason":{"text":"r"}"#, false);
        check(r#","target":{"type":"t","name":"n"}"#, r#","target":{"type":"t"}"#, true);
        check(r#","target":{"type":"t"}"#, r#","target":{"type":"u"}"#, false);
        check(r#","attributes":{"a":1,"b":2}"#, r#","attributes":{"b":2}"#, true);
        check("", r#","attributes":{"a":{"b":"","c":null}}"#, true);
        check("", r#","attributes":{"a":0}"#, false);
        check(r#","params":{"a":1,"b":2}"#, r#","params":{"b":2}"#, false);
        check(r#","params":{"a":1,"b":2}"#, r#","params":{"b":2,"a":1}"#, true);
        check(r#","after":{"a":[0.5]}"#, r#","after":{"a":[0.50]}"#, true);
        check(r#","after":{"a":[0.5]}"#, r#","after":{"a":[0.51]}"#, false);
        check(r#","after":{"a":9007199254740992}"#, r#","after":{"a":9007199254740993}"#, false);
    }

    #[test]
    fn a_moment_is_the_same_however_it_is_written() {
        let one = r#"{"occurred_at":"2026-01-01T01:00:00.50+01:00","source":{"format":"csv"}}"#;
        let other = r#"{"occurred_at":"2026-01-01T00:00:00.5Z","source":{"format":"json"}}"#;
        assert!(says(one, other) && says(other, one));
        assert!(!says(one, &other.replace("00.5Z", "00.6Z")));
    }
}

//! What changed between a state before and a state after: one row per changed field.
//!
//! Objects are compared member by member; arrays element by element, those of objects with an id by
//! their ids, others by what stayed in place. Numbers are compared by their text, because the trail
//! keeps their text.

use std::fmt::Write as _;

use serde_json::Value;

use super::align::{Step, align};

/// The most rows of one comparison; what is beyond is counted.
const ROWS_MAX: usize = 2_000;

/// How a field changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another value.
    Changed,
}

impl Op {
    /// The word beside the colour.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }

    /// The shape beside the word.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "−",
            Self::Changed => "≠",
        }
    }
}

/// One changed field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Where, for a person: `status.name`, `files[2].path`, `samples[id=S-17].volume`. Empty for the
    /// whole state.
    pub(crate) path: String,
    /// How.
    pub(crate) op: Op,
    /// The value before.
    pub(crate) old: Option<Value>,
    /// The value after.
    pub(crate) new: Option<Value>,
}

impl Change {
    /// By how much a number changed, where both are plain decimals.
    pub(crate) fn delta(&self) -> Option<String> {
        match (&self.old, &self.new) {
            (Some(Value::Number(old)), Some(Value::Number(new))) => {
                decimal_difference(&old.to_string(), &new.to_string())
            }
            _ => None,
        }
    }
}

/// Every change, and how many more there are than were listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Diff {
    /// In the order of the state after, removed fields where they stood.
    pub(crate) changes: Vec<Change>,
    /// Changes beyond the limit.
    pub(crate) more: usize,
}

/// Compares two states.
pub(crate) fn diff(old: Option<&Value>, new: Option<&Value>) -> Diff {
    let mut diff = Diff::default();
    match (old, new) {
        (None, None) => {}
        (Some(old), Some(new)) => diff.values("", old, new),
        (Some(Value::Object(members)), None) => {
            for (name, value) in members {
                diff.push(&member("", name), Op::Removed, Some(value), None);
            }
        }
        (None, Some(Value::Object(members))) => {
            for (name, value) in members {
                diff.push(&member("", name), Op::Added, None, Some(value));
            }
        }
        (old, None) => diff.push("", Op::Removed, old, None),
        (None, new) => diff.push("", Op::Added, None, new),
    }
    diff
}

impl Diff {
    fn push(&mut self, path: &str, op: Op, old: Option<&Value>, new: Option<&Value>) {
        if self.changes.len() == ROWS_MAX {
            self.more += 1;
            return;
        }
        let (old, new) = (old.cloned(), new.cloned());
        self.changes.push(Change { path: path.to_owned(), op, old, new });
    }

    fn values(&mut self, path: &str, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.objects(path, old, new),
            (Value::Array(old), Value::Array(new)) => self.arrays(path, old, new),
            _ => self.push(path, Op::Changed, Some(old), Some(new)),
        }
    }

    fn objects(
        &mut self,
        path: &str,
        old: &serde_json::Map<String, Value>,
        new: &serde_json::Map<String, Value>,
    ) {
        for (name, value) in old {
            let inner = member(path, name);
            match new.get(name) {
                Some(now) => self.values(&inner, value, now),
                None => self.push(&inner, Op::Removed, Some(value), None),
            }
        }
        for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            self.push(&member(path, name), Op::Added, None, Some(value));
        }
    }

    fn arrays(&mut self, path: &str, old: &[Value], new: &[Value]) {
        if let Some((name, old_ids, new_ids)) = shared_ids(old, new) {
            return self.by_id(path, name, (old, &old_ids), (new, &new_ids));
        }
        let mut steps = align(old, new).into_iter().peekable();
        let mut removed: Vec<usize> = Vec::new();
        while let Some(step) = steps.next() {
            match step {
                Step::Same(..) => {}
                Step::Removed(at) => removed.push(at),
                Step::Added(at) => {
                    let value = new.get(at);
                    // A removal beside an addition is the same element with another value.
                    if removed.is_empty() {
                        self.push(&element(path, at), Op::Added, None, value);
                    } else if let (Some(old), Some(new)) = (old.get(removed.remove(0)), value) {
                        self.values(&element(path, at), old, new);
                    }
                }
            }
            if !matches!(steps.peek(), Some(Step::Added(_) | Step::Removed(_))) {
                for at in removed.drain(..) {
                    self.push(&element(path, at), Op::Removed, old.get(at), None);
                }
            }
        }
    }

    fn by_id(
        &mut self,
        path: &str,
        name: &str,
        (old, old_ids): (&[Value], &[String]),
        (new, new_ids): (&[Value], &[String]),
    ) {
        let place = |id: &str| format!("{path}[{name}={id}]");
        for (id, value) in old_ids.iter().zip(old) {
            match new_ids.iter().position(|other| other == id).and_then(|at| new.get(at)) {
                Some(now) => self.values(&place(id), value, now),
                None => self.push(&place(id), Op::Removed, Some(value), None),
            }
        }
        for (id, value) in new_ids.iter().zip(new).filter(|(id, _)| !old_ids.contains(id)) {
            self.push(&place(id), Op::Added, None, Some(value));
        }
    }
}

/// The most elements whose ids are compared with each other.
const IDS_MAX: usize = 2_000;

/// The member that identifies every element of both arrays, and its values.
fn shared_ids(old: &[Value], new: &[Value]) -> Option<(&'static str, Vec<String>, Vec<String>)> {
    ["id", "uuid", "key", "name"].into_iter().find_map(|name| {
        let (old, new) = (ids(old, name)?, ids(new, name)?);
        (!old.is_empty() || !new.is_empty()).then_some((name, old, new))
    })
}

fn ids(list: &[Value], name: &str) -> Option<Vec<String>> {
    if list.len() > IDS_MAX {
        return None;
    }
    let ids: Vec<String> = list
        .iter()
        .map(|item| match item.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == ids.len()).then_some(ids)
}

fn member(path: &str, name: &str) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '@'));
    match (path.is_empty(), plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[{}]", Value::String(name.to_owned())),
    }
}

fn element(path: &str, at: usize) -> String {
    format!("{path}[{at}]")
}

/// `new - old` of plain decimals, exactly; `None` where an exponent or more digits are involved.
fn decimal_difference(old: &str, new: &str) -> Option<String> {
    let parts = |text: &str| -> Option<(i128, usize)> {
        let digits = text.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() > 30 || !plain(whole) || !plain(fraction) {
            return None;
        }
        let value: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some((if text.starts_with('-') { -value } else { value }, fraction.len()))
    };
    let ((old, old_places), (new, new_places)) = (parts(old)?, parts(new)?);
    let places = old_places.max(new_places);
    let scale = |value: i128, from: usize| {
        value.checked_mul(10_i128.checked_pow(u32::try_from(places - from).ok()?)?)
    };
    let difference = scale(new, new_places)?.checked_sub(scale(old, old_places)?)?;
    let digits = format!("{:0width$}", difference.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - places)?;
    let mut text = String::from(if difference < 0 { "−" } else { "+" });
    text.push_str(whole);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, ".{fraction}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: &[&str]) {
        let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
        let rows: Vec<String> = diff(parse(old).as_ref(), parse(new).as_ref())
            .changes
            .iter()
            .map(|change| {
                let text = |value: &Option<Value>| {
                    value.as_ref().map_or_else(|| "·".to_owned(), ToString::to_string)
                };
                format!(
                    "{} {} {} {}",
                    change.op.sign(),
                    change.path,
                    text(&change.old),
                    text(&change.new)
                )
            })
            .collect();
        assert_eq!(rows, expected, "{old} -> {new}");
    }

    #[test]
    fn every_changed_field_has_one_row() {
        check(r#"{"a":1,"b":{"c":"x"}}"#, r#"{"a":1,"b":{"c":"y"}}"#, &[r#"≠ b.c "x" "y""#]);
        check(r#"{"a":1}"#, r#"{"b":2}"#, &["− a 1 ·", "+ b · 2"]);
        check(r#"{"a":1}"#, r#"{"a":1}"#, &[]);
        check(r#"{"a":1.0}"#, r#"{"a":1.00}"#, &["≠ a 1.0 1.00"]);
        check(r#"{"a":null}"#, r#"{"a":[]}"#, &["≠ a null []"]);
        check("", r#"{"a":1,"b":2}"#, &["+ a · 1", "+ b · 2"]);
        check(r#"{"a":1}"#, "", &["− a 1 ·"]);
        check("1", "\"x\"", &["≠  1 \"x\""]);
    }

    #[test]
    fn elements_are_found_again_by_id_or_by_what_stayed() {
        check(
            r#"{"s":[{"id":"A","v":1},{"id":"B","v":2}]}"#,
            r#"{"s":[{"id":"B","v":3},{"id":"C","v":9}]}"#,
            &[
                r#"− s[id=A] {"id":"A","v":1} ·"#,
                "≠ s[id=B].v 2 3",
                r#"+ s[id=C] · {"id":"C","v":9}"#,
            ],
        );
        check(r#"{"t":["x","y","z"]}"#, r#"{"t":["x","z"]}"#, &[r#"− t[1] "y" ·"#]);
        check(r#"{"t":["x","z"]}"#, r#"{"t":["x","y","z"]}"#, &[r#"+ t[1] · "y""#]);
        check("[1,2,3]", "[1,5,3]", &["≠ [1] 2 5"]);
    }

    #[test]
    fn a_name_that_would_mislead_is_quoted() {
        check(r#"{"a.b":1}"#, r#"{"a.b":2}"#, &[r#"≠ ["a.b"] 1 2"#]);
        check(r#"{"":1}"#, r#"{"":2}"#, &[r#"≠ [""] 1 2"#]);
    }

    #[test]
    fn a_difference_of_numbers_is_exact() {
        for (old, new, expected) in [
            ("0.1", "0.3", Some("+0.2")),
            ("1.50", "1.25", Some("−0.25")),
            ("-1", "1", Some("+2")),
            ("10", "9", Some("−1")),
            ("1e3", "2", None),
            ("0.0000001", "1", Some("+0.9999999")),
        ] {
            assert_eq!(decimal_difference(old, new).as_deref(), expected, "{old} {new}");
        }
    }

    #[test]
    fn a_huge_change_is_cut_and_counted() {
        let list = |from: usize| Value::Array((from..from + 3_000).map(Value::from).collect());
        let found = diff(Some(&list(0)), Some(&list(10_000)));
        assert_eq!((found.changes.len(), found.more), (ROWS_MAX, 1_000));
    }
}

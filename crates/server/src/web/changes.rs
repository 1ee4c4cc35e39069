//! The difference between two states, as a page shows it: rows, side by side, or unified.

use serde_json::Value;

use super::diff::{Change, Diff, diff};
use super::lines::{Line, Pair, pretty, side_by_side, unified, words};
use super::text::{self, Html};
use super::tree::inline;

/// One changed field.
#[derive(Debug)]
pub(crate) struct ChangeRow {
    pub(crate) path: Html,
    pub(crate) sign: &'static str,
    pub(crate) word: &'static str,
    pub(crate) old: Html,
    pub(crate) new: Html,
    pub(crate) delta: String,
}

impl ChangeRow {
    /// A change with its values ready to be shown.
    pub(crate) fn new(change: &Change) -> Self {
        let none = || Html::trusted("<span class=\"none\">not there</span>".to_owned());
        let value = |value: &Option<Value>| value.as_ref().map_or_else(none, inline);
        let marked = match (&change.old, &change.new) {
            (Some(Value::String(old)), Some(Value::String(new))) => words(old, new),
            _ => None,
        };
        let (old, new) = marked.unwrap_or_else(|| (value(&change.old), value(&change.new)));
        let path = if change.path.is_empty() { "(the whole state)" } else { &change.path };
        Self {
            path: text::shown(path),
            sign: change.op.sign(),
            word: change.op.word(),
            old,
            new,
            delta: change.delta().unwrap_or_default(),
        }
    }
}

/// Changes as rows.
pub(crate) fn rows(changes: &[Change]) -> Vec<ChangeRow> {
    changes.iter().map(ChangeRow::new).collect()
}

/// A line of the unified view.
#[derive(Debug)]
pub(crate) struct UnifiedLine {
    pub(crate) class: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) text: Html,
}

/// The ways to look at a difference.
pub(crate) const VIEWS: [(&str, &str); 3] =
    [("rows", "Field by field"), ("side", "Side by side"), ("unified", "Unified")];

/// A difference, all three ways.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Whether there is anything to compare.
    pub(crate) any: bool,
    pub(crate) rows: Vec<ChangeRow>,
    pub(crate) more: usize,
    pub(crate) unified: Vec<UnifiedLine>,
    pub(crate) pairs: Vec<Pair>,
}

impl Difference {
    /// Compares two states, in the view that is asked for.
    pub(crate) fn new(old: Option<&Value>, new: Option<&Value>, view: &str) -> Self {
        let any = old.is_some() || new.is_some();
        let Diff { changes, more } = diff(old, new);
        let mut difference = Self { any, rows: rows(&changes), more, ..Self::default() };
        if view == "rows" || !any {
            return difference;
        }
        let lines = unified(&pretty(old), &pretty(new));
        if view == "side" {
            difference.pairs = side_by_side(&lines);
        } else {
            difference.unified = lines.iter().map(unified_line).collect();
        }
        difference
    }
}

fn unified_line(line: &Line) -> UnifiedLine {
    let number = |number: usize| number.to_string();
    match line {
        Line::Same(i, j, content) => UnifiedLine {
            class: "same",
            sign: " ",
            left: number(*i),
            right: number(*j),
            text: text::clipped(content, 4_000),
        },
        Line::Removed(i, content) => UnifiedLine {
            class: "removed",
            sign: "−",
            left: number(*i),
            right: String::new(),
            text: text::clipped(content, 4_000),
        },
        Line::Added(j, content) => UnifiedLine {
            class: "added",
            sign: "+",
            left: String::new(),
            right: number(*j),
            text: text::clipped(content, 4_000),
        },
        Line::Folded(count) => UnifiedLine {
            class: "folded",
            sign: "⋯",
            left: String::new(),
            right: String::new(),
            text: text::shown(&format!("{count} lines that are the same")),
        },
    }
}

impl Pair {
    /// A side's number; empty where there is nothing.
    pub(crate) fn number(side: Option<&(usize, String)>) -> String {
        side.map(|(number, _)| number.to_string()).unwrap_or_default()
    }

    /// A side's text.
    pub(crate) fn html(side: Option<&(usize, String)>) -> Html {
        side.map(|(_, content)| text::clipped(content, 4_000)).unwrap_or_default()
    }

    /// The classes of both sides.
    pub(crate) fn sides(&self) -> (&'static str, &'static str) {
        if self.same {
            return ("same", "same");
        }
        (
            if self.left.is_some() { "removed" } else { "absent" },
            if self.right.is_some() { "added" } else { "absent" },
        )
    }
}

//! A JSON value as a tree that folds, without a script.

use std::fmt::Write as _;

use serde_json::Value;

use super::text::{self, Html, grouped};

/// Members or elements that a level may have to be shown open.
const OPEN_MAX: usize = 24;

/// Levels that are shown open.
const OPEN_LEVELS: usize = 3;

/// Members or elements of one level that are shown at all.
const ITEMS_MAX: usize = 1_000;

/// Characters of a text that are shown without a click.
const TEXT_CHARS_MAX: usize = 400;

/// A value as a tree.
pub(crate) fn tree(value: &Value) -> Html {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    Html::trusted(out)
}

/// JSON text as a tree; text that is not JSON as it is.
pub(crate) fn tree_of(json: &str) -> Html {
    serde_json::from_str(json).map_or_else(|_| text::shown(json), |value| tree(&value))
}

/// A value in one piece: a text without its quotes, anything else as JSON; long ones fold.
pub(crate) fn inline(value: &Value) -> Html {
    match value {
        Value::String(content) => folded(content),
        Value::Object(_) | Value::Array(_) => {
            let mut out = String::new();
            write_value(&mut out, value, OPEN_LEVELS.saturating_sub(1));
            Html::trusted(out)
        }
        scalar => text::shown(&scalar.to_string()),
    }
}

/// A text that folds when it is long.
pub(crate) fn folded(content: &str) -> Html {
    let mut out = String::new();
    write_text(&mut out, content);
    Html::trusted(out)
}

fn write_text(out: &mut String, content: &str) {
    if content.is_empty() {
        out.push_str("<span class=\"none\">empty text</span>");
    } else if content.chars().nth(TEXT_CHARS_MAX).is_some() {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<details class=\"fold\"><summary>{} <span class=\"hint\">{} characters</span></summary>\
             <div class=\"long\">{}</div></details>",
            text::clipped(content, 80),
            grouped(content.chars().count() as u64),
            text::shown(content)
        );
    } else {
        let _ = write!(out, "{}", text::shown(content));
    }
}

fn write_value(out: &mut String, value: &Value, level: usize) {
    match value {
        Value::Null => out.push_str("<span class=\"none\">null</span>"),
        Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "<span class=\"num\">{}</span>", text::shown(&value.to_string()));
        }
        Value::String(content) => {
            out.push_str("<span class=\"str\">");
            write_text(out, content);
            out.push_str("</span>");
        }
        Value::Array(items) => {
            let rows = items.iter().enumerate().map(|(at, item)| (at.to_string(), item));
            write_level(out, items.len(), ["element", "elements"], rows, level);
        }
        Value::Object(members) => {
            let rows = members.iter().map(|(name, item)| (name.clone(), item));
            write_level(out, members.len(), ["member", "members"], rows, level);
        }
    }
}

fn write_level<'a>(
    out: &mut String,
    count: usize,
    [one, many]: [&str; 2],
    rows: impl Iterator<Item = (String, &'a Value)>,
    level: usize,
) {
    if count == 0 {
        let _ = write!(out, "<span class=\"none\">no {many}</span>");
        return;
    }
    let unit = if count == 1 { one } else { many };
    let open = if count <= OPEN_MAX && level < OPEN_LEVELS { " open" } else { "" };
    let _ = write!(
        out,
        "<details class=\"tree\"{open}><summary>{} {unit}</summary><dl>",
        grouped(count as u64)
    );
    for (name, item) in rows.take(ITEMS_MAX) {
        let _ = write!(out, "<div><dt>{}</dt><dd>", text::clipped(&name, TEXT_CHARS_MAX));
        write_value(out, item, level + 1);
        out.push_str("</dd></div>");
    }
    out.push_str("</dl>");
    if count > ITEMS_MAX {
        let more = grouped((count - ITEMS_MAX) as u64);
        let _ = write!(out, "<p class=\"hint\">{more} more are in the JSON.</p>");
    }
    out.push_str("</details>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_values_are_escaped() {
        let html = tree(&json!({"<a>": "<script>", "n": 1.50, "e": [], "o": [1]}));
        let html = html.as_str();
        assert!(html.contains("<dt>&lt;a&gt;</dt>"), "{html}");
        assert!(html.contains("&lt;script&gt;"));
        assert!(html.contains("no elements") && html.contains("4 members"));
        assert!(html.contains("1 element<"), "{html}");
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn a_long_text_folds() {
        let html = inline(&Value::String("x".repeat(70_000)));
        assert!(html.as_str().contains("70,000 characters"));
        assert!(html.as_str().starts_with("<details"));
    }
}

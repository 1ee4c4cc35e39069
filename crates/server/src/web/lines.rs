//! Two texts compared line by line, with what is the same folded away; and within a line word by word.

use serde_json::Value;

use super::align::{Step, align};
use super::text::{self, Html};

/// Lines that are kept around a change.
const CONTEXT: usize = 3;

/// One row of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The same on both sides.
    Same(usize, usize, String),
    /// Only before.
    Removed(usize, String),
    /// Only after.
    Added(usize, String),
    /// So many lines that are the same are left out.
    Folded(usize),
}

/// A row of two columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Before: its number and its text.
    pub(crate) left: Option<(usize, String)>,
    /// After: its number and its text.
    pub(crate) right: Option<(usize, String)>,
    /// Whether both are the same.
    pub(crate) same: bool,
    /// So many lines are left out here.
    pub(crate) folded: usize,
}

/// The lines of a state, as they are compared.
pub(crate) fn pretty(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| serde_json::to_string_pretty(value).unwrap_or_default())
}

/// Compares two texts line by line.
pub(crate) fn unified(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let text = |list: &[&str], at: usize| (*list.get(at).unwrap_or(&"")).to_owned();
    let lines: Vec<Line> = align(&old, &new)
        .into_iter()
        .map(|step| match step {
            Step::Same(i, j) => Line::Same(i + 1, j + 1, text(&old, i)),
            Step::Removed(i) => Line::Removed(i + 1, text(&old, i)),
            Step::Added(j) => Line::Added(j + 1, text(&new, j)),
        })
        .collect();
    fold(&lines)
}

fn fold(lines: &[Line]) -> Vec<Line> {
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line, Line::Same(..)))
        .map(|(at, _)| at)
        .collect();
    let mut kept: Vec<Line> = Vec::new();
    let mut next_change = changed.iter().peekable();
    let mut last_change: Option<usize> = None;
    let mut folded = 0;
    for (at, line) in lines.iter().enumerate() {
        if next_change.next_if(|change| **change == at).is_some() {
            last_change = Some(at);
        }
        let near = last_change.is_some_and(|last| at - last <= CONTEXT)
            || next_change.peek().is_some_and(|next| **next - at <= CONTEXT);
        if near {
            if folded > 0 {
                kept.push(Line::Folded(std::mem::take(&mut folded)));
            }
            kept.push(line.clone());
        } else {
            folded += 1;
        }
    }
    if folded > 0 {
        kept.push(Line::Folded(folded));
    }
    kept
}

/// The same comparison in two columns: a removal stands beside the addition that follows it.
pub(crate) fn side_by_side(lines: &[Line]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut waiting = 0;
    for line in lines {
        match line {
            Line::Same(i, j, text) => {
                waiting = 0;
                pairs.push(Pair {
                    left: Some((*i, text.clone())),
                    right: Some((*j, text.clone())),
                    same: true,
                    folded: 0,
                });
            }
            Line::Removed(i, text) => {
                pairs.push(Pair { left: Some((*i, text.clone())), ..Pair::default() });
                waiting += 1;
            }
            Line::Added(j, text) => {
                let right = Some((*j, text.clone()));
                let place = pairs.len() - waiting;
                match pairs.get_mut(place).filter(|_| waiting > 0) {
                    Some(pair) => {
                        pair.right = right;
                        waiting -= 1;
                    }
                    None => pairs.push(Pair { right, ..Pair::default() }),
                }
            }
            Line::Folded(count) => {
                waiting = 0;
                pairs.push(Pair { folded: *count, ..Pair::default() });
            }
        }
    }
    pairs
}

/// The most characters of a text that is compared word by word.
const WORDS_CHARS_MAX: usize = 8_000;

/// A text before and after with the words that went and came marked in each; `None` when they are too
/// long or have too little in common for marks to help.
pub(crate) fn words(old: &str, new: &str) -> Option<(Html, Html)> {
    if old.len().max(new.len()) > WORDS_CHARS_MAX {
        return None;
    }
    let (old, new) = (split_words(old), split_words(new));
    let steps = align(&old, &new);
    let same = steps.iter().filter(|step| matches!(step, Step::Same(..))).count();
    if same * 3 < old.len().max(new.len()) {
        return None;
    }
    let (mut left, mut right) = (Marked::new("del"), Marked::new("ins"));
    for step in steps {
        match step {
            Step::Same(i, j) => {
                left.add(old.get(i), false);
                right.add(new.get(j), false);
            }
            Step::Removed(i) => left.add(old.get(i), true),
            Step::Added(j) => right.add(new.get(j), true),
        }
    }
    Some((left.finish(), right.finish()))
}

struct Marked {
    tag: &'static str,
    out: String,
    open: bool,
}

impl Marked {
    fn new(tag: &'static str) -> Self {
        Self { tag, out: "<bdi>".to_owned(), open: false }
    }

    fn turn(&mut self, marked: bool) {
        if marked != self.open {
            self.out.push_str(if marked { "<" } else { "</" });
            self.out.push_str(self.tag);
            self.out.push('>');
            self.open = marked;
        }
    }

    fn add(&mut self, word: Option<&&str>, marked: bool) {
        self.turn(marked);
        for c in word.into_iter().flat_map(|word| word.chars()) {
            text::push(&mut self.out, c);
        }
    }

    fn finish(mut self) -> Html {
        self.turn(false);
        self.out.push_str("</bdi>");
        Html::trusted(self.out)
    }
}

/// Runs of letters and digits, and everything between them one character at a time.
fn split_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_far_from_a_change_is_folded() {
        let old: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut new = old.clone();
        new[10] = "x".to_owned();
        let lines = unified(&old.join("\n"), &new.join("\n"));
        assert_eq!(lines.first(), Some(&Line::Folded(7)));
        assert_eq!(lines.last(), Some(&Line::Folded(6)));
        assert!(lines.contains(&Line::Removed(11, "10".to_owned())));
        assert!(lines.contains(&Line::Added(11, "x".to_owned())));
        let pairs = side_by_side(&lines);
        assert!(pairs.iter().any(|pair| !pair.same
            && pair.left == Some((11, "10".to_owned()))
            && pair.right == Some((11, "x".to_owned()))));
        assert_eq!(pairs.len(), lines.len() - 1);
    }

    #[test]
    fn words_that_changed_are_marked_and_escaped() {
        let (left, right) = words("lot <42> was red", "lot <43> was red").unwrap();
        assert_eq!(left.as_str(), "<bdi>lot &lt;<del>42</del>&gt; was red</bdi>");
        assert_eq!(right.as_str(), "<bdi>lot &lt;<ins>43</ins>&gt; was red</bdi>");
        assert_eq!(words("alpha", "beta gamma delta"), None);
    }
}

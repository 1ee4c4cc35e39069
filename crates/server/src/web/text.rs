//! Text from the trail, made fit to be looked at: escaped, isolated, and with what cannot be seen
//! made visible.
//!
//! Whatever a source sends is text. Characters that reorder a line, hide, or end one are shown as
//! their code points in a box, so that what a reviewer reads is what was recorded.

use std::fmt::{self, Write as _};

/// HTML made here, of text that was escaped here. Templates print it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

impl Html {
    /// Markup whose every variable part was escaped by the caller, in this crate.
    pub(crate) fn trusted(markup: String) -> Self {
        Self(markup)
    }

    /// The markup.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A whole text.
pub(crate) fn shown(text: &str) -> Html {
    clipped(text, usize::MAX)
}

/// A text of at most so many characters; the rest is told by an ellipsis.
pub(crate) fn clipped(text: &str, chars_max: usize) -> Html {
    let mut out = String::with_capacity(text.len() + 16);
    let isolate = !text.is_ascii();
    if isolate {
        out.push_str("<bdi>");
    }
    let end = text.char_indices().nth(chars_max).map_or(text.len(), |(at, _)| at);
    for c in text.get(..end).unwrap_or(text).chars() {
        push(&mut out, c);
    }
    if end < text.len() {
        out.push_str("<span class=\"cut\">…</span>");
    }
    if isolate {
        out.push_str("</bdi>");
    }
    Html(out)
}

/// A text of ours for a person, in which what stands between backticks is code.
pub(crate) fn prose(text: &str) -> Html {
    let mut out = String::with_capacity(text.len() + 32);
    for (at, piece) in text.split('`').enumerate() {
        match (at % 2, piece) {
            (1, code) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "<code>{}</code>", shown(code));
            }
            (_, words) => out.push_str(shown(words).as_str()),
        }
    }
    Html(out)
}

/// A text for an attribute or a title, where no markup can stand: hidden characters as `[U+202E]`.
pub(crate) fn plain(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "[U+{:04X}]", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// A text for an attribute, escaped, with hidden characters as `[U+202E]`.
pub(crate) fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in plain(text).chars() {
        push(&mut out, c);
    }
    out
}

/// Adds a character, escaped.
pub(crate) fn push(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        _ if is_hidden(c) => {
            let _ = write!(out, "<span class=\"cp\">U+{:04X}</span>", u32::from(c));
        }
        _ => out.push(c),
    }
}

/// Whether a reader could not see a character, or would see the text around it in another order.
/// Joiners stay as they are: Persian and emoji need them. Tabs and line feeds are white space.
fn is_hidden(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

/// A number with thin groups of three, as people read it.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_hidden_characters_become_visible_text() {
        for (text, expected) in [
            ("plain", "plain"),
            ("<b a='1'>\"&", "&lt;b a=&#39;1&#39;&gt;&quot;&amp;"),
            ("a\u{202e}gpj.exe", "<bdi>a<span class=\"cp\">U+202E</span>gpj.exe</bdi>"),
            ("x\u{0}y", "x<span class=\"cp\">U+0000</span>y"),
            ("two\nlines\tand", "two\nlines\tand"),
            ("Gómez", "<bdi>Gómez</bdi>"),
        ] {
            assert_eq!(shown(text).as_str(), expected, "{text:?}");
        }
        assert_eq!(plain("a\u{202e}b"), "a[U+202E]b");
    }

    #[test]
    fn a_long_word_is_cut_between_characters_and_says_so() {
        assert_eq!(clipped("abcdef", 3).as_str(), "abc<span class=\"cut\">…</span>");
        assert_eq!(clipped("abc", 3).as_str(), "abc");
        assert_eq!(clipped("äöü", 2).as_str(), "<bdi>äö<span class=\"cut\">…</span></bdi>");
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (5_000_000, "5,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }
}

//! What a word is, for the index and for the plain scan alike.
//!
//! A word is a run of letters and digits in lower case; everything else separates. Chinese and
//! Japanese characters are words of their own, so that a phrase finds any run of them. A run of more
//! than 64 characters is several words in a row, so that no text makes a term without bound; a
//! phrase of the same run is cut in the same places.

/// The most characters of one word.
const WORD_CHARS_MAX: usize = 64;

/// Stands between texts that belong to different members: no phrase reaches across it.
pub(crate) const GAP: char = '\u{1f}';

/// Cuts a text into words.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    rest: &'a str,
    position: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text, position: 0 }
    }

    /// Appends the next word to `word`, and gives its position; neighbours in a phrase have
    /// positions that follow each other.
    pub(crate) fn next_into(&mut self, word: &mut String) -> Option<usize> {
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        // The bytes of plain ASCII text, which nearly all is, need no decoding.
        loop {
            match bytes.get(at) {
                None => {
                    self.rest = "";
                    return None;
                }
                Some(byte) if byte.is_ascii_alphanumeric() => break,
                Some(0x1f) => {
                    self.position += 1;
                    at += 1;
                }
                Some(byte) if byte.is_ascii() => at += 1,
                Some(_) => {
                    let c = self.rest.get(at..).and_then(|rest| rest.chars().next())?;
                    if c.is_alphanumeric() {
                        break;
                    }
                    at += c.len_utf8();
                }
            }
        }
        let size = take_word(self.rest.get(at..).unwrap_or_default(), word);
        self.rest = self.rest.get(at + size..).unwrap_or_default();
        self.position += 1;
        Some(self.position - 1)
    }
}

/// Appends the word that a text begins with, in lower case, and gives its size in bytes.
fn take_word(text: &str, word: &mut String) -> usize {
    let bytes = text.as_bytes();
    let ascii =
        bytes.iter().take(WORD_CHARS_MAX).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let start = word.len();
    word.push_str(text.get(..ascii).unwrap_or_default());
    if let Some(tail) = word.get_mut(start..) {
        tail.make_ascii_lowercase();
    }
    if ascii == WORD_CHARS_MAX || bytes.get(ascii).is_none_or(u8::is_ascii) {
        return ascii;
    }
    let mut size = ascii;
    for (count, c) in text.get(ascii..).unwrap_or_default().chars().enumerate() {
        if ascii + count == WORD_CHARS_MAX || !c.is_alphanumeric() {
            break;
        }
        if stands_alone(c) {
            if size == 0 {
                word.push(c);
                return c.len_utf8();
            }
            break;
        }
        word.extend(c.to_lowercase());
        size += c.len_utf8();
    }
    size
}

/// Whether a character is a word of its own: scripts that are written without spaces.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The words of a text.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut cut = Words::new(text);
    let mut all = Vec::new();
    let mut word = String::new();
    while cut.next_into(&mut word).is_some() {
        all.push(std::mem::take(&mut word));
    }
    all
}

/// Whether a text has these words in a row. No words are in no text.
pub(crate) fn has_phrase(text: &str, phrase: &[String]) -> bool {
    let Some(first) = phrase.first() else { return false };
    let mut cut = Words::new(text);
    let mut word = String::new();
    loop {
        word.clear();
        let Some(position) = cut.next_into(&mut word) else { return false };
        if word == *first && continues(cut.clone(), position, phrase) {
            return true;
        }
    }
}

fn continues(mut cut: Words<'_>, position: usize, phrase: &[String]) -> bool {
    let mut word = String::new();
    phrase.iter().enumerate().skip(1).all(|(offset, expected)| {
        word.clear();
        cut.next_into(&mut word) == Some(position + offset) && word == *expected
    })
}

/// Whether a text has a word that begins so.
pub(crate) fn has_prefix(text: &str, prefix: &str) -> bool {
    words(text).iter().any(|word| word.starts_with(prefix))
}

/// Appends the words of a JSON text: names of members, strings, numbers, `true` and `false`, with a
/// [`GAP`] between one member or item and the next. The text is compact JSON.
pub(crate) fn push_json(json: &str, out: &mut String) {
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let size = match first {
            b'"' => push_string(rest, out),
            b',' => {
                out.push(GAP);
                1
            }
            b'{' | b'}' | b'[' | b']' | b':' => 1,
            _ => push_literal(rest, out),
        };
        out.push(' ');
        rest = rest.get(size.max(1)..).unwrap_or_default();
    }
}

fn push_literal(text: &str, out: &mut String) -> usize {
    let end = text.bytes().position(|b| matches!(b, b',' | b'}' | b']')).unwrap_or(text.len());
    let literal = text.get(..end).unwrap_or_default();
    if literal != "null" {
        out.push_str(literal);
    }
    end
}

/// Appends the content of the JSON string that a text begins with, and gives its size with quotes.
fn push_string(text: &str, out: &mut String) -> usize {
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(step) = rest.bytes().position(|b| b == b'"' || b == b'\\') else {
            out.push_str(rest);
            return text.len();
        };
        out.push_str(rest.get(..step).unwrap_or_default());
        if rest.as_bytes().get(step) == Some(&b'"') {
            return at + step + 1;
        }
        at += step + push_escape(rest.get(step..).unwrap_or_default(), out);
    }
}

/// Appends what an escape stands for, and gives its size. Compact JSON escapes only quotes,
/// backslashes and controls, so that no surrogates occur; controls separate words.
fn push_escape(text: &str, out: &mut String) -> usize {
    match text.as_bytes().get(1) {
        Some(b'u') => {
            out.push(' ');
            6
        }
        Some(b'"' | b'\\' | b'/') => {
            out.push('\\');
            2
        }
        _ => {
            out.push(' ');
            2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn phrase(text: &str, wanted: &str) -> bool {
        has_phrase(text, &words(wanted))
    }

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        for (text, expected) in [
            ("", vec![]),
            ("--- !", vec![]),
            ("Lot 42", vec!["lot", "42"]),
            ("workflow_launched/S-17", vec!["workflow", "launched", "s", "17"]),
            ("Ana GÓMEZ", vec!["ana", "gómez"]),
            ("naïve", vec!["naïve"]),
            ("abc試験1", vec!["abc", "試", "験", "1"]),
            ("3.14", vec!["3", "14"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_run_is_cut_the_same_way_wherever_it_stands() {
        let run = "x".repeat(1_000);
        assert!(words(&run).iter().all(|word| word.len() <= 64));
        assert!(phrase(&format!("a {run} b"), &run));
        assert!(!phrase(&"x".repeat(999), &run));
    }

    #[test]
    fn a_phrase_is_in_a_row_and_in_one_member() {
        assert!(phrase("the lot 42 was", "Lot 42"));
        assert!(phrase("lot lot 42", "lot 42"));
        assert!(!phrase("lot number 42", "lot 42"));
        assert!(!phrase("42 lot", "lot 42"));
        assert!(!phrase("lot\u{1f}42", "lot 42"));
        assert!(!phrase("lot", ""));
        assert!(has_prefix("sequencing", "sequen"));
    }

    #[test]
    fn json_gives_names_and_leaves() {
        let mut out = String::new();
        push_json(
            r#"{"status":"On \"hold\"","n":-4.5,"ok":true,"no":null,"l":["a","b"]}"#,
            &mut out,
        );
        assert_eq!(
            words(&out),
            ["status", "on", "hold", "n", "4", "5", "ok", "true", "no", "l", "a", "b"]
        );
        assert!(phrase(&out, "status on hold"));
        assert!(!phrase(&out, "hold n"));
        assert!(!phrase(&out, "a b"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}", json in "[\\[\\]{}:,\"a0-9\\\\u é試]{0,40}") {
            let all = words(&text);
            prop_assert!(all.iter().all(|word| !word.is_empty()));
            prop_assert!(all.is_empty() || has_phrase(&text, &all[..1]));
            push_json(&json, &mut String::new());
        }
    }
}

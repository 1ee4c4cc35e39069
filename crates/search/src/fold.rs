//! When two texts are the same but for upper and lower case.
//!
//! Character by character: two are the same when their one-character lower cases are. A character
//! whose lower case has several characters is only the same as itself. This definition can be
//! inverted, so that one dictionary of values as they came serves both kinds of comparison.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The character that stands for all which differ from this one only in case.
pub(crate) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// Whether two texts differ at most in case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// Whether a text begins with another, but for case.
pub(crate) fn starts_with(text: &str, prefix: &str) -> bool {
    let mut text = text.chars().map(fold);
    prefix.chars().map(fold).all(|c| text.next() == Some(c))
}

/// Every character that differs from this one at most in case, itself included.
pub(crate) fn variants(c: char) -> Vec<char> {
    static INVERSE: OnceLock<HashMap<char, Vec<char>>> = OnceLock::new();
    let inverse = INVERSE.get_or_init(|| {
        let mut inverse: HashMap<char, Vec<char>> = HashMap::new();
        for c in (char::MIN..=char::MAX).filter(|c| fold(*c) != *c) {
            inverse.entry(fold(c)).or_default().push(c);
        }
        inverse
    });
    let folded = fold(c);
    let mut all = vec![folded];
    all.extend(inverse.get(&folded).into_iter().flatten());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_does_not_count_and_nothing_else_is_forgiven() {
        for (one, other, expected) in [
            ("Ana", "aNA", true),
            ("GÓMEZ", "gómez", true),
            ("Gómez", "Gomez", false),
            ("ß", "SS", false),
            ("k", "\u{212a}", true),
            ("a", "ab", false),
        ] {
            assert_eq!(same(one, other), expected, "{one} {other}");
        }
        assert!(starts_with("DeleteFile", "delete"));
        assert!(!starts_with("del", "delete"));
    }

    proptest! {
        #[test]
        fn variants_are_exactly_the_characters_that_are_the_same(a in any::<char>(), b in any::<char>()) {
            prop_assert_eq!(variants(a).contains(&b), fold(a) == fold(b));
            prop_assert!(variants(a).contains(&a));
            prop_assert!(variants(a).into_iter().all(|c| fold(c) == fold(a)));
        }
    }
}

//! Regular expressions over whole values.

use std::fmt;

/// The most bytes of an expression.
const BYTES_MAX: usize = 1_024;

/// The most memory that an expression may take once it is compiled.
const COMPILED_BYTES_MAX: usize = 512 * 1024;

/// The most expressions of one question: each takes time and memory before anything is looked for.
pub const EXPRESSIONS_MAX: usize = 16;

/// A regular expression in the syntax of the `regex` crate: no backtracking, so that no expression
/// takes more time than the text is long. Two of the same text are equal.
#[derive(Clone)]
pub struct Expression {
    text: String,
    regex: regex::bytes::Regex,
}

impl Expression {
    /// Reads an expression. It is looked for anywhere in a value unless `^` and `$` bind it, and case
    /// counts unless it begins with `(?i)`.
    ///
    /// # Errors
    /// Says what to change.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > BYTES_MAX {
            return Err(format!("a pattern has 1 to {BYTES_MAX} bytes"));
        }
        let built = regex::bytes::RegexBuilder::new(text)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(COMPILED_BYTES_MAX)
            .build();
        match built {
            Ok(regex) => Ok(Self { text: text.to_owned(), regex }),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err("the pattern is too large; repeat less in it".to_owned())
            }
            Err(_) => Err("the pattern is no regular expression without back-references and \
                           look-around; correct it"
                .to_owned()),
        }
    }

    /// An expression for values that contain a text, but for case.
    ///
    /// # Errors
    /// As [`Expression::parse`], for a text that is empty or too long.
    pub fn containing(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Self::parse(text);
        }
        Self::parse(&format!("(?i){}", regex::escape(text)))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is found in a value.
    pub fn is_in(&self, value: &str) -> bool {
        self.is_in_bytes(value.as_bytes())
    }

    pub(crate) fn is_in_bytes(&self, value: &[u8]) -> bool {
        self.regex.is_match(value)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_anywhere_and_case_counts() {
        let found = |text: &str, value: &str| Expression::parse(text).unwrap().is_in(value);
        assert!(found("AT", "CREATE") && found("^CRE.TE$", "CREATE") && found("(?i)cre", "CREATE"));
        assert!(!found("^AT", "CREATE") && !found("cre", "CREATE"));
        assert!(found("é", "café"));
        let inside = Expression::containing("A.(b").unwrap();
        assert!(inside.is_in("xa.(Bx") && !inside.is_in("a+(b"));
        assert!(Expression::containing("").is_err());
    }

    #[test]
    fn what_cannot_be_matched_in_bounds_is_refused() {
        let long = "x".repeat(BYTES_MAX + 1);
        for bad in ["", "(", "(?=a)", "(a)\\1", "[", "a{1000}{1000}", &long] {
            assert!(Expression::parse(bad).is_err(), "{bad}");
        }
    }
}

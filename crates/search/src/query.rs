//! A question about a trail.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::expression::EXPRESSIONS_MAX;
use crate::{During, Expression, Field, Hours, Late, fold, lookup, words};

/// The most clauses and texts of one question.
pub(crate) const CLAUSES_MAX: usize = 64;
/// The most values that one clause may list.
pub(crate) const VALUES_MAX: usize = 256;
/// The most bytes of all values and texts of one question.
pub(crate) const BYTES_MAX: usize = 64 * 1024;
/// The most places at which one value is read as `type/id`.
const SPLITS_MAX: usize = 32;
/// The most words of one phrase.
pub(crate) const PHRASE_WORDS_MAX: usize = 64;

/// Which events are meant: those for which every clause and text holds, within every interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Conditions on members.
    pub clauses: Vec<Clause>,
    /// Words and phrases, anywhere in the event.
    pub texts: Vec<Text>,
    /// Times of the week at which it happened.
    pub hours: Vec<Hours>,
    /// Spans of time in which it happened.
    pub during: Vec<During>,
    /// How long after it happened it was recorded.
    pub late: Vec<Late>,
    /// When it happened, in microseconds since the epoch.
    pub occurred: Interval,
    /// When it was recorded, in microseconds since the epoch.
    pub recorded: Interval,
    /// Leaf indexes.
    pub indexes: Option<Range<u64>>,
}

/// A half-open interval `[from, to)` of microseconds since the epoch, open where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The first moment in it.
    pub from: Option<i64>,
    /// The first moment after it.
    pub to: Option<i64>,
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What is asked for.
    pub field: Field,
    /// Whether the events meant are those for which the test does *not* hold, those without the
    /// field among them.
    pub negated: bool,
    /// What must hold.
    pub test: Test,
}

/// What must hold of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// One of its values is like one of these.
    Any(Vec<Pattern>),
    /// It has a value.
    Present,
}

/// What a value is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This text but for case (`field:value`); for fields of words, these words in a row; for
    /// addresses, this address or network.
    Like(String),
    /// This text to the byte (`field:=value`).
    Exactly(String),
    /// It begins with this text but for case (`field:value*`); for fields of words, a word does.
    Prefix(String),
    /// A regular expression is found in it (`field:~value`); not for fields of words.
    Matching(Expression),
}

/// A text to be found in the event: its words in a row in one member, or the whole of an
/// identifier, but for case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What is looked for.
    pub text: String,
    /// Whether a word or identifier need only begin with it.
    pub prefix: bool,
    /// Whether the events meant are those without it.
    pub negated: bool,
}

impl Interval {
    /// Whether a moment is in it.
    pub fn contains(&self, micros: i64) -> bool {
        self.from.is_none_or(|from| from <= micros) && self.to.is_none_or(|to| micros < to)
    }

    /// The moments that are in both; where none is, it ends where it begins.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        // `None` is less than every moment, as an open beginning is; an open end is not.
        let to = match (self.to, other.to) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let from = self.from.max(other.from);
        Self { from, to: to.map(|to| from.map_or(to, |from| to.max(from))) }
    }

    /// Whether nothing from a first to a last moment is in it.
    pub(crate) fn misses(&self, first: i64, last: i64) -> bool {
        self.from.is_some_and(|from| last < from) || self.to.is_some_and(|to| to <= first)
    }

    /// Whether it ends before it begins.
    pub fn is_reversed(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from > to)
    }

    /// The same, where it ends before it begins as one that ends where it begins.
    #[must_use]
    pub fn in_order(self) -> Self {
        self.and(Self::default())
    }

    /// Whether every moment is in it.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}

impl Clause {
    /// Events with a field like a text.
    pub fn new(field: Field, pattern: Pattern) -> Self {
        Self { field, negated: false, test: Test::Any(vec![pattern]) }
    }

    /// Events with a field that is this text to the byte.
    pub fn exactly(field: Field, text: impl Into<String>) -> Self {
        Self::new(field, Pattern::Exactly(text.into()))
    }

    /// Events with the field, or without it.
    pub fn present(field: Field, present: bool) -> Self {
        Self { field, negated: !present, test: Test::Present }
    }
}

impl Query {
    /// Everything that happened to one thing.
    pub fn history(target_type: &str, target_id: &str) -> Self {
        Self {
            clauses: vec![
                Clause::exactly(Field::TargetType, target_type),
                Clause::exactly(Field::TargetId, target_id),
            ],
            ..Self::default()
        }
    }

    /// The same question with one more condition.
    #[must_use]
    pub fn with(mut self, clause: Clause) -> Self {
        self.clauses.push(clause);
        self
    }

    /// How many conditions there are, but for intervals and indexes.
    pub(crate) fn conditions(&self) -> usize {
        self.clauses.len()
            + self.texts.len()
            + self.hours.len()
            + self.during.len()
            + self.late.len()
    }

    /// How many regular expressions there are.
    pub(crate) fn expressions(&self) -> usize {
        let patterns = self.clauses.iter().flat_map(|clause| match &clause.test {
            Test::Any(patterns) => patterns.as_slice(),
            Test::Present => &[],
        });
        patterns.filter(|pattern| matches!(pattern, Pattern::Matching(_))).count()
    }

    /// Whether the question is one that can be answered.
    ///
    /// # Errors
    /// [`Error::Question`] says what to change.
    pub fn check(&self) -> Result<()> {
        let question = |message: String| Err(Error::Question(message));
        if self.conditions() > CLAUSES_MAX {
            return question(format!("a question has at most {CLAUSES_MAX} conditions; use fewer"));
        }
        if self.expressions() > EXPRESSIONS_MAX {
            return question(too_many_expressions());
        }
        let mut bytes = 0;
        for clause in &self.clauses {
            if let Test::Any(patterns) = &clause.test {
                bytes += patterns.iter().map(|pattern| pattern.text().len()).sum::<usize>();
                if patterns.is_empty() || patterns.len() > VALUES_MAX {
                    return question(format!("a condition lists 1 to {VALUES_MAX} values"));
                }
                for pattern in patterns {
                    pattern.check(clause.field).or_else(question)?;
                }
            }
        }
        for text in &self.texts {
            bytes += text.text.len();
            text.check().or_else(question)?;
        }
        for hours in &self.hours {
            if hours.any.is_empty() || hours.any.len() > VALUES_MAX {
                return question(format!("a condition lists 1 to {VALUES_MAX} values"));
            }
            hours.any.iter().try_for_each(|time| time.check().or_else(question))?;
        }
        for during in &self.during {
            if during.any.is_empty() || during.any.len() > VALUES_MAX {
                return question(format!("a condition lists 1 to {VALUES_MAX} values"));
            }
            during.check().or_else(question)?;
        }
        self.late.iter().try_for_each(|late| late.check().or_else(question))?;
        if bytes > BYTES_MAX {
            return question(format!("a question has at most {BYTES_MAX} bytes; shorten it"));
        }
        Ok(())
    }
}

/// Says that a question has too many expressions.
pub(crate) fn too_many_expressions() -> String {
    format!("a question has at most {EXPRESSIONS_MAX} regular expressions; join some with `|`")
}

impl Pattern {
    /// The text that values are compared with.
    pub fn text(&self) -> &str {
        match self {
            Self::Like(text) | Self::Exactly(text) | Self::Prefix(text) => text,
            Self::Matching(expression) => expression.as_str(),
        }
    }

    /// What is wrong with this pattern for a field that has no other values than these, if anything. A
    /// beginning or an expression need not be like any of them.
    ///
    /// # Errors
    /// Names the field, the value and the values that it can have.
    fn check_among(&self, field: Field, words: &[&str]) -> std::result::Result<(), String> {
        let is_whole = matches!(self, Self::Like(_) | Self::Exactly(_));
        if !is_whole || words.iter().any(|word| self.admits(word)) {
            return Ok(());
        }
        let (last, rest) = words.split_last().unwrap_or((&"nothing", &[]));
        let rest = if rest.is_empty() { String::new() } else { format!("{} or ", rest.join(", ")) };
        Err(format!("`{}` is {rest}{last}, not `{}`", field.name(), self.text()))
    }

    /// Whether a whole value is like this.
    pub(crate) fn admits(&self, value: &str) -> bool {
        match self {
            Self::Like(text) => fold::same(text, value),
            Self::Exactly(text) => text == value,
            Self::Prefix(text) => fold::starts_with(value, text),
            Self::Matching(expression) => expression.is_in(value),
        }
    }

    /// The ways to read this as `type/id`: what the type and what the id are like. An expression is
    /// looked for in single values only.
    pub(crate) fn splits(&self) -> Vec<(Self, Self)> {
        let text = self.text();
        text.match_indices('/')
            .take(SPLITS_MAX)
            .filter_map(|(at, _)| {
                let (kind, id) = (text.get(..at)?.to_owned(), text.get(at + 1..)?.to_owned());
                match self {
                    Self::Like(_) => Some((Self::Like(kind), Self::Like(id))),
                    Self::Exactly(_) => Some((Self::Exactly(kind), Self::Exactly(id))),
                    Self::Prefix(_) => Some((Self::Like(kind), Self::Prefix(id))),
                    Self::Matching(_) => None,
                }
            })
            .collect()
    }

    /// As [`Self::check`], where these are all the kinds that there are; or unknown, when there are none.
    ///
    /// # Errors
    /// Says what to change.
    pub fn check_with(&self, field: Field, kinds: &[&str]) -> std::result::Result<(), String> {
        self.check(field)?;
        if field == Field::Kind && !kinds.is_empty() {
            self.check_among(field, kinds)?;
        }
        Ok(())
    }

    /// What is wrong with this pattern for a field, if anything.
    ///
    /// # Errors
    /// Says what to change.
    pub fn check(&self, field: Field) -> std::result::Result<(), String> {
        let name = field.name();
        if self.text().is_empty() {
            return Err(format!(
                "`{name}` needs a value; to find events without one say {name}:none"
            ));
        }
        if field == Field::Ip {
            return match self {
                Self::Matching(_) => {
                    Err("an address has no pattern; name a network, as in ip:10.0.0.0/8".to_owned())
                }
                Self::Prefix(_) => {
                    Err("an address has no prefix; name a network, as in ip:10.0.0.0/8".to_owned())
                }
                Self::Like(text) if is_no_address(text) => Err(format!(
                    "`{text}` is no address; a network is written 10.20.0.0/16; for this very text say \
                     ip:={text}"
                )),
                // An address may be any text, but this is a slip.
                Self::Like(text) if is_no_network(text) => Err(format!(
                    "`{text}` is no network, as 10.0.0.0/8 is one; for this very text say ip:={text}"
                )),
                _ => Ok(()),
            };
        }
        if let Some(words) = field.vocabulary() {
            self.check_among(field, words)?;
        }
        if field == Field::Imported && matches!(self, Self::Prefix(_) | Self::Matching(_)) {
            return Err("`imported` is yes or no".to_owned());
        }
        if field.is_words() {
            let count = words::words(self.text()).len();
            return match self {
                Self::Exactly(_) => {
                    Err(format!("`{name}` is searched for words; leave out the `=`"))
                }
                Self::Matching(_) => {
                    Err(format!("`{name}` is searched for words; leave out the `~`"))
                }
                _ if count == 0 => Err(format!("`{name}` needs a word with a letter or a digit")),
                Self::Prefix(_) if count > 1 => {
                    Err("`*` can only follow a single word; leave it out or shorten".to_owned())
                }
                _ if count > PHRASE_WORDS_MAX => {
                    Err(format!("a phrase has at most {PHRASE_WORDS_MAX} words; shorten it"))
                }
                _ => Ok(()),
            };
        }
        Ok(())
    }
}

/// Whether this has the digits and points of an address, and is none.
fn is_no_address(text: &str) -> bool {
    let is_numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_numeric && text.contains('.') && lookup::network(text).is_none()
}

/// Whether this would be a network if what is behind its `/` were right.
fn is_no_network(text: &str) -> bool {
    let address = text.split_once('/').map(|(address, _)| address);
    address.is_some_and(|address| lookup::network(address).is_some())
        && lookup::network(text).is_none()
}

impl Text {
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let count = words::words(&self.text).len();
        if self.text.is_empty() {
            return Err("an empty text finds nothing; leave it out".to_owned());
        }
        if count > PHRASE_WORDS_MAX {
            return Err(format!("a phrase has at most {PHRASE_WORDS_MAX} words; shorten it"));
        }
        Ok(())
    }
}

//! From text to a question.

use std::ops::Range;

use super::Zone;
use super::lex::{Lexer, Mark, Value};
use crate::expression::EXPRESSIONS_MAX;
use crate::query::{BYTES_MAX, CLAUSES_MAX, Interval, VALUES_MAX, too_many_expressions};
use crate::{Clause, During, Expression, Field, Hours, Late, Pattern, Query, Test, Text};
use crate::{during, hours, late};

/// The words before a colon that are no fields.
pub const KEYWORDS: [&str; 9] =
    ["from", "to", "recorded_from", "recorded_to", "during", "hours", "late", "has", "index"];

/// Words by which other languages join conditions.
const JOINING: [&str; 7] = ["AND", "OR", "NOT", "&&", "||", "&", "|"];

const REVERSED: &str = "ends before it begins, so that nothing is in it; change its ends";

/// What is wrong with a question, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The bytes of the text that are meant.
    pub place: Range<usize>,
    /// For a person.
    pub message: String,
}

impl Fault {
    pub(super) fn new(place: Range<usize>, message: &str) -> Self {
        Self { place, message: message.to_owned() }
    }
}

/// Reads a question. Dates without a zone are meant in `zone`.
///
/// # Errors
/// Names the word and the fix.
pub fn parse(text: &str, zone: &Zone) -> Result<Query, Fault> {
    parse_among(text, zone, &[])
}

/// Reads a question where an action can be of these kinds and no other; of any when there are none.
///
/// # Errors
/// As [`parse`].
pub fn parse_among(text: &str, zone: &Zone, kinds: &[&str]) -> Result<Query, Fault> {
    if text.len() > BYTES_MAX {
        let message = format!("a question has at most {BYTES_MAX} bytes; shorten it");
        return Err(Fault::new(0..text.len(), &message));
    }
    let mut lexer = Lexer::new(text);
    let mut query = Query::default();
    loop {
        lexer.skip_space();
        let start = lexer.at();
        if lexer.peek().is_none() {
            return Ok(query);
        }
        if query.conditions() == CLAUSES_MAX {
            let message = format!("a question has at most {CLAUSES_MAX} conditions; use fewer");
            return Err(Fault::new(start..text.len(), &message));
        }
        let negated = lexer.take('-');
        if negated && lexer.peek() == Some('-') {
            return Err(Fault::new(start..lexer.at() + 1, "one `-` is the opposite; or quote it"));
        }
        match lexer.field() {
            Some((name, place)) => {
                let values = lexer.values().map_err(|fault| missing(fault, name, &place))?;
                let term = Term { name, place, values, negated, zone, kinds };
                term.add_to(&mut query)?;
            }
            None => query.texts.push(bare(&mut lexer, negated, start)?),
        }
    }
}

fn missing(mut fault: Fault, name: &str, place: &Range<usize>) -> Fault {
    if fault.place.is_empty() {
        fault.place = place.start..place.end + 1;
        fault.message = format!("`{name}:` needs a value right behind it");
    }
    fault
}

fn bare(lexer: &mut Lexer<'_>, negated: bool, start: usize) -> Result<Text, Fault> {
    let mut value = lexer.value(false)?;
    value.place.start = start;
    if value.mark == Some(Mark::Exactly) {
        let message = "`=` belongs behind a field's name, as in action:=Update; or quote it";
        return Err(Fault::new(value.place, message));
    }
    if value.mark == Some(Mark::Matching) {
        let message = "`~` belongs behind a field's name, as in action:~^get; or quote it";
        return Err(Fault::new(value.place, message));
    }
    if let Some(message) = slip(&value.text, value.prefix).filter(|_| !value.quoted) {
        return Err(Fault::new(value.place, &message));
    }
    let text = Text { text: value.text, prefix: value.prefix, negated };
    text.check().map_err(|message| Fault::new(value.place, &message))?;
    Ok(text)
}

/// How to write what was probably meant by a text that is not quoted, if not the text.
pub(super) fn slip(text: &str, prefix: bool) -> Option<String> {
    if !prefix && JOINING.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Some(format!(
            "`{text}` joins nothing here: conditions with a space between them must all hold, one of \
             several values is action:(create|update), and `-` is the opposite; quote it to search for \
             the word"
        ));
    }
    match text.chars().next() {
        Some('!') => return Some(OPPOSITE.to_owned()),
        Some(':') => {
            return Some(
                "a field's name stands right before its `:`; or quote the text".to_owned(),
            );
        }
        _ => {}
    }
    let (name, rest) = text.split_at(text.find(['=', '!', '<', '>'])?);
    if Field::parse(name).is_none() && !KEYWORDS.contains(&name) {
        return None;
    }
    let star = if prefix { "*" } else { "" };
    Some(if let Some(value) = rest.strip_prefix("!=") {
        format!("write -{name}:{value}{star} for the opposite, or quote it to search for the text")
    } else if let Some(value) = rest.strip_prefix('=') {
        format!("write {name}:{value}{star} for the field, or quote it to search for the text")
    } else {
        "what lies between is written from:2026-01-01 to:2026-02-01, index:100..200 or late:1h; or \
         quote it to search for the text"
            .to_owned()
    })
}

/// How to write what was probably meant by a value, if not the value.
fn slip_of_value(value: &Value) -> Option<&'static str> {
    let plain = !value.quoted && value.mark.is_none();
    match value.text.as_str() {
        text if plain && text.starts_with('!') => Some(OPPOSITE),
        text if plain && text.contains('|') => {
            Some("one of several values is written (a|b); or quote the value")
        }
        _ => None,
    }
}

/// What is said of a `!`.
const OPPOSITE: &str = "the opposite is written with `-`, as in -actor:ana; or quote it";

/// A name and what stands behind its colon.
#[derive(Debug)]
struct Term<'a> {
    name: &'a str,
    place: Range<usize>,
    values: Vec<Value>,
    negated: bool,
    zone: &'a Zone,
    /// The kinds that an action can be of; any when empty.
    kinds: &'a [&'a str],
}

impl Term<'_> {
    fn add_to(self, query: &mut Query) -> Result<(), Fault> {
        match self.name.to_ascii_lowercase().as_str() {
            "from" => self.set_end(&mut query.occurred, |span| &mut span.from),
            "to" => self.set_end(&mut query.occurred, |span| &mut span.to),
            "recorded_from" => self.set_end(&mut query.recorded, |span| &mut span.from),
            "recorded_to" => self.set_end(&mut query.recorded, |span| &mut span.to),
            "index" => set(&mut query.indexes, self.indexes()?, &self),
            "hours" => {
                query.hours.push(self.hours()?);
                Ok(())
            }
            "during" => {
                query.during.push(self.during()?);
                Ok(())
            }
            "late" => {
                query.late.push(self.late()?);
                Ok(())
            }
            "has" => {
                let value = self.only()?;
                let field = field(&value.text, &value.place)?;
                query.clauses.push(Clause::present(field, !self.negated));
                Ok(())
            }
            _ => {
                self.afford_expressions(query)?;
                query.clauses.push(self.clause()?);
                Ok(())
            }
        }
    }

    /// Refuses more regular expressions than a question may have, before any is compiled.
    fn afford_expressions(&self, query: &Query) -> Result<(), Fault> {
        let marked = |value: &&Value| value.mark == Some(Mark::Matching);
        let more = self.values.iter().filter(marked).count();
        if more > 0 && query.expressions() + more > EXPRESSIONS_MAX {
            return Err(Fault::new(self.place.clone(), &too_many_expressions()));
        }
        Ok(())
    }

    fn clause(self) -> Result<Clause, Fault> {
        let field = field(self.name, &self.place)?;
        if let [value] = self.values.as_slice() {
            if value.is_word("none") {
                return Ok(Clause::present(field, self.negated));
            }
            if value.is_word("any") {
                return Ok(Clause::present(field, !self.negated));
            }
        }
        if self.values.len() > VALUES_MAX {
            let message = format!("a condition lists at most {VALUES_MAX} values");
            return Err(Fault::new(self.place, &message));
        }
        let mut patterns = Vec::with_capacity(self.values.len());
        for value in self.values {
            if let Some(message) = slip_of_value(&value) {
                return Err(Fault::new(value.place, message));
            }
            let pattern = match value.mark {
                Some(Mark::Matching) => {
                    let fault = |message: String| Fault::new(value.place.clone(), &message);
                    Pattern::Matching(Expression::parse(&value.text).map_err(fault)?)
                }
                Some(Mark::Exactly) => Pattern::Exactly(value.text),
                None if value.prefix => Pattern::Prefix(value.text),
                None => Pattern::Like(value.text),
            };
            let checked = pattern.check_with(field, self.kinds);
            checked.map_err(|message| Fault::new(value.place, &message))?;
            patterns.push(pattern);
        }
        Ok(Clause { field, negated: self.negated, test: Test::Any(patterns) })
    }

    /// The one plain value of a term that takes nothing else.
    fn only(&self) -> Result<&Value, Fault> {
        match self.values.as_slice() {
            [value] if value.mark.is_none() && !value.prefix => Ok(value),
            _ => {
                let message = format!("`{}:` takes one plain value", self.name);
                Err(Fault::new(self.place.clone(), &message))
            }
        }
    }

    fn plain(&self) -> Result<&Value, Fault> {
        if self.negated {
            let message = format!("`{}:` cannot be negated; leave out the `-`", self.name);
            return Err(Fault::new(self.place.clone(), &message));
        }
        self.only()
    }

    fn time(&self) -> Result<i64, Fault> {
        let value = self.plain()?;
        self.zone.micros(&value.text).ok_or_else(|| {
            let message = "not a time; write 2026-01-31, 2026-01-31T08:00 or 2026-01-31T08:00:00Z";
            Fault::new(value.place.clone(), message)
        })
    }

    /// Sets one end of a span, which must not end before it begins then.
    fn set_end(
        &self,
        span: &mut Interval,
        end: fn(&mut Interval) -> &mut Option<i64>,
    ) -> Result<(), Fault> {
        set(end(span), self.time()?, self)?;
        self.refuse_reversed(span)
    }

    fn refuse_reversed(&self, interval: &Interval) -> Result<(), Fault> {
        if interval.is_reversed() {
            return Err(Fault::new(self.place.clone(), REVERSED));
        }
        Ok(())
    }

    fn hours(&self) -> Result<Hours, Fault> {
        let any = self.every(hours::FORM, |text| self.zone.week_time(text))?;
        Ok(Hours { negated: self.negated, any })
    }

    fn during(&self) -> Result<During, Fault> {
        let any = self.every(during::FORM, |text| self.zone.interval(text))?;
        any.iter().try_for_each(|interval| self.refuse_reversed(interval))?;
        Ok(During { negated: self.negated, any })
    }

    /// Reads each of several plain values.
    fn every<T>(&self, form: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
        if self.values.len() > VALUES_MAX {
            let message = format!("a condition lists at most {VALUES_MAX} values");
            return Err(Fault::new(self.place.clone(), &message));
        }
        let one = |value: &Value| {
            let found = read(&value.text).filter(|_| value.mark.is_none() && !value.prefix);
            found.ok_or_else(|| Fault::new(value.place.clone(), form))
        };
        self.values.iter().map(one).collect()
    }

    fn late(&self) -> Result<Late, Fault> {
        let value = self.only()?;
        let seconds = Late::seconds(&value.text);
        let least_seconds = seconds.ok_or_else(|| Fault::new(value.place.clone(), late::FORM))?;
        Ok(Late { negated: self.negated, least_seconds })
    }

    fn indexes(&self) -> Result<Range<u64>, Fault> {
        let value = self.plain()?;
        let range = match value.text.split_once("..") {
            Some((from, to)) => from.parse().ok().zip(to.parse().ok()).map(|(a, b)| a..b),
            None => value.text.parse().ok().and_then(|a: u64| Some(a..a.checked_add(1)?)),
        };
        let range = range.ok_or_else(|| {
            Fault::new(value.place.clone(), "an index is written 17, a range of them 100..200")
        })?;
        if range.start > range.end {
            return Err(Fault::new(value.place.clone(), REVERSED));
        }
        Ok(range)
    }
}

fn set<T>(slot: &mut Option<T>, value: T, term: &Term<'_>) -> Result<(), Fault> {
    if slot.is_some() {
        let message = format!("`{}:` is given twice; keep one", term.name);
        return Err(Fault::new(term.place.clone(), &message));
    }
    *slot = Some(value);
    Ok(())
}

fn field(name: &str, place: &Range<usize>) -> Result<Field, Fault> {
    Field::parse(name).ok_or_else(|| {
        let near = Field::ALL
            .into_iter()
            .map(Field::name)
            .chain(KEYWORDS)
            .min_by_key(|known| distance(known, name));
        let message = match near.filter(|known| distance(known, name) <= 2) {
            Some(known) => format!("there is no field `{name}`; did you mean `{known}`?"),
            None => format!("there is no field `{name}`; quote it to search for it as text"),
        };
        Fault::new(place.clone(), &message)
    })
}

/// Levenshtein's distance of texts that are short because one is a field's name; two letters that
/// changed places count half, being the commonest slip.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.bytes().enumerate() {
        let mut diagonal = line;
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
        let mut left = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let substituted = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    let distance = row.last().copied().unwrap_or(usize::MAX);
    if distance == 2 && transposed(one, other) { 1 } else { distance }
}

/// Whether two texts of one length differ in two neighbouring letters that changed places.
fn transposed(one: &str, other: &str) -> bool {
    let differing: Vec<(usize, (u8, u8))> =
        one.bytes().zip(other.bytes()).enumerate().filter(|(_, (a, b))| a != b).collect();
    one.len() == other.len()
        && matches!(differing.as_slice(), [(at, (a, b)), (next, (c, d))]
            if next - at == 1 && a == d && b == c)
}

impl Query {
    /// Reads a question whose dates are meant in UTC.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        parse(text, &Zone::UTC)
    }
}

impl From<Range<i64>> for Interval {
    fn from(range: Range<i64>) -> Self {
        Self { from: Some(range.start), to: Some(range.end) }
    }
}

//! What a list shows: the text in the box, the form's fields and the URL, which all say the same.
//!
//! The URL is the one place where the state of a page lives, so that a link shows another reader the
//! same page. `q` is the query language; the period stands beside it, because "the last 7 days" is
//! meant anew every day.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use search::{Clause, Fault, Field, Interval, Order, Pattern, Query, Test, Text, Zone};

use super::columns::Column;
use super::when::{Clock, Period};
use crate::Catalogues;
use crate::params::Params;
use crate::problem::Problem;

/// Rows of a page, unless another number is asked for.
const SIZE: usize = 50;

/// The numbers of rows that are offered.
pub(crate) const SIZES: [usize; 4] = [25, 50, 100, 250];

/// What the bars are stacked by, unless another is asked for.
pub(crate) const SPLITS: [(&str, &str); 2] = [("outcome", "Outcome"), ("kind", "Kind of action")];

/// The orders that are offered.
pub(crate) const ORDERS: [(&str, &str, Order); 4] = [
    ("newest", "Newest first", Order::Newest),
    ("oldest", "Oldest first", Order::Oldest),
    ("last_recorded", "Last recorded first", Order::LastRecorded),
    ("first_recorded", "First recorded first", Order::FirstRecorded),
];

/// The state of a list.
#[derive(Clone, Debug)]
pub(crate) struct Criteria {
    /// The text in the box.
    pub(crate) text: String,
    /// What it means; everything while it cannot be read.
    pub(crate) query: Query,
    /// Why it cannot be read.
    pub(crate) fault: Option<Fault>,
    /// Over which days.
    pub(crate) period: Period,
    /// The days of a custom period, as they were given where one is open.
    pub(crate) days: (String, String),
    /// The word of the order.
    pub(crate) order: &'static str,
    /// The columns, in order.
    pub(crate) columns: Vec<Column>,
    /// Rows of a page.
    pub(crate) size: usize,
    /// What the bars are stacked by.
    pub(crate) split: &'static str,
    /// Where the page begins; empty for the first.
    pub(crate) after: String,
    /// The row that is opened.
    pub(crate) open: Option<u64>,
}

impl Criteria {
    /// Reads a URL. What cannot be understood is left out, but for the text, whose fault is shown.
    ///
    /// # Errors
    /// When a parameter stands twice.
    pub(crate) fn read(params: &mut Params, clock: &Clock) -> Result<Self, Problem> {
        let mut take = |name: &str| params.take(name).map(Option::unwrap_or_default);
        let text = take("q")?.trim().to_owned();
        let mut days = (take("from")?, take("to")?);
        let when = take("when")?;
        // Who picks days means these days, whatever period stands beside them.
        let shown = take("days")?;
        let picked = !shown.is_empty() && shown != format!("{}/{}", days.0, days.1);
        let when = if picked { "custom" } else { when.as_str() };
        let period = Period::parse(when, &days.0, &days.1);
        if let Period::Custom(Some(from), Some(to)) = period {
            days = (from.to_string(), to.to_string());
        }
        let order = take("order")?;
        let order = ORDERS.into_iter().find(|(word, ..)| *word == order);
        let size = take("size")?.parse().ok().filter(|size| SIZES.contains(size));
        let split = take("split")?;
        let split = SPLITS.into_iter().find(|(word, _)| *word == split);
        let after = take("after")?;
        let open = take("open")?.parse().ok();
        let columns = Column::read(&params.take_all("cols"));
        let (query, fault) = match parse(&text, clock) {
            Ok(query) => (query, None),
            Err(fault) => (Query::default(), Some(fault)),
        };
        Ok(Self {
            text,
            query,
            fault,
            period,
            days,
            order: order.map_or("newest", |(word, ..)| word),
            columns,
            size: size.unwrap_or(SIZE),
            split: split.map_or("outcome", |(word, _)| word),
            after,
            open,
        })
    }

    /// The order.
    pub(crate) fn sort(&self) -> Order {
        ORDERS.into_iter().find(|(word, ..)| *word == self.order).map_or(Order::Newest, |o| o.2)
    }

    /// The order for a person, within a sentence.
    pub(crate) fn order_words(&self) -> String {
        let found = ORDERS.into_iter().find(|(word, ..)| *word == self.order);
        found.map_or("", |(_, title, _)| title).to_lowercase()
    }

    /// The question with the period in it.
    pub(crate) fn question(&self, now: jiff::Timestamp, clock: &Clock) -> Query {
        let mut query = self.query.clone();
        let (from, to) = self.period.bounds(now, &clock.zone());
        query.occurred = query.occurred.and(Interval { from, to });
        query
    }

    /// The URL's query of this state, with `?`; empty for the state that a page has by itself.
    pub(crate) fn href(&self) -> String {
        let mut url = Url::default();
        url.add("q", &self.text);
        if self.period != Period::All {
            url.add("when", self.period.word());
        }
        if let Period::Custom(from, to) = self.period {
            url.add("from", &from.map(|day| day.to_string()).unwrap_or_default());
            url.add("to", &to.map(|day| day.to_string()).unwrap_or_default());
        }
        if self.order != "newest" {
            url.add("order", self.order);
        }
        if self.size != SIZE {
            url.add("size", &self.size.to_string());
        }
        if self.split != "outcome" {
            url.add("split", self.split);
        }
        if self.columns != Column::USUAL {
            url.add("cols", &Column::write(&self.columns));
        }
        url.add("after", &self.after);
        if let Some(open) = self.open {
            url.add("open", &open.to_string());
        }
        url.finish()
    }

    /// The same state on its first page.
    pub(crate) fn first_page(&self) -> Self {
        Self { after: String::new(), open: None, ..self.clone() }
    }

    /// The same state with another question, on its first page.
    pub(crate) fn asking(&self, query: Query) -> Self {
        Self { text: query.to_string(), query, fault: None, ..self.first_page() }
    }

    /// Each condition of one sort, in words, with the question that is left without it.
    fn each_without<T: ToString>(
        &self,
        list: &mut Vec<(String, Query)>,
        sort: fn(&mut Query) -> &mut Vec<T>,
    ) {
        for at in 0..sort(&mut self.query.clone()).len() {
            let mut rest = self.query.clone();
            let condition = sort(&mut rest).remove(at);
            list.push((condition.to_string(), rest));
        }
    }

    /// Every condition, in words, with the question that is left without it.
    pub(crate) fn conditions(&self) -> Vec<(String, Query)> {
        let mut list = Vec::new();
        self.each_without(&mut list, |query| &mut query.clauses);
        self.each_without(&mut list, |query| &mut query.texts);
        self.each_without(&mut list, |query| &mut query.hours);
        self.each_without(&mut list, |query| &mut query.during);
        self.each_without(&mut list, |query| &mut query.late);
        let Query { clauses, texts, hours, during, late, .. } = self.query.clone();
        let rest = Query { clauses, texts, hours, during, late, ..Query::default() };
        let Query { occurred, recorded, indexes, .. } = self.query.clone();
        let span = Query { occurred, recorded, indexes, ..Query::default() };
        if span != Query::default() {
            list.push((span.to_string(), rest));
        }
        list
    }
}

/// Reads a text; days in it are meant in the reader's zone.
pub(crate) fn parse(text: &str, clock: &Clock) -> Result<Query, Fault> {
    let zone = Zone::named(clock.zone_name()).unwrap_or(Zone::UTC);
    search::parse_among(text, &zone, &Catalogues::words())
}

/// A field of the form, and what stands in it for a question: the value of its only plain condition.
pub(crate) fn form_value(query: &Query, field: Field) -> String {
    let mut found = query.clauses.iter().filter(|clause| clause.field == field);
    let (Some(clause), None) = (found.next(), found.next()) else { return String::new() };
    match &clause.test {
        Test::Present if clause.negated => "none".to_owned(),
        Test::Present => "any".to_owned(),
        Test::Any(patterns) if !clause.negated => match patterns.as_slice() {
            [Pattern::Like(text) | Pattern::Exactly(text)] => text.clone(),
            [Pattern::Prefix(text)] => format!("{text}*"),
            _ => String::new(),
        },
        Test::Any(_) => String::new(),
    }
}

/// The question after a field of the form was filled in, or emptied.
pub(crate) fn with_form_value(mut query: Query, field: Field, value: &str) -> Query {
    query
        .clauses
        .retain(|clause| clause.field != field || (clause.negated && !is_presence(clause)));
    match value.trim() {
        "" => {}
        "none" => query.clauses.push(Clause::present(field, false)),
        "any" => query.clauses.push(Clause::present(field, true)),
        value => {
            let pattern = match value.strip_suffix('*') {
                Some(prefix) if !prefix.is_empty() => Pattern::Prefix(prefix.to_owned()),
                _ => Pattern::Like(value.to_owned()),
            };
            query.clauses.push(Clause::new(field, pattern));
        }
    }
    query
}

fn is_presence(clause: &Clause) -> bool {
    clause.test == Test::Present
}

/// The question after a click on a value of a facet: the value is taken in, or taken out again.
pub(crate) fn including(mut query: Query, field: Field, value: &str) -> Query {
    let pattern = Pattern::Exactly(value.to_owned());
    let listed = query.clauses.iter_mut().find(|clause| {
        clause.field == field && !clause.negated && matches!(clause.test, Test::Any(_))
    });
    match listed {
        Some(clause) => {
            if let Test::Any(patterns) = &mut clause.test {
                match patterns.iter().position(|other| same(other, value)) {
                    Some(at) => drop(patterns.remove(at)),
                    None => patterns.push(pattern),
                }
            }
        }
        None => query.clauses.push(Clause::new(field, pattern)),
    }
    query.clauses.retain(|clause| !matches!(&clause.test, Test::Any(list) if list.is_empty()));
    query
}

/// The question after a click that leaves a value out.
pub(crate) fn excluding(mut query: Query, field: Field, value: &str) -> Query {
    for clause in query.clauses.iter_mut().filter(|clause| clause.field == field && !clause.negated)
    {
        if let Test::Any(patterns) = &mut clause.test {
            patterns.retain(|other| !same(other, value));
        }
    }
    query.clauses.retain(|clause| !matches!(&clause.test, Test::Any(list) if list.is_empty()));
    let test = Test::Any(vec![Pattern::Exactly(value.to_owned())]);
    query.clauses.push(Clause { field, negated: true, test });
    query
}

/// Whether a value is among those that a question asks for.
pub(crate) fn includes(query: &Query, field: Field, value: &str) -> bool {
    query.clauses.iter().any(|clause| {
        clause.field == field
            && !clause.negated
            && matches!(&clause.test, Test::Any(list) if list.iter().any(|one| same(one, value)))
    })
}

fn same(pattern: &Pattern, value: &str) -> bool {
    match pattern {
        Pattern::Like(text) => text.eq_ignore_ascii_case(value),
        Pattern::Exactly(text) => text == value,
        Pattern::Prefix(_) | Pattern::Matching(_) => false,
    }
}

/// A question for events with this text anywhere.
pub(crate) fn about(field: Field, value: &str) -> Query {
    Query {
        clauses: vec![Clause::exactly(field, value)],
        texts: Vec::<Text>::new(),
        ..Query::default()
    }
}

/// What need not be escaped in a URL's query.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b'*')
    .remove(b'(')
    .remove(b')')
    .remove(b'|')
    .remove(b'@')
    .remove(b',');

/// A text in a URL's query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// A URL's query while it is written.
#[derive(Debug, Default)]
pub(crate) struct Url(String);

impl Url {
    /// Adds a parameter unless its value is empty.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&encoded(value));
        }
    }

    /// What was written, with `?` unless nothing was.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Criteria {
        let mut params = Params::of(&format!("/t/lab{url}").parse().unwrap()).unwrap();
        Criteria::read(&mut params, &Clock::Utc).unwrap()
    }

    #[test]
    fn a_url_reads_back_as_itself() {
        for url in [
            "",
            "?q=actor:ana%20-source:seqera%20%22lot%2042%22",
            "?when=7d&order=oldest&size=100",
            "?q=reason:none&when=custom&from=2026-01-01&to=2026-01-31&split=kind",
            "?cols=time,actor&after=n0-1&open=7",
        ] {
            assert_eq!(read(url).href(), url);
        }
        assert_eq!(read("?size=7&order=up&cols=").href(), "");
    }

    #[test]
    fn days_that_were_picked_are_meant_whatever_period_stands_beside_them() {
        let picked = read("?when=7d&from=2026-01-01&to=&days=/");
        assert_eq!(picked.href(), "?when=custom&from=2026-01-01");
        let kept = read("?when=7d&from=2026-01-01&to=&days=2026-01-01/");
        assert_eq!(kept.href(), "?when=7d");
        assert_eq!(read("?when=today&from=&to=&days=/").href(), "?when=today");
    }

    #[test]
    fn a_fault_keeps_the_text_and_points_at_the_word() {
        let criteria = read("?q=colour:red");
        assert_eq!(criteria.text, "colour:red");
        assert_eq!(criteria.fault.unwrap().place, 0..6);
    }

    #[test]
    fn a_field_of_the_form_shows_and_sets_its_condition() {
        let query = Query::parse("actor:ana -action:read reason:none").unwrap();
        assert_eq!(form_value(&query, Field::Actor), "ana");
        assert_eq!(form_value(&query, Field::Action), "", "what is left out is no value");
        assert_eq!(form_value(&query, Field::Reason), "none");
        let query = with_form_value(query, Field::Actor, "bo*");
        let query = with_form_value(query, Field::Action, "delete");
        let query = with_form_value(query, Field::Reason, "");
        assert_eq!(query.to_string(), "-action:read actor:bo* action:delete");
    }

    #[test]
    fn clicks_on_a_value_take_it_in_and_out() {
        let query = including(Query::default(), Field::Outcome, "failure");
        assert_eq!(query.to_string(), "outcome:=failure");
        let both = including(query.clone(), Field::Outcome, "denied");
        assert_eq!(both.to_string(), "outcome:(=failure|=denied)");
        assert!(includes(&both, Field::Outcome, "denied"));
        assert_eq!(including(both, Field::Outcome, "denied"), query);
        assert_eq!(including(query.clone(), Field::Outcome, "failure"), Query::default());
        let without = excluding(query, Field::Outcome, "failure");
        assert_eq!(without.to_string(), "-outcome:=failure");
    }

    #[test]
    fn every_condition_can_be_taken_away() {
        let criteria =
            read("?q=actor:ana%20%22lot%2042%22%20hours:22-6%20late:1d%20from:2026-01-01");
        let left: Vec<(String, String)> = criteria
            .conditions()
            .into_iter()
            .map(|(text, rest)| (text, rest.to_string()))
            .collect();
        assert_eq!(left.len(), 5);
        assert_eq!(
            left[0],
            (
                "actor:ana".into(),
                "\"lot 42\" hours:22-6@UTC late:1d from:2026-01-01T00:00:00Z".into()
            )
        );
        assert_eq!(left[2].1, "actor:ana \"lot 42\" late:1d from:2026-01-01T00:00:00Z");
        assert_eq!(left[3].1, "actor:ana \"lot 42\" hours:22-6@UTC from:2026-01-01T00:00:00Z");
        assert_eq!(left[4].1, "actor:ana \"lot 42\" hours:22-6@UTC late:1d");
    }
}

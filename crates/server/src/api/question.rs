//! From the parameters of a URL to a question.

use search::{Clause, Field, Interval, Order, Pattern, Query, Test, Zone};

use crate::params::Params;
use crate::problem::{Code, Detail, Problem};
use crate::{App, Catalogues};

/// A question and how it was asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) query: Query,
    /// The zone in which dates are meant.
    pub(crate) zone: String,
}

impl Question {
    /// Reads `q`, `from`, `to`, `recorded_from`, `recorded_to` and `zone`, and every other
    /// parameter as a condition on the field of that name. Call it when all else was taken.
    pub(crate) fn read(mut params: Params) -> Result<Self, Problem> {
        let name = params.take("zone")?.unwrap_or_else(|| "UTC".to_owned());
        let unknown = || Problem::parameter("zone", "is the name of a time zone, as Europe/Madrid");
        let zone = Zone::named(&name).ok_or_else(unknown)?;
        let text = params.take("q")?.unwrap_or_default();
        let mut query = search::parse_among(&text, &zone, &Catalogues::words())
            .map_err(|fault| Problem::question("q", &fault))?;
        query.occurred = query.occurred.and(span(&mut params, "from", "to", &zone)?);
        let recorded = span(&mut params, "recorded_from", "recorded_to", &zone)?;
        query.recorded = query.recorded.and(recorded);
        filters(&mut query, params)?;
        query.check()?;
        Ok(Self { query, zone: name })
    }

    /// The same; elsewhere where it has regular expressions, which take long to compile.
    pub(crate) async fn ask(app: &App, params: Params) -> Result<Self, Problem> {
        if params.has('~') { app.blocking(|| Self::read(params)).await } else { Self::read(params) }
    }

    /// The question as it is recorded on the `access` trail.
    pub(crate) fn to_params(&self) -> serde_json::Value {
        serde_json::json!({"q": self.query.to_string()})
    }
}

/// Reads the parameter `order`.
pub(crate) fn order(params: &mut Params) -> Result<Option<Order>, Problem> {
    let words = [
        ("newest", Order::Newest),
        ("oldest", Order::Oldest),
        ("last_recorded", Order::LastRecorded),
        ("first_recorded", Order::FirstRecorded),
    ];
    params.word("order", &words)
}

/// A moment, as the query language reads one.
fn moment(name: &str, value: &str, zone: &Zone) -> Result<i64, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+');
    let read = || {
        let text = format!("from:{value}");
        search::parse(&text, zone).ok().and_then(|query| query.occurred.from)
    };
    let found = if value.chars().all(plain) { read() } else { None };
    found.ok_or_else(|| {
        let message = "is a date or a time, as 2026-01-31 or 2026-01-31T08:00:00Z";
        wrong(name, format!("{name} {message}"), message)
    })
}

/// A parameter that does not say what can be asked for.
fn wrong(name: &str, detail: String, message: &str) -> Problem {
    Problem::new(Code::InvalidQuery).detail(detail).because(Detail {
        parameter: Some(name.to_owned()),
        message: message.to_owned(),
        ..Detail::default()
    })
}

/// The span that two parameters name.
fn span(params: &mut Params, from: &str, to: &str, zone: &Zone) -> Result<Interval, Problem> {
    let mut end =
        |name: &str| params.take(name)?.map(|value| moment(name, &value, zone)).transpose();
    let interval = Interval { from: end(from)?, to: end(to)? };
    if interval.is_reversed() {
        let message = format!("is before `{from}`, so that nothing is between them");
        return Err(wrong(to, format!("{to} {message}"), &message));
    }
    Ok(interval)
}

/// Plain filters: `actor=ana&actor=bob&action=delete` means one of the actors, and the action.
fn filters(query: &mut Query, params: Params) -> Result<(), Problem> {
    let kinds = Catalogues::words();
    let mut clauses: Vec<(Field, Vec<Pattern>)> = Vec::new();
    for (name, value) in params.rest() {
        let Some(field) = Field::parse(&name) else {
            return Err(Problem::parameter(&name, "is neither a parameter nor a field"));
        };
        if value.is_empty() {
            continue;
        }
        if search::is_condition(&value) {
            let message = format!(
                "takes a whole value; a condition stands in q, as q={name}:{value}, and so does this \
                 very text, as q={name}:\"{value}\""
            );
            return Err(wrong(&name, format!("{name} {message}"), &message));
        }
        let pattern = Pattern::Like(value);
        let checked = pattern.check_with(field, &kinds);
        checked.map_err(|message| wrong(&name, message.clone(), &message))?;
        match clauses.iter_mut().find(|(other, _)| *other == field) {
            Some((_, patterns)) => patterns.push(pattern),
            None => clauses.push((field, vec![pattern])),
        }
    }
    query.clauses.extend(clauses.into_iter().map(|(field, patterns)| Clause {
        field,
        negated: false,
        test: Test::Any(patterns),
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<String, Code> {
        let uri = format!("/x?{query}").parse().unwrap();
        let question = Params::of(&uri).and_then(Question::read);
        question.map(|question| question.query.to_string()).map_err(|problem| problem.code())
    }

    #[test]
    fn filters_and_the_language_say_the_same() {
        assert_eq!(read("actor=ana&action=delete"), read("q=actor:ana+action:delete"));
        assert_eq!(read("actor=ana&actor=bob"), read("q=actor:(ana|bob)"));
        assert_eq!(read("from=2026-01-01&to=2026-02-01"), read("q=from:2026-01-01+to:2026-02-01"));
        assert_eq!(read("from=2026-01-01T01:00:00%2B01:00"), read("q=from:2026-01-01T00:00:00Z"),);
        assert_eq!(read("from=2026-01-01&zone=Europe/Madrid"), read("q=from:2025-12-31T23:00:00Z"),);
        assert_eq!(
            read("q=from:2026-01-05&from=2026-01-01"),
            read("q=from:2026-01-05"),
            "the narrower one counts"
        );
        assert_eq!(read("colour=red"), Err(Code::InvalidParameter));
        for condition in ["reason=none", "reason=any", "action=del*", "action==Up", "action=~up"] {
            assert_eq!(read(condition), Err(Code::InvalidQuery), "{condition}");
        }
        assert_eq!(read("from=2026-02-01&to=2026-01-01"), Err(Code::InvalidQuery));
        assert_eq!(
            read("recorded_from=2026-02-01&recorded_to=2026-01-01"),
            Err(Code::InvalidQuery)
        );
        assert!(read("q=from:2026-02-01&to=2026-01-01").is_ok(), "two narrow each other");
        assert_eq!(read("from=yesterday+noon"), Err(Code::InvalidQuery));
        assert_eq!(read("q=from:(a"), Err(Code::InvalidQuery));
        assert_eq!(read("zone=Mars"), Err(Code::InvalidParameter));
        assert_eq!(read("outcome=denied&kind=Delete"), read("q=outcome:denied+kind:Delete"));
        for wrong in
            ["outcome=maybe", "q=outcome:maybe", "kind=deletes", "q=kind:deletes", "via=ui"]
        {
            assert_eq!(read(wrong), Err(Code::InvalidQuery), "{wrong}");
        }
    }
}

//! From a question to its canonical text: what the page puts back in the box and in links.

use std::fmt::{self, Write as _};

use event::format_micros;

use super::parse::slip;
use crate::hours::{DAY_MINUTES, DAYS};
use crate::{Clause, During, Field, Hours, Interval, Late, Pattern, Query, Test, Text, WeekTime};

impl fmt::Display for Query {
    /// Writes a text that reads back as the same question. A span that ends before it begins, which
    /// only a program can ask for, is written as one that ends where it begins: nothing is in either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.clauses.iter().map(ToString::to_string));
        parts.extend(self.texts.iter().map(ToString::to_string));
        parts.extend(self.hours.iter().map(ToString::to_string));
        parts.extend(self.during.iter().map(ToString::to_string));
        parts.extend(self.late.iter().map(ToString::to_string));
        let (occurred, recorded) = (self.occurred.in_order(), self.recorded.in_order());
        for (name, moment) in [
            ("from", occurred.from),
            ("to", occurred.to),
            ("recorded_from", recorded.from),
            ("recorded_to", recorded.to),
        ] {
            parts.extend(moment.map(|micros| format!("{name}:{}", time(micros))));
        }
        parts.extend(
            self.indexes
                .as_ref()
                .map(|range| format!("index:{}..{}", range.start, range.end.max(range.start))),
        );
        f.write_str(&parts.join(" "))
    }
}

/// RFC 3339 in UTC, without a fraction that is zero.
fn time(micros: i64) -> String {
    let text = format_micros(micros);
    match text.strip_suffix(".000000Z") {
        Some(whole) => format!("{whole}Z"),
        None => text,
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.field.name();
        match &self.test {
            Test::Present if self.negated => write!(f, "{name}:none"),
            Test::Present => write!(f, "has:{name}"),
            Test::Any(patterns) => {
                if self.negated {
                    f.write_char('-')?;
                }
                write!(f, "{name}:")?;
                match patterns.as_slice() {
                    [pattern] => pattern_text(f, pattern, false),
                    patterns => {
                        f.write_char('(')?;
                        for (position, pattern) in patterns.iter().enumerate() {
                            if position > 0 {
                                f.write_char('|')?;
                            }
                            pattern_text(f, pattern, true)?;
                        }
                        f.write_char(')')
                    }
                }
            }
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_char('-')?;
        }
        let plain =
            self.text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b >= 0x80)
                && !self.text.contains(':')
                && slip(&self.text, false).is_none();
        if plain {
            value(f, &self.text)?;
        } else {
            quote(f, &self.text)?;
        }
        if self.prefix { f.write_char('*') } else { Ok(()) }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        condition(f, "hours", self.negated, self.any.iter().map(ToString::to_string))
    }
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |interval: &Interval| {
            let interval = interval.in_order();
            let end = |micros: Option<i64>| micros.map(time).unwrap_or_default();
            format!("{}..{}", end(interval.from), end(interval.to))
        };
        condition(f, "during", self.negated, self.any.iter().map(span))
    }
}

/// A condition on one or several plain values.
fn condition(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    negated: bool,
    values: impl Iterator<Item = String>,
) -> fmt::Result {
    let not = if negated { "-" } else { "" };
    match values.collect::<Vec<_>>().as_slice() {
        [value] => write!(f, "{not}{name}:{value}"),
        values => write!(f, "{not}{name}:({})", values.join("|")),
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_char('-')?;
        }
        let (count, unit) = self.written();
        write!(f, "late:{count}{unit}")
    }
}

impl fmt::Display for WeekTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |day: u8| DAYS.get(usize::from(day)).copied().unwrap_or_default();
        if !self.is_every_day() || self.is_whole_day() {
            f.write_str(day(self.first_day))?;
            if self.first_day != self.last_day {
                write!(f, "-{}", day(self.last_day))?;
            }
            if !self.is_whole_day() {
                f.write_char('/')?;
            }
        }
        if !self.is_whole_day() {
            let minute = |f: &mut fmt::Formatter<'_>, minute: u16| match minute % 60 {
                0 => write!(f, "{}", minute.min(DAY_MINUTES) / 60),
                past => write!(f, "{}:{past:02}", minute / 60),
            };
            minute(f, self.from_minute)?;
            f.write_char('-')?;
            minute(f, self.to_minute)?;
        }
        write!(f, "@{}", self.zone.name().unwrap_or("UTC"))
    }
}

fn pattern_text(f: &mut fmt::Formatter<'_>, pattern: &Pattern, listed: bool) -> fmt::Result {
    match pattern {
        Pattern::Like(text) if !listed && is_keyword(text) => quote(f, text),
        Pattern::Like(text) => value(f, text),
        Pattern::Exactly(text) => {
            f.write_char('=')?;
            value(f, text)
        }
        Pattern::Prefix(text) => {
            value(f, text)?;
            f.write_char('*')
        }
        Pattern::Matching(expression) => {
            f.write_char('~')?;
            value(f, expression.as_str())
        }
    }
}

/// Whether a value is written as the language writes what is not one value, such as `none`, `del*` or
/// `=Update`: where only values are taken, to take it for one would find nothing in silence.
pub fn is_condition(value: &str) -> bool {
    is_keyword(value) || value.ends_with('*') || value.starts_with(['=', '~'])
}

fn is_keyword(text: &str) -> bool {
    ["none", "any"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn value(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '*' | '(' | ')' | '|');
    if text.is_empty() || text.starts_with(['=', '~', '!']) || text.contains(special) {
        return quote(f, text);
    }
    f.write_str(text)
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

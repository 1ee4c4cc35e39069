//! The grammar of text filters: `a,b` one of them, `a;b` all of them, `!a` not, `~a` a regular
//! expression, `~/a/i` one for which case does not count; also `=a`, `==a`, `!=a`, `=~a`, and the
//! older `^a` and `$a` for beginnings and ends. Values are compared to the byte.

use search::{Clause, EXPRESSIONS_MAX, Expression, Field, Pattern, Test};

/// One item: what a value is like, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    negated: bool,
    patterns: Vec<Pattern>,
}

/// Reads a filter on a field, with a few expressions at most. `values` gives the words of the index for a word of the platform,
/// where the two differ.
///
/// # Errors
/// Says what to change.
pub(super) fn clauses(
    field: Field,
    text: &str,
    values: &dyn Fn(&Pattern) -> Vec<Pattern>,
) -> Result<Vec<Clause>, String> {
    if text.matches(['~', '^', '$']).count() > EXPRESSIONS_MAX {
        return Err(format!("a filter has at most {EXPRESSIONS_MAX} expressions"));
    }
    let read = |text: &str| {
        let (negated, pattern) = item(text)?;
        Ok::<_, String>(Item { negated, patterns: values(&pattern) })
    };
    match (text.contains(','), text.contains(';')) {
        (true, true) => Err("`,` (or) and `;` (and) cannot stand in one filter".to_owned()),
        (false, _) => text.split(';').map(|text| Ok(clause(field, read(text)?))).collect(),
        (true, false) => any(field, text.split(',').map(read).collect::<Result<_, _>>()?),
    }
}

fn clause(field: Field, item: Item) -> Clause {
    Clause { field, negated: item.negated, test: Test::Any(item.patterns) }
}

/// Any of several items. A record has one value, so that `a` or not `b` is not `b`, and not `a` or
/// not `b` is every record.
fn any(field: Field, items: Vec<Item>) -> Result<Vec<Clause>, String> {
    let (negated, plain): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|i| i.negated);
    let plain: Vec<Pattern> = plain.into_iter().flat_map(|item| item.patterns).collect();
    let mut negated = negated.into_iter();
    let Some(first) = negated.next() else {
        return Ok(vec![Clause { field, negated: false, test: Test::Any(plain) }]);
    };
    let mut excluded = words(&first)?;
    for item in negated {
        let words = words(&item)?;
        excluded.retain(|word| words.contains(word));
    }
    excluded.retain(|word| !plain.iter().any(|pattern| is_like(pattern, word)));
    if excluded.is_empty() {
        return Ok(Vec::new());
    }
    let test = Test::Any(excluded.into_iter().map(Pattern::Exactly).collect());
    Ok(vec![Clause { field, negated: true, test }])
}

/// The words that an item leaves out.
fn words(item: &Item) -> Result<Vec<String>, String> {
    let word = |pattern: &Pattern| match pattern {
        Pattern::Exactly(word) => Ok(word.clone()),
        _ => Err("a negated expression cannot stand in a list with `,`; use `;`".to_owned()),
    };
    item.patterns.iter().map(word).collect()
}

/// Whether a pattern that this grammar makes admits a word.
pub(super) fn is_like(pattern: &Pattern, word: &str) -> bool {
    match pattern {
        Pattern::Exactly(text) => text == word,
        Pattern::Matching(expression) => expression.is_in(word),
        Pattern::Like(_) | Pattern::Prefix(_) => false,
    }
}

/// Reads one item: whether it is negated, and what it is about.
fn item(text: &str) -> Result<(bool, Pattern), String> {
    if let Some(bound) = bound(text)? {
        return Ok((false, bound));
    }
    let marks = text.len() - text.trim_start_matches(['!', '=', '~']).len();
    let (operator, value) = text.split_at(marks);
    let known = match operator {
        "" | "=" | "==" => Some((false, false)),
        "!" | "!=" => Some((true, false)),
        "~" | "=~" => Some((false, true)),
        "!~" | "!=~" => Some((true, true)),
        _ => None,
    };
    if value.is_empty() || value.starts_with(['<', '>']) {
        return Err("a value is missing".to_owned());
    }
    let (negated, is_expression) =
        known.ok_or_else(|| format!("`{operator}` is no operator for text"))?;
    if !is_expression {
        return Ok((negated, Pattern::Exactly(value.to_owned())));
    }
    let expression = match value.strip_prefix('/') {
        None => Expression::parse(value),
        Some(rest) => match (rest.strip_suffix("/i"), rest.strip_suffix('/')) {
            (Some(inner), _) => Expression::parse(&format!("(?i){inner}")),
            (None, Some(inner)) => Expression::parse(inner),
            (None, None) => Err("an expression that begins with `/` ends with `/` or `/i`".into()),
        },
    };
    Ok((negated, Pattern::Matching(expression?)))
}

/// The older way to ask for values that begin (`^a`) or end (`$a`) with a text.
fn bound(text: &str) -> Result<Option<Pattern>, String> {
    let bare = text.strip_prefix('=').unwrap_or(text);
    let plain = |rest: &&str| !rest.is_empty() && !rest.contains(['=', '/', '<', '>', '~', '!']);
    let expression = if let Some(rest) = bare.strip_prefix('^').filter(plain) {
        format!("^{rest}")
    } else if let Some(rest) = bare.strip_prefix('$').filter(plain) {
        format!("{rest}$")
    } else {
        return Ok(None);
    };
    Expression::parse(&expression).map(|expression| Some(Pattern::Matching(expression)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = clauses(Field::Action, text, &|pattern| vec![pattern.clone()])?;
        Ok(read.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn every_operator_is_read() {
        for (text, expected) in [
            ("CREATE", "action:=CREATE"),
            ("=CREATE", "action:=CREATE"),
            ("==CREATE", "action:=CREATE"),
            ("CREATE,UPDATE", "action:(=CREATE|=UPDATE)"),
            ("!CREATE", "-action:=CREATE"),
            ("!=CREATE", "-action:=CREATE"),
            ("!CREATE;!UPDATE", "-action:=CREATE -action:=UPDATE"),
            ("~^FETCH", "action:~^FETCH"),
            ("=~ACLS$", "action:~ACLS$"),
            ("!~ACLS$", "-action:~ACLS$"),
            ("~/acls/i", "action:~\"(?i)acls\""),
            ("~/ACLS/", "action:~ACLS"),
            ("~ACL,INFO", "action:(~ACL|=INFO)"),
            ("^UPD", "action:~^UPD"),
            ("$ACLS", "action:~ACLS$"),
            ("a b", "action:=\"a b\""),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn or_with_a_negation_means_what_it_says() {
        for (text, expected) in [
            ("CREATE,!UPDATE", "-action:=UPDATE"),
            ("!UPDATE,UPDATE", ""),
            ("!UPDATE,!CREATE", ""),
            ("!UPDATE,!UPDATE", "-action:=UPDATE"),
            ("!UPDATE,~UPD", ""),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["", "!", "a,b;c", "a,,b", "~", "~[", "~/a", "!!a", "=!a", "!~a,b", ">a", "~<a"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

//! Whether a client takes the type that a resource has.

use axum::http::{HeaderMap, header};

use crate::problem::{Code, Problem};

/// That `Accept`, if there is one, admits this type.
///
/// # Errors
/// [`Code::NotAcceptable`] names the type.
pub(crate) fn accepts(headers: &HeaderMap, kind: &str) -> Result<(), Problem> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let (main, _) = kind.split_once('/').unwrap_or((kind, ""));
    let admitted = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            let meant = range.eq_ignore_ascii_case(kind)
                || range == "*/*"
                || range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(main));
            meant && !refused
        });
    if admitted {
        return Ok(());
    }
    Err(Problem::new(Code::NotAcceptable).detail(format!("this resource is {kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_refusals_are_understood() {
        let check = |accept: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(accepts(&headers, "application/json").is_ok(), expected, "{accept}");
        };
        for good in
            ["*/*", "application/json", "text/html, application/*;q=0.1", "Application/JSON"]
        {
            check(good, true);
        }
        for bad in ["text/html", "application/json;q=0", "application/jsonl", ""] {
            check(bad, false);
        }
        assert!(accepts(&HeaderMap::new(), "application/json").is_ok());
    }
}

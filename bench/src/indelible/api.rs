//! The requests of the API, as bytes, and what the benchmark needs from the answers.

use anyhow::{Context as _, Result, ensure};

use super::http::Connection;
use crate::figures::Answer;
use crate::question::{Asking, FACET_ROWS, Field, Filter, Wanted};

/// Who asks, and of which trail.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The trail's slug.
    pub(crate) trail: String,
    /// A token that may append to it and read it.
    pub(crate) token: String,
}

impl Access {
    /// Replaces `request` by one that appends the events of `body`.
    pub(crate) fn append(&self, content_type: &str, body: &[u8], request: &mut Vec<u8>) {
        request.clear();
        let head = format!(
            "POST /api/v1/trails/{}/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            self.trail,
            self.token,
            body.len()
        );
        request.extend_from_slice(head.as_bytes());
        request.extend_from_slice(body);
    }

    /// A request for a part of the trail.
    pub(crate) fn get(&self, path_and_query: &str) -> Vec<u8> {
        format!(
            "GET /api/v1/trails/{}/{path_and_query} HTTP/1.1\r\nhost: bench\r\n\
             authorization: Bearer {}\r\n\r\n",
            self.trail, self.token
        )
        .into_bytes()
    }

    /// Waits until the event with this index can be found.
    pub(crate) async fn until_findable(
        &self,
        connection: &mut Connection,
        index: u64,
    ) -> Result<()> {
        let request = self.get(&format!("events?limit=1&at_least={index}"));
        loop {
            let (status, body) = connection.request(&request).await?;
            match status {
                200 => return Ok(()),
                // Not yet: the server waits only so long for one request.
                408 | 429 | 503 | 504 => {}
                _ => anyhow::bail!("{status}: {}", String::from_utf8_lossy(body)),
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The request that asks a question.
    pub(crate) fn ask(&self, asking: &Asking) -> Vec<u8> {
        let filter = parameters(&asking.filter);
        self.get(&match asking.wanted {
            Wanted::Events(limit) => format!("events?limit={limit}{filter}"),
            Wanted::Count => format!("count?{}", filter.trim_start_matches('&')),
            Wanted::Facet(field) => {
                let field = match field {
                    Field::Action => "action",
                    Field::Actor => "actor",
                };
                format!("facets?fields={field}&top={FACET_ROWS}{filter}")
            }
            Wanted::Days => format!("histogram?interval=day{filter}"),
        })
    }
}

/// The index of the last event of an answer to an append.
pub(crate) fn last_index(body: &[u8]) -> Result<u64> {
    let name = b"\"index\":";
    let start = memchr::memmem::rfind(body, name).context("an answer without an index")?;
    let digits = body.get(start + name.len()..).unwrap_or_default();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let text = std::str::from_utf8(digits.get(..end).unwrap_or_default())?;
    text.parse().context("an index that is no number")
}

/// What a body answers to a question.
pub(crate) fn answer(wanted: Wanted, body: &[u8]) -> Result<Answer> {
    let value: serde_json::Value = serde_json::from_slice(body)?;
    let list = |name: &str| {
        value.get(name).and_then(serde_json::Value::as_array).with_context(|| format!("no {name}"))
    };
    let lines: Vec<String> = match wanted {
        Wanted::Count => {
            let count = value.get("count").and_then(serde_json::Value::as_u64);
            return Ok(Answer::of_count(count.context("no count")?));
        }
        Wanted::Events(_) => list("events")?.iter().map(event_id).collect::<Result<_>>()?,
        Wanted::Facet(_) => {
            let facet = list("facets")?.first().context("no facet")?;
            let values = facet.get("values").and_then(serde_json::Value::as_array);
            values.context("no values")?.iter().map(row).collect::<Result<_>>()?
        }
        Wanted::Days => list("buckets")?.iter().map(row).collect::<Result<_>>()?,
    };
    ensure!(!body.is_empty(), "an empty answer");
    Ok(Answer::of_rows(lines.iter().map(String::as_str)))
}

fn event_id(item: &serde_json::Value) -> Result<String> {
    let event = item.get("event").unwrap_or(item);
    Ok(event.get("id").and_then(|id| id.as_str()).context("an event without id")?.to_owned())
}

/// A value or day with its count, as PostgreSQL's row is written.
fn row(item: &serde_json::Value) -> Result<String> {
    let name = item.get("value").or_else(|| item.get("from")).and_then(|name| name.as_str());
    let name = name.context("a row without a name")?;
    let name = name.split_once('T').map_or(name, |(day, _)| day);
    let count = item.get("count").and_then(serde_json::Value::as_u64).context("no count")?;
    Ok(format!("{name} {count}"))
}

/// The filter in the query language, as a parameter.
fn parameters(filter: &Filter) -> String {
    let mut conditions = Vec::new();
    let exact = [
        ("actor.id", &filter.actor),
        ("action", &filter.action),
        ("organization", &filter.organization),
        ("outcome", &filter.status),
    ];
    for (field, value) in exact {
        conditions.extend(value.as_ref().map(|value| format!("{field}:={value}")));
    }
    if let Some((kind, id)) = &filter.target {
        conditions.push(format!("target.type:={kind}"));
        conditions.push(format!("target.id:={id}"));
    }
    for word in filter.words.iter().flatten() {
        conditions.push(format!("params:{word}"));
    }
    conditions.extend(filter.from.as_ref().map(|from| format!("from:{from}")));
    conditions.extend(filter.to.as_ref().map(|to| format!("to:{to}")));
    if conditions.is_empty() { String::new() } else { format!("&q={}", conditions.join("%20")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_one_parameter_in_the_query_language() {
        let filter = Filter {
            action: Some("login".into()),
            words: Some(["one".into(), "two".into()]),
            to: Some("2025-01-01T00:00:00.000000Z".into()),
            ..Filter::default()
        };
        let expected =
            "&q=action:=login%20params:one%20params:two%20to:2025-01-01T00:00:00.000000Z";
        assert_eq!(parameters(&filter), expected);
        assert_eq!(parameters(&Filter::default()), "");
    }

    #[test]
    fn the_last_index_of_an_answer_is_found() {
        let body = br#"{"receipts":[{"index":7,"leaf_hash":"x"},{"index":12,"leaf_hash":"y"}]}"#;
        assert_eq!(last_index(body).unwrap(), 12);
        assert!(last_index(b"{}").is_err());
    }
}

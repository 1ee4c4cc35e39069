//! `RestResponse` and `OpenCGAResult`: what every answer of the service stands in.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Asked, VERSION};
use crate::problem::Problem;

/// The results of a request, each a JSON text.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// The results, in order.
    pub(super) list: Vec<String>,
    /// The Java type that the service says they have.
    pub(super) kind: &'static str,
    /// How many there are in all, if that was asked for.
    pub(super) matches: Option<u64>,
    /// What a person should know of the answer.
    pub(super) warnings: Vec<String>,
}

impl Results {
    pub(super) fn of(list: Vec<String>) -> Self {
        Self { list, ..Self::default() }
    }

    /// The whole answer.
    pub(super) fn to_json(&self, asked: &Asked) -> String {
        let millis = millis(asked);
        let warnings = self.warnings.iter().map(|message| event("WARNING", "warning", message));
        let mut outer = head(asked, warnings.collect());
        let count = self.list.len();
        let matches = self.matches.map_or_else(|| json!(-1), Value::from);
        // The records are JSON texts that come back as they went in, so they are not parsed again.
        let inner = format!(
            "{{\"time\":{millis},\"events\":[],\"numResults\":{count},\"results\":[{}],\
             \"resultType\":{},\"numMatches\":{matches},{CHANGES}",
            self.list.join(","),
            json!(self.kind),
        );
        let node = json!({"id": "primary", "uri": "", "commit": "", "version": VERSION});
        outer.insert("type".to_owned(), "QUERY".into());
        let outer = Value::Object(outer).to_string();
        let outer = outer.strip_suffix('}').unwrap_or(&outer);
        format!("{outer},\"responses\":[{inner},\"federationNode\":{node}}}]}}")
    }
}

/// What a request that only reads changes.
const CHANGES: &str = "\"numInserted\":0,\"numUpdated\":0,\"numDeleted\":0,\"numErrors\":0,\
                       \"attributes\":{}";

/// A refusal: an event of type `ERROR` and no results.
pub(super) fn refusal(problem: &Problem, asked: &Asked) -> String {
    let name = match problem.code().status() {
        StatusCode::UNAUTHORIZED => "CatalogAuthenticationException",
        StatusCode::FORBIDDEN => "CatalogAuthorizationException",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "CatalogParameterException",
        _ => "CatalogException",
    };
    let message = problem.message();
    let error = json!({
        "type": "ERROR",
        "code": 0,
        "id": problem.code().as_str(),
        "name": name,
        "message": message,
        "description": message,
    });
    let mut outer = head(asked, vec![error]);
    outer.insert("type".to_owned(), "QUERY".into());
    let empty = json!({
        "time": 0, "events": [], "numResults": 0, "results": [], "resultType": "",
        "numMatches": 0, "numInserted": 0, "numUpdated": 0, "numDeleted": 0, "numErrors": 1,
        "attributes": {},
    });
    outer.insert("responses".to_owned(), json!([empty]));
    Value::Object(outer).to_string()
}

fn head(asked: &Asked, events: Vec<Value>) -> Map<String, Value> {
    let mut outer = Map::new();
    outer.insert("apiVersion".to_owned(), "v2".into());
    outer.insert("time".to_owned(), millis(asked).into());
    outer.insert("events".to_owned(), events.into());
    outer.insert("params".to_owned(), asked.params.clone().into());
    outer
}

/// An event; the Python client prints its `description`, which the service calls `message`.
fn event(kind: &str, id: &str, message: &str) -> Value {
    json!({"type": kind, "code": 0, "id": id, "name": id, "message": message,
           "description": message})
}

fn millis(asked: &Asked) -> u64 {
    u64::try_from(asked.began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

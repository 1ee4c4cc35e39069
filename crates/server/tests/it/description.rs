//! OpenAPI, the table of problems and docs/api.md, held against the running server.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use server::{Code, routes};

use crate::app::{TestApp, event};

const API_MD: &str = include_str!("../../../../docs/api.md");

fn description() -> Value {
    serde_json::from_str(include_str!("../../src/openapi.json")).unwrap()
}

#[test]
fn the_table_of_problems_is_what_programs_rely_on() {
    let table: String = Code::ALL
        .iter()
        .map(|code| format!("{} {}\n", code.status().as_u16(), code.as_str()))
        .collect();
    insta::assert_snapshot!(table);
    let words: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(words.is_sorted(), "the table is in the order of its words");
}

#[test]
fn the_documentation_names_every_code_and_route() {
    for code in Code::ALL {
        let row = format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
        assert!(API_MD.contains(&row), "docs/api.md lacks {row}");
    }
    for route in routes() {
        let row = format!("`{} {}`", route.method, route.path);
        assert!(API_MD.contains(&row), "docs/api.md lacks {row}");
    }
    for column in server::export::COLUMNS {
        assert!(API_MD.contains(&format!("`{column}`")), "docs/api.md lacks the column {column}");
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let description = description();
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |m| (path.clone(), m.to_uppercase()))
        })
        .collect();
    let routed: BTreeSet<(String, String)> = routes()
        .into_iter()
        .map(|route| (route.path.replace("{*path}", "{path}"), route.method.to_owned()))
        .collect();
    assert_eq!(described, routed);
}

#[tokio::test]
async fn every_problem_has_its_page() {
    let app = TestApp::new();
    for code in Code::ALL {
        let page = app.get_anonymously(&code.url()).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().starts_with(code.as_str()) && page.text().len() > 60);
    }
    app.get_anonymously("/problems/nothing").await.problem("no-such-resource");
}

#[tokio::test]
async fn real_answers_have_the_form_that_is_described() {
    let app = TestApp::new();
    app.fill(12).await;
    app.append(event(1).replace("run 1", &"x".repeat(70_000)).replace("e1", "long")).await;
    app.settle();
    let v1 = "/api/v1/trails/{trail}";
    for (template, query) in [
        ("/events", "?limit=3"),
        ("/events", "?colour=red"),
        ("/events/{index}", ""),
        ("/facets", "?fields=actor,outcome"),
        ("/histogram", "?split=kind"),
        ("/count", "?q=action:create"),
        ("/history", "?target_type=sample&target_id=S-1"),
        ("/status", ""),
        ("/proof/consistency", "?from=3"),
    ] {
        let template = format!("{v1}{template}");
        for index in ["0", "12", "99"] {
            let path = template.replace("{trail}", "lab").replace("{index}", index) + query;
            let answer = app.get(&path).await;
            check("get", &template, answer.status.as_u16(), &answer.json());
        }
    }
    for path in ["/api/v1/trails", "/api/v1/tokens", "/openapi.json"] {
        let answer = app.get(path).await;
        check("get", path, answer.status.as_u16(), &answer.json());
    }
    let events = format!("{v1}/events");
    for (query, body) in [
        ("", event(90)),
        ("", event(90)),
        ("", event(90).replace("create", "x")),
        ("", "{}".to_owned()),
        ("", "{".to_owned()),
        ("?atomic=false", format!("[{},{{}}]", event(91))),
    ] {
        let answer = app.post(&format!("/api/v1/trails/lab/events{query}"), body).await;
        check("post", &events, answer.status.as_u16(), &answer.json());
    }
    let import = format!("{v1}/import");
    for (query, body) in [
        ("?dialect=dnanexus", "2025-09-03T07:58:11Z,,,u,file-close,,,,,Yes,{},,\n1,2\n"),
        ("?dialect=dnanexus&strict=true", "2025-09-03T07:58:11Z,,,u,file-close,,,,,Yes,{},,\n1\n"),
        ("?dialect=dnanexus", "1,2\n"),
        ("", ""),
    ] {
        let answer = app.post(&format!("/api/v1/trails/lab/import{query}"), body).await;
        check("post", &import, answer.status.as_u16(), &answer.json());
    }
    let answer = app.get("/api/v1/trails/lab/export?dialect=dnanexus&summary=true").await;
    check("get", &format!("{v1}/export"), answer.status.as_u16(), &answer.json());
    let made = app.post("/api/v1/tokens", r#"{"scopes":["read"],"trail":"lab"}"#).await;
    check("post", "/api/v1/tokens", made.status.as_u16(), &made.json());
    let made = app.post("/api/v1/trails", r#"{"slug":"b"}"#).await;
    check("post", "/api/v1/trails", made.status.as_u16(), &made.json());
}

#[tokio::test]
async fn answers_about_deposits_have_the_form_that_is_described() {
    let root = tempfile::tempdir().unwrap();
    let app = TestApp::with(server::AppOptions::new(), |options| {
        options.deposit_roots = vec![root.path().to_owned()];
    });
    let deposits = "/api/v1/trails/{trail}/deposits";
    let order = format!(r#"{{"destination":"{}/lab"}}"#, root.path().display());
    let made = app.post("/api/v1/trails/lab/deposits", order.clone()).await;
    check("post", deposits, made.status.as_u16(), &made.json());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for body in [order, "{}".to_owned(), r#"{"destination":"x"}"#.to_owned()] {
        let refused = app.post("/api/v1/trails/lab/deposits", body).await;
        check("post", deposits, refused.status.as_u16(), &refused.json());
    }
    app.clock.pass(26 * 3_600_000_000);
    app.instance.run_deposits();
    app.clock.pass(24 * 3_600_000_000);
    let listed = app.get("/api/v1/trails/lab/deposits").await;
    check("get", deposits, listed.status.as_u16(), &listed.json());
    for query in ["", "?limit=1", "?limit=0"] {
        let path = format!("/api/v1/trails/lab/deposits/{id}/files{query}");
        let listed = app.get(&path).await;
        let template = format!("{deposits}/{{id}}/files");
        check("get", &template, listed.status.as_u16(), &listed.json());
    }
}

/// Compares an answer with the description of its operation and status.
fn check(method: &str, path: &str, status: u16, body: &Value) {
    let description = description();
    let operation = &description["paths"][path][method];
    let responses = &operation["responses"];
    let response = match &responses[status.to_string()] {
        Value::Null => &responses["default"],
        response => response,
    };
    let content = response["content"].as_object().unwrap().values().next().unwrap();
    if let Err(fault) = fits(&description, &content["schema"], body, "") {
        panic!("{method} {path} {status}: {fault} in {body}");
    }
}

/// As much of JSON Schema as the description uses.
fn fits(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return fits(root, root.pointer(pointer).unwrap(), value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let faults: Vec<String> =
            any.iter().filter_map(|one| fits(root, one, value, at).err()).collect();
        return if faults.len() < any.len() { Ok(()) } else { Err(faults.join(" / ")) };
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        _ => return Ok(()),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return Err(format!("{at} is {kind}, not {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Err(format!("{at} is none of {}", schema["enum"]));
    }
    if let Some(items) = value.as_array() {
        for (place, item) in items.iter().enumerate() {
            fits(root, &schema["items"], item, &format!("{at}/{place}"))?;
        }
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return Err(format!("{at} lacks {name}"));
        }
    }
    for (name, member) in members {
        let at = format!("{at}/{name}");
        match &schema["properties"][name] {
            Value::Null if schema["additionalProperties"] == json!(false) => {
                return Err(format!("{at} is not described"));
            }
            Value::Null => {}
            inner => fits(root, inner, member, &at)?,
        }
    }
    Ok(())
}

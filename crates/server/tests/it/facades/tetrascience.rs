//! TDP's audit trail and system log.

use axum::http::StatusCode;
use registry::Scope;
use serde_json::Value;

use super::{Reader, ask, check_access, import, json_of};
use crate::app::Answered;

const TRAIL: &str = "/tetrascience/audit-trail";
const LOG: &str = "/tetrascience/v1/datalake/queryActivityLog";
const TRAIL_CSV: &[u8] =
    include_bytes!("../../../../dialect/tests/data/tetrascience/audit-trail.csv");
const TRAIL_JSON: &[u8] =
    include_bytes!("../../../../dialect/tests/data/tetrascience/audit-trail.json");
const LOG_CSV: &[u8] = include_bytes!("../../../../dialect/tests/data/tetrascience/system-log.csv");
const LOG_JSON: &[u8] =
    include_bytes!("../../../../dialect/tests/data/tetrascience/system-log.json");

fn lab_reader() -> Reader {
    Reader::new("", |token| {
        vec![("ts-auth-token", token.to_owned()), ("x-org-slug", "acme-qc".to_owned())]
    })
}

impl Reader {
    async fn json(&self, path: &str) -> Value {
        json_of(&self.get(path).await)
    }

    async fn ids(&self, path: &str) -> Vec<String> {
        ids(&self.json(path).await)
    }
}

fn ids(page: &Value) -> Vec<String> {
    let logs = page["logs"].as_array().unwrap();
    // The last digits tell the samples apart.
    let ending = |id: &str| id.chars().skip(id.len().saturating_sub(2)).collect();
    logs.iter().map(|log| ending(log["id"].as_str().unwrap())).collect()
}

#[track_caller]
fn refusal(answered: &Answered, status: u16) -> String {
    assert_eq!(answered.status.as_u16(), status, "{}", answered.text());
    assert_eq!(answered.header("content-type"), "application/json");
    let json = answered.json();
    assert_eq!(json["statusCode"], status);
    assert!(!json["error"].as_str().unwrap().is_empty());
    json["message"].as_str().unwrap().to_owned()
}

/// The rows of a table as a set of texts, and its header.
fn rows(table: &[u8]) -> (String, Vec<String>) {
    let text = std::str::from_utf8(table).unwrap();
    let mut lines = text.lines().map(ToOwned::to_owned);
    let header = lines.next().unwrap();
    let mut rows: Vec<String> = lines.collect();
    rows.sort();
    (header, rows)
}

#[tokio::test]
async fn the_audit_trail_comes_back_as_it_was() {
    let reader = lab_reader();
    import(&reader.app, "tetrascience", TRAIL_JSON);
    let page = reader.json(&format!("{TRAIL}?entity=pipeline")).await;
    let file: Value = serde_json::from_slice(TRAIL_JSON).unwrap();
    let wanted: Vec<&Value> = file["logs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|log| log["entity"]["type"] == "pipeline")
        .collect();
    assert_eq!(page["logs"].as_array().unwrap().iter().collect::<Vec<_>>(), wanted);
    let table = reader.get(&format!("{TRAIL}?format=csv")).await;
    assert_eq!(table.header("content-type"), "text/csv");
    assert_eq!(table.text().lines().next().unwrap().split(',').count(), 18);

    let reader = lab_reader();
    import(&reader.app, "tetrascience", TRAIL_CSV);
    let table = reader.get(&format!("{TRAIL}?format=csv")).await;
    assert_eq!(rows(&table.body), rows(TRAIL_CSV));
    let question = "-format:(=system-log-csv|=system-log-json)";
    check_access(&reader.app, "tetrascience", "export", question).await;
}

#[tokio::test]
async fn the_system_log_comes_back_as_it_was() {
    let reader = lab_reader();
    import(&reader.app, "tetrascience", LOG_JSON);
    let page = reader.json(&format!("{LOG}?sortDirection=asc")).await;
    let file: Value = serde_json::from_slice(LOG_JSON).unwrap();
    assert_eq!(page["logs"], file["logs"]);
    assert_eq!(page["hasMore"], false);

    let reader = lab_reader();
    import(&reader.app, "tetrascience", LOG_CSV);
    let table = reader.get(&format!("{LOG}?format=csv&sortDirection=asc")).await;
    assert_eq!(rows(&table.body), rows(LOG_CSV));
}

#[tokio::test]
async fn case_12_the_end_is_exclusive_and_filters_are_those_of_the_page() {
    let reader = lab_reader();
    import(&reader.app, "tetrascience", TRAIL_CSV);
    assert_eq!(reader.ids(TRAIL).await, ["04", "03", "02", "01"], "newest first");
    for (query, expected) in [
        ("from=2025-09-03T08:05:00Z&to=2025-09-03T09:00:00.001Z", vec!["03", "02"]),
        ("from=2025-09-03&to=2025-09-04", vec!["04", "03", "02", "01"]),
        ("to=2025-09-03", vec![]),
        ("entity=Shared+Secret", vec!["04"]),
        ("entity=shared-secret,file", vec!["04", "02"]),
        ("entity=user&action=login-attempt", vec!["03"]),
        ("action=Update", vec!["01"]),
        ("actor=ANA", vec!["04", "01"]),
        ("actor=acme.example", vec!["04", "03", "01"]),
        ("entityName=run-17", vec!["02"]),
        ("id=C2F1A0DE", vec!["04"]),
        ("ids=0c6d8d0e-7c1a-4b0e-8a8e-5b6b0a9f6a01,nothing", vec!["01"]),
        ("changeReason=decommissioned+lims", vec!["04"]),
        ("changeReason=CR-118&entity=pipeline", vec!["01"]),
    ] {
        assert_eq!(reader.ids(&format!("{TRAIL}?{query}")).await, expected, "{query}");
    }
    for (query, expected, next) in [
        ("take=3", vec!["04", "03", "02"], true),
        ("take=3&skip=3", vec!["01"], false),
        ("take=2&skip=2", vec!["02", "01"], false),
        ("take=2&skip=9", vec![], false),
    ] {
        let page = reader.json(&format!("{TRAIL}?{query}")).await;
        assert_eq!(
            (ids(&page), &page["next"]),
            (expected.iter().map(ToString::to_string).collect(), &next.into()),
            "{query}"
        );
    }
    let part = reader.get(&format!("{TRAIL}?format=csv&take=1&skip=1")).await;
    assert_eq!(part.text().lines().count(), 2);
    assert!(part.text().contains("login-attempt"));
}

#[tokio::test]
async fn a_query_id_reads_on_where_the_trail_was() {
    let reader = lab_reader();
    reader.app.fill(20).await;
    let get = async |query: &str| {
        let path = format!("{LOG}?{query}");
        let answered =
            ask(&reader.app, &path, &[("authorization", &format!("Bearer {}", reader.token))])
                .await;
        assert_eq!(answered.status, StatusCode::OK, "{}", answered.text());
        answered.json()
    };
    let first = get("actor=U1&take=3").await;
    assert_eq!((first["logs"].as_array().unwrap().len(), &first["hasMore"]), (3, &true.into()));
    let id = first["queryId"].as_str().unwrap().to_owned();
    // More happens, and the pages of the first question stay as they were.
    reader.app.append(crate::app::event(100).replace("2026-11-17", "2026-12-01")).await;
    reader.app.append(crate::app::event(40).replace("\"u", "\"xu")).await;
    reader.app.settle();
    let mut all = ids(&first);
    let mut next = first["next"].clone();
    while let Some(cursor) = next.as_str() {
        let page = get(&format!("queryId={id}&actor=U1&take=3&next={cursor}")).await;
        assert_eq!(page["queryId"], id.as_str(), "filters sent again change nothing");
        all.extend(ids(&page));
        next = page["next"].clone();
    }
    let by_number = get(&format!("queryId={id}&take=1000")).await;
    assert_eq!(all, ids(&by_number));
    assert_eq!(all.len(), 7);
    let skipped = get(&format!("queryId={id}&skip=5&take=10")).await;
    assert_eq!(ids(&skipped), all[5..]);
    assert_eq!(ids(&get("take=1000&max=2").await).len(), 2);
    assert_eq!(get("").await["logs"].as_array().unwrap().len(), 8);
    let old = get("sortDirection=asc&targetType=sample&actions=delete,Create&take=1").await;
    assert_eq!(old["logs"][0]["action"], "create");
    assert_eq!(ids(&get("targetIds=S-1,S-2&action=update&take=1000").await).len(), 3);
}

#[tokio::test]
async fn the_two_lists_are_apart_and_organizations_too() {
    let reader = lab_reader();
    let app = &reader.app;
    import(app, "tetrascience", TRAIL_CSV);
    import(app, "tetrascience", LOG_JSON);
    assert_eq!(reader.ids(TRAIL).await.len(), 4);
    assert_eq!(reader.ids(LOG).await.len(), 2);
    app.fill(2).await;
    assert_eq!(reader.ids(TRAIL).await.len(), 6, "events of other platforms are in both");
    let other = crate::app::event(9)
        .replace("\"outcome\"", "\"scope\":{\"organization\":{\"id\":\"other\"}},\"outcome\"");
    assert_eq!(app.append(other).await.status, StatusCode::CREATED);
    app.settle();
    assert_eq!(
        reader.ids(TRAIL).await.len(),
        4,
        "of several organizations, those that name this one"
    );
    let token = ("ts-auth-token", reader.token.as_str());
    assert_eq!(ids(&ask(app, TRAIL, &[token, ("x-org-slug", "lab")]).await.json()).len(), 7);
    assert_eq!(ids(&ask(app, TRAIL, &[token]).await.json()).len(), 7);
    refusal(&ask(app, TRAIL, &[token, ("x-org-slug", "nobody")]).await, 403);
    let everyone = ("ts-auth-token", app.token.as_str());
    assert_eq!(ids(&ask(app, TRAIL, &[everyone, ("x-org-slug", "lab")]).await.json()).len(), 7);
    let both = [everyone, ("x-org-slug", "acme-qc"), ("x-indelible-trail", "lab")];
    assert_eq!(ids(&ask(app, TRAIL, &both).await.json()).len(), 4);
    refusal(&ask(app, TRAIL, &[everyone]).await, 400);
    refusal(&ask(app, TRAIL, &[everyone, ("x-org-slug", "nowhere")]).await, 404);
}

#[tokio::test]
async fn refusals_have_the_form_of_the_platform() {
    let reader = lab_reader();
    import(&reader.app, "tetrascience", TRAIL_CSV);
    import(&reader.app, "tetrascience", LOG_JSON);
    for query in [
        "take=0",
        "take=1001",
        "take=x",
        "skip=-1",
        "skip=1000001",
        "format=xml",
        "from=today",
        "to=2025-13-01",
        "colour=red",
        "take=1&take=1",
        "changeReason=--",
        "actor=%ff",
    ] {
        refusal(&reader.get(&format!("{TRAIL}?{query}")).await, 400);
        refusal(&reader.get(&format!("{LOG}?{query}")).await, 400);
    }
    for query in
        ["queryId=x", "queryId=ZGE", "next=x", "next=n0-0&skip=1", "sortDirection=up", "max=0"]
    {
        refusal(&reader.get(&format!("{LOG}?{query}")).await, 400);
    }
    let long = format!("actor={}", "a".repeat(5_000));
    refusal(&reader.get(&format!("{TRAIL}?{long}")).await, 400);
    refusal(&ask(&reader.app, TRAIL, &[]).await, 401);
    refusal(&ask(&reader.app, TRAIL, &[("ts-auth-token", "x")]).await, 401);
    let blind = reader.app.token(Some("lab"), &[Scope::Append]);
    refusal(&ask(&reader.app, LOG, &[("ts-auth-token", &blind)]).await, 403);
    refusal(&ask(&reader.app, "/tetrascience/v1/users", &[]).await, 404);
}

//! Finding, counting, exporting.

use axum::http::StatusCode;
use serde_json::Value;

use crate::app::{TestApp, event};

fn indexes(page: &Value) -> Vec<u64> {
    let events = page["events"].as_array().unwrap();
    events.iter().map(|event| event["index"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn filters_words_ranges_and_orders_find_events() {
    let app = TestApp::new();
    app.fill(30).await;
    let check = async |query: &str, expected: &[u64]| {
        let answer = app.get(&format!("/api/v1/trails/lab/events?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        assert_eq!(indexes(&answer.json()), expected, "{query}");
    };
    check("actor=u1&limit=3", &[25, 22, 19]).await;
    check("q=outcome:failure", &[23, 13, 3]).await;
    check("q=%22run+7%22", &[7]).await;
    check("from=2026-11-05&to=2026-11-07", &[5, 4]).await;
    check("order=first_recorded&limit=2", &[0, 1]).await;
    check("action=create&actor=u1", &[]).await;
    check("q=index:5..7", &[6, 5]).await;
}

#[tokio::test]
async fn a_value_that_a_field_never_has_is_a_bad_question() {
    let app = TestApp::new();
    app.fill(5).await;
    for (query, parameter, said) in [
        ("q=outcome:maybe", "q", "`outcome` is success, failure, denied or unknown, not `maybe`"),
        ("status=maybe", "status", "`outcome` is success, failure, denied or unknown, not `maybe`"),
        ("kind=deletes", "kind", "permission, export or other, not `deletes`"),
    ] {
        for resource in ["events", "count", "facets?fields=action", "export?format=csv"] {
            let mark = if resource.contains('?') { '&' } else { '?' };
            let answer = app.get(&format!("/api/v1/trails/lab/{resource}{mark}{query}")).await;
            let problem = answer.problem("invalid-query");
            let error = &problem["errors"][0];
            assert_eq!(error["parameter"], parameter, "{resource} {query}");
            assert!(error["message"].as_str().unwrap().contains(said), "{error}");
            assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
        }
    }
    let found = app.get("/api/v1/trails/lab/events?q=outcome:f*").await.json();
    assert_eq!(indexes(&found), [3]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let app = TestApp::new();
    app.fill(25).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path =
            format!("/api/v1/trails/lab/events?limit=7&order=first_recorded&cursor={cursor}");
        let page = app.get(&path).await.json();
        seen.extend(indexes(&page));
        assert_eq!(page["projected_size"], 25);
        assert_eq!(page["committed_size"], 25);
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_reader_can_wait_for_its_own_event() {
    let app = TestApp::new();
    app.append(event(0)).await;
    let page = app.get("/api/v1/trails/lab/events?at_least=0").await.json();
    assert_eq!(indexes(&page), [0]);
    let options = server::AppOptions {
        wait_max: std::time::Duration::from_millis(50),
        ..server::AppOptions::new()
    };
    let app = TestApp::with(options, |_| {});
    let late = app.get("/api/v1/trails/lab/events?at_least=0").await;
    late.problem("search-behind");
    assert_eq!(late.header("retry-after"), "1");
}

#[tokio::test]
async fn counts_facets_and_bars_agree() {
    let app = TestApp::new();
    app.fill(30).await;
    let count = app.get("/api/v1/trails/lab/count?actor=u1").await.json();
    assert_eq!(count["count"], 10);
    let facets = app.get("/api/v1/trails/lab/facets?fields=actor.id,outcome&top=2").await.json();
    assert_eq!(facets["count"], 30);
    assert_eq!(facets["facets"][0]["distinct"], 3);
    assert_eq!(facets["facets"][0]["values"][0]["count"], 10);
    assert_eq!(facets["facets"][1]["values"][0]["value"], "success");
    let path =
        "/api/v1/trails/lab/histogram?interval=day&split=outcome&from=2026-11-01&to=2026-12-01";
    let bars = app.get(path).await.json();
    let buckets = bars["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 30);
    let sum: u64 = buckets.iter().map(|bar| bar["count"].as_u64().unwrap()).sum();
    assert_eq!(sum, 30);
    assert_eq!(buckets[3]["by"]["failure"], 1);
    let suited = app.get("/api/v1/trails/lab/histogram").await.json();
    assert_eq!(suited["interval"], "day");
    let empty = app.get("/api/v1/trails/lab/histogram?action=nothing").await.json();
    assert_eq!(empty["buckets"].as_array().unwrap().len(), 0);
    let long = "/api/v1/trails/lab/histogram?interval=minute&from=2000-01-01&to=2026-01-01";
    app.get(long).await.problem("invalid-parameter");
    app.get("/api/v1/trails/lab/facets?fields=colour").await.problem("invalid-parameter");
    app.get("/api/v1/trails/lab/facets").await.problem("invalid-parameter");
}

#[tokio::test]
async fn the_history_of_a_thing_begins_at_its_beginning() {
    let app = TestApp::new();
    app.fill(21).await;
    let path = "/api/v1/trails/lab/history?target_type=sample&target_id=S-3";
    assert_eq!(indexes(&app.get(path).await.json()), [3, 10, 17]);
    app.get("/api/v1/trails/lab/history?target_id=S-3").await.problem("invalid-parameter");
}

#[tokio::test]
async fn an_export_holds_every_event_that_is_meant_in_order() {
    let app = TestApp::new();
    app.fill(2_500).await;
    // What search does not know yet is exported all the same.
    app.append(event(2_500)).await;
    let all = app.get("/api/v1/trails/lab/export?format=jsonl").await;
    assert_eq!(all.header("content-type"), "application/x-ndjson");
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap();
    let seen: Vec<u64> = all.text().lines().map(read).collect();
    assert_eq!(seen, (0..2_501).collect::<Vec<u64>>());
    // Rare enough to be looked up, and frequent enough to be scanned for.
    for (query, step) in [("q=%22run+77%22", 0), ("actor=u1", 3)] {
        let some = app.get(&format!("/api/v1/trails/lab/export?format=csv&{query}")).await;
        assert!(some.header("content-disposition").contains("lab.csv"));
        let mut reader = csv::Reader::from_reader(some.text().as_bytes());
        let rows: Vec<u64> =
            reader.records().map(|row| row.unwrap().get(0).unwrap().parse().unwrap()).collect();
        let expected: Vec<u64> =
            if step == 0 { vec![77] } else { (1..2_501).step_by(step).collect() };
        assert_eq!(rows, expected, "{query}");
    }
    app.get("/api/v1/trails/lab/export").await.problem("invalid-parameter");
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let app = TestApp::new();
    app.fill(50).await;
    for (encoding, path) in
        [("gzip", "/api/v1/trails/lab/events"), ("zstd", "/api/v1/trails/lab/export?format=csv")]
    {
        let plain = app.get(path).await;
        let request = app
            .request(axum::http::Method::GET, path)
            .header("accept-encoding", encoding)
            .body(axum::body::Body::empty())
            .unwrap();
        let packed = app.send(request).await;
        assert_eq!(packed.header("content-encoding"), encoding);
        let unpacked = match encoding {
            "gzip" => {
                let mut out = Vec::new();
                let mut reader = flate2::read::GzDecoder::new(packed.body.as_slice());
                std::io::Read::read_to_end(&mut reader, &mut out).unwrap();
                out
            }
            _ => zstd::decode_all(packed.body.as_slice()).unwrap(),
        };
        assert_eq!(unpacked, plain.body);
    }
}

//! Reading single events, status, proofs, figures.

use axum::http::StatusCode;
use tlog::{ConsistencyProof, Hash, TreeSize};

use crate::app::{TestApp, event};

#[tokio::test]
async fn an_event_can_be_read_as_soon_as_it_is_acknowledged() {
    let app = TestApp::new();
    app.append(event(0)).await;
    let read = app.get("/api/v1/trails/lab/events/0").await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(read.text().starts_with(r#"{"index":0,"v":1,"recorded_at":"#), "{}", read.text());
    assert_eq!(read.json()["params"]["note"], "run 0");
    assert_eq!(read.header("cache-control"), "no-store");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_status_says_how_far_the_trail_is() {
    let app = TestApp::new();
    app.fill(3).await;
    app.append(event(3)).await;
    let status = app.get("/api/v1/trails/lab/status").await.json();
    assert_eq!(status["committed_size"], 4);
    assert_eq!(status["published_size"], 3);
    assert_eq!(status["origin"], "audit.example.org/lab");
    assert!(status["checkpoint"].as_str().unwrap().starts_with("audit.example.org/lab\n3\n"));
    assert!(status["verifier_key"].as_str().unwrap().starts_with("audit.example.org/lab+"));
}

#[tokio::test]
async fn one_tree_is_proved_to_extend_another() {
    let app = TestApp::new();
    app.fill(5).await;
    let slug = registry::Slug::parse("lab").unwrap();
    let trail = app.instance.trail(&slug).unwrap().trail.clone();
    let before = trail.published();
    app.fill(300).await;
    let after = trail.published();
    let proof = app.get("/api/v1/trails/lab/proof/consistency?from=5&to=300").await.json();
    let hashes = proof["hashes"].as_array().unwrap();
    let hashes = hashes.iter().map(|hash| Hash::parse_base64(hash.as_str().unwrap()).unwrap());
    let proof = ConsistencyProof { hashes: hashes.collect() };
    let (old, new) = (
        (TreeSize::new(5), before.checkpoint.root()),
        (TreeSize::new(300), after.checkpoint.root()),
    );
    proof.verify(old.0, old.1, new.0, new.1).unwrap();
    for bad in ["", "?from=6&to=5", "?from=1&to=301", "?from=x"] {
        let path = format!("/api/v1/trails/lab/proof/consistency{bad}");
        app.get(&path).await.problem("invalid-parameter");
    }
}

#[tokio::test]
async fn figures_and_health_are_told() {
    let app = TestApp::new();
    app.append(event(0)).await;
    app.append(event(0)).await;
    app.append("{").await;
    let figures = app.get("/metrics").await;
    assert_eq!(figures.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "indelible_events_recorded_total 1",
        "indelible_events_replayed_total 1",
        "indelible_problems_total{code=\"malformed-json\"} 1",
        "indelible_append_seconds_count 2",
        "indelible_appends_waiting 0",
    ] {
        assert!(figures.text().lines().any(|other| other == line), "{line}\n{}", figures.text());
    }
    assert_eq!(app.get_anonymously("/livez").await.status, StatusCode::OK);
    assert_eq!(app.get_anonymously("/readyz").await.status, StatusCode::OK);
    app.service.app().begin_stop();
    assert_eq!(app.get_anonymously("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.get_anonymously("/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let app = TestApp::new();
    let send = async |id: &str| {
        let request = app.request(axum::http::Method::GET, "/livez").header("x-request-id", id);
        let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(send("abc-7").await, "abc-7");
    let made = send(&"x".repeat(129)).await;
    assert_ne!(made, send("with space").await);
    assert!(!app.append(event(0)).await.header("x-request-id").is_empty());
}

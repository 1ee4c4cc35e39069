//! Appending: receipts, ids, replays, conflicts, forms of the body.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::{TestApp, event};

#[tokio::test]
async fn an_appended_event_has_a_receipt_that_verifies() {
    let app = TestApp::new();
    let answer = app.append(event(0)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let body = answer.json();
    assert_eq!(body["trail"], "lab");
    assert_eq!(body["receipts"][0]["index"], 0);
    assert_eq!(body["receipts"][0]["id"], "e0");
    assert_eq!(body["receipts"][0]["replayed"], false);
    let early = app.get("/api/v1/trails/lab/events/0/receipt").await;
    early.problem("not-published");
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert_eq!(early.header("retry-after"), "1");
    app.settle();
    let receipt = app.get("/api/v1/trails/lab/events/0/receipt").await;
    assert_eq!(receipt.status, StatusCode::OK, "{}", receipt.text());
    let receipt = tlog::Receipt::parse(receipt.text()).unwrap();
    let (entry, _) = trail::receipt_extra(receipt.extra.as_deref().unwrap()).unwrap();
    let leaf = tlog::leaf_hash(entry.as_bytes());
    assert_eq!(body["receipts"][0]["leaf_hash"], leaf.to_string());
    let slug = registry::Slug::parse("lab").unwrap();
    let keys = [app.instance.trail(&slug).unwrap().trail.verifier()];
    let checkpoint = receipt.verify(leaf, &keys, Some("audit.example.org/lab")).unwrap();
    assert_eq!(checkpoint.size().get(), 1);
    assert!(entry.contains(r#""received":{"via":"api"}"#), "{entry}");
}

#[tokio::test]
async fn one_array_and_lines_are_the_same_to_it() {
    let app = TestApp::new();
    app.append(event(0)).await;
    let array = app.append(format!("[{},{}]", event(1), event(2))).await;
    let lines = app
        .request(Method::POST, "/api/v1/trails/lab/events")
        .header("content-type", "application/x-ndjson")
        .body(Body::from(format!("{}\n\n{}\n", event(3), event(4))))
        .unwrap();
    let lines = app.send(lines).await;
    let indexes = |body: serde_json::Value| {
        let list = body["receipts"].as_array().unwrap().clone();
        list.iter().map(|receipt| receipt["index"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(indexes(array.json()), [1, 2]);
    assert_eq!(indexes(lines.json()), [3, 4]);
}

#[tokio::test]
async fn gzip_and_zstd_bodies_are_read() {
    let app = TestApp::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(event(0).as_bytes()).unwrap();
    let zstd = zstd::encode_all(event(1).as_bytes(), 1).unwrap();
    for (encoding, bytes) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        let request = app
            .request(Method::POST, "/api/v1/trails/lab/events")
            .header("content-encoding", encoding)
            .body(Body::from(bytes))
            .unwrap();
        let answer = app.send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_retry_never_makes_a_duplicate() {
    let app = TestApp::new();
    let first = app.append(event(0)).await.json();
    let again = app.append(event(0)).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json()["receipts"][0]["replayed"], true);
    assert_eq!(again.json()["receipts"][0]["leaf_hash"], first["receipts"][0]["leaf_hash"]);
    let some = app.append(format!("[{},{}]", event(0), event(1))).await;
    assert_eq!(some.status, StatusCode::CREATED);
    assert_eq!(some.header("idempotent-replayed"), "");
    assert_eq!(some.json()["receipts"][1]["index"], 1);
}

#[tokio::test]
async fn another_event_with_the_same_id_is_a_conflict() {
    let app = TestApp::new();
    app.append(event(0)).await;
    let other = event(0).replace("create", "destroy");
    let answer = app.append(format!("[{},{other}]", event(5))).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let problem = answer.problem("id-conflict");
    assert_eq!(problem["index"], 0);
    assert_eq!(problem["errors"][0]["position"], 1);
    let page = app.get("/api/v1/trails/lab/status").await.json();
    assert_eq!(page["committed_size"], 1, "nothing of the request was recorded");
}

#[tokio::test]
async fn without_an_id_the_key_and_the_position_are_the_id() {
    let app = TestApp::new();
    let nameless = event(0).replace(r#""id":"e0","#, "");
    let send = async |key: Option<&str>| {
        let mut request = app.request(Method::POST, "/api/v1/trails/lab/events");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        app.send(request.body(Body::from(nameless.clone())).unwrap()).await
    };
    assert_eq!(send(Some("batch-7")).await.json()["receipts"][0]["id"], "batch-7:0");
    assert_eq!(send(Some("batch-7")).await.status, StatusCode::OK);
    assert_eq!(send(Some("batch-8")).await.json()["receipts"][0]["index"], 1);
    let made = send(None).await.json();
    assert_eq!(made["receipts"][0]["id"].as_str().unwrap().len(), 36, "a UUID");
    assert_eq!(send(None).await.json()["receipts"][0]["index"], 3, "a blind retry doubles");
    send(Some("a b")).await.problem("invalid-parameter");
}

#[tokio::test]
async fn one_bad_event_does_not_block_a_forwarder() {
    let app = TestApp::new();
    app.append(event(0)).await;
    let different = event(0).replace("create", "destroy");
    let unknown = event(7).replace("{\"id\"", "{\"colour\":1,\"id\"");
    let body = format!("[{},{unknown},{different},{},{}]", event(1), event(2), event(0));
    let all = app.append(body.clone()).await;
    assert_eq!(all.status, StatusCode::UNPROCESSABLE_ENTITY, "all or nothing");
    let each = app.post("/api/v1/trails/lab/events?atomic=false", body).await;
    assert_eq!(each.status, StatusCode::CREATED, "{}", each.text());
    let results = each.json()["results"].clone();
    assert_eq!(results[0]["index"], 1);
    assert_eq!(results[1]["problem"]["code"], "invalid-event");
    assert_eq!(results[1]["problem"]["errors"][0]["pointer"], "/colour");
    assert_eq!(results[1]["problem"]["errors"][0]["position"], 1);
    assert_eq!(results[2]["problem"]["code"], "id-conflict");
    assert_eq!(results[2]["problem"]["errors"][0]["position"], 2);
    assert_eq!(results[3]["index"], 2);
    assert_eq!(
        results[4],
        json!({"index": 0, "id": "e0", "leaf_hash": results[4]["leaf_hash"], "replayed": true})
    );
    let lines = format!("{}\n{{oops\n{}\n", event(3), event(4));
    let request = app
        .request(Method::POST, "/api/v1/trails/lab/events?atomic=false")
        .header("content-type", "application/x-ndjson")
        .body(Body::from(lines))
        .unwrap();
    let results = app.send(request).await.json()["results"].clone();
    assert_eq!(results[1]["problem"]["code"], "malformed-json");
    assert_eq!(results[2]["index"], 4);
    let none = app.post("/api/v1/trails/lab/events?atomic=false", "[{}]").await;
    assert_eq!(none.status, StatusCode::OK);
    assert_eq!(none.json()["results"][0]["problem"]["code"], "invalid-event");
}

#[tokio::test]
async fn an_append_can_wait_for_the_checkpoint() {
    let app = TestApp::new();
    app.instance.run_background();
    let answer = app.post("/api/v1/trails/lab/events?wait=published", event(0)).await.json();
    assert_eq!(answer["published"], true);
    assert_eq!(answer["published_size"], 1);
    app.append(event(1)).await;
    let receipt = app.get("/api/v1/trails/lab/events/1/receipt?wait=published").await;
    assert_eq!(receipt.status, StatusCode::OK);
    assert!(receipt.header("content-disposition").contains("lab-1.tlog-proof"));
}

#[tokio::test]
async fn what_is_too_long_for_an_entry_comes_back_in_its_place() {
    let app = TestApp::new();
    let long = "x".repeat(200_000);
    let body = event(0).replace("run 0", &long);
    assert_eq!(app.append(body).await.status, StatusCode::CREATED);
    for _ in 0..2 {
        let read = app.get("/api/v1/trails/lab/events/0").await.json();
        assert_eq!(read["params"]["note"].as_str().unwrap().len(), 200_000);
        assert_eq!(read["detached"][0]["at"], "/params");
        app.settle();
    }
}

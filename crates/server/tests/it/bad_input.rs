//! Input that is wrong, hostile or absurd: each is refused by name, and nothing is recorded.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use trail::Feed as _;

use crate::app::{TestApp, event};

/// Appends and checks the refusal: status, code, the first error's rule and pointer.
async fn check(
    app: &TestApp,
    body: impl Into<Body>,
    status: u16,
    code: &str,
    rule: &str,
    at: &str,
) {
    let answer = app.append(body).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    let problem = answer.problem(code);
    if !rule.is_empty() {
        assert_eq!(problem["errors"][0]["code"], rule, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], at, "{problem}");
        assert_eq!(problem["errors"][0]["position"], 0, "{problem}");
    }
}

fn committed(app: &TestApp) -> u64 {
    let slug = registry::Slug::parse("lab").unwrap();
    app.instance.trail(&slug).unwrap().trail.committed_size()
}

#[tokio::test]
async fn json_that_breaks_off_at_any_byte_is_refused() {
    let app = TestApp::new();
    let whole = format!("[{}]", event(0));
    for end in 1..whole.len() {
        let answer = app.append(whole[..end].to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{end}");
        let problem = answer.problem("malformed-json");
        assert!(problem["errors"][0]["offset"].as_u64().unwrap() <= end as u64);
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = 0x01;
        let answer = app.append(bytes).await;
        assert!(answer.status.is_client_error(), "a control at byte {at}: {}", answer.text());
    }
    assert_eq!(committed(&app), 0);
}

#[tokio::test]
async fn every_rule_is_named_with_its_member() {
    let app = TestApp::new();
    let good = event(0);
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let cases = [
        (swap(r#""id":"e0""#, r#""id":7"#), 422, "wrong-type", "/id"),
        (swap(r#""user""#, "[]"), 422, "wrong-type", "/actor/type"),
        (swap(r#""id":"e0""#, r#""colour":7"#), 422, "unknown-member", "/colour"),
        (swap(r#""id":"u0""#, r#""colour":7"#), 422, "unknown-member", "/actor/colour"),
        (swap(r#""id":"e0""#, r#""id":"e0","id":"e0""#), 422, "duplicate-member", "/id"),
        (
            swap(r#""id":"e0""#, r#""recorded_at":"2026-01-01T00:00:00Z""#),
            422,
            "server-member",
            "/recorded_at",
        ),
        (swap(r#""id":"e0""#, r#""index":0"#), 422, "server-member", "/index"),
        (swap(r#""id":"e0""#, r#""received":{"via":"x"}"#), 422, "server-member", "/received"),
        (swap(r#""action":"create","#, ""), 422, "required", "/action"),
        (swap(r#""action":"create""#, r#""action":null"#), 422, "empty", "/action"),
        (swap(r#""action":"create""#, r#""action":"""#), 422, "empty", "/action"),
        (swap("2026-11-01T08:00:00Z", "2026-11-01T08:00:00"), 422, "time", "/occurred_at"),
        (swap("2026-11-01T08:00:00Z", "yesterday"), 422, "time", "/occurred_at"),
        (swap("2026-11-01T08:00:00Z", "9999-11-01T08:00:00Z"), 422, "time", "/occurred_at"),
        (swap("2026-11-01T08:00:00Z", "2026-02-30T08:00:00Z"), 422, "time", "/occurred_at"),
        (swap(r#""success""#, r#""fine""#), 422, "vocabulary", "/outcome/status"),
        (swap(r#""create""#, r#""cre\u0000ate""#), 422, "control-character", "/action"),
        (swap(r#""u0""#, r#""u\n0""#), 422, "control-character", "/actor/id"),
        (swap(r#""create""#, &format!("\"{}\"", "x".repeat(5_000))), 422, "too-long", "/action"),
    ];
    for (body, status, rule, at) in cases {
        check(&app, body, status, "invalid-event", rule, at).await;
    }
    let nested = swap(r#""run 0""#, &deep);
    let problem = app.append(nested).await.problem("invalid-event");
    assert_eq!(problem["errors"][0]["code"], "too-deep");
    let both = format!("[{},{}]", good.replace("create", ""), good.replace("\"success\"", "1"));
    let problem = app.append(both).await.problem("invalid-event");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "all faults are named at once");
    assert_eq!(problem["errors"][1]["position"], 1);
    check(&app, "7", 422, "invalid-event", "wrong-type", "").await;
    app.append("[]").await.problem("invalid-event");
    assert_eq!(committed(&app), 0);
}

#[tokio::test]
async fn what_is_not_unicode_is_refused() {
    let app = TestApp::new();
    let mut bytes = event(0).into_bytes();
    let at = 8;
    bytes[at] = 0xFF;
    let problem = app.append(bytes).await.problem("malformed-json");
    assert_eq!(problem["errors"][0]["offset"], at as u64);
    for surrogate in [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud83d\ud83d"] {
        let answer = app.append(event(0).replace("run 0", surrogate)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{surrogate}: {}", answer.text());
        answer.problem("malformed-json");
    }
    let pair = app.append(event(0).replace("run 0", r"\ud83d\ude00")).await;
    assert_eq!(pair.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_is_too_large_is_told_the_limit() {
    let app = TestApp::new();
    let long = event(0).replace("run 0", &"x".repeat(9 * 1024 * 1024));
    let problem = app.append(long).await.problem("too-large");
    assert_eq!(problem["limit"], 8 * 1024 * 1024);
    let problem = app.append(vec![b' '; 33 * 1024 * 1024]).await.problem("too-large");
    assert_eq!(problem["limit"], 32 * 1024 * 1024);
    assert_eq!(problem["unit"], "bytes");
    let minimal = r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"s"},"action":"a"}"#;
    for atomic in ["true", "false"] {
        let many = format!("[{}]", vec![minimal; 100_000].join(","));
        let path = format!("/api/v1/trails/lab/events?atomic={atomic}");
        let problem = app.post(&path, many).await.problem("too-large");
        assert_eq!(problem["limit"], 50_000);
        assert_eq!(problem["unit"], "events");
    }
    assert_eq!(committed(&app), 0);
}

#[tokio::test]
async fn a_decompression_bomb_does_no_harm() {
    let app = TestApp::new();
    let zeros = vec![b' '; 64 * 1024 * 1024];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(zeros.as_slice(), 19).unwrap();
    assert!(zstd.len() < 10_000 && gzip.len() < 100_000);
    let cut = gzip[..gzip.len() * 3 / 4].to_vec();
    let small = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(event(0).as_bytes()).unwrap();
        let mut bytes = encoder.finish().unwrap();
        bytes.truncate(bytes.len() - 9);
        bytes
    };
    for (encoding, bytes, code) in [
        ("gzip", gzip, "too-large"),
        ("zstd", zstd, "too-large"),
        ("gzip", cut, "too-large"),
        ("gzip", small, "malformed-body"),
        ("gzip", event(0).into_bytes(), "malformed-body"),
        ("zstd", event(0).into_bytes(), "malformed-body"),
        ("br", event(0).into_bytes(), "unsupported-encoding"),
        ("gzip, gzip", event(0).into_bytes(), "unsupported-encoding"),
    ] {
        let request = app
            .request(Method::POST, "/api/v1/trails/lab/events")
            .header("content-encoding", encoding)
            .body(Body::from(bytes))
            .unwrap();
        app.send(request).await.problem(code);
    }
    assert_eq!(committed(&app), 0);
    assert_eq!(app.append(event(0)).await.status, StatusCode::CREATED, "and it goes on");
}

#[tokio::test]
async fn types_and_parameters_that_are_not_known_are_refused() {
    let app = TestApp::new();
    for kind in ["text/plain", "application/xml", "application/json; charset=latin-1", "x"] {
        let request = app
            .request(Method::POST, "/api/v1/trails/lab/events")
            .header("content-type", kind)
            .body(Body::from(event(0)))
            .unwrap();
        app.send(request).await.problem("unsupported-media-type");
    }
    for query in ["atomic=1", "wait=now", "colour=red", "atomic=true&atomic=true", "a=%ff"] {
        let path = format!("/api/v1/trails/lab/events?{query}");
        app.post(&path, event(0)).await.problem("invalid-parameter");
    }
    for (query, code) in [
        ("limit=0", "invalid-parameter"),
        ("limit=1001", "invalid-parameter"),
        ("cursor=x", "invalid-cursor"),
        ("order=up", "invalid-parameter"),
        ("q=action:(a", "invalid-query"),
        ("from=now", "invalid-query"),
        ("colour=red", "invalid-parameter"),
    ] {
        app.get(&format!("/api/v1/trails/lab/events?{query}")).await.problem(code);
    }
    for index in ["x", "-1", "00", "+1", "18446744073709551616", "7"] {
        let answer = app.get(&format!("/api/v1/trails/lab/events/{index}")).await;
        answer.problem("no-such-event");
    }
    let request = app
        .request(Method::GET, "/api/v1/trails/lab/events")
        .header("accept", "text/html")
        .body(Body::empty())
        .unwrap();
    app.send(request).await.problem("not-acceptable");
}

#[tokio::test]
async fn an_unknown_path_or_method_is_a_problem_too() {
    let app = TestApp::new();
    app.get("/api/v1/nothing").await.problem("no-such-resource");
    let request = app.request(Method::PUT, "/api/v1/trails/lab/events").body(Body::empty());
    let answer = app.send(request.unwrap()).await;
    answer.problem("method-not-allowed");
    let allow = answer.header("allow");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn a_full_disk_is_507_and_what_is_recorded_stays_readable() {
    // As if less were free than is kept in reserve.
    let app = TestApp::with(server::AppOptions::new(), |options| options.reserve_bytes = u64::MAX);
    let answer = app.append(event(0)).await;
    assert_eq!(answer.status.as_u16(), 507);
    answer.problem("disk-full");
    assert_eq!(answer.header("retry-after"), "10");
    assert_eq!(app.get("/api/v1/trails/system/events/0").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_clock_that_leaps_ahead_stops_appends() {
    let app = TestApp::new();
    assert_eq!(app.append(event(0)).await.status, StatusCode::CREATED);
    app.clock.leap(2 * 3_600_000_000);
    app.append(event(1)).await.problem("clock-untrusted");
    app.clock.leap(-2 * 3_600_000_000);
    assert_eq!(app.append(event(1)).await.status, StatusCode::CREATED);
}

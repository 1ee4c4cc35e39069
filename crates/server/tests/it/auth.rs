//! Tokens: what is refused, and that a refusal tells nothing.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use registry::Scope;
use trail::Feed as _;

use crate::app::{NOON, TestApp, event};

#[tokio::test]
async fn no_token_can_tell_what_a_check_found() {
    let app = TestApp::new();
    let told =
        r#"{"published_size":0,"committed_size":0,"checked":0,"problems":0,"first_problems":[]}"#;
    let request = app
        .request(Method::POST, "/api/v1/trails/lab/checks")
        .header("content-type", "application/json")
        .body(told.into())
        .unwrap();
    app.send(request).await.problem("forbidden");
    assert_eq!(app.instance.last_check(&registry::Slug::parse("lab").unwrap()), None);
}

#[tokio::test]
async fn a_missing_or_wrong_token_is_401_whatever_is_asked_for() {
    let app = TestApp::new();
    let mut forged = app.token.clone();
    forged.replace_range(forged.len() - 2.., "__");
    let values = [
        None,
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer idl_"),
        Some("Basic YTpi"),
        Some("Bearer idl_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ];
    let forged = format!("Bearer {forged}");
    for value in values.into_iter().chain([Some(forged.as_str())]) {
        let mut bodies = Vec::new();
        for path in [
            "/api/v1/trails/lab/events",
            "/api/v1/trails/nowhere/events",
            "/api/v1/trails/lab/events/0",
            "/api/v1/trails",
            "/api/v1/tokens",
            "/trails/lab/checkpoint",
            "/trails/nowhere/checkpoint",
            "/trails/lab/tile/0/000.p/1",
            "/trails/nowhere/tile/0/000.p/1",
            "/metrics",
        ] {
            let mut request = Request::get(path);
            if let Some(value) = value {
                request = request.header("authorization", value);
            }
            let answer = app.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {value:?}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            answer.problem("unauthenticated");
            bodies.push(answer.body);
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[tokio::test]
async fn a_token_of_one_trail_cannot_tell_whether_others_exist() {
    let mut app = TestApp::new();
    app.token = app.token(Some("lab"), &[Scope::Read]);
    for (exists, not) in [
        ("/api/v1/trails/system/events", "/api/v1/trails/nowhere/events"),
        ("/api/v1/trails/access/status", "/api/v1/trails/..%2flab/status"),
        ("/trails/system/tile/0/000.p/1", "/trails/nowhere/tile/0/000.p/1"),
        ("/trails/system/checkpoint", "/trails/nowhere/checkpoint"),
    ] {
        let (exists, not) = (app.get(exists).await, app.get(not).await);
        assert_eq!(exists.status, StatusCode::FORBIDDEN);
        assert_eq!(exists.body, not.body);
        exists.problem("forbidden");
    }
    for slug in ["lab", "system", "nowhere"] {
        let answer = app.post(&format!("/api/v1/trails/{slug}/events"), event(0)).await;
        answer.problem("forbidden");
    }
    let list = app.get("/api/v1/trails").await.json();
    assert_eq!(list["trails"].as_array().unwrap().len(), 1);
    app.get("/api/v1/tokens").await.problem("forbidden");
    app.post("/api/v1/trails", r#"{"slug":"mine"}"#).await.problem("forbidden");
}

#[tokio::test]
async fn a_token_for_all_trails_is_told_that_there_is_none() {
    let app = TestApp::new();
    for path in ["nowhere", "..", "%2e%2e", "LAB", "lab%00", "-", "a%2fb", "lab%20"] {
        let answer = app.get(&format!("/api/v1/trails/{path}/events")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let answer = app.post(&format!("/api/v1/trails/{path}/events"), event(0)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let long = "a".repeat(5_000);
    app.get(&format!("/api/v1/trails/{long}/events")).await.problem("no-such-trail");
}

#[tokio::test]
async fn scopes_are_kept_apart() {
    let mut app = TestApp::new();
    let (append, read) = (app.token(None, &[Scope::Append]), app.token(None, &[Scope::Read]));
    app.token = append;
    assert_eq!(app.append(event(0)).await.status, StatusCode::CREATED);
    app.get("/api/v1/trails/lab/events").await.problem("forbidden");
    app.get("/api/v1/trails/lab/export?format=csv").await.problem("forbidden");
    app.post("/api/v1/trails/system/events", event(0)).await.problem("forbidden");
    app.token = read;
    assert_eq!(app.get("/api/v1/trails/lab/events/0").await.status, StatusCode::OK);
    app.append(event(1)).await.problem("forbidden");
    app.get("/metrics").await.problem("forbidden");
}

#[tokio::test]
async fn a_revocation_binds_before_it_is_answered() {
    let mut app = TestApp::new();
    let body = r#"{"label":"ci","trail":"lab","scopes":["append"]}"#;
    let made = app.post("/api/v1/tokens", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let admin = std::mem::replace(&mut app.token, made["token"].as_str().unwrap().to_owned());
    assert_eq!(app.append(event(0)).await.status, StatusCode::CREATED);
    let ci = std::mem::replace(&mut app.token, admin);
    let list = app.get("/api/v1/tokens").await;
    assert!(!list.text().contains(&ci), "a secret is shown once");
    let path = format!("/api/v1/tokens/{}?reason=left", made["id"].as_str().unwrap());
    let request = app.request(Method::DELETE, &path).body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.status, StatusCode::NO_CONTENT);
    // Once more is answered alike, and is no second event.
    let system = registry::Slug::parse("system").unwrap();
    let system = app.instance.trail(&system).unwrap().trail.clone();
    let size = system.committed_size();
    let shown = app.get("/api/v1/tokens").await.json();
    let request = app.request(Method::DELETE, &path).body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.status, StatusCode::NO_CONTENT);
    assert_eq!(system.committed_size(), size);
    assert_eq!(app.get("/api/v1/tokens").await.json(), shown);
    let unknown = app.request(Method::DELETE, "/api/v1/tokens/000000000000");
    app.send(unknown.body(Body::empty()).unwrap()).await.problem("no-such-resource");
    app.token = ci;
    app.append(event(1)).await.problem("unauthenticated");
}

#[tokio::test]
async fn a_token_that_would_be_over_when_it_is_made_is_refused() {
    let app = TestApp::new();
    let now = ::event::format_micros(NOON);
    for past in ["2020-01-01T00:00:00Z", now.as_str()] {
        let body = format!(r#"{{"scopes":["read"],"expires_at":"{past}"}}"#);
        let problem = app.post("/api/v1/tokens", body).await.problem("invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], "/expires_at");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("name a later time"), "{message}");
    }
    let later = ::event::format_micros(NOON + 1);
    let body = format!(r#"{{"scopes":["read"],"expires_at":"{later}"}}"#);
    assert_eq!(app.post("/api/v1/tokens", body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn who_read_what_and_who_was_refused_is_on_the_access_trail() {
    let mut app = TestApp::new();
    app.fill(3).await;
    app.get("/api/v1/trails/lab/events?q=action:create").await;
    app.get("/api/v1/trails/lab/export?format=csv&actor=u1").await;
    let admin = app.token(Some("lab"), &[Scope::Append]);
    let admin = std::mem::replace(&mut app.token, admin);
    app.get("/api/v1/trails/lab/events/1").await.problem("forbidden");
    app.token = admin;
    let access = registry::Slug::parse("access").unwrap();
    let mut sizes = app.instance.trail(&access).unwrap().trail.committed_sizes();
    sizes.wait_for(|size| *size >= 3).await.unwrap();
    let recorded = app.instance.trail(&access).unwrap().trail.read(0, 10).unwrap();
    let texts: Vec<String> = recorded.iter().map(trail::Recorded::to_json).collect();
    let has = |pieces: &[&str]| {
        let found = texts.iter().any(|text| pieces.iter().all(|piece| text.contains(piece)));
        assert!(found, "{pieces:?} in {texts:#?}");
    };
    has(&[r#""action":"search""#, "action:create", r#""id":"lab""#]);
    has(&[r#""action":"export""#, "actor:u1", "csv"]);
    has(&[r#""action":"refuse""#, r#""status":"denied""#]);
    assert!(!texts.concat().contains("idl_"), "no secret is recorded");
}

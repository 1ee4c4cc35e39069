//! Trails and tokens over HTTP.

use axum::http::StatusCode;

use crate::app::{TestApp, event};

#[tokio::test]
async fn a_trail_is_made_once_and_can_be_used_at_once() {
    let app = TestApp::new();
    let made = app.post("/api/v1/trails", r#"{"slug":"plant-7"}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json()["origin"], "audit.example.org/plant-7");
    assert_eq!(made.header("location"), "/api/v1/trails/plant-7/status");
    let answer = app.post("/api/v1/trails/plant-7/events", event(0)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    app.post("/api/v1/trails", r#"{"slug":"plant-7"}"#).await.problem("trail-exists");
    app.post("/api/v1/trails", r#"{"slug":"system"}"#).await.problem("trail-exists");
    let list = app.get("/api/v1/trails").await.json();
    let slugs: Vec<_> =
        list["trails"].as_array().unwrap().iter().map(|t| t["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["access", "lab", "plant-7", "system"]);
}

#[tokio::test]
async fn what_cannot_name_a_trail_is_refused() {
    let app = TestApp::new();
    for bad in ["", "..", "a/b", "A", "../../etc", "a b", "-", "a%2f", "\\u0000"] {
        let answer = app.post("/api/v1/trails", format!(r#"{{"slug":"{bad}"}}"#)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_eq!(answer.problem("invalid-request")["errors"][0]["pointer"], "/slug");
    }
    for bad in [r#"{"slug":"a","colour":1}"#, r#"{"slug":7}"#, "{}", "[]"] {
        app.post("/api/v1/trails", bad).await.problem("invalid-request");
    }
    app.post("/api/v1/trails", "{").await.problem("malformed-json");
    app.post("/api/v1/trails", vec![b' '; 100_000]).await.problem("too-large");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused() {
    let app = TestApp::new();
    for (bad, at) in [
        (r#"{"scopes":[]}"#, "/scopes"),
        (r#"{"scopes":["all"]}"#, "/scopes"),
        (r#"{"scopes":["read"],"trail":"../x"}"#, "/trail"),
        (r#"{"scopes":["read"],"expires_at":"soon"}"#, "/expires_at"),
        (r#"{"scopes":["read"],"label":"a\nb"}"#, "/label"),
    ] {
        let answer = app.post("/api/v1/tokens", bad).await;
        assert_eq!(answer.problem("invalid-request")["errors"][0]["pointer"], at);
    }
    let nowhere = r#"{"scopes":["read"],"trail":"nowhere"}"#;
    app.post("/api/v1/tokens", nowhere).await.problem("no-such-trail");
}

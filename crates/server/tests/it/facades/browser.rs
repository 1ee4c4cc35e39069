//! Pages of other origins: which may call a facade, and what they are told.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use server::{AppOptions, Origin};

use crate::app::{Answered, TestApp};

const OURS: &str = "https://iva.example.org";
const SEARCH: &str = "/opencga/webservices/rest/v2/studies/*/audit/search";
const LOGIN: &str = "/opencga/webservices/rest/v2/users/login";

fn app() -> TestApp {
    let origins = [OURS, "http://localhost:3000"].map(|origin| Origin::parse(origin).unwrap());
    TestApp::with(AppOptions { cors_origins: origins.to_vec(), ..AppOptions::new() }, |_| {})
}

async fn send(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)]) -> Answered {
    let request = Request::builder().method(method).uri(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.body(Body::empty()).unwrap()).await
}

/// The headers of an answer that are about origins.
fn cross_origin(answered: &Answered) -> Vec<String> {
    let names = answered.headers.keys().map(ToString::to_string);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn options_names_the_methods_and_needs_no_token() {
    let app = TestApp::new();
    for (path, methods) in [
        (SEARCH, "GET, HEAD, OPTIONS"),
        (LOGIN, "POST, OPTIONS"),
        ("/seqera/admin/audit-logs-v2/export-csv", "GET, HEAD, OPTIONS"),
        ("/tetrascience/audit-trail", "GET, HEAD, OPTIONS"),
    ] {
        let headers = [("origin", OURS), ("access-control-request-method", "GET")];
        let answered = send(&app, Method::OPTIONS, path, &headers).await;
        assert_eq!(answered.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!((answered.header("allow"), answered.text()), (methods, ""), "{path}");
        assert!(cross_origin(&answered).is_empty(), "no origin was configured");
    }
    let got = send(&app, Method::GET, SEARCH, &[("origin", OURS)]).await;
    assert!(cross_origin(&got).is_empty());
    for (path, member) in [
        (SEARCH, "/events/0/message"),
        ("/seqera/admin/audit-logs-v2", "/message"),
        ("/tetrascience/audit-trail", "/error"),
    ] {
        let other = send(&app, Method::DELETE, path, &[]).await;
        assert_eq!(other.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(other.header("allow"), "GET,HEAD,OPTIONS", "{path}");
        assert_eq!(other.header("content-type"), "application/json");
        assert!(other.json().pointer(member).is_some(), "{}", other.text());
    }
    let absent = send(&app, Method::OPTIONS, "/seqera/runs", &[]).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_of_a_configured_origin_is_told_what_it_may() {
    let app = app();
    let ask = [
        ("origin", OURS),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let before = send(&app, Method::OPTIONS, SEARCH, &ask).await;
    assert_eq!(before.status, StatusCode::NO_CONTENT);
    assert_eq!(before.header("access-control-allow-origin"), OURS);
    assert_eq!(before.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    for header in ["authorization", "ts-auth-token", "x-org-slug", "x-indelible-trail"] {
        assert!(before.header("access-control-allow-headers").contains(header), "{header}");
    }
    let bearer = format!("Bearer {}", app.token);
    let mut headers =
        vec![("origin", OURS), ("authorization", bearer.as_str()), ("x-indelible-trail", "lab")];
    let got = send(&app, Method::GET, SEARCH, &headers).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text());
    assert_eq!(got.header("access-control-allow-origin"), OURS);
    assert!(got.header("access-control-expose-headers").contains("x-request-id"));
    assert_eq!(got.header("access-control-allow-credentials"), "", "cookies are not asked for");
    // A page must be able to read a refusal, too.
    headers.truncate(1);
    let refused = send(&app, Method::GET, SEARCH, &headers).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.header("access-control-allow-origin"), OURS);
}

#[tokio::test]
async fn other_origins_and_other_paths_are_told_nothing() {
    let app = app();
    for origin in [
        "https://evil.example",
        "https://iva.example.org.evil.example",
        "http://iva.example.org",
        "https://iva.example.org:8443",
        "null",
    ] {
        let headers = [("origin", origin), ("access-control-request-method", "GET")];
        for method in [Method::OPTIONS, Method::GET] {
            let answered = send(&app, method, SEARCH, &headers).await;
            assert!(cross_origin(&answered).is_empty(), "{origin}");
            let vary: Vec<_> = answered.headers.get_all("vary").iter().collect();
            assert!(vary.iter().any(|value| *value == "origin"), "{vary:?}");
        }
    }
    for path in ["/api/v1/trails", "/trails/lab/checkpoint", "/", "/signin"] {
        let answered = send(&app, Method::GET, path, &[("origin", OURS)]).await;
        assert!(cross_origin(&answered).is_empty(), "{path}");
    }
}

//! Wrong tokens: each is on record, and however many come they neither fill the trail nor keep out
//! whoever has a right one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use registry::{ACCESS_SLUG, Slug};
use serde_json::Value;
use server::{ServeOptions, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trail::{Feed as _, Trail};

use crate::app::{Answered, TestApp, event};

/// More than any limit.
const MANY: u64 = 100;

fn access(app: &TestApp) -> Arc<Trail> {
    app.instance.trail(&Slug::parse(ACCESS_SLUG).unwrap()).unwrap().trail.clone()
}

/// The events of the `access` trail, once there are so many and no more follow.
async fn recorded(app: &TestApp, size: u64) -> Vec<Value> {
    let trail = access(app);
    let mut sizes = trail.committed_sizes();
    let come = tokio::time::timeout(Duration::from_secs(30), sizes.wait_for(|now| *now >= size));
    assert!(come.await.is_ok(), "{} of {size} events", trail.committed_size());
    // Each is recorded by a task of its own: what is too many would come about now.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(trail.committed_size(), size);
    let recorded = trail.read(0, usize::try_from(size).unwrap()).unwrap();
    recorded.iter().map(|event| serde_json::from_str(&event.to_json()).unwrap()).collect()
}

async fn send(app: &TestApp, request: Request<Body>, from: &str) -> Answered {
    let from: IpAddr = from.parse().unwrap();
    let response = app.service.answer_to(request, Some(from)).await;
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answered { status: head.status, headers: head.headers, body }
}

async fn sign_in(app: &TestApp, token: &str, from: &str) -> Answered {
    let request = Request::post("/signin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("to=/t/lab&token={token}")));
    send(app, request.unwrap(), from).await
}

#[tokio::test]
async fn sign_ins_with_wrong_tokens_are_held_up_and_a_right_one_is_not() {
    let app = TestApp::new();
    let mut answers = Vec::new();
    for _ in 0..MANY {
        answers.push(sign_in(&app, "idl_wrong", "192.0.2.7").await);
    }
    let told: u64 = 10;
    for (number, answer) in (0..).zip(&answers) {
        if number < told {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{number}");
            assert!(!answer.text().contains("right one is let in"));
        } else {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{number}");
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=30).contains(&seconds), "{seconds}");
            assert!(answer.text().contains(&format!("wait {seconds} seconds")));
            assert!(answer.text().contains("Not signed in"));
        }
    }
    // Neither who shares the address with a right token nor who comes from another waits.
    let right = sign_in(&app, &app.token, "192.0.2.7").await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text());
    let other = sign_in(&app, "idl_wrong", "192.0.2.8").await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    let events = recorded(&app, told + 2).await;
    let denied: Vec<&Value> =
        events.iter().filter(|event| event["outcome"]["status"] == "denied").collect();
    assert_eq!(denied.len(), usize::try_from(told).unwrap() + 1);
    assert_eq!(denied[0]["action"], "sign-in");
    assert_eq!(denied[0]["client"]["ip"], "192.0.2.7");
    assert!(!serde_json::to_string(&events).unwrap().contains("wrong"), "no secret is recorded");
}

#[tokio::test]
async fn wrong_tokens_are_alike_on_every_way_in() {
    let app = TestApp::new();
    let wrong = |method: Method, path: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", "Bearer idl_x")
            .body(event(0).into())
            .unwrap()
    };
    for (method, path) in [
        (Method::GET, "/api/v1/trails"),
        (Method::POST, "/api/v1/trails/lab/events"),
        (Method::GET, "/trails/lab/checkpoint"),
        (Method::GET, "/metrics"),
        (Method::GET, "/seqera/admin/audit-logs-v2"),
    ] {
        let answer = send(&app, wrong(method, path), "192.0.2.7").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let login = Request::post("/opencga/webservices/rest/v2/users/login")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"user":"ana","password":"idl_x"}"#))
        .unwrap();
    assert_eq!(send(&app, login, "192.0.2.7").await.status, StatusCode::UNAUTHORIZED);
    let events = recorded(&app, 6).await;
    let mut actions: Vec<&str> =
        events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["refuse", "refuse", "refuse", "refuse", "refuse", "sign-in"]);
    assert!(events.iter().all(|event| event["client"]["ip"] == "192.0.2.7"));
    // Programs go on to be told what is wrong, however often they ask.
    for _ in 0..MANY {
        let answer = send(&app, wrong(Method::GET, "/api/v1/trails"), "192.0.2.7").await;
        answer.problem("unauthenticated");
    }
    let login = Request::post("/opencga/webservices/rest/v2/users/login")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"user":"ana","password":"idl_x"}"#))
        .unwrap();
    let held_up = send(&app, login, "192.0.2.7").await;
    assert_eq!(held_up.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(held_up.header("retry-after"), "30");
    recorded(&app, 10).await;
}

#[tokio::test]
async fn what_is_not_told_one_by_one_is_told_in_sum_after_a_minute_and_at_the_stop() {
    let app = TestApp::new();
    let options = ServeOptions::new("127.0.0.1:0".parse().unwrap());
    let server = Server::bind(app.instance.clone(), options).await.unwrap();
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(async move { drop(stopped.await) }));
    let attempt = async || {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /api/v1/trails HTTP/1.1\r\nhost: x\r\nauthorization: Bearer idl_x\r\n\
                       connection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    };
    for _ in 0..30 {
        attempt().await;
    }
    recorded(&app, 10).await;
    // Nobody comes any more, and it is told all the same.
    app.clock.pass(60_000_000);
    let events = recorded(&app, 11).await;
    let sum = events.last().unwrap();
    assert_eq!((&sum["action"], &sum["outcome"]["status"]), (&"refuse".into(), &"denied".into()));
    assert_eq!(sum["client"]["ip"], "127.0.0.1");
    assert_eq!(sum["attributes"]["count"], 20);
    assert_eq!(sum["attributes"]["addresses"][0]["count"], 20);
    assert_eq!(sum["attributes"]["from"], event::format_micros(crate::app::NOON));
    for _ in 0..5 {
        attempt().await;
    }
    recorded(&app, 13).await;
    stop.send(()).unwrap();
    ended.await.unwrap();
    let events = recorded(&app, 14).await;
    assert_eq!(events.last().unwrap()["attributes"]["count"], 3);
}

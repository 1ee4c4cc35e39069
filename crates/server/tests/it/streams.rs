//! Following a trail.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Response};
use http_body_util::BodyExt as _;

use registry::Scope;

use crate::app::{TestApp, event};

struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(app: &TestApp, query: &str, last: Option<u64>) -> Self {
        let path = format!("/api/v1/trails/lab/events/stream{query}");
        let mut request = app.request(Method::GET, &path).header("accept-encoding", "gzip");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response: Response<Body> =
            app.service.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"), "it would hold events back");
        Self { body: response.into_body(), text: String::new() }
    }

    /// Reads on until so many events have come, and gives their ids.
    async fn ids(&mut self, count: usize) -> Vec<u64> {
        loop {
            let ids: Vec<u64> = self
                .text
                .split("\n\n")
                .filter(|message| message.contains("\ndata: "))
                .map(|message| {
                    let id = message.lines().find_map(|line| line.strip_prefix("id: "));
                    id.unwrap().parse().unwrap()
                })
                .collect();
            if ids.len() >= count {
                return ids;
            }
            let next = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await;
            let data = next.unwrap().unwrap().unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_without_a_gap_after_a_break() {
    let app = TestApp::new();
    app.fill(3).await;
    let mut first = Stream::open(&app, "", None).await;
    app.append(event(3)).await;
    app.append(format!("[{},{}]", event(4), event(5))).await;
    assert_eq!(first.ids(3).await, [3, 4, 5]);
    drop(first);
    app.append(event(6)).await;
    let mut second = Stream::open(&app, "", Some(4)).await;
    assert_eq!(second.ids(2).await, [5, 6]);
    app.append(event(7)).await;
    assert_eq!(second.ids(3).await, [5, 6, 7]);
    let mut all = Stream::open(&app, "?start=first", None).await;
    assert_eq!(all.ids(8).await, (0..8).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_filter_passes_what_is_meant_and_a_heartbeat_tells_how_far_it_looked() {
    let options =
        server::AppOptions { heartbeat: Duration::from_millis(20), ..server::AppOptions::new() };
    let app = TestApp::with(options, |_| {});
    let mut stream = Stream::open(&app, "?start=first&q=actor:u1", None).await;
    app.fill(9).await;
    assert_eq!(stream.ids(3).await, [1, 4, 7]);
    while !stream.text.contains(": alive\nid: 8\n\n") {
        let frame = stream.body.frame().await.unwrap().unwrap().into_data().unwrap();
        stream.text.push_str(std::str::from_utf8(&frame).unwrap());
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_takes_its_streams_along() {
    let options =
        server::AppOptions { heartbeat: Duration::from_millis(50), ..server::AppOptions::new() };
    let app = TestApp::with(options, |_| {});
    let reader = app.token(Some("lab"), &[Scope::Read]);
    let open = || async {
        let request = Request::get("/api/v1/trails/lab/events/stream")
            .header("authorization", format!("Bearer {reader}"))
            .body(Body::empty());
        app.service.answer(request.unwrap()).await.into_body()
    };
    let (busy, quiet) = (open().await, open().await);
    let id = reader.split('_').nth(1).unwrap();
    let request = app.request(Method::DELETE, &format!("/api/v1/tokens/{id}?reason=leaked"));
    let revoked = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(revoked.status, 204);
    for (stream, recorded) in [(quiet, None), (busy, Some(event(0)))] {
        if let Some(recorded) = recorded {
            app.append(recorded).await;
        }
        let rest = tokio::time::timeout(Duration::from_secs(5), stream.collect()).await;
        let text = rest.unwrap().unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&text).contains("data:"), "nothing goes out any more");
    }
}

#[tokio::test]
async fn a_stop_ends_streams() {
    let app = TestApp::new();
    let stream = Stream::open(&app, "", None).await;
    app.service.app().begin_stop();
    let rest = tokio::time::timeout(Duration::from_secs(5), stream.body.collect()).await;
    assert!(rest.unwrap().is_ok());
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let app = TestApp::new();
    let request = app
        .request(Method::GET, "/api/v1/trails/lab/events/stream")
        .header("last-event-id", "x")
        .body(Body::empty())
        .unwrap();
    app.send(request).await.problem("invalid-parameter");
}

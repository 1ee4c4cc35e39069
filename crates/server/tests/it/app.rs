//! An application over a temporary directory, with a clock that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use registry::{Scope, Slug};
use serde_json::Value;
use server::instance::{Instance, InstanceOptions};
use server::{App, AppOptions, Service};
use tempfile::TempDir;
use trail::{Clock, Feed as _};

/// Noon of some day.
pub(crate) const NOON: i64 = 1_790_000_000_000_000;

/// Wall time that a test sets, beside monotonic time that only it moves.
#[derive(Debug)]
pub(crate) struct TestClock {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl TestClock {
    /// A clock that shows a time.
    pub(crate) fn at(micros: i64) -> Self {
        Self { wall: AtomicI64::new(micros), monotonic: AtomicI64::new(0) }
    }

    /// Sets the wall clock ahead or back; no time passes.
    pub(crate) fn leap(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::Relaxed);
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, micros: i64) {
        self.leap(micros);
        self.monotonic.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.wall.load(Ordering::Relaxed)
    }

    fn monotonic_micros(&self) -> i64 {
        self.monotonic.load(Ordering::Relaxed)
    }
}

/// One application, one trail `lab`, one token that may do everything.
pub(crate) struct TestApp {
    pub(crate) service: Service,
    pub(crate) instance: Arc<Instance>,
    pub(crate) token: String,
    _folder: TempDir,
    pub(crate) clock: Arc<TestClock>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that it is a problem of a kind, and gives it.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        let json = self.json();
        assert_eq!(json["code"], code, "{body}");
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["type"], format!("/problems/{code}"));
        json
    }
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::with(AppOptions::new(), |_| {})
    }

    pub(crate) fn with(options: AppOptions, adjust: impl FnOnce(&mut InstanceOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::at(NOON));
        let mut instance_options = InstanceOptions::new(folder.path().join("state"));
        instance_options.clock = clock.clone();
        adjust(&mut instance_options);
        let data = folder.path().join("data");
        let (instance, secret) =
            Instance::init(&data, "audit.example.org", instance_options).unwrap();
        let slug = Slug::parse("lab").unwrap();
        instance.create_trail(&slug, &Instance::operator()).unwrap();
        let service = Service::new(App::new(Arc::clone(&instance), options));
        Self { service, instance, token: secret.expose().to_owned(), _folder: folder, clock }
    }

    /// A token with these scopes.
    pub(crate) fn token(&self, trail: Option<&str>, scopes: &[Scope]) -> String {
        let trail = trail.map(|slug| Slug::parse(slug).unwrap());
        let by = Instance::operator();
        let made = self.instance.create_token("t", trail, scopes.to_vec(), None, &by);
        made.unwrap().1.expose().to_owned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.service.answer(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answered { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// Without a token.
    pub(crate) async fn get_anonymously(&self, path: &str) -> Answered {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answered {
        self.send(self.request(Method::POST, path).body(body.into()).unwrap()).await
    }

    /// Appends to `lab`.
    pub(crate) async fn append(&self, body: impl Into<Body>) -> Answered {
        self.post("/api/v1/trails/lab/events", body).await
    }

    /// Appends so many events, publishes, and makes them findable.
    pub(crate) async fn fill(&self, count: usize) {
        let events: Vec<String> = (0..count).map(event).collect();
        for run in events.chunks(10_000) {
            let answer = self.append(format!("[{}]", run.join(","))).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        }
        self.settle();
    }

    /// Publishes, and makes what is committed findable.
    pub(crate) fn settle(&self) {
        self.instance.publish_all().unwrap();
        for open in self.instance.open_trails() {
            open.projection.notify();
            let size = open.trail.committed_size();
            assert!(open.projection.wait_for(size, std::time::Duration::from_secs(90)));
        }
    }
}

/// One of many events.
pub(crate) fn event(number: usize) -> String {
    let outcome = if number % 10 == 3 { "failure" } else { "success" };
    format!(
        r#"{{"id":"e{number}","occurred_at":"2026-11-{:02}T08:00:00Z","source":{{"system":"lims"}},"actor":{{"type":"user","id":"u{}"}},"action":"{}","target":{{"type":"sample","id":"S-{}"}},"outcome":{{"status":"{outcome}"}},"params":{{"note":"run {number}"}}}}"#,
        number % 28 + 1,
        number % 3,
        ["create", "update", "delete"][number % 3],
        number % 7,
    )
}

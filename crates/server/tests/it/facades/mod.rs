//! The facades: each platform's API over the same trail, and who may use it.

mod browser;
mod opencga;
mod seqera;
mod tetrascience;

use std::io::BufReader;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use dialect::ReadOptions;
use event::{Draft, Received};
use registry::{Scope, Slug};
use serde_json::Value;
use trail::Batch;

use crate::app::{Answered, TestApp};

/// Who may read `lab` and nothing else.
struct Reader {
    app: TestApp,
    token: String,
    /// Where the facade's paths begin.
    base: &'static str,
    /// The headers that come with the token.
    headers: Vec<(&'static str, String)>,
}

impl Reader {
    fn new(base: &'static str, headers: fn(&str) -> Vec<(&'static str, String)>) -> Self {
        let app = TestApp::new();
        let token = app.token(Some("lab"), &[Scope::Read]);
        let headers = headers(&token);
        Self { app, token, base, headers }
    }

    async fn get(&self, path: &str) -> Answered {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ask(&self.app, &format!("{}{path}", self.base), &headers).await
    }
}

/// The token as a bearer's.
fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

/// The answer in JSON, if it is one.
#[track_caller]
fn json_of(answered: &Answered) -> Value {
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.text());
    assert_eq!(answered.header("content-type"), "application/json");
    answered.json()
}

/// Imports a file of a platform into `lab`.
fn import(app: &TestApp, dialect: &str, file: &'static [u8]) -> usize {
    let dialect = dialect::by_name(dialect).unwrap();
    let rows = dialect.reader(Box::new(BufReader::new(file)), &ReadOptions::default()).unwrap();
    let drafts: Vec<Draft> = rows
        .map(|row| {
            let mapped = row.result.unwrap();
            Draft::new(&mapped.event, mapped.native.as_ref(), &mut || [7; 32]).unwrap()
        })
        .collect();
    let count = drafts.len();
    let received = Received {
        via: "import".into(),
        dialect: Some(dialect.name().into()),
        ..Received::default()
    };
    let batch =
        Batch { drafts, recorded_by: "test".into(), received: Arc::new(received), atomic: true };
    let open = app.instance.trail(&Slug::parse("lab").unwrap()).unwrap();
    open.trail.append(batch).unwrap();
    app.settle();
    count
}

/// Asks with a token and other headers.
async fn ask(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answered {
    let request = Request::builder().method(Method::GET).uri(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.body(Body::empty()).unwrap()).await
}

/// Checks that the `access` trail says what was asked for through a facade.
async fn check_access(app: &TestApp, facade: &str, action: &str, question: &str) {
    let path = format!("/api/v1/trails/access/events?q=params:%22facade%20{facade}%22&limit=1000");
    let mut seen = String::new();
    // What was done is recorded behind the answer.
    for _ in 0..500 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        app.settle();
        let page = app.get(&path).await;
        let events = page.json()["events"].take();
        let is_it = |event: &Value| event["action"] == action && event["params"]["q"] == question;
        if events.as_array().unwrap().iter().any(is_it) {
            return;
        }
        seen = events.to_string();
    }
    panic!("{action} of {question} is not among {seen}");
}

//! `POST /api/v1/trails/{trail}/events`.
//!
//! The busiest route of a server: it is reached without the router's layers, and its answer is
//! written by hand.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use event::{Received, Shape};
use registry::Scope;
use tokio::time::Instant;
use trail::{Answer as Recording, Batch};

use super::parse::{Ids, Parsed, parse};
use crate::App;
use crate::app::Answer;
use crate::auth::Caller;
use crate::body::{self, REQUEST_BYTES_MAX};
use crate::instance::{self, OpenTrail};
use crate::params::Params;
use crate::problem::{Code, Problem, different};

/// Bodies above this are parsed on a thread that may take its time.
const PARSE_INLINE_BYTES: usize = 256 * 1024;

/// Events that search may be behind before appends wait for it.
const SEARCH_LAG_MAX: u64 = 10_000_000;

/// The most characters of an `Idempotency-Key`.
const KEY_CHARS_MAX: usize = 255;

/// How these events came.
static RECEIVED: LazyLock<Arc<Received<'static>>> =
    LazyLock::new(|| Arc::new(Received { via: "api".into(), ..Received::default() }));

/// What a request asks for beside its events.
#[derive(Clone, Copy, Debug)]
struct Wishes {
    atomic: bool,
    wait: bool,
}

/// The same by way of the router, for a path in another spelling.
pub(crate) async fn append_routed(
    State(app): State<App>,
    params: RawPathParams,
    request: Request<Body>,
) -> Answer {
    let slug = params.iter().next().map_or("", |(_, slug)| slug);
    append(&app, slug, request).await
}

/// Appends the events of a request.
pub(crate) async fn append(app: &App, slug: &str, request: Request<Body>) -> Answer {
    let (head, body) = request.into_parts();
    let admitted = match admit(app, slug, &head).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let Admitted { caller, open, wishes, shape, ids } = admitted;
    let body = body::collect(app, &head.headers, body, REQUEST_BYTES_MAX).await?;
    let bytes = body.bytes.len();
    let (mut parsed, share) = if bytes <= PARSE_INLINE_BYTES {
        (parse(&body.bytes, shape, &ids, wishes.atomic)?, body.into_share())
    } else {
        let work = move || {
            let parsed = parse(&body.bytes, shape, &ids, wishes.atomic)?;
            Ok::<_, Problem>((parsed, body.into_share()))
        };
        tokio::task::spawn_blocking(work).await??
    };
    let batch = Batch {
        drafts: std::mem::take(&mut parsed.drafts),
        recorded_by: caller.token().id.as_str().into(),
        received: Arc::clone(&RECEIVED),
        atomic: wishes.atomic,
    };
    let answers = record(app, &open, batch, bytes).await?;
    drop(share);
    let mut published = None;
    if wishes.wait {
        published = Some(wait_published(app, &open, &answers).await);
    }
    let summary = Summary::of(app, &answers);
    Ok(summary.respond(written(&open, &parsed, &answers, wishes.atomic, published)))
}

/// What the head of a request says.
struct Admitted {
    caller: Caller,
    open: Arc<OpenTrail>,
    wishes: Wishes,
    shape: Option<Shape>,
    ids: Ids,
}

/// Looks at a request before its body is read.
async fn admit(app: &App, slug: &str, head: &Parts) -> Result<Admitted, Problem> {
    let caller = Caller::of(app, &head.headers, &head.extensions)?;
    let open = app.open(&caller, slug, Scope::Append).await?;
    let wishes = wishes(&head.uri)?;
    let shape = shape(&head.headers)?;
    let ids = Ids { key: key(&head.headers)?, now_micros: app.instance().now_micros() };
    if open.projection.lag() > SEARCH_LAG_MAX {
        return Err(Problem::new(Code::Busy)
            .detail("search is too far behind; appends wait for it")
            .retry_after(5));
    }
    Ok(Admitted { caller, open, wishes, shape, ids })
}

async fn record(
    app: &App,
    open: &OpenTrail,
    batch: Batch,
    bytes: usize,
) -> Result<Vec<Recording>, Problem> {
    if batch.drafts.is_empty() {
        return Ok(Vec::new());
    }
    let begin = Instant::now();
    app.metrics().append_begins(bytes);
    let answers = instance::append(&open.trail, batch).await;
    app.metrics().append_ends(begin.elapsed());
    Ok(answers?)
}

fn wishes(uri: &Uri) -> Result<Wishes, Problem> {
    let mut wishes = Wishes { atomic: true, wait: false };
    if uri.query().is_some() {
        let mut params = Params::of(uri)?;
        let words = [("true", true), ("false", false)];
        wishes.atomic = params.word("atomic", &words)?.unwrap_or(true);
        wishes.wait = params.word("wait", &[("published", true)])?.unwrap_or(false);
        params.finish()?;
    }
    Ok(wishes)
}

/// The shape that the type of the body names; `None` for JSON, whose shape its text shows.
fn shape(headers: &HeaderMap) -> Result<Option<Shape>, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    if value == "application/json" {
        return Ok(None);
    }
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let shape = match parts.next() {
        Some("application/json") => None,
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => {
            Some(Shape::Lines)
        }
        _ => return Err(unsupported("send application/json or application/x-ndjson")),
    };
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    if charset.is_some_and(|charset| charset.trim_matches('"') != "utf-8") {
        return Err(unsupported("JSON is UTF-8"));
    }
    Ok(shape)
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(Code::UnsupportedMediaType).detail(detail)
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let visible = |byte: u8| (0x21..=0x7E).contains(&byte);
    if text.is_empty() || text.len() > KEY_CHARS_MAX || !text.bytes().all(visible) {
        let message = format!("has 1 to {KEY_CHARS_MAX} visible ASCII characters");
        return Err(Problem::parameter("Idempotency-Key", message));
    }
    Ok(Some(text.to_owned()))
}

/// Waits until a checkpoint covers the events, and tells whether one does.
async fn wait_published(app: &App, open: &OpenTrail, answers: &[Recording]) -> bool {
    let last = answers.iter().filter_map(|answer| match answer {
        Recording::Recorded { index, .. } => Some(*index),
        Recording::Different { .. } => None,
    });
    let Some(last) = last.max() else { return true };
    let mut sizes = open.trail.published_sizes();
    let waiting = sizes.wait_for(|size| *size > last);
    tokio::time::timeout(app.options().wait_max, waiting).await.is_ok_and(|size| size.is_ok())
}

/// What became of a request as a whole.
#[derive(Debug)]
struct Summary {
    is_new: bool,
    is_replay: bool,
}

impl Summary {
    fn of(app: &App, answers: &[Recording]) -> Self {
        let (mut recorded, mut replays) = (0, 0);
        for answer in answers {
            match answer {
                Recording::Recorded { replayed: false, .. } => recorded += 1,
                Recording::Recorded { replayed: true, .. } => replays += 1,
                Recording::Different { .. } => {}
            }
        }
        app.metrics().events(recorded, replays);
        Self { is_new: recorded > 0, is_replay: recorded == 0 && replays > 0 }
    }

    fn respond(&self, json: Vec<u8>) -> Response<Body> {
        let mut response = Response::new(Body::from(json));
        if self.is_new {
            *response.status_mut() = StatusCode::CREATED;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.is_replay {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

/// The answer: a receipt for each event, or for each either a receipt or a problem.
fn written(
    open: &OpenTrail,
    parsed: &Parsed,
    answers: &[Recording],
    atomic: bool,
    published: Option<bool>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + (parsed.refused.len() + answers.len()) * 160);
    out.extend_from_slice(b"{\"trail\":\"");
    out.extend_from_slice(open.slug.as_str().as_bytes());
    out.extend_from_slice(b"\",");
    if let Some(published) = published {
        let size = open.trail.published().checkpoint.size();
        // Writing to a vector cannot fail.
        let _ = write!(out, "\"published\":{published},\"published_size\":{size},");
    }
    out.extend_from_slice(if atomic { b"\"receipts\":[" } else { b"\"results\":[" });
    let mut refused = parsed.refused.iter().peekable();
    let mut answers = answers.iter().enumerate();
    for position in 0..parsed.refused.len() + answers.len() {
        if position > 0 {
            out.push(b',');
        }
        if let Some(fault) = refused.next_if(|(at, _)| *at == position) {
            write_problem(&mut out, &Problem::events(std::slice::from_ref(fault)));
            continue;
        }
        match answers.next() {
            Some((draft, Recording::Recorded { index, leaf_hash, replayed })) => {
                let _ = write!(out, "{{\"index\":{index},\"id\":");
                out.extend_from_slice(parsed.id_json(draft));
                let _ = write!(out, ",\"leaf_hash\":\"{leaf_hash}\",\"replayed\":{replayed}}}");
            }
            Some((_, Recording::Different { index })) => {
                write_problem(&mut out, &different(position, *index));
            }
            None => {}
        }
    }
    out.extend_from_slice(b"]}");
    out
}

fn write_problem(out: &mut Vec<u8>, problem: &Problem) {
    let _ = write!(out, "{{\"problem\":{}}}", problem.to_json());
}

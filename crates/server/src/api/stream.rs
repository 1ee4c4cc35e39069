//! `GET …/events/stream`: events as they are recorded (server-sent events).
//!
//! The id of a message is a leaf index, so that a client that comes back with `Last-Event-ID` goes
//! on without a gap. A message with an id and no data tells how far a filter has looked.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use search::Query;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use trail::{Feed as _, Recorded};

use super::question::Question;
use crate::App;
use crate::app::Answer;
use crate::auth::Caller;
use crate::call::{Call, typed};
use crate::instance::OpenTrail;
use crate::kinds::Catalogues;
use crate::params::Params;
use crate::problem::Problem;

/// Events that are read at once.
const READ_COUNT: usize = 64;

/// Pieces that wait for a slow client before reading waits too.
const PIECES_WAITING: usize = 4;

/// What stands in the message of an event.
pub(crate) type Render = dyn Fn(&OpenTrail, &Recorded) -> String + Send + Sync;

/// Follows a trail: the data are events as JSON.
pub(crate) async fn stream(call: Call) -> Answer {
    let params = call.params()?;
    follow(call, params, Arc::new(|_, recorded| recorded.to_json())).await
}

/// Follows a trail; whatever the parameters say beside the place to begin at is the question.
pub(crate) async fn follow(call: Call, mut params: Params, render: Arc<Render>) -> Answer {
    let open = call.trail().await?;
    let after = match call.headers.get("last-event-id") {
        Some(value) => {
            let index = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            let message = "is the leaf index of the last event that was received";
            Some(index.ok_or_else(|| Problem::parameter("Last-Event-ID", message))?)
        }
        None => params.number("after", 0..=u64::MAX - 1)?,
    };
    let from_start = params.word("start", &[("first", true), ("now", false)])?.unwrap_or(false);
    let question = Question::ask(&call.app, params).await?;
    let place = call.app.long_answer(&call.caller)?;
    call.record_read("stream", &open, &question.to_params());
    let next = match after {
        Some(index) => index.saturating_add(1),
        None if from_start => 0,
        None => open.trail.committed_size(),
    };
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let (app, query) = (call.app.clone(), Arc::new(question.query));
    let follower = Follower { app, caller: call.caller, open, query, render, next };
    tokio::spawn(async move {
        follower.run(sender).await;
        drop(place);
    });
    Ok(sse(receiver))
}

fn sse(receiver: mpsc::Receiver<Bytes>) -> Response<Body> {
    let frames = tokio_stream::StreamExt::map(ReceiverStream::new(receiver), |piece| {
        Ok::<_, Infallible>(Frame::data(piece))
    });
    let mut response = typed("text/event-stream", Body::new(StreamBody::new(frames)));
    // Proxies that collect answers would hold events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn write_message(out: &mut String, index: u64, data: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "id: {index}");
    for line in data.lines() {
        let _ = writeln!(out, "data: {line}");
    }
    out.push('\n');
}

struct Follower {
    app: App,
    caller: Caller,
    open: Arc<OpenTrail>,
    query: Arc<Query>,
    render: Arc<Render>,
    next: u64,
}

impl Follower {
    async fn run(mut self, sender: mpsc::Sender<Bytes>) {
        let mut sizes = self.open.trail.committed_sizes();
        let mut stopping = self.app.stopping();
        let heartbeat = self.app.options().heartbeat;
        if sender.send(Bytes::from_static(b"retry: 2000\n\n")).await.is_err() {
            return;
        }
        loop {
            while self.next < self.open.trail.committed_size() && !self.app.is_stopping() {
                let Some(piece) = self.read().await else { return };
                if !self.give(&sender, piece).await {
                    return;
                }
            }
            let next = self.next;
            // What the channels lend is let go of before anything is sent.
            let is_quiet = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = sender.closed() => return,
                size = sizes.wait_for(|size| *size > next) => match size {
                    Ok(_) => false,
                    Err(_) => return,
                },
                () = tokio::time::sleep(heartbeat) => true,
            };
            if is_quiet && !self.give(&sender, self.alive()).await {
                return;
            }
        }
    }

    /// Sends what there is; whether to go on. Who calls is looked at last: what was recorded after a
    /// token was revoked must not go out.
    async fn give(&self, sender: &mpsc::Sender<Bytes>, piece: Bytes) -> bool {
        self.caller.is_still_known(self.app.instance())
            && (piece.is_empty() || sender.send(piece).await.is_ok())
    }

    /// The next events that are meant; empty when none of those that were read is.
    async fn read(&mut self) -> Option<Bytes> {
        let (open, query, from) = (Arc::clone(&self.open), Arc::clone(&self.query), self.next);
        let render = Arc::clone(&self.render);
        let read = self.app.blocking(move || {
            let recorded = open.trail.read(from, READ_COUNT)?;
            let mut out = String::new();
            for recorded in &recorded {
                if query.matches_recorded(recorded, &Catalogues) {
                    write_message(&mut out, recorded.index, &render(&open, recorded));
                }
            }
            Ok::<_, Problem>((out, recorded.len() as u64))
        });
        match read.await {
            Ok((out, count)) => {
                self.next += count;
                Some(out.into())
            }
            Err(problem) => {
                let reason = problem.internal().unwrap_or_default();
                tracing::error!(trail = %self.open.slug, reason, "a stream ended");
                None
            }
        }
    }

    fn alive(&self) -> Bytes {
        match self.next.checked_sub(1) {
            Some(last) => format!(": alive\nid: {last}\n\n").into(),
            None => Bytes::from_static(b": alive\n\n"),
        }
    }
}

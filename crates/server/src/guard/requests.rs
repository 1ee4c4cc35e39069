//! What is under way on one HTTP/2 connection, and on whom each request waits.
//!
//! An answer waits for its client from the moment that a frame of it is given to hyper until hyper
//! asks for the next: it does so only when the client has made room for the last.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::Patience;

/// Bytes of an HTTP/2 answer that are given at once, as many as a frame has. What hyper was given
/// and the client has not taken is in no answer any more: it must not be much.
const FRAME_BYTES: usize = 16 * 1024;

/// The requests under way on one HTTP/2 connection, and what they wait for.
#[derive(Debug)]
pub(crate) struct Requests(Mutex<Waits>);

#[derive(Debug)]
struct Waits {
    /// Since when each waits for its client; `None` where it waits for us.
    each: HashMap<u64, Option<Instant>>,
    begun: u64,
    /// When the last one ended.
    none_since: Instant,
}

impl Requests {
    /// None, from now on.
    pub(crate) fn new() -> Arc<Self> {
        let waits = Waits { each: HashMap::new(), begun: 0, none_since: Instant::now() };
        Arc::new(Self(Mutex::new(waits)))
    }

    /// Another one, which waits for us.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut waits = self.lock();
        waits.begun += 1;
        let number = waits.begun;
        waits.each.insert(number, None);
        UnderWay { requests: Arc::clone(self), number, is_ours: true }
    }

    /// When the connection is over, if nothing happens until then. What began to wait earlier than
    /// `quiet_since` counts from there.
    pub(super) fn end(&self, quiet_since: Instant, patience: Patience) -> Option<Instant> {
        let waits = self.lock();
        if waits.each.is_empty() {
            return Some(waits.none_since.max(quiet_since) + patience.idle);
        }
        let oldest = waits.each.values().flatten().min()?;
        Some((*oldest).max(quiet_since) + patience.answer)
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    requests: Arc<Requests>,
    number: u64,
    is_ours: bool,
}

impl UnderWay {
    /// Keeps the request under way as long as the body of its answer.
    pub(crate) fn until_end_of(self, body: Body) -> Body {
        Body::new(Answer { body, rest: Bytes::new(), request: self })
    }

    fn waits_for_us(&mut self) {
        if !self.is_ours {
            self.is_ours = true;
            self.requests.lock().each.insert(self.number, None);
        }
    }

    fn waits_for_client(&mut self) {
        self.is_ours = false;
        self.requests.lock().each.insert(self.number, Some(Instant::now()));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut waits = self.requests.lock();
        waits.each.remove(&self.number);
        waits.none_since = Instant::now();
    }
}

/// The body of an HTTP/2 answer, frame by frame: it is asked for the next one only when the client
/// makes room for the last.
#[derive(Debug)]
struct Answer {
    body: Body,
    /// What does not fit in one frame.
    rest: Bytes,
    request: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            let next = Pin::new(&mut this.body).poll_frame(cx);
            if next.is_pending() {
                this.request.waits_for_us();
            }
            match ready!(next).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => this.rest = data,
                Some(Ok(Err(other))) => {
                    this.request.waits_for_client();
                    return Poll::Ready(Some(Ok(other)));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        this.request.waits_for_client();
        let piece = this.rest.split_to(this.rest.len().min(FRAME_BYTES));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, after) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(after.lower().saturating_add(rest));
        if let Some(upper) = after.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_connection_ends_by_its_oldest_wait_or_without_a_request() {
        let patience = Patience { idle: Duration::from_secs(30), answer: Duration::from_mins(1) };
        let begin = Instant::now();
        let requests = Requests::new();
        assert!(requests.end(begin, patience) >= Some(begin + patience.idle));
        let (mut one, mut other) = (requests.begin(), requests.begin());
        assert_eq!(requests.end(begin, patience), None, "both wait for us");
        one.waits_for_client();
        let first = requests.end(begin, patience);
        assert!(first >= Some(begin + patience.answer));
        other.waits_for_client();
        assert_eq!(requests.end(begin, patience), first, "the oldest");
        let later = begin + Duration::from_hours(1);
        assert_eq!(requests.end(later, patience), Some(later + patience.answer));
        one.waits_for_us();
        assert!(requests.end(begin, patience) >= first);
        drop(other);
        assert_eq!(requests.end(begin, patience), None);
        drop(one);
        assert_eq!(requests.end(later, patience), Some(later + patience.idle));
    }
}

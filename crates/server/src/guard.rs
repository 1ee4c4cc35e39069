//! What a connection has to show for the place that it holds.
//!
//! [`Paced`] lies around a socket, below TLS. [`Guarded`] lies around the stream that HTTP is spoken
//! on, and [`Requests`] tells it what is under way there.
//!
//! **Guarantee.** A connection fails with [`ErrorKind::TimedOut`] when its first bytes do not say in
//! time which HTTP it speaks; when nothing that is written to it goes out for long; and, with HTTP/2,
//! when it has no request for long, or does not take the answer to one. Pings change none of it.
//!
//! **Trust.** The client is not trusted to read, to write, or to go away.
//!
//! **Absent on purpose.** No bound on a request or an answer that goes on, however slowly: requests
//! have their own times, and an answer may be a stream without an end. Nothing about the headers
//! of HTTP/1 or the pauses between its requests, which hyper times itself: there is no timer here
//! for HTTP/1 unless a write is stuck.

use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How an HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of an HTTP/2 answer that are given at once, as many as a frame has. What hyper was given
/// and the client has not taken is in no answer any more: it must not be much.
const FRAME_BYTES: usize = 16 * 1024;

/// A timer that is made when it is first needed, and put off only when it has rung: most of what it
/// is set for is over by then.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether that time has come. If not, the task is woken then, or before.
    fn is_past(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        // A flood that uses up all that the task may do in one turn does not stop the clock.
        while timer.as_mut().poll(cx).is_ready() || timer.is_elapsed() {
            if timer.deadline() >= at {
                return true;
            }
            timer.as_mut().reset(at);
        }
        false
    }
}

/// A socket whose writes go on, or fail.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    socket: S,
    timeout: Duration,
    /// Since when a write waits.
    stuck: Option<Instant>,
    alarm: Alarm,
}

impl<S> Paced<S> {
    /// A socket that is given up when a write waits for so long and nothing goes out.
    pub(crate) fn new(socket: S, timeout: Duration) -> Self {
        Self { socket, timeout, stuck: None, alarm: Alarm::default() }
    }
}

impl<S: AsFd> Paced<S> {
    /// What comes of a write; `again` is the same write, asked of the system at once.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        again: impl FnOnce(&S) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let since = *self.stuck.get_or_insert_with(Instant::now);
        if !self.alarm.is_past(since + self.timeout, cx) {
            return Poll::Pending;
        }
        // The system calls a socket writable only when much of its buffer is free, megabytes
        // perhaps. A client that has read less than that has read all the same.
        Poll::Ready(match again(&self.socket) {
            Ok(count) => {
                self.stuck = None;
                Ok(count)
            }
            Err(Errno::AGAIN | Errno::INTR) => Err(ErrorKind::TimedOut.into()),
            Err(error) => Err(error.into()),
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(cx, buf)
    }
}

/// A socket has nothing to flush and is shut down at once: only writes wait.
impl<S: AsyncWrite + AsFd + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.write(cx, written, |socket| rustix::io::write(socket, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.write(cx, written, |socket| rustix::io::writev(socket, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

/// How long a connection may go on without what it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until it says which HTTP it speaks; without a request.
    pub(crate) idle: Duration,
    /// With an answer that the client does not take.
    pub(crate) answer: Duration,
}

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// So many bytes have come, all of them of the preface of HTTP/2.
    Undecided(usize),
    Http1,
    Http2,
}

impl Protocol {
    /// What it is after more bytes; none are the end.
    fn after(self, bytes: &[u8]) -> Self {
        let Self::Undecided(seen) = self else { return self };
        let rest = PREFACE.get(seen..).unwrap_or_default();
        if bytes.starts_with(rest) {
            Self::Http2
        } else if !bytes.is_empty() && rest.starts_with(bytes) {
            Self::Undecided(seen + bytes.len())
        } else {
            Self::Http1
        }
    }
}

/// A stream that HTTP is spoken on, and that fails when nothing comes of it.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    stream: S,
    patience: Patience,
    protocol: Protocol,
    requests: Arc<Requests>,
    /// Whether a write waits. How long it may is the matter of [`Paced`].
    is_full: bool,
    /// The last time that anything but a request ended: a stuck write, or the choice of a protocol.
    quiet_since: Instant,
    /// When it is next looked whether it is over. Nothing can be over before.
    look_at: Instant,
    alarm: Alarm,
}

impl<S> Guarded<S> {
    /// A stream that begins now.
    pub(crate) fn new(stream: S, patience: Patience, requests: Arc<Requests>) -> Self {
        let now = Instant::now();
        Self {
            stream,
            patience,
            protocol: Protocol::Undecided(0),
            requests,
            is_full: false,
            quiet_since: now,
            look_at: now + patience.idle,
            alarm: Alarm::default(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.protocol = self.protocol.after(bytes);
        match self.protocol {
            Protocol::Undecided(_) => {}
            Protocol::Http1 => self.alarm = Alarm::default(),
            Protocol::Http2 => self.quiet_since = Instant::now(),
        }
    }

    /// Whether it is over. If not, the task is woken to look again.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if self.protocol == Protocol::Http1 {
            return false;
        }
        while self.alarm.is_past(self.look_at, cx) {
            let now = Instant::now();
            let end = self.end();
            if end.is_some_and(|end| end <= now) {
                return true;
            }
            // Whatever begins after this look cannot be over before the next.
            let next = now + self.patience.idle.min(self.patience.answer);
            self.look_at = end.map_or(next, |end| end.min(next));
        }
        false
    }

    /// When it is over, if nothing happens until then.
    fn end(&self) -> Option<Instant> {
        match self.protocol {
            Protocol::Undecided(_) => Some(self.quiet_since + self.patience.idle),
            Protocol::Http2 if !self.is_full => self.requests.end(self.quiet_since, self.patience),
            Protocol::Http1 | Protocol::Http2 => None,
        }
    }

    /// Notes whether something that is written waits.
    fn wrote<T>(&mut self, done: Poll<T>) -> Poll<T> {
        if done.is_pending() {
            self.is_full = true;
        } else if self.is_full {
            self.is_full = false;
            self.quiet_since = Instant::now();
        }
        done
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if read.is_pending() && this.is_over(cx) {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        if read.is_ready() && matches!(this.protocol, Protocol::Undecided(_)) {
            this.hear(buf.filled().get(before..).unwrap_or_default());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.wrote(done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.wrote(done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_flush(cx);
        this.wrote(done)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

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
    fn end(&self, quiet_since: Instant, patience: Patience) -> Option<Instant> {
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
    use super::*;

    #[test]
    fn the_preface_decides_however_it_is_cut() {
        for cut in 0..PREFACE.len() {
            let (first, rest) = PREFACE.split_at(cut);
            let begun =
                if cut == 0 { Protocol::Undecided(0) } else { Protocol::Undecided(0).after(first) };
            assert_eq!(begun, Protocol::Undecided(cut));
            assert_eq!(begun.after(rest), Protocol::Http2);
            assert_eq!(begun.after(&[rest, b"more"].concat()), Protocol::Http2);
            assert_eq!(begun.after(b"X"), Protocol::Http1);
            assert_eq!(begun.after(b""), Protocol::Http1, "the end");
        }
        assert_eq!(Protocol::Undecided(0).after(b"POST / HTTP/1.1"), Protocol::Http1);
    }

    #[test]
    fn a_connection_ends_by_its_oldest_wait_or_without_a_request() {
        let patience = Patience { idle: Duration::from_secs(30), answer: Duration::from_secs(60) };
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

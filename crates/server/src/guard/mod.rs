//! What a connection has to show for the place that it holds.
//!
//! [`Paced`] lies around a socket, below TLS. [`Guarded`] lies around the stream that HTTP is
//! spoken on, and [`Requests`] tells it what is under way there.
//!
//! **Guarantee.** A connection fails with [`ErrorKind::TimedOut`] when its first bytes do not say
//! in time which HTTP it speaks; when nothing that is written to it goes out for long; and, with
//! HTTP/2, when it has no request for long, or does not take the answer to one. Pings that it sends
//! or answers change none of it.
//!
//! **Trust.** The client is not trusted to read, to write, or to go away.
//!
//! **Absent on purpose.** No bound on a request or an answer that goes on, however slowly: requests
//! have their own times, and an answer may be a stream without an end. Nothing about the headers
//! of HTTP/1 or the pauses between its requests, which hyper times itself: once a connection is
//! known to speak it, there is no timer here unless a write is stuck.

mod paced;
mod requests;

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

pub(crate) use self::paced::Paced;
pub(crate) use self::requests::Requests;

/// How an HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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

/// How long a connection may go on without what it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until it says which HTTP it speaks; without a request.
    pub(crate) idle: Duration,
    /// With an answer that the client does not take.
    pub(crate) answer: Duration,
}

impl Patience {
    fn shortest(self) -> Duration {
        self.idle.min(self.answer)
    }
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
            look_at: now + patience.shortest(),
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
            // Whatever begins after this look cannot be over before the next.
            let next = now + self.patience.shortest();
            self.look_at = self.end().map_or(next, |end| end.min(next));
            if self.look_at <= now {
                return true;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_decides_however_it_is_cut() {
        assert_eq!(Protocol::Undecided(0).after(PREFACE), Protocol::Http2);
        for cut in 1..PREFACE.len() {
            let (first, rest) = PREFACE.split_at(cut);
            let begun = Protocol::Undecided(0).after(first);
            assert_eq!(begun, Protocol::Undecided(cut));
            assert_eq!(begun.after(rest), Protocol::Http2);
            assert_eq!(begun.after(&[rest, b"more"].concat()), Protocol::Http2);
            assert_eq!(begun.after(b"X"), Protocol::Http1);
            assert_eq!(begun.after(b""), Protocol::Http1, "the end");
        }
        assert_eq!(Protocol::Undecided(0).after(b"POST / HTTP/1.1"), Protocol::Http1);
    }
}

//! A socket whose writes go on.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Alarm;

/// A socket whose writes go on, or fail.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    socket: S,
    timeout: Duration,
    /// Since when a write waits.
    stuck: Option<Instant>,
    /// Whether there was room in the system's buffer the last time that the system was asked,
    /// though it did not tell.
    has_room: bool,
    alarm: Alarm,
}

impl<S> Paced<S> {
    /// A socket that is given up when a write waits for so long and nothing goes out. What the
    /// system buffers for a client that stopped reading counts as gone out: it may take twice as
    /// long.
    pub(crate) fn new(socket: S, timeout: Duration) -> Self {
        Self { socket, timeout, stuck: None, has_room: false, alarm: Alarm::default() }
    }
}

impl<S: AsFd> Paced<S> {
    /// What comes of a write; `ask` is the same write, asked of the system at once.
    ///
    /// The system calls a socket writable only when much of its buffer is free, megabytes perhaps.
    /// A client that has read less than that has read all the same.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        ask: impl Fn(&S) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let since = *self.stuck.get_or_insert_with(Instant::now);
        while self.has_room || self.alarm.is_past(since + self.timeout, cx) {
            match ask(&self.socket) {
                Ok(count) => {
                    // All of the room is taken now: were it taken piece by piece, each after a
                    // wait, a client that stopped reading would be kept for as many waits.
                    self.has_room = true;
                    self.stuck = None;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::AGAIN | Errno::INTR) if self.has_room => self.has_room = false,
                Err(Errno::AGAIN | Errno::INTR) => {
                    return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Pending
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

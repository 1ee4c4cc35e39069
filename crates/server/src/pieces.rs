//! Files that go out as they are read, in bounded memory.
//!
//! A file that cannot be finished is cut off in the middle of its transfer, so that no client takes a
//! part for the whole.

use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::call::typed;
use crate::problem::{Code, Problem};

/// Bytes after which a piece is sent.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// Pieces that wait for a slow client before reading waits too.
const PIECES_WAITING: usize = 8;

/// Why a file ends early.
pub(crate) enum Cut {
    /// The client went away.
    Left,
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for Cut {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Cut {
    /// The server could not write or read what it should have.
    pub(crate) fn of(error: &io::Error) -> Self {
        Self::Failed(Problem::new(Code::Internal).caused_by(error))
    }
}

/// Where the pieces go.
pub(crate) struct Sender(mpsc::Sender<io::Result<Frame<Bytes>>>);

impl Sender {
    /// Passes a piece or the trailers on.
    pub(crate) fn pass(&self, frame: Frame<Bytes>) -> Result<(), Cut> {
        self.0.blocking_send(Ok(frame)).map_err(|_| Cut::Left)
    }

    /// Passes on what was gathered, piece by piece, and begins anew. One event may have made many
    /// pieces: were they one, what waits for a slow client would be as many events.
    pub(crate) fn pass_all(&self, gathered: &mut Vec<u8>) -> Result<(), Cut> {
        let gathered = std::mem::replace(gathered, Vec::with_capacity(PIECE_BYTES + 4_096));
        let mut rest = Bytes::from(gathered);
        while !rest.is_empty() {
            self.pass(Frame::data(rest.split_to(rest.len().min(PIECE_BYTES))))?;
        }
        Ok(())
    }
}

/// An answer whose body is what `send` passes on, on a thread that may block. `name` is what the
/// diagnostics call it when it is cut off.
pub(crate) fn streamed(
    media_type: &'static str,
    name: String,
    send: impl FnOnce(&Sender) -> Result<(), Cut> + Send + 'static,
) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let sender = Sender(sender);
    tokio::task::spawn_blocking(move || {
        if let Err(Cut::Failed(problem)) = send(&sender) {
            let reason = problem.internal().unwrap_or_else(|| problem.code().as_str());
            tracing::error!(file = name, reason, "a file was cut off");
            let cut = io::Error::other("the file cannot be finished");
            // Nobody listens any more: then nobody takes a part for the whole.
            let _ = sender.0.blocking_send(Err(cut));
        }
    });
    typed(media_type, Body::new(StreamBody::new(ReceiverStream::new(receiver))))
}

/// Says under which name a client should keep the answer.
pub(crate) fn attach(response: &mut Response<Body>, name: &str) {
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
}

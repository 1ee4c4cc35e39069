//! Tables that go out as they are read, in bounded memory.
//!
//! A table that cannot be finished is cut off in the middle of its transfer, so that no client takes
//! a part for the whole.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use bytes::Bytes;
use dialect::{Losses, Writer};
use http_body_util::StreamBody;
use hyper::body::Frame;
use search::{Cursor, Order, PAGE_MAX, Query};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use trail::Feed as _;

use super::reading::with_event;
use super::visit::Visit;
use crate::App;
use crate::app::Answer;
use crate::call::typed;
use crate::instance::OpenTrail;
use crate::problem::{Code, Problem};

/// Bytes after which a piece is sent.
const PIECE_BYTES: usize = 64 * 1024;

/// Pieces that wait for a slow client before reading waits too.
const PIECES_WAITING: usize = 8;

/// A table of the records that are meant.
pub(super) struct Table {
    pub(super) query: Query,
    pub(super) order: Order,
    /// Which part of the list; all from the first when absent.
    pub(super) part: Option<(usize, usize)>,
    pub(super) writer: Box<dyn Writer>,
    /// What its file is called behind the trail's name.
    pub(super) name: &'static str,
}

impl Table {
    /// The answer that streams it. What is recorded from here on is not in it.
    pub(super) fn answer(mut self, visit: &Visit) -> Answer {
        let (app, open) = (visit.call.app.clone(), Arc::clone(&visit.open));
        let place = app.long_answer()?;
        let file = format!("attachment; filename=\"{}-{}.csv\"", open.slug, self.name);
        self.query.indexes.get_or_insert_with(|| 0..open.projection.projected_size());
        let (sender, receiver) = mpsc::channel(PIECES_WAITING);
        tokio::task::spawn_blocking(move || {
            let slug = open.slug.clone();
            let mut sending = Sending { app, open, out: Vec::new(), sender };
            if let Err(Cut::Failed(problem)) = self.send(&mut sending) {
                let reason = problem.internal().unwrap_or_else(|| problem.code().as_str());
                tracing::error!(trail = %slug, reason, "a table was cut off");
                let cut = io::Error::other("the table cannot be finished");
                // Nobody listens any more: then nobody takes a part for the whole.
                let _ = sending.sender.blocking_send(Err(cut));
            }
            drop(place);
        });
        let pieces = ReceiverStream::new(receiver);
        let frames = tokio_stream::StreamExt::map(pieces, |piece| piece.map(Frame::data));
        let mut response = typed("text/csv", Body::new(StreamBody::new(frames)));
        if let Ok(file) = HeaderValue::try_from(file) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
        }
        Ok(response)
    }

    fn send(&mut self, sending: &mut Sending) -> Result<(), Cut> {
        self.writer.begin(&mut sending.out).map_err(|error| unwritten(&error))?;
        let open = Arc::clone(&sending.open);
        let (skip, mut left) = self.part.unwrap_or((0, usize::MAX));
        let mut after: Option<Cursor> = open.projection.behind(&self.query, self.order, skip)?;
        let mut more = skip == 0 || after.is_some();
        while more && left > 0 {
            let count = left.min(PAGE_MAX);
            let page = open.projection.search(&self.query, self.order, count, after.as_ref())?;
            left -= page.indexes.len();
            for index in page.indexes {
                self.write(index, sending)?;
            }
            after = page.next;
            more = after.is_some();
        }
        self.writer.end(&mut sending.out).map_err(|error| unwritten(&error))?;
        sending.pass()
    }

    fn write(&mut self, index: u64, sending: &mut Sending) -> Result<(), Cut> {
        let open = Arc::clone(&sending.open);
        for recorded in open.trail.read_many(&[index])? {
            // What a platform's table has no column for is documented, and not counted here.
            let mut losses = Losses::default();
            let written = with_event(&recorded, |recorded| {
                self.writer.write(recorded, &mut sending.out, &mut losses)
            });
            written.transpose().map_err(|error| unwritten(&error))?;
        }
        if sending.out.len() >= PIECE_BYTES { sending.pass() } else { Ok(()) }
    }
}

/// Where the pieces go.
struct Sending {
    app: App,
    open: Arc<OpenTrail>,
    out: Vec<u8>,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Sending {
    fn pass(&mut self) -> Result<(), Cut> {
        if self.app.is_stopping() {
            return Err(Cut::Failed(Problem::new(Code::Unavailable)));
        }
        let piece = std::mem::replace(&mut self.out, Vec::with_capacity(PIECE_BYTES + 4_096));
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| Cut::Left)
    }
}

/// Why a table ends early.
enum Cut {
    /// The client went away.
    Left,
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for Cut {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Memory takes all that is written to it.
fn unwritten(error: &io::Error) -> Cut {
    Cut::Failed(Problem::new(Code::Internal).caused_by(error))
}

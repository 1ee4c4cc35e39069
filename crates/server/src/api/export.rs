//! `GET …/export`: every event that is meant, in the order of the trail, as a file.
//!
//! It goes out as it is read, in bounded memory. An export that cannot be finished is cut off in the
//! middle of its transfer, so that no client takes a part for the whole.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use search::{Cursor, Order, PAGE_MAX, Query};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use trail::{Feed as _, Recorded};

use super::question::Question;
use crate::App;
use crate::app::Answer;
use crate::call::{Call, typed};
use crate::export::Format;
use crate::instance::OpenTrail;
use crate::kinds::Catalogues;
use crate::negotiate::accepts;
use crate::problem::{Code, Problem};

/// Bytes after which a piece is sent.
const PIECE_BYTES: usize = 64 * 1024;

/// Pieces that wait for a slow client before reading waits too.
const PIECES_WAITING: usize = 8;

/// Events that are read at once.
const READ_COUNT: usize = 1_024;

/// Where one event in so many is meant, or more, reading them all is quicker than looking up each.
const SCAN_FROM: u64 = 20;

/// Streams the events that are meant.
pub(crate) async fn export(call: Call) -> Answer {
    let open = call.trail().await?;
    let mut params = call.params()?;
    let format = params.word("format", &Format::ALL)?;
    let format = format.ok_or_else(|| Problem::parameter("format", "is csv or jsonl"))?;
    let question = Question::read(params)?;
    let media_type = format.media_type();
    accepts(&call.headers, media_type.split(';').next().unwrap_or(media_type))?;
    let place = call.app.long_answer()?;
    let mut record = question.to_params();
    if let Some(members) = record.as_object_mut() {
        members.insert("format".to_owned(), format.name().into());
    }
    call.record_read("export", &open, &record);
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let name = format!("attachment; filename=\"{}.{}\"", open.slug, format.name());
    let app = call.app.clone();
    tokio::task::spawn_blocking(move || {
        let slug = open.slug.clone();
        let mut export =
            Export { app, open, format, query: question.query, out: Vec::new(), sender };
        if let Err(Cut::Failed(problem)) = export.run() {
            let reason = problem.internal().unwrap_or_else(|| problem.code().as_str());
            tracing::error!(trail = %slug, reason, "an export was cut off");
            let cut = io::Error::other("the export cannot be finished");
            // Nobody listens any more: then nobody takes a part for the whole.
            let _ = export.sender.blocking_send(Err(cut));
        }
        drop(place);
    });
    let frames =
        tokio_stream::StreamExt::map(ReceiverStream::new(receiver), |piece| piece.map(Frame::data));
    let mut response = typed(media_type, Body::new(StreamBody::new(frames)));
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

struct Export {
    app: App,
    open: Arc<OpenTrail>,
    format: Format,
    query: Query,
    out: Vec<u8>,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

/// Why an export ends early.
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

impl Export {
    fn run(&mut self) -> Result<(), Cut> {
        self.format.begin(&mut self.out);
        // Events that are recorded from here on are not in the file.
        let size = self.open.trail.committed_size();
        let counted = self.open.projection.count(&self.query)?;
        let projected = counted.projected_size.min(size);
        if counted.count >= projected / SCAN_FROM {
            self.scan(0..size)?;
        } else {
            self.look_up(projected)?;
            self.scan(projected..size)?;
        }
        self.send()
    }

    /// Reads all events of a range and takes those that are meant.
    fn scan(&mut self, range: Range<u64>) -> Result<(), Cut> {
        let is_all = self.query == Query::default();
        let mut next = range.start;
        while next < range.end {
            let left = usize::try_from(range.end - next).unwrap_or(READ_COUNT).min(READ_COUNT);
            let run = self.open.trail.read(next, left)?;
            next += run.len() as u64;
            for recorded in &run {
                if is_all || self.query.matches_recorded(recorded, &Catalogues) {
                    self.add(recorded)?;
                }
            }
        }
        Ok(())
    }

    /// Finds the events that are meant below an index.
    fn look_up(&mut self, end: u64) -> Result<(), Cut> {
        let mut cursor: Option<Cursor> = None;
        loop {
            let (order, after) = (Order::FirstRecorded, cursor.as_ref());
            let page = self.open.projection.search(&self.query, order, PAGE_MAX, after)?;
            for index in page.indexes.into_iter().take_while(|index| *index < end) {
                for recorded in self.open.trail.read_many(&[index])? {
                    self.add(&recorded)?;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn add(&mut self, recorded: &Recorded) -> Result<(), Cut> {
        self.format.write(recorded, &mut self.out);
        if self.out.len() >= PIECE_BYTES { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Cut> {
        if self.app.is_stopping() {
            return Err(Cut::Failed(Problem::new(Code::Unavailable)));
        }
        let piece = std::mem::replace(&mut self.out, Vec::with_capacity(PIECE_BYTES + 4_096));
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| Cut::Left)
    }
}

//! Tables of a platform, which go out as they are read.

use std::sync::Arc;

use dialect::{Losses, Writer};
use search::{Cursor, Order, PAGE_MAX, Query};
use trail::Feed as _;

use super::reading::with_event;
use super::visit::Visit;
use crate::App;
use crate::app::Answer;
use crate::instance::OpenTrail;
use crate::pieces::{Cut, PIECE_BYTES, Sender, attach, streamed};
use crate::problem::{Code, Problem};

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
        let place = app.long_answer(&visit.call.caller)?;
        let file = format!("{}-{}.csv", open.slug, self.name);
        self.query.indexes.get_or_insert_with(|| 0..open.projection.projected_size());
        let mut response = streamed("text/csv", file.clone(), move |sender| {
            let _place = place;
            self.send(&mut Sending { app, open, out: Vec::new(), sender })
        });
        attach(&mut response, &file);
        Ok(response)
    }

    fn send(&mut self, sending: &mut Sending<'_>) -> Result<(), Cut> {
        self.writer.begin(&mut sending.out).map_err(|error| Cut::of(&error))?;
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
        self.writer.end(&mut sending.out).map_err(|error| Cut::of(&error))?;
        sending.pass()
    }

    fn write(&mut self, index: u64, sending: &mut Sending<'_>) -> Result<(), Cut> {
        let open = Arc::clone(&sending.open);
        for recorded in open.trail.read_many(&[index])? {
            // What a platform's table has no column for is documented, and not counted here.
            let mut losses = Losses::default();
            let written = with_event(&recorded, |recorded| {
                self.writer.write(recorded, &mut sending.out, &mut losses)
            });
            written.transpose().map_err(|error| Cut::of(&error))?;
        }
        if sending.out.len() >= PIECE_BYTES { sending.pass() } else { Ok(()) }
    }
}

/// Where the pieces go.
struct Sending<'s> {
    app: App,
    open: Arc<OpenTrail>,
    out: Vec<u8>,
    sender: &'s Sender,
}

impl Sending<'_> {
    fn pass(&mut self) -> Result<(), Cut> {
        if self.app.is_stopping() {
            return Err(Cut::Failed(Problem::new(Code::Unavailable)));
        }
        self.sender.pass_all(&mut self.out)
    }
}

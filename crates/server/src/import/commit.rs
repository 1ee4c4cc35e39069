//! The thread that commits: batches become frames of the journal, and every record is counted.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use event::{Draft, Received};
use trail::{Answer, Batch};

use super::again;
use super::parse::{Part, Said};
use super::report::Rejections;
use super::{Counts, End, Import, Rejected, Watch};
use crate::instance::OpenTrail;

/// Bytes of events that are published together. While as many are being published and as many wait
/// for it, commits wait too, so that a large import holds no more in memory.
const PUBLISH_BYTES: usize = 8 * 1024 * 1024;

/// Publications that wait for the one that goes on.
const PUBLICATIONS_WAITING: usize = 1;

/// Events that search may be behind before an import waits for it.
const SEARCH_LAG_MAX: u64 = 5_000_000;

/// How long it waits for search, or for input, before it looks whether it has to stop.
const PAUSE: Duration = Duration::from_millis(50);

/// Why committing ends before the input does.
type Ended<T> = Result<T, End>;

impl From<trail::Error> for End {
    fn from(error: trail::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Records what is read, and counts.
pub(super) struct Committer<'a> {
    open: &'a OpenTrail,
    import: &'a Import,
    received: Arc<Received<'static>>,
    watch: &'a mut dyn Watch,
    pub(super) counts: Counts,
    pub(super) rejected: Rejections,
    unpublished_bytes: usize,
}

impl<'a> Committer<'a> {
    pub(super) fn new(
        open: &'a OpenTrail,
        import: &'a Import,
        received: Arc<Received<'static>>,
        watch: &'a mut dyn Watch,
    ) -> Self {
        let (counts, rejected) = (Counts::default(), Rejections::default());
        Self { open, import, received, watch, counts, rejected, unpublished_bytes: 0 }
    }

    /// Commits all that is read, and publishes it beside the commits.
    pub(super) fn run(&mut self, said: &Receiver<Said>) -> End {
        let trail = Arc::clone(&self.open.trail);
        let (publish, asked) = sync_channel::<()>(PUBLICATIONS_WAITING);
        let (end, published) = std::thread::scope(|scope| {
            let publishing = move || asked.iter().try_for_each(|()| trail.publish().map(drop));
            let publisher = scope.spawn(publishing);
            let end = self.every_part(said, &publish).err().unwrap_or(End::Complete);
            drop(publish);
            (end, publisher.join().unwrap_or(Err(trail::Error::Stopped)))
        });
        match published.and_then(|()| self.open.trail.publish().map(drop)) {
            Err(error) if !matches!(end, End::Failed(_)) => error.into(),
            _ => end,
        }
    }

    fn every_part(&mut self, said: &Receiver<Said>, publish: &SyncSender<()>) -> Ended<()> {
        loop {
            match said.recv_timeout(PAUSE) {
                Err(RecvTimeoutError::Timeout) if self.watch.must_stop() => {
                    return Err(End::Stopped);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Said::Part(part)) => self.part(part, publish)?,
                Ok(Said::End(None)) => return Ok(()),
                Ok(Said::End(Some(last))) => {
                    self.watch.rejected(&last);
                    return Err(End::Unreadable(last));
                }
                // The thread that reads panicked.
                Err(RecvTimeoutError::Disconnected) => {
                    let message = "the input could not be read; the diagnostics say why".into();
                    return Err(End::Unreadable(Rejected { line: 0, code: "internal", message }));
                }
            }
        }
    }

    fn part(&mut self, part: Part, publish: &SyncSender<()>) -> Ended<()> {
        self.wait_for_search()?;
        let Part { drafts, lines, rejected, .. } = part;
        self.commit(drafts, &lines)?;
        for rejected in rejected {
            self.reject(rejected)?;
        }
        if self.unpublished_bytes >= PUBLISH_BYTES {
            self.unpublished_bytes = 0;
            // Who publishes is gone only when that failed, and then says why.
            publish.send(()).map_err(|_| End::Stopped)?;
        }
        Ok(())
    }

    fn commit(&mut self, drafts: Vec<Draft>, lines: &[u64]) -> Ended<()> {
        if drafts.is_empty() {
            return Ok(());
        }
        let batch = Batch {
            drafts,
            recorded_by: Arc::clone(&self.import.recorded_by),
            received: Arc::clone(&self.received),
            atomic: false,
        };
        let answers = self.open.trail.append_all(std::slice::from_ref(&batch)).pop();
        let answers = answers.unwrap_or(Err(trail::Error::Stopped))?;
        for ((answer, draft), line) in answers.into_iter().zip(&batch.drafts).zip(lines) {
            match answer {
                Answer::Recorded { replayed: false, .. } => {
                    self.counts.recorded += 1;
                    self.unpublished_bytes += draft.size_bytes();
                }
                Answer::Recorded { replayed: true, .. } => self.counts.already += 1,
                Answer::Different { index } => self.differs(draft, *line, index)?,
            }
        }
        Ok(())
    }

    /// A record whose id is taken: it is already there if the trail says all that it says.
    fn differs(&mut self, draft: &Draft, line: u64, index: Option<u64>) -> Ended<()> {
        let message = match index {
            Some(index) if again::is_told(&*self.open.trail, index, draft)? => {
                self.counts.already += 1;
                return Ok(());
            }
            Some(index) => format!(
                "another record with this id is recorded at index {index}: it says something else, \
                 or was imported with other options"
            ),
            None => "another record of this input has the same id".to_owned(),
        };
        self.reject(Rejected { line, code: "id-conflict", message: message.into() })
    }

    fn reject(&mut self, rejected: Rejected) -> Ended<()> {
        self.counts.rejected += 1;
        self.watch.rejected(&rejected);
        self.rejected.push(rejected);
        if self.import.strict { Err(End::Strict) } else { Ok(()) }
    }

    /// Waits while search is far behind, and ends when the import is told to.
    fn wait_for_search(&self) -> Ended<()> {
        loop {
            if self.watch.must_stop() {
                return Err(End::Stopped);
            }
            if self.open.projection.lag() <= SEARCH_LAG_MAX {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
}

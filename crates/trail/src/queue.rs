//! Batches waiting for the writer, and the answers going back.
//!
//! There is no timer and no thread per trail: whoever adds to an idle queue drains it, and while a
//! commit waits for the disk the next group gathers behind it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::trail::lock;
use crate::{Answer, Batch, Error, Trail};

/// Bytes of drafts that may wait; beyond it callers are asked to come back.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes that one commit takes at most, unless one batch alone has more.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How often a group gives way to grow.
const YIELDS_MAX: usize = 16;

/// So many times as many unpublished bytes as make the draining thread publish are held; then nothing
/// more is taken: publishing fails, and memory is finite.
const HELD_TIMES: usize = 2;

/// What is called with the answer.
pub type Reply = Box<dyn FnOnce(Result<Vec<Answer>, Error>) + Send>;

#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<(Batch, usize, Reply)>,
    bytes: usize,
    draining: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Who drains. Should that panic, nobody may wait for it: those who do are told, and the next to add
/// drains again.
struct Drainer<'a>(&'a Trail);

impl Drop for Drainer<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = lock(&self.0.queue);
            let abandoned = std::mem::take(&mut *queue);
            drop(queue);
            for (_, _, reply) in abandoned.waiting {
                reply(Err(Error::Stopped));
            }
        }
    }
}

impl Trail {
    /// Adds a batch to the queue. When it returns true, the caller must have some thread that may
    /// block call [`Self::drain`].
    ///
    /// # Errors
    /// [`Error::Busy`] when too much is waiting, here or to be published; the reply is not called
    /// then.
    pub fn enqueue(self: &Arc<Self>, batch: Batch, reply: Reply) -> Result<bool, Error> {
        let bytes = batch.drafts.iter().map(|draft| draft.size_bytes() + 256).sum();
        let mut queue = lock(&self.queue);
        let full = queue.bytes > 0 && queue.bytes + bytes > QUEUE_BYTES_MAX;
        let held = self.options.unpublished_bytes_max.saturating_mul(HELD_TIMES);
        if full || self.unpublished_bytes() > held {
            return Err(Error::Busy);
        }
        queue.bytes += bytes;
        queue.waiting.push_back((batch, bytes, reply));
        Ok(!std::mem::replace(&mut queue.draining, true))
    }

    /// Appends what is waiting, group by group, until nothing is. Blocks on the disk.
    pub fn drain(&self) {
        let _ends = Drainer(self);
        loop {
            self.let_others_add();
            let Some((batches, replies)) = self.next_group() else { return };
            let answers = self.append_all(&batches);
            for (reply, answer) in replies.into_iter().zip(answers) {
                reply(answer);
            }
            if self.unpublished_bytes() > self.options.unpublished_bytes_max
                && let Err(error) = self.publish()
            {
                tracing::error!(origin = %self.origin, error = &error as &dyn std::error::Error, "cannot publish");
            }
        }
    }

    /// Gives way while that makes the group grow: on a busy machine requests that are under way come
    /// along and share one sync, on an idle one this takes no time.
    fn let_others_add(&self) {
        let mut seen = lock(&self.queue).waiting.len();
        for _ in 0..YIELDS_MAX {
            std::thread::yield_now();
            let waiting = lock(&self.queue).waiting.len();
            if waiting == seen {
                return;
            }
            seen = waiting;
        }
    }

    fn next_group(&self) -> Option<(Vec<Batch>, Vec<Reply>)> {
        let mut queue = lock(&self.queue);
        let (mut batches, mut replies) = (Vec::new(), Vec::new());
        let mut group_bytes = 0;
        while let Some((batch, bytes, reply)) = queue.waiting.pop_front_if(|(_, bytes, _)| {
            group_bytes == 0 || group_bytes + *bytes <= GROUP_BYTES_MAX
        }) {
            group_bytes += bytes;
            queue.bytes -= bytes;
            batches.push(batch);
            replies.push(reply);
        }
        if batches.is_empty() {
            queue.draining = false;
            return None;
        }
        Some((batches, replies))
    }
}

//! The few threads that keep every projection up to date.
//!
//! Any number of projections share one or two threads that index and one that merges, all at low
//! priority, so that appends and answers go first. A trail that is flooded waits for its turn after
//! every chunk; a trail that is silent costs nothing.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::projection::Projection;

/// How much the threads yield to others: `nice` goes from 0 to 19.
const NICE: i32 = 19;
const NICE_MERGING: i32 = 19;
/// How many times as long as a merge the pause after it is, while events keep coming.
const MERGE_TO_PAUSE: u32 = 2;
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// After a failure the projection is left alone for so long.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The threads. They end when this is dropped.
#[derive(Debug)]
pub struct Scheduler {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads and the projections share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    queues: Mutex<Queues>,
    index: Condvar,
    merge: Condvar,
}

#[derive(Debug, Default)]
struct Queues {
    ready: VecDeque<Weak<Projection>>,
    later: BTreeMap<(Instant, u64), Weak<Projection>>,
    merges: VecDeque<Weak<Projection>>,
    serial: u64,
    stopped: bool,
}

impl Scheduler {
    /// Starts threads: so many that index, and one that merges.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(index_threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::new();
        for number in 0..index_threads.max(1) {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("search-index-{number}"));
            threads.push(thread.spawn(move || shared.index_until_stopped())?);
        }
        let merging = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("search-merge".to_owned());
        threads.push(thread.spawn(move || merging.merge_until_stopped())?);
        Ok(Self { shared, threads })
    }

    /// Keeps a projection up to date from now on, until it is dropped. The trail's writer calls
    /// [`Projection::notify`] after every commit.
    pub fn follow(&self, projection: &Arc<Projection>) {
        projection.attach(&self.shared);
        self.shared.wake(projection);
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.index.notify_all();
        self.shared.merge.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a projection its turn, unless it is waiting for one.
    pub(crate) fn wake(&self, projection: &Arc<Projection>) {
        if projection.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let due = projection.due().filter(|due| *due > Instant::now());
        self.queue(projection, due);
    }

    fn queue(&self, projection: &Arc<Projection>, due: Option<Instant>) {
        let mut queues = self.lock();
        match due {
            None => queues.ready.push_back(Arc::downgrade(projection)),
            Some(due) => queues.put_later(due, Arc::downgrade(projection)),
        }
        drop(queues);
        self.index.notify_one();
    }

    /// Waits for a projection whose turn it is; `None` at the end.
    fn next(&self) -> Option<Arc<Projection>> {
        let mut queues = self.lock();
        loop {
            if queues.stopped {
                return None;
            }
            let now = Instant::now();
            queues.take_due(now);
            if let Some(projection) = queues.ready.pop_front() {
                if let Some(projection) = projection.upgrade() {
                    return Some(projection);
                }
                continue;
            }
            let wait = queues.later.first_key_value().map(|((due, _), _)| due.duration_since(now));
            queues = match wait {
                None => self.index.wait(queues).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    let waited = self.index.wait_timeout(queues, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn index_until_stopped(&self) {
        lower_priority(NICE);
        while let Some(projection) = self.next() {
            // A swap, not a store: it must see the commits of whoever found the flag still set.
            projection.queued.swap(false, Ordering::AcqRel);
            if projection.is_held_back() {
                self.wake(&projection);
                continue;
            }
            if guarded(|| projection.work()).is_none() {
                if !projection.queued.swap(true, Ordering::AcqRel) {
                    self.queue(&projection, Some(Instant::now() + RETRY_AFTER));
                }
                continue;
            }
            self.go_on(&projection);
            if projection.has_work() {
                self.wake(&projection);
            }
        }
    }

    /// Has a projection merged, if it is time, and comes back when what is left to do without new
    /// events is due.
    fn go_on(&self, projection: &Arc<Projection>) {
        let now = Instant::now();
        let merge = projection.merge_due(now);
        if merge.is_some_and(|due| due <= now)
            && !projection.merge_queued.swap(true, Ordering::AcqRel)
        {
            self.lock().merges.push_back(Arc::downgrade(projection));
            self.merge.notify_one();
        }
        let later = merge.filter(|due| *due > now);
        let Some(due) = [projection.flush_due(), later].into_iter().flatten().min() else { return };
        let mut back = projection.back.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has fired is as good as none, whatever came of it.
        if back.is_none_or(|pending| pending <= now || due < pending) {
            *back = Some(due);
            drop(back);
            self.lock().put_later(due, Arc::downgrade(projection));
            self.index.notify_one();
        }
    }

    fn merge_until_stopped(&self) {
        lower_priority(NICE_MERGING);
        loop {
            let mut queues = self.lock();
            let projection = loop {
                if queues.stopped {
                    return;
                }
                match queues.merges.pop_front() {
                    Some(projection) => break projection,
                    None => {
                        queues = self.merge.wait(queues).unwrap_or_else(PoisonError::into_inner);
                    }
                }
            };
            drop(queues);
            let Some(projection) = projection.upgrade() else { continue };
            projection.merge_queued.swap(false, Ordering::AcqRel);
            let begun = Instant::now();
            let merged = guarded(|| projection.merge_once()).unwrap_or(false);
            if merged && projection.has_work() {
                self.pause_merging((begun.elapsed() * MERGE_TO_PAUSE).min(PAUSE_MAX));
            }
            if merged {
                self.go_on(&projection);
            }
        }
    }

    /// Leaves the machine to others for a while.
    fn pause_merging(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut queues = self.lock();
        while !queues.stopped {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.merge.wait_timeout(queues, left);
            queues = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Queues {
    fn put_later(&mut self, due: Instant, projection: Weak<Projection>) {
        self.serial += 1;
        self.later.insert((due, self.serial), projection);
    }

    fn take_due(&mut self, now: Instant) {
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let projection = entry.remove();
            self.ready.push_back(projection);
        }
    }
}

/// Does a piece of work and survives its failure, which is told once here.
fn guarded<T>(work: impl FnOnce() -> crate::error::Result<T>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(result)) => Some(result),
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the projection cannot go on"
            );
            None
        }
        Err(_) => {
            tracing::error!("the projection's work panicked");
            None
        }
    }
}

/// Yields to everyone else. On Linux priorities belong to threads.
fn lower_priority(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, "the priority stays as it is");
    }
}

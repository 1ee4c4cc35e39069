//! The projection of one trail: it follows, and it answers.
//!
//! New events become small segments in memory, which are searched at once; many at a time, or those
//! of a trail that fell silent, go to disk. What was only in memory is read from the trail again
//! after a crash. Nothing here runs on its own: a [`Scheduler`](crate::Scheduler) or the caller of
//! [`Projection::catch_up_once`] does the work, and any number of threads may do it at a time.

mod answers;
mod flood;
mod following;
mod limits;
mod merging;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use trail::Feed;

pub use answers::{Counted, Usage};
pub(crate) use following::Worked;
pub use limits::Limits;

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::scheduler::Shared;
use crate::segment::{Place, Segment, fingerprint};
use crate::view::View;
use crate::{Kinds, NoKinds};

use flood::{Cost, Flood};

/// For so long after the last of many events it is believed that more will be added.
const BUSY_FOR: Duration = Duration::from_secs(2);

/// How a projection is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What actions mean.
    pub kinds: Arc<dyn Kinds>,
    /// How much is done at a time.
    pub limits: Limits,
    /// How many processors there are: what a flood is depends on it.
    pub processors: usize,
}

impl Options {
    /// The usual limits, this catalogue of actions and the processors of this machine.
    pub fn new(kinds: Arc<dyn Kinds>) -> Self {
        // Looked up once: it reads files, and a server opens many trails.
        static PROCESSORS: LazyLock<usize> =
            LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
        Self { kinds, limits: Limits::STANDARD, processors: *PROCESSORS }
    }

    /// Without a catalogue of actions.
    pub fn plain() -> Self {
        Self::new(Arc::new(NoKinds))
    }
}

/// The index of one trail.
#[derive(Debug)]
pub struct Projection {
    me: Weak<Self>,
    folder: PathBuf,
    feed: Arc<dyn Feed>,
    options: Options,
    view: RwLock<Arc<View>>,
    progress: Mutex<Progress>,
    published: Condvar,
    /// One writer of the manifest at a time.
    saving: Mutex<()>,
    /// One merge on disk and one out of memory at a time.
    merging: Mutex<()>,
    flushing: Mutex<()>,
    serial: AtomicU64,
    damaged: AtomicBool,
    /// How many events there were when it was opened or began again: with fewer it is not whole.
    whole_from: AtomicU64,
    pub(crate) queued: AtomicBool,
    pub(crate) merge_queued: AtomicBool,
    /// When somebody comes back next although no event came.
    pub(crate) back: Mutex<Option<Instant>>,
    scheduler: OnceLock<Arc<Shared>>,
}

/// What has been taken on and what has come of it.
#[derive(Debug, Default)]
struct Progress {
    /// Events below this index are published or being worked on.
    claimed: u64,
    /// Counts the times when work in hand became void.
    epoch: u64,
    /// Segments that wait for one before them.
    finished: BTreeMap<u64, Arc<Segment>>,
    /// When events were added last.
    last: Option<Instant>,
    /// How many events a second were added then.
    rate: u64,
    /// How long the last chunk took.
    last_took: Duration,
    /// What an event took of a processor lately.
    cost: Cost,
    /// What is known of a flood.
    flood: Option<Flood>,
    /// So many wait for events to be found.
    waiters: usize,
}

impl Progress {
    /// Takes note of so many events more that can be found. None, when those before them cannot yet.
    fn added(&mut self, count: u64, now: Instant) {
        if count == 0 {
            return;
        }
        let millis = self.last.map(|last| now.duration_since(last).as_millis());
        let millis = u64::try_from(millis.unwrap_or(u128::MAX)).unwrap_or(u64::MAX).max(1);
        self.rate = count.saturating_mul(1_000) / millis;
        self.last = Some(now);
    }

    /// When it will be quiet if no more events are added, where many were just now.
    fn quiet_from(&self, limits: &Limits) -> Option<Instant> {
        let last = self.last.filter(|_| self.rate >= limits.merge_below_rate)?;
        Some(last + BUSY_FOR)
    }
}

/// Somebody waits for events to be found.
#[derive(Debug)]
pub struct Awaited<'a>(&'a Projection);

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.lock().waiters -= 1;
    }
}

impl Projection {
    /// Opens the projection of a trail in a folder of its own, and goes on from where it was; from
    /// zero when the folder is new, of another version or trail, or damaged.
    ///
    /// # Errors
    /// [`Error::Folder`] when the folder cannot be used, [`Error::Feed`] when the trail cannot be
    /// read.
    pub fn open(folder: &Path, feed: Arc<dyn Feed>, options: Options) -> Result<Arc<Self>> {
        std::fs::create_dir_all(folder).map_err(Error::folder(folder))?;
        let manifest = match Manifest::read(folder) {
            Some(manifest) if continues(&manifest, feed.as_ref())? => Some(manifest),
            _ => None,
        };
        Manifest::sweep(folder, manifest.as_ref())?;
        let segments = manifest.map(|manifest| manifest.segments(folder)).unwrap_or_default();
        let view = View { segments };
        let progress = Progress { claimed: view.size(), ..Progress::default() };
        let whole_from = AtomicU64::new(feed.committed_size());
        Ok(Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            folder: folder.to_owned(),
            feed,
            options,
            serial: AtomicU64::new(first_serial(&view)),
            view: RwLock::new(Arc::new(view)),
            progress: Mutex::new(progress),
            published: Condvar::new(),
            saving: Mutex::new(()),
            merging: Mutex::new(()),
            flushing: Mutex::new(()),
            damaged: AtomicBool::new(false),
            whole_from,
            queued: AtomicBool::new(false),
            merge_queued: AtomicBool::new(false),
            back: Mutex::new(None),
            scheduler: OnceLock::new(),
        }))
    }

    /// How many events can be found: all below this index.
    pub fn projected_size(&self) -> u64 {
        self.view().size()
    }

    /// How many committed events cannot be found yet.
    pub fn lag(&self) -> u64 {
        self.feed.committed_size().saturating_sub(self.projected_size())
    }

    /// Says that the trail has new events. Cheap; call it after every commit.
    pub fn notify(&self) {
        if let Some(scheduler) = self.scheduler.get()
            && let Some(me) = self.me.upgrade()
        {
            scheduler.wake(&me);
        }
    }

    /// Says that somebody waits for events to be found, as long as the answer is held: then a flood
    /// holds nothing back.
    pub fn awaited(&self) -> Awaited<'_> {
        self.lock().waiters += 1;
        self.notify();
        Awaited(self)
    }

    /// Waits until the first `size` events can be found; whether they can.
    pub fn wait_for(&self, size: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let _awaited = self.awaited();
        let mut progress = self.lock();
        while self.projected_size() < size {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.published.wait_timeout(progress, left);
            progress = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Adds what has been committed until now, merges what is due, and gives how many events were
    /// added. All of it happens on the calling thread.
    ///
    /// # Errors
    /// When the trail cannot be read or the folder not written. What was added stays.
    pub fn catch_up_once(&self) -> Result<u64> {
        let mut added = 0;
        loop {
            let worked = self.work()?;
            while self.merge_once()? {}
            match worked {
                Worked::Added(count) => added += count,
                Worked::Nothing => break,
            }
        }
        Ok(added)
    }

    /// Puts on disk what is in memory, so that the next start finds it.
    ///
    /// # Errors
    /// When the folder cannot be written; nothing is lost.
    pub fn flush(&self) -> Result<()> {
        while self.flush_run(true)? {}
        Ok(())
    }

    /// Takes note of damage, so that the projection is rebuilt.
    fn checked<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(Error::Damaged(what)) = &result {
            tracing::warn!(folder = %self.folder.display(), what, "the projection is rebuilt");
            self.damaged.store(true, Ordering::Relaxed);
            self.notify();
        }
        result
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn attach(&self, scheduler: &Arc<Shared>) {
        self.scheduler.get_or_init(|| Arc::clone(scheduler));
    }
}

/// Whether a manifest is of this trail.
fn continues(manifest: &Manifest, feed: &dyn Feed) -> Result<bool> {
    let size = manifest.size();
    if size == 0 {
        return Ok(true);
    }
    if size > feed.committed_size() {
        return Ok(false);
    }
    let last = feed.read_many(&[size - 1])?;
    Ok(last.first().map(fingerprint).as_deref() == manifest.last_entry())
}

/// One more than any serial number in use.
fn first_serial(view: &View) -> u64 {
    let serials = view.segments.iter().filter_map(|segment| match &segment.place {
        Place::Folder(folder) => folder.file_name()?.to_str()?.strip_prefix("s-")?.parse().ok(),
        Place::Memory => None,
    });
    serials.max().map_or(0, |serial: u64| serial + 1)
}

//! The projection of one trail: it follows, and it answers.
//!
//! New events become small segments in memory, which are searched at once; many at a time, or those
//! of a trail that fell silent, go to disk. What was only in memory is read from the trail again
//! after a crash. Nothing here runs on its own: a [`Scheduler`](crate::Scheduler) or the caller of
//! [`Projection::catch_up_once`] does the work, and any number of threads may do it at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use trail::Feed;

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::page::{Cursor, Order, Page, page};
use crate::plan::Plan;
use crate::scheduler::Shared;
use crate::segment::{Builder, Place, Segment, fingerprint, merge};
use crate::tally::{self, Facets, Histogram, Split};
use crate::view::View;
use crate::{Field, Kinds, NoKinds, Query};

/// The most events that one piece of work takes on, so that no trail keeps others waiting.
const CHUNK_MAX: u64 = 65_536;
/// Up to so many events at a time go to memory, more go to disk.
const MEMORY_CHUNK_MAX: u64 = 4_096;
/// What is in memory goes to disk when it has so many events …
const FLUSH_EVENTS: u32 = 8_192;
/// … or when nothing has come for so long.
const FLUSH_AFTER: Duration = Duration::from_secs(10);
/// A segment is cut when its building takes so much memory, whatever its events are like.
const BUILD_BYTES_MAX: usize = 40 * 1024 * 1024;
/// Events are read from the trail so many at a time.
const READ_COUNT: usize = 1_024;
/// So many neighbours of like size become one segment.
const MERGE_RUN: usize = 8;
/// A segment with so many events is not merged again …
const MERGE_BELOW: u32 = 400_000;
/// … and none becomes larger than this.
const MERGED_MAX: u32 = 1_000_000;

/// How a projection is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What actions mean.
    pub kinds: Arc<dyn Kinds>,
}

impl Options {
    /// Without a catalogue of actions.
    pub fn plain() -> Self {
        Self { kinds: Arc::new(NoKinds) }
    }
}

/// How many events are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Exactly so many.
    pub count: u64,
    /// How many events of the trail were searched: all below this index.
    pub projected_size: u64,
}

/// What a projection takes on disk and in memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Segments on disk.
    pub segments: usize,
    /// Segments in memory.
    pub segments_in_memory: usize,
    /// Bytes by part of the index: dictionary, postings, positions, columns, rest.
    pub parts: BTreeMap<&'static str, u64>,
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
    pub(crate) queued: AtomicBool,
    pub(crate) merge_queued: AtomicBool,
    pub(crate) flush_queued: AtomicBool,
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
    last: Option<Instant>,
    last_count: u64,
}

/// What a piece of work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// So many events were added.
    Added(u64),
    /// There was nothing to add.
    Nothing,
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
            queued: AtomicBool::new(false),
            merge_queued: AtomicBool::new(false),
            flush_queued: AtomicBool::new(false),
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
            && !self.queued.load(Ordering::Relaxed)
            && let Some(me) = self.me.upgrade()
        {
            scheduler.wake(&me);
        }
    }

    /// Waits until the first `size` events can be found; whether they can.
    pub fn wait_for(&self, size: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
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
        while let Worked::Added(count) = self.work()? {
            added += count;
            while self.merge_once()? {}
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

    /// One page of the events that are meant.
    ///
    /// # Errors
    /// [`Error::Question`] and [`Error::Cursor`] for what was asked; [`Error::Damaged`] when the
    /// projection turned out to be damaged and is being rebuilt.
    pub fn search(
        &self,
        query: &Query,
        order: Order,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page> {
        self.answer(query, |view, plan| page(view, plan, order, limit, after))
    }

    /// How many events are meant.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn count(&self, query: &Query) -> Result<Counted> {
        self.answer(query, |view, plan| {
            let counts = view.segments.iter().map(|segment| plan.count(segment));
            let count = counts.sum::<Result<u64>>()?;
            Ok(Counted { count, projected_size: view.size() })
        })
    }

    /// Counts of the events that are meant by the values of fields, the `top` most frequent ones.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn facets(&self, query: &Query, fields: &[Field], top: usize) -> Result<Facets> {
        let kinds = self.options.kinds.as_ref();
        self.answer(query, |view, plan| tally::facets(view, plan, kinds, fields, top))
    }

    /// Counts of the events that are meant by when they happened. The edges, in microseconds since
    /// the epoch, ascend; bucket `i` is `[edges[i], edges[i + 1])`.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn histogram(&self, query: &Query, edges: &[i64], split: Split) -> Result<Histogram> {
        let mut query = query.clone();
        if let (Some(first), Some(last)) = (edges.first(), edges.last()) {
            let occurred = &mut query.occurred;
            occurred.from = Some(occurred.from.map_or(*first, |from| from.max(*first)));
            occurred.to = Some(occurred.to.map_or(*last, |to| to.min(*last)));
        }
        let kinds = self.options.kinds.as_ref();
        self.answer(&query, |view, plan| tally::histogram(view, plan, kinds, edges, split))
    }

    /// When the first and the last of the events that are meant happened, in microseconds.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn span(&self, query: &Query) -> Result<Option<(i64, i64)>> {
        self.answer(query, tally::span)
    }

    /// One page of what happened to a thing, from the beginning.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn history(
        &self,
        target_type: &str,
        target_id: &str,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page> {
        self.search(&Query::history(target_type, target_id), Order::Oldest, limit, after)
    }

    /// Values of a field that begin so, but for case, with the number of events that have each; for
    /// completion, the most frequent first. Looks at 10,000 values of a segment at most.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn distinct(&self, field: Field, prefix: &str, count: usize) -> Result<Vec<(String, u64)>> {
        let kinds = self.options.kinds.as_ref();
        let view = self.view();
        self.checked(tally::distinct(&view, kinds, field, prefix, count))
    }

    /// What the projection takes.
    ///
    /// # Errors
    /// As [`Projection::search`].
    pub fn usage(&self) -> Result<Usage> {
        let view = self.view();
        let mut usage = Usage::default();
        for segment in &view.segments {
            if segment.in_memory() {
                usage.segments_in_memory += 1;
                continue;
            }
            usage.segments += 1;
            for (part, bytes) in segment.usage()? {
                *usage.parts.entry(part).or_default() += bytes;
            }
        }
        Ok(usage)
    }

    fn answer<T>(&self, query: &Query, work: impl FnOnce(&View, &Plan) -> Result<T>) -> Result<T> {
        let view = self.view();
        let plan = Plan::new(query, &view, self.options.kinds.as_ref());
        self.checked(plan.and_then(|plan| work(&view, &plan)))
    }

    /// Takes note of damage, so that the projection is rebuilt.
    fn checked<T>(&self, result: Result<T>) -> Result<T> {
        let result = match result {
            Err(Error::Engine(error)) => Err(Error::Damaged(error.to_string())),
            other => other,
        };
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

    /// When the next piece of work should be done at the earliest: rare events at once, many
    /// together.
    pub(crate) fn due(&self) -> Option<Instant> {
        let progress = self.lock();
        let pause = if progress.last_count >= MEMORY_CHUNK_MAX { 400 } else { 150 };
        let many = self.feed.committed_size().saturating_sub(progress.claimed) >= CHUNK_MAX;
        progress.last.filter(|_| !many).map(|last| last + Duration::from_millis(pause))
    }

    /// When what is in memory should go to disk.
    pub(crate) fn flush_due(&self) -> Option<Instant> {
        let waiting = self.view().segments.iter().any(|segment| segment.in_memory());
        let last = self.lock().last;
        last.filter(|_| waiting).map(|last| last + FLUSH_AFTER)
    }

    /// Adds one chunk of events, or puts on disk what has been in memory for long.
    pub(crate) fn work(&self) -> Result<Worked> {
        if self.damaged.swap(false, Ordering::Relaxed) {
            self.reset()?;
        }
        let Some((range, epoch)) = self.claim() else {
            self.flush_queued.store(false, Ordering::Release);
            if self.flush_due().is_some_and(|due| due <= Instant::now()) {
                self.flush()?;
            }
            return Ok(Worked::Nothing);
        };
        let built = self.build(range.clone()).and_then(|segments| {
            self.publish(segments, epoch)?;
            while self.flush_run(false)? {}
            Ok(())
        });
        if let Err(error) = built {
            self.disclaim(epoch);
            return Err(error);
        }
        Ok(Worked::Added(range.end - range.start))
    }

    /// Whether there is more to add than is being worked on.
    pub(crate) fn has_work(&self) -> bool {
        self.lock().claimed < self.feed.committed_size() || self.damaged.load(Ordering::Relaxed)
    }

    fn claim(&self) -> Option<(Range<u64>, u64)> {
        let size = self.feed.committed_size();
        let mut progress = self.lock();
        let from = progress.claimed;
        let to = size.min(from + CHUNK_MAX);
        if from >= to {
            return None;
        }
        progress.claimed = to;
        Some((from..to, progress.epoch))
    }

    /// Gives up everything that is being worked on; it will be claimed again.
    fn disclaim(&self, epoch: u64) {
        let mut progress = self.lock();
        if progress.epoch == epoch {
            progress.epoch += 1;
            progress.finished.clear();
            progress.claimed = self.projected_size();
        }
    }

    /// Begins again from zero.
    fn reset(&self) -> Result<()> {
        let old = {
            let mut progress = self.lock();
            progress.epoch += 1;
            progress.finished.clear();
            progress.claimed = 0;
            let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *view)
        };
        self.save()?;
        old.segments.iter().for_each(|segment| segment.retire());
        Ok(())
    }

    fn build(&self, range: Range<u64>) -> Result<Vec<Arc<Segment>>> {
        let mut built = Vec::new();
        let mut next = range.start;
        while next < range.end {
            let place = if range.end - range.start <= MEMORY_CHUNK_MAX {
                Place::Memory
            } else {
                self.new_place()
            };
            let mut builder = Builder::new(next, place)?;
            while next < range.end && builder.memory() < BUILD_BYTES_MAX {
                let left = usize::try_from(range.end - next).unwrap_or(usize::MAX);
                let events = self.feed.read(next, left.min(READ_COUNT))?;
                if events.is_empty() {
                    return Err(Error::Damaged(format!("the trail gave no event {next}")));
                }
                for recorded in &events {
                    if recorded.index != next {
                        return Err(Error::Damaged(format!("the trail gave no event {next}")));
                    }
                    builder.add(recorded)?;
                    next += 1;
                }
            }
            built.push(Arc::new(builder.finish()?));
        }
        Ok(built)
    }

    fn new_place(&self) -> Place {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        Place::Folder(self.folder.join(format!("s-{serial:08}")))
    }

    /// Makes segments searchable as soon as all before them are.
    fn publish(&self, segments: Vec<Arc<Segment>>, epoch: u64) -> Result<()> {
        let mut durable = false;
        {
            let mut progress = self.lock();
            if progress.epoch != epoch {
                segments.iter().for_each(|segment| segment.retire());
                return Ok(());
            }
            progress.finished.extend(segments.into_iter().map(|segment| (segment.from, segment)));
            let mut view = self.view().as_ref().clone();
            let before = view.size();
            while let Some(segment) = progress.finished.remove(&view.size()) {
                durable |= !segment.in_memory();
                view.segments.push(segment);
            }
            progress.last = Some(Instant::now());
            progress.last_count = view.size() - before;
            *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
            self.published.notify_all();
        }
        if durable { self.save() } else { Ok(()) }
    }

    /// Puts a run of segments in memory on disk when it is large, old enough or in the way, or makes
    /// one of many small ones. Whether there was anything to do.
    fn flush_run(&self, all: bool) -> Result<bool> {
        let Ok(_flushing) = self.flushing.try_lock() else { return Ok(false) };
        let view = self.view();
        let start = view.segments.iter().position(|segment| segment.in_memory());
        let Some(tail) = start.and_then(|start| view.segments.get(start..)) else {
            return Ok(false);
        };
        let size = tail.iter().take_while(|segment| segment.in_memory()).count();
        let run = tail.get(..size).unwrap_or_default();
        let events: u32 = run.iter().map(|segment| segment.count).sum();
        if all || size < tail.len() || events >= FLUSH_EVENTS {
            self.replace(run, self.new_place())?;
            return Ok(true);
        }
        if let Some(run) = due_run(run) {
            self.replace(run, Place::Memory)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Merges one run of segments on disk, if one is due.
    pub(crate) fn merge_once(&self) -> Result<bool> {
        let Ok(_merging) = self.merging.try_lock() else { return Ok(false) };
        let view = self.view();
        let durable = view.segments.split(|segment| segment.in_memory());
        let Some(run) = durable.filter_map(due_run).next() else { return Ok(false) };
        self.replace(run, self.new_place())?;
        Ok(true)
    }

    /// Whether a run of segments on disk is due to be merged.
    pub(crate) fn wants_merge(&self) -> bool {
        let view = self.view();
        view.segments.split(|segment| segment.in_memory()).any(|run| due_run(run).is_some())
    }

    /// Puts one segment in the place of a run of them.
    fn replace(&self, run: &[Arc<Segment>], place: Place) -> Result<()> {
        let merged = Arc::new(merge(run, place)?);
        let durable = !merged.in_memory();
        let replaced = {
            let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
            let mut view = current.as_ref().clone();
            let is_run = |window: &[Arc<Segment>]| {
                window.iter().zip(run).all(|(one, other)| Arc::ptr_eq(one, other))
            };
            let place = view.segments.windows(run.len().max(1)).position(is_run);
            if let Some(place) = place {
                view.segments.splice(place..place + run.len(), [Arc::clone(&merged)]);
                *current = Arc::new(view);
            }
            place.is_some()
        };
        if !replaced {
            // The projection began again in the meantime.
            merged.retire();
            return Ok(());
        }
        if durable {
            self.save()?;
            run.iter().for_each(|segment| segment.retire());
        }
        Ok(())
    }

    /// Writes which segments on disk there are.
    fn save(&self) -> Result<()> {
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view();
        let durable: Vec<Arc<Segment>> =
            view.segments.iter().take_while(|segment| !segment.in_memory()).cloned().collect();
        let last = match durable.last() {
            Some(segment) => self.feed.read_many(&[segment.to() - 1])?.first().map(fingerprint),
            None => None,
        };
        Manifest::new(&durable, last).write(&self.folder)
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

/// The first run of neighbours of like size that is long enough to be merged, the small ones first.
fn due_run(segments: &[Arc<Segment>]) -> Option<&[Arc<Segment>]> {
    let tier = |segment: &Segment| segment.count.max(1).ilog2() / 3;
    (0..=MERGE_BELOW.ilog2() / 3).find_map(|highest| {
        let fits = |segment: &Segment| segment.count < MERGE_BELOW && tier(segment) <= highest;
        segments.split(|segment| !fits(segment)).find_map(|run| {
            let mut sum = 0;
            let within = run.iter().take_while(|segment| {
                sum += segment.count;
                sum <= MERGED_MAX
            });
            let size = within.count();
            if size >= MERGE_RUN { run.get(..size) } else { None }
        })
    })
}

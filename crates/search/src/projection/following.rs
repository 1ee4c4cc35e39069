//! Adding events: claimed in chunks, built by any thread, published in order.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::Projection;
use super::flood::{Flood, LOOK_EVERY, processor_time};
use crate::error::Result;
use crate::segment::{Builder, Place, Segment};

/// The shortest and the longest time from one chunk to the next, while events keep coming: but for a
/// flood, an event is to be found within a second.
const PAUSE_MIN: Duration = Duration::from_millis(150);
const PAUSE_MAX: Duration = Duration::from_millis(700);
/// How many times as long as the work the pause after it is.
const WORK_TO_PAUSE: u32 = 6;

/// Events are read from the trail so many at a time.
const READ_COUNT: usize = 1_024;

/// So many events are added before others may have the processor: less than a millisecond.
const YIELD_EVERY: usize = 32;

/// What a piece of work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// So many events were added.
    Added(u64),
    /// There was nothing to add.
    Nothing,
}

impl Projection {
    /// When the next piece of work should be done at the earliest: rare events at once, many
    /// together. The pause grows with the time that the work takes, so that in a flood each piece
    /// is large and appends keep most of the machine. A flood is looked at again in a moment.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.is_held_back() {
            return Some(Instant::now() + LOOK_EVERY);
        }
        let progress = self.lock();
        let pause = (progress.last_took * WORK_TO_PAUSE).clamp(PAUSE_MIN, PAUSE_MAX);
        let many = self.feed.committed_size().saturating_sub(progress.claimed)
            >= self.options.limits.chunk_events;
        progress.last.filter(|_| !many).map(|last| last + pause)
    }

    /// Whether a flood goes on that is recorded first.
    pub(crate) fn is_held_back(&self) -> bool {
        if self.damaged.load(Ordering::Relaxed) {
            return false;
        }
        let (size, now) = (self.feed.committed_size(), Instant::now());
        let mut progress = self.lock();
        let waiting = size.saturating_sub(progress.claimed);
        let flood_rate = progress.cost.flood_rate(self.options.processors);
        let flood = progress.flood.get_or_insert_with(|| Flood::watch(now, size));
        flood.holds_back(now, size, waiting, flood_rate) && progress.waiters == 0
    }

    /// When what is in memory should go to disk.
    pub(crate) fn flush_due(&self) -> Option<Instant> {
        let waiting = self.view().segments.iter().any(|segment| segment.in_memory());
        let last = self.lock().last;
        last.filter(|_| waiting).map(|last| last + self.options.limits.flush_after)
    }

    /// Adds one chunk of events, or puts on disk what has been in memory for long.
    pub(crate) fn work(&self) -> Result<Worked> {
        if self.damaged.swap(false, Ordering::Relaxed) {
            self.reset()?;
        }
        let Some((range, epoch)) = self.claim() else {
            if self.flush_due().is_some_and(|due| due <= Instant::now()) {
                self.flush()?;
            }
            return Ok(Worked::Nothing);
        };
        let count = range.end - range.start;
        if self.feed.committed_size() - range.end >= self.options.limits.memory_chunk_events {
            // Another thread may take the next chunk meanwhile.
            self.notify();
        }
        let (begun, processor) = (Instant::now(), processor_time());
        let done = self.build(range).and_then(|segments| self.publish(segments, epoch));
        {
            let mut progress = self.lock();
            progress.last_took = begun.elapsed();
            if done.is_ok() {
                progress.cost.learn(count, processor_time().saturating_sub(processor));
            }
        }
        if done.is_err() {
            self.disclaim(epoch);
        }
        done?;
        while self.flush_run(false)? {}
        Ok(Worked::Added(count))
    }

    /// Whether there is more to add than is being worked on.
    pub(crate) fn has_work(&self) -> bool {
        self.lock().claimed < self.feed.committed_size() || self.damaged.load(Ordering::Relaxed)
    }

    fn claim(&self) -> Option<(Range<u64>, u64)> {
        let size = self.feed.committed_size();
        let mut progress = self.lock();
        let from = progress.claimed;
        let to = size.min(from + self.options.limits.chunk_events);
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
        self.whole_from.store(self.feed.committed_size(), Ordering::Release);
        let old = {
            let mut progress = self.lock();
            progress.epoch += 1;
            progress.finished.clear();
            progress.claimed = 0;
            progress.flood = None;
            let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *view)
        };
        self.save()?;
        for segment in &old.segments {
            segment.retire();
        }
        Ok(())
    }

    fn build(&self, range: Range<u64>) -> Result<Vec<Arc<Segment>>> {
        let mut built = Vec::new();
        let mut next = range.start;
        while next < range.end {
            let small = range.end - range.start <= self.options.limits.memory_chunk_events;
            let place = if small { Place::Memory } else { self.new_place() };
            match self.build_one(next, range.end, place.clone()) {
                Ok(segment) => {
                    next = segment.to();
                    built.push(Arc::new(segment));
                }
                Err(error) => {
                    place.remove();
                    for segment in &built {
                        segment.retire();
                    }
                    return Err(error);
                }
            }
        }
        Ok(built)
    }

    /// Builds one segment of as many events as fit.
    fn build_one(&self, from: u64, to: u64, place: Place) -> Result<Segment> {
        let mut builder = Builder::new(from, place)?;
        let mut next = from;
        while next < to && builder.memory() < self.options.limits.build_bytes {
            let left = usize::try_from(to - next).unwrap_or(usize::MAX);
            let events = self.feed.read(next, left.min(READ_COUNT))?;
            if events.is_empty() || events.iter().zip(next..).any(|(event, at)| event.index != at) {
                return Err(trail::Error::NoEvent { index: next, size: to }.into());
            }
            for some in events.chunks(YIELD_EVERY) {
                for recorded in some {
                    builder.add(recorded)?;
                }
                // Whoever answers a client is not to wait for the system's next tick.
                std::thread::yield_now();
            }
            next += events.len() as u64;
        }
        builder.finish()
    }

    pub(super) fn new_place(&self) -> Place {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        Place::Folder(self.folder.join(format!("s-{serial:08}")))
    }

    /// Makes segments searchable as soon as all before them are.
    fn publish(&self, segments: Vec<Arc<Segment>>, epoch: u64) -> Result<()> {
        let mut durable = false;
        {
            let mut progress = self.lock();
            if progress.epoch != epoch {
                for segment in &segments {
                    segment.retire();
                }
                return Ok(());
            }
            progress.finished.extend(segments.into_iter().map(|segment| (segment.from, segment)));
            let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
            let mut view = current.as_ref().clone();
            while let Some(segment) = progress.finished.remove(&view.size()) {
                durable |= !segment.in_memory();
                view.segments.push(segment);
            }
            let size = view.size();
            progress.added(size.saturating_sub(current.size()), Instant::now());
            *current = Arc::new(view);
            self.published.notify_all();
        }
        if durable { self.save() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicU64;

    use trail::{Feed, Recorded};

    use super::*;
    use crate::projection::Options;

    /// A trail of which only the size matters.
    #[derive(Debug, Default)]
    struct Sized(AtomicU64);

    impl Feed for Sized {
        fn committed_size(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }

        fn read(
            &self,
            _from: u64,
            _count_max: usize,
        ) -> std::result::Result<Vec<Recorded>, trail::Error> {
            Ok(Vec::new())
        }

        fn read_many(&self, _indexes: &[u64]) -> std::result::Result<Vec<Recorded>, trail::Error> {
            Ok(Vec::new())
        }
    }

    /// A trail that a flood pours into, and that cannot be read.
    #[derive(Debug)]
    struct Pouring(Instant);

    impl Feed for Pouring {
        fn committed_size(&self) -> u64 {
            200 * u64::try_from(self.0.elapsed().as_millis()).unwrap()
        }

        fn read(
            &self,
            from: u64,
            _count_max: usize,
        ) -> std::result::Result<Vec<Recorded>, trail::Error> {
            Err(trail::Error::NoEvent { index: from, size: 0 })
        }

        fn read_many(&self, _indexes: &[u64]) -> std::result::Result<Vec<Recorded>, trail::Error> {
            Ok(Vec::new())
        }
    }

    /// A projection as on two processors, so that the machine under the test does not matter.
    fn on_two_processors(folder: &Path, feed: Arc<dyn Feed>) -> Arc<Projection> {
        Projection::open(folder, feed, Options { processors: 2, ..Options::plain() }).unwrap()
    }

    /// Has a flood pour in from one look to the next.
    fn pour(feed: &Sized) {
        std::thread::sleep(LOOK_EVERY);
        feed.0.fetch_add(100_000, Ordering::Relaxed);
    }

    #[test]
    fn what_is_damaged_while_a_flood_is_held_back_is_rebuilt_by_the_scheduler() {
        let folder = tempfile::tempdir().unwrap();
        let feed = Arc::new(Pouring(Instant::now()));
        let projection = on_two_processors(folder.path(), feed);
        assert!(!projection.is_held_back());
        std::thread::sleep(LOOK_EVERY);
        assert!(projection.is_held_back());
        let scheduler = crate::Scheduler::start(1).unwrap();
        scheduler.follow(&projection);
        std::thread::sleep(LOOK_EVERY * 4);
        assert!(projection.is_held_back());
        assert_eq!(projection.lock().epoch, 0, "nothing was begun");
        projection.damaged.store(true, Ordering::Relaxed);
        // Nobody wakes it: it is looked at again by itself.
        for _ in 0..100 {
            if projection.lock().epoch > 0 {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        panic!("the rebuild never began");
    }

    #[test]
    fn a_flood_is_held_back_unless_somebody_waits_or_the_index_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let feed = Arc::new(Sized::default());
        let projection = on_two_processors(folder.path(), Arc::clone(&feed) as _);
        assert!(!projection.is_held_back(), "there is nothing");
        pour(&feed);
        assert!(projection.is_held_back());
        let awaited = projection.awaited();
        assert!(!projection.is_held_back(), "somebody waits");
        drop(awaited);
        assert!(projection.is_held_back());
        projection.damaged.store(true, Ordering::Relaxed);
        assert!(!projection.is_held_back(), "what is damaged is rebuilt at once");
    }

    #[test]
    fn few_events_are_never_held_back() {
        let folder = tempfile::tempdir().unwrap();
        let feed = Arc::new(Sized::default());
        let projection = on_two_processors(folder.path(), Arc::clone(&feed) as _);
        assert!(!projection.is_held_back());
        for _ in 0..3 {
            std::thread::sleep(LOOK_EVERY);
            feed.0.fetch_add(900, Ordering::Relaxed);
            assert!(!projection.is_held_back());
        }
    }
}

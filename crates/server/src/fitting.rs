//! As many events of a page as fit: each may have megabytes of its own, so that a number of them says
//! little about memory and time.
//!
//! Events that lie alone cost a read, a decompression and a hash each, so a long page is read by two
//! threads: one from its beginning, one from its end, until they meet. Nobody can tell from the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use search::Page;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use trail::{Error, Feed, Recorded};

/// Bytes of events after which a page ends early. It has at least one event, however large.
pub(crate) const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Pages with fewer events are read by one thread: waking another takes as long as reading a few.
const SHARED_MIN: usize = 8;

/// Reads the events of a page, in order, until they have had more than `bytes_max` bytes. The page is
/// cut behind the last one that was given. Gives how many bytes they had. At most twice as many are
/// in memory for it. To be called where blocking is allowed.
///
/// # Errors
/// When the trail cannot be read.
pub(crate) fn each_fitting<F: Feed + 'static>(
    feed: &Arc<F>,
    page: &mut Page,
    bytes_max: usize,
    each: &mut dyn FnMut(Recorded),
) -> Result<usize, Error> {
    let (bytes, count) = give_fitting(feed, &page.indexes, bytes_max, each)?;
    page.cut(count);
    Ok(bytes)
}

/// Gives the events at these indexes until they have had more than `bytes_max` bytes: how many bytes,
/// and how many events.
fn give_fitting<F: Feed + 'static>(
    feed: &Arc<F>,
    indexes: &[u64],
    bytes_max: usize,
    each: &mut dyn FnMut(Recorded),
) -> Result<(usize, usize), Error> {
    let left = Arc::new(Left::new(indexes.len()));
    let behind = (indexes.len() >= SHARED_MIN)
        .then(|| Behind::begin(Arc::clone(feed), indexes.to_vec(), bytes_max, Arc::clone(&left)));
    let mut given = Given { bytes: 0, count: 0, bytes_max, each };
    for index in indexes {
        if given.is_full() || !left.claim() {
            break;
        }
        given.give(feed.read_one(*index)?);
    }
    if given.count < indexes.len() && !given.is_full() {
        // What the other thread claimed, and so has begun: it is never waited for in vain.
        let Read { list, ended } = behind.map(Behind::end).unwrap_or_default();
        // An error lies before all that was read after it from the end, and is come to first.
        ended?;
        for recorded in list.into_iter().rev() {
            if given.is_full() {
                break;
            }
            given.give(recorded);
        }
    }
    Ok((given.bytes, given.count))
}

/// What was given of a page.
struct Given<'e> {
    bytes: usize,
    count: usize,
    bytes_max: usize,
    each: &'e mut dyn FnMut(Recorded),
}

impl Given<'_> {
    const fn is_full(&self) -> bool {
        self.bytes > self.bytes_max
    }

    fn give(&mut self, recorded: Recorded) {
        self.bytes += recorded.size_bytes();
        self.count += 1;
        (self.each)(recorded);
    }
}

/// How many events of a page nobody has claimed yet.
struct Left(AtomicUsize);

impl Left {
    const fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    /// Claims the next event, seen from the caller's own end of the page.
    fn claim(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    /// Leaves nothing to claim.
    fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The events that the other thread read, the last one first, and how that ended.
struct Read {
    list: Vec<Recorded>,
    ended: Result<(), Error>,
}

impl Default for Read {
    fn default() -> Self {
        Self { list: Vec::new(), ended: Ok(()) }
    }
}

impl Read {
    /// Reads from the end of a page until everything is claimed, or for so many bytes.
    fn from_the_end(feed: &dyn Feed, indexes: &[u64], bytes_max: usize, left: &Left) -> Self {
        let mut read = Self::default();
        let mut bytes = 0;
        for index in indexes.iter().rev() {
            if bytes > bytes_max || !left.claim() {
                break;
            }
            match feed.read_one(*index) {
                Ok(recorded) => {
                    bytes += recorded.size_bytes();
                    read.list.push(recorded);
                }
                Err(error) => {
                    read.ended = Err(error);
                    break;
                }
            }
        }
        read
    }
}

/// The other thread. Once nobody waits for it, it ends behind the event that it reads.
struct Behind {
    reading: JoinHandle<Read>,
    left: Arc<Left>,
}

impl Behind {
    fn begin<F: Feed + 'static>(
        feed: Arc<F>,
        indexes: Vec<u64>,
        bytes_max: usize,
        left: Arc<Left>,
    ) -> Self {
        let its = Arc::clone(&left);
        let read = move || Read::from_the_end(&*feed, &indexes, bytes_max, &its);
        Self { reading: Handle::current().spawn_blocking(read), left }
    }

    fn end(mut self) -> Read {
        match Handle::current().block_on(&mut self.reading) {
            Ok(read) => read,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only ever aborted by being dropped.
            Err(_) => Read::default(),
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.left.end();
        self.reading.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;
    use std::thread::ThreadId;
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::runtime::Runtime;

    use super::*;

    /// Events of 1,000 bytes; one of them cannot be read.
    #[derive(Debug, Default)]
    struct Thousands {
        broken: Option<u64>,
        /// How long reading one takes.
        takes: Duration,
        reads: AtomicUsize,
        readers: Mutex<HashSet<ThreadId>>,
    }

    impl Feed for Thousands {
        fn committed_size(&self) -> u64 {
            10_000
        }

        fn read(&self, _from: u64, _count_max: usize) -> Result<Vec<Recorded>, Error> {
            Ok(Vec::new())
        }

        fn read_many(&self, indexes: &[u64]) -> Result<Vec<Recorded>, Error> {
            self.readers.lock().unwrap().insert(std::thread::current().id());
            self.reads.fetch_add(indexes.len(), Ordering::Relaxed);
            std::thread::sleep(self.takes);
            let read = |index: &u64| {
                if self.broken == Some(*index) {
                    return Err(Error::NoEvent { index: *index, size: 0 });
                }
                let entry = Bytes::from(vec![b' '; 1_000]);
                Ok(Recorded { index: *index, entry, openings: Vec::new() })
            };
            indexes.iter().map(read).collect()
        }
    }

    /// What was given, and how many are said to have been.
    fn read(broken: Option<u64>, count: u64, bytes_max: usize) -> Result<(Vec<u64>, usize), Error> {
        read_in(&runtime(2), broken, count, bytes_max)
    }

    /// A runtime with so many threads for what blocks.
    fn runtime(threads: usize) -> Runtime {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).max_blocking_threads(threads).build().unwrap()
    }

    fn read_in(
        runtime: &Runtime,
        broken: Option<u64>,
        count: u64,
        bytes_max: usize,
    ) -> Result<(Vec<u64>, usize), Error> {
        let read = move || {
            let indexes: Vec<u64> = (0..count).rev().collect();
            let mut given = Vec::new();
            let each = &mut |recorded: Recorded| given.push(recorded.index);
            let feed = Arc::new(Thousands { broken, ..Thousands::default() });
            let (_, count) = give_fitting(&feed, &indexes, bytes_max, each)?;
            Ok((given, count))
        };
        runtime.block_on(runtime.spawn_blocking(read)).unwrap()
    }

    #[test]
    fn a_page_read_by_two_is_in_order_and_ends_where_its_bytes_do() {
        let one = Recorded { index: 0, entry: vec![b' '; 1_000].into(), openings: Vec::new() };
        let size = one.size_bytes();
        for count in [1, SHARED_MIN as u64 - 1, SHARED_MIN as u64, SHARED_MIN as u64 + 1, 500] {
            for fits in [1, 30, 31, 32, 33, 63, 64, 250, 251, 499, 500] {
                let (given, said) = read(None, count, fits * size - 1).unwrap();
                let expected: Vec<u64> = (0..count).rev().take(fits).collect();
                assert_eq!(given, expected, "{count} events, {fits} fit");
                assert_eq!(said, expected.len());
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_for_those_who_come_to_it() {
        assert!(read(Some(10), 500, usize::MAX).is_err(), "read ahead");
        assert!(read(Some(490), 500, usize::MAX).is_err(), "read by the first");
        let (given, _) = read(Some(10), 500, 100_000).unwrap();
        assert!(given.len() < 250, "the page was full before");
    }

    #[test]
    fn a_long_page_is_read_by_two_and_a_short_one_by_one() {
        let runtime = runtime(2);
        let readers = |count: usize| {
            let feed = Arc::new(Thousands::default());
            let read = Arc::clone(&feed);
            let wait = move |_| std::thread::sleep(Duration::from_millis(5));
            let work = move || {
                let indexes: Vec<u64> = (0..count as u64).collect();
                give_fitting(&read, &indexes, usize::MAX, &mut { wait }).unwrap()
            };
            let (_, given) = runtime.block_on(runtime.spawn_blocking(work)).unwrap();
            assert_eq!(given, count);
            feed.readers.lock().unwrap().len()
        };
        assert_eq!(readers(SHARED_MIN - 1), 1);
        assert_eq!(readers(500), 2);
    }

    #[test]
    fn the_other_thread_ends_when_nobody_waits_for_it() {
        let runtime = runtime(2);
        let takes = Duration::from_micros(100);
        let feed = Arc::new(Thousands { broken: Some(0), takes, ..Thousands::default() });
        let read = Arc::clone(&feed);
        let work = move || {
            let indexes: Vec<u64> = (0..10_000).collect();
            give_fitting(&read, &indexes, usize::MAX, &mut drop).map(drop)
        };
        runtime.block_on(runtime.spawn_blocking(work)).unwrap().unwrap_err();
        // Waits for what goes on.
        drop(runtime);
        assert!(feed.reads.load(Ordering::Relaxed) < 5_000);
    }

    #[test]
    fn pages_end_also_when_there_are_no_more_threads_than_pages() {
        let runtime = runtime(1);
        let (given, said) = read_in(&runtime, None, 500, usize::MAX).unwrap();
        assert_eq!((given.len(), said), (500, 500));
        assert!(read_in(&runtime, Some(10), 500, usize::MAX).is_err());
    }
}

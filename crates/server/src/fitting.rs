//! As many events of a page as fit: each may have megabytes of its own, so that a number of them says
//! little about memory and time.
//!
//! Events of a long page that lie alone cost a read, a decompression and a hash each, so the second
//! half of such a page is read ahead on a thread of its own. Nobody can tell from the answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, ScopedJoinHandle, scope};

use search::Page;
use trail::{Error, Feed, Recorded};

/// Bytes of events after which a page ends early. It has at least one event, however large.
pub(crate) const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Pages with fewer events are read on one thread: starting another takes as long as reading a few.
const HALVED_MIN: usize = 64;

/// Reads the events of a page, in order, until they have had more than `bytes_max` bytes. The page is
/// cut behind the last one that was given. Gives how many bytes they had. At most twice as many are
/// in memory for it.
///
/// # Errors
/// When the trail cannot be read.
pub(crate) fn each_fitting(
    feed: &dyn Feed,
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
fn give_fitting(
    feed: &dyn Feed,
    indexes: &[u64],
    bytes_max: usize,
    each: &mut dyn FnMut(Recorded),
) -> Result<(usize, usize), Error> {
    let half = if indexes.len() < HALVED_MIN { indexes.len() } else { indexes.len() / 2 };
    let (front, back) = indexes.split_at(half);
    let mut given = Given::new(bytes_max, each);
    // Says to the thread that nobody will want what it reads.
    let enough = AtomicBool::new(false);
    scope(|scope| {
        let thread = Builder::new().name("page-ahead".to_owned());
        let ahead = || read_ahead(feed, back, bytes_max, &enough);
        let ahead = (!back.is_empty()).then(|| thread.spawn_scoped(scope, ahead));
        let read = given.read(feed, front, &enough);
        enough.store(read.is_err() || given.is_full(), Ordering::Relaxed);
        read?;
        match ahead {
            None => Ok(()),
            Some(Ok(ahead)) => given.take(ahead),
            // No thread is to be had: what it would have read is read here.
            Some(Err(_)) => given.read(feed, back, &enough),
        }
    })?;
    Ok((given.bytes, given.count))
}

/// What was given of a page.
struct Given<'e> {
    bytes: usize,
    count: usize,
    bytes_max: usize,
    each: &'e mut dyn FnMut(Recorded),
}

impl<'e> Given<'e> {
    fn new(bytes_max: usize, each: &'e mut dyn FnMut(Recorded)) -> Self {
        Self { bytes: 0, count: 0, bytes_max, each }
    }

    const fn is_full(&self) -> bool {
        self.bytes > self.bytes_max
    }

    fn give(&mut self, recorded: Recorded) {
        self.bytes += recorded.size_bytes();
        self.count += 1;
        (self.each)(recorded);
    }

    fn read(&mut self, feed: &dyn Feed, indexes: &[u64], enough: &AtomicBool) -> Result<(), Error> {
        for index in indexes {
            if self.is_full() || enough.load(Ordering::Relaxed) {
                break;
            }
            for recorded in feed.read_many(&[*index])? {
                self.give(recorded);
            }
        }
        Ok(())
    }

    /// Gives what was read ahead. Its end, be it for its bytes or an error, is seen only by those who
    /// come to it.
    fn take(&mut self, ahead: ScopedJoinHandle<'_, Ahead>) -> Result<(), Error> {
        if self.is_full() {
            return Ok(());
        }
        let (list, ended) = ahead.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        for recorded in list {
            if self.is_full() {
                return Ok(());
            }
            self.give(recorded);
        }
        if self.is_full() { Ok(()) } else { ended }
    }
}

/// Events, and how reading them ended.
type Ahead = (Vec<Recorded>, Result<(), Error>);

fn read_ahead(feed: &dyn Feed, indexes: &[u64], bytes_max: usize, enough: &AtomicBool) -> Ahead {
    let mut list = Vec::with_capacity(indexes.len());
    let mut each = |recorded| list.push(recorded);
    let ended = Given::new(bytes_max, &mut each).read(feed, indexes, enough);
    (list, ended)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Events of 1,000 bytes; one of them cannot be read.
    #[derive(Debug)]
    struct Thousands {
        broken: Option<u64>,
    }

    impl Feed for Thousands {
        fn committed_size(&self) -> u64 {
            10_000
        }

        fn read(&self, _from: u64, _count_max: usize) -> Result<Vec<Recorded>, Error> {
            Ok(Vec::new())
        }

        fn read_many(&self, indexes: &[u64]) -> Result<Vec<Recorded>, Error> {
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
        let indexes: Vec<u64> = (0..count).rev().collect();
        let mut given = Vec::new();
        let each = &mut |recorded: Recorded| given.push(recorded.index);
        let (_, count) = give_fitting(&Thousands { broken }, &indexes, bytes_max, each)?;
        Ok((given, count))
    }

    #[test]
    fn a_page_read_by_two_is_in_order_and_ends_where_its_bytes_do() {
        let one = Recorded { index: 0, entry: vec![b' '; 1_000].into(), openings: Vec::new() };
        let size = one.size_bytes();
        for count in [1, 63, 64, 65, 500] {
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
}

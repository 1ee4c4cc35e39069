//! As many events of a page as fit: each may have megabytes of its own, so that a number of them says
//! little about memory and time.

use search::Page;
use trail::{Feed, Recorded};

/// Bytes of events after which a page ends early. It has at least one event, however large.
pub(crate) const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads the events of a page, one after the other, until they have had more than `bytes_max` bytes.
/// The page is cut behind the last one that was read. Gives how many bytes they had.
///
/// # Errors
/// When the trail cannot be read.
pub(crate) fn each_fitting(
    feed: &dyn Feed,
    page: &mut Page,
    bytes_max: usize,
    each: &mut dyn FnMut(Recorded),
) -> Result<usize, trail::Error> {
    let (mut bytes, mut count) = (0, 0);
    for index in &page.indexes {
        if count > 0 && bytes > bytes_max {
            break;
        }
        for recorded in feed.read_many(&[*index])? {
            bytes += recorded.size_bytes();
            each(recorded);
        }
        count += 1;
    }
    page.cut(count);
    Ok(bytes)
}

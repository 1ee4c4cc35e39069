//! From leaf indexes to events as dialects take them.

use event::Entry;
use search::{Cursor, Order, PAGE_MAX, Query};
use trail::Feed as _;

use crate::export::as_dialects_take_it;
use crate::instance::OpenTrail;
use crate::problem::Problem;

/// The most bytes of records that one page may have.
const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The leaf indexes of a page that is entered by number.
pub(crate) fn indexes(
    open: &OpenTrail,
    query: &Query,
    order: Order,
    skip: usize,
    limit: usize,
) -> Result<Vec<u64>, Problem> {
    let mut found = Vec::new();
    let mut after: Option<Cursor> = open.projection.behind(query, order, skip)?;
    if skip > 0 && after.is_none() {
        return Ok(found);
    }
    while found.len() < limit {
        let count = (limit - found.len()).min(PAGE_MAX);
        let page = open.projection.search(query, order, count, after.as_ref())?;
        found.extend(page.indexes);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The records of some events. All of them, or a refusal that says to ask for fewer: a client that
/// counts what it gets would take a short page for the last one.
pub(crate) fn records(
    open: &OpenTrail,
    indexes: &[u64],
    limit_name: &str,
    write: impl Fn(&dialect::Recorded<'_>) -> String,
) -> Result<Vec<String>, Problem> {
    let mut records = Vec::with_capacity(indexes.len());
    let mut bytes = 0;
    for index in indexes {
        for recorded in open.trail.read_many(&[*index])? {
            let Some(record) = with_event(&recorded, &write) else { continue };
            bytes += record.len();
            if bytes > PAGE_BYTES_MAX {
                let detail = format!(
                    "the records of this page have more than {PAGE_BYTES_MAX} bytes; ask for \
                     fewer with `{limit_name}`"
                );
                return Err(Problem::too_large(PAGE_BYTES_MAX, "bytes", detail));
            }
            records.push(record);
        }
    }
    Ok(records)
}

/// What is made of an event; nothing of an entry that is none of ours, as only a log that someone
/// else wrote has.
pub(crate) fn with_event<T>(
    recorded: &trail::Recorded,
    work: impl FnOnce(&dialect::Recorded<'_>) -> T,
) -> Option<T> {
    let text = recorded.text();
    let entry = Entry::parse(&text).ok()?;
    Some(work(&as_dialects_take_it(recorded.index, &entry)))
}

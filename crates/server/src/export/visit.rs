//! Every event that is meant, in the order of the trail.

use std::ops::Range;

use search::{Cursor, Order, PAGE_MAX, Query};
use trail::{Feed as _, Recorded};

use crate::instance::OpenTrail;
use crate::kinds::Catalogues;

/// Events that are read at once.
const READ_COUNT: usize = 1_024;

/// Events that are looked up at once; each may have megabytes of its own.
const LOOK_UP_COUNT: usize = 64;

/// Where one event in so many is meant, or more, reading them all is quicker than looking up each.
const SCAN_FROM: u64 = 20;

/// Calls `each` with every event that a question means, once, in the order of the trail. What is
/// recorded after the call began is left out; what search has not seen yet is not.
///
/// # Errors
/// Those of the trail and of search, and what `each` returns, which ends it.
pub fn visit<E>(
    open: &OpenTrail,
    query: &Query,
    each: &mut dyn FnMut(&Recorded) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<trail::Error> + From<search::Error>,
{
    let size = open.trail.committed_size();
    if *query == Query::default() {
        return scan(open, query, 0..size, each);
    }
    let counted = open.projection.count(query)?;
    let projected = counted.projected_size.min(size);
    if counted.count >= projected / SCAN_FROM {
        return scan(open, query, 0..size, each);
    }
    look_up(open, query, projected, each)?;
    scan(open, query, projected..size, each)
}

/// Reads all events of a range and takes those that are meant.
fn scan<E: From<trail::Error>>(
    open: &OpenTrail,
    query: &Query,
    range: Range<u64>,
    each: &mut dyn FnMut(&Recorded) -> Result<(), E>,
) -> Result<(), E> {
    let is_all = *query == Query::default();
    let mut next = range.start;
    while next < range.end {
        let left = usize::try_from(range.end - next).unwrap_or(READ_COUNT).min(READ_COUNT);
        let run = open.trail.read(next, left)?;
        next += run.len() as u64;
        for recorded in &run {
            if is_all || query.matches_recorded(recorded, &Catalogues) {
                each(recorded)?;
            }
        }
    }
    Ok(())
}

/// Finds the events that are meant below an index.
fn look_up<E: From<trail::Error> + From<search::Error>>(
    open: &OpenTrail,
    query: &Query,
    end: u64,
    each: &mut dyn FnMut(&Recorded) -> Result<(), E>,
) -> Result<(), E> {
    let mut cursor: Option<Cursor> = None;
    loop {
        let order = Order::FirstRecorded;
        let page = open.projection.search(query, order, PAGE_MAX, cursor.as_ref())?;
        let below = page.indexes.partition_point(|index| *index < end);
        for indexes in page.indexes.get(..below).unwrap_or_default().chunks(LOOK_UP_COUNT) {
            for recorded in open.trail.read_many(indexes)? {
                each(&recorded)?;
            }
        }
        cursor = page.next.filter(|_| below == page.indexes.len());
        if cursor.is_none() {
            return Ok(());
        }
    }
}

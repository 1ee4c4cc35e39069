//! Every event that is meant, in the order of the trail.

use std::ops::Range;
use std::sync::mpsc::sync_channel;

use search::{Cursor, Order, PAGE_MAX, Query};
use trail::{Feed as _, Recorded, Runs};

use crate::instance::OpenTrail;
use crate::kinds::Catalogues;

/// Events that are read at once.
const READ_COUNT: usize = 1_024;

/// So often are events read ahead of those that are being written.
const RUNS_AHEAD: usize = 2;

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
    let counted = match open.projection.count(query) {
        // It is being made again, and says nothing until it is whole.
        Err(search::Error::Behind { .. }) => return scan(open, query, 0..size, each),
        counted => counted?,
    };
    let projected = counted.projected_size.min(size);
    if counted.count >= projected / SCAN_FROM {
        return scan(open, query, 0..size, each);
    }
    let looked_up = look_up(open, query, projected, each)?;
    scan(open, query, looked_up..size, each)
}

/// Reads all events of a range and takes those that are meant. What comes next is read and verified
/// by a thread of its own meanwhile, when there is much of it.
fn scan<E: From<trail::Error>>(
    open: &OpenTrail,
    query: &Query,
    range: Range<u64>,
    each: &mut dyn FnMut(&Recorded) -> Result<(), E>,
) -> Result<(), E> {
    let is_all = *query == Query::default();
    let mut take = |run: Vec<Recorded>| -> Result<(), E> {
        for recorded in &run {
            if is_all || query.matches_recorded(recorded, &Catalogues) {
                each(recorded)?;
            }
        }
        Ok(())
    };
    let much = range.end.saturating_sub(range.start) > READ_COUNT as u64;
    let mut runs = Runs::new(&*open.trail, range, READ_COUNT);
    if !much {
        return runs.try_for_each(|run| take(run?));
    }
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(RUNS_AHEAD);
        // It ends when all is read, or when nobody takes any more.
        scope.spawn(move || runs.try_for_each(|run| sender.send(run)));
        receiver.into_iter().try_for_each(|run| take(run?))
    })
}

/// Finds the events that are meant below an index. Gives how far it came: search that is damaged
/// begins again from nothing, and the rest has to be read.
fn look_up<E: From<trail::Error> + From<search::Error>>(
    open: &OpenTrail,
    query: &Query,
    end: u64,
    each: &mut dyn FnMut(&Recorded) -> Result<(), E>,
) -> Result<u64, E> {
    let (mut cursor, mut done): (Option<Cursor>, _) = (None, 0);
    loop {
        let order = Order::FirstRecorded;
        let page = match open.projection.search(query, order, PAGE_MAX, cursor.as_ref()) {
            Err(search::Error::Behind { .. }) => return Ok(done),
            page => page?,
        };
        if page.projected_size < end {
            return Ok(done);
        }
        let below = page.indexes.partition_point(|index| *index < end);
        for index in page.indexes.get(..below).unwrap_or_default() {
            // One at a time: each may have megabytes of its own.
            for recorded in open.trail.read_many(&[*index])? {
                each(&recorded)?;
                done = recorded.index + 1;
            }
        }
        cursor = page.next.filter(|_| below == page.indexes.len());
        if cursor.is_none() {
            return Ok(end);
        }
    }
}

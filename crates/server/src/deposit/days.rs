//! Closing days: the indexes of a day become a fact of the trail.
//!
//! `recorded_at` never decreases, so the entries of a day lie together. Where a day ends is certain
//! once an entry of a later day is recorded; the closing record itself is one.

use std::ops::Range;

use event::Entry;
use trail::{Feed as _, Trail};

use super::ledger::{Closing, Own};
use super::{Day, Failure, Ledger};

/// Gives the record that closes a day, making it if there is none. `None` while the trail's clock
/// is not beyond the day.
pub(super) fn close(trail: &Trail, day: Day) -> Result<Option<Own<Closing>>, Failure> {
    let ledger = Ledger(trail);
    if let Some(closing) = ledger.closing(day)? {
        return Ok(Some(closing));
    }
    let over = day.next().start_micros();
    let known = trail.committed_size();
    let first = first_since(trail, day.start_micros(), 0..known)?;
    let end = first_since(trail, over, first..known)?;
    ledger.close(day, first, |next| {
        // What was known to be later stays later; what was recorded meanwhile is looked at now.
        if end < known { Ok(end) } else { first_since(trail, over, known..next) }
    })
}

/// The first index in a range whose entry was recorded at some time or later; the range's end if
/// there is none.
fn first_since(trail: &Trail, micros: i64, range: Range<u64>) -> Result<u64, trail::Error> {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if recorded_at(trail, middle)? < micros {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn recorded_at(trail: &Trail, index: u64) -> Result<i64, trail::Error> {
    let recorded = trail.read_one(index)?;
    // An entry that cannot be read is none of ours: a trail has only what the server wrote.
    let entry = Entry::parse(&recorded.text()).map(|entry| entry.recorded_at_micros);
    entry.map_err(|_| trail::Error::NoEvent { index, size: trail.committed_size() })
}

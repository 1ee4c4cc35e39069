//! Keeps the documents whose times are meant: what no dictionary tells but the columns do.

use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId};

use crate::hours::Almanac;
use crate::schema::COUNTED;
use crate::segment::Opened;
use crate::{During, Field, Hours, Interval, Late};

/// Conditions on when events happened, and how long before they were recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    /// Within which all of them happened.
    pub(crate) occurred: Interval,
    pub(crate) during: Vec<During>,
    pub(crate) hours: Vec<Hours>,
    pub(crate) late: Vec<Late>,
}

impl Times {
    /// Whether times are asked for that one interval of them does not say.
    pub(crate) fn look_closer(&self) -> bool {
        !self.hours.is_empty() || !self.during.is_empty() || !self.late.is_empty()
    }

    /// Whether every event that happened between two moments, these included, is meant.
    pub(crate) fn take_all(&self, (first, last): (i64, i64)) -> bool {
        !self.look_closer() && self.occurred.contains(first) && self.occurred.contains(last)
    }
}

/// Keeps the documents whose events are meant by all conditions on times.
#[derive(Debug)]
pub(crate) struct Sieve<'a> {
    interval: Interval,
    during: &'a [During],
    almanac: Almanac,
    late: &'a [Late],
    occurred: [Option<i64>; COLLECT_BLOCK_BUFFER_LEN],
    recorded: [Option<i64>; COLLECT_BLOCK_BUFFER_LEN],
    kept: Vec<DocId>,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(times: &'a Times) -> Self {
        Self {
            interval: times.occurred,
            during: &times.during,
            almanac: Almanac::new(&times.hours),
            late: &times.late,
            occurred: [None; COLLECT_BLOCK_BUFFER_LEN],
            recorded: [None; COLLECT_BLOCK_BUFFER_LEN],
            kept: Vec::with_capacity(COLLECT_BLOCK_BUFFER_LEN),
        }
    }

    /// Those of at most a block of documents that are meant.
    pub(crate) fn keep(&mut self, opened: &Opened, docs: &[DocId]) -> &[DocId] {
        let occurred = self.occurred.get_mut(..docs.len()).unwrap_or_default();
        let recorded = self.recorded.get_mut(..docs.len()).unwrap_or_default();
        opened.occurred.first_vals(docs, occurred);
        if !self.late.is_empty() {
            opened.recorded.first_vals(docs, recorded);
        }
        self.kept.clear();
        for ((doc, occurred), recorded) in docs.iter().zip(&*occurred).zip(&*recorded) {
            let Some(at) = *occurred else { continue };
            let happened = self.interval.contains(at)
                && self.during.iter().all(|during| during.contains(at))
                && self.almanac.admits(at);
            if happened {
                let recorded = recorded.filter(|_| is_event(opened, *doc, at));
                if self.late.iter().all(|late| late_admits(*late, at, recorded)) {
                    self.kept.push(*doc);
                }
            }
        }
        &self.kept
    }
}

/// An entry whose time of recording nobody knows is not late.
pub(crate) fn late_admits(late: Late, occurred: i64, recorded: Option<i64>) -> bool {
    recorded.map_or(late.negated, |recorded| late.contains(occurred, recorded))
}

/// Whether a document is of an entry that is one of ours. Another stands at the epoch without a
/// source, which every event has.
fn is_event(opened: &Opened, doc: DocId, occurred: i64) -> bool {
    if occurred != 0 {
        return true;
    }
    let column = COUNTED.iter().position(|field| *field == Field::System);
    let column = column.and_then(|column| opened.counted.get(column)?.as_ref());
    column.is_some_and(|column| column.ords().first(doc).is_some())
}

//! The members seen so far in every open object, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

/// Beyond this many members a set is kept, so that a hostile object costs linear time.
const LINEAR_MAX: usize = 24;

/// Members of the open objects, innermost last. One allocation serves a whole request.
#[derive(Debug, Default)]
pub(crate) struct Keys<'a> {
    seen: Vec<Cow<'a, str>>,
    large: Vec<(usize, HashSet<Cow<'a, str>>)>,
}

impl<'a> Keys<'a> {
    /// Begins an object; give what it returns back to the other two.
    pub(crate) fn open(&self) -> usize {
        self.seen.len()
    }

    /// Adds a member; false when the object that began at `start` has it already.
    pub(crate) fn add(&mut self, start: usize, key: Cow<'a, str>) -> bool {
        let members = self.seen.get(start..).unwrap_or_default();
        if members.len() < LINEAR_MAX {
            if members.contains(&key) {
                return false;
            }
            self.seen.push(key);
            return true;
        }
        match self.large.last_mut() {
            Some((at, set)) if *at == start => set.insert(key),
            _ => {
                let mut set: HashSet<_> = members.iter().cloned().collect();
                let new = set.insert(key);
                self.large.push((start, set));
                new
            }
        }
    }

    /// Ends the object that began at `start`.
    pub(crate) fn close(&mut self, start: usize) {
        self.seen.truncate(start);
        if self.large.last().is_some_and(|(at, _)| *at == start) {
            self.large.pop();
        }
    }
}

//! A trail in memory, as a follower sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use event::{Draft, Event, Received, Stamp};
use trail::{Error, Feed, Recorded};

/// Events in memory. Some reads can be made to fail.
#[derive(Debug, Default)]
pub(crate) struct MemoryFeed {
    events: RwLock<Vec<Recorded>>,
    pub(crate) fails: AtomicBool,
}

impl MemoryFeed {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Appends an event as the trail would, and gives its index.
    pub(crate) fn append(
        &self,
        event: &Event<'_>,
        recorded_at: i64,
        by: &str,
        via: &Received<'_>,
    ) -> u64 {
        let mut salt = 0_u8;
        let mut salts = || {
            salt += 1;
            [salt; 32]
        };
        let draft = Draft::new(event, None, &mut salts).unwrap();
        let mut entry = Vec::new();
        Stamp::new(recorded_at, by, via).write(&draft, &mut entry);
        self.append_entry(entry, draft.openings().to_vec())
    }

    pub(crate) fn append_entry(&self, entry: Vec<u8>, openings: Vec<event::Opening>) -> u64 {
        let mut events = self.events.write().unwrap();
        let index = events.len() as u64;
        events.push(Recorded { index, entry: Bytes::from(entry), openings });
        index
    }

    /// Appends a canonical event's text, recorded a microsecond after the one before.
    pub(crate) fn append_json(&self, json: &str) -> u64 {
        let event = Event::parse(json).unwrap();
        let micros = 1_800_000_000_000_000 + i64::try_from(self.committed_size()).unwrap();
        let via = Received { via: "api".into(), ..Received::default() };
        self.append(&event, micros, "tok", &via)
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.events.read().unwrap().clone()
    }
}

impl Feed for MemoryFeed {
    fn committed_size(&self) -> u64 {
        self.events.read().unwrap().len() as u64
    }

    fn read(&self, from: u64, count_max: usize) -> Result<Vec<Recorded>, Error> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::Busy);
        }
        let events = self.events.read().unwrap();
        let from = usize::try_from(from).unwrap().min(events.len());
        // Fewer than asked for, as a real trail may give.
        let count = count_max.min(700);
        Ok(events[from..].iter().take(count).cloned().collect())
    }

    fn read_many(&self, indexes: &[u64]) -> Result<Vec<Recorded>, Error> {
        let events = self.events.read().unwrap();
        indexes
            .iter()
            .map(|index| {
                let found = events.get(usize::try_from(*index).unwrap());
                found.cloned().ok_or(Error::NoEvent { index: *index, size: events.len() as u64 })
            })
            .collect()
    }
}

//! A trail over a store in memory, with a clock and an outside memory that tests hold.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use event::{Draft, Event, Received};
use store::{Memory, ObjectPath, Store};
use trail::{
    Answer, Batch, Cache, Clock, Error, Ids, Keys, MemoryIds, Options, Recovery, Report,
    Surroundings, Trail, WatchedClock, Watermark,
};

pub(crate) const ORIGIN: &str = "audit.example/lab";
pub(crate) const SLUG: &str = "lab";

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock {
    pub(crate) wall: AtomicI64,
    pub(crate) monotonic: AtomicI64,
}

impl TestClock {
    pub(crate) fn advance(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::SeqCst);
        self.monotonic.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic_micros(&self) -> i64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Notebook(pub(crate) Mutex<HashMap<String, String>>);

impl Watermark for Notebook {
    fn recall(&self, vkey: &str) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().get(vkey).cloned())
    }

    fn remember(&self, vkey: &str, note: &str) -> io::Result<()> {
        self.0.lock().unwrap().insert(vkey.to_owned(), note.to_owned());
        Ok(())
    }
}

/// Everything that outlives one opening of the trail.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: Memory,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) notebook: Arc<Notebook>,
}

pub(crate) fn keys() -> Keys {
    Keys::from_seed(ORIGIN, &[7; 64]).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let clock =
            TestClock { wall: 1_750_000_000_000_000.into(), monotonic: AtomicI64::new(1_000) };
        Self {
            store: Memory::default(),
            clock: Arc::new(clock),
            ids: Arc::new(MemoryIds::default()),
            notebook: Arc::default(),
        }
    }

    fn surroundings(&self) -> Surroundings {
        let (clock, notebook) = (Arc::clone(&self.clock), Arc::clone(&self.notebook));
        Surroundings {
            clock: Arc::new(WatchedClock::new(clock)),
            ids: Arc::clone(&self.ids),
            watermark: notebook,
            cache: Arc::new(Cache::new(1 << 20)),
        }
    }

    pub(crate) fn create(&self) -> Trail {
        let store: Arc<dyn Store> = Arc::new(self.store.clone());
        let free = Options::default();
        Trail::create(store, SLUG, ORIGIN, keys(), self.surroundings(), free).unwrap()
    }

    /// In a store of the test's own.
    pub(crate) fn create_in(&self, store: Arc<dyn Store>, options: Options) -> Trail {
        Trail::create(store, SLUG, ORIGIN, keys(), self.surroundings(), options).unwrap()
    }

    pub(crate) fn open(&self) -> Result<(Trail, Recovery), Error> {
        let store: Arc<dyn Store> = Arc::new(self.store.clone());
        let free = Options::default();
        Trail::open(store, SLUG, ORIGIN, keys(), self.surroundings(), free)
    }

    pub(crate) fn check(&self) -> Report {
        let remembered = self.notebook.recall(&keys().verifier().to_string()).unwrap();
        let (keys, remembered) = (keys(), remembered.as_deref());
        trail::check(&self.store, SLUG, ORIGIN, &keys, remembered, &mut |_| (), &mut |_| false)
            .unwrap()
    }

    pub(crate) fn objects(&self) -> Vec<ObjectPath> {
        self.store.list(&ObjectPath::new("trails").unwrap()).unwrap()
    }
}

pub(crate) fn event_json(number: u64) -> String {
    format!(
        r#"{{"id":"e-{number}","occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"test"}},"actor":{{"type":"user","id":"ana"}},"action":"sample.update","target":{{"type":"sample","id":"S-{number}"}},"params":{{"n":{number}}}}}"#
    )
}

pub(crate) fn draft(json: &str) -> Draft {
    Draft::new(&Event::parse(json).unwrap(), None, &mut || [9; 32]).unwrap()
}

pub(crate) fn batch_of(drafts: Vec<Draft>) -> Batch {
    Batch {
        drafts,
        recorded_by: "t-1".into(),
        received: Arc::new(Received { via: "api".into(), ..Received::default() }),
        atomic: true,
    }
}

pub(crate) fn batch(numbers: std::ops::Range<u64>) -> Batch {
    batch_of(numbers.map(|number| draft(&event_json(number))).collect())
}

pub(crate) fn index_of(answer: &Answer) -> u64 {
    match answer {
        Answer::Recorded { index, .. } => *index,
        Answer::Different { .. } => panic!("not recorded: {answer:?}"),
    }
}

/// Appends events until there are this many, a thousand at a time.
pub(crate) fn fill(trail: &Trail, from: u64, to: u64) {
    let mut next = from;
    while next < to {
        let end = to.min(next + 1_000);
        let answers = trail.append(batch(next..end)).unwrap();
        assert_eq!(index_of(&answers[0]), next);
        next = end;
    }
}

//! A trail, the client that appends to it, and the stranger who remembers all that was ever shown.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use event::{Draft, Event, Received};
use sim::FaultyStore;
use store::{Memory, ObjectPath, Store};
use tlog::{Frontier, Hash, leaf_hash};
use trail::{
    Answer, Batch, Cache, Clock, Corruption, Error, Feed, IdKey, Ids, Keys, MemoryIds, Options,
    Surroundings, Trail, WatchedClock, Watermark,
};

const ORIGIN: &str = "audit.example/lab";
const SLUG: &str = "lab";

/// A fault comes once; what still fails after so many attempts is broken.
const MAX_ATTEMPTS: u32 = 8;

/// One thing that the client or the server does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The client sends events, by their numbers, as one request, until they are acknowledged.
    Append(u64, u64),
    /// The client sends one event that is too large for an entry.
    AppendLarge(u64),
    /// The server publishes; when it cannot, it tries again.
    Publish,
    /// Time passes, in hours.
    Hours(i64),
    /// The machine is suspended, for hours.
    Suspend(i64),
    /// The server forgets what it can read again.
    Rest,
    /// The server is stopped and started.
    Restart,
}

/// Everything that outlives a process.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: FaultyStore,
    clock: Arc<TestClock>,
    ids: Arc<FaultyIds>,
    /// Whether the id index is lost whenever the process dies.
    loses_ids: bool,
    notebook: Arc<Notebook>,
    trail: Option<Trail>,
    seen: Seen,
    drafts: HashMap<u64, Draft>,
    /// The number of the next event that comes between a failed publication and its repetition.
    late: u64,
}

/// What the client and strangers were shown.
#[derive(Debug, Default)]
struct Seen {
    /// Acknowledged events: number to index and leaf hash.
    receipts: BTreeMap<u64, (u64, Hash)>,
    roots: BTreeMap<u64, Hash>,
    objects: HashMap<ObjectPath, Bytes>,
    published_size: u64,
    /// The checkpoint that was shown last.
    note: String,
}

/// The clocks of a machine, which are set by hand.
#[derive(Debug)]
pub(crate) struct TestClock {
    wall: AtomicI64,
    /// How long the machine has been running, and how long it was suspended.
    awake: AtomicI64,
    asleep: AtomicI64,
}

impl TestClock {
    /// A machine that is started at a moment.
    pub(crate) fn at(micros: i64) -> Self {
        Self { wall: micros.into(), awake: AtomicI64::new(0), asleep: AtomicI64::new(0) }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::SeqCst);
        self.awake.fetch_add(micros, Ordering::SeqCst);
    }

    /// Lets time pass while nothing runs.
    fn suspend(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::SeqCst);
        self.asleep.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic_micros(&self) -> i64 {
        self.awake.load(Ordering::SeqCst) + self.asleep.load(Ordering::SeqCst)
    }
}

/// An id index that fails at one of its calls.
#[derive(Debug)]
struct FaultyIds {
    inner: MemoryIds,
    calls: AtomicU64,
    fails_at: u64,
}

impl FaultyIds {
    fn new(fails_at: Option<u64>) -> Self {
        let fails_at = fails_at.unwrap_or(u64::MAX);
        Self { inner: MemoryIds::default(), calls: AtomicU64::new(0), fails_at }
    }

    fn call(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call == self.fails_at { Err(io::Error::other("a chosen fault")) } else { Ok(()) }
    }
}

impl Ids for FaultyIds {
    fn find(&self, key: &IdKey) -> io::Result<Option<u64>> {
        // One event in many, or the failures would all be of this kind.
        if key.first().is_some_and(|byte| *byte < 8) {
            self.call()?;
        }
        self.inner.find(key)
    }

    fn projected_size(&self, mark: &IdKey) -> io::Result<u64> {
        self.call()?;
        self.inner.projected_size(mark)
    }

    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()> {
        self.call()?;
        self.inner.extend(mark, keys, projected_size)
    }
}

/// The memory outside of the store, which survives with it here.
#[derive(Debug, Default)]
struct Notebook(Mutex<HashMap<String, String>>);

impl Watermark for Notebook {
    fn recall(&self, vkey: &str) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().get(vkey).cloned())
    }

    fn remember(&self, vkey: &str, note: &str) -> io::Result<()> {
        self.0.lock().unwrap().insert(vkey.to_owned(), note.to_owned());
        Ok(())
    }
}

fn keys() -> Keys {
    Keys::from_seed(ORIGIN, &[7; 64]).unwrap()
}

fn new_draft(number: u64, large: bool) -> Draft {
    let value = if large { "v".repeat(70_000) } else { String::from("v") };
    let json = format!(
        r#"{{"id":"e-{number}","occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"sim"}},"action":"update","params":{{"n":{number},"value":"{value}"}}}}"#
    );
    Draft::new(&Event::parse(&json).unwrap(), None, &mut || [9; 32]).unwrap()
}

fn batch(drafts: Vec<Draft>) -> Batch {
    Batch {
        drafts,
        recorded_by: "t-1".into(),
        received: Arc::new(Received { via: "api".into(), ..Received::default() }),
        atomic: true,
    }
}

impl World {
    pub(crate) fn new(loses_ids: bool) -> Self {
        Self {
            store: FaultyStore::new(Memory::default()),
            clock: Arc::new(TestClock::at(1_750_000_000_000_000)),
            ids: Arc::new(FaultyIds::new(None)),
            loses_ids,
            notebook: Arc::default(),
            trail: None,
            seen: Seen::default(),
            drafts: HashMap::new(),
            late: 10_000,
        }
    }

    /// A world whose id index fails at one of its calls.
    pub(crate) fn with_failing_ids(call: u64) -> Self {
        Self { ids: Arc::new(FaultyIds::new(Some(call))), ..Self::new(false) }
    }

    /// How often the id index was called.
    pub(crate) fn ids_calls(&self) -> u64 {
        self.ids.calls.load(Ordering::SeqCst)
    }

    /// Lives through a script and then checks everything.
    pub(crate) fn run(&mut self, script: &[Step]) {
        self.observe();
        for step in script {
            match *step {
                Step::Append(from, to) => self.append(from..to, false),
                Step::AppendLarge(number) => self.append(number..number + 1, true),
                Step::Publish => self.publish(),
                Step::Hours(hours) => self.clock.pass(hours * 3_600_000_000),
                Step::Suspend(hours) => self.clock.suspend(hours * 3_600_000_000),
                Step::Rest => self.trail().rest(),
                Step::Restart => self.restart(),
            }
            self.observe();
        }
        self.publish();
        self.observe();
        self.conclude();
    }

    fn append(&mut self, numbers: std::ops::Range<u64>, large: bool) {
        let drafts: Vec<_> = numbers.clone().map(|number| self.draft(number, large)).collect();
        for _ in 0..MAX_ATTEMPTS {
            match self.trail().append(batch(drafts.clone())) {
                Ok(answers) => return self.seen.acknowledge(numbers, &answers),
                Err(error) => self.recover(&error),
            }
            self.observe();
        }
        panic!("events {numbers:?} are never recorded");
    }

    fn publish(&mut self) {
        for _ in 0..MAX_ATTEMPTS {
            match self.trail().publish() {
                Ok(_) => return,
                Err(error) => self.recover(&error),
            }
            self.observe();
            // A server goes on meanwhile, so that what was tried is outgrown before it is published.
            self.late += 1;
            self.append(self.late - 1..self.late, false);
        }
        panic!("the trail never publishes");
    }

    /// Does what a server does about an error: goes on, or starts again.
    fn recover(&mut self, error: &Error) {
        assert!(!matches!(error, Error::Corrupt(_)), "a fault is taken for corruption: {error}");
        if self.store.is_dead() || self.trail.as_ref().is_some_and(Trail::is_stopped) {
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.trail = None;
        self.store = self.store.restart();
        if self.loses_ids {
            self.ids = Arc::new(FaultyIds::new(None));
        }
    }

    fn draft(&mut self, number: u64, large: bool) -> Draft {
        self.drafts.entry(number).or_insert_with(|| new_draft(number, large)).clone()
    }

    /// The trail, opened or made if it is not open.
    fn trail(&mut self) -> &Trail {
        for _ in 0..MAX_ATTEMPTS {
            if self.trail.is_some() {
                break;
            }
            match self.open() {
                Ok(trail) => self.trail = Some(trail),
                Err(error) => {
                    assert!(!matches!(error, Error::Corrupt(_)), "opening finds: {error}");
                    self.restart();
                }
            }
        }
        self.trail.as_ref().expect("the trail opens at last")
    }

    fn open(&self) -> Result<Trail, Error> {
        let around = || Surroundings {
            clock: Arc::new(WatchedClock::new(Arc::clone(&self.clock) as _)),
            ids: Arc::clone(&self.ids) as _,
            watermark: Arc::clone(&self.notebook) as _,
            cache: Arc::new(Cache::new(1 << 20)),
        };
        let store = || Arc::new(self.store.clone()) as Arc<dyn Store>;
        let options = Options::default();
        match Trail::open(store(), SLUG, ORIGIN, keys(), around(), options) {
            Ok((trail, _)) => Ok(trail),
            Err(Error::Corrupt(Corruption::Missing { path })) if path.ends_with("journal") => {
                Trail::create(store(), SLUG, ORIGIN, keys(), around(), options)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks at the raw bytes as a stranger would at this moment.
    fn observe(&mut self) {
        let memory = self.store.memory();
        for path in memory.paths() {
            let bytes = memory.get(&path).unwrap().unwrap();
            let name = path.as_str();
            if name.ends_with("/checkpoint") {
                self.seen.checkpoint(std::str::from_utf8(&bytes).unwrap());
            } else if !name.contains("/journal/") {
                let first = self.seen.objects.entry(path.clone()).or_insert_with(|| bytes.clone());
                assert_eq!(*first, bytes, "{path} changed");
            }
        }
    }

    /// What was promised, against what is there in the end.
    fn conclude(&mut self) {
        self.store.disarm();
        let remembered = self.notebook.recall(&keys().verifier().to_string()).unwrap();
        let check = |memory: &Memory| {
            let (keys, remembered) = (keys(), remembered.as_deref());
            trail::check(memory, SLUG, ORIGIN, &keys, remembered, &mut |_| (), &mut |_| false)
                .unwrap()
        };
        let report = check(self.store.memory());
        assert!(report.is_sound(), "{:?}", report.problems);

        let count = self.seen.receipts.len() as u64;
        let trail = self.trail();
        assert_eq!(trail.committed_size(), count, "events are lost or doubled");
        assert_eq!(trail.published().checkpoint.size().get(), count);
        let mut frontier = Frontier::new();
        let mut roots = BTreeMap::from([(0, frontier.root())]);
        let mut leaves = Vec::new();
        while frontier.size().get() < count {
            for recorded in trail.read(frontier.size().get(), 1000).unwrap() {
                let leaf = leaf_hash(&recorded.entry);
                frontier.push(leaf);
                leaves.push(leaf);
                roots.insert(frontier.size().get(), frontier.root());
            }
        }
        for (number, (index, leaf)) in &self.seen.receipts {
            let there = usize::try_from(*index).ok().and_then(|index| leaves.get(index));
            assert_eq!(there, Some(leaf), "the receipt of event {number} does not hold");
        }
        for (size, root) in &self.seen.roots {
            assert_eq!(roots.get(size), Some(root), "the checkpoint of size {size} does not hold");
        }
    }

    /// The operations so far, for the message of a failure.
    pub(crate) fn story(&self) -> String {
        self.store.trace().iter().enumerate().fold(String::new(), |mut story, (n, line)| {
            let _ = writeln!(story, "{n:4} {line}");
            story
        })
    }
}

impl Seen {
    fn acknowledge(&mut self, numbers: std::ops::Range<u64>, answers: &[Answer]) {
        assert_eq!(answers.len() as u64, numbers.end - numbers.start);
        for (number, answer) in numbers.zip(answers) {
            let Answer::Recorded { index, leaf_hash, .. } = *answer else {
                panic!("event {number} is not the one that was recorded before");
            };
            let receipt = *self.receipts.entry(number).or_insert((index, leaf_hash));
            assert_eq!(receipt, (index, leaf_hash), "event {number} has two receipts");
        }
    }

    fn checkpoint(&mut self, note: &str) {
        if self.note == note {
            return;
        }
        note.clone_into(&mut self.note);
        let checkpoint = tlog::Checkpoint::open(note, Some(ORIGIN), &[keys().verifier()]).unwrap();
        let size = checkpoint.size().get();
        let root = *self.roots.entry(size).or_insert_with(|| checkpoint.root());
        assert_eq!(root, checkpoint.root(), "size {size} was signed with two roots");
        assert!(size >= self.published_size, "the checkpoint went back to {size}");
        self.published_size = size;
    }
}

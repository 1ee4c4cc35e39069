//! Days of deposits under every fault of the store and of the folder; then what must be there.
#![expect(clippy::print_stderr, reason = "a failing day tells where")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on is to panic")]

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use event::{Draft, Entry, Event, Received};
use registry::{DepositId, DepositOrder, DepositRecord, Download, Slug};
use server::deposit::{
    Destination, DiskShelf, Folder, Found, Job, Part, Shelf, file_name, manifest_name,
};
use sim::{Fault, FaultyStore};
use store::{Memory, Store};
use tempfile::TempDir;
use trail::{
    Batch, Cache, Clock, Corruption, Error, Feed, Keys, MemoryIds, NoWatermark, Options,
    Surroundings, Trail,
};

use crate::world::TestClock;

const ORIGIN: &str = "audit.example/lab";

/// 2025-06-15T15:06:40Z.
const BEGIN: i64 = 1_750_000_000_000_000;
const HOUR: i64 = 3_600_000_000;

/// A fault comes once; what still fails after so many attempts is broken.
const MAX_ATTEMPTS: u32 = 10;

/// What happens at one operation on a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It fails and did not happen.
    Refused,
    /// There is no room; it did not happen.
    Full,
    /// It fails and happened.
    FailsButDone,
    /// The process dies before it.
    DiesBefore,
    /// The process dies after it.
    DiesAfter,
}

impl Trouble {
    const ALL: [Self; 5] =
        [Self::Refused, Self::Full, Self::FailsButDone, Self::DiesBefore, Self::DiesAfter];
}

/// The disk's folders, with trouble at one operation.
#[derive(Clone, Default)]
struct TroubledShelf(Arc<Mutex<Control>>);

impl std::fmt::Debug for TroubledShelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TroubledShelf")
    }
}

#[derive(Default)]
struct Control {
    operations: u64,
    at: Option<(u64, Trouble)>,
    is_dead: bool,
    /// Files that a process which died was writing. Nobody removed them.
    left: Vec<Box<dyn Part>>,
}

impl TroubledShelf {
    fn is_dead(&self) -> bool {
        self.0.lock().unwrap().is_dead
    }

    /// Does an operation, or what the trouble makes of it.
    fn does<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut control = self.0.lock().unwrap();
        if control.is_dead {
            return Err(io::Error::other("the process is dead"));
        }
        let here = control.operations;
        control.operations += 1;
        let trouble = control.at.filter(|(at, _)| *at == here).map(|(_, trouble)| trouble);
        control.is_dead = matches!(trouble, Some(Trouble::DiesBefore | Trouble::DiesAfter));
        drop(control);
        match trouble {
            None => act(),
            Some(Trouble::Refused | Trouble::DiesBefore) => Err(io::Error::other("chosen")),
            Some(Trouble::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Trouble::FailsButDone | Trouble::DiesAfter) => {
                act()?;
                Err(io::Error::other("chosen"))
            }
        }
    }
}

impl Shelf for TroubledShelf {
    fn make(&self, destination: &Destination) -> io::Result<()> {
        DiskShelf.make(destination)
    }

    fn open(&self, destination: &Destination) -> io::Result<Box<dyn Folder>> {
        let inner = self.does(|| DiskShelf.open(destination))?;
        Ok(Box::new(TroubledFolder { inner, shelf: self.clone() }))
    }
}

struct TroubledFolder {
    inner: Box<dyn Folder>,
    shelf: TroubledShelf,
}

impl Folder for TroubledFolder {
    fn read(&self, name: &str) -> io::Result<Found> {
        self.shelf.does(|| self.inner.read(name))
    }

    fn begin(&self, name: &str) -> io::Result<Box<dyn Part>> {
        let inner = self.shelf.does(|| self.inner.begin(name))?;
        Ok(Box::new(TroubledPart { inner: Some(inner), shelf: self.shelf.clone(), begun: false }))
    }

    fn name(&self, part: Box<dyn Part>, name: &str) -> io::Result<bool> {
        self.shelf.does(|| self.inner.name(part, name))
    }

    fn sync(&self) -> io::Result<()> {
        self.shelf.does(|| self.inner.sync())
    }
}

struct TroubledPart {
    inner: Option<Box<dyn Part>>,
    shelf: TroubledShelf,
    /// Whether half of the first piece was written.
    begun: bool,
}

impl TroubledPart {
    fn inner(&mut self) -> &mut dyn Part {
        self.inner.as_mut().unwrap().as_mut()
    }
}

impl Write for TroubledPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Half of it arrives before the trouble does.
        let shelf = self.shelf.clone();
        let begun = std::mem::replace(&mut self.begun, true);
        let size = if begun { bytes.len() } else { bytes.len().div_ceil(2) };
        let size = self.inner().write(&bytes[..size])?;
        shelf.does(|| Ok(size))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner().flush()
    }
}

impl Part for TroubledPart {
    fn seal(&mut self) -> io::Result<()> {
        let shelf = self.shelf.clone();
        shelf.does(|| self.inner().seal())
    }
}

impl Drop for TroubledPart {
    fn drop(&mut self) {
        let mut control = self.shelf.0.lock().unwrap();
        if control.is_dead {
            // A process that died removes nothing.
            control.left.extend(self.inner.take());
        }
    }
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Events by their numbers are recorded.
    Append(u64, u64),
    /// Events by their numbers are imported.
    Import(u64, u64),
    Hours(i64),
    /// The first deposit ends.
    End,
    Run,
    Restart,
}

/// Two deposits with different dialects: days with events, a day without, days when nothing ran, an
/// end in the middle of a day.
const DAYS: &[Step] = &[
    Step::Append(0, 3),
    Step::Run,
    Step::Append(3, 6),
    Step::Hours(24),
    Step::Run,
    Step::Append(6, 8),
    Step::Import(8, 11),
    Step::Hours(72),
    Step::Restart,
    Step::Append(11, 12),
    Step::Run,
    Step::End,
    Step::Append(12, 14),
    Step::Hours(24),
    Step::Run,
];

struct World {
    store: FaultyStore,
    shelf: TroubledShelf,
    clock: Arc<TestClock>,
    ids: Arc<MemoryIds>,
    trail: Option<Arc<Trail>>,
    root: TempDir,
    deposits: Vec<Arc<DepositRecord>>,
    /// Every file that was ever seen under its final name.
    seen: BTreeMap<PathBuf, Vec<u8>>,
}

fn keys() -> Keys {
    Keys::from_seed(ORIGIN, &[7; 64]).unwrap()
}

fn temporary() -> TempDir {
    // Where syncing costs nothing, if there is such a place.
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() })
        .unwrap()
}

impl World {
    fn new() -> Self {
        let root = temporary();
        let clock = Arc::new(TestClock::at(BEGIN));
        let deposit = |number: u8, dialect: &str, format: &str, imports: bool| {
            let destination = root.path().join(dialect).display().to_string();
            let below = Destination::parse(&destination, &[root.path().to_owned()]).unwrap();
            DiskShelf.make(&below).unwrap();
            Arc::new(DepositRecord {
                id: DepositId::new([number; 6]),
                order: DepositOrder {
                    trail: Slug::parse("lab").unwrap(),
                    destination,
                    dialect: dialect.to_owned(),
                    format: format.to_owned(),
                    region_column: false,
                    formula_guard: false,
                    imports,
                    download: Download::Admin,
                    from: None,
                },
                created_at_micros: BEGIN,
                removed_at_micros: None,
            })
        };
        let json = dialect::by_name("opencga").unwrap().formats()[0].name;
        let deposits =
            vec![deposit(1, "dnanexus", "csv", false), deposit(2, "opencga", json, true)];
        Self {
            store: FaultyStore::new(Memory::default()),
            shelf: TroubledShelf::default(),
            clock,
            ids: Arc::default(),
            trail: None,
            root,
            deposits,
            seen: BTreeMap::new(),
        }
    }

    fn live(&mut self, script: &[Step]) {
        for step in script {
            match *step {
                Step::Append(from, to) => self.append(from..to, "api"),
                Step::Import(from, to) => self.append(from..to, "import"),
                Step::Hours(hours) => {
                    self.clock.pass(hours * HOUR);
                }
                Step::End => {
                    let now = self.clock.now_micros();
                    Arc::make_mut(&mut self.deposits[0]).removed_at_micros = Some(now);
                    self.run();
                }
                Step::Run => self.run(),
                Step::Restart => self.restart(),
            }
            self.observe();
        }
    }

    fn append(&mut self, numbers: std::ops::Range<u64>, via: &'static str) {
        let received = Arc::new(Received { via: via.into(), ..Received::default() });
        let drafts: Vec<Draft> = numbers.map(draft).collect();
        for _ in 0..MAX_ATTEMPTS {
            let batch = Batch {
                drafts: drafts.clone(),
                recorded_by: "t-1".into(),
                received: Arc::clone(&received),
                atomic: true,
            };
            match self.trail().append(batch) {
                Ok(_) => return,
                Err(error) => self.recover(&error),
            }
        }
        panic!("events are never recorded");
    }

    fn recover(&mut self, error: &Error) {
        assert!(!matches!(error, Error::Corrupt(_)), "a fault is taken for corruption: {error}");
        if self.store.is_dead() || self.trail.as_ref().is_some_and(|trail| trail.is_stopped()) {
            self.restart();
        }
    }

    /// Runs until nothing is wrong any more.
    fn run(&mut self) {
        let stop = AtomicBool::new(false);
        let mut last = BTreeMap::new();
        for _ in 0..MAX_ATTEMPTS {
            let trail = self.trail();
            let job = Job {
                trail: &trail,
                roots: &[self.root.path().to_owned()],
                shelf: &self.shelf,
                now_micros: self.clock.now_micros(),
                verify: true,
                stop: &stop,
            };
            last = job.run(&self.deposits);
            self.observe();
            let sound = last.values().all(server::deposit::Report::is_sound);
            if self.shelf.is_dead() || self.store.is_dead() || trail.is_stopped() {
                self.restart();
            } else if sound {
                return;
            }
        }
        panic!("the deposits never become sound: {last:?}");
    }

    fn restart(&mut self) {
        self.trail = None;
        self.store = self.store.restart();
        let mut control = self.shelf.0.lock().unwrap();
        control.is_dead = false;
    }

    fn trail(&mut self) -> Arc<Trail> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(trail) = &self.trail {
                return Arc::clone(trail);
            }
            match self.open() {
                Ok(trail) => self.trail = Some(Arc::new(trail)),
                Err(error) => {
                    assert!(!matches!(error, Error::Corrupt(_)), "opening finds: {error}");
                    self.restart();
                }
            }
        }
        panic!("the trail never opens");
    }

    fn open(&self) -> Result<Trail, Error> {
        let around = || Surroundings {
            clock: Arc::new(trail::WatchedClock::new(Arc::clone(&self.clock) as _)),
            ids: Arc::clone(&self.ids) as _,
            watermark: Arc::new(NoWatermark),
            cache: Arc::new(Cache::new(1 << 20)),
        };
        let store = || Arc::new(self.store.clone()) as Arc<dyn Store>;
        let options = Options::default();
        match Trail::open(store(), "lab", ORIGIN, keys(), around(), options) {
            Ok((trail, _)) => Ok(trail),
            Err(Error::Corrupt(Corruption::Missing { path })) if path.ends_with("journal") => {
                Trail::create(store(), "lab", ORIGIN, keys(), around(), options)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks at the folders as somebody who waits for files does.
    fn observe(&mut self) {
        for (path, bytes) in self.files() {
            let first = self.seen.entry(path.clone()).or_insert_with(|| bytes.clone());
            assert_eq!(*first, bytes, "{} changed", path.display());
        }
        let there = self.files();
        assert!(self.seen.keys().all(|path| there.contains_key(path)), "a file is gone");
    }

    /// Files under final names, by their paths below the root.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for deposit in &self.deposits {
            for item in fs::read_dir(&deposit.order.destination).unwrap() {
                let path = item.unwrap().path();
                if !path.file_name().unwrap().to_str().unwrap().starts_with('.') {
                    let below = path.strip_prefix(self.root.path()).unwrap().to_owned();
                    files.insert(below, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// What the trail says of deposits: how often, by action and target.
    fn records(&mut self) -> BTreeMap<String, u64> {
        let trail = self.trail();
        let mut records = BTreeMap::new();
        for recorded in trail.read(0, 10_000).unwrap() {
            let text = recorded.text();
            let entry = Entry::parse(&text).unwrap();
            if entry.event.source.system == registry::SYSTEM {
                let id = entry.event.id.as_deref().unwrap();
                *records.entry(format!("{} {id}", entry.event.action)).or_default() += 1;
            } else {
                *records.entry("event".to_owned()).or_default() += 1;
            }
        }
        records
    }

    /// After all days: everything is there, once.
    fn conclude(&mut self, data: &BTreeMap<PathBuf, Vec<u8>>) {
        self.store.disarm();
        self.shelf.0.lock().unwrap().at = None;
        self.run();
        self.observe();
        assert_eq!(data_files(&self.files()), *data, "not the files of days without trouble");
        for deposit in &self.deposits {
            for item in fs::read_dir(&deposit.order.destination).unwrap() {
                let item = item.unwrap();
                let mode = item.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o444, "{}", item.path().display());
                assert!(!item.file_name().to_str().unwrap().starts_with('.'), "a part is left");
            }
        }
        let records = self.records();
        assert_eq!(records["event"], 14);
        // Five days are over; the first deposit ended on the last of them.
        let closings = records.keys().filter(|key| key.starts_with("day.close")).count();
        let filed = records.keys().filter(|key| key.starts_with("deposit.file")).count();
        let begun = records.keys().filter(|key| key.starts_with("deposit.activate")).count();
        assert_eq!((closings, filed, begun), (5, 10, 2), "{records:?}");
        assert!(records.iter().all(|(key, count)| *count == 1 || key == "event"), "{records:?}");
        assert!(!records.keys().any(|key| key.starts_with("deposit.damage")), "{records:?}");
        // What a failed publication left behind goes with the next.
        self.trail().publish().unwrap();
        let report = trail::check(
            self.store.memory(),
            "lab",
            ORIGIN,
            &keys(),
            None,
            &mut |_| (),
            &mut |_| false,
        )
        .unwrap();
        assert!(report.is_sound(), "{:?}", report.problems);
    }
}

fn data_files(files: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    // Manifests name indexes, which may be others after a fault.
    let is_data = |path: &Path| !path.to_str().unwrap().ends_with(".manifest.json");
    files.iter().filter(|(path, _)| is_data(path)).map(|(p, b)| (p.clone(), b.clone())).collect()
}

fn draft(number: u64) -> Draft {
    let json = format!(
        r#"{{"id":"e-{number}","occurred_at":"2025-06-01T00:00:00Z","source":{{"system":"lims"}},"actor":{{"type":"user","id":"ana"}},"action":"file-close","target":{{"type":"file","id":"file-{number}"}},"params":{{"n":{number}}}}}"#
    );
    Draft::new(&Event::parse(&json).unwrap(), None, &mut || [9; 32]).unwrap()
}

/// The days without trouble: their files, and how many operations there are.
fn peace() -> (BTreeMap<PathBuf, Vec<u8>>, u64, u64) {
    let mut world = World::new();
    world.live(DAYS);
    let operations = (world.store.operations(), world.shelf.0.lock().unwrap().operations);
    let data = data_files(&world.files());
    world.conclude(&data);
    (data, operations.0, operations.1)
}

fn live(data: &BTreeMap<PathBuf, Vec<u8>>, story: &str, arm: impl FnOnce(&World)) {
    let mut world = World::new();
    arm(&world);
    let lived = catch_unwind(AssertUnwindSafe(|| {
        world.live(DAYS);
        world.conclude(data);
    }));
    if let Err(panic) = lived {
        eprintln!("{story}\n{}", world.store.trace().join("\n"));
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn days_without_trouble_have_each_event_once_in_the_file_of_its_day() {
    let (data, ..) = peace();
    let csv: Vec<(&str, Vec<&str>)> = data
        .iter()
        .filter(|(path, _)| path.starts_with("dnanexus"))
        .map(|(path, bytes)| {
            let rows = std::str::from_utf8(bytes).unwrap().lines().skip(1);
            let ids = rows.map(|row| row.split(',').nth(5).unwrap()).collect();
            (path.to_str().unwrap(), ids)
        })
        .collect();
    // Recorded before the activation: 0 to 2. Imported: 8 to 10. After the end: 12 and 13.
    let expected: [(&str, &[&str]); 5] = [
        ("dnanexus/lab-2025-06-15.csv", &["file-3", "file-4", "file-5"]),
        ("dnanexus/lab-2025-06-16.csv", &["file-6", "file-7"]),
        ("dnanexus/lab-2025-06-17.csv", &[]),
        ("dnanexus/lab-2025-06-18.csv", &[]),
        ("dnanexus/lab-2025-06-19.csv", &["file-11"]),
    ];
    assert_eq!(csv, expected.map(|(name, ids)| (name, ids.to_vec())));
    let json = &data[&PathBuf::from("opencga/lab-2025-06-16.json")];
    let json = std::str::from_utf8(json).unwrap();
    assert!((6..11).all(|number| json.contains(&format!("file-{number}"))), "imports are in it");
}

#[test]
fn whatever_the_store_does_no_file_is_lost_doubled_or_half() {
    let (data, operations, _) = peace();
    assert!(operations > 50);
    for operation in 0..operations {
        for fault in Fault::ALL {
            let story = format!("the store at {operation}: {fault:?}");
            live(&data, &story, |world| world.store.arm(operation, fault));
        }
    }
}

#[test]
fn whatever_the_folder_does_no_file_is_lost_doubled_or_half() {
    let (data, _, operations) = peace();
    assert!(operations > 50);
    for operation in 0..operations {
        for trouble in Trouble::ALL {
            let story = format!("the folder at {operation}: {trouble:?}");
            live(&data, &story, |world| {
                world.shelf.0.lock().unwrap().at = Some((operation, trouble));
            });
        }
    }
}

#[test]
fn the_names_of_files_say_trail_and_day() {
    let world = World::new();
    let order = &world.deposits[0].order;
    let day = server::deposit::Day::parse("2025-06-15").unwrap();
    assert_eq!(file_name(order, day), "lab-2025-06-15.csv");
    assert_eq!(manifest_name(order, day), "lab-2025-06-15.manifest.json");
}

//! Measures the projection over synthetic events: how fast it follows, what it takes, and how long
//! answers take. `cargo run --release -p search --example measure -- [EVENTS] [THREADS] [follow [MEBIBYTES]]`;
//! with `follow` it stops once the projection has caught up, its segments cut at a size in memory

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use event::{Draft, Event, Received, Stamp};
use search::{Field, Options, Order, Projection, Query, Scheduler, Split};
use trail::{Error, Feed, Recorded};

/// Entries one behind the other in memory, of which some are committed.
#[derive(Debug)]
struct Entries {
    bytes: Bytes,
    ends: Vec<usize>,
    committed: AtomicU64,
}

/// So many events are committed one at a time at the end.
const TRICKLE: u64 = 300;

impl Entries {
    fn get(&self, index: u64) -> Recorded {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(place).copied().unwrap_or_default();
        let entry = self.bytes.slice(start.unwrap_or_default()..end);
        Recorded { index, entry, openings: Vec::new() }
    }
}

impl Feed for Entries {
    fn committed_size(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    fn read(&self, from: u64, count_max: usize) -> Result<Vec<Recorded>, Error> {
        let to = self.committed_size().min(from + count_max as u64);
        Ok((from..to).map(|index| self.get(index)).collect())
    }

    fn read_many(&self, indexes: &[u64]) -> Result<Vec<Recorded>, Error> {
        Ok(indexes.iter().map(|index| self.get(*index)).collect())
    }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Small numbers far more often than large ones, as words are used.
    fn skewed(&mut self, limit: u64) -> u64 {
        let bits = u64::from(limit.ilog2());
        let octave = self.below(bits);
        ((1 << octave) + self.below(1 << octave)).min(limit - 1)
    }
}

const FIRST: i64 = 1_735_689_600_000_000;
const YEAR: i64 = 365 * 86_400_000_000;
const VERBS: [&str; 6] = ["create", "update", "delete", "download", "share", "read"];
const TYPES: [&str; 8] =
    ["file", "sample", "job", "individual", "dataset", "workflow", "cohort", "study"];

fn pick<'a>(list: &[&'a str], number: u64) -> &'a str {
    let place = usize::try_from(number).unwrap_or_default() % list.len();
    list.get(place).copied().unwrap_or_default()
}

fn event_json(number: i64, step: i64, random: &mut Random, operation: &mut u64) -> String {
    let late = if random.below(50) == 0 { random.below(1_000).cast_signed() } else { 0 };
    let at =
        FIRST + (number - late).max(0) * step + random.below(step.unsigned_abs()).cast_signed();
    if random.below(5) < 2 {
        *operation = random.next();
    }
    let user = random.skewed(2_000);
    let organization = user % 12;
    let target = random.below(200_000);
    let action = random.skewed(60);
    let verb = pick(&VERBS, action);
    let kind = pick(&TYPES, target);
    let status = ["failure", "failure", "denied"]
        .get(usize::try_from(random.below(60)).unwrap_or_default())
        .unwrap_or(&"success");
    let mut json = format!(
        r#"{{"id":"{:016x}{:016x}","occurred_at":"{}","source":{{"system":"system-{}"}},"actor":{{"type":"user","id":"person{user:04}","name":"Given{} Family{}","email":"person{user:04}@org-{organization}.example"}},"client":{{"ip":"10.{}.{}.{}","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Firefox/1{}.0"}},"action":"{kind}-{verb}-{action}","target":{{"type":"{kind}","id":"T-{target:06}"}},"scope":{{"organization":{{"id":"org-{organization}"}},"project":{{"id":"prj-{:02}"}}}},"outcome":{{"status":"{status}"}},"operation":"{operation:016x}","#,
        random.next(),
        random.next(),
        event::format_micros(at),
        user % 4,
        user % 61,
        user % 97,
        user % 251,
        user % 13,
        user % 199,
        user % 30,
        random.below(20),
    );
    if random.below(17) == 0 {
        json.push_str(r#""reason":{"text":"corrected after review of lot 42"},"#);
    }
    json.push_str(r#""params":{"limit":25,"text":""#);
    for place in 0..20 + random.below(5) {
        let gap = if place > 0 { " " } else { "" };
        let word = random.skewed(16_384);
        let _ = write!(json, "{gap}w{:x}r", word * 7_919 % 16_384);
    }
    json.push_str("\"}");
    if verb == "update" {
        let size = random.below(100_000);
        let _ = write!(
            json,
            r#","before":{{"status":"draft","version":{},"size":{size}}},"after":{{"status":"final","version":{},"size":{}}}"#,
            size % 40,
            size % 40 + 1,
            size + 512
        );
    }
    json.push('}');
    json
}

fn entries(count: i64) -> Entries {
    let mut random = Random(1);
    let mut operation = 0;
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    let mut no_salts = || [0; 32];
    for number in 0..count {
        let json = event_json(number, YEAR / count, &mut random, &mut operation);
        let Ok(event) = Event::parse(&json) else { continue };
        let Ok(draft) = Draft::new(&event, None, &mut no_salts) else { continue };
        let received = Received { via: "api".into(), ..Received::default() };
        let recorded_at = FIRST + YEAR + number / 1_000 * 12_345;
        Stamp::new(recorded_at, "bench", &received).write(&draft, &mut bytes);
        ends.push(bytes.len());
    }
    let committed = AtomicU64::new((ends.len() as u64).saturating_sub(TRICKLE));
    Entries { bytes: Bytes::from(bytes), ends, committed }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The median and the 99th percentile of a question asked again and again.
fn ask<T>(name: &str, mut question: impl FnMut() -> T) -> T {
    let mut times = Vec::new();
    let start = Instant::now();
    let first = question();
    let first_took = start.elapsed();
    let begin = Instant::now();
    while times.len() < 20 || (times.len() < 200 && begin.elapsed() < Duration::from_secs(2)) {
        let start = Instant::now();
        std::hint::black_box(question());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    say(&format!(
        "{name:<44} first {first_took:>10.2?}  p50 {:>10.2?}  p99 {:>10.2?}",
        at(50),
        at(99)
    ));
    first
}

fn follow(
    feed: &Arc<Entries>,
    folder: &std::path::Path,
    (threads, scheduler): (usize, &Scheduler),
    options: Options,
) -> Option<Arc<Projection>> {
    let projection = Projection::open(folder, Arc::clone(feed) as _, options).ok()?;
    let size = feed.committed_size();
    let start = Instant::now();
    if threads == 0 {
        projection.catch_up_once().ok()?;
    } else {
        scheduler.follow(&projection);
        projection.wait_for(size, Duration::from_hours(1));
    }
    let rate =
        size.saturating_mul(1_000) / u64::try_from(start.elapsed().as_millis()).unwrap_or(1).max(1);
    say(&format!(
        "followed with {threads} threads (0: caller alone, merges included): {rate} events/s"
    ));
    Some(projection)
}

/// How long it takes until an event is found that comes alone.
fn trickle(feed: &Entries, projection: &Arc<Projection>, scheduler: &Scheduler) {
    scheduler.follow(projection);
    let mut times = Vec::new();
    for _ in 0..TRICKLE {
        let size = feed.committed.fetch_add(1, Ordering::AcqRel) + 1;
        let start = Instant::now();
        projection.notify();
        projection.wait_for(size, Duration::from_secs(10));
        times.push(start.elapsed());
        std::thread::sleep(Duration::from_millis(7));
    }
    times.sort_unstable();
    say(&format!(
        "one event until it is found: p50 {:.2?} p99 {:.2?}",
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.get(times.len() * 99 / 100).copied().unwrap_or_default()
    ));
}

fn memory_peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines =
        status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon"));
    lines.collect::<Vec<_>>().join(", ")
}

fn questions(projection: &Projection) {
    let page = |text: &str| {
        let query = Query::parse(text).unwrap_or_default();
        ask(&format!("page of 50: {text}"), || {
            projection.search(&query, Order::Newest, 50, None).map_or(0, |page| page.indexes.len())
        });
        let count =
            ask(&format!("count: {text}"), || projection.count(&query).map_or(0, |c| c.count));
        say(&format!("    {count} events"));
    };
    for text in [
        "",
        "actor:person0003",
        "actor:=person1999",
        "target:file/T-001000",
        "outcome:failure action:*delete from:2025-03-01 to:2025-03-08",
        "outcome:failure from:2025-03-01 to:2025-03-08",
        "outcome:success",
        "params:w1eefr",
        "\"lot 42\"",
        "w1eefr w3ddar",
        "T-001000",
        "action:file*",
        "ip:10.0.0.0/16",
        "reason:none",
        "-outcome:success",
        "to:2025-02-01",
    ] {
        page(text);
    }
    let facets = [
        Field::Actor,
        Field::Action,
        Field::TargetType,
        Field::Organization,
        Field::Project,
        Field::Outcome,
        Field::System,
        Field::Kind,
    ];
    let edges: Vec<i64> = (0..=365).map(|day| FIRST + day * 86_400_000_000).collect();
    for text in
        ["", "outcome:failure", "outcome:success", "from:2025-03-01 to:2025-04-01", "params:w1eefr"]
    {
        let query = Query::parse(text).unwrap_or_default();
        for field in facets {
            ask(&format!("facet {field}: {text}"), || {
                projection.facets(&query, &[field], 10).is_ok()
            });
        }
        ask(&format!("facets, all eight: {text}"), || {
            projection.facets(&query, &facets, 10).is_ok()
        });
        ask(&format!("facet target.id: {text}"), || {
            projection.facets(&query, &[Field::TargetId], 10).is_ok()
        });
        for split in [Split::None, Split::Outcome, Split::Kind] {
            ask(&format!("histogram by day, {split:?}: {text}"), || {
                projection.histogram(&query, &edges, split).is_ok()
            });
        }
    }
    ask("history", || projection.history("file", "T-001000", 1_000, None).is_ok());
    ask("distinct actor p", || projection.distinct(Field::Actor, "person00", 10).is_ok());
}

/// What the index takes.
fn sizes(projection: &Projection, events: usize) {
    if let Ok(usage) = projection.usage() {
        let total: u64 = usage.parts.values().sum();
        say(&format!("{} segments, {} in memory", usage.segments, usage.segments_in_memory));
        for (part, bytes) in &usage.parts {
            say(&format!("    {part:<12} {:>8.2} bytes an event", ratio(*bytes, events)));
        }
        say(&format!("    {:<12} {:>8.2} bytes an event", "total", ratio(total, events)));
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let threads = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let feed = Arc::new(entries(count));
    say(&format!(
        "{} events, {} bytes each",
        feed.ends.len(),
        feed.bytes.len() / feed.ends.len().max(1)
    ));
    say(&format!("before: {}", memory_peak()));
    let folder = std::env::temp_dir().join(format!("search-measure-{}", std::process::id()));
    let follow_only = arguments.next().is_some_and(|word| word == "follow");
    let mut options = Options::plain();
    if let Some(mebibytes) = arguments.next().and_then(|text| text.parse::<usize>().ok()) {
        options.limits.build_bytes = mebibytes << 20;
    }
    let Ok(scheduler) = Scheduler::start(threads) else { return };
    if let Some(projection) = follow(&feed, &folder, (threads, &scheduler), options) {
        say(&format!("after: {}", memory_peak()));
        if follow_only {
            sizes(&projection, feed.ends.len());
            drop(projection);
            let _ = std::fs::remove_dir_all(&folder);
            return;
        }
        trickle(&feed, &projection, &scheduler);
        let _ = projection.flush();
        let merging = Instant::now();
        let _ = projection.catch_up_once();
        say(&format!("merges left took {:?}", merging.elapsed()));
        sizes(&projection, feed.ends.len());
        questions(&projection);
        say(&format!("at the end: {}", memory_peak()));
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// Bytes an event, to two digits.
fn ratio(bytes: u64, events: usize) -> f64 {
    let hundredths = bytes * 100 / (events as u64).max(1);
    f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
}

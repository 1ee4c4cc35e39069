//! The memory of a real server while it writes out a trail that is much larger.

use std::fs;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::thread;
use std::time::{Duration, Instant};

use event::{Draft, Event, Received};
use registry::Slug;
use server::instance::{Instance, InstanceOptions};
use tempfile::TempDir;
use trail::{Batch, Clock, SystemClock};

use crate::clock::OlderClock;
use crate::shell::{Running, Shell, peak_bytes};

const MIB: u64 = 1024 * 1024;
const DAY_MICROS: i64 = 86_400_000_000;

/// Events with a large body, and how large it is.
const LARGE: u64 = 200;
const BODY_BYTES: u64 = MIB;
const TOGETHER: u64 = 10;

/// Events beside them, so many that they are read ahead.
const SMALL: u64 = 1_500;

/// What a server may take at most, where the trail has a third more and could have any number of times
/// as much. What is read at once, what is read ahead of it and what waits for the client have a bound
/// each; a debug build takes 85 to 120 MiB, half of it before it begins.
const MEMORY_MAX: u64 = 150 * MIB;

fn draft(target: &str, body_bytes: u64) -> Draft {
    let body = "x".repeat(usize::try_from(body_bytes).unwrap());
    let json = format!(
        r#"{{"occurred_at":"2026-01-01T08:00:00Z","source":{{"system":"lims"}},"actor":{{"type":"user","id":"ana"}},"action":"update","target":{{"type":"sample","id":"{target}"}},"params":{{"note":"{body}"}}}}"#
    );
    Draft::new(&Event::parse(&json).unwrap(), None, &mut || [7; 32]).unwrap()
}

/// A data directory with a trail that was recorded at a moment of yesterday.
fn record(shell: &Shell, yesterday: i64) {
    let mut options = InstanceOptions::new(shell.path("state"));
    options.clock = Arc::new(OlderClock(AtomicI64::new(yesterday)));
    let (instance, _) = Instance::init(&shell.path("data"), "test.example", options).unwrap();
    let slug = Slug::parse("lab").unwrap();
    instance.create_trail(&slug, &Instance::operator()).unwrap();
    let open = instance.trail(&slug).unwrap();
    // Search has nothing to do beside what is measured. Done here, because its own threads wait for
    // whatever else the machine does.
    let append = |drafts| {
        let received = Arc::new(Received { via: "api".into(), ..Received::default() });
        let batch = Batch { drafts, recorded_by: "test".into(), received, atomic: true };
        open.trail.append(batch).unwrap();
        open.projection.catch_up_once().unwrap();
    };
    append(vec![draft("S-1", 20); usize::try_from(SMALL).unwrap()]);
    let large = draft("S-2", BODY_BYTES);
    for _ in 0..LARGE / TOGETHER {
        append(vec![large.clone(); usize::try_from(TOGETHER).unwrap()]);
        open.trail.publish().unwrap();
    }
    assert!(open.projection.wait_for(SMALL + LARGE, Duration::from_mins(5)));
    instance.stop();
}

#[track_caller]
fn assert_bounded(server: &Running, what: &str) {
    let peak = peak_bytes(server.id());
    assert!(peak < MEMORY_MAX, "{what}: the server took {} MiB", peak / MIB);
}

/// Takes a file away, slowly at first, and gives its size.
fn download(server: &Running, token: &str, query: &str) -> u64 {
    let url = format!("{}/api/v1/trails/lab/export?{query}", server.url);
    let authorization = format!("Bearer {token}");
    let answer = ureq::get(&url).header("Authorization", &authorization).call().unwrap();
    let mut body = answer.into_body().into_reader();
    // What can wait for a slow client does.
    let mut first = [0; 1_000];
    body.read_exact(&mut first).unwrap();
    thread::sleep(Duration::from_millis(300));
    first.len() as u64 + io::copy(&mut body, &mut io::sink()).unwrap()
}

#[test]
fn exports_and_deposits_take_much_less_memory_than_the_trail_has() {
    let shell = Shell { folder: TempDir::new().unwrap() };
    let yesterday = SystemClock::default().now_micros() - DAY_MICROS;
    record(&shell, yesterday);
    let token = shell.done(&["token", "create", "--scope", "read"]);
    let all = LARGE * BODY_BYTES;
    // The last one is looked up; the others are read from one end to the other.
    for query in ["format=jsonl", "format=csv", "format=jsonl&q=target:sample/S-2"] {
        let server = shell.serve(&[]);
        assert!(download(&server, token.trim(), query) > all, "{query} is not whole");
        assert_bounded(&server, query);
    }

    let root = shell.path("deposits");
    fs::create_dir(&root).unwrap();
    let root = root.to_str().unwrap();
    let from = server::deposit::Day::of_micros(yesterday);
    let order = format!(
        "deposit create --trail lab --to {root}/files --dialect opencga --format mongo \
         --from {from} --deposit-root {root}"
    );
    shell.done(&order.split(' ').collect::<Vec<_>>());
    let server = shell.serve(&["--deposit-root", root]);
    let begin = Instant::now();
    let sizes = loop {
        let items = fs::read_dir(format!("{root}/files")).unwrap().map(Result::unwrap);
        let files: Vec<_> = items.collect();
        if files.iter().any(|file| file.file_name().to_str().unwrap().ends_with(".manifest.json")) {
            break files.iter().map(|file| file.metadata().unwrap().len()).sum::<u64>();
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "nothing is deposited");
        thread::sleep(Duration::from_millis(10));
    };
    assert!(sizes > all, "the deposit has only {sizes} bytes");
    assert_bounded(&server, "a deposit");
}

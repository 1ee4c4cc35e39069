//! The real server, killed again and again while it catches up on days of deposits: what is in the
//! folders is whole, final and true at every moment, and at the end nothing is missing or doubled.
//!
//! The days are those of a server that ran in the past and then was down: an instance wrote them by an
//! older clock.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use event::{Draft, Event, Received};
use registry::Slug;
use serde_json::Value;
use server::deposit::Day;
use server::instance::{Instance, InstanceOptions};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use trail::{Batch, Clock, SystemClock};

use crate::clock::OlderClock;
use crate::shell::Shell;

const DAYS: i64 = 24;
const DAY_MICROS: i64 = 86_400_000_000;

/// Events of a day, but for one that is quiet.
const ROWS: usize = 400;

/// What is deposited, and the ending of its files.
const DEPOSITS: [(&str, &str, &str); 3] = [
    ("dnanexus", "csv", "csv"),
    ("tetrascience", "system-log-csv", "csv"),
    ("opencga", "mongo", "json"),
];

/// Kills that must have come while something was owed.
const KILLS_MIN: usize = 12;

/// A slower machine does fewer rounds in this time, and fails.
const TIME_MAX: Duration = Duration::from_mins(5);

#[test]
fn kills_while_days_are_deposited_leave_no_half_file_and_lose_no_row() {
    let shell = Shell { folder: TempDir::new().unwrap() };
    let first = record_days(&shell);
    let root = shell.path("deposits");
    fs::create_dir(&root).unwrap();
    let root_text = root.to_str().unwrap();
    for (dialect, format, _) in DEPOSITS {
        let folder = format!("{root_text}/{dialect}");
        let order = format!(
            "deposit create --trail lab --to {folder} --dialect {dialect} --format {format} \
             --from {first} --deposit-root {root_text}"
        );
        shell.done(&order.split(' ').collect::<Vec<_>>());
    }
    let expected = expected(&shell, first);
    let begin = Instant::now();
    let (mut seen, mut kills, mut halves) = (BTreeMap::new(), 0, 0);
    for round in 0_usize.. {
        assert!(begin.elapsed() < TIME_MAX, "only {round} rounds, {} files", seen.len());
        let server = shell.serve(&["--deposit-root", root_text]);
        let wanted = names(&root).len() + round * 7 % 5;
        // At times at once, while days are closed and files are verified.
        if round % 4 > 0 {
            wait_until(|| names(&root).len() > wanted || is_done(&root));
        }
        // Somewhere within the next file, or between two.
        thread::sleep(Duration::from_micros((round as u64 * 7_919) % 12_000));
        server.kill();
        halves += names(&root).iter().filter(|name| is_part(name)).count();
        seen = check_folder(&root, &expected, &seen);
        if is_done(&root) {
            break;
        }
        kills += 1;
    }
    assert!(kills >= KILLS_MIN, "only {kills} kills came in time");
    assert!(halves > 0, "no kill came while a file was written");
    // What the last kill left is recorded, nothing is written again, and everything is verified.
    let server = shell.serve(&["--deposit-root", root_text]);
    wait_until(|| filed(&shell).len() >= expected.len());
    let said = server.stop();
    assert!(said.iter().any(|line| line.contains("stopped")), "{said:?}");
    let last = check_folder(&root, &expected, &seen);
    assert_eq!(last.len(), 2 * expected.len(), "each day has its file and its manifest");
    shell.done(&["deposit", "run", "--deposit-root", root_text]);
    shell.done(&["check"]);
    check_records(&shell, &expected, &last);
}

/// Writes a data directory in which a trail has events on some days before today, and gives the first.
fn record_days(shell: &Shell) -> Day {
    let today = Day::of_micros(SystemClock::default().now_micros());
    let begin = today.start_micros() - DAYS * DAY_MICROS;
    let clock = Arc::new(OlderClock(AtomicI64::new(begin + DAY_MICROS / 3)));
    let mut options = InstanceOptions::new(shell.path("state"));
    options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let (instance, _) = Instance::init(&shell.path("data"), "test.example", options).unwrap();
    let slug = Slug::parse("lab").unwrap();
    instance.create_trail(&slug, &Instance::operator()).unwrap();
    let open = instance.trail(&slug).unwrap();
    for day in 0..DAYS {
        let count = if day == DAYS / 2 { 0 } else { ROWS };
        let drafts = (0..count).map(|number| draft(day, number)).collect();
        let received = Arc::new(Received { via: "api".into(), ..Received::default() });
        let batch = Batch { drafts, recorded_by: "test".into(), received, atomic: true };
        if count > 0 {
            open.trail.append(batch).unwrap();
        }
        clock.0.fetch_add(DAY_MICROS, Ordering::Relaxed);
    }
    instance.stop();
    Day::of_micros(begin)
}

fn draft(day: i64, number: usize) -> Draft {
    let text = format!(
        r#"{{"id":"d{day}-{number}","occurred_at":"2026-01-01T08:00:00Z","source":{{"system":"lims"}},"actor":{{"type":"user","id":"u{}"}},"action":"update","target":{{"type":"sample","id":"S-{number}"}},"params":{{"note":"{}"}}}}"#,
        number % 3,
        "run ".repeat(number % 50),
    );
    Draft::new(&Event::parse(&text).unwrap(), None, &mut || [7; 32]).unwrap()
}

/// The bytes that each file must have, by its path below the root, without the trail's own records.
fn expected(shell: &Shell, first: Day) -> BTreeMap<String, Vec<u8>> {
    let mut expected = BTreeMap::new();
    let last = Day::of_micros(SystemClock::default().now_micros()).previous();
    for day in first.to(last) {
        let question = format!("recorded_from:{day} recorded_to:{}", day.next());
        for (dialect, format, ending) in DEPOSITS {
            let export = format!("export --trail lab --dialect {dialect} --format {format}");
            let export: Vec<&str> = export.split(' ').chain(["--query", &question]).collect();
            let written = shell.run(&export);
            assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
            let rows = std::str::from_utf8(&written.stdout).unwrap().lines().count();
            assert!(rows == 0 || rows == 1 || rows >= ROWS, "{day} has {rows} lines in {dialect}");
            expected.insert(format!("{dialect}/lab-{day}.{ending}"), written.stdout);
        }
    }
    assert_eq!(expected.len(), DEPOSITS.len() * usize::try_from(DAYS).unwrap());
    expected
}

/// A file as it was found: which one, when it was written, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    inode: u64,
    modified: (i64, i64),
    sha256: String,
}

/// Checks all that has a final name, and that what was there before is there as it was.
fn check_folder(
    root: &Path,
    expected: &BTreeMap<String, Vec<u8>>,
    before: &BTreeMap<String, Found>,
) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    for name in names(root) {
        let (folder, file) = name.split_once('/').unwrap();
        if file.starts_with('.') {
            assert!(is_part(file), "{name} is neither final nor a part");
            continue;
        }
        let path = root.join(&name);
        let (bytes, meta) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap());
        assert_eq!(meta.permissions().mode() & 0o777, 0o444, "{name}");
        if file.ends_with(".manifest.json") {
            check_manifest(root, folder, &bytes);
        } else {
            assert!(expected[&name] == bytes, "{name} is not what the day has");
        }
        let modified = (meta.mtime(), meta.mtime_nsec());
        found.insert(name, Found { inode: meta.ino(), modified, sha256: sha256(&bytes) });
    }
    for (name, was) in before {
        assert_eq!(found.get(name), Some(was), "{name} was replaced or is gone");
    }
    found
}

/// Checks that a manifest says the truth of the file that it is about.
fn check_manifest(root: &Path, folder: &str, bytes: &[u8]) {
    let manifest: Value = serde_json::from_slice(bytes).unwrap();
    let name = manifest["file"].as_str().unwrap();
    let file = fs::read(root.join(folder).join(name)).unwrap();
    assert_eq!(manifest["sha256"], sha256(&file), "{name}");
    assert_eq!(manifest["size_bytes"], file.len(), "{name}");
    let rows = manifest["rows"].as_u64().unwrap();
    let range = manifest["end_index"].as_u64().unwrap() - manifest["first_index"].as_u64().unwrap();
    assert!(rows == ROWS as u64 || rows == 0, "{name} has {rows} rows");
    assert_eq!(rows, range, "{name}: nothing is left out");
}

/// Checks that the trail says of each file, once, what is in the folder.
fn check_records(
    shell: &Shell,
    expected: &BTreeMap<String, Vec<u8>>,
    found: &BTreeMap<String, Found>,
) {
    let filed = filed(shell);
    assert_eq!(filed.len(), expected.len(), "one record for each file");
    let digests: HashSet<&str> = found.values().map(|found| found.sha256.as_str()).collect();
    for record in &filed {
        for member in ["sha256", "manifest_sha256"] {
            let digest = record["params"][member].as_str().unwrap();
            assert!(digests.contains(digest), "{record}");
        }
    }
    let ids: HashSet<&str> = filed.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), expected.len());
    let closed = search(shell, "action:day.close");
    assert_eq!(closed.len(), usize::try_from(DAYS).unwrap(), "each day is closed once");
}

/// The records of what was deposited.
fn filed(shell: &Shell) -> Vec<Value> {
    search(shell, "action:deposit.file")
}

fn search(shell: &Shell, question: &str) -> Vec<Value> {
    let found = shell.done(&["search", question, "--trail", "lab", "-o", "json"]);
    found.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All names in the folders below the root.
fn names(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for (folder, ..) in DEPOSITS {
        for item in fs::read_dir(root.join(folder)).unwrap() {
            let name = item.unwrap().file_name().into_string().unwrap();
            names.push(format!("{folder}/{name}"));
        }
    }
    names
}

/// Whether a name is that of a file that is being written.
fn is_part(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "part")
}

/// Whether each day has a manifest in each folder.
fn is_done(root: &Path) -> bool {
    let manifests = names(root).iter().filter(|name| name.ends_with(".manifest.json")).count();
    manifests == DEPOSITS.len() * usize::try_from(DAYS).unwrap()
}

#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_mins(1), "nothing happens");
        thread::sleep(Duration::from_millis(1));
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

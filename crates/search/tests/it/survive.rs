//! What can happen to a projection.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use search::{Error, Limits, Options, Order, Projection, Query, Scheduler};
use trail::Feed as _;

use crate::feed::MemoryFeed;
use crate::generate::append;
use crate::oracle::small_limits;
use crate::random::Random;

fn options() -> Options {
    Options { limits: small_limits(), ..Options::plain() }
}

fn open(folder: &Path, feed: &Arc<MemoryFeed>) -> Arc<Projection> {
    Projection::open(folder, Arc::clone(feed) as _, options()).unwrap()
}

fn filled(count: usize) -> Arc<MemoryFeed> {
    let feed = MemoryFeed::new();
    append(&feed, &mut Random(7), count);
    feed
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// All of it, found by asking.
fn everything(projection: &Projection) -> u64 {
    let count = projection.count(&Query::parse("source:(opencga|seqera|tdp)").unwrap()).unwrap();
    assert_eq!(count.count, count.projected_size);
    count.count
}

#[test]
fn it_goes_on_from_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let feed = filled(500);
    let projection = open(folder.path(), &feed);
    projection.catch_up_once().unwrap();
    projection.flush().unwrap();
    drop(projection);
    let projection = open(folder.path(), &feed);
    assert_eq!(projection.projected_size(), 500);
    assert_eq!(everything(&projection), 500);
    append(&feed, &mut Random(8), 10);
    assert_eq!(projection.lag(), 10);
    assert_eq!(projection.catch_up_once().unwrap(), 10);
    assert_eq!(everything(&projection), 510);
}

#[test]
fn what_was_only_in_memory_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let feed = filled(100);
    let projection = open(folder.path(), &feed);
    projection.catch_up_once().unwrap();
    append(&feed, &mut Random(8), 5);
    projection.catch_up_once().unwrap();
    assert_eq!(everything(&projection), 105);
    drop(projection);
    let projection = open(folder.path(), &feed);
    assert!(projection.projected_size() < 105);
    projection.catch_up_once().unwrap();
    assert_eq!(everything(&projection), 105);
}

#[test]
fn a_folder_that_is_gone_damaged_or_of_another_version_is_rebuilt() {
    let feed = filled(300);
    let whole = tempfile::tempdir().unwrap();
    let projection = open(whole.path(), &feed);
    projection.catch_up_once().unwrap();
    projection.flush().unwrap();
    drop(projection);
    let manifest = whole.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for bad in [
        String::new(),
        text.replace(
            &format!("\"schema_version\": {}", search::SCHEMA_VERSION),
            "\"schema_version\": 0",
        ),
        text.replace("\"from\": 0", "\"from\": 1"),
        text.replace("s-0", "../s-0"),
        text.replace("\"last_entry\": \"", "\"last_entry\": \"9"),
    ] {
        assert_ne!(bad, text);
        fs::write(&manifest, bad).unwrap();
        let projection = open(whole.path(), &feed);
        assert_eq!(projection.projected_size(), 0);
        projection.catch_up_once().unwrap();
        projection.flush().unwrap();
        assert_eq!(everything(&projection), 300);
    }
    fs::remove_dir_all(whole.path()).unwrap();
    let projection = open(whole.path(), &feed);
    // Until all is there again, "nothing" would be a lie.
    let error = projection.count(&Query::default()).unwrap_err();
    assert!(matches!(error, Error::Behind { size: 0, wanted: 300 }), "{error}");
    projection.catch_up_once().unwrap();
    assert_eq!(everything(&projection), 300);
}

#[test]
fn a_flipped_byte_is_noticed_and_mended() {
    let feed = filled(120);
    let folder = tempfile::tempdir().unwrap();
    let projection = open(folder.path(), &feed);
    projection.catch_up_once().unwrap();
    projection.flush().unwrap();
    drop(projection);
    let names = files(folder.path());
    assert!(names.len() > 5);
    for (position, file) in names.iter().enumerate() {
        // A rebuild gives files new names.
        let now = files(folder.path());
        let Some(file) = now.iter().find(|now| now.extension() == file.extension()) else {
            continue;
        };
        let mut bytes = fs::read(file).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let place = (position * 7_919) % bytes.len();
        bytes[place] ^= 0x10;
        fs::write(file, bytes).unwrap();
        let projection = open(folder.path(), &feed);
        for _ in 0..2 {
            let question = Query::parse("source:(opencga|seqera|tdp)").unwrap();
            match projection.count(&question) {
                Ok(count) => assert_eq!(count.count, 120, "{}", file.display()),
                Err(Error::Damaged(_) | Error::Behind { .. }) => {}
                Err(other) => panic!("{}: {other}", file.display()),
            }
            projection.catch_up_once().unwrap();
        }
        projection.flush().unwrap();
        assert_eq!(everything(&projection), 120, "{}", file.display());
    }
}

#[test]
fn a_projection_of_another_trail_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let projection = open(folder.path(), &filled(100));
    projection.catch_up_once().unwrap();
    projection.flush().unwrap();
    drop(projection);
    let other = MemoryFeed::new();
    append(&other, &mut Random(99), 150);
    let projection = open(folder.path(), &other);
    assert_eq!(projection.projected_size(), 0);
    drop(projection);
    let shorter = filled(50);
    assert_eq!(open(folder.path(), &shorter).projected_size(), 0);
}

#[test]
fn leftovers_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let feed = filled(400);
    let projection = open(folder.path(), &feed);
    projection.catch_up_once().unwrap();
    projection.flush().unwrap();
    let before = files(folder.path());
    drop(projection);
    assert_eq!(files(folder.path()), before, "merged segments are gone already");
    fs::create_dir(folder.path().join("s-99999999")).unwrap();
    fs::write(folder.path().join("s-99999999/x"), "x").unwrap();
    fs::write(folder.path().join("manifest.tmp"), "x").unwrap();
    let _projection = open(folder.path(), &feed);
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_trail_that_cannot_be_read_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let feed = filled(200);
    let projection = open(folder.path(), &feed);
    feed.fails.store(true, Ordering::Relaxed);
    assert!(matches!(projection.catch_up_once(), Err(Error::Feed(_))));
    assert_eq!(projection.projected_size(), 0);
    feed.fails.store(false, Ordering::Relaxed);
    assert_eq!(projection.catch_up_once().unwrap(), 200);
    assert_eq!(everything(&projection), 200);
}

#[test]
fn an_entry_that_is_none_of_ours_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let feed = MemoryFeed::new();
    feed.append_json(
        r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"a"},"action":"x"}"#,
    );
    feed.append_entry(b"not json".to_vec(), Vec::new());
    feed.append_json(
        r#"{"occurred_at":"2026-01-02T00:00:00Z","source":{"system":"a"},"action":"x"}"#,
    );
    let projection = open(folder.path(), &feed);
    projection.catch_up_once().unwrap();
    let page =
        projection.search(&Query::parse("action:x").unwrap(), Order::Newest, 10, None).unwrap();
    assert_eq!(page.indexes, [2, 0]);
    assert_eq!(projection.projected_size(), 3);
}

#[test]
fn followers_share_threads_and_find_new_events_within_a_second() {
    let scheduler = Scheduler::start(2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let trails: Vec<_> = (0..12)
        .map(|number| {
            let feed = MemoryFeed::new();
            let projection = open(&folder.path().join(number.to_string()), &feed);
            scheduler.follow(&projection);
            (feed, projection)
        })
        .collect();
    let mut random = Random(3);
    for _ in 0..4 {
        for (feed, projection) in &trails {
            append(feed, &mut random, 3);
            projection.notify();
        }
        for (feed, projection) in &trails {
            let start = Instant::now();
            assert!(projection.wait_for(feed.committed_size(), Duration::from_secs(20)));
            // A busy machine may be slow; the bound itself is measured in `speed`.
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    }
    for (feed, projection) in &trails {
        assert_eq!(everything(projection), feed.committed_size());
    }
    assert!(!trails[0].1.wait_for(1_000_000, Duration::from_millis(20)));
}

#[test]
fn a_flooded_trail_does_not_starve_the_others() {
    let scheduler = Scheduler::start(1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let flooded = filled(1_500);
    let limits = Limits { chunk_events: 150, ..small_limits() };
    let options = Options { limits, ..Options::plain() };
    let flood =
        Projection::open(&folder.path().join("flood"), Arc::clone(&flooded) as _, options).unwrap();
    let quiet = filled(3);
    let calm = open(&folder.path().join("calm"), &quiet);
    scheduler.follow(&flood);
    scheduler.follow(&calm);
    assert!(calm.wait_for(3, Duration::from_secs(20)));
    let behind = flood.projected_size();
    assert!(behind < 1_500, "the calm trail waited for {behind} events of the other");
    assert!(flood.wait_for(1_500, Duration::from_mins(2)));
    assert_eq!(everything(&flood), 1_500);
}

#[test]
fn a_flood_is_found_and_merged_though_nobody_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let feed = MemoryFeed::new();
    // Every piece of work counts as many events a second, so that merging waits for quiet.
    let limits = Limits { merge_below_rate: 1, memory_chunk_events: 1, ..small_limits() };
    let options = Options { limits, ..Options::plain() };
    let projection = Projection::open(folder.path(), Arc::clone(&feed) as _, options).unwrap();
    let scheduler = Scheduler::start(2).unwrap();
    scheduler.follow(&projection);
    let mut random = Random(11);
    for _ in 0..10 {
        append(&feed, &mut random, 64);
        projection.notify();
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    let is_done = || {
        projection.projected_size() == feed.committed_size()
            && projection.usage().unwrap().segments < small_limits().merge_run
    };
    while !is_done() {
        let usage = projection.usage().unwrap();
        assert!(Instant::now() < deadline, "{} found, {usage:?}", projection.projected_size());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(everything(&projection), feed.committed_size());
}

#[test]
fn a_silent_trail_is_merged_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let feed = MemoryFeed::new();
    let limits = Limits { merge_run: usize::MAX, memory_chunk_events: 1, ..small_limits() };
    let options = Options { limits, ..Options::plain() };
    let projection = Projection::open(folder.path(), Arc::clone(&feed) as _, options).unwrap();
    let mut random = Random(13);
    for _ in 0..10 {
        append(&feed, &mut random, 20);
        projection.catch_up_once().unwrap();
    }
    assert_eq!(projection.usage().unwrap().segments, 10);
    drop(projection);

    let projection = open(folder.path(), &feed);
    let scheduler = Scheduler::start(2).unwrap();
    scheduler.follow(&projection);
    let deadline = Instant::now() + Duration::from_mins(1);
    while projection.usage().unwrap().segments >= small_limits().merge_run {
        assert!(Instant::now() < deadline, "{:?}", projection.usage().unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(everything(&projection), feed.committed_size());
}

#[test]
fn questions_are_answered_while_segments_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let feed = MemoryFeed::new();
    let projection = open(folder.path(), &feed);
    let scheduler = Scheduler::start(2).unwrap();
    scheduler.follow(&projection);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random(5);
            for _ in 0..20 {
                append(&feed, &mut random, 40);
                projection.notify();
            }
        });
        let mut last = 0;
        while projection.projected_size() < 800 {
            let size = everything(&projection);
            assert!(size >= last, "it went back from {last} to {size}");
            last = size;
        }
    });
    assert_eq!(everything(&projection), 800);
}

//! Events that have megabytes each: what is shown of them ends early, says so, and goes on where it
//! ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use event::{Draft, Event, Received};
use serde_json::Value;
use server::instance::OpenTrail;
use trail::{Batch, Feed as _};

use crate::app::TestApp;
use crate::random::Random;
use crate::reader::{Reader, between};

const MIB: usize = 1024 * 1024;

/// The trail, and one of its events: when it happened, in minutes, and how large it is.
fn append(open: &OpenTrail, minute: usize, bytes: usize) -> u64 {
    let note = "n".repeat(bytes);
    let (hour, minute) = (minute / 60, minute % 60);
    let json = format!(
        r#"{{"occurred_at":"2026-11-20T{hour:02}:{minute:02}:00Z","source":{{"system":"lims"}},"actor":{{"type":"user","id":"ana"}},"action":"note","target":{{"type":"sample","id":"S-1"}},"params":{{"note":"{note}"}}}}"#
    );
    let draft = Draft::new(&Event::parse(&json).unwrap(), None, &mut server::instance::salt);
    let batch = Batch {
        drafts: vec![draft.unwrap()],
        recorded_by: "tok-1".into(),
        received: Arc::new(Received { via: "api".into(), ..Received::default() }),
        atomic: true,
    };
    match open.trail.append(batch).unwrap()[0] {
        trail::Answer::Recorded { index, .. } => index,
        trail::Answer::Different { .. } => panic!("it has no id"),
    }
}

fn lab(app: &TestApp) -> Arc<OpenTrail> {
    app.instance.trail(&registry::Slug::parse("lab").unwrap()).unwrap()
}

/// A trail of events of very different sizes, in no order of time; their number.
fn fill(app: &TestApp, mebibytes: &[usize]) -> usize {
    let (open, mut random) = (lab(app), Random(5));
    for size in mebibytes {
        append(&open, 600 + random.below(60), (size * MIB).max(10));
    }
    app.settle();
    mebibytes.len()
}

/// Stops the thread that appends, however the test ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The events of all pages, while others come in between.
async fn all_pages(app: &TestApp, order: &str, limit: usize) -> Vec<u64> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path =
            format!("/api/v1/trails/lab/events?q=system:lims&order={order}&limit={limit}{cursor}");
        let answer = app.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(answer.body.len() < 33 * MIB, "{} bytes in {order}", answer.body.len());
        let mut json = answer.json();
        let events = json["events"].as_array().unwrap();
        assert!(!events.is_empty());
        all.extend(events.iter().map(|event| event["index"].as_u64().unwrap()));
        match json["next"].take() {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_end_early_give_each_event_once_in_every_order() {
    let app = TestApp::new();
    let count = fill(&app, &[6, 0, 5, 0, 7, 0, 0, 6, 7, 0, 3, 1]) as u64;
    let open = lab(&app);
    for order in ["newest", "oldest", "last_recorded", "first_recorded"] {
        let stopped = AtomicBool::new(false);
        let all = std::thread::scope(|scope| {
            let _stop = Stop(&stopped);
            scope.spawn(|| {
                for number in 0..200 {
                    if stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    // Before all others, or behind them.
                    append(&open, if number % 2 == 0 { 30 } else { 1_400 }, 10);
                    open.projection.catch_up_once().unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            });
            let paging = all_pages(&app, order, 300);
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(paging))
        });
        let mut seen: Vec<u64> = all.iter().copied().filter(|index| *index < count).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..count).collect::<Vec<_>>(), "{order}: {all:?}");
        let mut distinct = all.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len(), "{order} repeats: {all:?}");
    }
}

#[tokio::test]
async fn web_pages_end_early_say_so_and_go_on() {
    let app = TestApp::new();
    let count = fill(&app, &[6, 0, 5, 0, 7, 0, 0, 6, 7, 0, 1]);
    let reader = Reader::sign_in(&app, "UTC").await;

    let page = reader.page("/t/lab").await;
    assert!(page.contains("ends early because its events are large"), "{page}");
    let mut rows = reader.rows("/t/lab").await;
    rows.sort_unstable();
    assert_eq!(rows, (0..count as u64).collect::<Vec<_>>());
    // A page whose events are not large does not say so.
    let small = reader.page("/t/lab?q=index:9..10").await;
    assert!(!small.contains("ends early"), "{small}");

    let (mut leaves, mut sheets) = (Vec::new(), Vec::new());
    let mut next = Some("/t/lab/print".to_owned());
    while let Some(path) = next {
        let sheet = reader.page(&path).await;
        leaves.extend(between(&sheet, "leaf ", "<"));
        next = between(&sheet, "rel=\"next\" href=\"", "\"").pop();
        sheets.push(sheet);
    }
    assert!(sheets.len() > 1);
    assert!(sheets[0].contains("are printed</strong>"), "{}", sheets[0]);
    assert!(sheets[1].contains("after those of another sheet"), "{}", sheets[1]);
    leaves.sort_unstable();
    leaves.dedup();
    assert_eq!(leaves.len(), count, "each is on one sheet");

    for about in ["target_type=sample&target_id=S-1", "actor=ana"] {
        let page = reader.page(&format!("/t/lab/history?{about}")).await;
        let taken = between(&page, "Only the first ", " are taken into this page");
        let taken: usize = taken[0].parse().unwrap();
        assert!((1..count).contains(&taken), "{taken} of {about}");
        assert_eq!(page.contains("of these alone"), about.starts_with("target"));
    }

    let ticked: Vec<String> = (0..count).map(|index| format!("index={index}")).collect();
    let file = reader.ask(&format!("/t/lab/export?format=jsonl&{}", ticked.join("&"))).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.text().lines().count(), count);
    assert_eq!(file.body.len() / MIB, 32, "whole");
    let missing = reader.ask("/t/lab/export?format=jsonl&index=0&index=99").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.text());
    assert_eq!(lab(&app).trail.committed_size(), count as u64);
}

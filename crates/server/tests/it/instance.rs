//! What the server does by itself: it watches its clock, and checks its trails at night.

use axum::http::StatusCode;
use registry::{SYSTEM_SLUG, Scope, Slug};
use serde_json::Value;
use server::instance::Scrub;
use trail::Feed as _;

use crate::app::{TestApp, event};

const HOUR: i64 = 3_600_000_000;

/// The events of the `system` trail with one action.
fn said(app: &TestApp, action: &str) -> Vec<Value> {
    let system = app.instance.trail(&Slug::parse(SYSTEM_SLUG).unwrap()).unwrap();
    let all = system.trail.read(0, 1_000).unwrap();
    all.iter()
        .map(|recorded| serde_json::from_str::<Value>(&recorded.to_json()).unwrap())
        .filter(|event| event["action"] == action)
        .collect()
}

#[tokio::test]
async fn a_clock_that_is_set_is_on_record() {
    let app = TestApp::new();
    assert_eq!(app.append(event(0)).await.status, StatusCode::CREATED);
    for (step, count) in [(2_000_000, 0), (10_000_000, 1), (-20_000_000, 2)] {
        app.clock.leap(step);
        assert_eq!(app.append(event(1)).await.status.as_u16() / 100, 2, "appends go on");
        app.instance.record_clock_steps().unwrap();
        app.instance.record_clock_steps().unwrap();
        assert_eq!(said(&app, "clock.set").len(), count, "once each");
    }
    let set = &said(&app, "clock.set")[1];
    assert!(set["params"]["from"].as_str() > set["params"]["to"].as_str(), "{set}");
    assert_eq!(set["actor"]["type"], "system");
}

#[tokio::test]
async fn a_start_says_how_far_the_clock_is_from_what_was_recorded_last() {
    for (step, member, seconds) in [
        (0, "clock_behind_seconds", None),
        (-59, "clock_behind_seconds", None),
        (-3_600, "clock_behind_seconds", Some(3_600)),
        (29 * 86_400, "seconds_since_last_record", None),
        (400 * 86_400, "seconds_since_last_record", Some(400 * 86_400)),
    ] {
        let app = TestApp::new();
        app.instance.note_start();
        app.clock.leap(step * 1_000_000);
        app.instance.note_start();
        let starts = said(&app, "server.start");
        let [.., last] = starts.as_slice() else { panic!("{starts:?}") };
        assert_eq!(last["params"].get(member).and_then(Value::as_i64), seconds, "{step}: {last}");
    }
}

#[tokio::test]
async fn a_leap_ahead_is_confirmed_on_record_before_appends_go_on() {
    let mut app = TestApp::new();
    assert_eq!(app.append(event(0)).await.status, StatusCode::CREATED);
    app.clock.leap(2 * HOUR);
    app.append(event(1)).await.problem("clock-untrusted");
    app.instance.record_clock_steps().unwrap();
    let leap = &said(&app, "clock.leap")[0];
    assert_eq!(leap["outcome"]["status"], "denied");
    // It stands at the time that it really was.
    assert_eq!(leap["recorded_at"], leap["params"]["from"], "{leap}");
    // A trail that nobody used so far does not believe the clock either.
    let made = app.post("/api/v1/trails", r#"{"slug":"plant"}"#).await;
    assert_eq!(made.status, StatusCode::CREATED);
    app.post("/api/v1/trails/plant/events", event(0)).await.problem("clock-untrusted");
    let metrics = app.get("/metrics").await;
    assert!(metrics.text().contains("indelible_clock_ahead_seconds 7200\n"), "{}", metrics.text());

    let reader = app.token(None, &[Scope::Append, Scope::Read]);
    let admin = std::mem::replace(&mut app.token, reader);
    app.post("/api/v1/clock/confirm", "").await.problem("forbidden");
    app.token = admin;
    let path = "/api/v1/clock/confirm?reason=the%20clock%20was%20late";
    assert_eq!(app.post(path, "").await.json()["ahead_seconds"], 7_200);
    assert_eq!(app.append(event(1)).await.status, StatusCode::CREATED);
    let confirmed = &said(&app, "clock.confirm")[0];
    assert_eq!(confirmed["reason"]["text"], "the clock was late");
    assert!(confirmed["actor"]["id"].as_str().unwrap().starts_with("token:"));
    assert_eq!(app.post(path, "").await.json()["ahead_seconds"], 0);
    assert_eq!(said(&app, "clock.confirm").len(), 1, "nothing was in doubt");
}

#[tokio::test]
async fn every_trail_is_checked_once_a_night() {
    let app = TestApp::new();
    app.fill(300).await;
    let scrub = Scrub { minute: 120, entries_per_second: 0 };
    let lab = Slug::parse("lab").unwrap();
    assert!(app.instance.check_due(scrub).unwrap().is_empty(), "they are younger than the night");
    assert!(app.instance.last_check(&lab).is_none());
    app.clock.pass(24 * HOUR);
    let done = app.instance.check_due(scrub).unwrap();
    assert_eq!(done.len(), 3, "{done:?}");
    assert!(app.instance.check_due(scrub).unwrap().is_empty());
    let last = app.instance.last_check(&lab).unwrap();
    assert!(last.checked.is_sound());
    assert_eq!((last.checked.published_size, last.checked.checked), (300, 300));

    let bundle = app.instance.directory().join("trails/lab/tile/entries/000");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    std::fs::remove_file(&bundle).unwrap();
    std::fs::write(&bundle, bytes).unwrap();
    app.clock.pass(24 * HOUR);
    assert_eq!(app.instance.check_due(scrub).unwrap().len(), 3);
    let last = app.instance.last_check(&lab).unwrap();
    assert!(last.checked.problems > 0);
    assert!(last.checked.first_problems[0].contains("tile/entries/000"));
    let found = said(&app, "trail.check");
    assert_eq!(found.len(), 6);
    let failed: Vec<_> = found.iter().filter(|e| e["outcome"]["status"] == "failure").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["target"]["id"], "lab");
    let metrics = app.get("/metrics").await;
    assert!(metrics.text().contains("indelible_trails_unsound 1\n"), "{}", metrics.text());
    let now = last.at_micros / 1_000_000;
    let line = format!("indelible_last_check_timestamp_seconds {now}\n");
    assert!(metrics.text().contains(&line), "{}", metrics.text());
}

#[tokio::test]
async fn a_check_beside_appends_finds_nothing_wrong() {
    let app = TestApp::new();
    app.fill(10).await;
    let lab = Slug::parse("lab").unwrap();
    let (instance, slug) = (app.instance.clone(), lab.clone());
    let checking = tokio::task::spawn_blocking(move || {
        (0..20).map(|_| instance.check_trail(&slug, 0).unwrap()).collect::<Vec<_>>()
    });
    let mut number = 10;
    while !checking.is_finished() {
        let run: Vec<String> = (number..number + 50).map(event).collect();
        assert_eq!(app.append(format!("[{}]", run.join(","))).await.status, StatusCode::CREATED);
        number += 50;
        let instance = app.instance.clone();
        tokio::task::spawn_blocking(move || instance.publish_all().unwrap()).await.unwrap();
    }
    for checked in checking.await.unwrap() {
        assert!(checked.is_sound(), "{checked:?}");
    }
}

/// Publishes much at once, and little when its time has come: here in an hour.
#[tokio::test]
async fn what_has_much_to_publish_does_not_wait_for_its_second() {
    let app = TestApp::with(server::AppOptions::new(), |options| {
        options.publish_every = std::time::Duration::from_hours(1);
    });
    let trail = app.instance.trail(&Slug::parse("lab").unwrap()).unwrap().trail.clone();
    let mut published = trail.published_sizes();
    app.instance.run_background();
    let large = |number: usize| event(number).replace("run ", &"n".repeat(6 * 1024 * 1024));
    assert_eq!(app.append(large(0)).await.status, StatusCode::CREATED);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(*published.borrow(), 0, "6 MiB wait");
    for number in 1..4 {
        assert_eq!(app.append(large(number)).await.status, StatusCode::CREATED);
    }
    let patience = std::time::Duration::from_mins(1);
    let come = tokio::time::timeout(patience, published.wait_for(|size| *size >= 3)).await;
    assert!(come.expect("nobody publishes").is_ok());
    // Again, after a publication that ended.
    for number in 4..7 {
        assert_eq!(app.append(large(number)).await.status, StatusCode::CREATED);
    }
    let come = tokio::time::timeout(patience, published.wait_for(|size| *size >= 6)).await;
    assert!(come.expect("nobody publishes again").is_ok());
}

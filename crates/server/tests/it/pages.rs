//! The pages against a plain scan of the trail: random questions, and records as of any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use dialect::ReadOptions;
use event::{Draft, Event, Received};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use search::{Clause, Field, Kinds as _, Pattern, Query, Zone};
use serde_json::Value;
use server::Catalogues;
use server::instance::OpenTrail;
use trail::{Batch, Feed as _, Recorded};

use crate::app::{Answered, TestApp};
use crate::generate::{START, query, valid_event};
use crate::random::Random;
use crate::reader::{Reader, between};

const LAB: &str = include_str!("../../../indelible/src/command/lab.jsonl");
const OPENCGA: [&str; 2] = [
    include_str!("../../../dialect/tests/data/opencga/v3.1.0_opencga.json"),
    include_str!("../../../dialect/tests/data/opencga/v3.1.0_test.json"),
];

fn lab(app: &TestApp) -> Arc<OpenTrail> {
    app.instance.trail(&registry::Slug::parse("lab").unwrap()).unwrap()
}

fn append(open: &OpenTrail, drafts: Vec<Draft>, via: &str) {
    let received = Received { via: via.to_owned().into(), ..Received::default() };
    let batch =
        Batch { drafts, recorded_by: "tok-1".into(), received: Arc::new(received), atomic: true };
    open.trail.append(batch).unwrap();
}

fn draft(event: &Event<'_>) -> Draft {
    Draft::new(event, None, &mut server::instance::salt).unwrap()
}

/// Random events within some weeks, each with an id of its own, half of them recorded before they are
/// said to have happened.
fn fill_at_random(app: &TestApp, random: &mut Random, count: usize) {
    let open = lab(app);
    app.clock.pass(15_000 * 60_000_000);
    for via in ["api", "import"] {
        let drafts = (0..count / 2).map(|at| {
            let minutes = i64::try_from(random.below(30_000)).unwrap();
            let mut event = valid_event(random, START + minutes * 60_000_000);
            event.id = Some(format!("{via}-{at}").into());
            draft(&event)
        });
        append(&open, drafts.collect(), via);
    }
    app.settle();
}

/// What a plain scan finds, the newest first.
fn scan(events: &[Recorded], query: &Query) -> Vec<u64> {
    let mut found: Vec<(i64, u64)> = events
        .iter()
        .filter(|recorded| query.matches_recorded(recorded, &Catalogues))
        .map(|recorded| {
            let text = recorded.text();
            (event::Entry::parse(&text).unwrap().event.occurred_at.micros(), recorded.index)
        })
        .collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, index)| index).collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn the_page_shows_exactly_what_a_plain_scan_finds() {
    let app = TestApp::new();
    let mut random = Random(7);
    fill_at_random(&app, &mut random, 320);
    let open = lab(&app);
    let events = open.trail.read(0, 1_000).unwrap();
    assert_eq!(events.len(), 320);
    let reader = Reader::sign_in(&app, "utc").await;
    let mut hits = 0;
    let kinds = Catalogues::words();
    for round in 0..110 {
        let query = loop {
            let query = query(&mut random, 320);
            // The page knows which kinds there are.
            if search::parse_among(&query.to_string(), &Zone::UTC, &kinds).is_ok() {
                break query;
            }
        };
        let expected = scan(&events, &query);
        hits += usize::from(!expected.is_empty());
        let q = encoded(&query.to_string());
        let (order, backwards) = [("newest", false), ("oldest", true)][round % 2];
        let size = [25, 100][random.below(2)];
        let mut rows = reader.rows(&format!("/t/lab?q={q}&order={order}&size={size}")).await;
        if backwards {
            rows.reverse();
        }
        assert_eq!(rows, expected, "{query}");
        if round % 5 == 0 {
            let file = reader.ask(&format!("/t/lab/export?format=jsonl&q={q}")).await;
            let exported: Vec<u64> = file
                .text()
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap())
                .collect();
            let ascending: BTreeSet<u64> = expected.iter().copied().collect();
            assert_eq!(exported, Vec::from_iter(ascending), "{query}");
        }
    }
    assert!(hits > 20, "questions that find nothing prove little: {hits}");
}

/// A field of the form, and what a reader may write into it.
const FORM: [(&str, Field, &[&str]); 8] = [
    ("f.actor", Field::Actor, &["ana", "Ana*", "none", "any", "bo@example.org", "gómez"]),
    ("f.type", Field::TargetType, &["sample", "file", "a/b", "any"]),
    ("f.action", Field::Action, &["update", "delete*", "Update"]),
    ("f.target", Field::Target, &["S-17", "sample/S-17", "lot 42", "none", "s-1*"]),
    ("f.outcome", Field::Outcome, &["success", "failure", "denied", "none"]),
    ("f.source", Field::System, &["opencga", "seqera"]),
    ("f.ip", Field::Ip, &["10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "not an ip", "none"]),
    ("f.reason", Field::Reason, &["any", "none"]),
];

#[tokio::test]
async fn the_form_asks_what_it_says() {
    let app = TestApp::new();
    let mut random = Random(11);
    fill_at_random(&app, &mut random, 240);
    let events = lab(&app).trail.read(0, 1_000).unwrap();
    let name = "America/St_Johns";
    let reader = Reader::sign_in(&app, name).await;
    let zone = TimeZone::get(name).unwrap();
    let mut hits = 0;
    for _ in 0..50 {
        let mut url = "/t/lab?was=&q=".to_owned();
        let mut query = Query::default();
        let first = random.below(FORM.len());
        for place in 0..=random.below(3) {
            let (name, field, values) = FORM[(first + place * 3) % FORM.len()];
            if query.clauses.iter().any(|clause| clause.field == field) {
                continue;
            }
            let value = values[random.below(values.len())];
            write!(url, "&{name}={}", encoded(value)).unwrap();
            query.clauses.push(match (value, value.strip_suffix('*')) {
                ("none", _) => Clause::present(field, false),
                ("any", _) => Clause::present(field, true),
                (_, Some(prefix)) => Clause::new(field, Pattern::Prefix(prefix.to_owned())),
                (value, None) => Clause::new(field, Pattern::Like(value.to_owned())),
            });
        }
        if random.chance(50) {
            // The day that is picked as the end is part of the period, by the reader's clocks.
            let day = |days: usize| -> Date {
                let start = jiff::Timestamp::from_microsecond(START).unwrap();
                let days = i64::try_from(days).unwrap();
                let start = start.to_zoned(zone.clone()).date();
                start.checked_add(jiff::Span::new().days(days)).unwrap()
            };
            let from = random.below(18);
            let to = from + random.below(6);
            write!(url, "&when=custom&from={}&to={}", day(from), day(to)).unwrap();
            let midnight =
                |date: Date| date.to_zoned(zone.clone()).unwrap().timestamp().as_microsecond();
            query.occurred = (midnight(day(from))..midnight(day(to + 1))).into();
        }
        let expected = scan(&events, &query);
        hits += usize::from(!expected.is_empty());
        assert_eq!(reader.rows(&url).await, expected, "{url}");
    }
    assert!(hits > 20, "questions that find nothing prove little: {hits}");
}

/// The sample data: what the demo has, and random changes of a few things.
async fn fill_with_samples(app: &TestApp) {
    let open = lab(app);
    let platform = dialect::by_name("opencga").unwrap();
    for text in OPENCGA {
        let rows = platform.reader(Box::new(text.as_bytes()), &ReadOptions::default()).unwrap();
        append(&open, rows.map(|row| draft(&row.result.unwrap().event)).collect(), "import");
    }
    let lines = LAB.lines().enumerate().map(|(at, line)| {
        let at = START + i64::try_from(at).unwrap() * 420_000_000;
        line.replace('@', &event::format_micros(at))
    });
    let answer = app
        .send(
            app.request(axum::http::Method::POST, "/api/v1/trails/lab/events")
                .header("content-type", "application/x-ndjson")
                .body(lines.collect::<Vec<_>>().join("\n").into())
                .unwrap(),
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    fill_at_random(app, &mut Random(3), 200);
}

/// What was done to a thing, told from the event's JSON alone.
#[derive(Debug)]
struct Act {
    at: i64,
    index: u64,
    after: Option<Value>,
    is_delete: bool,
    took_effect: bool,
}

impl Act {
    fn of(event: &Value) -> Self {
        let word = |place: &Value| place.as_str().unwrap_or_default().to_owned();
        let kind = Catalogues.kind_of(&word(&event["source"]["system"]), &word(&event["action"]));
        let status = word(&event["outcome"]["status"]);
        Self {
            at: event::parse_rfc3339(&word(&event["occurred_at"])).unwrap(),
            index: event["index"].as_u64().unwrap(),
            after: event.get("after").cloned(),
            is_delete: kind == "delete",
            took_effect: status != "failure" && status != "denied",
        }
    }
}

/// The last state that an event left behind up to a moment, unless the thing was deleted since.
fn folded(acts: &[Act], at: i64) -> Option<Value> {
    let mut state = None;
    for act in acts.iter().filter(|act| act.at <= at && act.took_effect) {
        match &act.after {
            None | Some(Value::Null) if act.is_delete => state = None,
            None => {}
            Some(after) => state = Some(after.clone()),
        }
    }
    state
}

#[tokio::test]
async fn a_record_as_of_any_moment_is_the_fold_of_its_events() {
    let app = TestApp::new();
    fill_with_samples(&app).await;
    let mut things: BTreeMap<(String, String), Vec<Act>> = BTreeMap::new();
    for line in app.get("/api/v1/trails/lab/export?format=jsonl").await.text().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let target = &event["target"];
        if let (Some(kind), Some(id)) = (target["type"].as_str(), target["id"].as_str()) {
            things.entry((kind.to_owned(), id.to_owned())).or_default().push(Act::of(&event));
        }
    }
    assert!(things.len() > 60, "{}", things.len());
    let reader = Reader::sign_in(&app, "utc").await;
    let (mut states, mut asked) = (0, 0);
    for ((kind, id), mut acts) in things {
        acts.sort_by_key(|act| (act.at, act.index));
        let moments: BTreeSet<i64> = acts.iter().flat_map(|act| [act.at, act.at - 1]).collect();
        for at in moments.into_iter().rev().take(10) {
            let page = reader
                .page(&format!(
                    "/t/lab/history?target_type={}&target_id={}&at={}",
                    encoded(&kind),
                    encoded(&id),
                    event::format_micros(at)
                ))
                .await;
            let shown = between(&page, "<pre id=\"json\" hidden>", "</pre>").pop();
            let shown = shown.map(|json| serde_json::from_str::<Value>(&json).unwrap());
            let expected = folded(&acts, at);
            states += usize::from(expected.is_some());
            asked += 1;
            assert_eq!(shown, expected, "{kind} {id} as of {}", event::format_micros(at));
        }
    }
    assert!(states > 50, "{states} of {asked} had a state");
}

#[tokio::test]
async fn a_check_says_what_it_found_and_names_the_place_of_damage() {
    let app = TestApp::new();
    app.fill(300).await;
    let reader = Reader::sign_in(&app, "utc").await;
    let page = reader.page("/t/lab/integrity").await;
    assert!(page.contains("No check is on record"));
    assert!(page.contains("nothing was mended"), "{page}");
    let answer = reader.send("/t/lab/integrity", "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let page = reader.page("/t/lab/integrity").await;
    assert!(page.contains("✓ as it should be"), "{page}");
    assert!(page.contains("300 entries"), "{page}");
    let list = async || reader.page("/t/lab").await;
    assert!(list().await.contains("all 300 entries checked"));
    app.fill(302).await;
    assert!(list().await.contains("the first 300 of 302 entries checked"));
    assert!(list().await.contains("nothing missing among them"));
    let tile = app.instance.directory().join("trails/lab/tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut permissions = std::fs::metadata(&tile).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&tile, permissions).unwrap();
    std::fs::write(&tile, bytes).unwrap();
    reader.send("/t/lab/integrity", "").await;
    let page = reader.page("/t/lab/integrity").await;
    assert!(page.contains("✕ not as it should be"), "{page}");
    assert!(page.contains("trails/lab/tile/0/000"), "{page}");
    assert!(reader.page("/t/lab").await.contains("the last check found faults"));
    // It is on record with who asked for it.
    let found = app.get("/api/v1/trails/system/events?q=action:trail.check").await.json();
    assert_eq!(found["events"].as_array().unwrap().len(), 2);
    assert_eq!(found["events"][0]["outcome"]["status"], "failure");
}

/// What somebody without a session gets who asks for something of a type.
async fn anonymously(app: &TestApp, path: &str, accept: &str) -> Answered {
    let request = Request::get(path).header("accept", accept).body(Body::empty());
    app.send(request.unwrap()).await
}

/// What a browser says that it takes.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn what_is_at_no_path_is_a_page_for_people_and_a_problem_for_programs() {
    let app = TestApp::new();
    for path in ["/nothing", "/t/lab/nothing", "/t/lab/e/1/nothing", "/trails", "/api/v1/x"] {
        let page = anonymously(&app, path, BROWSER).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.text().contains("There is no page at this address"), "{path}");
        for accept in ["*/*", "application/json"] {
            anonymously(&app, path, accept).await.problem("no-such-resource");
        }
        app.get_anonymously(path).await.problem("no-such-resource");
        app.post(path, "{}").await.problem("no-such-resource");
    }
    app.post("/help", "").await.problem("method-not-allowed");
}

#[tokio::test]
async fn a_browser_finds_its_picture() {
    let app = TestApp::new();
    let picture = app.get_anonymously("/favicon.ico").await;
    assert_eq!(picture.status, StatusCode::OK);
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    let page = anonymously(&app, "/signin", BROWSER).await;
    assert!(page.header("content-security-policy").contains("img-src 'self'"));
    let named = between(page.text(), "<link rel=\"icon\" href=\"", "\"").remove(0);
    assert_eq!(app.get_anonymously(&named).await.status, StatusCode::OK, "{named}");
}

#[tokio::test]
async fn where_signing_in_leads_survives_a_change_of_theme() {
    let app = TestApp::new();
    let hidden = |page: &Answered| between(page.text(), "name=\"to\" value=\"", "\"");
    for (to, leads) in [
        ("/t/lab", "/t/lab"),
        ("/t/lab%3Fq%3Dactor:ana%26size%3D25", "/t/lab?q=actor:ana&size=25"),
        ("//evil.example", "/"),
        ("/%09/evil.example", "/"),
        ("https://evil.example/", "/"),
    ] {
        let page = app.get_anonymously(&format!("/signin?to={to}")).await;
        let [back, sign_in] = hidden(&page).try_into().unwrap();
        assert_eq!(sign_in, leads);
        let request = Request::post("/display")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("to={}&theme=dark", encoded(&back))));
        let answer = app.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let again = app.get_anonymously(answer.header("location")).await;
        assert_eq!(hidden(&again), [back, sign_in], "{to}");
    }
}

#[tokio::test]
async fn an_event_without_an_outcome_is_called_so_wherever_it_is_shown() {
    let app = TestApp::new();
    let event = |outcome: &str| {
        format!(
            r#"{{"occurred_at":"2026-11-21T08:00:00Z","source":{{"system":"lims"}},"action":"frob",
                "target":{{"type":"sample","id":"S-1"}}{outcome}}}"#
        )
    };
    let (silent, unsure) = (event(""), event(r#","outcome":{"status":"unknown"}"#));
    app.append(format!("[{silent},{unsure}]")).await;
    app.settle();
    let reader = Reader::sign_in(&app, "utc").await;
    let list = reader.page("/t/lab").await;
    assert_eq!(between(&list, "</span> no outcome", "<"), [""], "in a row");
    assert!(list.contains("no outcome <b class=\"num\">1</b>"), "in the legend: {list}");
    assert!(list.contains("</span> unknown</span>"), "what a source says itself");
    assert!(list.contains("<option value=\"none\" >no outcome</option>"), "in the form");
    assert_eq!(reader.rows("/t/lab?q=outcome:none").await, [0]);
    for path in ["/t/lab/e/0", "/t/lab/history?target_type=sample&target_id=S-1"] {
        assert!(reader.page(path).await.contains("</span> no outcome</span>"), "{path}");
    }
    assert!(!reader.page("/t/lab/e/1").await.contains("no outcome"));
}

#[tokio::test]
async fn an_import_is_called_an_import() {
    let app = TestApp::new();
    app.post("/api/v1/trails/lab/import?dialect=opencga&file=a.json", "{}").await;
    app.settle();
    let reader = Reader::sign_in(&app, "utc").await;
    assert!(reader.page("/t/lab").await.contains("</span> create events</span>"));
    let event = reader.page("/t/lab/e/0").await;
    assert!(event.contains("create events, by the catalogue of indelible"), "{event}");
    let said = between(&event, "<p class=\"said\">", "</p>").remove(0);
    assert!(said.contains(" tried to import<"), "{said}");
    assert!(said.contains(">file a.json<"), "{said}");
}

#[tokio::test]
async fn one_event_is_one_bar_among_others() {
    let app = TestApp::new();
    app.fill(1).await;
    let reader = Reader::sign_in(&app, "utc").await;
    let page = reader.page("/t/lab").await;
    assert_eq!(between(&page, "<rect class=\"hit\"", "/>").len(), 60);
    assert_eq!(between(&page, "<rect class=\"part-", "/>").len(), 1);
    let axis = between(&page, "<div class=\"axis\" aria-hidden=\"true\">", "</div>").remove(0);
    let labels = between(&axis, "<span>", "</span>");
    assert_eq!(labels, ["2026-11-01 08:00", "08:15", "08:30", "08:45", "09:00"]);
}

#[tokio::test]
async fn a_link_leads_to_where_a_target_lives() {
    let links = [("sample".to_owned(), "https://lims.example/s/{id}".to_owned())];
    let options = server::AppOptions {
        links: server::Links::new(links.into()).unwrap(),
        ..server::AppOptions::new()
    };
    let app = TestApp::with(options, |_| {});
    app.fill(3).await;
    let reader = Reader::sign_in(&app, "utc").await;
    for path in ["/t/lab", "/t/lab/e/1"] {
        assert!(reader.page(path).await.contains("href=\"https://lims.example/s/S-1\""), "{path}");
    }
}

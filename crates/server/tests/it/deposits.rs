//! Daily deposits, from outside: the API, the folder, and what somebody does to it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use registry::{DepositId, Scope, Slug};
use serde_json::Value;
use server::AppOptions;
use server::deposit::{Day, DiskShelf, Job, Report};
use server::instance::{Instance, NewDeposit};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use trail::{Clock as _, Feed as _};

use crate::app::{Answered, NOON, TestApp, event};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DEPOSITS: &str = "/api/v1/trails/lab/deposits";

/// An application whose deposits lie below a temporary root.
struct Lab {
    app: TestApp,
    root: TempDir,
}

impl Lab {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().to_owned();
        let app = TestApp::with(AppOptions::new(), |options| options.deposit_roots = vec![path]);
        Self { app, root }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Orders a deposit in a folder below the root, with more members.
    async fn order(&self, name: &str, more: &str) -> Answered {
        let destination = self.folder(name).display().to_string();
        self.app.post(DEPOSITS, format!(r#"{{"destination":"{destination}"{more}}}"#)).await
    }

    async fn ordered(&self, name: &str, more: &str) -> String {
        let made = self.order(name, more).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn record(&self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let answer = self.app.append(event(number)).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        }
    }

    fn run(&self, id: &str) -> Report {
        self.app.instance.run_deposits().remove(&DepositId::parse(id).unwrap()).unwrap()
    }

    fn today(&self) -> Day {
        Day::of_micros(self.app.clock.now_micros())
    }

    fn until_midnight(&self) -> i64 {
        self.today().next().start_micros() - self.app.clock.now_micros()
    }

    async fn files(&self, id: &str) -> Vec<Value> {
        let listed = self.app.get(&format!("{DEPOSITS}/{id}/files")).await;
        listed.json()["files"].as_array().unwrap().clone()
    }

    /// How many of the server's records there are with an action.
    fn records(&self, action: &str) -> usize {
        let trail = self.app.instance.trail(&Slug::parse("lab").unwrap()).unwrap();
        let all = trail.trail.read(0, 100_000).unwrap();
        let word = format!("\"action\":\"{action}\"");
        all.iter().filter(|recorded| recorded.text().contains(&word)).count()
    }
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The last cell but the ids: which events a CSV of ours has.
fn notes(csv: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(csv).unwrap();
    let runs = text.lines().skip(1);
    runs.map(|row| row.split("run ").nth(1).unwrap().split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_day_is_deposited_after_midnight_and_proves_itself() {
    let lab = Lab::new();
    lab.record(0..2).await;
    let id = lab.ordered("qa/lab", r#","reason":"SOP 7""#).await;
    lab.record(2..5).await;
    assert_eq!(lab.run(&id).deposited, 0, "the day is not over");
    let day = lab.today();
    lab.app.clock.pass(lab.until_midnight() + SECOND);
    assert_eq!(
        lab.run(&id),
        Report { at_micros: lab.app.clock.now_micros(), deposited: 1, ..Report::default() }
    );

    let name = format!("lab-{day}.csv");
    let path = lab.folder("qa/lab").join(&name);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(notes(&bytes), ["2", "3", "4"], "nothing from before the activation");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);

    let files = lab.files(&id).await;
    assert_eq!(files.len(), 1);
    let filed = &files[0];
    assert_eq!((&filed["state"], &filed["rows"]), (&"deposited".into(), &3.into()));
    assert_eq!(filed["sha256"], sha256(&bytes));
    let manifest =
        fs::read(lab.folder("qa/lab").join(filed["manifest"].as_str().unwrap())).unwrap();
    assert_eq!(filed["manifest_sha256"], sha256(&manifest));
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["sha256"], sha256(&bytes));
    let (first, end) =
        (manifest["first_index"].as_u64().unwrap(), manifest["end_index"].as_u64().unwrap());
    assert_eq!((first, end), (2, 6), "the activation and three events");
    assert_eq!(manifest["left_out"], serde_json::json!({"imports": 0, "own": 1}));

    let open = lab.app.instance.trail(&Slug::parse("lab").unwrap()).unwrap();
    let note = manifest["checkpoint"].as_str().unwrap();
    let signed = tlog::Checkpoint::open(note, None, &[open.trail.verifier()]).unwrap();
    assert_eq!(signed.size().get(), end, "the checkpoint ends with the day");
    lab.app.settle();
    let query = format!("/api/v1/trails/lab/events?q=action:deposit.file%20target:{name}");
    let found = lab.app.get(&query).await.json();
    assert_eq!(found["events"][0]["params"]["sha256"], sha256(&bytes));
    let index = found["events"][0]["index"].as_u64().unwrap();
    assert!(open.trail.receipt(index).unwrap().to_string().contains("c2sp.org/tlog-proof"));

    let fetched = lab.app.get(&format!("{DEPOSITS}/{id}/files/{name}")).await;
    assert_eq!((fetched.status, &fetched.body), (StatusCode::OK, &bytes));
    assert!(fetched.header("content-type").starts_with("text/csv"));
    assert_eq!(lab.run(&id).verified, 1);
    assert_eq!(lab.records("day.close"), 1);
    let system = lab.app.instance.trail(&Slug::parse("system").unwrap()).unwrap();
    let ordered = system.trail.read(0, 1_000).unwrap();
    let order =
        ordered.iter().map(|r| r.text().into_owned()).find(|t| t.contains("deposit.create"));
    assert!(order.unwrap().contains("SOP 7"), "who, when and why");
}

#[tokio::test]
async fn days_beyond_downtime_are_caught_up_and_a_quiet_day_has_an_empty_file() {
    let lab = Lab::new();
    lab.record(0..1).await;
    lab.app.clock.pass(24 * HOUR);
    lab.record(1..2).await;
    let id = lab.ordered("lab", &format!(r#","from":"{}""#, Day::of_micros(NOON))).await;
    let other = lab.ordered("region", r#","region_column":true,"dialect":"DNAnexus""#).await;
    let json = lab.ordered("json", r#","dialect":"opencga""#).await;
    lab.app.clock.pass(24 * 4 * HOUR);
    lab.record(2..3).await;
    let reports = lab.app.instance.run_deposits();
    let deposited = |id: &str| reports[&DepositId::parse(id).unwrap()].deposited;
    assert_eq!((deposited(&id), deposited(&other), deposited(&json)), (5, 4, 4));
    assert_eq!(lab.records("day.close"), 5, "closed once for all deposits");
    let rows: Vec<u64> =
        lab.files(&id).await.iter().rev().map(|file| file["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [1, 1, 0, 0, 0]);
    let quiet = Day::of_micros(NOON).next().next();
    let quiet = fs::read_to_string(lab.folder("lab").join(format!("lab-{quiet}.csv"))).unwrap();
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    let day = Day::of_micros(NOON).next();
    let with = fs::read_to_string(lab.folder("region").join(format!("lab-{day}.csv"))).unwrap();
    assert!(with.lines().next().unwrap().ends_with(",Region"), "{with}");
    assert!(lab.folder("json").join(format!("lab-{day}.json")).is_file());
    let page = lab.app.get(&format!("{DEPOSITS}/{id}/files?limit=2")).await.json();
    assert_eq!(page["files"].as_array().unwrap().len(), 2);
    let next = page["next"].as_str().unwrap();
    let page = lab.app.get(&format!("{DEPOSITS}/{id}/files?limit=3&before={next}")).await.json();
    assert_eq!((page["files"].as_array().unwrap().len(), &page["next"]), (3, &Value::Null));
}

#[tokio::test]
async fn the_moment_of_midnight_parts_two_days_whatever_the_clock_does() {
    let lab = Lab::new();
    let id = lab.ordered("lab", "").await;
    let day = lab.today();
    lab.app.clock.pass(lab.until_midnight() - 1);
    lab.record(0..1).await;
    lab.app.clock.pass(1);
    lab.record(1..2).await;
    let read =
        |day: Day| notes(&fs::read(lab.folder("lab").join(format!("lab-{day}.csv"))).unwrap());
    assert_eq!(lab.run(&id).deposited, 1);
    assert_eq!(read(day), ["0"]);

    // A run that took the time before the clock went back closes nothing.
    lab.app.clock.pass(lab.until_midnight() - SECOND);
    let open = lab.app.instance.trail(&Slug::parse("lab").unwrap()).unwrap();
    let deposits = lab.app.instance.deposits(&open.slug);
    let early = Job {
        trail: &open.trail,
        roots: &[lab.root.path().to_owned()],
        shelf: &DiskShelf,
        now_micros: day.next().next().start_micros(),
        verify: true,
        stop: &AtomicBool::new(false),
    };
    let reports = early.run(&deposits);
    assert!(reports.values().all(|report| report.is_sound() && report.deposited == 0));
    assert_eq!(lab.records("day.close"), 1);

    // The clock is ahead, the day is closed, the clock is set right: the event is of the next day.
    lab.app.clock.leap(20 * SECOND);
    assert_eq!(lab.run(&id).deposited, 1);
    lab.app.clock.leap(-20 * SECOND);
    lab.record(2..3).await;
    assert_eq!(read(day.next()), ["1"]);
    lab.app.clock.pass(25 * HOUR);
    assert_eq!(lab.run(&id).deposited, 1);
    assert_eq!(read(day.next().next()), ["2"]);
}

#[tokio::test]
async fn what_happens_to_a_final_file_is_noticed_recorded_once_and_never_mended() {
    let lab = Lab::new();
    let id = lab.ordered("lab", "").await;
    lab.record(0..3).await;
    let day = lab.today();
    lab.app.clock.pass(24 * HOUR);
    assert!(lab.run(&id).is_sound());
    let path = lab.folder("lab").join(format!("lab-{day}.csv"));
    let url = format!("{DEPOSITS}/{id}/files/lab-{day}.csv");
    let bytes = fs::read(&path).unwrap();
    let state = async || lab.files(&id).await[0]["state"].clone();

    fs::remove_file(&path).unwrap();
    assert_eq!(codes(&lab.run(&id)), ["missing"]);
    assert_eq!(codes(&lab.run(&id)), ["missing"]);
    let metrics = lab.app.get("/metrics").await;
    assert!(metrics.text().contains("indelible_deposit_findings 1\n"), "{}", metrics.text());
    assert!(!path.try_exists().unwrap(), "it is not written again");
    assert_eq!((lab.records("deposit.damage"), state().await), (1, "missing".into()));
    lab.app.get(&url).await.problem("deposit-damaged");

    let altered = String::from_utf8(bytes.clone()).unwrap().replace("run 1", "run 7");
    fs::write(&path, &altered).unwrap();
    assert_eq!(codes(&lab.run(&id)), ["altered"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), altered, "it is not replaced");
    assert_eq!((lab.records("deposit.damage"), state().await), (2, "altered".into()));
    let response =
        lab.app.service.answer(lab.app.request(Method::GET, &url).body(Body::empty()).unwrap());
    let body = http_body_util::BodyExt::collect(response.await.into_body()).await;
    assert!(body.is_err(), "a transfer of other bytes does not end well");

    fs::remove_file(&path).unwrap();
    let elsewhere = lab.folder("elsewhere.csv");
    fs::write(&elsewhere, &bytes).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(
        codes(&lab.run(&id)),
        ["not-a-file"],
        "a link is not the file, whatever it leads to"
    );
    lab.app.get(&url).await.problem("deposit-damaged");
    let page = lab.app.get("/api/v1/trails/lab/deposits").await.json();
    assert_eq!(page["deposits"][0]["last_run"]["findings"][0]["code"], "not-a-file");

    fs::remove_file(&path).unwrap();
    fs::write(&path, &bytes).unwrap();
    assert!(lab.run(&id).is_sound(), "put back, all is well");
    assert_eq!((lab.records("deposit.damage"), lab.records("deposit.file")), (3, 1));
}

#[tokio::test]
async fn a_folder_that_is_gone_or_occupied_keeps_only_its_own_deposit() {
    let lab = Lab::new();
    let gone = lab.ordered("gone", "").await;
    let sound = lab.ordered("sound", "").await;
    let occupied = lab.ordered("occupied", "").await;
    let day = lab.today();
    fs::rename(lab.folder("gone"), lab.folder("away")).unwrap();
    let squatter = lab.folder("occupied").join(format!("lab-{day}.csv"));
    fs::write(&squatter, "mine").unwrap();
    lab.app.clock.pass(48 * HOUR);
    let reports = lab.app.instance.run_deposits();
    let report = |id: &str| &reports[&DepositId::parse(id).unwrap()];
    assert_eq!((codes(report(&gone)), report(&sound).deposited), (vec!["destination-gone"], 2));
    assert_eq!((codes(report(&occupied)), report(&occupied).deposited), (vec!["occupied"], 1));
    assert!(!lab.folder("gone").try_exists().unwrap(), "it is not made again");
    assert_eq!(fs::read_to_string(&squatter).unwrap(), "mine");

    fs::rename(lab.folder("away"), lab.folder("gone")).unwrap();
    fs::remove_file(&squatter).unwrap();
    assert_eq!((lab.run(&gone).deposited, lab.run(&gone).verified), (2, 2));
    assert!(lab.run(&occupied).is_sound());
    // The folder above it, replaced by a link to the same place.
    let nested = lab.ordered("above/below", "").await;
    lab.app.clock.pass(24 * HOUR);
    fs::rename(lab.folder("above"), lab.folder("moved")).unwrap();
    symlink(lab.folder("moved"), lab.folder("above")).unwrap();
    assert_eq!(codes(&lab.run(&nested)), ["destination-failed"], "no link is followed");
    assert_eq!(fs::read_dir(lab.folder("moved/below")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_ended_deposit_gets_its_last_day_and_no_more() {
    let lab = Lab::new();
    let id = lab.ordered("lab", "").await;
    lab.record(0..2).await;
    let day = lab.today();
    let url = format!("{DEPOSITS}/{id}?reason=moved");
    let end = async || {
        lab.app.send(lab.app.request(Method::DELETE, &url).body(Body::empty()).unwrap()).await
    };
    assert_eq!(end().await.status, StatusCode::NO_CONTENT);
    assert_eq!(end().await.status, StatusCode::NO_CONTENT, "once more is the same");
    lab.record(2..4).await;
    lab.app.clock.pass(72 * HOUR);
    assert_eq!(lab.run(&id).deposited, 1);
    assert_eq!(
        notes(&fs::read(lab.folder("lab").join(format!("lab-{day}.csv"))).unwrap()),
        ["0", "1"]
    );
    assert_eq!(lab.files(&id).await.len(), 1);
    assert!(lab.app.get(DEPOSITS).await.json()["deposits"][0]["removed_at"].is_string());
    lab.order("lab", "").await.problem("deposit-exists");
}

#[tokio::test]
async fn a_destination_lies_below_a_root_and_no_trick_leads_out() {
    let lab = Lab::new();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), lab.folder("link")).unwrap();
    fs::write(lab.folder("file"), "").unwrap();
    let root = lab.root.path().display();
    for bad in [
        "lab".to_owned(),
        "/etc/lab".to_owned(),
        root.to_string(),
        format!("{root}/../lab"),
        format!("{root}/./lab"),
        format!("{root}//lab"),
        format!("{root}/lab/"),
        format!("{root}2/lab"),
        format!("{root}/link"),
        format!("{root}/link/lab"),
        format!("{root}/file"),
        format!("{root}/file/lab"),
        outside.path().display().to_string(),
    ] {
        let refused = lab.app.post(DEPOSITS, format!(r#"{{"destination":"{bad}"}}"#)).await;
        let problem = refused.problem("invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], "/destination", "{bad}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    for (member, pointer) in [
        (r#","dialect":"cobol""#, "/dialect"),
        (r#","format":"xls""#, "/format"),
        (r#","dialect":"opencga","region_column":true"#, "/region_column"),
        (r#","dialect":"seqera","format":"v2-json","formula_guard":true"#, "/formula_guard"),
        (r#","from":"2999-01-01""#, "/from"),
        (r#","from":"yesterday""#, "/from"),
    ] {
        let problem = lab.order("lab", member).await.problem("invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    lab.order("lab", r#","colour":"red""#).await.problem("invalid-request");
    lab.order("lab", r#","download":"all""#).await.problem("invalid-request");
    assert!(lab.app.get(DEPOSITS).await.json()["deposits"].as_array().unwrap().is_empty());
    let without = TestApp::new();
    let refused = without.post(DEPOSITS, r#"{"destination":"/srv/lab"}"#).await;
    assert!(refused.text().contains("deposit_roots"), "{}", refused.text());
}

#[tokio::test]
async fn the_server_s_own_folders_are_no_destination() {
    let app = TestApp::with(AppOptions::new(), |options| {
        options.deposit_roots = vec![options.state_folder.parent().unwrap().to_owned()];
    });
    let data = app.instance.directory().to_owned();
    for bad in [
        data.clone(),
        data.join("keys"),
        data.join("new"),
        app.instance.options().state_folder.clone(),
    ] {
        let body = format!(r#"{{"destination":"{}"}}"#, bad.display());
        let problem = app.post(DEPOSITS, body).await.problem("invalid-request");
        assert!(problem.to_string().contains("own files"), "{problem}");
    }
}

#[tokio::test]
async fn who_may_order_list_and_download_is_told_apart() {
    let lab = Lab::new();
    let day = lab.today();
    let mut ids = Vec::new();
    for rule in ["nobody", "admin", "read"] {
        ids.push(lab.ordered(rule, &format!(r#","download":"{rule}""#)).await);
    }
    lab.app.clock.pass(24 * HOUR);
    lab.app.instance.run_deposits();
    let get = async |token: &str, path: String| {
        let request =
            axum::http::Request::get(path).header("authorization", format!("Bearer {token}"));
        lab.app.send(request.body(Body::empty()).unwrap()).await.status.as_u16()
    };
    let admin = lab.app.token(Some("lab"), &[Scope::Admin]);
    let reader = lab.app.token(Some("lab"), &[Scope::Read]);
    let appender = lab.app.token(Some("lab"), &[Scope::Append]);
    let stranger = lab.app.token(Some("access"), &[Scope::Admin, Scope::Read]);
    for (token, listing, files, downloads) in [
        (&admin, 200, [200, 200, 200], [403, 200, 200]),
        (&reader, 403, [403, 403, 200], [403, 403, 200]),
        (&appender, 403, [403; 3], [403; 3]),
        (&stranger, 403, [403; 3], [403; 3]),
    ] {
        assert_eq!(get(token, DEPOSITS.to_owned()).await, listing);
        for (place, id) in ids.iter().enumerate() {
            let list = format!("{DEPOSITS}/{id}/files");
            assert_eq!(get(token, list.clone()).await, files[place]);
            for name in [format!("lab-{day}.csv"), format!("lab-{day}.manifest.json")] {
                assert_eq!(get(token, format!("{list}/{name}")).await, downloads[place]);
            }
        }
    }
    let list = format!("{DEPOSITS}/{}/files", ids[1]);
    for nothing in ["x", "lab-2026-01-01.csv", "..%2f..%2fetc%2fpasswd", &format!("lab-{day}.txt")]
    {
        assert_eq!(get(&admin, format!("{list}/{nothing}")).await, 404, "{nothing}");
    }
    assert_eq!(get(&admin, format!("{DEPOSITS}/0123456789ab/files")).await, 404);
    assert_eq!(get(&reader, format!("{DEPOSITS}/0123456789ab/files")).await, 403);
    let anonymous = axum::http::Request::post(DEPOSITS).body(Body::empty()).unwrap();
    assert_eq!(lab.app.send(anonymous).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_deposits_by_itself_when_the_day_is_over() {
    let lab = Lab::new();
    lab.app.instance.run_deposits_in_background();
    lab.ordered("lab", "").await;
    lab.record(0..2).await;
    for _ in 0..2 {
        let day = lab.today();
        lab.app.clock.pass(24 * HOUR);
        let manifest = lab.folder("lab").join(format!("lab-{day}.manifest.json"));
        for _ in 0..300 {
            if manifest.is_file() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(manifest.is_file(), "no file for {day}");
    }
}

#[tokio::test]
async fn the_server_s_own_trails_can_be_deposited_and_are_read_back_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(crate::app::TestClock::at(NOON));
    let options = || {
        let mut options = server::instance::InstanceOptions::new(data.path().join("state"));
        options.clock = clock.clone();
        options.deposit_roots = vec![root.path().to_owned()];
        options
    };
    let directory = data.path().join("data");
    let by = Instance::operator();
    let (instance, _) = Instance::init(&directory, "audit.example.org", options()).unwrap();
    for slug in ["access", "system"] {
        let destination = root.path().join(slug).display().to_string();
        let new = NewDeposit { destination, ..NewDeposit::default() };
        let slug = Slug::parse(slug).unwrap();
        instance.create_deposit(&slug, new, &by, None).unwrap();
    }
    drop(instance);
    clock.pass(24 * HOUR);
    let instance = Instance::open(&directory, options()).unwrap();
    let deposited: Vec<u64> = instance.run_deposits().values().map(|r| r.deposited).collect();
    assert_eq!(deposited, [1, 1]);
    drop(instance);
    let instance = Instance::open(&directory, options()).unwrap();
    let verified: Vec<u64> = instance.run_deposits().values().map(|r| r.verified).collect();
    assert_eq!(verified, [1, 1]);
    assert_eq!(instance.registry().unknown(), 0, "deposits are nothing that the fold wonders at");
}

#[tokio::test]
async fn nobody_speaks_in_the_server_s_name() {
    let lab = Lab::new();
    let forged = event(1).replace("\"lims\"", "\"indelible\"");
    let problem = lab.app.append(forged).await.problem("invalid-event");
    assert_eq!(problem["errors"][0]["pointer"], "/source/system");
    assert_eq!(problem["errors"][0]["code"], "server-member");
}

#[tokio::test]
async fn the_page_tells_readers_how_the_deposits_are() {
    let lab = Lab::new();
    let id = lab.ordered("lab", "").await;
    let day = lab.today();
    lab.app.clock.pass(24 * HOUR);
    lab.run(&id);
    fs::remove_file(lab.folder("lab").join(format!("lab-{day}.csv"))).unwrap();
    lab.run(&id);
    let form = axum::http::Request::post("/signin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("token={}", lab.app.token)))
        .unwrap();
    let signed_in = lab.app.send(form).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap();
    let request = axum::http::Request::get("/t/lab/integrity").header("cookie", cookie);
    let page = lab.app.send(request.body(Body::empty()).unwrap()).await;
    assert!(page.text().contains("Daily deposits"), "{}", page.text());
    assert!(page.text().contains("was deposited and is gone"));
    assert!(!page.text().contains(lab.root.path().to_str().unwrap()), "the folder stays private");
}

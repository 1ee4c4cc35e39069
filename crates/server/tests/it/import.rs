//! Importing and exporting the files of platforms over HTTP.

use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use registry::Scope;
use serde_json::{Value, json};
use server::AppOptions;

use crate::app::{Answered, TestApp};
use crate::reader::Reader;

fn sample(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../dialect/tests/data");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

async fn import(app: &TestApp, query: &str, body: impl Into<Body>) -> Answered {
    app.post(&format!("/api/v1/trails/lab/import?{query}"), body).await
}

async fn export(app: &TestApp, query: &str) -> Answered {
    let answer = app.get(&format!("/api/v1/trails/lab/export?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
    answer
}

#[track_caller]
fn counts(report: &Value, recorded: u64, already: u64, rejected: u64) {
    let read = recorded + already + rejected;
    let expected =
        json!({"read": read, "recorded": recorded, "already": already, "rejected": rejected});
    assert_eq!(report["counts"], expected, "{report}");
}

/// The last event of the trail, which records the last import.
async fn note(app: &TestApp) -> Value {
    app.settle();
    let page = app.get("/api/v1/trails/lab/events?action=import&order=last_recorded&limit=1").await;
    page.json()["events"][0].clone()
}

#[tokio::test]
async fn every_sample_comes_in_once_and_goes_out_as_it_came() {
    for (dialect, file, records, format) in [
        ("dnanexus", "audit.csv", 5, "csv"),
        ("seqera", "v1-iso-dates.csv", 0, "v1-csv"),
        ("seqera", "v1-dashed-dates.csv", 0, "v1-csv"),
        ("seqera", "v2.csv", 0, "v2-csv"),
        ("tetrascience", "audit-trail.csv", 4, "audit-trail-csv"),
        ("tetrascience", "system-log.csv", 0, "system-log-csv"),
    ] {
        let app = TestApp::new();
        let bytes = sample(&format!("{dialect}/{file}"));
        let query = format!("dialect={dialect}&file={file}");
        let first = import(&app, &query, bytes.clone()).await;
        assert_eq!(first.status, StatusCode::OK, "{file}: {}", first.text());
        let recorded = first.json()["counts"]["recorded"].as_u64().unwrap();
        assert!(recorded >= 2 && (records == 0 || recorded == records), "{file}: {recorded}");
        counts(&first.json(), recorded, 0, 0);
        assert_eq!(first.json()["bytes"], bytes.len());
        let again = import(&app, &query, bytes.clone()).await;
        counts(&again.json(), 0, recorded, 0);
        app.settle();
        let query = format!("dialect={dialect}&format={format}&q=source:{dialect}");
        let out = export(&app, &query).await;
        assert_eq!(out.text(), String::from_utf8(bytes).unwrap(), "{file}");
        let name = format!("lab-{dialect}-{format}.csv");
        assert!(out.header("content-disposition").contains(&name), "{name}");
        let event = note(&app).await;
        assert_eq!(event["target"], json!({"type": "file", "name": file}));
        assert_eq!(event["params"]["sha256"], first.json()["sha256"]);
        assert_eq!(event["params"]["counts"], again.json()["counts"]);
        assert_eq!(event["outcome"]["status"], "success");
    }
}

#[tokio::test]
async fn the_timeline_of_a_run_shows_that_it_was_deleted_and_dropped() {
    let app = TestApp::new();
    import(&app, "dialect=seqera", sample("seqera/v1-iso-dates.csv")).await;
    app.settle();
    let run = "target_type=workflow&target_id=3kQ8bVxT5mYpZr";
    let history = app.get(&format!("/api/v1/trails/lab/history?{run}")).await.json();
    let actions = history["events"].as_array().unwrap().iter();
    let actions: Vec<&str> = actions.map(|event| event["action"].as_str().unwrap()).collect();
    let at = |action| actions.iter().position(|other| *other == action).unwrap();
    assert!(at("workflow_launched") < at("workflow_deleted"), "{actions:?}");
    assert_eq!(at("workflow_dropped"), at("workflow_deleted") + 1, "two events: {actions:?}");
    // A relaunch stands under the first run's id.
    let launches = actions.iter().filter(|action| **action == "workflow_launched").count();
    assert_eq!(launches, 3, "{actions:?}");
    let page = Reader::sign_in(&app, "UTC").await.page(&format!("/t/lab/history?{run}")).await;
    for action in ["workflow_deleted", "workflow_dropped"] {
        assert!(page.contains(action), "{action}");
    }
}

#[tokio::test]
async fn one_page_has_all_platforms_beside_live_events_in_their_own_words() {
    let app = TestApp::new();
    app.fill(1).await;
    let platforms = [
        ("opencga", "composed.jsonl", "UPDATE_ACLS", "FILE", "permission"),
        ("dnanexus", "audit.csv", "globalworkflow-run", "globalworkflow", "execute"),
        ("seqera", "v2-records.jsonl", "participant_role_updated", "participant", "permission"),
        ("tetrascience", "audit-trail.csv", "login-attempt", "user", "access"),
    ];
    for (dialect, file, ..) in platforms {
        let imported =
            import(&app, &format!("dialect={dialect}"), sample(&format!("{dialect}/{file}"))).await;
        assert_eq!(imported.status, StatusCode::OK, "{}", imported.text());
    }
    app.settle();
    let reader = Reader::sign_in(&app, "UTC").await;
    let page = reader.page("/t/lab?size=100").await;
    assert!(page.contains("S-0"), "the live event");
    for (dialect, _, action, kind, meaning) in platforms {
        assert!(page.contains(action) && page.contains(kind), "{dialect}");
        let query = format!("q=source:{dialect}%20action:={action}%20target.type:={kind}");
        let found = app.get(&format!("/api/v1/trails/lab/events?{query}")).await.json();
        let event = &found["events"][0];
        assert_eq!(event["received"]["via"], "import", "{dialect}");
        let shown = reader.page(&format!("/t/lab/e/{}", event["index"])).await;
        let catalogue = format!("{meaning}, by the catalogue of {dialect}");
        assert!(shown.contains(&catalogue), "{dialect} {action}: {catalogue}");
    }
}

#[tokio::test]
async fn an_import_names_its_door_and_its_platform() {
    let app = TestApp::new();
    let report =
        import(&app, "dialect=dnanexus&region=eu&organization=acme", sample("dnanexus/audit.csv"))
            .await
            .json();
    let event = app.get("/api/v1/trails/lab/events/0").await.json();
    assert_eq!(
        event["received"],
        json!({"via": "import", "dialect": "dnanexus", "version": "1", "import": report["import"]})
    );
    assert_eq!(event["source"]["region"], "eu");
    assert_eq!(event["scope"]["organization"]["id"], "acme");
    let columns = export(&app, "dialect=dnanexus&region_column=true").await;
    assert!(columns.text().lines().next().unwrap().ends_with(",Region"));
    assert!(columns.text().lines().nth(1).unwrap().ends_with(",eu"));
}

#[tokio::test]
async fn the_same_record_from_another_form_is_already_there() {
    let app = TestApp::new();
    let csv = import(&app, "dialect=tdp", sample("tetrascience/audit-trail.csv")).await;
    counts(&csv.json(), 4, 0, 0);
    let fewer_words = import(&app, "dialect=tdp", sample("tetrascience/audit-trail.json")).await;
    counts(&fewer_words.json(), 0, 4, 0);
    let other = String::from_utf8(sample("tetrascience/audit-trail.json")).unwrap();
    let other = import(
        &app,
        "dialect=tdp",
        other.replace("\"action\": \"delete\"", "\"action\": \"create\""),
    )
    .await;
    counts(&other.json(), 0, 3, 1);
    assert_eq!(other.json()["rejections"][0]["code"], "id-conflict");

    let app = TestApp::new();
    let system = import(&app, "dialect=tdp", sample("tetrascience/system-log.csv")).await.json();
    let again = import(&app, "dialect=tdp", sample("tetrascience/system-log.json")).await.json();
    assert_eq!(again["counts"]["rejected"], 0, "{again}");
    assert!(again["counts"]["already"].as_u64() > Some(0), "{system} {again}");
}

#[tokio::test]
async fn a_record_that_says_more_than_the_recorded_one_is_not_swallowed() {
    let app = TestApp::new();
    counts(
        &import(&app, "dialect=tdp", sample("tetrascience/audit-trail.json")).await.json(),
        4,
        0,
        0,
    );
    let report = import(&app, "dialect=tdp", sample("tetrascience/audit-trail.csv")).await.json();
    counts(&report, 0, 0, 4);
    assert!(report["rejections"][0]["message"].as_str().unwrap().contains("index 0"));
}

#[tokio::test]
async fn rejected_rows_are_told_with_line_and_reason_and_the_rest_comes_in() {
    let mut text = String::from_utf8(sample("dnanexus/audit.csv")).unwrap();
    text.push_str("yesterday,,,user-x,file-close,,,,,Yes,{},,\nonly,three,cells\n");
    let lines = text.lines().count();
    let app = TestApp::new();
    let report = import(&app, "dialect=dnanexus", text.clone()).await;
    assert_eq!(report.status, StatusCode::OK);
    counts(&report.json(), 5, 0, 2);
    let told = |at: usize| {
        let rejected = &report.json()["rejections"][at];
        (rejected["line"].as_u64().unwrap(), rejected["code"].as_str().unwrap().to_owned())
    };
    let lines = u64::try_from(lines).unwrap();
    assert_eq!((told(0), told(1)), ((lines - 1, "time".to_owned()), (lines, "shape".to_owned())));

    let app = TestApp::new();
    let strict = import(&app, "dialect=dnanexus&strict=true&file=s.csv", text).await;
    assert_eq!(strict.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = strict.problem("import-incomplete");
    counts(&problem["report"], 5, 0, 1);
    assert_eq!(problem["report"]["complete"], false);
    let event = note(&app).await;
    assert_eq!(event["outcome"]["status"], "failure");
    assert_eq!(event["outcome"]["name"], "strict");
    assert_eq!(event["params"]["complete"], false);
    assert_eq!(event["params"]["counts"]["recorded"], 5);
}

#[tokio::test]
async fn what_is_no_file_of_the_platform_is_refused_and_recorded() {
    let app = TestApp::new();
    for (dialect, body) in [
        ("dnanexus", b"a,b\n1,2\n".to_vec()),
        ("seqera", b"\x7fELF\x02\x01\x01\0\0\0".to_vec()),
        ("tetrascience", b"\xFF\xFEi\0d\0".to_vec()),
    ] {
        let answer = import(&app, &format!("dialect={dialect}"), body).await;
        let problem = answer.problem("import-incomplete");
        counts(&problem["report"], 0, 0, 0);
        assert_eq!(note(&app).await["outcome"]["status"], "failure");
    }
}

#[tokio::test]
async fn bodies_may_be_compressed_twice_over() {
    let app = TestApp::new();
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let file = gzip(&sample("dnanexus/audit.csv"));
    for (encoding, body, recorded) in [
        ("identity", file.clone(), 5),
        ("gzip", gzip(&file), 0),
        ("zstd", zstd::encode_all(&*file, 1).unwrap(), 0),
    ] {
        let request = app
            .request(Method::POST, "/api/v1/trails/lab/import?dialect=dnanexus")
            .header("content-encoding", encoding)
            .body(Body::from(body))
            .unwrap();
        let report = app.send(request).await.json();
        counts(&report, recorded, 5 - recorded, 0);
        assert_eq!(report["bytes"], file.len(), "of the file, not of its transfer");
    }
    let request = app
        .request(Method::POST, "/api/v1/trails/lab/import?dialect=dnanexus")
        .header("content-encoding", "gzip")
        .body(Body::from("no gzip"))
        .unwrap();
    app.send(request).await.problem("import-incomplete");
}

fn pieces(pieces: Vec<Result<&'static str, std::io::Error>>, end: bool) -> Body {
    let frames = pieces.into_iter().map(|piece| piece.map(|text| Frame::data(Bytes::from(text))));
    let frames = tokio_stream::iter(frames);
    if end {
        return Body::new(StreamBody::new(frames));
    }
    let waiting = tokio_stream::StreamExt::chain(frames, tokio_stream::pending());
    Body::new(StreamBody::new(waiting))
}

const ROW: &str = "2025-09-03T07:58:11Z,,,user-a,file-close,file-1,,,,Yes,{},,\n";

#[tokio::test]
async fn a_body_that_breaks_off_leaves_what_came_and_says_so() {
    let app = TestApp::new();
    let broken = || Err(std::io::Error::other("gone"));
    let answer = import(&app, "dialect=dnanexus", pieces(vec![Ok(ROW), broken()], true)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    counts(&answer.problem("malformed-body")["report"], 1, 0, 0);
    let event = note(&app).await;
    assert_eq!(event["params"]["complete"], false);
    assert_eq!(event["outcome"]["name"], "read");
    let whole = import(&app, "dialect=dnanexus", ROW).await.json();
    counts(&whole, 0, 1, 0);
}

#[tokio::test]
async fn a_body_is_bounded_in_bytes_and_time() {
    let options = AppOptions {
        body_idle: Duration::from_millis(200),
        import_bytes_max: 1_000,
        ..AppOptions::new()
    };
    let app = TestApp::with(options, |_| {});
    let slow = import(&app, "dialect=dnanexus", pieces(vec![Ok(ROW)], false)).await;
    counts(&slow.problem("upload-too-slow")["report"], 1, 0, 0);
    let large = import(&app, "dialect=dnanexus", ROW.repeat(100)).await;
    assert_eq!(large.problem("too-large")["report"]["complete"], false);
    assert_eq!(note(&app).await["outcome"]["name"], "too-much");
}

#[tokio::test]
async fn an_import_that_nobody_waits_for_is_still_recorded() {
    let app = TestApp::new();
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(Ok(Frame::data(Bytes::from(ROW)))).await.unwrap();
    let body = Body::new(StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(receiver)));
    let answer = tokio::time::timeout(
        Duration::from_millis(300),
        import(&app, "dialect=dnanexus&file=left.csv", body),
    );
    assert!(answer.await.is_err(), "the client went away");
    sender.send(Err(std::io::Error::other("gone"))).await.unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let event = app.get("/api/v1/trails/lab/events/1").await;
        if event.status == StatusCode::OK {
            assert_eq!(event.json()["target"]["name"], "left.csv");
            assert_eq!(event.json()["params"]["complete"], false);
            return;
        }
    }
    panic!("the import was not recorded");
}

#[tokio::test]
async fn only_who_may_append_imports_and_mistakes_are_named() {
    let mut app = TestApp::new();
    for (query, parameter) in [
        ("", "dialect"),
        ("dialect=excel", "dialect"),
        ("dialect=dnanexus&strict=maybe", "strict"),
        ("dialect=dnanexus&colour=red", "colour"),
        ("dialect=dnanexus&file=%00", "file"),
    ] {
        let problem = import(&app, query, ROW).await.problem("invalid-parameter");
        assert_eq!(problem["errors"][0]["parameter"], parameter);
    }
    app.token = app.token(Some("lab"), &[Scope::Read]);
    import(&app, "dialect=dnanexus", ROW).await.problem("forbidden");
    let status = app.get("/api/v1/trails/lab/status").await.json();
    assert_eq!(status["committed_size"], 0);
}

#[tokio::test]
async fn an_export_says_what_its_form_cannot() {
    let app = TestApp::new();
    import(&app, "dialect=tdp", sample("tetrascience/audit-trail.csv")).await;
    app.settle();
    let path = "/api/v1/trails/lab/export?dialect=dnanexus&q=source:tetrascience";
    let request = app.request(Method::GET, path).header("te", "trailers");
    let response = app.service.answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["trailer"], "export-count, export-losses");
    assert_eq!(response.headers()["content-type"], "text/csv");
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().unwrap().clone();
    assert_eq!(trailers["export-count"], "4");
    let losses = trailers["export-losses"].to_str().unwrap();
    assert!(losses.contains("/reason/text=2"), "{losses}");
    assert_eq!(collected.to_bytes().split(|byte| *byte == b'\n').count(), 6);

    let summary = export(&app, "dialect=dnanexus&q=source:tetrascience&summary=true").await.json();
    assert_eq!(summary["count"], 4);
    let listed: Vec<String> = summary["losses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|loss| format!("{}={}", loss["pointer"].as_str().unwrap(), loss["count"]))
        .collect();
    assert_eq!(listed.join(", "), losses);
    let exact = export(&app, "dialect=tdp&q=source:tetrascience&summary=true").await.json();
    assert_eq!(exact["losses"], json!([]));
}

#[tokio::test]
async fn every_form_of_every_dialect_is_written_and_documented() {
    const API_MD: &str = include_str!("../../../../docs/api.md");
    let app = TestApp::new();
    for (dialect, file) in [
        ("opencga", "opencga/v3.1.0_test.json"),
        ("opencga", "opencga/clinical.json"),
        ("dnanexus", "dnanexus/audit.csv"),
        ("seqera", "seqera/v2-page.json"),
        ("tetrascience", "tetrascience/system-log.json"),
    ] {
        import(&app, &format!("dialect={dialect}"), sample(file)).await;
    }
    app.settle();
    let size = app.get("/api/v1/trails/lab/status").await.json()["committed_size"].clone();
    for dialect in dialect::ALL {
        for format in dialect.formats() {
            let (name, form) = (dialect.name(), format.name);
            assert!(API_MD.contains(&format!("`{form}`")), "docs/api.md lacks {form}");
            let query = format!("dialect={name}&format={form}");
            let file = export(&app, &query).await;
            assert_eq!(file.header("content-type"), format.media_type, "{form}");
            let summary = export(&app, &format!("{query}&summary=true")).await.json();
            assert_eq!(summary["count"], size, "{form}");
        }
    }
    let app_names = |query: &'static str| app.get(query);
    app_names("/api/v1/trails/lab/export?dialect=seqera&format=xlsx")
        .await
        .problem("invalid-parameter");
    app_names("/api/v1/trails/lab/export?dialect=excel").await.problem("invalid-parameter");
    app_names("/api/v1/trails/lab/export?format=csv&region_column=true")
        .await
        .problem("invalid-parameter");
}

#[tokio::test]
async fn formulas_are_kept_as_they_are_unless_a_guard_is_asked_for() {
    let app = TestApp::new();
    let row = "2025-09-03T07:58:11Z,,,user-a,file-close,file-1,=1+1,,,Yes,{},,\n";
    import(&app, "dialect=dnanexus", row).await;
    let exact = export(&app, "dialect=dnanexus&format=csv-no-header").await;
    assert!(exact.text().starts_with(row), "{}", exact.text());
    let guarded = export(&app, "dialect=dnanexus&format=csv-no-header&formula_guard=true").await;
    assert!(guarded.text().contains(",'=1+1,"), "{}", guarded.text());
}

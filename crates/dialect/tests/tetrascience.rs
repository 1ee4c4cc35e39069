//! TetraScience TDP: samples in, events, samples out; the irregular cases; hostile input.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what is wrong")]

mod support;

use dialect::tetrascience::{TetraScience, audit_trail_item, system_log_item};
use dialect::{Fault, Losses, ReadOptions, WriteOptions};
use proptest::prelude::*;
use support::{
    check_samples, check_wrappings, event, events, lost, outline, recorded, rows, rows_with,
    sample, write, write_with,
};

const D: &TetraScience = &TetraScience;

/// Each sample with the format it is written in again.
const SAMPLES: [(&str, &str); 5] = [
    ("audit-trail.csv", "audit-trail-csv"),
    ("audit-trail-page.csv", "audit-trail-csv-page"),
    ("audit-trail.json", "audit-trail-json"),
    ("system-log.csv", "system-log-csv"),
    ("system-log.json", "system-log-json"),
];

/// The items of `logs` of a page, compact.
fn logs(page: &str) -> Vec<serde_json::Value> {
    let page: serde_json::Value = serde_json::from_str(page).unwrap();
    page["logs"].as_array().unwrap().clone()
}

#[test]
fn samples_become_the_expected_events_and_come_back_as_they_were() {
    check_samples(D, &SAMPLES, logs);
}

#[test]
fn a_file_is_the_same_file_in_every_wrapping() {
    let text = sample("tetrascience/audit-trail.csv");
    let plain = rows(D, text.as_bytes());
    check_wrappings(D, "tetrascience/audit-trail.csv");
    let hyphens = text.replacen("entity_schema_version", "entity-schema-version", 1);
    assert_eq!(rows(D, hyphens.as_bytes()), plain);
    let options = WriteOptions {
        format: Some("audit-trail-csv-hyphens".to_owned()),
        ..WriteOptions::default()
    };
    let all = events(D, text.as_bytes());
    assert_eq!(write_with(D, &options, &all).0, hyphens);
    let page = sample("tetrascience/system-log.json");
    let lines: String = logs(&page).iter().map(|log| format!("{log}\n")).collect();
    let array = serde_json::to_string(&logs(&page)).unwrap();
    for text in [lines, array] {
        let seen: Vec<_> = events(D, text.as_bytes());
        assert_eq!(seen, events(D, page.as_bytes()));
    }
}

const HEADER: &str = "id,org_slug,actor_id,actor_type,actor_name,actor_email,ip_address,host,\
    auth_token_ending,entity_type,entity_id,action,before,after,change_reason,\
    entity_schema_version,created_at,entity_name";

/// A file of one row: these cells, and else empty ones.
fn one(cells: &[(&str, &str)]) -> String {
    let quote = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let row: Vec<String> = HEADER
        .split(',')
        .map(|name| {
            cells.iter().find(|(n, _)| *n == name).map_or_else(String::new, |(_, c)| quote(c))
        })
        .collect();
    format!("{HEADER}\n{}\n", row.join(","))
}

const NEEDED: [(&str, &str); 3] =
    [("id", "r1"), ("action", "update"), ("created_at", "2023-04-19 12:05:02.42+00")];

fn with<'c>(more: &[(&'c str, &'c str)]) -> String {
    one(&[&NEEDED, more].concat())
}

#[test]
fn case_6_postgres_times_are_rfc_3339_in_the_event_and_come_back() {
    let mapped = event(D, with(&[]).as_bytes());
    assert_eq!(mapped.event.occurred_at.as_str(), "2023-04-19T12:05:02.42+00:00");
    assert_eq!(mapped.event.occurred_at.micros(), 1_681_905_902_420_000);
    let (csv, _) = write(D, "audit-trail-csv", &[mapped]);
    assert!(csv.contains(",2023-04-19 12:05:02.42+00,"), "{csv}");
    let json = r#"{"id":"r1","action":"update","createdAt":"2023-04-19T12:05:02.420Z"}"#;
    let (csv, _) = write(D, "audit-trail-csv", &[event(D, json.as_bytes())]);
    assert!(csv.contains(",2023-04-19 12:05:02.42+00,"), "{csv}");
}

#[test]
fn case_10_credentials_in_before_and_after_never_leave_the_reader() {
    let secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
    let text = with(&[
        ("before", r#"{"name": "lims", "password": "hunter2"}"#),
        ("after", &format!(r#"{{"name": "lims", "note": "use {secret}"}}"#)),
        ("host", "h"),
    ]);
    let mapped = event(D, text.as_bytes());
    let shown = format!("{}{:?}", mapped.event.to_json(), mapped.native);
    assert!(!shown.contains("hunter2") && !shown.contains(secret), "{shown}");
    assert_eq!(mapped.event.redacted, ["/before/password", "/after/note"]);
    assert_eq!(mapped.event.before.unwrap().as_str(), r#"{"name":"lims"}"#);
}

#[test]
fn case_10_what_the_caller_names_is_redacted_too() {
    let options = ReadOptions {
        redact: ["/before/ssn", "/attributes/columns/notes", "/after/none"]
            .map(String::from)
            .into(),
        ..ReadOptions::default()
    };
    let text = with(&[("before", r#"{"ssn":   "123-45", "b": 1}"#)])
        .replacen("entity_name\n", "entity_name,notes\n", 1)
        .trim_end()
        .to_owned()
        + ",private\n";
    let rows = rows_with(D, text.as_bytes(), &options);
    let mapped = rows[0].result.as_ref().unwrap();
    let shown = format!("{}{:?}", mapped.event.to_json(), mapped.native);
    assert!(!shown.contains("123-45") && !shown.contains("private"), "{shown}");
    assert_eq!(mapped.event.redacted, ["/before/ssn", "/attributes/columns/notes"]);
}

#[test]
fn case_11_one_side_may_be_empty_and_each_is_the_json_it_was() {
    let update =
        event(D, with(&[("before", r#"{"a": 1.50, "b": [1, {}]}"#), ("after", "[]")]).as_bytes());
    assert_eq!(update.event.before.as_ref().unwrap().as_str(), r#"{"a":1.50,"b":[1,{}]}"#);
    assert_eq!(update.event.after.as_ref().unwrap().as_str(), "[]");
    assert_eq!(update.native, None);
    let create = event(D, with(&[("after", "{}")]).as_bytes());
    assert_eq!((create.event.before, create.event.after.unwrap().as_str()), (None, "{}"));
    let login = event(D, with(&[]).as_bytes());
    assert_eq!((login.event.before, login.event.after), (None, None));
}

#[test]
fn case_11_what_is_no_json_is_a_json_string_and_comes_back() {
    for cell in ["plain words", "{\"a\":1}", "{'a': 1}", "{\"a\": 1,}", "\"quoted\"", "null", "1 "]
    {
        let text = with(&[("before", cell)]);
        let mapped = event(D, text.as_bytes());
        let (csv, _) = write(D, "audit-trail-csv", &[mapped]);
        assert_eq!(event(D, csv.as_bytes()), event(D, text.as_bytes()), "{cell}");
        let quoted = format!("\"{}\"", cell.replace('"', "\"\""));
        assert!(csv.contains(&quoted) || csv.contains(&format!(",{cell},")), "{cell}: {csv}");
    }
    let mapped = event(D, with(&[("before", "plain words")]).as_bytes());
    assert_eq!(mapped.event.before.unwrap().as_str(), "\"plain words\"");
}

#[test]
fn case_15_an_ending_is_a_hint_and_a_whole_token_is_cut_to_one() {
    let mapped = event(D, with(&[("auth_token_ending", "w7AY9Uc")]).as_bytes());
    let credential = |mapped: &dialect::Mapped| {
        mapped.event.actor.as_ref().unwrap().credential.as_ref().unwrap().ending.clone()
    };
    assert_eq!(credential(&mapped).as_deref(), Some("w7AY9Uc"));
    assert!(mapped.event.redacted.is_empty() && mapped.native.is_none());
    let token = "0123456789abcdef0123456789w7AY9Uc";
    let mapped = event(D, with(&[("auth_token_ending", token)]).as_bytes());
    assert_eq!(credential(&mapped).as_deref(), Some("w7AY9Uc"));
    assert!(!mapped.event.redacted.is_empty());
    let log = format!(
        r#"{{"id":"1","created_at":"2025-09-03T08:00:00Z","action":"login","type":"user.login.v1","source":{{"tracking":{{"token":"{token}"}}}}}}"#
    );
    let mapped = event(D, log.as_bytes());
    assert_eq!(credential(&mapped).as_deref(), Some("w7AY9Uc"));
    assert!(!format!("{mapped:?}").contains(token));
}

#[test]
fn a_service_user_is_a_service_and_the_native_word_comes_back() {
    for (native, kind) in [
        ("service-user", "service"),
        ("local-user", "local-user"),
        ("user", "user"),
        ("", "unknown"),
        ("service", "service"),
        ("unknown", "unknown"),
        ("robot", "robot"),
    ] {
        let text = with(&[("actor_type", native), ("actor_id", "7")]);
        let mapped = event(D, text.as_bytes());
        assert_eq!(mapped.event.actor.as_ref().unwrap().kind, kind, "{native}");
        let (csv, _) = write(D, "audit-trail-csv", std::slice::from_ref(&mapped));
        assert_eq!(event(D, csv.as_bytes()), mapped, "{native}");
        assert!(csv.contains(&format!(",7,{native},")), "{csv}");
    }
}

#[test]
fn columns_may_stand_in_any_order_and_unknown_ones_are_kept() {
    let text =
        "Shoe size,created_at,ACTION,id,Entity-Type\n44,2025-09-03 08:05:00+00,create,r9,file\n";
    let mapped = event(D, text.as_bytes());
    assert_eq!(
        mapped.event.attributes.as_ref().unwrap().as_str(),
        r#"{"columns":{"Shoe size":"44"}}"#
    );
    assert_eq!(mapped.event.target.as_ref().unwrap().kind, "file");
    assert_eq!(mapped.native, None);
}

#[test]
fn unknown_words_and_odd_values_are_kept_as_they_came() {
    let json = r#"{"id":"1","orgSlug":null,"createdAt":"2025-09-03T08:00:00.120+02:00","action":"Frobnicate!","entity":{"id":17,"type":"sprocket","before":null,"after":0,"schemaVersion":"2","colour":"red"},"actor":{"type":"robot"},"more":[1.0,1e400]}"#;
    let mapped = event(D, json.as_bytes());
    assert_eq!(mapped.event.action, "Frobnicate!");
    assert_eq!(mapped.event.after.as_ref().unwrap().as_str(), "0");
    let (page, losses) = write(D, "audit-trail-json", std::slice::from_ref(&mapped));
    assert_eq!(logs(&page), [serde_json::from_str::<serde_json::Value>(json).unwrap()]);
    assert!(losses.is_empty());
}

#[test]
fn what_is_no_record_is_rejected_with_its_line() {
    let good = "r1,,,,,,,,,,,update,,,,,2025-09-03 08:05:00+00,";
    let text = format!(
        "{HEADER}\n{good}\n,,,,,,,,,,,update,,,,,2025-09-03 08:05:00+00,\nr2,too few\n\
         r3,,,,,,,,,,,update,,,,,yesterday,\n\"r4\"x,\n{good}\n"
    );
    assert_eq!(
        outline(&rows(D, text.as_bytes())),
        ["update", "3!missing", "4!shape", "5!time", "6!syntax", "update"]
    );
    for (text, fault) in [
        ("a,b,c\n1,2,3\n", Fault::Shape),
        ("id,id,action,created_at\n", Fault::Shape),
        ("\"id,action", Fault::Syntax),
        ("\u{1F4A9}\n", Fault::Shape),
    ] {
        let rows = rows(D, text.as_bytes());
        assert_eq!(rows[0].result.as_ref().unwrap_err().fault, fault, "{text}");
    }
    assert!(rows(D, b"").is_empty());
}

#[test]
fn another_platforms_events_are_written_and_losses_are_listed() {
    let foreign = events(&dialect::seqera::Seqera, sample("seqera/v2-records.jsonl").as_bytes());
    let (csv, losses) = write(D, "audit-trail-csv", &foreign);
    assert_eq!(csv.lines().count(), foreign.len() + 1);
    for pointer in ["/operation", "/client/user_agent", "/attributes", "/scope/workspace/id"] {
        assert!(lost(&losses).contains(&pointer), "{pointer}");
    }
    for pointer in ["/before", "/after", "/target/id", "/actor/id", "/client/ip"] {
        assert!(!lost(&losses).contains(&pointer), "{pointer}");
    }
    let again = events(D, csv.as_bytes());
    assert_eq!(again[0].event.target, foreign[0].event.target);
    assert_eq!(again[0].event.before, foreign[0].event.before);
    let (page, _) = write(D, "system-log-json", &foreign);
    assert_eq!(logs(&page)[0]["source"]["tracking"]["useragent"], "Mozilla/5.0");
    assert_eq!(events(D, page.as_bytes()).len(), foreign.len());
}

#[test]
fn a_table_reports_what_it_has_no_column_for() {
    let text = sample("tetrascience/audit-trail.csv");
    let (_, losses) = write(D, "audit-trail-csv-page", &events(D, text.as_bytes()));
    assert_eq!(losses.iter().collect::<Vec<_>>(), [("/reason/text", 2)]);
    let text = with(&[]).replacen("entity_name\n", "entity_name,notes\n", 1).trim_end().to_owned();
    let noted = event(D, format!("{text},x\n").as_bytes());
    assert_eq!(lost(&write(D, "audit-trail-csv", std::slice::from_ref(&noted)).1), ["/attributes"]);
    let kept =
        event(D, format!("{}x\n", format!("{text},").replace("02.42+00", "02.420+00")).as_bytes());
    assert!(kept.native.is_some());
    assert_eq!(lost(&write(D, "audit-trail-csv", &[kept]).1), ["/attributes"]);
}

#[test]
fn a_login_that_failed_says_so() {
    for (payload, status) in [
        ("{\"success\": false}", Some(event::Status::Failure)),
        ("{\"success\": true}", Some(event::Status::Success)),
        ("{\"success\": \"no\"}", None),
        ("", None),
    ] {
        let cells = [("id", "1"), NEEDED[2], ("action", "login-attempt"), ("after", payload)];
        let mapped = event(D, one(&cells).as_bytes());
        assert_eq!(mapped.event.outcome.map(|outcome| outcome.status), status, "{payload}");
        assert_eq!(mapped.native, None);
    }
}

#[test]
fn formulas_are_exact_by_default_and_guarded_by_option() {
    let text = with(&[("actor_name", "=HYPERLINK(\"x\")"), ("entity_name", "@a"), ("host", "-1")]);
    let mapped = event(D, text.as_bytes());
    let (exact, _) = write(D, "audit-trail-csv", std::slice::from_ref(&mapped));
    assert!(exact.contains("\"=HYPERLINK(\"\"x\"\")\""), "{exact}");
    let options =
        WriteOptions { formula_guard: true, region_column: true, ..WriteOptions::default() };
    let (guarded, _) = write_with(D, &options, &[mapped]);
    assert!(guarded.contains("\"'=HYPERLINK(\"\"x\"\")\"") && guarded.contains("'@a"), "{guarded}");
    assert!(guarded.contains(",-1,") && guarded.lines().next().unwrap().ends_with(",region"));
}

#[test]
fn a_facade_gets_the_apis_own_items() {
    let trail = sample("tetrascience/audit-trail.json");
    let log = sample("tetrascience/system-log.json");
    for (at, mapped) in events(D, trail.as_bytes()).iter().enumerate() {
        let item = audit_trail_item(&recorded(at, mapped), &mut Losses::default());
        let item: serde_json::Value = serde_json::from_str(item.as_str()).unwrap();
        assert_eq!(item, logs(&trail)[at]);
    }
    for (at, mapped) in events(D, log.as_bytes()).iter().enumerate() {
        let item = system_log_item(&recorded(at, mapped), &mut Losses::default());
        let item: serde_json::Value = serde_json::from_str(item.as_str()).unwrap();
        assert_eq!(item, logs(&log)[at]);
    }
}

#[test]
fn what_the_caller_knows_is_added_where_the_record_is_silent() {
    let options = ReadOptions {
        organization: Some("acme".to_owned()),
        instance: Some("eu".to_owned()),
        region: Some("eu-central-1".to_owned()),
        ..ReadOptions::default()
    };
    for (slug, expected) in [("", "acme"), ("own", "own")] {
        let text = with(&[("org_slug", slug)]);
        let rows = rows_with(D, text.as_bytes(), &options);
        let mapped = rows[0].result.clone().unwrap();
        let organization = mapped.event.scope.as_ref().unwrap().organization.as_ref().unwrap();
        assert_eq!(organization.id.as_deref(), Some(expected));
        assert_eq!(mapped.event.source.region.as_deref(), Some("eu-central-1"));
        let (csv, _) = write(D, "audit-trail-csv", &[mapped]);
        assert!(csv.contains(&format!("r1,{slug},")), "{csv}");
    }
}

proptest! {
    #[test]
    fn any_cells_come_back_exactly(
        cells in proptest::collection::vec("[a-c1\" ,:{}\\[\\]\n'=-]{0,8}|null|true|12|\\{\"a\": 1\\}", 15),
    ) {
        let names: Vec<&str> = HEADER.split(',')
            .filter(|name| !NEEDED.iter().any(|(needed, _)| needed == name)).collect();
        let pairs: Vec<(&str, &str)> =
            names.iter().copied().zip(cells.iter().map(String::as_str)).collect();
        let text = with(&pairs);
        let mapped = event(D, text.as_bytes());
        let (csv, _) = write(D, "audit-trail-csv", std::slice::from_ref(&mapped));
        prop_assert_eq!(parse(&csv), parse(&text));
        prop_assert_eq!(event(D, csv.as_bytes()), mapped);
    }
}

/// The cells of a file, by another parser.
fn parse(text: &str) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(|row| row.unwrap().iter().map(ToOwned::to_owned).collect())
        .collect()
}

const NAMES: &[&str] = &[
    "type",
    "id",
    "name",
    "email",
    "before",
    "after",
    "schemaVersion",
    "ending",
    "tracking",
    "ipaddress",
    "useragent",
    "success",
    "other",
];

proptest! {
    #[test]
    fn any_record_comes_back_exactly(
        actor in support::json_values(NAMES),
        entity in support::json_values(NAMES),
        more in support::json_values(NAMES),
        slug in support::json_values(NAMES),
    ) {
        let audit = serde_json::json!({
            "id": "1", "createdAt": "2026-06-02T08:07:00Z", "action": "login-attempt",
            "actor": actor, "entity": entity, "orgSlug": slug, "changeReason": more, "ip": more,
        });
        let log = serde_json::json!({
            "id": "1", "created_at": "2026-06-02T08:07:00Z", "action": "login", "actor": actor,
            "target": entity, "org_slug": slug, "type": more, "source": { "tracking": more },
            "before": entity, "tags": more,
        });
        for (record, format) in [(audit, "audit-trail-json"), (log, "system-log-json")] {
            let mapped = event(D, record.to_string().as_bytes());
            prop_assert!(mapped.event.redacted.is_empty());
            let (page, _) = write(D, format, &[mapped]);
            prop_assert_eq!(&logs(&page)[0], &record);
        }
    }
}

//! Seqera Platform: samples in, events, samples out; the irregular cases; hostile input.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what is wrong")]

mod support;

use dialect::seqera::{CATALOGUE, Seqera, audit_log};
use dialect::{Dialect, Fault, Kind, Losses, Mapped, ReadOptions, WriteOptions};
use event::Status;
use proptest::prelude::*;
use support::{
    check_samples, check_wrappings, event, events, lost, outline, recorded, rows, rows_with,
    sample, write, write_with,
};

const D: &Seqera = &Seqera;

/// Each sample with the format it is written in again.
const SAMPLES: [(&str, &str); 5] = [
    ("v1-dashed-dates.csv", "v1-csv"),
    ("v1-iso-dates.csv", "v1-csv"),
    ("v2-page.json", "v2-json"),
    ("v2-records.jsonl", "v2-jsonl"),
    ("v2.csv", "v2-csv"),
];

const HEADER: &str = "Type,Target,Principal,Status,Organization ID,Organization name,Workspace ID,\
    Workspace name,Client IP,Creation date";

/// The JSON values of a page or of lines.
fn records(text: &str) -> Vec<serde_json::Value> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(page) if page.get("auditLogs").is_some() => {
            page["auditLogs"].as_array().unwrap().clone()
        }
        _ => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    }
}

fn row(cells: &str) -> Mapped {
    event(D, format!("{HEADER}\n{cells}\n").as_bytes())
}

#[test]
fn samples_become_the_expected_events_and_come_back_as_they_were() {
    check_samples(D, &SAMPLES, records);
}

#[test]
fn a_file_is_the_same_file_in_every_wrapping() {
    for name in ["seqera/v1-iso-dates.csv", "seqera/v2-records.jsonl"] {
        check_wrappings(D, name);
    }
    let text = sample("seqera/v2-records.jsonl");
    let plain = events(D, text.as_bytes());
    let array = serde_json::to_string_pretty(&records(&text)).unwrap();
    let pages: String = records(&text)
        .iter()
        .map(|record| format!("{{\"nextPageToken\":\"x\",\"auditLogs\":[{record}]}}\n"))
        .collect();
    for text in [array, pages] {
        assert_eq!(events(D, text.as_bytes()), plain);
    }
    for (mapped, record) in plain.iter().zip(records(&text)) {
        assert_eq!(event(D, record.to_string().as_bytes()), *mapped);
    }
}

#[test]
fn rows_as_json_are_the_same_rows() {
    let csv = row("participant_added,88123,4021,9902,71,acme,9902,oncology,,2025-06-29T08:10:00Z");
    for json in [
        r#"{"Type":"participant_added","Target":88123,"Principal":"4021","Status":9902,"Organization ID":71,"Organization name":"acme","Workspace ID":9902,"Workspace name":"oncology","Client IP":null,"Creation date":"2025-06-29T08:10:00Z"}"#,
        r#"{"creationDate":"2025-06-29T08:10:00Z","type":"participant_added","target":"88123","principal":4021,"status":"9902","organizationId":71,"organizationName":"acme","workspaceId":9902,"workspaceName":"oncology"}"#,
    ] {
        assert_eq!(event(D, json.as_bytes()), csv, "{json}");
    }
}

#[test]
fn case_1_the_system_has_no_id_and_an_empty_address_is_none() {
    let mapped = row("workflow_dropped,3kQ8,system,,71,acme,9902,oncology,,2025-06-29T08:05:02Z");
    let actor = mapped.event.actor.as_ref().unwrap();
    assert_eq!((&*actor.kind, &actor.id), ("system", &None));
    assert_eq!(mapped.event.client, None);
    let scim = r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"user_created","actor":{"type":"system"},"client":{}}"#;
    let mapped = event(D, scim.as_bytes());
    assert_eq!(mapped.event.actor.as_ref().unwrap().kind, "system");
    assert_eq!((&mapped.event.client, &mapped.native), (&None, &None));
    let nobody = row("workflow_dropped,3kQ8,,,71,acme,9902,oncology,,2025-06-29T08:05:02Z");
    assert_eq!(nobody.event.actor, None);
}

#[test]
fn case_2_a_deleted_and_a_dropped_run_are_two_events_of_one_target() {
    let text = sample("seqera/v1-iso-dates.csv");
    let of_run: Vec<_> = events(D, text.as_bytes())
        .into_iter()
        .filter(|m| m.event.target.as_ref().unwrap().id.as_deref() == Some("3kQ8bVxT5mYpZr"))
        .collect();
    let actions: Vec<_> = of_run.iter().map(|mapped| &*mapped.event.action).collect();
    assert_eq!(actions[2..4], ["workflow_deleted", "workflow_dropped"]);
    assert_ne!(of_run[2].event.id, of_run[3].event.id);
    assert_eq!(of_run[2].event.target, of_run[3].event.target);
}

#[test]
fn case_3_a_relaunch_stands_under_the_first_runs_id_and_is_an_event_of_its_own() {
    let text = sample("seqera/v1-iso-dates.csv");
    let launches: Vec<_> = events(D, text.as_bytes())
        .into_iter()
        .filter(|mapped| mapped.event.action == "workflow_launched")
        .collect();
    assert_eq!(launches.len(), 3);
    assert!(launches.iter().all(|m| m.event.target == launches[0].event.target));
    let ids: Vec<_> = launches.iter().map(|m| m.event.id.as_deref().unwrap()).collect();
    assert_ne!(ids[0], ids[1]);
    // Two rows that are equal to the letter both survive.
    assert!(ids[1].ends_with(":0") && ids[2].ends_with(":1"));
    assert_eq!(ids[1].get(..71), ids[2].get(..71));
}

#[test]
fn case_4_status_is_kept_as_it_came_and_said_only_where_it_is_sure() {
    for (cells, status, parent) in [
        ("user_sign_in,4021,4021,oidc,,", Status::Success, None),
        ("user_sign_in,4021,4021,carrier pigeon,,", Status::Unknown, None),
        ("workflow_completed,3kQ8,system,SUCCEEDED,71,", Status::Success, None),
        ("workflow_completed,3kQ8,system,FAILED,71,", Status::Failure, None),
        ("workflow_completed,3kQ8,system,CANCELLED,71,", Status::Unknown, None),
        ("workflow_launched,3kQ8,4021,SUCCEEDED,71,", Status::Unknown, None),
        ("workflow_status_changed,3kQ8,system,RUNNING,71,", Status::Unknown, None),
        ("participant_added,88123,4021,9902,71,", Status::Unknown, Some(("workspace", "9902"))),
        ("participant_role_update,8,4021,maintain,71,", Status::Unknown, None),
        ("member_removed,88,4021,71,,", Status::Unknown, Some(("organization", "71"))),
        ("team_member_added,88,4021,17,71,", Status::Unknown, Some(("team", "17"))),
    ] {
        let mapped = row(&format!("{cells},,,,2025-06-29T08:10:00Z"));
        let outcome = mapped.event.outcome.as_ref().unwrap();
        assert_eq!(outcome.status, status, "{cells}");
        assert_eq!(outcome.detail.as_deref(), cells.split(',').nth(3), "{cells}");
        let seen = mapped.event.related.first().map(|r| (&*r.kind, r.id.as_deref().unwrap()));
        assert_eq!(seen, parent, "{cells}");
    }
}

#[test]
fn case_4_a_parents_id_fills_the_scope_where_its_column_is_empty_and_says_so() {
    let lifted = row("participant_added,88123,4021,9902,71,acme,,,,2025-06-29T08:10:00Z");
    let scope = lifted.event.scope.as_ref().unwrap();
    assert_eq!(scope.workspace.as_ref().unwrap().id.as_deref(), Some("9902"));
    let attributes = lifted.event.attributes.as_ref().unwrap();
    assert_eq!(attributes.as_str(), r#"{"derived":["/scope/workspace/id"]}"#);
    assert_eq!(lifted.native, None);
    let (csv, losses) = write(D, "v1-csv", &[lifted]);
    assert!(csv.contains("participant_added,88123,4021,9902,71,acme,,,,2025"), "{csv}");
    assert!(losses.is_empty(), "{:?}", lost(&losses));
    let given = row("participant_added,88123,4021,9902,71,acme,9903,,,2025-06-29T08:10:00Z");
    let scope = given.event.scope.as_ref().unwrap();
    assert_eq!(scope.workspace.as_ref().unwrap().id.as_deref(), Some("9903"));
    assert_eq!(given.event.attributes, None);
}

#[test]
fn case_5_names_of_old_and_of_neither_list_are_stored_verbatim() {
    for name in
        ["participant_added", "workflow_status_changed", "scim_token_created", "moon_phase_changed"]
    {
        let mapped = row(&format!("{name},1,4021,,,,,,,2025-06-29T08:10:00Z"));
        assert_eq!(mapped.event.action, name);
        assert_eq!(mapped.native, None);
    }
    assert!(CATALOGUE.names_of("participant_created").contains(&"participant_added"));
    assert!(CATALOGUE.actions_of(Kind::Execute).any(|action| action == "workflow_launched"));
}

#[test]
fn case_6_both_date_formats_become_utc_and_come_back() {
    for (date, at) in [
        ("2024-02-11-09-30-05", "2024-02-11T09:30:05Z"),
        ("2025-06-28T22:07:40Z", "2025-06-28T22:07:40Z"),
        ("2025-06-28T22:07:40.123+02:00", "2025-06-28T22:07:40.123+02:00"),
    ] {
        let mapped = row(&format!("user_sign_in,4021,4021,oidc,,,,,203.0.113.24,{date}"));
        assert_eq!(mapped.event.occurred_at.as_str(), at);
        assert_eq!(mapped.native, None);
        let (csv, _) = write(D, "v1-csv", &[mapped]);
        assert!(csv.ends_with(&format!(",{date}\n")), "{csv}");
    }
}

#[test]
fn case_10_images_are_redacted_before_anything_is_kept() {
    let record = r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"access_token_created","actor":{"type":"user","userId":4021},"client":{"accessTokenId":557},"target":{"id":"558","type":"access_token","state":{"newState":{"auditImageType":"access_token","name":"ci","token":"eyJ0aWQ.c2VjcmV0"},"previousState":null,"metadata":{"preStateStatus":"UNAPPLICABLE"}}}}"#;
    let mapped = event(D, record.as_bytes());
    assert!(!format!("{mapped:?}").contains("c2VjcmV0"));
    assert_eq!(mapped.event.redacted, ["/after/token"]);
    assert_eq!(
        mapped.event.after.as_ref().unwrap().as_str(),
        r#"{"auditImageType":"access_token","name":"ci"}"#
    );
    let options = ReadOptions { redact: vec!["/after/name".to_owned()], ..ReadOptions::default() };
    let rows = rows_with(D, record.as_bytes(), &options);
    let mapped = rows[0].result.as_ref().unwrap();
    assert_eq!(mapped.event.redacted, ["/after/token", "/after/name"]);
    assert_eq!(mapped.native, None);
}

#[test]
fn case_16_ids_do_not_depend_on_what_else_the_file_holds_so_that_nothing_is_kept_twice() {
    let text = sample("seqera/v1-iso-dates.csv");
    let all = events(D, text.as_bytes());
    let lines: Vec<&str> = text.lines().collect();
    // The platform has purged the first half; the next export overlaps the last one.
    let later = format!("{}\n{}\n", lines[0], lines[5..].join("\n"));
    let later = events(D, later.as_bytes());
    assert_eq!(later, all[4..]);
    let twice: Vec<_> = [events(D, text.as_bytes()), all.clone()].concat();
    let mut ids: Vec<_> = twice.iter().map(|mapped| mapped.event.id.clone().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
}

#[test]
fn an_identity_is_that_of_the_cells_and_not_of_the_layout() {
    let one = row("label_created,31,4021,,71,acme,9902,oncology,,2025-06-29T08:10:00Z");
    let other = event(
        D,
        b"Creation date,Principal,Type,Target,organization_id,Organization Name,Workspace ID,Workspace name,Client IP,Status\n\
          2025-06-29T08:10:00Z,4021,label_created,31,71,acme,9902,oncology,,\n",
    );
    assert_eq!(one, other);
    assert_eq!(
        one.event.id.as_deref().unwrap(),
        "sha256:7a1324f7416063e4845f2d818c99c628bcc92f4d42fdb24d5782e786cf2110bc:0"
    );
}

#[test]
fn the_columns_of_25_3_are_read_and_unknown_ones_are_kept() {
    let text = "Type,Target,Principal,Creation date,User agent,Access token ID,Mood\n\
                workflow_launched,3kQ8,4021,2025-11-29T08:10:00Z,tw/0.12.0,557,good\n";
    let mapped = event(D, text.as_bytes());
    assert_eq!(mapped.event.client.as_ref().unwrap().user_agent.as_deref(), Some("tw/0.12.0"));
    let credential = mapped.event.actor.as_ref().unwrap().credential.as_ref().unwrap();
    assert_eq!(credential.id.as_deref(), Some("557"));
    assert_eq!(
        mapped.event.attributes.as_ref().unwrap().as_str(),
        r#"{"columns":{"Mood":"good"}}"#
    );
    assert_eq!(mapped.native, None);
    let (_, losses) = write(D, "v1-csv", &[mapped]);
    assert_eq!(lost(&losses), ["/actor/credential/id", "/attributes", "/client/user_agent"]);
}

#[test]
fn a_record_that_would_not_come_back_is_kept_beside_its_event() {
    for record in [
        r#"{"id":1048577,"timestamp":"2026-06-02T08:07:00Z","event":"user_created"}"#,
        r#"{"id":"1","timestamp":"2026-06-02-08-07-00","event":"user_created"}"#,
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"user_created","target":{"id":"7","type":null}}"#,
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"user_created","actor":{"userId":7}}"#,
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"user_created","target":{"type":"user","organization":{"id":"71"}}}"#,
    ] {
        let mapped = event(D, record.as_bytes());
        assert_eq!(mapped.native.as_ref().unwrap().as_str(), record);
        let (lines, _) = write(D, "v2-jsonl", &[mapped]);
        assert_eq!(lines.trim_end(), record);
    }
    let odd = row("user_created,7,SYSTEM,,,,,,,2025-06-29T08:10:00Z");
    assert_eq!(odd.event.actor.as_ref().unwrap().kind, "system");
    assert!(odd.native.is_some());
    let (csv, _) = write(D, "v1-csv", &[odd]);
    assert!(csv.contains("user_created,7,SYSTEM,"), "{csv}");
}

#[test]
fn odd_values_of_a_record_stay_where_they_were() {
    for record in [
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"e","actor":null,"client":[],"target":"x"}"#,
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"e","actor":{"type":"user","userId":"u7","email":""},"client":{"ip":7}}"#,
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"e","target":{"type":"t","name":"a\nb","state":{"previousState":[1.50],"newState":0}}}"#,
        r#"{"id":"1","timestamp":"2026-06-02T08:07:00Z","event":"e","$serde_json::private::Number":"1","target":{"type":"t","state":{"newState":{"$serde_json::private::RawValue":"[1]"}}}}"#,
    ] {
        let mapped = event(D, record.as_bytes());
        assert_eq!(mapped.native, None, "{record}");
        let (lines, losses) = write(D, "v2-jsonl", &[mapped]);
        assert_eq!(event(D, lines.as_bytes()), event(D, record.as_bytes()), "{lines}");
        assert_eq!(lines.trim_end().len(), record.len(), "{lines}");
        assert!(losses.is_empty());
    }
}

#[test]
fn a_facade_gets_the_apis_own_records() {
    let text = sample("seqera/v2-records.jsonl");
    for (at, (mapped, record)) in events(D, text.as_bytes()).iter().zip(records(&text)).enumerate()
    {
        let value = |id, state| -> serde_json::Value {
            let json = audit_log(&recorded(at, mapped), id, state, &mut Losses::default());
            serde_json::from_str(json.as_str()).unwrap()
        };
        assert_eq!(value(None, true), record);
        assert_eq!(value(Some(17), false)["id"], "17");
        assert_eq!(value(None, false)["target"].get("state"), None);
        assert_eq!(value(None, false)["target"]["id"], record["target"]["id"]);
    }
}

#[test]
fn another_platforms_events_are_written_and_losses_are_listed() {
    let text = sample("tetrascience/audit-trail.csv");
    let foreign = events(&dialect::tetrascience::TetraScience, text.as_bytes());
    let (lines, losses) = write(D, "v2-jsonl", &foreign);
    let first = &records(&lines)[0];
    assert_eq!(first["actor"]["type"], "user");
    assert_eq!(first["actor"]["userName"], "59eb8bd4-8b10-43b3-ac57-fe3ab86c05fd");
    assert_eq!(first["target"]["organization"]["name"], "acme-qc");
    assert_eq!(first["target"]["state"]["metadata"]["preStateStatus"], "RECORDED");
    assert_eq!(first["target"]["state"]["newState"]["status"], "enabled");
    assert_eq!(
        lost(&losses),
        [
            "/actor/credential/ending",
            "/actor/name",
            "/actor/type",
            "/client/host",
            "/outcome/status",
            "/reason/text",
            "/scope/organization/id",
            "/source/format",
            "/source/system",
            "/target/schema_version",
        ]
    );
    assert_eq!(events(D, lines.as_bytes()).len(), foreign.len());
    let (csv, losses) = write(D, "v1-csv", &foreign);
    let expected = "update,3b6f2a8e-0d5e-4b2c-9a55-1a7f0f7f9c11,59eb8bd4-8b10-43b3-ac57-fe3ab86c05fd,,acme-qc,,,,203.0.113.24,2025-09-03T08:02:40Z";
    assert_eq!(csv.lines().nth(1), Some(expected));
    assert!(lost(&losses).contains(&"/id") && lost(&losses).contains(&"/before"));
    assert_eq!(events(D, csv.as_bytes()).len(), foreign.len());
    assert!(
        D.writer(&WriteOptions { format: Some("v3".to_owned()), ..WriteOptions::default() })
            .is_err()
    );
}

#[test]
fn a_table_reports_what_it_has_no_column_for() {
    let text = sample("seqera/v2-records.jsonl");
    let (csv, losses) = write(D, "v2-csv", &events(D, text.as_bytes()));
    assert_eq!(csv, sample("seqera/v2.csv"));
    assert_eq!(losses.iter().collect::<Vec<_>>(), [("/attributes", 1)]);
}

#[test]
fn formulas_are_exact_by_default_and_guarded_by_option() {
    let mapped = row("label_created,=1+1,4021,,71,@acme,9902,+x,,2025-06-29T08:10:00Z");
    let (exact, _) = write(D, "v1-csv", std::slice::from_ref(&mapped));
    assert!(exact.contains("label_created,=1+1,4021,,71,@acme,9902,+x,"), "{exact}");
    let options = WriteOptions {
        format: Some("v1-csv".to_owned()),
        formula_guard: true,
        region_column: true,
    };
    let (guarded, _) = write_with(D, &options, &[mapped]);
    assert!(guarded.contains("label_created,'=1+1,4021,,71,'@acme,9902,'+x,"), "{guarded}");
    assert!(guarded.starts_with(&format!("{HEADER},Region\n")), "{guarded}");
}

#[test]
fn what_is_no_record_is_rejected_with_its_line() {
    let text = format!(
        "{HEADER}\nuser_created,1,1,,,,,,,2025-06-29T08:10:00Z\n,1,1,,,,,,,2025-06-29T08:10:00Z\n\
         user_created,1,1,,,,,,,29 June\nuser_created\nuser_deleted,1,1,,,,,,,2025-06-29T08:10:00Z\n"
    );
    assert_eq!(
        outline(&rows(D, text.as_bytes())),
        ["user_created", "3!missing", "4!time", "5!shape", "user_deleted"]
    );
    let lines = "{\"id\":\"1\",\"timestamp\":\"2026-06-02T08:07:00Z\",\"event\":\"a\"}\n\
                 {\"id\":\"1\",\"timestamp\":\"2026-06-02T08:07:00Z\"}\n{\"x\":1}\n{\"timestamp\":\n\
                 {\"timestamp\":\"2026-06-02T08:07:00Z\",\"event\":\"a\"}\n";
    assert_eq!(
        outline(&rows(D, lines.as_bytes())),
        ["a", "2!missing", "3!missing", "4!syntax", "5!missing"]
    );
    let rows = rows(D, b"a,b\n1,2\n");
    assert_eq!(rows[0].result.as_ref().unwrap_err().fault, Fault::Shape);
}

proptest! {
    #[test]
    fn any_row_comes_back_exactly(
        action in "(participant|member|team_member|workflow|user)_(added|completed|sign_in|x)",
        cells in proptest::collection::vec("[a-c1\" ,=-]{0,6}|system|SUCCEEDED|oidc|71", 8),
        dashed in any::<bool>(),
    ) {
        let date = if dashed { "2024-02-11-09-30-05" } else { "2025-06-28T22:07:40Z" };
        let quoted: Vec<String> =
            cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        let mapped = row(&format!("{action},{},{date}", quoted.join(",")));
        let (csv, _) = write(D, "v1-csv", std::slice::from_ref(&mapped));
        let again: Vec<String> = csv::Reader::from_reader(csv.as_bytes())
            .records().next().unwrap().unwrap().iter().map(ToOwned::to_owned).collect();
        prop_assert_eq!(&again[1..9], &cells[..]);
        prop_assert_eq!(&again[9], date);
        prop_assert_eq!(event(D, csv.as_bytes()), mapped);
    }
}

const NAMES: &[&str] = &[
    "type",
    "userId",
    "userName",
    "isRoot",
    "ip",
    "accessTokenId",
    "target",
    "state",
    "previousState",
    "newState",
    "auditImageType",
    "metadata",
    "organization",
    "id",
    "name",
    "context",
    "other",
];

proptest! {
    #[test]
    fn any_record_comes_back_exactly(
        actor in support::json_values(NAMES),
        client in support::json_values(NAMES),
        target in support::json_values(NAMES),
        state in support::json_values(NAMES),
        correlation in support::json_values(NAMES),
    ) {
        let mut record = serde_json::json!({
            "id": "1", "timestamp": "2026-06-02T08:07:00Z", "event": "workflow_completed",
            "actor": actor, "client": client, "target": target, "correlationId": correlation,
        });
        if let Some(target) = record["target"].as_object_mut() {
            target.insert("state".to_owned(), state);
        }
        let mapped = event(D, record.to_string().as_bytes());
        prop_assert!(mapped.event.redacted.is_empty());
        let (lines, _) = write(D, "v2-jsonl", &[mapped]);
        prop_assert_eq!(&records(&lines)[0], &record);
    }
}

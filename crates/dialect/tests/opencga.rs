//! OpenCGA's records, the real ones first.

mod support;

use dialect::{Dialect, Fault, Kind, Losses, ReadOptions, opencga::OpenCga};
use event::{Event, Status};
use support::{REAL, bytes, export, import, import_with, round_trip};

#[test]
fn all_real_records_import_and_twice_they_have_the_same_ids() {
    let mut count = 0;
    for name in REAL {
        let bytes = bytes("opencga", name);
        let first = support::events(&OpenCga, &bytes);
        let ids: Vec<_> = first.iter().map(|mapped| mapped.event.id.clone().unwrap()).collect();
        let again: Vec<_> = support::events(&OpenCga, &bytes)
            .into_iter()
            .map(|mapped| mapped.event.id.unwrap())
            .collect();
        assert_eq!(ids, again);
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        count += ids.len();
    }
    assert_eq!(count, 174);
}

#[test]
fn no_token_of_a_real_record_survives_anywhere() {
    let mut redacted = 0;
    for name in REAL {
        let bytes = bytes("opencga", name);
        for mapped in support::events(&OpenCga, &bytes) {
            let text = format!("{:?} {:?}", mapped.event, mapped.native);
            assert!(!text.contains("eyJ"), "{text}");
            assert!(!text.contains("secretKey"), "{text}");
            redacted += usize::from(!mapped.event.redacted.is_empty());
            for format in OpenCga.formats() {
                let (out, _) = export(&OpenCga, format.name, std::slice::from_ref(&mapped));
                assert!(!String::from_utf8_lossy(&out).contains("eyJ"));
            }
        }
    }
    assert!(redacted > 100, "{redacted}");
}

#[test]
fn real_records_need_no_native_beside_the_event() {
    for name in REAL {
        for mapped in support::events(&OpenCga, &bytes("opencga", name)) {
            assert_eq!(mapped.native, None, "{:?}", mapped.event);
        }
    }
}

#[test]
fn real_records_come_back_equal_but_for_what_was_redacted() {
    for name in REAL {
        let bytes = bytes("opencga", name);
        let original: Vec<String> = String::from_utf8(bytes.clone())
            .unwrap()
            .lines()
            .map(|line| support::plain(line, &["token", "sid"]))
            .collect();
        for format in ["mongo", "extended-json"] {
            let mapped = support::events(&OpenCga, &bytes);
            let (out, losses) = export(&OpenCga, format, &mapped);
            let back: Vec<String> = String::from_utf8(out)
                .unwrap()
                .lines()
                .map(|line| support::plain(line, &["token", "sid"]))
                .collect();
            assert_eq!(back, original, "{name} as {format}");
            assert_eq!(losses.iter().map(|(at, _)| at).collect::<Vec<_>>(), ["/redacted"]);
        }
    }
}

#[test]
fn every_arrangement_gives_the_same_events() {
    let bytes = bytes("opencga", "v3.1.0_test.json");
    let mapped = support::events(&OpenCga, &bytes);
    let events: Vec<_> = mapped.iter().map(|mapped| mapped.event.clone()).collect();
    let (mongo, _) = export(&OpenCga, "mongo", &mapped);
    let (extended, _) = export(&OpenCga, "extended-json", &mapped);
    let lines = String::from_utf8(extended.clone()).unwrap();
    let array = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    let joined = lines.replace('\n', "");
    let marked = [b"\xEF\xBB\xBF".as_slice(), &mongo].concat();
    let pretty: String =
        lines.lines().map(|line| support::pretty(line).replace('\n', "\r\n") + "\n").collect();
    for bytes in [
        mongo.clone(),
        extended,
        array.into_bytes(),
        joined.into_bytes(),
        marked,
        pretty.into_bytes(),
        support::gzip(&mongo),
    ] {
        let seen: Vec<_> = support::events(&OpenCga, &bytes)
            .into_iter()
            .map(|mapped| without_redacted(mapped.event))
            .collect();
        let expected: Vec<_> = events.iter().cloned().map(without_redacted).collect();
        assert_eq!(seen, expected);
    }
}

fn without_redacted(event: Event<'static>) -> Event<'static> {
    Event { redacted: Vec::new(), ..event }
}

#[test]
fn the_rest_service_s_pages_are_read_and_written() {
    for name in REAL {
        let mapped = support::events(&OpenCga, &bytes("opencga", name));
        let (page, _) = export(&OpenCga, "rest", &mapped);
        let again = support::events(&OpenCga, &page);
        assert_eq!(again.len(), mapped.len());
        assert_eq!(export(&OpenCga, "rest", &again).0, page);
        assert!(again.iter().all(|mapped| mapped.native.is_none()));
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        let response = &page["responses"][0];
        assert_eq!(response["numResults"], mapped.len());
        assert_eq!(response["results"].as_array().unwrap().len(), mapped.len());
        assert!(response["results"][0].get("_id").is_none());
    }
}

#[test]
fn a_record_maps_to_the_fields_of_an_event() {
    let mapped = &import(&OpenCga, REST)[1].clone().unwrap();
    let event = &mapped.event;
    assert_eq!(event.id.as_deref(), Some("9a6b2a10-0199-0000-0001-1a2b3c4d5e6f"));
    assert_eq!(event.occurred_at.as_str(), "2025-09-30T11:38:58.448Z");
    assert_eq!(event.source.system, "opencga");
    assert_eq!(event.source.format.as_deref(), Some("audit-record"));
    assert_eq!(event.source.version.as_deref(), Some("5.0.0"));
    assert_eq!(event.actor.as_ref().unwrap().kind, "user");
    assert_eq!(event.action, "UPDATE_ACLS");
    let target = event.target.as_ref().unwrap();
    assert_eq!(target.kind, "FILE");
    assert_eq!(target.id.as_deref(), Some("data:wes:NA12878.bam"));
    let scope = event.scope.as_ref().unwrap();
    assert_eq!(scope.study.as_ref().unwrap().id.as_deref(), Some("phase1"));
    assert_eq!(scope.project.as_ref().unwrap().id.as_deref(), Some("rd"));
    assert_eq!(event.outcome.as_ref().unwrap().status, Status::Success);
    assert_eq!(mapped.native, None);
    let failed = &import(&OpenCga, REST)[0].clone().unwrap().event;
    let outcome = failed.outcome.as_ref().unwrap();
    assert_eq!(outcome.status, Status::Failure);
    assert_eq!(outcome.message.as_deref(), Some("Incorrect user or password."));
    round_trip(&OpenCga, "extended-json", REST);
}

/// The composed records of OpenCGA's REST form.
const REST: &[u8] = include_bytes!("data/opencga/composed.jsonl");

#[test]
fn case_06_epoch_milliseconds_become_utc_and_come_back() {
    let mapped = import(&OpenCga, REST)[0].clone().unwrap();
    assert_eq!(mapped.event.occurred_at.as_str(), "2025-09-30T11:38:55.680Z");
    let (out, _) = export(&OpenCga, "mongo", &[mapped]);
    assert!(String::from_utf8(out).unwrap().contains("\"date\":NumberLong(\"1759232335680\")"));
}

#[test]
fn case_07_sub_operations_stay_events_of_one_operation() {
    let events: Vec<_> = import(&OpenCga, REST).into_iter().map(|m| m.unwrap().event).collect();
    assert_eq!(events[1].operation, events[2].operation);
    assert_eq!(events[1].params, events[2].params);
    assert_ne!(events[1].id, events[2].id);
}

#[test]
fn case_08_a_study_is_lifted_from_the_query_and_marked_as_derived() {
    let mapped = import(&OpenCga, REST)[3].clone().unwrap();
    let scope = mapped.event.scope.as_ref().unwrap();
    assert_eq!(scope.study.as_ref().unwrap().id.as_deref(), Some("phase1"));
    assert_eq!(scope.project.as_ref().unwrap().id.as_deref(), Some("rd"));
    assert_eq!(scope.organization.as_ref().unwrap().id.as_deref(), Some("acme"));
    let attributes = mapped.event.attributes.as_ref().unwrap().as_str();
    assert!(attributes.ends_with(
        r#""derived":["/scope/study/id","/scope/project/id","/scope/organization/id"]}"#
    ));
    let (out, losses) = export(&OpenCga, "extended-json", &[mapped]);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(r#""studyId":"","studyUuid":"""#), "{out}");
    assert!(!out.contains("derived"));
    assert!(losses.is_empty(), "{losses:?}");
    let login = import(&OpenCga, REST)[0].clone().unwrap();
    assert_eq!(login.event.scope, None);
}

#[test]
fn case_09_a_deletion_that_is_recorded_as_update_is_not_guessed_at() {
    let mapped = import(&OpenCga, REST)[4].clone().unwrap();
    assert_eq!(mapped.event.action, "UPDATE");
    let catalogue = OpenCga.catalogue();
    assert_eq!(catalogue.meaning("UPDATE").kind(), Some(Kind::Update));
    assert!(catalogue.verb("UPDATE").unwrap().note.contains("deletions"));
}

#[test]
fn case_10_tokens_are_redacted_wherever_they_are() {
    let text = r#"{"id":"1","operationId":"2","userId":"u","apiVersion":"5","action":"INFO","resource":"FILE",
        "resourceId":"","resourceUuid":"","studyId":"","studyUuid":"","params":{"token":"opaque","n":1,
        "nested":[{"refreshToken":"r"},"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.x"]},"status":{"name":"ERROR",
        "error":{"code":0,"name":"","description":"bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.x"}},
        "date":1759232335680,"attributes":{"query":{"sid":"s"}}}"#;
    let options = ReadOptions { redact: vec!["/params/n".to_owned()], ..ReadOptions::default() };
    let mapped = import_with(&OpenCga, text.as_bytes(), &options)[0].clone().unwrap();
    assert_eq!(
        mapped.event.redacted,
        [
            "/params/token",
            "/params/nested/0/refreshToken",
            "/params/nested/1",
            "/outcome/message",
            "/attributes/query/sid",
            "/params/n"
        ]
    );
    let all = format!("{mapped:?}");
    for secret in ["opaque", "\"r\"", "eyJ", "\"s\""] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert_eq!(mapped.event.params.unwrap().as_str(), r#"{"nested":[{},null]}"#);
}

#[test]
fn an_anonymous_user_and_none_at_all_come_back() {
    for user in ["\"*\"", "null", "\"u\""] {
        let text = String::from_utf8(REST.to_vec()).unwrap();
        let line =
            text.lines().next().unwrap().replace("\"asmith\",\"apiV", &format!("{user},\"apiV"));
        let mapped = import(&OpenCga, line.as_bytes())[0].clone().unwrap();
        assert_eq!(mapped.native, None, "{user}");
        let kind = mapped.event.actor.map(|actor| actor.kind.into_owned());
        assert_eq!(
            kind.as_deref(),
            match user {
                "\"*\"" => Some("anonymous"),
                "null" => None,
                _ => Some("user"),
            }
        );
        round_trip(&OpenCga, "extended-json", line.as_bytes());
    }
}

#[test]
fn what_an_event_cannot_give_back_is_kept_beside_it() {
    let text = String::from_utf8(REST.to_vec()).unwrap();
    let line = text.lines().next().unwrap();
    for (from, to) in [
        ("\"params\":{}", "\"params\":null"),
        ("\"params\":{}", "\"params\":{},\"novel\":[1.50]"),
        ("\"attributes\":{}", "\"attributes\":{\"derived\":[\"/scope/study/id\"]}"),
        ("\"attributes\":{}", "\"attributes\":{\"_id\":7}"),
        ("\"attributes\":{}", "\"attributes\":null"),
        ("\"code\":0", "\"code\":\"E1\""),
        ("\"name\":\"ERROR\"", "\"name\":\"\""),
        ("\"resourceId\":\"asmith\",", ""),
        ("\"resource\":\"USER\"", "\"resource\":null"),
        ("1759232335680", "{\"$date\":\"2025-09-30T11:38:55.680Z\"}"),
        ("\"userId\":\"asmith\"", "\"userId\":\"\""),
        ("\"studyId\":\"\"", "\"studyId\":\"a\\u0001b\""),
    ] {
        let changed = line.replace(from, to);
        assert_ne!(changed, line, "{from}");
        let mapped = import(&OpenCga, changed.as_bytes())[0].clone().unwrap();
        assert!(mapped.native.is_some(), "{to}: {:?}", mapped.event);
        round_trip(&OpenCga, "extended-json", changed.as_bytes());
    }
}

#[test]
fn what_is_no_record_is_rejected_with_its_line_and_reading_goes_on() {
    let text = String::from_utf8(REST.to_vec()).unwrap();
    let good = text.lines().next().unwrap();
    for (bad, fault) in [
        ("{\"a\":".to_owned(), Fault::Syntax),
        ("nonsense".to_owned(), Fault::Syntax),
        ("{}".to_owned(), Fault::Missing),
        (good.replace("\"action\":\"LOGIN\"", "\"action\":\"\""), Fault::Missing),
        (good.replace("\"id\":\"9a6b1f40-0199-0000-0001-7f0a11c2d3e4\",", ""), Fault::Missing),
        (good.replace("1759232335680", "-1"), Fault::Time),
        (good.replace("1759232335680", "99999999999999"), Fault::Time),
        (good.replace("1759232335680", "\"yesterday\""), Fault::Time),
        (good.replace("\"params\":{}", "\"params\":{\"a\":1,\"a\":2}"), Fault::Syntax),
        (
            good.replace(
                "\"params\":{}",
                &format!("\"params\":{}1{}", "[".repeat(99), "]".repeat(99)),
            ),
            Fault::Depth,
        ),
    ] {
        let rows = import(&OpenCga, format!("{good}\n{bad}\n{good}\n{good}\n").as_bytes());
        let rejected: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
        assert_eq!(rejected.len(), 1, "{bad}");
        assert_eq!((rejected[0].fault, rejected[0].line), (fault, 2), "{bad}");
        assert_eq!(rows.len(), 4, "{bad}");
    }
}

#[test]
fn the_trail_of_a_clinical_analysis_is_imported_too() {
    let bytes = bytes("opencga", "clinical.json");
    let rows = support::events(&OpenCga, &bytes);
    assert_eq!(rows.len(), 4);
    let event = &rows[0].event;
    assert_eq!(event.action, "CREATE_CLINICAL_ANALYSIS");
    assert_eq!(event.occurred_at.as_str(), "2025-09-30T11:38:55Z");
    assert_eq!(event.source.format.as_deref(), Some("clinical-audit"));
    assert_eq!(event.target.as_ref().unwrap().id.as_deref(), Some("case-17"));
    let ids: Vec<_> = rows.iter().map(|row| row.event.id.clone().unwrap()).collect();
    assert!(
        ids[1].ends_with(":0") && ids[2].ends_with(":1"),
        "equal entries both survive: {ids:?}"
    );
    let (out, losses) = export(&OpenCga, "clinical", &rows);
    let again = support::events(&OpenCga, &out);
    assert_eq!(again.len(), 4);
    assert_eq!(export(&OpenCga, "clinical", &again).0, out);
    assert!(losses.is_empty(), "{losses:?}");
    let message = "/attributes/message".to_owned();
    let options = ReadOptions { redact: vec![message.clone()], ..ReadOptions::default() };
    let without = import_with(&OpenCga, &bytes, &options)[0].clone().unwrap();
    assert_eq!(without.event.id, rows[0].event.id);
    assert_eq!(without.event.redacted, [message]);
    assert!(!format!("{without:?}").contains("Create ClinicalAnalysis"));
}

#[test]
fn an_event_of_another_system_is_written_and_its_losses_counted() {
    let text = r#"{"occurred_at":"2026-01-01T00:00:00.000001Z","source":{"system":"lab","region":"eu"},
        "actor":{"type":"service","name":"robot"},"client":{"ip":"10.0.0.1"},"action":"weigh",
        "target":{"type":"sample","id":"S-17","name":"blood"},"outcome":{"status":"denied","code":"E7"},
        "params":[1],"reason":{"text":"because"}}"#;
    let event = Event::parse(text).unwrap();
    let recorded =
        dialect::Recorded { index: 5, recorded_at_micros: 0, event: &event, native: None };
    let mut losses = Losses::default();
    let mut writer = OpenCga.writer(&dialect::WriteOptions::default()).unwrap();
    let mut out = Vec::new();
    writer.begin(&mut out).unwrap();
    writer.write(&recorded, &mut out, &mut losses).unwrap();
    writer.end(&mut out).unwrap();
    let page: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let record = &page["responses"][0]["results"][0];
    assert_eq!(record["id"], "5");
    assert_eq!(record["userId"], "robot");
    assert_eq!(record["status"]["name"], "ERROR");
    assert_eq!(record["params"]["value"][0], 1);
    assert_eq!(
        losses.iter().map(|(at, _)| at).collect::<Vec<_>>(),
        [
            "/actor/type",
            "/client/ip",
            "/occurred_at",
            "/outcome/code",
            "/outcome/status",
            "/reason/text",
            "/source/region",
            "/source/system",
            "/target/name"
        ]
    );
}

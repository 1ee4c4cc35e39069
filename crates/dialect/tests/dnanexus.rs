//! DNAnexus's audit trail file.

mod support;

use dialect::{
    Dialect, Fault, Kind, Losses, ReadOptions, Recorded, WriteOptions, dnanexus::DnaNexus,
};
use event::{Event, Status};
use support::{bytes, events, export, gzip, import, import_with};

const ROW: &str = "2025-09-03T07:58:11Z,203.0.113.24,dxpy,user-asmith,file-close,file-1,a.gz,project-1,Cohort,Yes,{},ci,9xQz";

fn audit() -> Vec<u8> {
    bytes("dnanexus", "audit.csv")
}

#[test]
fn a_row_maps_to_the_fields_of_an_event() {
    let rows = events(&DnaNexus, &audit());
    assert_eq!(rows.len(), 5);
    let event = &rows[2].event;
    assert_eq!(event.occurred_at.as_str(), "2025-09-03T08:03:02Z");
    assert_eq!(event.source.system, "dnanexus");
    assert_eq!(event.source.format.as_deref(), Some("audit-csv"));
    assert_eq!(event.action, "project-invite");
    assert_eq!(event.actor.as_ref().unwrap().id.as_deref(), Some("user-bjones"));
    assert_eq!(event.client.as_ref().unwrap().ip.as_deref(), Some("198.51.100.7"));
    let target = event.target.as_ref().unwrap();
    assert_eq!((&*target.kind, target.name.as_deref()), ("project", Some("WES Cohort 7")));
    assert_eq!(event.outcome.as_ref().unwrap().status, Status::Failure);
    assert_eq!(
        event.params.as_ref().unwrap().as_str(),
        r#"{"invitee":"user-cdoe","level":"CONTRIBUTE","suppressEmailNotification":true}"#
    );
    let outside = &rows[4].event;
    assert_eq!(outside.scope, None);
    assert_eq!(outside.target.as_ref().unwrap().kind, "globalworkflow");
    assert!(rows.iter().all(|row| row.native.is_none()));
}

#[test]
fn the_file_comes_back_to_the_byte() {
    let rows = events(&DnaNexus, &audit());
    let (out, losses) = export(&DnaNexus, "csv", &rows);
    assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(audit()).unwrap());
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn every_form_of_the_file_gives_the_same_events() {
    let text = String::from_utf8(audit()).unwrap();
    let (header, body) = text.split_once('\n').unwrap();
    let expected = events(&DnaNexus, text.as_bytes());
    let marked = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
    let escaped = body.replace("\\\"\"", "\\\\\\\"").replace("\"\"", "\\\"");
    assert_ne!(escaped, body);
    let quoted: String = export(&DnaNexus, "csv", &expected).0.iter().map(|b| *b as char).collect();
    for bytes in [
        body.as_bytes().to_vec(),
        text.replace('\n', "\r\n").into_bytes(),
        marked,
        gzip(text.as_bytes()),
        format!("{}\n{body}", header.replace("IP Address", "ip_address").to_uppercase())
            .into_bytes(),
        format!("{header}\n{escaped}").into_bytes(),
        format!("\n\n{text}\n").into_bytes(),
        quoted.into_bytes(),
    ] {
        assert_eq!(events(&DnaNexus, &bytes), expected, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let shuffled = "Auth Token,Label,Info,Success Status,Project Name,Project ID,Object Name,Object ID,Action,Acting User ID,User Agent,IP Address,Timestamp\n\
        9xQz,ci,{},Yes,Cohort,project-1,a.gz,file-1,file-close,user-asmith,dxpy,203.0.113.24,2025-09-03T07:58:11Z\n";
    assert_eq!(events(&DnaNexus, shuffled.as_bytes()), events(&DnaNexus, ROW.as_bytes()));
    let missing = "Timestamp,Action,Object ID\n2025-09-03T07:58:11Z,file-close,file-1\n";
    let rejection = import(&DnaNexus, missing.as_bytes())[0].clone().unwrap_err();
    assert_eq!(rejection.fault, Fault::Shape);
    assert!(rejection.message.contains("IP Address"), "{rejection}");
}

#[test]
fn what_an_event_cannot_give_back_is_kept_beside_it() {
    for (from, to) in [
        (",{},", ",not json,"),
        (",{},", ",\"{\"\"a\"\":1,\"\"a\"\":2}\","),
        (",{},", ",\"{\"\"a\"\" :1}\","),
        (",Yes,", ",yes,"),
        (",9xQz", ",9x\tQz"),
        ("user-asmith", "\u{7f}"),
    ] {
        let row = ROW.replace(from, to);
        assert_ne!(row, ROW);
        let mapped = events(&DnaNexus, row.as_bytes());
        assert!(mapped[0].native.is_some(), "{row}");
        let (out, _) = export(&DnaNexus, "csv-no-header", &mapped);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{row}\n"));
    }
    for (from, to) in [
        (",{},", ",,"),
        (",{},", ",\"{\"\"a\"\": [1, \"\"x, y: z\"\"]}\","),
        (",Yes,", ",,"),
        (",Yes,", ",Maybe,"),
        ("user-asmith", ""),
        ("file-1,a.gz", ",a.gz"),
        ("user-asmith", "=cmd|' /C calc'!A0"),
    ] {
        let row = ROW.replace(from, to);
        let mapped = events(&DnaNexus, row.as_bytes());
        assert_eq!(mapped[0].native, None, "{row}");
        let (out, _) = export(&DnaNexus, "csv-no-header", &mapped);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{row}\n"));
    }
}

#[test]
fn formula_cells_are_data_and_guarded_only_on_demand() {
    let row = ROW.replace("a.gz", "=1+1");
    let mapped = events(&DnaNexus, row.as_bytes());
    assert_eq!(mapped[0].event.target.as_ref().unwrap().name.as_deref(), Some("=1+1"));
    let write = |formula_guard| {
        let options = WriteOptions { formula_guard, ..WriteOptions::default() };
        let mut out = Vec::new();
        let recorded =
            Recorded { index: 0, recorded_at_micros: 0, event: &mapped[0].event, native: None };
        let mut writer = DnaNexus.writer(&options).unwrap();
        writer.write(&recorded, &mut out, &mut Losses::default()).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(write(false).contains(",=1+1,"));
    assert!(write(true).contains(",'=1+1,"));
}

#[test]
fn case_06_the_time_is_kept_as_it_was_written() {
    for time in ["2018-03-14T00:00:00Z", "2018-03-14T00:00:00.25Z", "2018-03-14T02:00:00+02:00"] {
        let row = ROW.replace("2025-09-03T07:58:11Z", time);
        assert_eq!(events(&DnaNexus, row.as_bytes())[0].event.occurred_at.as_str(), time);
    }
}

#[test]
fn case_10_tokens_in_info_are_redacted_before_anything_is_hashed() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.x";
    let info = format!(
        r#""{{""headers"":{{""Authorization"":""Bearer abc""}},""u"":""x{jwt}"",""n"":1}}""#
    );
    let row = ROW.replace("{}", &info).replace("dxpy", jwt);
    let options = ReadOptions { redact: vec!["/params/n".to_owned()], ..ReadOptions::default() };
    let with_more = import_with(&DnaNexus, row.as_bytes(), &options)[0].clone().unwrap();
    let mapped = events(&DnaNexus, row.as_bytes()).remove(0);
    assert_eq!(
        mapped.event.redacted,
        ["/params/headers/Authorization", "/params/u", "/client/user_agent"]
    );
    assert_eq!(with_more.event.redacted[3], "/params/n");
    assert_eq!(with_more.event.params.as_ref().unwrap().as_str(), r#"{"headers":{}}"#);
    assert_eq!(
        with_more.event.id, mapped.event.id,
        "the caller's redaction does not change the id"
    );
    for mapped in [&mapped, &with_more] {
        let all = format!("{mapped:?}");
        assert!(!all.contains("eyJ") && !all.contains("abc"), "{all}");
        assert_eq!(mapped.native, None);
    }
}

#[test]
fn case_13_the_same_file_again_adds_nothing_and_identical_rows_survive() {
    let ids = |text: &str| -> Vec<String> {
        events(&DnaNexus, text.as_bytes())
            .into_iter()
            .map(|m| m.event.id.unwrap().into_owned())
            .collect()
    };
    let other = ROW.replace("project-1", "project-2");
    let file = format!("{ROW}\n{other}\n{ROW}\n");
    let first = ids(&file);
    assert_eq!(ids(&file), first);
    assert!(first[0].starts_with("sha256:") && first[0].ends_with(":0"));
    assert!(first[2].ends_with(":1"), "identical rows both survive");
    assert_eq!(first[0].rsplit_once(':').unwrap().0, first[2].rsplit_once(':').unwrap().0);
    assert_ne!(
        first[0].rsplit_once(':').unwrap().0,
        first[1].rsplit_once(':').unwrap().0,
        "the same file in another project is another thing"
    );
    let quoted = ROW.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
    assert_eq!(ids(&quoted)[0], first[0], "quoting is no part of the record");
    let overlapping = ids(&format!("{other}\n{ROW}\n"));
    assert!(overlapping.iter().all(|id| first.contains(id)));
    assert_eq!(events(&DnaNexus, file.as_bytes())[0].event.source.region, None);
}

#[test]
fn case_13_a_region_is_a_column_on_demand_and_read_back() {
    let options =
        ReadOptions { region: Some("aws:us-east-1".to_owned()), ..ReadOptions::default() };
    let mapped = import_with(&DnaNexus, ROW.as_bytes(), &options)[0].clone().unwrap();
    let options = WriteOptions { region_column: true, ..WriteOptions::default() };
    let mut writer = DnaNexus.writer(&options).unwrap();
    let (mut out, mut losses) = (Vec::new(), Losses::default());
    writer.begin(&mut out).unwrap();
    let recorded = Recorded { index: 0, recorded_at_micros: 0, event: &mapped.event, native: None };
    writer.write(&recorded, &mut out, &mut losses).unwrap();
    assert!(losses.is_empty(), "{losses:?}");
    let text = String::from_utf8(out).unwrap();
    assert!(text.lines().next().unwrap().ends_with("Auth Token,Region"));
    assert_eq!(events(&DnaNexus, text.as_bytes())[0], mapped);
}

#[test]
fn case_14_rows_keep_the_order_of_the_file_and_not_of_their_times() {
    let earlier = ROW.replace("07:58:11", "06:00:00");
    let rows = events(&DnaNexus, format!("{ROW}\n{earlier}\n").as_bytes());
    assert!(rows[0].event.occurred_at.micros() > rows[1].event.occurred_at.micros());
}

#[test]
fn case_15_the_ending_of_a_token_is_a_hint_and_a_whole_one_is_cut() {
    let mapped = &events(&DnaNexus, ROW.as_bytes())[0];
    let credential = mapped.event.actor.as_ref().unwrap().credential.as_ref().unwrap();
    assert_eq!(credential.label.as_deref(), Some("ci"));
    assert_eq!(credential.ending.as_deref(), Some("9xQz"));
    assert_eq!(credential.id, None);
    let row = ROW.replace("9xQz", "s3cr3tTokenOfManyCharacters9xQz");
    let mapped = &events(&DnaNexus, row.as_bytes())[0];
    let credential = mapped.event.actor.as_ref().unwrap().credential.as_ref().unwrap();
    assert_eq!(credential.ending.as_deref(), Some("9xQz"));
    assert_eq!(mapped.event.redacted, ["/actor/credential/ending"]);
    assert!(!format!("{mapped:?}").contains("s3cr3t"));
}

#[test]
fn what_is_no_row_is_rejected_with_its_line_and_reading_goes_on() {
    for (bad, fault) in [
        ("a,b".to_owned(), Fault::Shape),
        (ROW.replace("2025-09-03T07:58:11Z", "yesterday"), Fault::Time),
        (ROW.replace("2025-09-03T07:58:11Z", ""), Fault::Time),
        (ROW.replace("file-close", ""), Fault::Missing),
        (ROW.replace("dxpy", "\"dxpy"), Fault::Syntax),
        (format!("{ROW},extra"), Fault::Shape),
    ] {
        let rows = import(&DnaNexus, format!("{ROW}\n{bad}\n{ROW}\n").as_bytes());
        let rejected: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
        assert_eq!(rejected.len(), 1, "{bad}");
        assert_eq!((rejected[0].fault, rejected[0].line), (fault, 2), "{bad}");
        assert_eq!(rows.len(), 3, "{bad}");
    }
    let mut bytes = format!("{ROW}\n").into_bytes();
    bytes.extend_from_slice(ROW.replace("Cohort", "?").as_bytes());
    let at = bytes.iter().rposition(|b| *b == b'?').unwrap();
    bytes[at] = 0xE9;
    let rows = import(&DnaNexus, &bytes);
    assert_eq!(rows[1].as_ref().unwrap_err().fault, Fault::Encoding);
    let rejection = import(&DnaNexus, b"{\"not\":\"a table\"}")[0].clone().unwrap_err();
    assert_eq!(rejection.fault, Fault::Shape);
    assert!(import(&DnaNexus, b"").is_empty());
}

#[test]
fn an_event_of_another_system_is_written_and_its_losses_counted() {
    let text = r#"{"occurred_at":"2026-01-01T01:00:00.5+01:00","source":{"system":"lab"},
        "actor":{"type":"service","name":"robot"},"action":"weigh","target":{"type":"sample","id":"S-17"},
        "outcome":{"status":"denied"},"params":{"g":1.50},"reason":{"text":"because"}}"#;
    let event = Event::parse(text).unwrap();
    let recorded = Recorded { index: 0, recorded_at_micros: 0, event: &event, native: None };
    let (mut out, mut losses) = (Vec::new(), Losses::default());
    let options =
        WriteOptions { format: Some("csv-no-header".to_owned()), ..WriteOptions::default() };
    DnaNexus.writer(&options).unwrap().write(&recorded, &mut out, &mut losses).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "2026-01-01T00:00:00Z,,,robot,weigh,S-17,,,,No,\"{\"\"g\"\":1.50}\",,\n"
    );
    assert_eq!(
        losses.iter().map(|(at, _)| at).collect::<Vec<_>>(),
        [
            "/actor/type",
            "/occurred_at",
            "/outcome/status",
            "/reason/text",
            "/source/system",
            "/target/type"
        ]
    );
}

#[test]
fn the_catalogue_knows_what_the_file_s_actions_do() {
    let kinds: Vec<_> = events(&DnaNexus, &audit())
        .iter()
        .map(|mapped| DnaNexus.catalogue().meaning(&mapped.event.action).kind().unwrap())
        .collect();
    assert_eq!(kinds, [Kind::Read, Kind::Update, Kind::Permission, Kind::Export, Kind::Execute]);
}

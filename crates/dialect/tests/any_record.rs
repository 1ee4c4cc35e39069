//! Any record of `OpenCGA` and DNAnexus comes back as it was, whatever its members hold.

mod support;

use dialect::{dnanexus::DnaNexus, opencga::OpenCga};
use proptest::prelude::*;
use serde_json::Value;
use support::{events, export};

/// Values that a field should hold, and values that it should not.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"*\"".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("7".to_owned()),
        Just("1.50".to_owned()),
        Just("\"a\\u0000b\\n\"".to_owned()),
        Just(
            "{\"_id\":1,\"derived\":[\"/scope/study/id\"],\"query\":{\"study\":\"o@p:s\"}}"
                .to_owned()
        ),
        Just("{\"derived\":[]}".to_owned()),
        Just("{\"study\":\"o@p:s\"}".to_owned()),
        Just("{\"name\":\"SUCCESS\"}".to_owned()),
        Just(
            "{\"name\":\"ERROR\",\"error\":{\"code\":-1,\"name\":\"E\",\"description\":\"x\"}}"
                .to_owned()
        ),
        Just(
            "{\"name\":\"ERROR\",\"error\":{\"code\":0,\"name\":\"\",\"description\":\"\"}}"
                .to_owned()
        ),
        Just("{\"name\":\"UNKNOWN\",\"error\":null}".to_owned()),
        Just("{\"name\":\"PENDING\",\"more\":1}".to_owned()),
        "[a-z .:@/]{1,12}".prop_map(|text| format!("\"{text}\"")),
    ]
}

const FIELDS: [&str; 13] = [
    "_id",
    "operationId",
    "userId",
    "apiVersion",
    "resource",
    "resourceId",
    "resourceUuid",
    "studyId",
    "studyUuid",
    "params",
    "status",
    "attributes",
    "novel",
];

/// A record with the two nulls that one of OpenCGA's forms leaves out.
fn with_nulls(text: &str) -> Value {
    let Ok(Value::Object(mut record)) = serde_json::from_str(text) else { return Value::Null };
    record.entry("userId").or_insert(Value::Null);
    if let Some(Value::Object(status)) = record.get_mut("status") {
        status.entry("error").or_insert(Value::Null);
    }
    Value::Object(record)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_audit_record_comes_back(
        fields in proptest::collection::vec(proptest::option::weighted(0.9, odd()), FIELDS.len()),
        millis in 0..7_000_000_000_000_i64,
    ) {
        let members: String = FIELDS
            .iter()
            .zip(&fields)
            .filter_map(|(name, json)| Some(format!(",\"{name}\":{}", json.as_ref()?)))
            .collect();
        let record = format!("{{\"id\":\"r\",\"action\":\"A\",\"date\":{millis}{members}}}");
        let mapped = events(&OpenCga, record.as_bytes());
        // What is no clinical analysis is one event.
        prop_assert_eq!(mapped.len(), 1);
        let (out, _) = export(&OpenCga, "extended-json", &mapped);
        let back = String::from_utf8(out).unwrap();
        prop_assert!(with_nulls(&record).is_object());
        prop_assert_eq!(with_nulls(&back), with_nulls(&record));
        let (rest, _) = export(&OpenCga, "rest", &mapped);
        prop_assert!(serde_json::from_slice::<Value>(&rest).is_ok());
        let (mongo, _) = export(&OpenCga, "mongo", &mapped);
        let (again, _) = export(&OpenCga, "extended-json", &events(&OpenCga, &mongo));
        prop_assert_eq!(with_nulls(&String::from_utf8(again).unwrap()), with_nulls(&record));
    }

    #[test]
    fn any_row_comes_back(
        cells in proptest::collection::vec(
            prop_oneof![
                Just(String::new()),
                Just("{}".to_owned()),
                Just("{\"a\": 1, \"b\": \"x, y\"}".to_owned()),
                Just("{\"a\" :1}".to_owned()),
                Just("\"text\"".to_owned()),
                Just("null".to_owned()),
                Just("Yes".to_owned()),
                Just("no".to_owned()),
                "[a-z,\"\\\\ =\n\r\t{}:é-]{0,14}",
            ],
            13,
        ),
    ) {
        let mut cells = cells;
        cells[0] = "2025-09-03T07:58:11Z".to_owned();
        cells[4] = "file-close".to_owned();
        // More than the ending of a token is cut, on purpose.
        if cells[12].len() > 16 {
            cells[12].clear();
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&cells).unwrap();
        let file = writer.into_inner().unwrap();
        let (out, _) = export(&DnaNexus, "csv-no-header", &events(&DnaNexus, &file));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*out);
        let back: Vec<String> =
            reader.records().next().unwrap().unwrap().iter().map(ToOwned::to_owned).collect();
        prop_assert_eq!(back, cells);
    }
}

//! What the tests of the dialects share: reading, writing, and goldens.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "each test binary uses a part"
)]

use std::io::Write as _;
use std::path::Path;

use dialect::{Dialect, Losses, Mapped, ReadOptions, Recorded, Rejection, Row, WriteOptions};
use flate2::Compression;
use flate2::write::GzEncoder;

/// The real dumps of OpenCGA.
pub(crate) const REAL: [&str; 4] =
    ["v3.0.0_opencga.json", "v3.0.0_test.json", "v3.1.0_opencga.json", "v3.1.0_test.json"];

/// Every row of an input.
pub(crate) fn rows(dialect: &dyn Dialect, bytes: &[u8]) -> Vec<Row> {
    rows_with(dialect, bytes, &ReadOptions::default())
}

/// Every row of an input. Every event is one that could be recorded, and has an id.
pub(crate) fn rows_with(dialect: &dyn Dialect, bytes: &[u8], options: &ReadOptions) -> Vec<Row> {
    /// More rows than any test has: a reader that does not come to an end must fail, not fill the
    /// memory.
    const ROWS_MAX: usize = 100_000;
    let rows: Vec<Row> =
        match dialect.reader(Box::new(std::io::Cursor::new(bytes.to_vec())), options) {
            Ok(rows) => rows.take(ROWS_MAX).collect(),
            Err(rejection) => vec![rejection.into()],
        };
    for mapped in rows.iter().filter_map(|row| row.result.as_ref().ok()) {
        mapped.event.check().unwrap();
        assert!(mapped.event.id.is_some());
        if let Some(native) = &mapped.native {
            event::Json::parse(native.as_str()).unwrap();
        }
    }
    rows
}

/// What became of each row of an input.
pub(crate) fn import(dialect: &dyn Dialect, bytes: &[u8]) -> Vec<Result<Mapped, Rejection>> {
    import_with(dialect, bytes, &ReadOptions::default())
}

pub(crate) fn import_with(
    dialect: &dyn Dialect,
    bytes: &[u8],
    options: &ReadOptions,
) -> Vec<Result<Mapped, Rejection>> {
    rows_with(dialect, bytes, options).into_iter().map(|row| row.result).collect()
}

/// Every event of an input that has nothing but events.
pub(crate) fn events(dialect: &dyn Dialect, bytes: &[u8]) -> Vec<Mapped> {
    rows(dialect, bytes).into_iter().map(|row| row.result.unwrap()).collect()
}

/// The only event of an input.
pub(crate) fn event(dialect: &dyn Dialect, bytes: &[u8]) -> Mapped {
    let mut events = events(dialect, bytes);
    assert_eq!(events.len(), 1);
    events.pop().unwrap()
}

/// Every rejection as `line!code`, every event as its action.
pub(crate) fn outline(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| match &row.result {
            Ok(mapped) => mapped.event.action.to_string(),
            Err(rejection) => format!("{}!{}", rejection.line, rejection.fault.code()),
        })
        .collect()
}

/// The events in that format, and what it could not say.
pub(crate) fn write(dialect: &dyn Dialect, format: &str, events: &[Mapped]) -> (String, Losses) {
    let options = WriteOptions { format: Some(format.to_owned()), ..WriteOptions::default() };
    write_with(dialect, &options, events)
}

/// The same as bytes.
pub(crate) fn export(dialect: &dyn Dialect, format: &str, events: &[Mapped]) -> (Vec<u8>, Losses) {
    let (text, losses) = write(dialect, format, events);
    (text.into_bytes(), losses)
}

pub(crate) fn write_with(
    dialect: &dyn Dialect,
    options: &WriteOptions,
    events: &[Mapped],
) -> (String, Losses) {
    let mut writer = dialect.writer(options).unwrap();
    let mut out = Vec::new();
    let mut losses = Losses::default();
    writer.begin(&mut out).unwrap();
    for (index, mapped) in events.iter().enumerate() {
        writer.write(&recorded(index, mapped), &mut out, &mut losses).unwrap();
    }
    writer.end(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), losses)
}

pub(crate) fn recorded(index: usize, mapped: &Mapped) -> Recorded<'_> {
    Recorded {
        index: index as u64,
        recorded_at_micros: 1_700_000_000_000_000,
        event: &mapped.event,
        native: mapped.native.as_ref(),
    }
}

pub(crate) fn lost(losses: &Losses) -> Vec<&'static str> {
    losses.iter().map(|(pointer, _)| pointer).collect()
}

pub(crate) fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes of a sample of a platform.
pub(crate) fn bytes(dialect: &str, name: &str) -> Vec<u8> {
    sample(&format!("{dialect}/{name}")).into_bytes()
}

/// Compares events with the golden beside the sample, one canonical event a line; what is kept
/// beside an event follows it after a tab.
pub(crate) fn check_events(sample_name: &str, events: &[Mapped]) {
    let stem = sample_name.rsplit_once('.').map_or(sample_name, |(stem, _)| stem);
    let ending = sample_name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let golden = format!("{stem}.{ending}.events.jsonl");
    let mut seen = String::new();
    for mapped in events {
        mapped.event.check().unwrap();
        seen.push_str(&mapped.event.to_json());
        if let Some(native) = &mapped.native {
            seen.push('\t');
            seen.push_str(native.as_str());
        }
        seen.push('\n');
    }
    if std::env::var_os("INDELIBLE_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(&golden);
        std::fs::write(path, &seen).unwrap();
    }
    assert_eq!(seen, sample(&golden), "{golden}");
}

/// Checks that each sample becomes the events of its golden and comes back: a table to the byte, JSON
/// record by record.
pub(crate) fn check_samples(
    dialect: &dyn Dialect,
    samples: &[(&str, &str)],
    records: fn(&str) -> Vec<serde_json::Value>,
) {
    for (name, format) in samples {
        let name = format!("{}/{name}", dialect.name());
        let text = sample(&name);
        let events = events(dialect, text.as_bytes());
        check_events(&name, &events);
        assert!(events.iter().all(|mapped| mapped.native.is_none()), "{name}");
        let (written, losses) = write(dialect, format, &events);
        if format.contains("json") {
            assert_eq!(records(&written), records(&text), "{name}");
        } else {
            assert_eq!(written, text, "{name}");
        }
        assert!(losses.is_empty(), "{name}: {:?}", lost(&losses));
    }
}

/// Checks that a sample is the same file with a byte-order mark, other line ends and compressed.
pub(crate) fn check_wrappings(dialect: &dyn Dialect, name: &str) {
    let text = sample(name);
    let plain = rows(dialect, text.as_bytes());
    let marked = format!("\u{FEFF}{text}");
    let crlf = text.replace('\n', "\r\n");
    for bytes in
        [marked.as_bytes(), crlf.as_bytes(), &gzip(text.as_bytes()), &gzip(marked.as_bytes())]
    {
        assert_eq!(rows(dialect, bytes), plain, "{name}");
    }
}

/// The same bytes, compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// JSON values of every kind, with members of these names.
pub(crate) fn json_values(
    names: &'static [&'static str],
) -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..5_000).prop_map(Value::from),
        Just(json!("2026-06-02T08:07:00Z")),
        "[a-z0-9 \n\"]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((proptest::sample::select(names), inner), 0..6).prop_map(
                |members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            ),
        ]
    })
}

/// Asserts that JSON records, one a line, come back as the same values.
pub(crate) fn round_trip(dialect: &dyn Dialect, format: &str, bytes: &[u8]) {
    let (written, _) = write(dialect, format, &events(dialect, bytes));
    let values = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| with_nulls(serde_json::from_str(line).unwrap())).collect()
    };
    assert_eq!(values(&written), values(std::str::from_utf8(bytes).unwrap()));
}

/// A record with the nulls that one form of OpenCGA leaves out.
fn with_nulls(mut record: serde_json::Value) -> serde_json::Value {
    if record["status"].is_object() && record["status"].get("error").is_none() {
        record["status"]["error"] = serde_json::Value::Null;
    }
    record
}

/// A document of MongoDB's shell as plain compact JSON with sorted members, without the types that
/// JSON does not have and without the members named.
pub(crate) fn plain(line: &str, without: &[&str]) -> String {
    let mut text = line.to_owned();
    for name in ["ObjectId", "NumberLong"] {
        while let Some(start) = text.find(&format!("{name}(")) {
            let end = start + text[start..].find(')').unwrap();
            let inner = text[start + name.len() + 1..end].trim().to_owned();
            let value =
                if name == "NumberLong" { inner.trim_matches('"').to_owned() } else { inner };
            text.replace_range(start..=end, &value);
        }
    }
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    strip(&mut value, without);
    value.to_string()
}

fn strip(value: &mut serde_json::Value, without: &[&str]) {
    if let serde_json::Value::Array(items) = value {
        for item in items {
            strip(item, without);
        }
        return;
    }
    let Some(object) = value.as_object_mut() else { return };
    for name in ["$numberInt", "$numberDouble", "$oid"] {
        if let Some(inner) = object.get(name) {
            let text = inner.as_str().unwrap().to_owned();
            *value = if name == "$oid" {
                text.into()
            } else {
                serde_json::Value::Number(text.parse().unwrap())
            };
            return;
        }
    }
    object.retain(|name, value| value.is_null() || !without.contains(&name.as_str()));
    for value in object.values_mut() {
        strip(value, without);
    }
    object.sort_keys();
}

/// The same JSON over many lines.
pub(crate) fn pretty(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

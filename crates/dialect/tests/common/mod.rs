//! What the tests of every dialect need.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of this is a test, which clippy cannot see outside of test functions"
)]

use std::io::Write;

use dialect::{Dialect, Losses, Mapped, ReadOptions, Recorded, Rejection, WriteOptions};
use flate2::Compression;
use flate2::write::GzEncoder;

/// The real dumps of OpenCGA.
pub(crate) const REAL: [&str; 4] =
    ["v3.0.0_opencga.json", "v3.0.0_test.json", "v3.1.0_opencga.json", "v3.1.0_test.json"];

/// The bytes of a sample.
pub(crate) fn sample(dialect: &str, name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    std::fs::read(format!("{folder}/{dialect}/{name}")).unwrap()
}

/// Each row of an input.
pub(crate) fn import(dialect: &dyn Dialect, bytes: &[u8]) -> Vec<Result<Mapped, Rejection>> {
    import_with(dialect, bytes, &ReadOptions::default())
}

/// Each row of an input. Every event is checked and has an id.
pub(crate) fn import_with(
    dialect: &dyn Dialect,
    bytes: &[u8],
    options: &ReadOptions,
) -> Vec<Result<Mapped, Rejection>> {
    let rows = match dialect.reader(Box::new(bytes), options) {
        Ok(rows) => rows,
        Err(rejection) => return vec![Err(rejection)],
    };
    rows.take(100_000)
        .map(|row| {
            if let Ok(mapped) = &row.result {
                mapped.event.check().unwrap();
                assert!(mapped.event.id.is_some());
                if let Some(native) = &mapped.native {
                    event::Json::parse(native.as_str()).unwrap();
                }
            }
            row.result
        })
        .collect()
}

/// Each record of an input in which every row is one.
pub(crate) fn all(dialect: &dyn Dialect, bytes: &[u8]) -> Vec<Mapped> {
    import(dialect, bytes).into_iter().map(|row| row.unwrap()).collect()
}

/// Writes records in a format; gives the bytes and what was lost.
pub(crate) fn export(dialect: &dyn Dialect, format: &str, records: &[Mapped]) -> (Vec<u8>, Losses) {
    let options = WriteOptions { format: Some(format.to_owned()), ..WriteOptions::default() };
    let mut writer = dialect.writer(&options).unwrap();
    let mut out = Vec::new();
    let mut losses = Losses::default();
    writer.begin(&mut out).unwrap();
    for (index, mapped) in (0..).zip(records) {
        let recorded = Recorded {
            index,
            recorded_at_micros: 1_700_000_000_000_000,
            event: &mapped.event,
            native: mapped.native.as_ref(),
        };
        writer.write(&recorded, &mut out, &mut losses).unwrap();
    }
    writer.end(&mut out).unwrap();
    (out, losses)
}

/// Asserts that JSON records, one a line, come back as the same values.
pub(crate) fn round_trip(dialect: &dyn Dialect, format: &str, bytes: &[u8]) {
    let records = all(dialect, bytes);
    let (out, _) = export(dialect, format, &records);
    let values = |bytes: &[u8]| -> Vec<serde_json::Value> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.lines().map(|line| with_nulls(serde_json::from_str(line).unwrap())).collect()
    };
    assert_eq!(values(&out), values(bytes));
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

/// The same bytes, compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

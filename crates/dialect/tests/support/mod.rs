//! What the tests of the dialects share: reading, writing, and goldens.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test binary uses a part"
)]

use std::path::Path;

use dialect::{Dialect, Losses, Mapped, ReadOptions, Recorded, Row, WriteOptions};

/// Every row of an input.
pub(crate) fn rows(dialect: &dyn Dialect, bytes: &[u8]) -> Vec<Row> {
    rows_with(dialect, bytes, &ReadOptions::default())
}

pub(crate) fn rows_with(dialect: &dyn Dialect, bytes: &[u8], options: &ReadOptions) -> Vec<Row> {
    match dialect.reader(Box::new(std::io::Cursor::new(bytes.to_vec())), options) {
        // A reader that does not come to an end must fail, not fill the memory.
        Ok(rows) => rows.take(bytes.len() + 2).collect(),
        Err(rejection) => vec![rejection.into()],
    }
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
        recorded_at_micros: 0,
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

/// A gzip member with one stored block, so that no test needs a compressor.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x1F\x8B\x08\0\0\0\0\0\0\x03".to_vec();
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let chunks: Vec<&[u8]> = bytes.chunks(60_000).collect();
    for (at, chunk) in chunks.iter().enumerate() {
        out.push(u8::from(at + 1 == chunks.len()));
        let size = u16::try_from(chunk.len()).unwrap();
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&(!size).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out.extend_from_slice(&(!crc).to_le_bytes());
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    out
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

//! Whole entries and their hashes, pinned: a change here is a change of the format.
//!
//! The files `golden/*.entry` and the numbers below were computed by a second implementation, written from
//! `docs/format.md`.

use event::{Draft, Event, Json, Received, Rule, Stamp};

use crate::record::{RECORDED_AT, counting, hex, leaf_hash, record, stamp, write};

pub(crate) const MINIMAL: &str = include_str!("../golden/minimal.json");
pub(crate) const MINIMAL_ENTRY: &str = include_str!("../golden/minimal.entry");
pub(crate) const FULL: &str = include_str!("../golden/full.json");
pub(crate) const FULL_ENTRY: &str = include_str!("../golden/full.entry");

/// The stamp of the full event's entry.
pub(crate) fn import_stamp() -> Stamp {
    let received = Received {
        via: "import".into(),
        dialect: Some("lims".into()),
        version: Some("2".into()),
        import: Some("im-1".into()),
    };
    Stamp::new(RECORDED_AT + 750_001, "ana \"QA\"", &received)
}

#[test]
fn a_minimal_event_has_these_bytes() {
    let event = Event::parse(MINIMAL).unwrap();
    let draft = Draft::new(&event, None, &mut counting()).unwrap();
    let entry = write(&stamp(), &draft);
    assert_eq!(entry, MINIMAL_ENTRY);
    assert_eq!(
        leaf_hash(&entry),
        "eb53dd1db4dccb71c099342c132497dbb0fd40d0014c230da1c132f056e12dfe"
    );
    assert_eq!(draft.key(), None);
    assert_eq!(draft.occurred_at_micros(), 1_795_248_300_000_000);
    assert_eq!(draft.openings(), []);
    assert_eq!(draft.event_json(), MINIMAL.trim_end());
}

#[test]
fn an_event_with_every_member_has_these_bytes() {
    let event = Event::parse(FULL).unwrap();
    let native = Json::parse("{ \"raw\" : [1.0, \"\\u0078\"] }").unwrap();
    let draft = Draft::new(&event, Some(&native), &mut counting()).unwrap();
    let entry = write(&import_stamp(), &draft);
    assert_eq!(entry, FULL_ENTRY);
    assert_eq!(
        leaf_hash(&entry),
        "7df8f52f746f55bfd83738fa43cc8b6848a051fb414c7cd69ccae1b32aa03cc7"
    );
    assert_eq!(draft.key().map(|key| hex(&key)).unwrap(), "e800c35a361908eb5a5b4beb472b70ef");
    assert_eq!(draft.occurred_at_micros(), 1_795_248_300_123_456);
    assert_eq!(draft.event_json(), event.to_json());
    assert_eq!(draft.size_bytes() + 2, event.to_json().len() + native.as_str().len());
}

/// An event of the minimal members and these.
fn with(members: &str) -> String {
    format!("{},{members}}}", MINIMAL.trim_end().trim_end_matches('}'))
}

fn check_detached(text: &str, native: Option<&str>, expected: &[(&str, usize, &str)], leaf: &str) {
    let event = Event::parse(text).unwrap();
    let native = native.map(|text| Json::parse(text).unwrap());
    let recorded = record(&event, native.as_ref());
    let entry = event::Entry::parse(&recorded.entry).unwrap();
    let seen: Vec<(&str, u64, String)> = entry
        .detached
        .iter()
        .map(|detached| (detached.at.as_ref(), detached.size, hex(&detached.digest)))
        .collect();
    let expected: Vec<(&str, u64, String)> = expected
        .iter()
        .map(|(at, size, digest)| (*at, u64::try_from(*size).unwrap(), (*digest).to_owned()))
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(leaf_hash(&recorded.entry), leaf);
    assert!(entry.detached.iter().zip(&recorded.openings).all(|(at, opening)| at.admits(opening)));
}

#[test]
fn a_value_of_20_kib_is_detached_with_this_digest() {
    let params = format!("\"{}\"", "p".repeat(20_478));
    check_detached(
        &with(&format!("\"params\":{params}")),
        None,
        &[("/params", 20_480, "f16cdb0e8e3903b81629b592d5822edcebe8cd677a1f96790d8ae6d9eddc29d0")],
        "2aeead58acee0bc796af7cbc76262ed9201442fdfb0faac37a498b7009febf83",
    );
}

#[test]
fn of_many_values_of_10_kib_the_largest_are_detached_until_the_entry_fits() {
    let string = |size: usize| format!("\"{}\"", "m".repeat(size - 2));
    let members = format!(
        r#""outcome":{{"status":"failure","message":{},"detail":{}}},"reason":{{"text":{}}},"params":{},"before":{},"after":{},"attributes":{{"a":{}}}"#,
        string(10_240),
        string(10_241),
        string(10_240),
        string(10_240),
        string(10_240),
        string(10_240),
        string(10_234),
    );
    check_detached(
        &with(&members),
        None,
        &[
            (
                "/outcome/detail",
                10_241,
                "490a4d3d0254548d81ea99b77758d4b5ee03e73048d5fc3f9889ccbf708c6b08",
            ),
            ("/after", 10_240, "55420d88242234bac54d03414f9c83c5b79c5e47181a7bd2fb497e7578d7a146"),
        ],
        "b57cadebe964e2feb0eb8d6753153870ea0540a2c94e9f8a0a4f2c99062ce23a",
    );
}

#[test]
fn a_large_native_record_is_detached_first() {
    let native = format!("[{}1]", "1.0,".repeat(5_000));
    let params = format!("\"{}\"", "p".repeat(20_478));
    check_detached(
        &with(&format!("\"params\":{params}")),
        Some(&native),
        &[
            ("/native", 20_003, "e4707957d5f4c5778caf9e18dcf0bb96a1c2414a79a5953f420bc59fe272cc2c"),
            ("/params", 20_480, "5f2742bca1c7f8c39eef1cebbea9e69261e2c48fc9a0af98ee5ab7ab6db63811"),
        ],
        "f80807a3c25707c8a72f6e4195f28d9a94734b31ded7b91bfbe7bca7fe8cf7d2",
    );
}

#[test]
fn a_native_null_is_no_native_record() {
    let event = Event::parse(MINIMAL).unwrap();
    let native = Json::parse("null").unwrap();
    assert_eq!(record(&event, Some(&native)).entry, MINIMAL_ENTRY);
}

#[test]
fn an_event_of_8_mib_is_taken_and_one_byte_more_is_refused() {
    let spare = event::EVENT_BYTES_MAX - with("\"params\":\"\"").len();
    let largest = with(&format!("\"params\":\"{}\"", "x".repeat(spare)));
    assert_eq!(largest.len(), 8_388_608);
    let event = Event::parse(&largest).unwrap();
    let recorded = record(&event, None);
    assert_eq!(recorded.openings.len(), 1);
    assert_eq!(event::Opening::restore(&recorded.entry, &recorded.openings).len(), 8_388_811);

    let larger = with(&format!("\"params\":\"{}\"", "x".repeat(spare + 1)));
    let fault = Event::parse(&larger).unwrap_err();
    assert_eq!((fault.at.as_str(), fault.rule), ("", Rule::TooLong));
    assert_eq!(fault.message, "an event has at most 8388608 bytes; send less");
}

#[test]
fn what_cannot_be_detached_and_does_not_fit_is_refused() {
    let mut event = Event::parse(MINIMAL).unwrap();
    event.source.host = Some("h".repeat(60_000).into());
    let fault = Draft::new(&event, None, &mut counting()).unwrap_err();
    assert_eq!((fault.at.as_str(), fault.rule), ("", Rule::TooLong));
    assert_eq!(fault.message, "too many long members that have to stay in the log; shorten some");
}

#[test]
fn the_servers_texts_are_cut_where_a_character_ends() {
    let received = Received { via: "é".repeat(150).into(), ..Received::default() };
    let event = Event::parse(MINIMAL).unwrap();
    let draft = Draft::new(&event, None, &mut counting()).unwrap();
    let entry = write(&Stamp::new(RECORDED_AT, &"日".repeat(100), &received), &draft);
    let entry = event::Entry::parse(&entry).unwrap();
    assert_eq!(entry.recorded_by, "日".repeat(66));
    assert_eq!(entry.received.via, "é".repeat(100));
}

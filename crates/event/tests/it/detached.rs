//! Entries fit in a bundle whatever the event, and detached values come back whole.

use std::borrow::Cow;

use event::{Draft, ENTRY_BYTES_MAX, Entry, Event, Json, Opening, Received, Stamp};
use proptest::prelude::*;

use crate::document::members;
use crate::golden::{FULL, MINIMAL};
use crate::record::{RECORDED_AT, counting, stamp, write};

/// The full event with each value full of this character and far too long for an entry, or as long as
/// it may be; those of these positions in the table of members are left as they are.
fn inflated(fill: char, kept: &[usize]) -> String {
    let mut event: serde_json::Value = serde_json::from_str(FULL).unwrap();
    let long = |bytes: usize| fill.to_string().repeat(bytes.min(50_000) / fill.len_utf8());
    for (position, member) in members().iter().enumerate() {
        if kept.contains(&position) {
            continue;
        }
        let value = match member.kind {
            "text" | "prose" if !member.at.contains('*') => long(member.bytes_max).into(),
            "1 to 64 texts" => vec![long(member.bytes_max); 64].into(),
            "1 to 1,024 JSON pointers" => vec!["/".repeat(100); 1_024].into(),
            "1 to 256 objects" => {
                let (short, name) = (long(8), long(200));
                vec![serde_json::json!({"role": short, "type": short, "name": name}); 256].into()
            }
            "any JSON" => vec![long(50_000)].into(),
            "any JSON object" => serde_json::json!({"a": long(50_000)}),
            _ => continue,
        };
        *event.pointer_mut(member.at).unwrap() = value;
    }
    event.to_string()
}

/// The longest that a server's own members become.
fn longest_stamp() -> Stamp {
    let text = Cow::from("\u{1}".repeat(1_000));
    let received = Received {
        via: text.clone(),
        dialect: Some(text.clone()),
        version: Some(text.clone()),
        import: Some(text.clone()),
    };
    Stamp::new(RECORDED_AT, &text, &received)
}

fn check(text: &str, native: Option<&Json<'_>>) -> Result<(), TestCaseError> {
    let event = Event::parse(text).unwrap();
    let draft = Draft::new(&event, native, &mut counting()).unwrap();
    let told = draft.event_json();
    prop_assert_eq!(&Event::parse(&told).unwrap(), &event);
    for stamp in [stamp(), longest_stamp()] {
        let entry = write(&stamp, &draft);
        prop_assert!(entry.len() <= ENTRY_BYTES_MAX, "{} bytes", entry.len());
        let read = Entry::parse(&entry).unwrap();
        prop_assert_eq!(read.detached.len(), draft.openings().len());
        check_absent(&read)?;
        for (detached, opening) in read.detached.iter().zip(draft.openings()) {
            prop_assert!(detached.admits(opening));
        }
        let restored = Opening::restore(&entry, draft.openings());
        let whole = Entry::parse(&restored).unwrap();
        prop_assert_eq!(&whole.event, &event);
        prop_assert_eq!(whole.native.as_ref(), native);
        prop_assert_eq!(&whole.detached, &read.detached);
    }
    Ok(())
}

/// A member that is detached is absent, and a reason that is detached has no text.
fn check_absent(entry: &Entry<'_>) -> Result<(), TestCaseError> {
    let json: serde_json::Value = serde_json::from_str(&entry.event.to_json()).unwrap();
    for detached in &entry.detached {
        match detached.at.as_ref() {
            "/native" => prop_assert_eq!(&entry.native, &None),
            "/reason/text" => prop_assert_eq!(json.pointer("/reason/text"), Some(&"".into())),
            at => prop_assert_eq!(json.pointer(at), None),
        }
    }
    Ok(())
}

#[test]
fn the_largest_event_fits_with_the_longest_server_members() {
    for fill in ['"', '€'] {
        let text = inflated(fill, &[]);
        let native = Json::parse(&text).unwrap();
        check(&text, Some(&native)).unwrap();
    }
}

#[test]
fn everything_that_may_be_detached_is_when_it_has_to_be() {
    let text = inflated('"', &[]);
    let event = Event::parse(&text).unwrap();
    let native = Json::string(&"\\".repeat(40_000));
    let draft = Draft::new(&event, Some(&native), &mut counting()).unwrap();
    let entry = write(&stamp(), &draft);
    let pointers: Vec<&str> = draft.openings().iter().map(|opening| opening.at.as_str()).collect();
    let mut places = pointers.clone();
    places.sort_by_key(|at| order(at));
    assert_eq!(pointers, places, "in the order of the entry");
    assert!(pointers.len() > 15, "{pointers:?}");
    assert!(entry.len() > 50_000, "no more than has to be: {}", entry.len());
}

fn order(at: &str) -> usize {
    members().iter().position(|member| member.at == at).map_or(0, |position| position + 1)
}

#[test]
fn what_fits_is_left_in_place() {
    let event = Event::parse(FULL).unwrap();
    for (size, count) in [(16_384, 0), (16_385, 1)] {
        let mut event = event.clone();
        let params = format!("\"{}\"", "x".repeat(size - 2));
        event.params = Some(Json::parse(&params).unwrap());
        let draft = Draft::new(&event, None, &mut counting()).unwrap();
        assert_eq!(draft.openings().len(), count, "{size}");
    }
}

#[test]
fn an_entry_keeps_53247_bytes_and_of_equals_the_first_by_pointer_goes() {
    for (size, expected) in [(53_247, &[][..]), (53_248, &["/after"])] {
        let mut event = Event::parse(MINIMAL).unwrap();
        let equal = Json::string(&"x".repeat(16_000));
        (event.before, event.after) = (Some(equal.clone()), Some(equal.clone()));
        event.params = Some(equal);
        event.attributes = Some(Json::parse("{\"a\":\"\"}").unwrap());
        let spare = size + 2 - event.to_json().len();
        event.attributes = Some(
            Json::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(spare))).unwrap().into_owned(),
        );
        let draft = Draft::new(&event, None, &mut counting()).unwrap();
        let pointers: Vec<&str> =
            draft.openings().iter().map(|opening| opening.at.as_str()).collect();
        assert_eq!(pointers, expected, "{size}");
    }
}

#[test]
fn an_opening_is_admitted_only_as_it_was() {
    let mut event = Event::parse(FULL).unwrap();
    let params = format!("[\"{}\"]", "x".repeat(20_000));
    event.params = Some(Json::parse(&params).unwrap());
    let draft = Draft::new(&event, None, &mut counting()).unwrap();
    let entry = write(&stamp(), &draft);
    let entry = Entry::parse(&entry).unwrap();
    let [detached] = &entry.detached[..] else { panic!("{:?}", entry.detached) };
    let opening = draft.openings()[0].clone();
    assert!(detached.admits(&opening));
    assert!(!detached.admits(&Opening { at: "/before".into(), ..opening.clone() }));
    assert!(!detached.admits(&Opening { salt: [2; 32], ..opening.clone() }));
    assert!(
        !detached.admits(&Opening { value: params.replace("xx\"]", "xy\"]"), ..opening.clone() })
    );
    assert!(!detached.admits(&Opening { value: format!("{params} "), ..opening.clone() }));
    assert!(!format!("{opening:?}").contains('x'), "neither salt nor value is shown");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_entry_fits_whatever_is_long(
        fill in prop::sample::select(vec!['"', '\\', 'a', '€', '😀']),
        kept in prop::collection::vec(0_usize..78, 0..60),
    ) {
        check(&inflated(fill, &kept), None)?;
    }

    #[test]
    fn any_event_comes_back_from_its_entry_with_a_large_value(
        event in crate::arbitrary::event(),
        size in 16_000_usize..40_000,
    ) {
        let mut event = event;
        let long = "\"\\\n".repeat(size / 3);
        event.after = Some(Json::string(&long));
        check(&event.to_json(), Some(&Json::string(&long)))?;
    }
}

//! What is written is read back.

use std::fmt::Write as _;

use event::{Client, Entry, Event, Json, Scope};
use proptest::prelude::*;

use crate::arbitrary::{event, json_text};
use crate::golden::{FULL, MINIMAL};
use crate::record::record;

/// The same JSON with white space wherever it may stand and each character as an escape.
fn loosen(text: &str) -> String {
    let mut out = String::from("\n");
    let mut inside = false;
    let mut verbatim = 0;
    for c in text.chars() {
        match c {
            _ if verbatim > 0 => {
                verbatim = if c == 'u' { 4 } else { verbatim - 1 };
                out.push(c);
            }
            '"' => {
                inside = !inside;
                out.push(c);
            }
            '\\' if inside => {
                verbatim = 1;
                out.push(c);
            }
            _ if inside => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
            '{' | '[' | ',' | ':' | '}' | ']' => out.extend([' ', c, '\r', '\n', '\t']),
            _ => out.push(c),
        }
    }
    out.push(' ');
    out
}

#[test]
fn the_golden_event_comes_back_from_its_own_text() {
    let event = Event::parse(FULL).unwrap();
    let text = event.to_json();
    assert_eq!(Event::parse(&text).unwrap(), event);
    assert_eq!(Event::parse(&loosen(&text)).unwrap(), event);
    assert_eq!(event.check(), Ok(()));
}

#[test]
fn a_part_without_members_is_left_out() {
    let mut event = Event::parse(MINIMAL).unwrap();
    event.client = Some(Client::default());
    event.scope = Some(Scope { project: Some(event::Place::default()), ..Scope::default() });
    event.actor = Some(event::Actor {
        kind: "user".into(),
        credential: Some(event::Credential::default()),
        ..event::Actor::default()
    });
    assert_eq!(
        event.to_json(),
        r#"{"occurred_at":"2026-11-21T08:05:00Z","source":{"system":"lims"},"actor":{"type":"user"},"action":"approve"}"#
    );
    assert_eq!(event.check(), Ok(()));
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_own_text(event in event()) {
        let text = event.to_json();
        prop_assert_eq!(&Event::parse(&text).unwrap(), &event);
        let loose = loosen(&text);
        prop_assert_eq!(&Event::parse(&loose).unwrap(), &event);
        prop_assert_eq!(Event::parse(&text).unwrap().to_json(), text);
    }

    #[test]
    fn an_entry_gives_its_event_back(event in event(), native in json_text()) {
        let native = Json::parse(&native).unwrap();
        let recorded = record(&event, Some(&native));
        let entry = Entry::parse(&recorded.entry).unwrap();
        prop_assert_eq!(&entry.event, &event);
        prop_assert_eq!(entry.native, Some(native).filter(|json| json.as_str() != "null"));
        prop_assert!(recorded.openings.is_empty());
        prop_assert!(entry.detached.is_empty());
    }

    #[test]
    fn equal_events_have_equal_bytes_and_others_do_not(one in event(), other in event()) {
        prop_assert_eq!(one == other, record(&one, None).entry == record(&other, None).entry);
    }

    #[test]
    fn compact_json_stays_as_it_is_and_loose_json_becomes_it(text in json_text()) {
        let json = Json::parse(&text).unwrap();
        prop_assert_eq!(json.as_str(), &text);
        let loose = loosen(&text);
        let from_loose = Json::parse(&loose).unwrap();
        prop_assert_eq!(from_loose.as_str(), &text);
    }
}

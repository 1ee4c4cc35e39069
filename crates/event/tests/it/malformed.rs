//! Nothing that is sent makes the crate panic, and what is not JSON is named with its place.

use event::json::{Edit, edit};
use event::{Entry, Event, Invalid, Items, Json, Rule, Shape, same};
use proptest::prelude::*;

use crate::golden::{FULL, FULL_ENTRY, MINIMAL};

/// What every fault keeps: a place in the text where it is not JSON, and words.
fn check_fault(text: &str, fault: &Invalid) {
    if let Some(offset) = fault.offset {
        assert!(offset <= text.len(), "{offset} in {text:?}");
        assert!(fault.to_string().ends_with(&format!(" (byte {offset})")));
    }
    let placed = matches!(fault.rule, Rule::Syntax | Rule::Depth | Rule::Duplicate);
    assert!(fault.offset.is_none() || placed, "{fault}");
    assert!(fault.offset.is_some() || fault.rule != Rule::Syntax, "{fault}");
    assert!(!fault.message.is_empty());
    assert!(fault.at.is_empty() || fault.at.starts_with('/'), "{}", fault.at);
}

/// Reads a text in every way there is.
fn check(text: &str) {
    let read = [Event::parse(text).err(), Entry::parse(text).err(), Json::parse(text).err()];
    for fault in read.iter().flatten() {
        check_fault(text, fault);
    }
    for shape in [Shape::Array, Shape::Lines] {
        for fault in Items::new(text, shape).filter_map(Result::err) {
            check_fault(text, &fault);
        }
    }
    let _ = edit(text, &mut |at| match at.len() % 4 {
        0 => Edit::Drop,
        1 => Edit::Replace("7"),
        2 => Edit::Prune,
        _ => Edit::Keep,
    });
    let _ = same(text, FULL);
}

#[test]
fn a_good_event_that_ends_early_anywhere_is_refused_with_its_place() {
    for text in [FULL.trim_end(), MINIMAL.trim_end()] {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let part = &text[..end];
            let fault = Event::parse(part).unwrap_err();
            assert_eq!(fault.rule, Rule::Syntax, "{part}: {fault}");
            check(part);
        }
    }
    for end in (0..FULL_ENTRY.len()).filter(|end| FULL_ENTRY.is_char_boundary(*end)) {
        assert!(Entry::parse(&FULL_ENTRY[..end]).is_err());
        check(&FULL_ENTRY[..end]);
    }
}

const BYTES: [&str; 12] = ["\0", "\u{1f}", "\u{7f}", " ", "\"", "\\", ",", ":", "{", "}", "]", "0"];

#[test]
fn a_byte_more_or_another_one_anywhere_never_makes_it_panic() {
    let text = Event::parse(FULL).unwrap().to_json();
    for (at, old) in text.char_indices() {
        let (before, after) = text.split_at(at);
        let rest = &after[old.len_utf8()..];
        let check = |text: String| {
            if let Err(fault) = Event::parse(&text) {
                check_fault(&text, &fault);
            }
        };
        check(format!("{before}{rest}"));
        for new in BYTES {
            check(format!("{before}{new}{after}"));
            check(format!("{before}{new}{rest}"));
        }
    }
}

#[test]
fn a_byte_of_an_entry_that_is_another_never_makes_it_panic() {
    for (at, old) in FULL_ENTRY.char_indices() {
        for new in BYTES {
            let rest = &FULL_ENTRY[at + old.len_utf8()..];
            if let Err(fault) = Entry::parse(&format!("{}{new}{rest}", &FULL_ENTRY[..at])) {
                check_fault(FULL_ENTRY, &fault);
            }
        }
    }
}

#[test]
fn a_comma_missing_or_doubled_is_refused() {
    let text = Event::parse(FULL).unwrap().to_json();
    let outside = |at: usize| {
        let quotes = text[..at].replace("\\\\", "").replace("\\\"", "").matches('"').count();
        quotes.is_multiple_of(2)
    };
    for (at, _) in text.match_indices(',').filter(|(at, _)| outside(*at)) {
        for bad in [
            format!("{},{}", &text[..at], &text[at..]),
            format!("{} {}", &text[..at], &text[at + 1..]),
        ] {
            assert_eq!(Event::parse(&bad).unwrap_err().rule, Rule::Syntax, "{bad}");
        }
    }
}

#[test]
fn endless_nesting_is_survived() {
    for piece in ["[", "{\"a\":", "{\"a\":[", "[[]", "{"] {
        let deep = piece.repeat(200_000);
        check(&deep);
        check(&format!("[{deep}"));
        let inside = format!("{},\"params\":{deep}", MINIMAL.trim_end().trim_end_matches('}'));
        check(&inside);
    }
}

#[test]
fn an_object_of_very_many_members_costs_linear_time() {
    let members: Vec<String> = (0..200_000).map(|number| format!("\"k{number}\":0")).collect();
    let text = format!(
        "{},\"params\":{{{}}}}}",
        MINIMAL.trim_end().trim_end_matches('}'),
        members.join(",")
    );
    assert!(Event::parse(&text).is_ok());
    let redacted: Vec<String> = (0..1_024).map(|number| format!("\"/params/k{number}\"")).collect();
    let other = text.replacen(
        "\"params\"",
        &format!("\"redacted\":[{}],\"params\"", redacted.join(",")),
        1,
    );
    assert!(!same(&text, &other.replace("\"k199999\":0", "\"k199999\":1")));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        check(&text);
    }

    #[test]
    fn no_text_that_looks_like_json_makes_it_panic(
        text in "([\\[\\]{}:,\"\\\\ 0-9ae.-]|null|true|\"id\":|\"at\":|\"params\":|\"redacted\":){0,40}"
    ) {
        check(&text);
    }

    #[test]
    fn pieces_of_events_in_any_order_never_make_it_panic(
        cuts in prop::collection::vec((0_usize..FULL_ENTRY.len(), 0_usize..60), 1..12)
    ) {
        let pieces: String = cuts
            .into_iter()
            .filter_map(|(start, size)| FULL_ENTRY.get(start..(start + size).min(FULL_ENTRY.len())))
            .collect();
        check(&pieces);
        check(&format!("{{{pieces}}}"));
    }
}

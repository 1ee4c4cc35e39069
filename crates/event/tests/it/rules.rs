//! Every rule, for every member that it can be broken at: the pointer, the code, the words.

use event::{DEPTH_MAX, Event, Rule};

use crate::document::{Member, members, put};
use crate::golden::{FULL, MINIMAL};

/// The full event with four related things, so that the last one's position is told from the first's.
fn full() -> String {
    let thing = r#"{"role":"r","type":"t","id":"i","name":"n"}"#;
    put(FULL, "/related", &format!("[{thing},{thing},{thing},{thing}]"))
}

fn pointer(member: &Member) -> String {
    member.at.replace('*', "3")
}

/// The fault of a text, with its place in the text left out.
fn fault(text: &str) -> (String, &'static str, String) {
    let fault = Event::parse(text).err().unwrap_or_else(|| panic!("{text} is accepted"));
    (fault.at, fault.rule.code(), fault.message)
}

fn check(text: &str, at: &str, rule: &str, message: &str) {
    let seen = fault(text);
    assert_eq!((seen.0.as_str(), seen.1, seen.2.as_str()), (at, rule, message), "{text}");
}

/// Puts a value in the place of a member of the full event.
fn check_value(at: &str, value: &str, rule: &str, message: &str) {
    check(&put(&full(), at, value), at, rule, message);
}

fn accept(at: &str, value: &str) {
    let text = put(&full(), at, value);
    if let Err(fault) = Event::parse(&text) {
        panic!("{fault}: {text}");
    }
}

#[test]
fn the_event_that_the_others_are_made_of_is_good() {
    assert!(Event::parse(&full()).is_ok());
    assert!(Event::parse(MINIMAL).is_ok());
}

#[test]
fn a_value_of_another_type_is_refused_for_every_member() {
    for member in members() {
        let (expected, others): (&str, &[&str]) = match member.kind {
            _ if member.is_text() => ("expected a string", &["1", "-1.5", "true", "[\"x\"]", "{}"]),
            "object" => ("expected an object", &["1", "\"x\"", "false", "[{}]"]),
            "any JSON object" => ("expected an object", &["1", "\"{}\"", "true", "[{}]"]),
            "whole number" => ("expected a whole number from 0", &["\"1\"", "true", "[1]", "{}"]),
            "any JSON" => continue,
            list if list.starts_with("1 to ") => {
                ("expected an array", &["1", "\"x\"", "true", "{}"])
            }
            kind => panic!("no such kind: {kind}"),
        };
        for other in others {
            check_value(&pointer(&member), other, "wrong-type", expected);
        }
    }
}

#[test]
fn a_whole_number_has_nothing_but_digits_and_fits_a_double() {
    let at = "/source/sequence";
    for bad in ["-1", "-0", "1.0", "1e3", "9007199254740992", "123456789012345678901234567890"] {
        check_value(at, bad, "wrong-type", "expected a whole number from 0 to 9007199254740991");
    }
    for good in ["0", "9007199254740991"] {
        accept(at, good);
    }
}

#[test]
fn null_is_refused_for_every_member() {
    for member in members() {
        check_value(&pointer(&member), "null", "empty", "is null; leave the member out");
    }
    for at in ["/actor/roles/1", "/redacted/1", "/related/2"] {
        check_value(at, "null", "empty", "is null; leave the member out");
    }
}

#[test]
fn what_is_empty_is_refused_or_lacks_what_it_needs() {
    let all = members();
    for member in &all {
        let at = pointer(member);
        let value = match member.kind {
            _ if member.is_text() => "\"\"",
            "object" => "{}",
            list if list.starts_with("1 to ") => "[]",
            _ => continue,
        };
        let needed = all.iter().find(|child| {
            child.needed && child.at.rsplit_once('/').is_some_and(|(parent, _)| parent == member.at)
        });
        match needed {
            Some(child) => {
                check(&put(&full(), &at, value), child.at, "required", "is required; add it");
            }
            None => check_value(&at, value, "empty", "is empty; leave the member out"),
        }
    }
    for at in ["/actor/roles/1", "/redacted/0"] {
        check_value(at, "\"\"", "empty", "is empty; leave the member out");
    }
    for at in ["/params", "/before", "/after"] {
        for value in ["\"\"", "{}", "[]", "[null]", "0", "false"] {
            accept(at, value);
        }
    }
    accept("/attributes", "{}");
}

#[test]
fn what_is_needed_is_missed() {
    for member in members().iter().filter(|member| member.needed) {
        let at = pointer(member);
        let (parent, name) = at.rsplit_once('/').unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&full()).unwrap();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        check(&json.to_string(), &at, "required", "is required; add it");
    }
    for member in members().iter().filter(|member| !member.needed && !member.at.contains('*')) {
        let (parent, name) = member.at.rsplit_once('/').unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&full()).unwrap();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        assert!(Event::parse(&json.to_string()).is_ok(), "{} is not needed", member.at);
    }
}

#[test]
fn a_text_may_be_as_long_as_the_document_says_and_no_longer() {
    for member in members() {
        let at = match member.kind {
            "text" | "prose" => pointer(&member),
            "1 to 64 texts" | "1 to 1,024 JSON pointers" => format!("{}/1", member.at),
            _ => continue,
        };
        let prefix = if member.kind.ends_with("pointers") { "/" } else { "" };
        // Bytes are counted, after escapes are undone.
        let fills = [("x", 1), ("\\\"", 1), ("é", 2), ("\\u0041", 1)];
        for (fill, bytes) in fills.into_iter().take(if member.kind == "prose" { 1 } else { 4 }) {
            let text = |size: usize| {
                let fill = fill.repeat((size - prefix.len()) / bytes);
                let odd = "x".repeat((size - prefix.len()) % bytes);
                format!("\"{prefix}{fill}{odd}\"")
            };
            accept(&at, &text(member.bytes_max));
            let message = format!("has more than {} bytes; shorten it", member.bytes_max);
            check_value(&at, &text(member.bytes_max + 1), "too-long", &message);
        }
    }
}

#[test]
fn a_list_may_have_as_many_items_as_the_document_says_and_no_more() {
    for member in members().iter().filter(|member| member.kind.starts_with("1 to ")) {
        let most: usize = member.kind.split(' ').nth(2).unwrap().replace(',', "").parse().unwrap();
        let item = match member.at {
            "/related" => r#"{"role":"r","type":"t"}"#,
            "/redacted" => "\"/a\"",
            _ => "\"a\"",
        };
        let list = |count: usize| format!("[{}]", vec![item; count].join(","));
        accept(member.at, &list(most));
        let message = format!("has more than {most} items; send fewer");
        check_value(member.at, &list(most + 1), "too-long", &message);
    }
}

#[test]
fn control_characters_are_refused_but_for_lines_in_prose() {
    for member in members().iter().filter(|member| member.is_text()) {
        let at = pointer(member);
        let message = "has a control character; remove it";
        for control in ["\\u0000", "\\u0001", "\\b", "\\u001F", "\\u007f", "\u{7f}"] {
            check_value(&at, &format!("\"a{control}b\""), "control-character", message);
        }
        for line in ["\\n", "\\r\\n", "\\t", "\\u000A"] {
            let value = format!("\"a{line}b\"");
            if member.kind == "prose" {
                accept(&at, &value);
            } else {
                check_value(&at, &value, "control-character", message);
            }
        }
        if member.kind == "text" && member.bytes_max > 10 {
            accept(&at, "\"\u{80}\u{2028}\u{feff}\"");
        }
    }
    let message = "has a control character; remove it";
    check_value("/actor/roles/1", "\"\\u0000\"", "control-character", message);
    check_value("/redacted/1", "\"/\\u0000\"", "control-character", message);
    accept("/params", "\"\\u0000\\u007f\"");
}

#[test]
fn raw_controls_and_lone_surrogates_are_no_json() {
    for member in members().iter().filter(|m| m.is_text() || m.kind == "any JSON") {
        let at = pointer(member);
        for (bad, message) in [
            ("\"a\nb\"", "a string has a raw control character; write it as \\u00xx"),
            ("\"a\u{0}b\"", "a string has a raw control character; write it as \\u00xx"),
            ("\"\\ud800\"", "a string has a lone surrogate; write whole characters"),
            ("\"\\udc00\\ud800\"", "a string has a lone surrogate; write whole characters"),
            ("\"\\ud83d\\u0041\"", "a string has a lone surrogate; write whole characters"),
            ("\"\\q\"", "an escape is not one that JSON has"),
            ("\"\\u12\"", "an escape is not one that JSON has"),
            ("nul", "expected a JSON value"),
            ("@", "expected a JSON value"),
        ] {
            let text = put(&full(), &at, bad);
            check(&text, "", "syntax", message);
            let offset = Event::parse(&text).unwrap_err().offset.unwrap();
            let start = put(&full(), &at, "@bad@").find("@bad@").unwrap();
            assert!((start..=start + bad.len()).contains(&offset), "{offset} {text}");
        }
    }
    check(r#"{"\ud800":1}"#, "", "syntax", "a string has a lone surrogate; write whole characters");
}

/// A text with a member a second time, right after the first.
fn twice(at: &str, value: &str) -> String {
    let name = at.rsplit('/').next().unwrap();
    put(&full(), at, &format!("{value},\"{name}\":{value}"))
}

#[test]
fn a_member_twice_is_refused_at_every_level() {
    for member in members() {
        let at = pointer(&member);
        let json: serde_json::Value = serde_json::from_str(&full()).unwrap();
        let value = json.pointer(&at).unwrap().to_string();
        check(&twice(&at, &value), &at, "duplicate-member", "stands twice; keep one");
        let last = at.rsplit('/').next().unwrap();
        let (first, rest) = last.split_at(1);
        let escaped = format!("\"\\u{:04x}{rest}\":", u32::from(first.as_bytes()[0]));
        let mut text = twice(&at, &value);
        let second = text.find(&format!("{value},\"{last}\":")).unwrap() + value.len() + 1;
        text.replace_range(second..second + last.len() + 3, &escaped);
        check(&text, &at, "duplicate-member", "stands twice; keep one");
    }
}

#[test]
fn a_member_twice_inside_of_free_values_is_refused_with_its_place() {
    let message = "an object has the same member twice; keep one";
    for at in ["/params", "/before", "/after", "/attributes"] {
        for bad in
            [r#"{"a":1,"a":2}"#, r#"{"a":1,"b":{},"\u0061":2}"#, r#"{"x":[0,{"y":{"":1,"":2}}]}"#]
        {
            check_value(at, bad, "duplicate-member", message);
            let text = put(&full(), at, bad);
            let offset = Event::parse(&text).unwrap_err().offset.unwrap();
            let start = text.find(bad).unwrap();
            assert!((start + 1..start + bad.len()).contains(&offset));
            assert_eq!(&text[offset..=offset], "\"");
        }
    }
}

#[test]
fn an_unknown_member_is_refused_and_named_at_every_level() {
    let message = "no such member; put what has no place of its own under `attributes`";
    let parts: Vec<String> =
        members().iter().filter(|member| member.kind == "object").map(pointer).collect();
    for parent in parts.iter().map(String::as_str).chain(["", "/related/3", "/related/0"]) {
        for (name, token) in [
            ("color", "color"),
            ("Type", "Type"),
            ("a/b~", "a~1b~0"),
            ("type ", "type "),
            ("", ""),
            (&*"é".repeat(100), &*"é".repeat(64)),
        ] {
            let mut json: serde_json::Value = serde_json::from_str(&full()).unwrap();
            json.pointer_mut(parent).unwrap()[name] = 1.into();
            check(&json.to_string(), &format!("{parent}/{token}"), "unknown-member", message);
        }
    }
}

#[test]
fn what_only_the_server_says_is_refused_from_a_client() {
    let message = "only the server sets this member; leave it out";
    for name in [
        "v",
        "index",
        "recorded_at",
        "recorded_by",
        "received",
        "violations",
        "detached",
        "native",
        "leaf_hash",
    ] {
        for value in ["1", "null", "\"2026-11-21T08:05:00Z\"", "[]"] {
            let text = MINIMAL.replacen('{', &format!("{{\"{name}\":{value},"), 1);
            check(&text, &format!("/{name}"), "server-member", message);
        }
    }
}

#[test]
fn a_time_is_rfc_3339_with_an_offset_in_our_age() {
    let message = "write it as RFC 3339 with an offset, such as 2026-11-21T08:05:00.123456+01:00, \
                   between 1970 and 2199";
    for bad in [
        "now",
        "1763712300",
        "2026-11-21",
        "2026-11-21T08:05:00",
        "2026-11-21 08:05:00Z",
        "2026-02-30T08:05:00Z",
        "2026-11-21T25:05:00Z",
        "2026-11-21T08:05:00.1234567890Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2200-01-01T00:00:00Z",
        "2026-11-21T08:05:00+0100",
        "+2026-11-21T08:05:00Z",
    ] {
        check_value("/occurred_at", &format!("\"{bad}\""), "time", message);
    }
    let long = format!("\"2026-11-21T08:05:00Z{}\"", " ".repeat(60));
    check_value("/occurred_at", &long, "too-long", "has more than 64 bytes; shorten it");
    for good in ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999999Z", "2026-11-21t08:05:60z"] {
        accept("/occurred_at", &format!("\"{good}\""));
        let text = put(&full(), "/occurred_at", &format!("\"{good}\""));
        assert_eq!(Event::parse(&text).unwrap().occurred_at.as_str(), good);
    }
}

#[test]
fn an_outcome_is_one_of_four_words() {
    let message = "expected one of success, failure, denied, unknown";
    for bad in ["ok", "Success", "success ", "null"] {
        check_value("/outcome/status", &format!("\"{bad}\""), "vocabulary", message);
    }
    for good in ["success", "failure", "denied", "unknown", "\\u0073uccess"] {
        accept("/outcome/status", &format!("\"{good}\""));
    }
}

#[test]
fn what_was_redacted_is_named_by_pointers() {
    let message = "expected a JSON pointer (RFC 6901), such as /params/token";
    for bad in ["params", "#/params", "/a~", "/a~2", "~0", "/~01~"] {
        check_value("/redacted/1", &format!("\"{bad}\""), "pointer", message);
    }
    for good in ["/", "/params", "/params/0/a~1b/c~0", "/~01", "//"] {
        accept("/redacted/1", &format!("\"{good}\""));
    }
    check_value("/redacted/1", "7", "wrong-type", "expected a string");
}

#[test]
fn nesting_is_limited_and_the_event_counts() {
    let message = "nests deeper than 100 levels; flatten it";
    let nested = |levels: usize, open: &str, close: &str| {
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    };
    for at in ["/params", "/before", "/after"] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"b\":", "}]")] {
            let each = open.matches(['[', '{']).count();
            accept(at, &nested((DEPTH_MAX - 1) / each, open, close));
            check_value(at, &nested(DEPTH_MAX / each, open, close), "too-deep", message);
        }
    }
    check_value("/attributes", &nested(DEPTH_MAX, "{\"a\":", "}"), "too-deep", message);
}

#[test]
fn a_text_that_is_no_event_is_refused() {
    for (text, rule, message) in [
        ("", "syntax", "expected a JSON value"),
        (" ", "syntax", "expected a JSON value"),
        ("\u{feff}{}", "syntax", "expected a JSON value"),
        ("{", "syntax", "expected a string"),
        ("[]", "wrong-type", "expected an object"),
        ("7", "wrong-type", "expected an object"),
        ("null", "empty", "is null; leave the member out"),
        ("{'id':1}", "syntax", "expected a string"),
        ("{\"id\" 1}", "syntax", "expected `:` after a member's name"),
        ("{\"id\":\"1\"; }", "syntax", "expected `,` or `}`"),
        ("{\"id\":\"1", "syntax", "a string does not end"),
        ("{\"params\":[1;2]}", "syntax", "expected `,` or `]`"),
        ("{\"params\":01}", "syntax", "a number is not written as JSON writes it"),
    ] {
        check(text, "", rule, message);
    }
    let after = format!("{} x", MINIMAL.trim_end());
    check(&after, "", "syntax", "expected the end of the text");
}

#[test]
fn every_rule_has_a_word_of_its_own() {
    let rules = [
        Rule::Syntax,
        Rule::Duplicate,
        Rule::Depth,
        Rule::Type,
        Rule::Required,
        Rule::Unknown,
        Rule::ServerMember,
        Rule::Empty,
        Rule::TooLong,
        Rule::Time,
        Rule::Control,
        Rule::Vocabulary,
        Rule::Pointer,
    ];
    let words: std::collections::HashSet<&str> = rules.iter().map(|rule| rule.code()).collect();
    assert_eq!(words.len(), rules.len());
    assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
}

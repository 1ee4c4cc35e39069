//! Reading entries, ours and others'.

use event::{Entry, Rule};

use crate::golden::{FULL_ENTRY, MINIMAL_ENTRY};
use crate::record::RECORDED_AT;

#[test]
fn the_servers_members_are_read_back() {
    let entry = Entry::parse(FULL_ENTRY).unwrap();
    assert_eq!(entry.recorded_at_micros, RECORDED_AT + 750_001);
    assert_eq!(entry.recorded_by, "ana \"QA\"");
    assert_eq!(entry.received.via, "import");
    assert_eq!(entry.received.dialect.as_deref(), Some("lims"));
    assert_eq!(entry.received.version.as_deref(), Some("2"));
    assert_eq!(entry.received.import.as_deref(), Some("im-1"));
    assert_eq!(entry.native.as_ref().unwrap().as_str(), "{\"raw\":[1.0,\"x\"]}");
    assert_eq!(entry.violations, None);
    assert_eq!(entry.detached, []);
    assert_eq!(entry.event.id.as_deref(), Some("ev-0001"));
}

#[test]
fn members_of_a_later_version_are_passed_over() {
    let later = MINIMAL_ENTRY
        .replace("\"via\":\"api\"", "\"via\":\"api\",\"zone\":{\"a\":null}")
        .replace("\"system\":\"lims\"", "\"system\":\"lims\",\"rack\":[1]")
        .replace("\"action\":", "\"signature\":null,\"index\":7,\"action\":");
    assert_eq!(Entry::parse(&later), Entry::parse(MINIMAL_ENTRY));
}

#[test]
fn violations_are_kept_as_they_are() {
    let text = MINIMAL_ENTRY.replacen(
        "},\"occurred_at\"",
        "},\"violations\":[{\"rule\":\"reason\"}],\"occurred_at\"",
        1,
    );
    let entry = Entry::parse(&text).unwrap();
    assert_eq!(entry.violations.unwrap().as_str(), "[{\"rule\":\"reason\"}]");
}

#[test]
fn a_native_record_may_nest_as_deep_as_an_event() {
    let deep = format!("{}{}", "[".repeat(event::DEPTH_MAX), "]".repeat(event::DEPTH_MAX));
    let native = event::Json::parse(&deep).unwrap();
    let event = event::Event::parse(crate::golden::MINIMAL).unwrap();
    let recorded = crate::record::record(&event, Some(&native));
    assert_eq!(Entry::parse(&recorded.entry).unwrap().native, Some(native));
}

/// Refuses the minimal entry with one piece of it replaced.
fn check(from: &str, to: &str, at: &str, rule: Rule) {
    assert!(MINIMAL_ENTRY.contains(from), "{from}");
    let text = MINIMAL_ENTRY.replacen(from, to, 1);
    let fault = Entry::parse(&text).unwrap_err();
    assert_eq!((fault.at.as_str(), fault.rule), (at, rule), "{text}");
    assert_eq!(fault.offset.is_some(), rule == Rule::Syntax);
}

#[test]
fn an_entry_needs_each_of_the_servers_members_once() {
    check("\"v\":1,", "", "/v", Rule::Required);
    check("\"v\":1,", "\"v\":2,", "/v", Rule::Vocabulary);
    check("\"v\":1,", "\"v\":1,\"v\":1,", "/v", Rule::Duplicate);
    check("\"v\":1,", "\"v\":\"1\",", "", Rule::Syntax);
    let recorded_at = "\"recorded_at\":\"2026-11-21T08:05:00.250000Z\",";
    check(recorded_at, "", "/recorded_at", Rule::Required);
    check(recorded_at, &recorded_at.repeat(2), "/recorded_at", Rule::Duplicate);
    check("2026-11-21T08:05:00.250000Z", "yesterday", "/recorded_at", Rule::Time);
    let recorded_by = "\"recorded_by\":\"lims-token\",";
    check(recorded_by, "", "/recorded_by", Rule::Required);
    check(recorded_by, &recorded_by.repeat(2), "/recorded_by", Rule::Duplicate);
    let received = "\"received\":{\"via\":\"api\"},";
    check(received, "", "/received", Rule::Required);
    check(received, &received.repeat(2), "/received", Rule::Duplicate);
    let via = "\"via\":\"api\"";
    check(via, "\"dialect\":\"x\"", "/received/via", Rule::Required);
    check(via, "\"via\":\"api\",\"via\":\"api\"", "/received/via", Rule::Duplicate);
    check(via, "\"via\":1", "", Rule::Syntax);
}

#[test]
fn an_entry_has_nothing_before_or_after_it() {
    check("{\"v\"", " {\"v\"", "", Rule::Syntax);
    check("approve\"}", "approve\"} ", "", Rule::Syntax);
    check("approve\"}", "approve\"", "", Rule::Syntax);
}

/// Refuses the minimal entry with these members added where `detached` stands.
fn check_members(members: &str, at: &str, rule: Rule) {
    check("},\"occurred_at\"", &format!("}},{members},\"occurred_at\""), at, rule);
}

#[test]
fn null_stands_only_for_what_is_detached_and_listed() {
    check_members("\"native\":1,\"native\":2", "/native", Rule::Duplicate);
    check_members("\"native\":null", "/native", Rule::Empty);
    check_members("\"params\":null", "/params", Rule::Empty);
    check_members("\"params\":null,\"params\":1", "/params", Rule::Duplicate);
    check_members("\"params\":1,\"params\":null", "/params", Rule::Duplicate);
    check_members("\"params\":null,\"params\":null", "/params", Rule::Duplicate);
    check_members("\"id\":null", "/id", Rule::Empty);
    check_members("\"reason\":null", "/reason", Rule::Empty);
    check_members("\"params\":nul", "", Rule::Syntax);
    check("\"system\":\"lims\"", "\"system\":null", "/source/system", Rule::Empty);
}

#[test]
fn what_is_detached_is_listed_once_and_whole() {
    let digest = format!("\"digest\":\"{}=\"", "A".repeat(43));
    let good = format!("\"at\":\"/a\",\"size\":1,{digest}");
    check_members("\"detached\":[]", "/detached", Rule::Empty);
    check_members("\"detached\":{}", "/detached", Rule::Type);
    for (item, at, rule) in [
        (format!("\"size\":1,{digest}"), "/detached/0/at", Rule::Required),
        (format!("\"at\":\"/a\",{digest}"), "/detached/0/size", Rule::Required),
        ("\"at\":\"/a\",\"size\":1".into(), "/detached/0/digest", Rule::Required),
        (format!("\"at\":\"/a\",\"size\":-1,{digest}"), "/detached/0", Rule::Type),
        ("\"at\":\"/a\",\"size\":1,\"digest\":\"AAAA\"".into(), "/detached/0", Rule::Type),
        (format!("\"at\":\"/a\",{good}"), "/detached/0/at", Rule::Duplicate),
        (format!("{good},\"size\":1"), "/detached/0/size", Rule::Duplicate),
        (format!("{good},{digest}"), "/detached/0/digest", Rule::Duplicate),
        (format!("{good}}},{{{good}"), "/detached/1/at", Rule::Duplicate),
    ] {
        check_members(&format!("\"detached\":[{{{item}}}]"), at, rule);
    }
}

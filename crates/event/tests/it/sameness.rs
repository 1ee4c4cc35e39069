//! Whether two tellings are of the same event.

use event::{Event, Json, same};
use proptest::prelude::*;

use crate::arbitrary::event;

/// Two tellings of an event that differ in these members.
fn check(one: &str, other: &str, expected: bool) {
    let text = |members: &str| {
        let text = format!(
            r#"{{"id":"1","occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"s"}},"action":"a"{members}}}"#
        );
        Event::parse(&text).unwrap_or_else(|fault| panic!("{text}: {fault}")).to_json()
    };
    let (one, other) = (text(one), text(other));
    assert_eq!(same(&one, &other), expected, "{one}\n{other}");
    assert_eq!(same(&other, &one), expected, "{other}\n{one}");
}

#[test]
fn tellings_are_the_same_when_they_are_equal_outside_of_what_either_redacted() {
    for (one, other) in [
        ("", ""),
        (r#","params":{"a":1}"#, r#","params":{ "a" : 1 }"#),
        (r#","session":"x""#, r#","session":"\u0078""#),
        (r#","params":{"a":1,"t":"x"}"#, r#","params":{"a":1},"redacted":["/params/t"]"#),
        (r#","params":{"a":1,"t":"x"}"#, r#","params":{"a":1,"t":"***"},"redacted":["/params/t"]"#),
        (
            r#","params":{"a":1},"redacted":["/params/t"]"#,
            r#","params":{"t":"x"},"redacted":["/params/a"]"#,
        ),
        (r#","params":{"t":"x"}"#, r#","redacted":["/params/t"]"#),
        (r#","params":{"t":"x"}"#, r#","redacted":["/params"]"#),
        (r#","params":{"t":{"u":[1]}}"#, r#","redacted":["/params/t/u/0"]"#),
        (
            r#","params":{"a/b":1,"c~":[2],"d":3}"#,
            r#","params":{"d":3},"redacted":["/params/a~1b","/params/c~0/0"]"#,
        ),
        (r#","client":{"ip":"10.0.0.1"}"#, r#","redacted":["/client/ip"]"#),
        (r#","scope":{"user":{"name":"n"}}"#, r#","redacted":["/scope/user/name"]"#),
        (
            r#","actor":{"type":"user","id":"1","email":"e@x"}"#,
            r#","actor":{"type":"user","id":"1"},"redacted":["/actor/email"]"#,
        ),
        (r#","redacted":["/x"]"#, r#","redacted":["/y","/x"]"#),
        (r#","reason":{"text":"long"}"#, r#","reason":{"text":"x"},"redacted":["/reason/text"]"#),
    ] {
        check(one, other, true);
    }
}

#[test]
fn tellings_are_others_when_anything_else_differs() {
    for (one, other) in [
        (r#","params":{"a":1}"#, r#","params":{"a":2}"#),
        (r#","params":{"a":1}"#, ""),
        (r#","params":{}"#, ""),
        (r#","params":{"a":1,"b":2}"#, r#","params":{"b":2,"a":1}"#),
        (r#","params":{"a":1}"#, r#","params":{"a":1.0}"#),
        (r#","params":{"a":1,"t":"x"}"#, r#","params":{"a":2},"redacted":["/params/t"]"#),
        (r#","params":{"a":1,"t":"x"}"#, r#","params":{"a":1},"redacted":["/params/T"]"#),
        (r#","params":{"t":"x"},"after":{}"#, r#","redacted":["/params/t"]"#),
        (r#","session":"x""#, r#","session":"y","redacted":["/params"]"#),
        (r#","client":{"ip":"1","host":"h"}"#, r#","redacted":["/client/ip"]"#),
        (r#","params":{"t":1}"#, r#","params":{"t":2},"redacted":["/params/t/u"]"#),
    ] {
        check(one, other, false);
    }
}

#[test]
fn what_is_no_event_is_the_same_only_as_itself() {
    assert!(same("", ""));
    assert!(!same("", "{}"));
    assert!(!same("{\"a\":1}", "{\"a\":2}"));
}

proptest! {
    #[test]
    fn another_event_is_another_and_a_redacted_one_is_the_same(one in event(), other in event()) {
        let (one, other) = (Event { redacted: Vec::new(), ..one }, Event { redacted: Vec::new(), ..other });
        prop_assert!(same(&one.to_json(), &one.to_json()));
        prop_assert_eq!(same(&one.to_json(), &other.to_json()), one == other);

        let mut less = one.clone();
        less.params = None;
        less.session = Some("[removed]".into());
        less.redacted = vec!["/params".into(), "/session".into()];
        prop_assert!(same(&one.to_json(), &less.to_json()));
        prop_assert!(same(&less.to_json(), &one.to_json()));

        less.after = Some(Json::string("another"));
        prop_assert!(one.after == less.after || !same(&one.to_json(), &less.to_json()));
    }
}

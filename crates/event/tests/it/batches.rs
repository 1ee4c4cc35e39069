//! Many events in one text.

use event::{Event, Items, Rule, Shape};
use proptest::prelude::*;

use crate::arbitrary::event;
use crate::golden::MINIMAL;

fn check(text: &str, shape: Shape, expected: &[Result<(), (Rule, Option<usize>)>]) {
    let seen: Vec<_> = Items::new(text, shape)
        .map(|item| item.map(drop).map_err(|fault| (fault.rule, fault.offset)))
        .collect();
    assert_eq!(seen, expected, "{text}");
}

#[test]
fn an_event_that_breaks_a_rule_never_hides_the_next() {
    let good = MINIMAL.trim_end();
    let with = |params: &str| good.replacen('{', &format!("{{\"params\":{params},"), 1);
    let deep = format!("{}{}", "[".repeat(150), "]".repeat(150));
    let at = good.len() + 2;
    for (bad, rule, offset) in [
        (with("{\"a\":1,\"a\":2}"), Rule::Duplicate, Some(at + 17)),
        (with(&deep), Rule::Depth, Some(at + 110)),
        (with("\"\\ud800\""), Rule::Syntax, Some(at + 10)),
        (with("null"), Rule::Empty, None),
        ("{}".into(), Rule::Required, None),
        ("[{}]".into(), Rule::Type, None),
        ("\"}\\\"]\"".into(), Rule::Type, None),
        ("-1.5e3".into(), Rule::Type, None),
        ("null".into(), Rule::Empty, None),
    ] {
        let fault = Err((rule, offset));
        check(&format!("[{good},{bad} ,{good}]"), Shape::Array, &[Ok(()), fault, Ok(())]);
        let in_line = Err((rule, offset.map(|offset| offset + 4)));
        check(
            &format!("{good}\r\n  \n\n{bad}\n{good}\n"),
            Shape::Lines,
            &[Ok(()), in_line, Ok(())],
        );
    }
}

#[test]
fn an_array_that_stops_being_json_ends_with_its_place() {
    let good = MINIMAL.trim_end();
    let size = good.len();
    let end = |offset: usize| Err((Rule::Syntax, Some(offset)));
    check("", Shape::Array, &[end(0)]);
    check("{}", Shape::Array, &[end(0)]);
    check("[", Shape::Array, &[end(1)]);
    check(&format!("[{good}"), Shape::Array, &[Ok(()), end(size + 1)]);
    check(&format!("[{good},]"), Shape::Array, &[Ok(()), end(size + 2)]);
    check(&format!("[{good} {good}]"), Shape::Array, &[Ok(()), end(size + 2)]);
    check(&format!("[{good}] x"), Shape::Array, &[Ok(()), end(size + 3)]);
    check(&format!("[{good},{{\"a\":[}}]"), Shape::Array, &[Ok(()), end(size + 8)]);
}

#[test]
fn the_shape_is_told_by_the_first_character() {
    assert_eq!(Shape::of_json(" \r\n\t[]"), Shape::Array);
    assert_eq!(Shape::of_json("{}"), Shape::One);
    assert_eq!(Shape::of_json(""), Shape::One);
}

#[test]
fn an_event_of_an_array_may_have_8_mib_and_no_more() {
    let text = |size: usize| {
        let empty = MINIMAL.trim_end().replacen('{', "{\"params\":\"\",", 1);
        empty.replacen("\"\"", &format!("\"{}\"", "x".repeat(size - empty.len())), 1)
    };
    let (largest, larger) = (text(event::EVENT_BYTES_MAX), text(event::EVENT_BYTES_MAX + 1));
    check(&format!("[{larger}, {largest}]"), Shape::Array, &[Err((Rule::TooLong, None)), Ok(())]);
    check(&format!("{larger}\n{largest}"), Shape::Lines, &[Err((Rule::TooLong, None)), Ok(())]);
}

proptest! {
    #[test]
    fn events_come_back_from_arrays_and_lines(events in prop::collection::vec(event(), 0..6)) {
        let texts: Vec<String> = events.iter().map(Event::to_json).collect();
        for (text, shape) in [
            (format!("[{}]", texts.join(",")), Shape::Array),
            (format!(" [ {} ] \n", texts.join(" ,\n")), Shape::Array),
            (texts.join("\n"), Shape::Lines),
            (format!("\n{}\r\n", texts.join("\r\n\r\n")), Shape::Lines),
        ] {
            let seen: Result<Vec<Event<'_>>, _> = Items::new(&text, shape).collect();
            prop_assert_eq!(seen.as_deref(), Ok(&events[..]));
        }
        for (text, event) in texts.iter().zip(&events) {
            let seen: Result<Vec<Event<'_>>, _> = Items::new(text, Shape::One).collect();
            prop_assert_eq!(seen.as_deref(), Ok(std::slice::from_ref(event)));
        }
    }
}

//! The query language.

use proptest::prelude::*;
use search::{Clause, Expression, Field, Pattern, Query, Test, Text, Zone, parse};

use crate::generate::query;
use crate::random::Random;

fn like(field: Field, text: &str) -> Clause {
    Clause::new(field, Pattern::Like(text.to_owned()))
}

fn not(mut clause: Clause) -> Clause {
    clause.negated = !clause.negated;
    clause
}

#[test]
fn it_reads_what_people_write() {
    let text = r#"actor:ana action:delete* target:sample/S-17 outcome:failure before:disabled reason:none ip:10.0.0.0/8 "lot 42" -source:seqera from:2026-01-01 to:2026-02-01 action:(create|update) has:before action:=Update -noise seq* target.id:~"^S-(1|2)" action:(~^x|y)"#;
    let query = Query::parse(text).unwrap();
    let any = Test::Any(vec![Pattern::Like("create".into()), Pattern::Like("update".into())]);
    let matching = |text: &str| Pattern::Matching(Expression::parse(text).unwrap());
    let some = Test::Any(vec![matching("^x"), Pattern::Like("y".into())]);
    assert_eq!(
        query.clauses,
        [
            like(Field::Actor, "ana"),
            Clause::new(Field::Action, Pattern::Prefix("delete".into())),
            like(Field::Target, "sample/S-17"),
            like(Field::Outcome, "failure"),
            like(Field::Before, "disabled"),
            Clause::present(Field::Reason, false),
            like(Field::Ip, "10.0.0.0/8"),
            not(like(Field::System, "seqera")),
            Clause { field: Field::Action, negated: false, test: any },
            Clause::present(Field::Before, true),
            Clause::new(Field::Action, Pattern::Exactly("Update".into())),
            Clause::new(Field::TargetId, matching("^S-(1|2)")),
            Clause { field: Field::Action, negated: false, test: some },
        ]
    );
    let text = |text: &str, prefix, negated| Text { text: text.into(), prefix, negated };
    let texts =
        [text("lot 42", false, false), text("noise", false, true), text("seq", true, false)];
    assert_eq!(query.texts, texts);
    assert_eq!(query.occurred, (1_767_225_600_000_000..1_769_904_000_000_000).into());
    assert_eq!(Query::parse("").unwrap(), Query::default());
    assert_eq!(Query::parse("index:17").unwrap().indexes, Some(17..18));
}

#[test]
fn a_date_is_meant_in_the_readers_zone() {
    let zone = Zone::named("Europe/Madrid").unwrap();
    for (text, expected) in [
        ("from:2026-07-01", "2026-06-30T22:00:00Z"),
        ("from:2026-07-01T08:30", "2026-07-01T06:30:00Z"),
        ("from:2026-07-01T08:30:00Z", "2026-07-01T08:30:00Z"),
        ("from:2026-07-01T08:30:00.5+09:00", "2026-06-30T23:30:00.500000Z"),
    ] {
        assert_eq!(parse(text, &zone).unwrap().to_string(), format!("from:{expected}"), "{text}");
    }
    assert!(Zone::named("Middle/Earth").is_none());
}

#[test]
fn a_time_of_the_week_is_meant_in_the_readers_zone_and_names_it() {
    let zone = Zone::named("Europe/Madrid").unwrap();
    for (text, expected) in [
        ("hours:MON-Fri/07:30-19", "hours:mon-fri/7:30-19@Europe/Madrid"),
        (
            "-hours:(sat-sun|0-7|19-24)",
            "-hours:(sat-sun@Europe/Madrid|0-7@Europe/Madrid|19-24@Europe/Madrid)",
        ),
        ("hours:22-6@UTC", "hours:22-6@UTC"),
        ("during:2026-01-31..", "during:2026-01-30T23:00:00Z.."),
        (
            "-during:(..2026-01-31T08:00:00Z|2026-02-01T00:00:00Z..2026-03-01T00:00:00+01:00)",
            "-during:(..2026-01-31T08:00:00Z|2026-02-01T00:00:00Z..2026-02-28T23:00:00Z)",
        ),
        ("late:90m -late:0h", "late:90m -late:0s"),
        ("hours:mon-sun", "hours:mon-sun@Europe/Madrid"),
        ("hours:wed/0-24", "hours:wed@Europe/Madrid"),
    ] {
        let query = parse(text, &zone).unwrap();
        assert_eq!(query.to_string(), expected);
        assert_eq!(Query::parse(expected), Ok(query));
    }
}

#[test]
fn a_quoted_keyword_is_a_word() {
    assert_eq!(Query::parse("reason:\"none\"").unwrap().clauses, [like(Field::Reason, "none")]);
    assert_eq!(
        Query::parse("-reason:none").unwrap().clauses,
        [Clause::present(Field::Reason, true)]
    );
    assert_eq!(
        Query::parse("-has:reason").unwrap().clauses,
        [Clause::present(Field::Reason, false)]
    );
    assert_eq!(Query::parse("reason:any").unwrap().to_string(), "has:reason");
}

#[test]
fn a_closed_vocabulary_binds_whole_values_only() {
    for text in ["outcome:FAILURE", "outcome:f*", "outcome:~^maybe", "outcome:none", "outcome:any"]
    {
        Query::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    }
    let among = |text| search::parse_among(text, &Zone::UTC, &["delete", "other"]);
    for text in ["kind:Delete", "kind:(other|del*)", "kind:~x", "-kind:none", "action:maybe"] {
        among(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    }
    let fault = among("actor:ana kind:(delete|deletes)").unwrap_err();
    assert_eq!(
        (fault.place, fault.message.as_str()),
        (23..30, "`kind` is delete or other, not `deletes`")
    );
    assert!(Query::parse("kind:deletes").is_ok(), "no catalogue says which kinds there are");
    let wrong = Clause::exactly(Field::Outcome, "maybe");
    assert!(Query::default().with(wrong).check().is_err(), "however the question came about");
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (text, word, advice) in [
        ("actor:ana actions:x", "actions", "did you mean `action`"),
        ("actoin:delete", "actoin", "did you mean `action`"),
        ("actor:ana colour:x", "colour", "no field `colour`"),
        ("http://example.org", "http", "quote it"),
        ("actor: ana", "actor:", "needs a value"),
        ("a \"open", "\"open", "close it"),
        ("x action:(a|b", "(a|b", "ends with `)`"),
        ("action:=a*", "=a*", "exclude each other"),
        ("action:a\"b\"", "\"", "quote the value"),
        ("from:yesterday", "yesterday", "not a time"),
        ("from:2026-13-01", "2026-13-01", "not a time"),
        ("-from:2026-01-01", "from", "cannot be negated"),
        ("from:2026-01-01 from:2026-01-02", "from", "given twice"),
        ("index:a..b", "a..b", "an index is written"),
        ("before:=x", "=x", "leave out the `=`"),
        ("before:\"a b\"*", "\"a b\"*", "single word"),
        ("before:--", "--", "a letter or a digit"),
        ("ip:10.0*", "10.0*", "name a network"),
        ("ip:10.0.0.0/99", "10.0.0.0/99", "is no network"),
        ("ip:300.1.1.1", "300.1.1.1", "is no address"),
        ("ip:10.20.0", "10.20.0", "is no address"),
        ("from:2026-01-31T08:00+02:00", "2026-01-31T08:00+02:00", "2026-01-31"),
        ("from:2026-01-31T08:00[Europe/Madrid]", "2026-01-31T08:00[Europe/Madrid]", "2026-01-31"),
        ("from:2026-02-01 to:2026-01-01", "to", "change its ends"),
        ("to:2026-01-01 from:2026-02-01", "from", "change its ends"),
        ("recorded_to:2026-01-01 recorded_from:2026-02-01", "recorded_from", "change its ends"),
        ("during:2026-02-01..2026-01-01", "during", "change its ends"),
        ("index:5..1", "5..1", "change its ends"),
        ("imported:maybe", "maybe", "`imported` is yes or no, not `maybe`"),
        ("outcome:maybe", "maybe", "`outcome` is success, failure, denied or unknown, not `maybe`"),
        ("-status:(failure|=Denied)", "=Denied", "denied or unknown, not `Denied`"),
        ("outcome:\"none\"", "\"none\"", "not `none`"),
        ("via:ui", "ui", "`via` is api, import or server, not `ui`"),
        ("has:colour", "colour", "no field"),
        ("during:2026-01-31", "2026-01-31", "not a span of time"),
        ("during:..", "..", "not a span of time"),
        ("during:(2026-01-01..|never..)", "never..", "not a span of time"),
        ("hours:25-26", "25-26", "not a time of the week"),
        ("hours:7-7", "7-7", "not a time of the week"),
        ("hours:mon-fri/7-19@Mars", "mon-fri/7-19@Mars", "not a time of the week"),
        ("hours:(sat|sunday)", "sunday", "not a time of the week"),
        ("hours:none", "none", "not a time of the week"),
        ("late:1", "1", "not a duration"),
        ("late:1week", "1week", "not a duration"),
        ("late:40000d", "40000d", "a hundred years"),
        ("late:(1h|1d)", "late", "one plain value"),
        ("late:1h*", "late", "one plain value"),
        ("a )", ")", "has to be quoted"),
        ("=x", "=x", "behind a field"),
        ("~x", "~x", "behind a field"),
        ("action:~a*", "~a*", "quote an expression"),
        ("action:~[", "~[", "no regular expression"),
        ("before:~x", "~x", "leave out the `~`"),
        ("ip:~10", "~10", "name a network"),
    ] {
        assert_pointed_at(text, word, advice);
    }
}

#[test]
fn what_other_languages_write_is_told_how_to_write_here() {
    for (text, word, advice) in [
        ("actor:ana OR actor:bob", "OR", "(create|update)"),
        ("actor:ana AND action:x", "AND", "all hold"),
        ("actor:ana -NOT x", "-NOT", "the opposite"),
        ("actor:ana or actor:bob", "or", "(create|update)"),
        ("actor:ana || actor:bob", "||", "(create|update)"),
        ("actor:ana|bob", "ana|bob", "written (a|b)"),
        ("actor:!ana", "!ana", "-actor:ana"),
        ("!actor:ana", "!actor:ana", "-actor:ana"),
        ("--actor:ana", "--", "one `-`"),
        ("--", "--", "one `-`"),
        ("actor :ana", ":ana", "right before"),
        ("outcome!=success", "outcome!=success", "write -outcome:success"),
        ("index>100", "index>100", "index:100..200"),
        ("late>=1h", "late>=1h", "late:1h"),
        ("lot actor=ana", "actor=ana", "write actor:ana"),
        ("from=2026-01-01", "from=2026-01-01", "write from:2026-01-01"),
    ] {
        assert_pointed_at(text, word, advice);
    }
}

#[track_caller]
fn assert_pointed_at(text: &str, word: &str, advice: &str) {
    let fault = Query::parse(text).unwrap_err();
    assert_eq!(text.get(fault.place.clone()), Some(word), "{text}: {fault}");
    assert!(fault.message.contains(advice), "{text}: {fault}");
}

#[test]
fn words_that_look_like_a_slip_can_be_searched_for_all_the_same() {
    let texts = [
        "\"OR\"",
        "\"actor=ana\"",
        "\"or\"",
        "nor",
        "OR*",
        "a=b",
        "order=7",
        "ANDES",
        "\"!ana\"",
        "action:\"!x\"",
        "action:\"a|b\"",
        "a!b",
        "a>b",
        "ip:=300.1.1.1",
        "ip:localhost",
        "ip:host/10.0.0.1",
        "ip:/10.0.0.1",
        "ip:=10.0.0.0/99",
    ];
    for text in texts {
        let query = Query::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(Query::parse(&query.to_string()), Ok(query), "{text}");
    }
}

#[test]
fn the_document_names_every_field_and_keyword() {
    const DOCUMENT: &str = include_str!("../../../../docs/query.md");
    let (forms, fields) = DOCUMENT.split_once("## Fields").unwrap();
    for field in Field::ALL {
        assert!(fields.contains(&format!("`{}`", field.name())), "docs/query.md lacks {field}");
    }
    for keyword in search::KEYWORDS {
        let named = [format!("`{keyword}:"), format!(" {keyword}:")];
        assert!(named.iter().any(|name| forms.contains(name)), "docs/query.md lacks {keyword}");
    }
}

#[test]
fn a_question_has_limits() {
    let many = "a ".repeat(65);
    assert!(Query::parse(&many).unwrap_err().message.contains("64 conditions"));
    assert!(Query::parse(&"x".repeat(70_000)).is_err());
    let values = format!("action:({})", vec!["a"; 300].join("|"));
    assert!(Query::parse(&values).unwrap_err().message.contains("256 values"));
    assert!(Query::parse(&"x".repeat(65_000)).is_err(), "a phrase of a thousand words");
    let long = format!("action:{}", "x".repeat(65_000));
    assert!(Query::parse(&long).is_ok());
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(seed in any::<u64>()) {
        let mut query = query(&mut Random(seed), 1_000);
        if let Some(range) = &mut query.indexes {
            *range = range.start.min(range.end)..range.end;
        }
        let spans = query.during.iter_mut().flat_map(|during| &mut during.any);
        for span in spans.chain([&mut query.occurred, &mut query.recorded]) {
            span.from = span.from.map(|from| span.to.map_or(from, |to| from.min(to)));
        }
        let text = query.to_string();
        prop_assert_eq!(Query::parse(&text), Ok(query), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic_and_every_fault_has_a_place(
        text in "((actor|action|from|has|index|-|:|\\(|\\||\\)|\"|\\*|=|~|\\\\| |a|é|試){0,20})|(\\PC{0,40})"
    ) {
        match Query::parse(&text) {
            Ok(query) => prop_assert_eq!(Query::parse(&query.to_string()), Ok(query)),
            Err(fault) => prop_assert!(text.get(fault.place.clone()).is_some(), "{:?}", fault),
        }
    }
}

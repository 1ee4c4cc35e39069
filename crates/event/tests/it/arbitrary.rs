//! Any event that keeps the rules.

use std::borrow::Cow;

use event::json::{pointer_token, write_string};
use event::{
    Actor, Client, Credential, Event, Json, Moment, Outcome, Person, Place, Reason, Related, Scope,
    Source, Status, Target,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

type Text = Cow<'static, str>;

fn character() -> BoxedStrategy<char> {
    prop_oneof![
        4 => prop::char::range('a', 'z'),
        2 => select(vec!['"', '\\', '/', ' ', '~', '{', '}', '[', ']', ':', ',', '0', 'u']),
        1 => select(vec!['é', '\u{80}', '\u{2028}', '\u{feff}', '日', '😀', '\u{10ffff}']),
        1 => any::<char>(),
    ]
    .boxed()
}

/// A name, an identifier, a word: no control characters.
pub(crate) fn text() -> BoxedStrategy<Text> {
    vec(character(), 1..24)
        .prop_map(|chars| {
            let allowed = |c: &char| *c >= ' ' && *c != '\u{7f}';
            let kept: String = chars.into_iter().filter(allowed).collect();
            if kept.is_empty() { "x".into() } else { kept.into() }
        })
        .boxed()
}

/// What a person wrote: with lines and tabs.
fn prose() -> BoxedStrategy<Text> {
    vec(prop_oneof![text(), select(vec!["\n", "\r\n", "\t"]).prop_map(Cow::from)], 1..4)
        .prop_map(|pieces| pieces.concat().into())
        .boxed()
}

fn string() -> BoxedStrategy<String> {
    vec(any::<char>(), 0..12)
        .prop_map(|chars| {
            let mut out = Vec::new();
            write_string(&mut out, &chars.into_iter().collect::<String>());
            String::from_utf8(out).unwrap()
        })
        .boxed()
}

fn scalar() -> BoxedStrategy<String> {
    prop_oneof![
        select(vec!["null", "true", "false", "0", "-0", "1.50", "1E+400", "-2e-7"])
            .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        select(vec!["123456789012345678901234567890.10"]).prop_map(str::to_owned),
        string(),
    ]
    .boxed()
}

/// Compact JSON of any kind.
pub(crate) fn json_text() -> BoxedStrategy<String> {
    scalar()
        .prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
                object(inner),
            ]
        })
        .boxed()
}

fn object(inner: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    prop::collection::hash_map(string(), inner, 0..5)
        .prop_map(|members| {
            let members: Vec<String> =
                members.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
            format!("{{{}}}", members.join(","))
        })
        .boxed()
}

fn owned(text: &str) -> Json<'static> {
    Json::parse(text).unwrap().into_owned()
}

fn json() -> BoxedStrategy<Json<'static>> {
    json_text()
        .prop_filter("never null at the top", |text| text != "null")
        .prop_map(|t| owned(&t))
        .boxed()
}

pub(crate) fn moment() -> BoxedStrategy<Moment<'static>> {
    let time = (1970_u32..2199, 1_u32..13, 1_u32..29, 1_u32..24, 0_u32..60, 0_u32..61);
    let fraction = prop_oneof!["", "\\.[0-9]{1,9}"];
    let zone = prop_oneof!["Z", "z", "[+-]0[0-9]:[0-5][0-9]"];
    (time, fraction, zone)
        .prop_filter_map("in range", |(time, fraction, zone)| {
            let (year, month, day, hour, minute, second) = time;
            Moment::parse(format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"
            ))
        })
        .boxed()
}

fn source() -> BoxedStrategy<Source<'static>> {
    let sequence = of(prop_oneof![0_u64..10, Just((1 << 53) - 1)]);
    (text(), of(text()), of(text()), of(text()), of(text()), of(text()), sequence)
        .prop_map(|(system, instance, format, version, region, host, sequence)| Source {
            system,
            instance,
            format,
            version,
            region,
            host,
            sequence,
        })
        .boxed()
}

fn actor() -> BoxedStrategy<Actor<'static>> {
    let credential = (of(text()), of(text()), of(select(vec!["9f3c", "\"\\"]).prop_map(Cow::from)))
        .prop_map(|(id, label, ending)| Credential { id, label, ending })
        .prop_filter("not empty", |credential| *credential != Credential::default());
    (text(), of(text()), of(text()), of(text()), vec(text(), 0..4), of(credential))
        .prop_map(|(kind, id, name, email, roles, credential)| Actor {
            kind,
            id,
            name,
            email,
            roles,
            credential,
        })
        .boxed()
}

fn person() -> BoxedStrategy<Person<'static>> {
    (of(text()), of(text()))
        .prop_map(|(id, name)| Person { id, name })
        .prop_filter("not empty", |person| *person != Person::default())
        .boxed()
}

fn client() -> BoxedStrategy<Client<'static>> {
    (of(text()), of(text()), of(text()))
        .prop_map(|(ip, user_agent, host)| Client { ip, user_agent, host })
        .prop_filter("not empty", |client| *client != Client::default())
        .boxed()
}

fn target() -> BoxedStrategy<Target<'static>> {
    (text(), of(text()), of(text()), of(text()), of(text()), of(text()))
        .prop_map(|(kind, id, name, uuid, schema_version, url)| Target {
            kind,
            id,
            name,
            uuid,
            schema_version,
            url,
        })
        .boxed()
}

fn related() -> BoxedStrategy<Related<'static>> {
    (text(), text(), of(text()), of(text()))
        .prop_map(|(role, kind, id, name)| Related { role, kind, id, name })
        .boxed()
}

fn place() -> BoxedStrategy<Place<'static>> {
    (of(text()), of(text()), of(text()))
        .prop_map(|(id, name, uuid)| Place { id, name, uuid })
        .prop_filter("not empty", |place| *place != Place::default())
        .boxed()
}

fn scope() -> BoxedStrategy<Scope<'static>> {
    (of(place()), of(place()), of(place()), of(place()), of(place()), of(text()))
        .prop_map(|(organization, workspace, project, study, user, context)| Scope {
            organization,
            workspace,
            project,
            study,
            user,
            context,
        })
        .prop_filter("not empty", |scope| *scope != Scope::default())
        .boxed()
}

fn outcome() -> BoxedStrategy<Outcome<'static>> {
    (select(Status::ALL.to_vec()), of(text()), of(text()), of(prose()), of(prose()))
        .prop_map(|(status, code, name, message, detail)| Outcome {
            status,
            code,
            name,
            message,
            detail,
        })
        .boxed()
}

fn pointer() -> BoxedStrategy<Text> {
    vec(text(), 1..3)
        .prop_map(|names| {
            names
                .iter()
                .flat_map(|name| ["/".into(), pointer_token(name)])
                .collect::<String>()
                .into()
        })
        .boxed()
}

pub(crate) fn event() -> BoxedStrategy<Event<'static>> {
    let attributes = object(json_text()).prop_map(|text| owned(&text));
    let reason = (prose(), of(text())).prop_map(|(words, code)| Reason { text: words, code });
    let who = (of(actor()), of(person()), of(text()), of(client()));
    let what = (text(), of(target()), vec(related(), 0..3), of(scope()));
    let why = (of(outcome()), of(text()), of(reason));
    let values = (of(json()), of(json()), of(json()), of(attributes), vec(pointer(), 0..3));
    (of(text()), moment(), source(), who, what, why, values)
        .prop_map(|(id, occurred_at, source, who, what, why, values)| Event {
            id,
            occurred_at,
            source,
            actor: who.0,
            authorized_by: who.1,
            session: who.2,
            client: who.3,
            action: what.0,
            target: what.1,
            related: what.2,
            scope: what.3,
            outcome: why.0,
            operation: why.1,
            reason: why.2,
            params: values.0,
            before: values.1,
            after: values.2,
            attributes: values.3,
            redacted: values.4,
        })
        .boxed()
}

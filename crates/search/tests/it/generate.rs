//! Random events from small pools full of near misses, and random questions about them.

use std::borrow::Cow;

use event::{
    Actor, Client, Credential, Event, Json, Moment, Outcome, Person, Place, Reason, Received,
    Related, Scope, Source, Status, Target,
};
use search::{
    Clause, During, Expression, Field, Hours, Interval, Kinds, Late, Pattern, Query, Test, Text,
    WeekTime, Zone,
};

use crate::feed::MemoryFeed;
use crate::random::Random;

const NAMES: [&str; 12] = [
    "ana",
    "Ana",
    "ANA",
    "Ana Gómez",
    "ana gómez lópez",
    "Anabel",
    "K",
    "\u{212a}",
    "none",
    "試験 データ",
    "S-17",
    "a/b",
];
const IDS: [&str; 10] = ["S-17", "s-17", "S-171", "17", "a/b", "b", "x", "İx", "lot 42", "=y*"];
const ACTIONS: [&str; 7] =
    ["Update", "UPDATE", "update", "delete", "DeleteFile", "delete_all", "read"];
const SYSTEMS: [&str; 3] = ["opencga", "seqera", "tdp"];
const TYPES: [&str; 5] = ["sample", "Sample", "file", "a", "a/b"];
const PROSE: [&str; 7] = [
    "lot 42 was wrong",
    "Lot 42",
    "lot number 42",
    "disabled by ana",
    "--- ...",
    "workflow_launched",
    "42 lot",
];
const IPS: [&str; 8] = [
    "10.0.0.1",
    "10.255.0.9",
    "11.0.0.1",
    "2001:db8::7",
    "::ffff:10.0.0.1",
    "not an ip",
    "192.168.1.5",
    "10.0.0.01",
];
const AGENTS: [&str; 4] = ["curl/8.1", "Mozilla/5.0 (X11; Linux)", "mozilla/5.0 (lot 42)", "..."];
const HOSTS: [&str; 4] = ["h1", "H1", "h2.example.org", "10.0.0.1"];
const VERSIONS: [&str; 3] = ["v1", "2.1.0", "10.0.0.1"];
const JSONS: [&str; 9] = [
    "{}",
    "null",
    "\"lot 42\"",
    r#"{"status":"disabled","n":42}"#,
    r#"{"status":"enabled","lot":42}"#,
    r#"["lot","42"]"#,
    r#"{"a":{"b":[true,false,-1.5e3]}}"#,
    r#"{"text":"quote \" and \n lot 42"}"#,
    r#"{"試":"験"}"#,
];

/// The day on which random events happen, in microseconds.
pub(crate) const START: i64 = 1_790_000_000_000_000;

/// What the test's catalogue says: an action's kind depends on its system, too.
#[derive(Debug)]
pub(crate) struct Catalogue;

impl Kinds for Catalogue {
    fn kind_of(&self, system: &str, action: &str) -> Cow<'static, str> {
        let action = action.to_lowercase();
        Cow::Borrowed(match (system, action.as_str()) {
            ("tdp", "read") => "access",
            (_, "update") => "update",
            (_, action) if action.starts_with("delete") => "delete",
            _ => "other",
        })
    }

    fn has_own(&self, system: &str) -> bool {
        system == "tdp"
    }

    fn also_called(&self, action: &str) -> Vec<(&'static str, &'static str)> {
        match action.to_lowercase().as_str() {
            "peruse" => vec![("opencga", "DeleteFile"), ("tdp", "read")],
            "delete_all" => vec![("tdp", "update")],
            "run_started" => vec![("seqera", "workflow_launched")],
            _ => Vec::new(),
        }
    }
}

fn maybe<'a>(random: &mut Random, percent: usize, pool: &[&'a str]) -> Option<Cow<'a, str>> {
    random.chance(percent).then(|| Cow::Borrowed(random.pick(pool)))
}

fn place<'a>(random: &mut Random) -> Option<Place<'a>> {
    random.chance(30).then(|| Place {
        id: maybe(random, 70, &IDS),
        name: maybe(random, 40, &NAMES),
        uuid: maybe(random, 20, &IDS),
    })
}

fn json<'a>(random: &mut Random) -> Option<Json<'a>> {
    if random.chance(3) {
        // Large enough to be detached.
        let text = format!("{{\"big\":\"{} lot 42\"}}", "word ".repeat(4_000));
        return Some(Json::parse(&text).unwrap().into_owned());
    }
    random.chance(40).then(|| Json::parse(random.pick(&JSONS)).unwrap())
}

fn actor<'a>(random: &mut Random) -> Actor<'a> {
    Actor {
        kind: Cow::Borrowed(random.pick(&["user", "service", "User"])),
        id: maybe(random, 70, &IDS),
        name: maybe(random, 70, &NAMES),
        email: maybe(random, 40, &["ana@example.org", "ANA@example.org", "bo@example.org"]),
        roles: (0..random.below(3))
            .map(|_| Cow::Borrowed(random.pick(&["admin", "qa", "QA"])))
            .collect(),
        credential: random.chance(30).then(|| Credential {
            id: maybe(random, 50, &IDS),
            label: maybe(random, 50, &NAMES),
            ending: maybe(random, 50, &["x9"]),
        }),
    }
}

/// A random event that happened within a few days.
fn event<'a>(random: &mut Random, at: i64) -> Event<'a> {
    let mut event =
        Event::new(Moment::from_micros(at), random.pick(&SYSTEMS), random.pick(&ACTIONS));
    event.id = random.chance(60).then(|| Cow::Owned(format!("id-{}", random.below(100_000))));
    event.source = Source {
        system: event.source.system,
        instance: maybe(random, 20, &IDS),
        format: maybe(random, 20, &["v1", "v2"]),
        version: maybe(random, 20, &VERSIONS),
        region: maybe(random, 20, &["eu-west-1"]),
        host: maybe(random, 20, &HOSTS),
        sequence: None,
    };
    event.actor = random.chance(80).then(|| actor(random));
    event.authorized_by = random
        .chance(20)
        .then(|| Person { id: maybe(random, 60, &IDS), name: maybe(random, 60, &NAMES) });
    event.session = maybe(random, 30, &IDS);
    event.client = random.chance(60).then(|| Client {
        ip: maybe(random, 80, &IPS),
        user_agent: maybe(random, 40, &AGENTS),
        host: maybe(random, 30, &HOSTS),
    });
    event.target = random.chance(80).then(|| Target {
        kind: Cow::Borrowed(random.pick(&TYPES)),
        id: maybe(random, 80, &IDS),
        name: maybe(random, 50, &NAMES),
        uuid: maybe(random, 20, &IDS),
        ..Target::default()
    });
    event.related = (0..random.below(4).saturating_sub(1))
        .map(|_| Related {
            role: Cow::Borrowed("input"),
            kind: Cow::Borrowed(random.pick(&TYPES)),
            id: maybe(random, 70, &IDS),
            name: maybe(random, 50, &NAMES),
        })
        .collect();
    event.scope = random.chance(60).then(|| Scope {
        organization: place(random),
        workspace: place(random),
        project: place(random),
        study: place(random),
        user: place(random),
        context: maybe(random, 30, &["Workspace"]),
    });
    event.outcome = random.chance(80).then(|| Outcome {
        status: Status::ALL[random.below(4)],
        code: maybe(random, 30, &["E1", "e1"]),
        name: maybe(random, 30, &["NotFound"]),
        message: maybe(random, 30, &PROSE),
        detail: maybe(random, 20, &PROSE),
    });
    event.operation = maybe(random, 30, &IDS);
    event.reason = random.chance(40).then(|| Reason {
        text: Cow::Borrowed(random.pick(&PROSE)),
        code: maybe(random, 30, &["R1"]),
    });
    event.params = json(random);
    event.before = json(random);
    event.after = json(random);
    event.attributes = json(random).filter(Json::is_object);
    event
}

/// A random event that the trail would take: no member is empty.
pub(crate) fn valid_event<'a>(random: &mut Random, at: i64) -> Event<'a> {
    loop {
        let event = event(random, at);
        let draft = event::Draft::new(&event, None, &mut || [0; 32]).unwrap();
        if Event::parse(&draft.event_json()).is_ok() {
            return event;
        }
    }
}

/// Appends random events; their times mostly ascend.
pub(crate) fn append(feed: &MemoryFeed, random: &mut Random, count: usize) {
    use trail::Feed as _;
    for _ in 0..count {
        let size = i64::try_from(feed.committed_size()).unwrap();
        let late = if random.chance(10) { i64::try_from(random.below(300)).unwrap() } else { 0 };
        let at = START + (size - late) / 2 * 60_000_000;
        let recorded_at = START + size / 3 * 1_000_000;
        let via = Received {
            via: Cow::Borrowed(random.pick(&["api", "import"])),
            dialect: maybe(random, 40, &["opencga", "seqera"]),
            version: None,
            import: maybe(random, 20, &["imp-1", "imp-2"]),
        };
        let by = random.pick(&["tok-1", "tok-2"]);
        feed.append(&valid_event(random, at), recorded_at, by, &via);
    }
}

fn change_case(random: &mut Random, text: &str) -> String {
    match random.below(4) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

fn word(random: &mut Random) -> String {
    let pools: [&[&str]; 12] = [
        &NAMES,
        &IDS,
        &ACTIONS,
        &PROSE,
        &["status", "disabled", "42", "lot", "experiment", "試験", "big", "word word", "1.5e3"],
        &["ana@example.org", "E1", "h1", "curl", "mozilla", "admin", "yes", "no"],
        &["5 0 x11", "linux", "x9", "R1", "user", "eu-west-1", "Workspace", "NotFound", "denied"],
        &IPS,
        &HOSTS,
        &VERSIONS,
        &["success", "failure", "delete", "update", "access", "seqera", "tok-1", "imp-1", "api"],
        &["sample/S-17", "a/b/x", "a/b", "sample/", "/S-17", "file/lot 42", "Sample/s-1"],
    ];
    let text = random.pick(&pools.map(|pool| pool)[..]);
    let text = text[random.below(text.len())];
    let text = change_case(random, text);
    let cut = random.chance(20).then(|| random.below(text.chars().count() + 1));
    match cut {
        Some(cut) => text.chars().take(cut).collect(),
        None => text,
    }
}

fn pattern(random: &mut Random, field: Field) -> Pattern {
    if field == Field::Ip {
        return Pattern::Like(
            random
                .pick(&[
                    "10.0.0.0/8",
                    "10.0.0.1",
                    "::/0",
                    "2001:db8::/32",
                    "not an ip",
                    "10.0.0.01",
                    "11.0.0.0/31",
                ])
                .to_owned(),
        );
    }
    let text = word(random);
    match random.below(4) {
        0 => Pattern::Exactly(text),
        1 => Pattern::Prefix(text),
        2 if random.chance(30) => expression(random, &text),
        _ => Pattern::Like(text),
    }
}

/// An expression around a text, or the text where it makes none.
fn expression(random: &mut Random, text: &str) -> Pattern {
    let text = match random.below(5) {
        0 => format!("^{text}"),
        1 => format!("{text}$"),
        2 => format!("(?i){text}"),
        3 => format!("[{text}]+.?"),
        _ => text.to_owned(),
    };
    Expression::parse(&text).map_or(Pattern::Like(text), Pattern::Matching)
}

fn week_time(random: &mut Random) -> WeekTime {
    let number = |random: &mut Random, below: usize| u16::try_from(random.below(below)).unwrap();
    let zone = random.pick(&["UTC", "Europe/Madrid", "Asia/Kolkata", "America/St_Johns"]);
    let whole = random.chance(30);
    WeekTime {
        first_day: u8::try_from(random.below(7)).unwrap(),
        last_day: u8::try_from(random.below(7)).unwrap(),
        from_minute: if whole { 0 } else { number(random, 1_440) },
        to_minute: if whole { 1_440 } else { number(random, 1_441) },
        zone: Zone::named(zone).unwrap(),
    }
}

/// A span with at least one end, at times an empty one.
fn spell(random: &mut Random, span: i64) -> Interval {
    let mut moment = || {
        let at = random.below(usize::try_from(span).unwrap().max(1));
        START + i64::try_from(at).unwrap()
    };
    let (from, to) = (moment(), moment());
    match random.below(4) {
        0 => Interval { from: Some(from), to: None },
        1 => Interval { from: None, to: Some(to) },
        _ => Interval { from: Some(from), to: Some(to) },
    }
}

/// A random text that can be looked for.
pub(crate) fn text(random: &mut Random) -> Text {
    let networks = ["10.0.0.0/8", "::/0", "2001:db8::/32", "11.0.0.0/31", "10.0.0.0/99"];
    let text = if random.chance(15) { random.pick(&networks).to_owned() } else { word(random) };
    Text { text, prefix: random.chance(30), negated: random.chance(25) }
}

/// A random question that can be asked.
pub(crate) fn query(random: &mut Random, size: u64) -> Query {
    loop {
        let mut query = Query::default();
        for _ in 0..random.below(4) {
            let field = Field::ALL[random.below(Field::ALL.len())];
            let test = if random.chance(15) {
                Test::Present
            } else {
                Test::Any((0..=random.below(3)).map(|_| pattern(random, field)).collect())
            };
            query.clauses.push(Clause { field, negated: random.chance(30), test });
        }
        for _ in 0..random.below(3).saturating_sub(1) {
            query.texts.push(text(random));
        }
        if random.chance(20) {
            let any = (0..=random.below(2)).map(|_| week_time(random)).collect();
            query.hours.push(Hours { negated: random.chance(40), any });
        }
        if random.chance(20) {
            // Random events are recorded up to days before or after they happen.
            let choices = [0, 1, 90, 3_600, 20_000, 86_400, 600_000, 3_153_600_000];
            let least_seconds = choices[random.below(choices.len())];
            query.late.push(Late { negated: random.chance(40), least_seconds });
        }
        let span = i64::try_from(size).unwrap() * 30_000_000;
        if random.chance(15) {
            let any = (0..=random.below(2)).map(|_| spell(random, span)).collect();
            query.during.push(During { negated: random.chance(40), any });
        }
        let mut moment = |percent, span: i64| {
            let at = i64::try_from(random.below(usize::try_from(span).unwrap().max(1))).unwrap();
            random.chance(percent).then_some(START + at)
        };
        query.occurred = Interval { from: moment(20, span), to: moment(20, span) };
        query.recorded = Interval { from: moment(10, span / 90), to: moment(10, span / 90) };
        if random.chance(10) {
            let limit = usize::try_from(size).unwrap() + 5;
            query.indexes = Some(random.below(limit) as u64..random.below(limit) as u64);
        }
        if query.check().is_ok() {
            return query;
        }
    }
}

//! The synthetic events: 5,000,000 of about 690 bytes, over one year, the same from the same seed.
//!
//! A [`Draw`] holds every decision about one event; the JSON for both systems and PostgreSQL's
//! columns are two ways of writing it down, so they cannot disagree. Batches follow from their
//! number alone and can be made in any order.
//!
//! Absent on purpose: any knowledge of either system. What the questions ask about is drawn from
//! the events themselves.

use std::io::Write as _;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use crate::random::{Random, Zipf};
use crate::vocabulary::{
    ACTIONS, AGENTS, FAMILY, GIVEN, ORGANIZATIONS, REASONS, STATES, SYSTEMS, TARGET_TYPES, WORDS,
    invented,
};

/// Events in a batch: one request, one `COPY`, one commit.
pub(crate) const BATCH: u64 = 1_000;
/// 2025-01-01T00:00:00Z, when the first event happens, in microseconds.
const FIRST_US: i64 = 1_735_689_600_000_000;
const DAY_US: i64 = 86_400_000_000;
/// The time that all the events cover.
pub(crate) const DAYS: i64 = 365;
const USERS: u16 = 2_000;
const TARGETS: usize = 200_000;
const WORDS_MIN: usize = 20;
const WORDS_MAX: usize = 24;

/// Makes events.
#[derive(Debug)]
pub(crate) struct Generator {
    seed: u64,
    step_us: i64,
    words: Vec<String>,
    word: Zipf,
    action: Zipf,
    user: Zipf,
}

/// Everything that was decided about one event.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    occurred_us: i64,
    id: [u64; 2],
    operation: u64,
    user: usize,
    action: usize,
    system: usize,
    target: usize,
    organization: usize,
    project: usize,
    status: &'static str,
    reason: Option<usize>,
    agent: usize,
    sequence: usize,
    state: usize,
    words: [u16; WORDS_MAX],
    words_count: usize,
}

impl Generator {
    /// A generator of `events` events that are spread over a year.
    pub(crate) fn new(seed: u64, events: u64) -> Self {
        let events = i64::try_from(events.max(1)).unwrap_or(i64::MAX);
        Self {
            seed,
            step_us: DAYS * DAY_US / events,
            words: invented(),
            word: Zipf::new(WORDS),
            action: Zipf::new(60),
            user: Zipf::new(USERS),
        }
    }

    /// How many whole days the first `events` events cover.
    pub(crate) fn days(&self, events: u64) -> i64 {
        i64::try_from(events).unwrap_or(i64::MAX).saturating_mul(self.step_us) / DAY_US
    }

    /// The events of one batch.
    pub(crate) fn batch(&self, number: u64) -> impl Iterator<Item = Draw> + '_ {
        let mut random = Random::new(self.seed, number);
        let mut operation = random.next();
        (number * BATCH..(number + 1) * BATCH).map(move |index| {
            if random.chance(400) {
                operation = random.next();
            }
            self.draw(index, operation, &mut random)
        })
    }

    fn draw(&self, index: u64, operation: u64, random: &mut Random) -> Draw {
        let user = self.user.pick(random);
        let organization = user % ORGANIZATIONS.len();
        let mut words = [0; WORDS_MAX];
        let words_count = WORDS_MIN + random.below(WORDS_MAX - WORDS_MIN + 1);
        for word in words.iter_mut().take(words_count) {
            *word = u16::try_from(self.word.pick(random)).unwrap_or_default();
        }
        Draw {
            occurred_us: self.occurred_us(index, random),
            id: [random.next(), random.next()],
            operation,
            user,
            action: self.action.pick(random),
            system: user / ORGANIZATIONS.len() % SYSTEMS.len(),
            target: target(random),
            organization,
            project: random.below(20),
            status: status(random),
            reason: random.chance(60).then(|| random.below(REASONS.len())),
            agent: user * 7 % AGENTS.len(),
            sequence: random.below(100_000),
            state: random.below(STATES.len()),
            words,
            words_count,
        }
    }

    /// Time moves on with each event; two in a hundred come up to a thousand places late. No two
    /// events share a microsecond but by a chance too small to matter.
    fn occurred_us(&self, index: u64, random: &mut Random) -> i64 {
        let step = usize::try_from(self.step_us).unwrap_or(1).max(1);
        let late = if random.chance(20) { random.below(1_000) as u64 } else { 0 };
        let place = i64::try_from(index.saturating_sub(late)).unwrap_or_default();
        FIRST_US + place * self.step_us + i64::try_from(random.below(step)).unwrap_or_default()
    }

    /// Appends the event as one line of JSON.
    pub(crate) fn write_json(&self, draw: &Draw, out: &mut Vec<u8>) {
        let given = pick(&GIVEN, draw.user);
        let family = pick(&FAMILY, draw.user / GIVEN.len());
        let organization = pick(&ORGANIZATIONS, draw.organization);
        let system = pick(&SYSTEMS, draw.system);
        let actor = draw.actor();
        let [high, low] = draw.id;
        let _ = write!(
            out,
            r#"{{"id":"{high:016x}{low:016x}","occurred_at":"{}","source":{{"system":"{system}"}},"actor":{{"type":"user","id":"{actor}","name":"{given} {family}","email":"{actor}@{organization}.example"}},"client":{{"ip":"10.{}.{}.{}","user_agent":"{}"}},"action":"{}","target":{{"type":"{}","id":"{}"}},"scope":{{"organization":{{"id":"{organization}"}},"project":{{"id":"prj-{:02}"}}}},"outcome":{{"status":"{}"}},"operation":"{:016x}","#,
            draw.occurred_at(),
            draw.user % 251,
            draw.user % 13,
            draw.user % 199,
            pick(&AGENTS, draw.agent),
            draw.action(),
            draw.target_type(),
            draw.target_id(),
            draw.project,
            draw.status,
            draw.operation,
        );
        if let Some(reason) = draw.reason {
            let _ = write!(out, r#""reason":{{"text":"{}"}},"#, pick(&REASONS, reason));
        }
        self.write_payload(draw, out);
        out.extend_from_slice(b"}\n");
    }

    fn write_payload(&self, draw: &Draw, out: &mut Vec<u8>) {
        let _ = write!(out, r#""params":{{"limit":{},"text":""#, draw.sequence % 500);
        for (place, word) in draw.words().enumerate() {
            if place > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(self.word(word).as_bytes());
        }
        out.extend_from_slice(br#""}"#);
        if draw.action().ends_with("update") {
            let (before, after) = (pick(&STATES, draw.state), pick(&STATES, draw.state + 1));
            let version = draw.sequence % 40;
            let _ = write!(
                out,
                r#","before":{{"status":"{before}","version":{version},"size":{}}},"after":{{"status":"{after}","version":{},"size":{}}}"#,
                draw.sequence,
                version + 1,
                draw.sequence + 512
            );
        }
    }

    /// A word of the free text by its rank.
    pub(crate) fn word(&self, rank: u16) -> &str {
        self.words.get(usize::from(rank)).map_or("", String::as_str)
    }
}

impl Draw {
    /// Appends the columns that PostgreSQL holds beside the document, tab-separated, as `COPY`
    /// reads them: time, actor, action, target id, target type, organization, id, outcome.
    pub(crate) fn write_columns(&self, out: &mut Vec<u8>) {
        let [high, low] = self.id;
        let _ = writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t{high:016x}{low:016x}\t{}",
            self.occurred_at(),
            self.actor(),
            self.action(),
            self.target_id(),
            self.target_type(),
            self.organization(),
            self.status,
        );
    }

    /// Who did it.
    pub(crate) fn actor(&self) -> String {
        let given = pick(&GIVEN, self.user).to_lowercase();
        let plain: String = given.chars().filter(char::is_ascii).collect();
        format!("{plain}{:04}", self.user)
    }

    /// What was done.
    pub(crate) fn action(&self) -> &'static str {
        pick(&ACTIONS, self.action)
    }

    /// The identifier of what it was done to.
    pub(crate) fn target_id(&self) -> String {
        format!(
            "{}-{:06}",
            pick(&["F", "S", "J", "I", "D", "W", "C", "Y"], self.target),
            self.target
        )
    }

    /// The kind of what it was done to.
    pub(crate) fn target_type(&self) -> &'static str {
        pick(&TARGET_TYPES, self.target)
    }

    /// The organization it belongs to.
    pub(crate) fn organization(&self) -> &'static str {
        pick(&ORGANIZATIONS, self.organization)
    }

    /// When it happened, microseconds since 1970.
    pub(crate) const fn occurred_us(&self) -> i64 {
        self.occurred_us
    }

    /// The ranks of the words of its free text.
    pub(crate) fn words(&self) -> impl Iterator<Item = u16> + '_ {
        self.words.iter().take(self.words_count).copied()
    }

    fn occurred_at(&self) -> String {
        format_us(self.occurred_us)
    }
}

/// A time in RFC 3339, UTC, with six digits of fraction.
pub(crate) fn format_us(micros: i64) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
    let time = Timestamp::from_microsecond(micros).unwrap_or_default();
    PRINTER.timestamp_to_string(&time)
}

/// Midnight of a day of the year that the events cover, in microseconds.
pub(crate) const fn day_us(day: i64) -> i64 {
    FIRST_US + day * DAY_US
}

fn pick<'a>(list: &[&'a str], number: usize) -> &'a str {
    list.get(number % list.len()).copied().unwrap_or_default()
}

/// Some targets are used far more than others: the square of an even choice.
fn target(random: &mut Random) -> usize {
    let (first, second) = (random.below(TARGETS), random.below(TARGETS));
    if random.chance(300) { first.min(second) / 10 } else { first }
}

fn status(random: &mut Random) -> &'static str {
    match random.below(100) {
        0..4 => "failure",
        4..6 => "denied",
        _ => "success",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(generator: &Generator, number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        generator.batch(number).for_each(|draw| generator.write_json(&draw, &mut out));
        out
    }

    #[test]
    fn the_same_seed_makes_the_same_events() {
        let first = lines(&Generator::new(1, 1_000_000), 17);
        assert_eq!(first, lines(&Generator::new(1, 1_000_000), 17));
        assert_ne!(first, lines(&Generator::new(2, 1_000_000), 17));
    }

    #[test]
    fn events_have_about_690_bytes_and_are_accepted_as_they_are() {
        let generator = Generator::new(1, 5_000_000);
        let bytes: Vec<u8> = (0..5).flat_map(|number| lines(&generator, number * 999)).collect();
        let text = String::from_utf8(bytes).unwrap();
        let mean = text.len() / text.lines().count();
        assert!((670..=710).contains(&mean), "{mean} bytes");
        for line in text.lines() {
            event::Event::parse(line).unwrap();
        }
    }

    #[test]
    fn the_columns_say_what_the_document_says() {
        let generator = Generator::new(3, 10_000);
        for draw in generator.batch(2) {
            let (mut json, mut columns) = (Vec::new(), Vec::new());
            generator.write_json(&draw, &mut json);
            draw.write_columns(&mut columns);
            let event: serde_json::Value = serde_json::from_slice(&json).unwrap();
            let columns = String::from_utf8(columns).unwrap();
            let from_json = [
                &event["occurred_at"],
                &event["actor"]["id"],
                &event["action"],
                &event["target"]["id"],
                &event["target"]["type"],
                &event["scope"]["organization"]["id"],
                &event["id"],
                &event["outcome"]["status"],
            ]
            .map(|value| value.as_str().unwrap());
            assert_eq!(columns.trim_end().split('\t').collect::<Vec<_>>(), from_json);
        }
    }
}

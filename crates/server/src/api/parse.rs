//! From the body of an append request to drafts.

use std::borrow::Cow;

use event::json::write_string;
use event::{Draft, Invalid, Items, Rule, Shape};

use crate::instance::{salt, uuid7};
use crate::problem::{Code, Detail, Problem};

/// The most events of one request.
pub(crate) const REQUEST_EVENTS_MAX: usize = 50_000;

/// The most faults of an all-or-nothing request that are looked for.
const FAULTS_MAX: usize = 100;

/// How the events of a request get ids when they bring none.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// `Idempotency-Key`.
    pub(crate) key: Option<String>,
    /// For ids that the server makes.
    pub(crate) now_micros: i64,
}

/// The events of a request, ready to be appended.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// Those that keep the rules, in order.
    pub(crate) drafts: Vec<Draft>,
    /// Their ids as JSON strings, one after the other.
    ids: Vec<u8>,
    /// Where each of those ends.
    id_ends: Vec<usize>,
    /// Those that break rules, with their positions. Only when the request is not all or nothing.
    pub(crate) refused: Vec<(usize, Invalid)>,
}

impl Parsed {
    /// The id of a draft, as a JSON string.
    pub(crate) fn id_json(&self, draft: usize) -> &[u8] {
        let start = draft.checked_sub(1).and_then(|before| self.id_ends.get(before));
        let end = self.id_ends.get(draft).copied().unwrap_or_default();
        self.ids.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
    }

    /// How many events the request has.
    pub(crate) fn len(&self) -> usize {
        self.drafts.len() + self.refused.len()
    }
}

/// Reads the events of a request.
///
/// # Errors
/// All or nothing: every fault up to [`FAULTS_MAX`]. Otherwise only a text that cannot be told
/// apart into events.
pub(crate) fn parse(
    body: &[u8],
    shape: Option<Shape>,
    ids: &Ids,
    atomic: bool,
) -> Result<Parsed, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(error.valid_up_to()))?;
    let shape = shape.unwrap_or_else(|| Shape::of_json(text));
    let mut parsed = Parsed::default();
    for (position, item) in Items::new(text, shape).enumerate() {
        if position == REQUEST_EVENTS_MAX {
            let detail =
                format!("a request has at most {REQUEST_EVENTS_MAX} events; send several requests");
            return Err(Problem::too_large(REQUEST_EVENTS_MAX, "events", detail));
        }
        let fault = match item {
            Ok(event) => match parsed.add(event, position, ids) {
                Ok(()) => continue,
                Err(fault) => fault,
            },
            Err(fault) => fault,
        };
        // A line can be told from the next whatever is in it; elsewhere the text ends here.
        if fault.rule == Rule::Syntax && shape != Shape::Lines {
            return Err(Problem::events(&[(position, fault)]));
        }
        parsed.refused.push((position, fault));
        if atomic && parsed.refused.len() > FAULTS_MAX {
            break;
        }
    }
    if atomic && !parsed.refused.is_empty() {
        return Err(Problem::events(&parsed.refused));
    }
    if parsed.len() == 0 {
        return Err(Problem::new(Code::InvalidEvent).detail("the request has no event"));
    }
    Ok(parsed)
}

impl Parsed {
    fn add(
        &mut self,
        mut event: event::Event<'_>,
        position: usize,
        ids: &Ids,
    ) -> Result<(), Invalid> {
        // Who could speak in the server's name could say that a day is closed.
        if event.source.system.trim().eq_ignore_ascii_case(registry::SYSTEM) {
            let message = format!("`{}` is the server itself; name another", registry::SYSTEM);
            return Err(Invalid {
                at: "/source/system".to_owned(),
                rule: Rule::ServerMember,
                message,
                offset: None,
            });
        }
        if event.id.is_none() {
            event.id = Some(Cow::Owned(match &ids.key {
                Some(key) => format!("{key}:{position}"),
                None => uuid7(ids.now_micros),
            }));
        }
        self.drafts.push(Draft::new(&event, None, &mut salt)?);
        write_string(&mut self.ids, event.id.as_deref().unwrap_or_default());
        self.id_ends.push(self.ids.len());
        Ok(())
    }
}

fn not_utf8(offset: usize) -> Problem {
    let message = "the body is not UTF-8".to_owned();
    Problem::new(Code::MalformedJson).detail(message.clone()).because(Detail {
        code: Some(Rule::Syntax.code()),
        offset: Some(offset),
        message,
        ..Detail::default()
    })
}

//! Everything that happened to one thing, by one user, in one operation or session; and for a thing,
//! each change, each field's values, and what it was as of any moment.

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use event::Entry;
use search::{Clause, Cursor, Field, Order, PAGE_MAX, Pattern, Query};
use serde_json::json;
use trail::Recorded;

use super::asof::{Moved, State, as_of, fields, in_order, steps};
use super::changes::{ChangeRow, Difference, rows};
use super::columns::Column;
use super::criteria::{Url, parse};
use super::event::spoken;
use super::row::{Row, Setting, outcome_badge};
use super::text::{self, Html, grouped};
use super::tree::tree;
use super::visit::{Frame, Shown, Visit, page};
use super::when::Clock;
use crate::Links;
use crate::fitting::{PAGE_BYTES_MAX, each_fitting};
use crate::instance::OpenTrail;
use crate::params::Params;
use crate::problem::Problem;

/// The most events that a record is rebuilt from.
const EVENTS_MAX: usize = 10_000;

/// The most steps that one page shows; the fold takes all.
const STEPS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    trail: String,
    /// What it is the history of.
    kind: &'static str,
    name: Html,
    /// The list of the same events.
    list: String,
    /// The parameters that say what it is the history of.
    about: Vec<(&'static str, String)>,
    count: u64,
    cut: bool,
    /// How many of them the page was made from.
    taken: String,
    first: String,
    last: String,
    /// For a thing: what it went through.
    steps: Vec<StepView>,
    fields: Vec<FieldView>,
    asof: Option<AsOf>,
    /// For a user, an operation or a session: its events.
    rows: Vec<Row>,
    columns: Vec<Column>,
    more: bool,
}

/// One event of a thing's history.
#[derive(Debug)]
struct StepView {
    index: u64,
    when: String,
    zone: String,
    iso: String,
    sentence: Vec<(&'static str, Html)>,
    outcome: Html,
    changes: Vec<ChangeRow>,
    unrecorded: Vec<ChangeRow>,
    /// Where the thing is shown as of this moment.
    asof: String,
}

/// One field's values in order.
#[derive(Debug)]
struct FieldView {
    path: Html,
    values: Vec<(u64, String, Html, Html, &'static str)>,
}

/// The thing as of a moment, and compared with another.
#[derive(Debug)]
struct AsOf {
    at: String,
    shown: StateView,
    against: Option<(String, StateView, Difference)>,
    at_input: String,
    against_input: String,
    fault: bool,
}

/// A state in words and as a tree.
#[derive(Debug)]
struct StateView {
    words: String,
    since: Option<u64>,
    unsaid: Vec<u64>,
    tree: Html,
    /// The state as JSON; empty when there is none.
    json: String,
}

/// What a history is about.
#[derive(Debug)]
struct About {
    kind: &'static str,
    name: String,
    query: Query,
    params: Vec<(&'static str, String)>,
    is_thing: bool,
}

impl About {
    fn read(params: &mut Params) -> Result<Self, Problem> {
        let kind = params.take("target_type")?;
        let id = params.take("target_id")?;
        if let (Some(kind), Some(id)) = (kind, id) {
            return Ok(Self {
                kind: "record",
                name: format!("{kind} {id}"),
                query: Query::history(&kind, &id),
                params: vec![("target_type", kind), ("target_id", id)],
                is_thing: true,
            });
        }
        for (name, kind, field) in [
            ("actor", "user", Field::Actor),
            ("operation", "operation", Field::Operation),
            ("session", "session", Field::Session),
        ] {
            if let Some(value) = params.take(name)? {
                let clause = Clause::new(field, Pattern::Exactly(value.clone()));
                return Ok(Self {
                    kind,
                    name: value.clone(),
                    query: Query::default().with(clause),
                    params: vec![(name, value)],
                    is_thing: false,
                });
            }
        }
        Err(Problem::parameter("target_id", "is required, or one of actor, operation, session"))
    }

    fn href(&self, trail: &str, more: &[(&str, &str)]) -> String {
        let mut url = Url::default();
        for (name, value) in &self.params {
            url.add(name, value);
        }
        for (name, value) in more {
            url.add(name, value);
        }
        format!("/t/{trail}/history{}", url.finish())
    }
}

/// `GET /t/{trail}/history`.
pub(crate) async fn history(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let mut params = visit.call.params()?;
    let about = About::read(&mut params)?;
    let at = params.take("at")?.unwrap_or_default();
    let against = params.take("against")?.unwrap_or_default();
    visit.call.record_read("history", &open, &json!({"q": about.query.to_string()}));
    let frame = visit.frame(&format!("History of {}", text::plain(&about.name)), "events");
    let clock = visit.taste.clock.clone();
    let links = visit.call.app.options().links.clone();
    visit
        .call
        .app
        .blocking(move || {
            let page = build(frame, &open, &about, (&clock, &links), (&at, &against))?;
            Ok::<_, Problem>(self::page(&page))
        })
        .await
}

fn build(
    frame: Frame,
    open: &OpenTrail,
    about: &About,
    (clock, links): (&Clock, &Links),
    (at, against): (&str, &str),
) -> Result<HistoryPage, Problem> {
    let trail = open.slug.to_string();
    let count = open.projection.count(&about.query)?.count;
    let events = read(open, &about.query, if about.is_thing { EVENTS_MAX } else { STEPS_MAX })?;
    let moment = |recorded: Option<&Recorded>| {
        recorded.map(|recorded| happened(recorded, clock)).unwrap_or_default()
    };
    let mut url = Url::default();
    url.add("q", &about.query.to_string());
    let mut page = HistoryPage {
        frame,
        kind: about.kind,
        name: text::clipped(&about.name, 200),
        list: format!("/t/{trail}{}", url.finish()),
        about: about.params.clone(),
        count,
        cut: count > events.len() as u64,
        taken: grouped(events.len() as u64),
        first: moment(events.first()),
        last: moment(events.last()),
        steps: Vec::new(),
        fields: Vec::new(),
        asof: None,
        rows: Vec::new(),
        columns: vec![
            Column::Time,
            Column::Actor,
            Column::Action,
            Column::Target,
            Column::Outcome,
            Column::Reason,
        ],
        more: false,
        trail,
    };
    if about.is_thing {
        page.fill_thing(&events, about, clock, (at, against));
    } else {
        let published = open.trail.published().checkpoint.size().get();
        let setting = Setting { trail: open.slug.as_str(), clock, published, links };
        page.rows =
            events.iter().map(|recorded| Row::new(recorded, &page.columns, setting)).collect();
    }
    Ok(page)
}

fn happened(recorded: &Recorded, clock: &Clock) -> String {
    let text = recorded.text();
    Entry::parse(&text)
        .map(|entry| clock.stamp(&entry.event.occurred_at).to_string())
        .unwrap_or_default()
}

/// The first events of a question, oldest first: so many, or as many as fit into memory.
fn read(open: &OpenTrail, query: &Query, count_max: usize) -> Result<Vec<Recorded>, Problem> {
    let mut events = Vec::new();
    let mut after: Option<Cursor> = None;
    let mut left = PAGE_BYTES_MAX;
    while events.len() < count_max && left > 0 {
        let mut found = open.projection.search(query, Order::Oldest, PAGE_MAX, after.as_ref())?;
        let mut take = |recorded| events.push(recorded);
        let bytes = each_fitting(&open.trail, &mut found, left, &mut take)?;
        left = left.saturating_sub(bytes);
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    events.truncate(count_max);
    Ok(events)
}

impl HistoryPage {
    fn fill_thing(
        &mut self,
        events: &[Recorded],
        about: &About,
        clock: &Clock,
        (at, against): (&str, &str),
    ) {
        let moved: Vec<Moved> = events
            .iter()
            .filter_map(|recorded| {
                let text = recorded.text();
                let entry = Entry::parse(&text).ok()?;
                Some(Moved::of(recorded.index, &entry))
            })
            .collect();
        let moved = in_order(moved);
        let found = steps(&moved);
        for (step, recorded) in found.iter().zip(events).take(STEPS_MAX) {
            let text = recorded.text();
            let Ok(entry) = Entry::parse(&text) else { continue };
            let stamp = clock.stamp(&entry.event.occurred_at);
            self.steps.push(StepView {
                index: step.index,
                when: format!("{} {}", stamp.date, stamp.time),
                zone: stamp.zone,
                asof: about.href(&self.trail, &[("at", &stamp.iso)]),
                iso: stamp.iso,
                sentence: spoken(&entry.event),
                outcome: outcome_badge(&entry.event),
                changes: rows(&step.changes),
                unrecorded: rows(&step.unrecorded),
            });
        }
        self.more = found.len() > STEPS_MAX;
        self.fields = field_views(&found, clock);
        self.asof = Some(AsOf::new(&moved, clock, at, against));
    }
}

fn field_views(found: &[super::asof::Step], clock: &Clock) -> Vec<FieldView> {
    /// Fields whose history is shown.
    const FIELDS_MAX: usize = 200;
    fields(found)
        .into_iter()
        .take(FIELDS_MAX)
        .map(|(path, changes)| FieldView {
            path: text::shown(if path.is_empty() { "(the whole state)" } else { &path }),
            values: changes
                .iter()
                .map(|field| {
                    let row = ChangeRow::new(&field.change);
                    let when = clock.stamp_micros(field.occurred_micros).to_string();
                    let word = if field.is_recorded { row.word } else { "without an event" };
                    (field.index, when, row.old, row.new, word)
                })
                .collect(),
        })
        .collect()
}

impl AsOf {
    fn new(events: &[Moved], clock: &Clock, at: &str, against: &str) -> Self {
        let read = |text: &str| {
            // The language reads a moment, or a day or minute of the reader's zone.
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+');
            (!text.is_empty() && text.chars().all(plain))
                .then(|| parse(&format!("from:{text}"), clock).ok()?.occurred.from)
                .flatten()
        };
        let last = events.last().map_or(0, |moved| moved.occurred_micros);
        let moment = read(at).unwrap_or(last);
        let state = as_of(events, moment);
        let other = read(against).map(|other_moment| {
            let other = as_of(events, other_moment);
            let difference = Difference::new(other.value.as_ref(), state.value.as_ref(), "rows");
            (clock.stamp_micros(other_moment).to_string(), StateView::new(&other), difference)
        });
        Self {
            at: clock.stamp_micros(moment).to_string(),
            shown: StateView::new(&state),
            fault: (!at.is_empty() && read(at).is_none())
                || (!against.is_empty() && read(against).is_none()),
            against: other,
            at_input: event::format_micros(moment),
            against_input: against.to_owned(),
        }
    }
}

impl StateView {
    fn new(state: &State) -> Self {
        let words = match (&state.value, state.ended, state.since) {
            (_, true, _) => "It was deleted.",
            (Some(_), ..) if state.unsaid.is_empty() => "It was like this.",
            (Some(_), ..) => {
                "It was like this, and then changed by events that do not say into what."
            }
            (None, _, _) if !state.unsaid.is_empty() => {
                "It was there; no event up to then says what it was like."
            }
            _ => "No event up to then says what it was like.",
        };
        Self {
            words: words.to_owned(),
            since: state.since,
            unsaid: state.unsaid.iter().copied().take(20).collect(),
            tree: state.value.as_ref().map(tree).unwrap_or_default(),
            json: state.value.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl HistoryPage {
    fn counted(&self) -> String {
        grouped(self.count)
    }
}

//! One event, opened: what happened, what changed, all that was said, and its proof.

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use event::Entry;
use search::{Field, Order, Query};
use serde_json::{Value, json};
use tlog::leaf_hash;
use trail::{Feed as _, Recorded};

use super::changes::{Difference, VIEWS};
use super::columns::Column;
use super::criteria::about;
use super::facts::{Group, groups};
use super::lines::Pair;
use super::row::{Row, Setting, history_of};
use super::sentence::{Role, sentence};
use super::text::{self, Html};
use super::tree::tree_of;
use super::visit::{Frame, Shown, Visit, page};
use crate::api;
use crate::fitting::{PAGE_BYTES_MAX, each_fitting};
use crate::instance::OpenTrail;
use crate::problem::Problem;

/// Events of the same operation that are listed.
const SIBLINGS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    frame: Frame,
    trail: String,
    index: u64,
    newer: Option<u64>,
    older: Option<u64>,
    glance: Glance,
    groups: Vec<Group>,
    trees: Vec<(&'static str, Html)>,
    siblings: Vec<Row>,
    siblings_more: bool,
    operation: String,
    operation_href: String,
    json: String,
    entry: String,
    leaf: String,
    vkey: String,
    origin: String,
    published: u64,
    covered: bool,
    citation: String,
}

/// What a row shows when it is opened, and an event's page first.
#[derive(Debug, Template)]
#[template(path = "glance.html")]
pub(crate) struct Glance {
    pub(crate) readable: bool,
    pub(crate) sentence: Vec<(&'static str, Html)>,
    pub(crate) difference: Difference,
    pub(crate) difference_view: &'static str,
    /// The ways to see the change that an event's page offers.
    pub(crate) views: &'static [(&'static str, &'static str)],
    /// Why there is nothing to compare.
    pub(crate) nothing: &'static str,
}

impl Glance {
    /// What an event says at a glance.
    pub(crate) fn new(recorded: &Recorded, view: &'static str) -> Self {
        let text = recorded.text();
        let Ok(entry) = Entry::parse(&text) else {
            return Self {
                readable: false,
                sentence: Vec::new(),
                difference: Difference::default(),
                difference_view: view,
                views: &[],
                nothing: "This entry cannot be read by this version; its bytes are below.",
            };
        };
        let event = &entry.event;
        let value = |json: &Option<event::Json<'_>>| {
            json.as_ref().and_then(|json| serde_json::from_str::<Value>(json.as_str()).ok())
        };
        let difference =
            Difference::new(value(&event.before).as_ref(), value(&event.after).as_ref(), view);
        let nothing = if difference.any {
            "Before and after are the same."
        } else {
            "The source sent no state before or after."
        };
        let sentence = spoken(event);
        Self { readable: true, sentence, difference, difference_view: view, views: &[], nothing }
    }
}

/// A sentence's parts with the classes that they are shown by.
pub(crate) fn spoken(event: &event::Event<'_>) -> Vec<(&'static str, Html)> {
    let class = |role| match role {
        Role::Plain => "plain",
        Role::Actor => "actor",
        Role::Action => "action",
        Role::Target => "target",
        Role::Quote => "quote",
        Role::Bad => "bad",
    };
    let parts = sentence(event).parts;
    parts.into_iter().map(|(role, part)| (class(role), text::clipped(&part, 400))).collect()
}

/// `GET /t/{trail}/e/{index}`.
pub(crate) async fn event(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let index = visit.call.index()?;
    let mut params = visit.call.params()?;
    let view = params.take("diff")?.unwrap_or_default();
    let view = VIEWS.into_iter().find(|(word, _)| *word == view).map_or("rows", |(word, _)| word);
    visit.call.record_read("read", &open, &json!({"index": index}));
    let frame = visit.frame(&format!("Event {index} of {}", open.slug), "events");
    let (clock, now) = (visit.taste.clock.clone(), visit.call.app.instance().now_micros());
    let links = visit.call.app.options().links.clone();
    visit
        .call
        .app
        .blocking(move || {
            let recorded = open.trail.read_one(index)?;
            let published = open.trail.published().checkpoint.size().get();
            let slug = open.slug.as_str();
            let setting = Setting { trail: slug, clock: &clock, published, links: &links };
            let text = recorded.text();
            let entry = Entry::parse(&text).ok();
            let (siblings, siblings_more, operation) = match &entry {
                Some(entry) => siblings(&open, entry, index, setting)?,
                None => (Vec::new(), false, String::new()),
            };
            let leaf = leaf_hash(&recorded.entry).to_string();
            let page = EventPage {
                trail: slug.to_owned(),
                index,
                newer: Some(index + 1).filter(|next| *next < open.trail.committed_size()),
                older: index.checked_sub(1),
                glance: Glance { views: &VIEWS, ..Glance::new(&recorded, view) },
                groups: entry.as_ref().map(|entry| groups(entry, setting, now)).unwrap_or_default(),
                trees: entry.as_ref().map(trees).unwrap_or_default(),
                siblings,
                siblings_more,
                operation_href: history_of(slug, &[("operation", &operation)]),
                operation,
                json: recorded.to_json(),
                entry: text.clone().into_owned(),
                citation: citation(&open, index, &leaf, entry.as_ref()),
                leaf,
                vkey: open.trail.verifier().to_string(),
                origin: open.trail.origin().to_owned(),
                published,
                covered: index < published,
                frame,
            };
            Ok::<_, Problem>(self::page(&page))
        })
        .await
}

/// The free values of an entry, as trees.
fn trees(entry: &Entry<'_>) -> Vec<(&'static str, Html)> {
    let event = &entry.event;
    [
        ("Input of the request", &event.params),
        ("Attributes", &event.attributes),
        ("State before", &event.before),
        ("State after", &event.after),
        ("The source’s own record", &entry.native),
        ("Rules that it broke", &entry.violations),
    ]
    .into_iter()
    .filter_map(|(title, json)| Some((title, tree_of(json.as_ref()?.as_str()))))
    .collect()
}

/// The other events of the same operation, oldest first.
fn siblings(
    open: &OpenTrail,
    entry: &Entry<'_>,
    index: u64,
    setting: Setting<'_>,
) -> Result<(Vec<Row>, bool, String), Problem> {
    let Some(operation) = entry.event.operation.as_deref() else {
        return Ok((Vec::new(), false, String::new()));
    };
    let query: Query = about(Field::Operation, operation);
    let mut found = open.projection.search(&query, Order::Oldest, SIBLINGS_MAX, None)?;
    let columns = [Column::Time, Column::Action, Column::Target, Column::Outcome];
    let mut rows = Vec::new();
    each_fitting(&open.trail, &mut found, PAGE_BYTES_MAX, &mut |recorded| {
        if recorded.index != index {
            rows.push(Row::new(&recorded, &columns, setting));
        }
    })?;
    Ok((rows, found.next.is_some(), operation.to_owned()))
}

/// A line to be put into a report, by which anyone finds and checks the event.
fn citation(open: &OpenTrail, index: u64, leaf: &str, entry: Option<&Entry<'_>>) -> String {
    let recorded = entry.map(|entry| event::format_micros(entry.recorded_at_micros));
    let recorded = recorded.map(|at| format!(", recorded {at}")).unwrap_or_default();
    format!("{} event {index}{recorded}, leaf hash {leaf}", open.trail.origin())
}

/// `GET /t/{trail}/e/{index}/glance`: what a row shows when it is opened.
pub(crate) async fn glance(visit: Visit) -> Shown {
    let shown = async {
        let open = visit.call.trail().await?;
        let index = visit.call.index()?;
        visit.call.record_read("read", &open, &json!({"index": index}));
        visit
            .call
            .app
            .blocking(move || {
                let recorded = open.trail.read_one(index)?;
                Ok::<_, Problem>(page(&Glance::new(&recorded, "rows")))
            })
            .await
    };
    shown.await.map_err(|problem| visit.failed(problem))
}

/// `GET /t/{trail}/e/{index}/receipt`: the receipt, for a browser that is signed in.
pub(crate) async fn receipt(visit: Visit) -> Result<Response<Body>, Problem> {
    api::receipt(visit.call).await
}

/// `GET /t/{trail}/consistency`: that a trail continues a checkpoint, for a browser that is signed in.
pub(crate) async fn consistency(visit: Visit) -> Result<Response<Body>, Problem> {
    api::consistency(visit.call).await
}

//! Saved views: a list's state under a name, one's own or shared, and those that come with the page.
//!
//! A view is an event on the `system` trail like every other change of the configuration; which views
//! there are is the fold of those events.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::RawForm;
use axum::http::Response;
use event::{Entry, Event, Json, Moment, Outcome, Status, Target};
use registry::{SYSTEM, SYSTEM_SLUG, Slug};
use search::{Clause, Field, Order, PAGE_MAX, Query};
use serde_json::{Value, json};
use trail::Feed as _;

use super::criteria::encoded;
use super::signin::read_form;
use super::visit::{Shown, Visit, see_other};
use crate::instance::{BY_SERVER, append, own_record, uuid7};
use crate::problem::{Code, Problem};

/// The type of thing that a view is on the `system` trail.
const TYPE: &str = "view";

/// The most characters of a view's name.
const NAME_CHARS_MAX: usize = 80;

/// Views that come with the page: what reviewers ask for. A name, a page below the trail's own, and
/// what it is asked. Working hours are meant by the clocks of the reader. What was imported is late by
/// nature, and says nothing of a source that was late.
const SHIPPED: [(&str, &str, &str); 12] = [
    ("Deletions", "", "q=kind:delete"),
    ("Failed or refused", "", "q=outcome:(failure|denied)"),
    ("Failed sign-ins", "", "q=kind:access outcome:(failure|denied)"),
    ("Changes without a reason", "", "q=kind:(update|delete) reason:none"),
    ("Permission changes", "", "q=kind:permission"),
    ("Out of hours", "", "q=-hours:mon-fri/7-19"),
    ("One account from many addresses", "/accounts", "least=2"),
    ("By the system itself", "", "q=actor.type:(system|service)"),
    ("Imports", "", "q=imported:yes"),
    ("Exports and downloads", "", "q=kind:export"),
    (
        "Late arrivals",
        "",
        "q=late:1h imported:no&order=last_recorded&cols=time,recorded,actor,action,target,outcome,source,proof",
    ),
    ("Today", "", "when=today"),
];

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Its identifier; empty for those that come with the page.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) href: String,
    /// What it asks, as its URL says it; empty for those that were saved.
    asks: String,
    pub(crate) shared: bool,
    /// Whether the reader saved it.
    pub(crate) own: bool,
}

impl View {
    /// The question for a person; empty where there is none but an order or a period.
    pub(crate) fn question(&self) -> &str {
        question_of(&self.asks)
    }
}

/// The question among what a page is asked.
fn question_of(asks: &str) -> &str {
    asks.split('&').find_map(|pair| pair.strip_prefix("q=")).unwrap_or_default()
}

/// The views that come with the page.
pub(crate) fn shipped(trail: &str) -> Vec<View> {
    let href = |page: &str, pairs: &str| {
        let parts: Vec<String> = pairs
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        format!("/t/{trail}{page}?{}", parts.join("&"))
    };
    SHIPPED
        .into_iter()
        .map(|(name, page, pairs)| View {
            id: String::new(),
            name: name.to_owned(),
            href: href(page, pairs),
            asks: pairs.to_owned(),
            shared: true,
            own: false,
        })
        .collect()
}

/// The views of a trail that a reader may use: their own, and shared ones.
pub(crate) async fn views_of(visit: &Visit, trail: &str) -> Result<Vec<View>, Problem> {
    let system = visit.call.app.open_unchecked(&system()?).await?;
    let (trail, me) = (trail.to_owned(), visit.call.caller.token().id.to_string());
    visit
        .call
        .app
        .blocking(move || {
            let query = Query::default().with(Clause::exactly(Field::TargetType, TYPE));
            let found = system.projection.search(&query, Order::FirstRecorded, PAGE_MAX, None)?;
            let mut fold = Fold::default();
            for recorded in system.trail.read_many(&found.indexes)? {
                fold.apply(&recorded.text());
            }
            Ok::<_, Problem>(fold.views(&trail, &me))
        })
        .await
}

fn system() -> Result<Slug, Problem> {
    Slug::parse(SYSTEM_SLUG).map_err(|_| Problem::new(Code::Internal))
}

/// Views as their events add up.
#[derive(Debug, Default)]
struct Fold(BTreeMap<String, Saved>);

#[derive(Debug)]
struct Saved {
    name: String,
    trail: String,
    query: String,
    shared: bool,
    owner: String,
}

impl Fold {
    fn apply(&mut self, text: &str) {
        // What is not understood is not a view.
        let _ = self.understand(text);
    }

    fn understand(&mut self, text: &str) -> Option<()> {
        let entry = Entry::parse(text).ok()?;
        let event = &entry.event;
        let id = event.target.as_ref().filter(|target| target.kind == TYPE)?.id.as_deref()?;
        match event.action.as_ref() {
            "view.save" => {
                let after: Value = serde_json::from_str(event.after.as_ref()?.as_str()).ok()?;
                let word = |name: &str| after.get(name)?.as_str().map(ToOwned::to_owned);
                let saved = Saved {
                    name: word("name")?,
                    trail: word("trail")?,
                    query: word("query")?,
                    shared: after.get("shared")?.as_bool()?,
                    owner: word("owner")?,
                };
                self.0.insert(id.to_owned(), saved);
            }
            "view.remove" => drop(self.0.remove(id)),
            _ => {}
        }
        Some(())
    }

    fn views(&self, trail: &str, me: &str) -> Vec<View> {
        let mut list: Vec<View> = self
            .0
            .iter()
            .filter(|(_, saved)| saved.trail == trail && (saved.shared || saved.owner == me))
            .map(|(id, saved)| View {
                id: id.clone(),
                name: saved.name.clone(),
                href: format!("/t/{trail}{}", saved.query),
                asks: String::new(),
                shared: saved.shared,
                own: saved.owner == me,
            })
            .collect();
        list.sort_by(|one, other| one.name.cmp(&other.name));
        list
    }
}

/// `POST /t/{trail}/views`: saves or removes a view.
pub(crate) async fn change(visit: Visit, RawForm(form): RawForm) -> Shown {
    change_inner(&visit, &form).await.map_err(|problem| visit.failed(problem))
}

async fn change_inner(visit: &Visit, form: &[u8]) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let mut form = read_form(&visit.call.headers, form)?;
    let trail = open.slug.as_str();
    let me = visit.call.caller.token().id.to_string();
    if let Some(id) = form.take("remove")? {
        let own = views_of(visit, trail).await?.into_iter().find(|view| view.id == id && view.own);
        let own = own.ok_or_else(|| {
            Problem::new(Code::Forbidden).detail("only who saved a view can remove it")
        })?;
        record(visit, "view.remove", &own.id, &own.name, None).await?;
        return Ok(see_other(&format!("/t/{trail}")));
    }
    let name = form.take("name")?.unwrap_or_default().trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        let message = format!("has 1 to {NAME_CHARS_MAX} characters");
        return Err(Problem::parameter("name", message));
    }
    let here = form.take("here")?.unwrap_or_default();
    let query = here.strip_prefix(&format!("/t/{trail}")).unwrap_or_default();
    let query = if query.starts_with('?') { query } else { "" };
    let shared = form.take("shared")?.is_some();
    let after = json!({
        "name": name, "trail": trail, "query": query, "shared": shared, "owner": me,
    });
    let id = uuid7(visit.call.app.instance().now_micros());
    record(visit, "view.save", &id, &name, Some(&after)).await?;
    Ok(see_other(&format!("/t/{trail}{query}")))
}

/// Records a change of a view on the `system` trail, and waits until the page can find it.
async fn record(
    visit: &Visit,
    action: &'static str,
    id: &str,
    name: &str,
    after: Option<&Value>,
) -> Result<(), Problem> {
    let instance = visit.call.app.instance();
    let now = instance.now_micros();
    let after = after.map(ToString::to_string);
    let event = Event {
        id: Some(uuid7(now).into()),
        actor: Some(visit.call.caller.actor()),
        target: Some(Target {
            kind: TYPE.into(),
            id: Some(id.to_owned().into()),
            name: Some(name.to_owned().into()),
            ..Target::default()
        }),
        outcome: Some(Outcome { status: Status::Success, ..Outcome::default() }),
        after: after.and_then(|text| Json::parse(&text).map(Json::into_owned).ok()),
        ..Event::new(Moment::from_micros(now), SYSTEM, action)
    };
    let refused =
        |error: &event::Invalid| Problem::new(Code::InvalidRequest).detail(error.to_string());
    let batch = own_record(&event, BY_SERVER.into()).map_err(|error| refused(&error))?;
    let system = visit.call.app.open_unchecked(&system()?).await?;
    append(&system.trail, batch).await?;
    system.projection.notify();
    let wait = visit.call.app.options().wait_max;
    visit
        .call
        .app
        .blocking(move || {
            system.projection.wait_for(system.trail.committed_size(), wait);
            Ok::<_, Problem>(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(action: &str, id: &str, after: &str) -> String {
        format!(
            r#"{{"v":1,"recorded_at":"2026-01-01T00:00:00.000000Z","recorded_by":"server","received":{{"via":"server"}},"occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"indelible"}},"action":"{action}","target":{{"type":"view","id":"{id}"}}{after}}}"#
        )
    }

    #[test]
    fn a_view_is_its_owners_until_it_is_shared_or_removed() {
        let after = |name: &str, shared: bool| {
            format!(
                r#","after":{{"name":"{name}","trail":"lab","query":"?q=a","shared":{shared},"owner":"me"}}"#
            )
        };
        let mut fold = Fold::default();
        fold.apply(&entry("view.save", "1", &after("B", false)));
        fold.apply(&entry("view.save", "2", &after("A", true)));
        fold.apply(&entry("view.frob", "3", ""));
        fold.apply("nonsense");
        let names = |fold: &Fold, me: &str| -> Vec<String> {
            fold.views("lab", me).into_iter().map(|view| view.name).collect()
        };
        assert_eq!(names(&fold, "me"), ["A", "B"]);
        assert_eq!(names(&fold, "you"), ["A"]);
        assert!(fold.views("other", "me").is_empty());
        fold.apply(&entry("view.remove", "2", ""));
        assert_eq!(names(&fold, "you"), [""; 0]);
    }

    #[test]
    fn every_shipped_view_is_a_question_that_can_be_asked() {
        for (name, _, pairs) in SHIPPED {
            assert!(Query::parse(question_of(pairs)).is_ok(), "{name}");
        }
        let late = shipped("lab").into_iter().find(|view| view.name == "Late arrivals").unwrap();
        assert_eq!(late.question(), "late:1h imported:no");
        assert_eq!(shipped("lab")[0].href, "/t/lab?q=kind:delete");
    }
}

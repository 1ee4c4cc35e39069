//! Saved views: a list's state under a name, one's own or shared, and those that come with the page.
//!
//! A view is an event on the `system` trail like every other change of the configuration; which views
//! there are is the fold of those events. So that it never has to stop short of one, no more can be
//! saved than can be removed again within what is read.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Response;
use event::{Entry, Event, Json, Moment, Outcome, Related, Status, Target};
use registry::{SYSTEM, SYSTEM_SLUG, Slug, TokenId};
use search::{Clause, Field, Order, PAGE_MAX, Projection, Query};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use trail::Feed as _;

use super::criteria::encoded;
use super::signin::read_form;
use super::visit::{Shown, Visit, see_other};
use crate::instance::{BY_SERVER, OpenTrail, append, own_record, uuid7};
use crate::problem::{Code, Problem};

/// The type of thing that a view is on the `system` trail.
const TYPE: &str = "view";

/// The type of thing that a view is of.
const TRAIL_TYPE: &str = "trail";

const SAVE: &str = "view.save";
const REMOVE: &str = "view.remove";

/// The most characters of a view's name.
const NAME_CHARS_MAX: usize = 80;

/// The most bytes of what a view asks, as its URL says it: every list has the URLs of all views.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// The most views of a trail at once: readers go through them by eye, and every list has them all.
const VIEWS_MAX: usize = 200;

/// The most pages of events that the views of a trail are told from: every list reads them.
const EVENT_PAGES_MAX: usize = 50;

/// The most events that the views of a trail are told from.
const EVENTS_MAX: usize = EVENT_PAGES_MAX * PAGE_MAX;

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
    let fold = fold_of(visit, trail).await?;
    Ok(fold.views(visit.call.caller.token().id.as_str()))
}

/// All views of a trail.
async fn fold_of(visit: &Visit, trail: &str) -> Result<Fold, Problem> {
    let system = visit.call.app.open_unchecked(&system()?).await?;
    let trail = trail.to_owned();
    visit.call.app.blocking(move || folded(&system, trail)).await
}

fn folded(system: &OpenTrail, trail: String) -> Result<Fold, Problem> {
    let [of_trail, of_none] = about_views(&trail);
    let mut indexes = found(&system.projection, &of_trail)?;
    let mut fold = Fold::of(trail, indexes.len());
    indexes.extend(found(&system.projection, &of_none)?);
    indexes.sort_unstable();
    for page in indexes.chunks(PAGE_MAX) {
        for recorded in system.trail.read_many(page)? {
            fold.apply(&recorded.text());
        }
    }
    Ok(fold)
}

/// What tells of the views of a trail: what names it, and what was recorded when such events named
/// none.
fn about_views(trail: &str) -> [Query; 2] {
    let views = Query::default().with(Clause::exactly(Field::TargetType, TYPE));
    let of_trail = Clause::exactly(Field::Related, format!("{TRAIL_TYPE}/{trail}"));
    [views.clone().with(of_trail), views.with(Clause::present(Field::Related, false))]
}

/// The events that are meant; of too many the last ones, so that what is done now counts.
fn found(projection: &Projection, query: &Query) -> Result<Vec<u64>, search::Error> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..EVENT_PAGES_MAX {
        let page = projection.search(query, Order::LastRecorded, PAGE_MAX, after.as_ref())?;
        all.extend(page.indexes);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(all)
}

fn system() -> Result<Slug, Problem> {
    Slug::parse(SYSTEM_SLUG).map_err(|_| Problem::new(Code::Internal))
}

/// The views of a trail as their events add up.
#[derive(Debug)]
struct Fold {
    trail: String,
    saved: BTreeMap<String, Saved>,
    /// How many events there are that name the trail.
    events: usize,
}

#[derive(Clone, Debug)]
struct Saved {
    name: String,
    trail: String,
    query: String,
    shared: bool,
    owner: String,
}

impl Saved {
    fn read(text: &str) -> Option<Self> {
        let state: Value = serde_json::from_str(text).ok()?;
        let word = |name: &str| state.get(name)?.as_str().map(ToOwned::to_owned);
        Some(Self {
            name: word("name")?,
            trail: word("trail")?,
            query: word("query")?,
            shared: state.get("shared")?.as_bool()?,
            owner: word("owner")?,
        })
    }

    fn write(&self) -> Option<Json<'static>> {
        let state = json!({
            "name": self.name, "trail": self.trail, "query": self.query, "shared": self.shared,
            "owner": self.owner,
        });
        Json::parse(&state.to_string()).map(Json::into_owned).ok()
    }
}

impl Fold {
    const fn of(trail: String, events: usize) -> Self {
        Self { trail, saved: BTreeMap::new(), events }
    }

    fn apply(&mut self, text: &str) {
        // What is not understood is not a view.
        let _ = self.understand(text);
    }

    fn understand(&mut self, text: &str) -> Option<()> {
        let entry = Entry::parse(text).ok()?;
        let event = &entry.event;
        let id = event.target.as_ref().filter(|target| target.kind == TYPE)?.id.as_deref()?;
        match event.action.as_ref() {
            SAVE => {
                let saved = Saved::read(event.after.as_ref()?.as_str())?;
                if saved.trail == self.trail {
                    self.saved.insert(id.to_owned(), saved);
                }
            }
            REMOVE => drop(self.saved.remove(id)),
            _ => {}
        }
        Some(())
    }

    fn views(&self, me: &str) -> Vec<View> {
        let mut list: Vec<View> = self
            .saved
            .iter()
            .filter(|(_, saved)| saved.shared || saved.owner == me)
            .map(|(id, saved)| View {
                id: id.clone(),
                name: saved.name.clone(),
                href: format!("/t/{}{}", self.trail, saved.query),
                asks: String::new(),
                shared: saved.shared,
                own: saved.owner == me,
            })
            .collect();
        list.sort_by(|one, other| one.name.cmp(&other.name));
        list
    }

    /// Refuses one more view where there is no room for it. Those of tokens that are over do not
    /// count: nobody could remove them.
    fn check_room(&self, is_valid: impl Fn(&str) -> bool) -> Result<(), Problem> {
        let refused = |message: String| Problem::new(Code::InvalidRequest).detail(message);
        if self.saved.values().filter(|saved| is_valid(&saved.owner)).count() >= VIEWS_MAX {
            return Err(refused(format!(
                "this trail has {VIEWS_MAX} saved views, the most that there can be; remove one to \
                 save another"
            )));
        }
        // Each view that is there, this one too, has to find room for its removal.
        if self.events + self.saved.len() + 2 > EVENTS_MAX {
            return Err(refused(format!(
                "the views of this trail have been saved and removed {} times, and no more can be \
                 saved; those that there are can be used and removed",
                self.events
            )));
        }
        Ok(())
    }
}

/// Held while a view is saved or removed, from the look at those that there are until the change can
/// be found: however many do so at once, there are never more than can be.
static CHANGING: Mutex<()> = Mutex::const_new(());

/// `POST /t/{trail}/views`: saves or removes a view.
pub(crate) async fn change(visit: Visit, body: Body) -> Shown {
    change_inner(&visit, body).await.map_err(|problem| visit.failed(problem))
}

async fn change_inner(visit: &Visit, body: Body) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let mut form = read_form(&visit.call.app, &visit.call.headers, body).await?;
    let trail = open.slug.as_str();
    let me = visit.call.caller.token().id.to_string();
    if let Some(id) = form.take("remove")? {
        remove(visit, trail, &id, &me).await?;
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
    let (trail, query) = (trail.to_owned(), query.to_owned());
    let href = format!("/t/{trail}{query}");
    save(visit, Saved { name, trail, query, shared, owner: me }).await?;
    Ok(see_other(&href))
}

/// Saves a view, if there is room for it.
async fn save(visit: &Visit, view: Saved) -> Result<(), Problem> {
    if view.query.len() > QUERY_BYTES_MAX {
        return Err(Problem::new(Code::InvalidRequest).detail(format!(
            "the question is too long to be saved: in a URL, a view has at most {QUERY_BYTES_MAX} bytes"
        )));
    }
    let _changing = CHANGING.lock().await;
    let instance = visit.call.app.instance();
    let now = instance.now_micros();
    let is_valid = |owner: &str| {
        let token = TokenId::parse(owner).and_then(|id| instance.registry().token(&id).cloned());
        token.is_some_and(|token| token.is_valid_at(now))
    };
    fold_of(visit, &view.trail).await?.check_room(is_valid)?;
    record(visit, SAVE, &uuid7(now), &view).await
}

/// Removes a view of the reader's own.
async fn remove(visit: &Visit, trail: &str, id: &str, me: &str) -> Result<(), Problem> {
    let _changing = CHANGING.lock().await;
    let fold = fold_of(visit, trail).await?;
    let own = fold.saved.get(id).filter(|saved| saved.owner == me).ok_or_else(|| {
        Problem::new(Code::Forbidden).detail("only who saved a view can remove it")
    })?;
    record(visit, REMOVE, id, own).await
}

/// Records on the `system` trail that a view was saved or removed, and waits until pages can find it.
async fn record(
    visit: &Visit,
    action: &'static str,
    id: &str,
    view: &Saved,
) -> Result<(), Problem> {
    let instance = visit.call.app.instance();
    let now = instance.now_micros();
    let state = view.write();
    let (before, after) = if action == SAVE { (None, state) } else { (state, None) };
    let event = Event {
        id: Some(uuid7(now).into()),
        actor: Some(visit.call.caller.actor()),
        target: Some(Target {
            kind: TYPE.into(),
            id: Some(id.to_owned().into()),
            name: Some(view.name.clone().into()),
            ..Target::default()
        }),
        // What the views of one trail are found by.
        related: vec![Related {
            role: "of".into(),
            kind: TRAIL_TYPE.into(),
            id: Some(view.trail.clone().into()),
            name: None,
        }],
        outcome: Some(Outcome { status: Status::Success, ..Outcome::default() }),
        before,
        after,
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
        let mut fold = Fold::of("lab".to_owned(), 0);
        fold.apply(&entry("view.save", "1", &after("B", false)));
        fold.apply(&entry("view.save", "2", &after("A", true)));
        fold.apply(&entry("view.save", "4", &after("C", true).replace("lab", "other")));
        fold.apply(&entry("view.frob", "3", ""));
        fold.apply("nonsense");
        let names = |fold: &Fold, me: &str| -> Vec<String> {
            fold.views(me).into_iter().map(|view| view.name).collect()
        };
        assert_eq!(names(&fold, "me"), ["A", "B"]);
        assert_eq!(names(&fold, "you"), ["A"]);
        fold.apply(&entry("view.remove", "2", ""));
        assert_eq!(names(&fold, "you"), [""; 0]);
    }

    #[test]
    fn what_is_saved_can_always_be_removed_within_what_is_read() {
        let saved = || Saved {
            name: "A".to_owned(),
            trail: "lab".to_owned(),
            query: String::new(),
            shared: true,
            owner: "me".to_owned(),
        };
        let mut fold = Fold::of("lab".to_owned(), 0);
        let (mut saves, mut removals) = (0, 0);
        // One who saves and removes as often as they can leaves some views behind.
        while fold.check_room(|_| true).is_ok() {
            saves += 1;
            fold.saved.insert(saves.to_string(), saved());
            if fold.saved.len() > 150 {
                removals += 1;
                fold.saved.pop_first();
            }
            fold.events = saves + removals;
        }
        assert!(saves + removals + fold.saved.len() <= EVENTS_MAX, "{saves} {removals}");
        assert!(saves * 2 + 2 > EVENTS_MAX, "{saves}");
    }

    #[test]
    fn views_of_tokens_that_are_over_take_no_room() {
        let mut fold = Fold::of("lab".to_owned(), 0);
        for number in 0..VIEWS_MAX {
            let owner = if number == 0 { "gone" } else { "me" };
            let saved = Saved {
                name: "A".to_owned(),
                trail: "lab".to_owned(),
                query: String::new(),
                shared: true,
                owner: owner.to_owned(),
            };
            fold.saved.insert(number.to_string(), saved);
        }
        assert!(fold.check_room(|_| true).is_err());
        assert!(fold.check_room(|owner| owner == "me").is_ok());
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

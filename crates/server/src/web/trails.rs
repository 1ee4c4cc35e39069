//! The first page: the trails that the reader may read.

use askama::Template;
use registry::Scope;

use super::list::Cover;
use super::text::grouped;
use super::views::{View, shipped};
use super::visit::{Frame, Shown, Visit, page, see_other};
use crate::problem::Problem;

/// Trails whose sizes are looked up; opening one costs a little.
const OPENED_MAX: usize = 50;

#[derive(Template)]
#[template(path = "trails.html")]
struct TrailsPage {
    frame: Frame,
    trails: Vec<TrailView>,
    built_in: Vec<TrailView>,
    scopes: String,
}

/// One trail.
#[derive(Debug)]
struct TrailView {
    slug: String,
    origin: String,
    created: String,
    cover: Option<Cover>,
    failed: bool,
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    frame: Frame,
    fields: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "views.html")]
struct ViewsPage {
    frame: Frame,
    trail: String,
    saved: Vec<View>,
    shipped: Vec<View>,
}

/// `GET /`.
pub(crate) async fn trails(visit: Visit) -> Shown {
    let token = visit.call.caller.token();
    let instance = visit.call.app.instance();
    let mut readable: Vec<_> = instance
        .trails()
        .into_iter()
        .filter(|record| token.may(Scope::Read, &record.slug))
        .collect();
    if let [only] = readable.as_slice() {
        return Ok(see_other(&format!("/t/{}", only.slug)));
    }
    readable.sort_by_key(|record| record.slug.is_built_in());
    let (mut trails, mut built_in) = (Vec::new(), Vec::new());
    for (at, record) in readable.iter().enumerate() {
        let open = if at < OPENED_MAX || record.slug.is_built_in() {
            Some(visit.call.app.open_unchecked(&record.slug).await)
        } else {
            None
        };
        let failed = matches!(open, Some(Err(_)));
        let cover = match open {
            Some(Ok(open)) => {
                let clock = visit.taste.clock.clone();
                let cover = visit.call.app.blocking(move || Cover::of(&open, &clock)).await;
                cover.ok()
            }
            _ => None,
        };
        let created = visit.taste.clock.stamp_micros(record.created_at_micros).to_string();
        let view = TrailView {
            slug: record.slug.to_string(),
            origin: record.origin.clone(),
            created,
            cover,
            failed,
        };
        if record.slug.is_built_in() { built_in.push(view) } else { trails.push(view) }
    }
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let scopes = scopes.join(", ");
    Ok(page(&TrailsPage { frame: visit.frame("Trails", "trails"), trails, built_in, scopes }))
}

/// `GET /help`: the keys and the query language.
pub(crate) async fn help(visit: Visit) -> Shown {
    let fields = search::Field::ALL.into_iter().map(search::Field::name).collect();
    Ok(page(&HelpPage { frame: visit.frame("Keys and questions", "help"), fields }))
}

/// `GET /t/{trail}/views`.
pub(crate) async fn views(visit: Visit) -> Shown {
    let shown = async {
        let open = visit.call.trail().await?;
        let trail = open.slug.to_string();
        let saved = super::views::views_of(&visit, &trail).await?;
        let frame = visit.frame(&format!("Views of {trail}"), "views");
        let shipped = shipped(&trail);
        Ok::<_, Problem>(page(&ViewsPage { frame, trail, saved, shipped }))
    };
    shown.await.map_err(|problem| visit.failed(problem))
}

impl TrailView {
    fn size(&self) -> String {
        self.cover.as_ref().map_or_else(|| grouped(0), |cover| cover.recorded.clone())
    }
}

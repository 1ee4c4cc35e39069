//! A list on paper: what was asked, in which zone, when, and by what it can be checked.

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use event::Entry;
use search::{Cursor, PAGE_MAX};
use serde_json::json;
use tlog::leaf_hash;

use super::columns::Column;
use super::criteria::Criteria;
use super::list::Cover;
use super::row::{Row, Setting};
use super::sentence::sentence;
use super::text::{self, Html, grouped};
use super::visit::{Frame, Shown, Visit, page};
use super::when::Period;
use crate::fitting::{PAGE_BYTES_MAX, each_fitting};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "print.html")]
struct PrintPage {
    frame: Frame,
    trail: String,
    origin: String,
    question: String,
    period: String,
    order: String,
    printed: String,
    by: String,
    count: String,
    shown: usize,
    cut: bool,
    /// Whether it goes on where another one ended.
    continued: bool,
    /// Where the rest is; empty at the end.
    next: String,
    size: String,
    root: String,
    columns: Vec<Column>,
    rows: Vec<(Row, Html, String)>,
    cover: Cover,
    back: String,
}

/// `GET /t/{trail}/print`.
pub(crate) async fn print(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let mut params = visit.call.params()?;
    let clock = visit.taste.clock.clone();
    let criteria = Criteria::read(&mut params, &clock)?;
    let question = criteria.question(visit.now(), &clock);
    visit.call.record_read("print", &open, &json!({"q": question.to_string()}));
    let frame = visit.frame(&format!("{}: events on paper", open.slug), "print");
    let links = visit.call.app.options().links.clone();
    let (now, by) = (visit.now(), frame.who.clone().unwrap_or_default());
    visit
        .call
        .app
        .blocking(move || {
            let after: Option<Cursor> = criteria.after.parse().ok();
            let order = criteria.sort();
            let mut found = open.projection.search(&question, order, PAGE_MAX, after.as_ref())?;
            let count = open.projection.count(&question)?.count;
            let published = open.trail.published();
            let slug = open.slug.as_str();
            let size = published.checkpoint.size().get();
            let setting = Setting { trail: slug, clock: &clock, published: size, links: &links };
            let columns: Vec<Column> = criteria.columns.clone();
            let mut rows = Vec::with_capacity(found.indexes.len());
            each_fitting(&open.trail, &mut found, PAGE_BYTES_MAX, &mut |recorded| {
                let text = recorded.text();
                let said = Entry::parse(&text).map(|entry| sentence(&entry.event).to_string());
                let said = text::clipped(&said.unwrap_or_default(), 600);
                let leaf = leaf_hash(&recorded.entry).to_string();
                rows.push((Row::new(&recorded, &columns, setting), said, leaf));
            })?;
            let rest = found
                .next
                .map(|next| Criteria { after: next.to_string(), ..criteria.first_page() });
            let whole = question.to_string();
            let page = PrintPage {
                frame,
                trail: slug.to_owned(),
                origin: open.trail.origin().to_owned(),
                question: if whole.is_empty() { "every event".to_owned() } else { whole },
                period: match criteria.period {
                    Period::All => "any time".to_owned(),
                    period => period.words(now, &clock),
                },
                order: criteria.order_words(),
                printed: clock.stamp_micros(now.as_microsecond()).to_string(),
                by,
                count: grouped(count),
                shown: rows.len(),
                cut: count > rows.len() as u64,
                continued: after.is_some(),
                next: rest
                    .map(|rest| format!("/t/{slug}/print{}", rest.href()))
                    .unwrap_or_default(),
                size: grouped(size),
                root: published.checkpoint.root().to_string(),
                columns,
                rows,
                cover: Cover::of(&open, &clock)?,
                back: format!("/t/{slug}{}", criteria.first_page().href()),
            };
            Ok::<_, Problem>(self::page(&page))
        })
        .await
}

//! What is proven about a trail, by what, and what has to be trusted.

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::list::Cover;
use super::visit::{Frame, Shown, Visit, page};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "integrity.html")]
struct IntegrityPage {
    frame: Frame,
    trail: String,
    origin: String,
    vkey: String,
    root: String,
    note: String,
    stopped: bool,
    /// What recovery found when the server last opened the trail.
    recovery: String,
    created: String,
    cover: Cover,
}

/// `GET /t/{trail}/integrity`.
pub(crate) async fn integrity(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    visit.call.params()?.finish()?;
    let frame = visit.frame(&format!("Integrity of {}", open.slug), "integrity");
    let clock = visit.taste.clock.clone();
    let record = visit.call.app.instance().registry().trail(&open.slug).cloned();
    visit
        .call
        .app
        .blocking(move || {
            let published = open.trail.published();
            let created =
                record.map(|record| clock.stamp_micros(record.created_at_micros).to_string());
            let page = IntegrityPage {
                trail: open.slug.to_string(),
                origin: open.trail.origin().to_owned(),
                vkey: open.trail.verifier().to_string(),
                root: published.checkpoint.root().to_string(),
                note: published.note.to_string(),
                stopped: open.trail.is_stopped(),
                recovery: format!("{:?}", open.recovery),
                created: created.unwrap_or_default(),
                cover: Cover::of(&open, &clock)?,
                frame,
            };
            Ok::<_, Problem>(self::page(&page))
        })
        .await
}

/// `GET /t/{trail}/checkpoint`: the signed checkpoint, for a browser that is signed in.
pub(crate) async fn checkpoint(visit: Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let note = open.trail.published().note.to_string();
    Ok(crate::call::typed("text/plain; charset=utf-8", note))
}

//! The pages: rendered here, complete without a script, and better with one.
//!
//! A page is a struct with a template; `templates/` mirrors this folder. Every page states what it
//! covers, shows times with their zone, and shows whatever a source sent as text.
//!
//! **Trust.** A session stands for the holder of a token and can do no more than the token. Nothing
//! in the trail is trusted as markup, as a link, or as a path.
//!
//! **Absent on purpose.** No script or style in a page, nothing from another host, no state but the
//! URL, the reader's cookies and their session.

mod accounts;
mod align;
mod asof;
mod assets;
mod bars;
mod changes;
mod columns;
mod condition;
mod criteria;
mod diff;
mod event;
mod export;
mod facts;
mod filters;
mod history;
mod integrity;
mod lines;
mod list;
mod meaning;
mod missing;
mod print;
mod row;
mod sentence;
mod session;
mod signin;
mod svg;
mod text;
mod trails;
mod tree;
mod views;
mod visit;
mod when;

use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::routing::{get, post};

use crate::App;

pub(crate) use self::missing::missing;

/// Every page.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(trails::trails))
        .route("/help", get(trails::help))
        .route("/signin", get(signin::signin).post(signin::begin))
        .route("/signout", post(signin::end))
        .route("/display", post(signin::display))
        .route("/favicon.ico", get(assets::favicon))
        .route("/assets/{version}/{name}", get(assets::asset))
        .route("/t/{trail}", get(list::list))
        .route("/t/{trail}/complete", get(list::complete))
        .route("/t/{trail}/print", get(print::print))
        .route("/t/{trail}/export", get(export::export))
        .route("/t/{trail}/live", get(list::live))
        .route("/t/{trail}/history", get(history::history))
        .route("/t/{trail}/accounts", get(accounts::accounts))
        .route("/t/{trail}/integrity", get(integrity::integrity).post(integrity::check))
        .route("/t/{trail}/checkpoint", get(integrity::checkpoint))
        .route("/t/{trail}/consistency", get(event::consistency))
        .route("/t/{trail}/views", get(trails::views).post(views::change))
        .route("/t/{trail}/e/{index}", get(event::event))
        .route("/t/{trail}/e/{index}/glance", get(event::glance))
        .route("/t/{trail}/e/{index}/receipt", get(event::receipt))
        .layer(Extension(Arc::new(session::Sessions::default())))
}

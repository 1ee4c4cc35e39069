//! `/livez`, `/readyz` and `/metrics`.

use axum::extract::State;
use axum::http::{Extensions, HeaderMap};

use crate::App;
use crate::app::Answer;
use crate::auth::Caller;
use crate::call::typed;
use crate::metrics::render;
use crate::problem::{Code, Problem};

/// The process answers.
pub(crate) async fn livez() -> Answer {
    Ok(typed("text/plain; charset=utf-8", "alive\n"))
}

/// The server takes requests: it is not stopping, and its own trails can be written.
pub(crate) async fn readyz(State(app): State<App>) -> Answer {
    if app.is_stopping() {
        return Err(Problem::new(Code::Unavailable).detail("the server is stopping"));
    }
    let stopped = |open: &std::sync::Arc<crate::instance::OpenTrail>| {
        open.slug.is_built_in() && open.trail.is_stopped()
    };
    if app.instance().open_trails().iter().any(stopped) {
        return Err(Problem::new(Code::TrailStopped));
    }
    Ok(typed("text/plain; charset=utf-8", "ready\n"))
}

/// The figures of the server.
pub(crate) async fn metrics(
    State(app): State<App>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Answer {
    if !app.options().public_metrics {
        Caller::of(&app, &headers, &extensions)?.must_be_admin()?;
    }
    Ok(typed("text/plain; version=0.0.4; charset=utf-8", render(&app)))
}

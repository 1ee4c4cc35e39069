//! TetraScience TDP's audit trail and system log.
//!
//! `x-org-slug` names the organization. A trail is usually one organization's, so that a slug which
//! is the trail's own name or the only organization that its events name means all of it; where
//! events name several, it means those that name this one. With a token for all trails it names the
//! trail.

mod activity_log;
mod audit_trail;
mod filters;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use search::{Clause, Field, Pattern, Query, Test};
use serde_json::json;

use super::answer::shaped;
use super::visit::{Visit, header};
use crate::App;
use crate::auth::bearer_of;
use crate::problem::{Code, Problem};

/// The name under which accesses are recorded.
const FACADE: &str = "tetrascience";

/// The header that names the organization.
const ORGANIZATION: &str = "x-org-slug";

/// `GET /audit-trail`.
pub(crate) async fn audit_trail(State(app): State<App>, request: Request) -> Response<Body> {
    shaped(audit_trail::read(&app, request).await, refusal)
}

/// `GET /v1/datalake/queryActivityLog`.
pub(crate) async fn activity_log(State(app): State<App>, request: Request) -> Response<Body> {
    shaped(activity_log::read(&app, request).await, refusal)
}

/// Whatever else a client of the platform may ask for.
pub(crate) async fn absent() -> Response<Body> {
    let detail = "this server has audit-trail and v1/datalake/queryActivityLog of TDP";
    refuse(Problem::new(Code::NoSuchResource).detail(detail))
}

/// A refusal as the platform writes one.
pub(super) fn refuse(problem: Problem) -> Response<Body> {
    shaped(Err(problem), refusal)
}

/// The platform's errors: status, its title, and what is wrong.
fn refusal(problem: &Problem) -> String {
    let status = problem.code().status();
    json!({
        "statusCode": status.as_u16(),
        "error": status.canonical_reason().unwrap_or_default(),
        "message": problem.message(),
    })
    .to_string()
}

/// Lets a caller in, by `ts-auth-token` or `Authorization`, and gives what the organization's slug
/// leaves of the trail.
async fn visit(app: &App, request: Request) -> Result<(Visit, Query), Problem> {
    let presented = presented(request.headers())?;
    let slug = header(request.headers(), ORGANIZATION)?.map(ToOwned::to_owned);
    let visit = Visit::begin(app, request, presented.as_deref(), slug.as_deref()).await?;
    let Some(slug) = slug.filter(|slug| slug != visit.open.slug.as_str()) else {
        return Ok((visit, Query::default()));
    };
    let open = Arc::clone(&visit.open);
    let query = app
        .blocking(move || {
            let some = Query::default().with(Clause::present(Field::Organization, true));
            let exactly = Clause::new(Field::Organization, Pattern::Exactly(slug.clone()));
            let named = Query::default().with(exactly);
            named.check()?;
            let count = open.projection.count(&named)?.count;
            if count == 0 {
                let message = format!("`{slug}` is no organization of this trail");
                return Err(Problem::new(Code::Forbidden).detail(message));
            }
            let only = count == open.projection.count(&some)?.count;
            Ok(if only { Query::default() } else { named })
        })
        .await?;
    Ok((visit, query))
}

/// Leaves out the platform's records of its other list, by their formats. What came from elsewhere is
/// in both.
fn without(formats: [&str; 2]) -> Clause {
    let patterns = formats.map(|format| Pattern::Exactly(format.to_owned()));
    Clause { field: Field::Format, negated: true, test: Test::Any(patterns.to_vec()) }
}

fn presented(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let token = header(headers, "ts-auth-token")?.or_else(|| bearer_of(headers));
    Ok(token.map(ToOwned::to_owned))
}

//! OpenCGA's REST service (v2): what its clients need to read an audit trail.
//!
//! Written against OpenCGA 5.0.0 and the unmodified `pyopencga` of that version. What the original
//! cannot do works here: the filter by date, records without a study (the study `*`), and `entity`
//! in `groupBy`. Pages are in the order of the trail, so that a page that is entered by number stays
//! where it is while the trail grows.

mod date;
mod envelope;
mod filters;
mod group;
mod login;
mod project;
mod search;
mod study;
mod text;

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, Uri};
use serde_json::{Map, Value, json};

use self::envelope::Results;
use super::answer::shaped;
use super::visit::Visit;
use crate::App;
use crate::app::Answer;
use crate::auth::bearer_of;
use crate::params::Params;
use crate::problem::Problem;

/// The name under which accesses are recorded.
const FACADE: &str = "opencga";

/// The version whose service this is like.
const VERSION: &str = "5.0.0";

/// What a request is answered with, and what of it the answer repeats.
struct Asked {
    began: Instant,
    params: Map<String, Value>,
}

impl Asked {
    fn new(uri: &Uri) -> Self {
        let pairs = Params::of(uri).map(Params::rest).unwrap_or_default();
        // A token that came in the URL is nobody's business.
        let params = pairs.into_iter().filter(|(name, _)| name != "sid");
        let params = params.map(|(name, value)| (name, value.into())).collect();
        Self { began: Instant::now(), params }
    }

    fn answer(&self, results: Result<Results, Problem>) -> Response<Body> {
        let answer: Answer = results.map(|results| crate::call::json(results.to_json(self)));
        shaped(answer, |problem| envelope::refusal(problem, self))
    }
}

/// `GET …/meta/about`: what clients ask first, to compare versions.
pub(crate) async fn about(uri: Uri) -> Response<Body> {
    let about = json!({
        "Program": "Indelible",
        "Version": VERSION,
        "Description": "Audit trail with the audit service of OpenCGA",
    });
    Asked::new(&uri).answer(Ok(Results::of(vec![about.to_string()])))
}

/// `POST …/users/login`.
pub(crate) async fn login(State(app): State<App>, request: Request) -> Response<Body> {
    let asked = Asked::new(request.uri());
    asked.answer(login::login(&app, request).await)
}

/// `GET …/studies/{study}/audit/search`.
pub(crate) async fn search(State(app): State<App>, request: Request) -> Response<Body> {
    let asked = Asked::new(request.uri());
    asked.answer(search::search(&app, request).await)
}

/// `GET …/admin/audit/groupBy`.
pub(crate) async fn group_by(State(app): State<App>, request: Request) -> Response<Body> {
    let asked = Asked::new(request.uri());
    asked.answer(group::group_by(&app, request).await)
}

/// Whatever else a client of the service may ask for.
pub(crate) async fn absent(request: Request) -> Response<Body> {
    let detail = "this server has the audit service of OpenCGA: meta/about, users/login, \
                  studies/{study}/audit/search and admin/audit/groupBy";
    let problem = Problem::new(crate::Code::NoSuchResource).detail(detail);
    refuse(request.uri(), problem)
}

/// A refusal as the service writes one.
pub(super) fn refuse(uri: &Uri, problem: Problem) -> Response<Body> {
    Asked::new(uri).answer(Err(problem))
}

/// Lets a caller in, by `Authorization` or by the parameter `sid`.
async fn visit(app: &App, request: Request) -> Result<(Visit, Params), Problem> {
    let mut params = Params::of(request.uri())?;
    let sid = params.take("sid")?;
    let presented = bearer_of(request.headers()).map(ToOwned::to_owned).or(sid);
    let visit = Visit::begin(app, request, presented.as_deref(), None).await?;
    // Parameters of OpenCGA that change nothing in an answer.
    for name in ["metadata", "lazy"] {
        params.take(name)?;
    }
    Ok((visit, params))
}

/// Takes a parameter that is true or false, in any case: clients in Python write `True`.
fn flag(params: &mut Params, name: &str) -> Result<bool, Problem> {
    let Some(text) = params.take(name)? else { return Ok(false) };
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Problem::parameter(name, "is true or false")),
    }
}

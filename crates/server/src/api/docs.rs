//! The description of the API, and a page for each kind of problem.

use axum::body::Body;
use axum::extract::RawPathParams;
use axum::http::Response;

use crate::app::Answer;
use crate::call::{json, typed};
use crate::problem::{Code, Problem};

/// OpenAPI 3.1. A test holds it against the router and against real answers.
const OPENAPI: &str = include_str!("../openapi.json");

/// The description of the API.
pub(crate) async fn openapi() -> Response<Body> {
    json(OPENAPI)
}

/// What a problem's type leads to.
pub(crate) async fn problem_page(params: RawPathParams) -> Answer {
    let word = params.iter().next().map_or("", |(_, word)| word);
    let code = Code::parse(word).ok_or_else(|| Problem::new(Code::NoSuchResource))?;
    let (status, title) = (code.status().as_u16(), code.title());
    let explanation: String =
        code.explanation().lines().map(|line| format!("{}\n", line.trim())).collect();
    let text = format!("{}\n{status} {title}\n\n{explanation}", code.as_str());
    Ok(typed("text/plain; charset=utf-8", text))
}

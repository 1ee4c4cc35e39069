//! Answers in a platform's own shape.

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use axum::response::IntoResponse as _;

use crate::app::Answer;
use crate::call::json;
use crate::problem::Problem;

/// An answer in JSON, or a refusal with the body that the platform would send.
pub(crate) fn shaped(answer: Answer, refusal: impl FnOnce(&Problem) -> String) -> Response<Body> {
    answer.unwrap_or_else(|problem| {
        let body = refusal(&problem);
        let (mut head, _) = problem.into_response().into_parts();
        let kind = HeaderValue::from_static("application/json");
        head.headers.insert(header::CONTENT_TYPE, kind);
        let (_, body) = json(body).into_parts();
        Response::from_parts(head, body)
    })
}

//! What is at no path: a page for people, a problem for programs.

use axum::body::Body;
use axum::http::{HeaderMap, Response, Uri, header};
use axum::response::IntoResponse as _;

use super::visit::{Failed, Taste};
use crate::problem::{Code, Problem};

/// Any path that nothing else answers.
pub(crate) async fn missing(headers: HeaderMap, uri: Uri) -> Response<Body> {
    let problem = Problem::new(Code::NoSuchResource);
    if !asks_for_a_page(&headers) {
        return problem.into_response();
    }
    let problem = problem.detail("there is no page at this address");
    let here = uri.path_and_query().map_or("/", |path| path.as_str());
    Failed::at(problem, Taste::of(&headers), here).into_response()
}

/// Whether a client names HTML among what it takes, as browsers do and programs do not: they take
/// anything.
fn asks_for_a_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case("text/html"))
}

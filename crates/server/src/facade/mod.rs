//! The platforms' own APIs, so that their existing clients work when their host is changed.
//!
//! A folder per platform. A facade reads that platform's parameters with that platform's grammar,
//! asks the same projection as the API, and answers with records of its dialect in its envelope.
//! It stands on every trail, whatever platform the events are from, and says what the dialect can.
//!
//! **Guarantee.** A caller sees what its token may read and nothing else, and every access is
//! recorded as those of the API are. Refusals have the platform's own shape and the status of our
//! problem. An answer is whole or an error: no list is cut short to keep a bound.
//!
//! **Trust.** Clients are not trusted, as nowhere here. An unknown parameter is refused by name, so
//! that no filter is passed over in silence.
//!
//! **Absent on purpose.** No accounts: a login takes an API token as its password. Nothing is written
//! through a facade.

use axum::body::Body;
use axum::http::{Response, Uri};
use axum::routing::any;
use axum::{Router, middleware};

use crate::App;
use crate::problem::{Code, Problem};

mod answer;
pub(crate) mod cors;
pub(crate) mod opencga;
mod reading;
pub(crate) mod seqera;
mod stream;
pub(crate) mod tetrascience;
mod visit;

/// Where the paths of facades begin.
const PREFIXES: [&str; 3] = ["/opencga/", "/seqera/", "/tetrascience/"];

/// Whether a path is a facade's.
pub(crate) fn has(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// A method that a route does not have, refused as its platform would.
pub(crate) async fn method_refused(uri: Uri) -> Response<Body> {
    let problem = Problem::new(Code::MethodNotAllowed);
    match uri.path() {
        path if path.starts_with("/opencga/") => opencga::refuse(&uri, problem),
        path if path.starts_with("/seqera/") => seqera::refuse(problem),
        _ => tetrascience::refuse(problem),
    }
}

/// The routes of the facades, with what is asked of a platform and is not here: that is refused as the
/// platform would.
pub(crate) fn router(routes: Router<App>, app: &App) -> Router<App> {
    routes
        .route("/opencga/webservices/rest/{*path}", any(opencga::absent))
        .route("/seqera/{*path}", any(seqera::absent))
        .route("/tetrascience/{*path}", any(tetrascience::absent))
        .layer(middleware::from_fn_with_state(app.clone(), cors::answer))
}

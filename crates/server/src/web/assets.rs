//! Style sheets, scripts and pictures, in the binary.

use std::fmt::Write as _;
use std::sync::OnceLock;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, Response, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// Name, type and bytes of every file.
const FILES: [(&str, &str, &[u8]); 8] = [
    ("page.css", "text/css; charset=utf-8", include_bytes!("../../assets/page.css")),
    ("page.js", SCRIPT, include_bytes!("../../assets/page.js")),
    ("list.js", SCRIPT, include_bytes!("../../assets/list.js")),
    ("live.js", SCRIPT, include_bytes!("../../assets/live.js")),
    ("complete.js", SCRIPT, include_bytes!("../../assets/complete.js")),
    ("verify.js", SCRIPT, include_bytes!("../../assets/verify.js")),
    ("proof.js", SCRIPT, include_bytes!("../../assets/proof.js")),
    ("mark.svg", "image/svg+xml", include_bytes!("../../assets/mark.svg")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The folder that all files are under: it changes when any of them does, so that each can be kept
/// for ever.
pub(crate) fn folder() -> &'static str {
    static FOLDER: OnceLock<String> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut hasher = Sha256::new();
        for (_, _, bytes) in FILES {
            hasher.update(bytes);
        }
        let mut folder = "/assets/".to_owned();
        for byte in hasher.finalize().iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(folder, "{byte:02x}");
        }
        folder
    })
}

/// `GET /favicon.ico`: browsers ask for it where no page names another, such as beside an answer of
/// the API.
pub(crate) async fn favicon() -> Response<Body> {
    asset(Path((String::new(), "mark.svg".to_owned()))).await
}

/// `GET /assets/{version}/{name}`.
pub(crate) async fn asset(Path((version, name)): Path<(String, String)>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let Some((_, kind, bytes)) = FILES.iter().find(|(other, ..)| *other == name) else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    *response.body_mut() = Body::from(*bytes);
    let current = folder().strip_prefix("/assets/") == Some(version.as_str());
    let cache = if current { "public, max-age=31536000, immutable" } else { "no-store" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

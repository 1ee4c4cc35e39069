//! Pages of other origins that may call a facade (CORS, Fetch standard section 3.3).
//!
//! **Trust.** Only the operator's origins are let in, each compared whole. A browser attaches nothing
//! by itself: tokens come in headers that the page has to set, and cookies are not asked for.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::App;

/// Headers that clients of the facades send and a browser asks about.
const REQUEST_HEADERS: &str = "authorization, content-type, ts-auth-token, x-indelible-trail, \
                               x-org-slug, x-request-id";

/// Headers of answers that a page may read besides those that every page may.
const RESPONSE_HEADERS: &str = "content-disposition, retry-after, x-request-id";

/// How long a browser may keep what it was told before a request: an hour.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("3600");

/// Where a page comes from, as browsers write it: scheme, host and a port that is not the scheme's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// A text that no browser would send as an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no origin: write https://host or https://host:port, in lower case, and nothing behind it"
)]
pub struct OriginError(String);

impl Origin {
    /// Reads an origin such as `https://iva.example.org`.
    ///
    /// # Errors
    /// When it has a path, a user, capital letters, or the port that its scheme has anyway.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(wrong)?;
        let usual = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(wrong()),
        };
        let whole = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        if whole != text || text.contains(['@', '*']) || authority.port_u16() == Some(usual) {
            return Err(wrong());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| wrong())
    }
}

/// What a route answers to `OPTIONS`: its methods.
pub(crate) fn options(method: &'static str) -> Response {
    let allowed = if method == "GET" { "GET, HEAD, OPTIONS" } else { "POST, OPTIONS" };
    (StatusCode::NO_CONTENT, [(header::ALLOW, allowed)]).into_response()
}

/// Tells browsers which pages may read an answer.
pub(crate) async fn answer(State(app): State<App>, request: Request, next: Next) -> Response {
    let known = &app.options().cors_origins;
    if known.is_empty() {
        return next.run(request).await;
    }
    let origin = request.headers().get(header::ORIGIN);
    let origin = known.iter().find(|known| Some(&known.0) == origin).map(|known| known.0.clone());
    let asks_before = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // Also where nothing is allowed: a cache must not keep that for another origin.
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if asks_before {
            allow(headers);
        } else {
            let exposed = HeaderValue::from_static(RESPONSE_HEADERS);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
    response
}

/// Says what the request that is asked about may be.
fn allow(headers: &mut HeaderMap) {
    if let Some(methods) = headers.get(header::ALLOW).cloned() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let allowed = HeaderValue::from_static(REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in ["https://iva.example.org", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "iva.example.org",
            "https://",
            "https://iva.example.org/",
            "https://IVA.example.org",
            "HTTPS://iva.example.org",
            "https://iva.example.org:443",
            "http://localhost:80",
            "https://*.example.org",
            "https://ana@iva.example.org",
            "ftp://iva.example.org",
            "https://iva.example.org?x",
            "https://a https://b",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}

//! The static read path of C2SP tlog-tiles: `checkpoint`, `tile/…` and `tile/entries/…`.
//!
//! Paths are compared as they were sent: an escape, a double slash or a leading zero is another
//! path, and there is nothing there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, Response, Uri, header};
use registry::{Scope, Slug};

use crate::App;
use crate::app::Answer;
use crate::auth::Caller;
use crate::call::typed;
use crate::instance::OpenTrail;
use crate::problem::{Code, Problem};

/// A tile never changes: caches may keep it for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The same where a token is needed to read it.
const FOR_EVER_PRIVATE: HeaderValue =
    HeaderValue::from_static("private, max-age=31536000, immutable");

/// Marks an answer of hashes, which no compression makes smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashes;

/// The signed checkpoint. It says nothing of what is recorded, and is public.
pub(crate) async fn checkpoint(State(app): State<App>, params: RawPathParams, uri: Uri) -> Answer {
    let open = public(&app, &params, &uri).await?;
    let note = open.trail.published().note.to_string();
    let mut response = typed("text/plain; charset=utf-8", note);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for_everybody(headers);
    Ok(response)
}

/// A tile or a bundle.
pub(crate) async fn tile(
    State(app): State<App>,
    params: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let is_public = app.instance().options().public_read_path;
    let open = if is_public {
        public(&app, &params, &uri).await?
    } else {
        let caller = Caller::of(&app, &headers)?;
        app.open(&caller, slug(&params), Scope::Read).await?
    };
    let path = uri.path().strip_prefix("/trails/").and_then(|path| path.split_once('/'));
    let path = path.map(|(_, path)| path).filter(|path| !path.contains('%'));
    let path = path.ok_or_else(nothing)?.to_owned();
    let is_bundle = path.starts_with("tile/entries/");
    let found = app.blocking(move || open.trail.resource(&path)).await?;
    let mut response: Response<Body> =
        typed("application/octet-stream", found.ok_or_else(nothing)?);
    if !is_bundle {
        response.extensions_mut().insert(Hashes);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, if is_public { FOR_EVER } else { FOR_EVER_PRIVATE });
    if is_public {
        for_everybody(headers);
    }
    Ok(response)
}

fn slug(params: &RawPathParams) -> &str {
    params.iter().find(|(name, _)| *name == "trail").map_or("", |(_, slug)| slug)
}

/// A trail, for anybody.
async fn public(app: &App, params: &RawPathParams, uri: &Uri) -> Result<Arc<OpenTrail>, Problem> {
    let slug = Slug::parse(slug(params)).map_err(|_| Problem::new(Code::NoSuchTrail))?;
    if uri.path().contains('%') {
        return Err(nothing());
    }
    app.open_unchecked(&slug).await
}

fn nothing() -> Problem {
    Problem::new(Code::NoSuchResource)
}

/// Lets pages of other sites verify a trail.
fn for_everybody(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

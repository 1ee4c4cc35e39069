//! The static read path of C2SP tlog-tiles: `checkpoint`, `tile/…` and `tile/entries/…`.
//!
//! Where the read path is public, anybody may read checkpoints, tiles and bundles of all trails but the
//! built-in ones, and so learns which trails there are. Otherwise, and for the built-in ones always,
//! all of it needs a token that may read the trail.
//!
//! Paths are compared as they were sent: an escape, a double slash or a leading zero is another
//! path, and there is nothing there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, header};
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

/// The signed checkpoint.
pub(crate) async fn checkpoint(
    State(app): State<App>,
    params: RawPathParams,
    parts: Parts,
) -> Answer {
    let (open, is_public) = readable(&app, &params, &parts).await?;
    let note = open.trail.published().note.to_string();
    let mut response = typed("text/plain; charset=utf-8", note);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_public {
        for_everybody(headers);
    }
    Ok(response)
}

/// A tile or a bundle.
pub(crate) async fn tile(State(app): State<App>, params: RawPathParams, parts: Parts) -> Answer {
    let (open, is_public) = readable(&app, &params, &parts).await?;
    let path = parts.uri.path().strip_prefix("/trails/").and_then(|path| path.split_once('/'));
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

/// A trail whose read path the caller may use, and whether anybody may.
async fn readable(
    app: &App,
    params: &RawPathParams,
    parts: &Parts,
) -> Result<(Arc<OpenTrail>, bool), Problem> {
    let slug = slug(params);
    if app.instance().options().public_read_path {
        if parts.uri.path().contains('%') {
            return Err(nothing());
        }
        let slug = Slug::parse(slug).map_err(|_| Problem::new(Code::NoSuchTrail))?;
        if !slug.is_built_in() {
            return Ok((app.open_unchecked(&slug).await?, true));
        }
    }
    let caller = Caller::of(app, &parts.headers, &parts.extensions)?;
    Ok((app.open(&caller, slug, Scope::Read).await?, false))
}

fn nothing() -> Problem {
    Problem::new(Code::NoSuchResource)
}

/// Lets pages of other sites verify a trail.
fn for_everybody(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

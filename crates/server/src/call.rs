//! What every handler of the API is given: who calls, and what for.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, Uri, header};
use event::{Event, Json, Moment, Outcome, Status, Target};
use registry::Scope;

use crate::App;
use crate::auth::Caller;
use crate::door::{self, From, client};
use crate::instance::{OpenTrail, record_access};
use crate::params::Params;
use crate::problem::{Code, Problem};

/// A request of a caller with a valid token.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    path: Vec<(String, String)>,
    peer: Option<IpAddr>,
}

impl FromRequestParts<App> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::of(app, &parts.headers, &parts.extensions)?;
        Self::by(caller, parts, app).await
    }
}

impl Call {
    /// Who presents a token, wherever it stood in a request. One that is wrong is counted.
    pub(crate) fn presenting(
        app: &App,
        parts: &Parts,
        presented: Option<&str>,
    ) -> Result<Caller, Problem> {
        Caller::presenting(app, presented).inspect_err(|_| {
            if presented.is_some() {
                door::refuse(app, From::of(parts));
            }
        })
    }

    /// A request of a caller who is known already.
    pub(crate) async fn by(caller: Caller, parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::new(Code::NoSuchResource))?
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let peer = From::of(parts).peer;
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        Ok(Self { app: app.clone(), caller, uri, headers, path, peer })
    }

    /// A piece of the path.
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    /// The trail in the path, if the caller may read it.
    pub(crate) async fn trail(&self) -> Result<Arc<OpenTrail>, Problem> {
        self.readable(self.path("trail")).await
    }

    /// A trail, if the caller may read it.
    pub(crate) async fn readable(&self, slug: &str) -> Result<Arc<OpenTrail>, Problem> {
        self.app.open(&self.caller, slug, Scope::Read).await.inspect_err(|problem| {
            if problem.code() == Code::Forbidden {
                self.record("refuse", ("trail", slug), Status::Denied, None);
            }
        })
    }

    /// The leaf index in the path.
    pub(crate) fn index(&self) -> Result<u64, Problem> {
        let text = self.path("index");
        // One spelling for each index.
        text.parse().ok().filter(|index: &u64| index.to_string() == text).ok_or_else(|| {
            Problem::new(Code::NoSuchEvent).detail("an index is a whole number from 0")
        })
    }

    /// The parameters of the URL.
    pub(crate) fn params(&self) -> Result<Params, Problem> {
        Params::of(&self.uri)
    }

    /// Says on the `access` trail what the caller did.
    pub(crate) fn record(
        &self,
        action: &'static str,
        target: (&'static str, &str),
        status: Status,
        params: Option<&serde_json::Value>,
    ) {
        let (kind, id) = target;
        // What cannot name a trail is of no use to a reader, and may be long.
        let id = id.get(..id.floor_char_boundary(200)).unwrap_or_default();
        if id.is_empty() || id.chars().any(char::is_control) {
            return;
        }
        let at = Moment::from_micros(self.app.instance().now_micros());
        let params = params.map(ToString::to_string);
        let event = Event {
            actor: Some(self.caller.actor()),
            client: client(self.peer, &self.headers),
            target: Some(Target {
                kind: kind.into(),
                id: Some(id.to_owned().into()),
                ..Target::default()
            }),
            outcome: Some(Outcome { status, ..Outcome::default() }),
            params: params.and_then(|text| Json::parse(&text).ok().map(Json::into_owned)),
            ..Event::new(at, registry::SYSTEM, action)
        };
        record_access(self.app.instance(), event);
    }

    /// Says on the `access` trail that the caller read from a trail. Reading the `access` trail
    /// itself is recorded too.
    pub(crate) fn record_read(
        &self,
        action: &'static str,
        open: &OpenTrail,
        params: &serde_json::Value,
    ) {
        self.record(action, ("trail", open.slug.as_str()), Status::Success, Some(params));
    }
}

/// An answer in JSON.
pub(crate) fn json(body: impl Into<Body>) -> Response<Body> {
    typed("application/json", body)
}

/// An answer of some type.
pub(crate) fn typed(kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The JSON object of a request's body.
pub(crate) async fn object<T: serde::de::DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    /// No object of the configuration comes near to this.
    const BYTES_MAX: usize = 64 * 1024;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| !kind.starts_with("application/json")) {
        return Err(Problem::new(Code::UnsupportedMediaType).detail("send application/json"));
    }
    let body = crate::body::collect(app, headers, body, BYTES_MAX).await?;
    serde_json::from_slice(&body.bytes).map_err(|error| {
        let code = if error.is_data() { Code::InvalidRequest } else { Code::MalformedJson };
        Problem::new(code).detail(error.to_string())
    })
}

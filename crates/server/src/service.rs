//! Where every request comes in: it gets an id, goes to its handler, and is counted and logged.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::problem::Told;
use crate::{App, api, router};

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters of a request id that a client chooses.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// The application as a function from requests to answers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    app: App,
    router: Router,
}

impl Service {
    /// The service of an application.
    pub fn new(app: App) -> Self {
        let router = router::router(app.clone());
        Self { app, router }
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.answer_to(request, None).await
    }

    /// Answers one request of a client at some address.
    pub async fn answer_to(
        &self,
        mut request: Request<Body>,
        peer: Option<IpAddr>,
    ) -> Response<Body> {
        let begin = Instant::now();
        let id = request_id(&request);
        self.app.metrics().request();
        if let Some(ip) = peer {
            request.extensions_mut().insert(Peer(ip));
        }
        let mut response = match append_slug(&request) {
            Some(slug) => {
                let answered = api::append(&self.app, &slug, request).await;
                let response = answered.unwrap_or_else(axum::response::IntoResponse::into_response);
                let response = router::private(response);
                if response.extensions().get::<Told>().is_some() {
                    self.tell(&Method::POST, "append", &id, &response, begin.elapsed());
                }
                response
            }
            None => {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                // The router's own error is `Infallible`.
                let response = match self.router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                self.tell(&method, &path, &id, &response, begin.elapsed());
                response
            }
        };
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }

    /// Counts and logs an answer. Never a body, a token or a query.
    fn tell(
        &self,
        method: &Method,
        path: &str,
        id: &HeaderValue,
        response: &Response<Body>,
        time: Duration,
    ) {
        let (status, id) = (response.status().as_u16(), id.to_str().unwrap_or_default());
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let Some(Told { code, internal }) = response.extensions().get::<Told>() else {
            tracing::info!(%method, path, status, micros, id, "answered");
            return;
        };
        self.app.metrics().problem(*code);
        let code = code.as_str();
        match internal {
            Some(reason) if status >= 500 => {
                tracing::error!(%method, path, status, micros, id, code, %reason, "failed");
            }
            _ => {
                let reason = internal.as_deref().unwrap_or_default();
                tracing::info!(%method, path, status, micros, id, code, reason, "refused");
            }
        }
    }
}

/// The trail of an append request.
fn append_slug(request: &Request<Body>) -> Option<String> {
    if request.method() != Method::POST {
        return None;
    }
    let slug = request.uri().path().strip_prefix("/api/v1/trails/")?.strip_suffix("/events")?;
    (!slug.contains('/')).then(|| slug.to_owned())
}

/// The id that the client chose, or one that no other request of this process has.
fn request_id(request: &Request<Body>) -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let visible = |value: &HeaderValue| {
        (1..=REQUEST_ID_CHARS_MAX).contains(&value.len())
            && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if let Some(value) = request.headers().get(&REQUEST_ID).filter(|value| visible(value)) {
        return value.clone();
    }
    let process = PROCESS.get_or_init(|| {
        let mut bytes = [0; 4];
        // Without randomness the ids of two processes can be alike, and no more.
        let _ = getrandom::fill(&mut bytes);
        u32::from_be_bytes(bytes)
    });
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::try_from(format!("{process:08x}-{number:x}"))
        .unwrap_or_else(|_| HeaderValue::from_static("0"))
}

//! Every route, on one screen.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};

use crate::facade::{self, opencga, seqera, tetrascience};
use crate::negotiate::accepts;
use crate::problem::{Code, Problem};
use crate::{App, api, tiles, web};

/// A route of the API and the static read path. The pages have theirs in `web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path, as OpenAPI writes it.
    pub path: &'static str,
}

const JSON: &str = "application/json";

/// Every route. [`Service`](crate::Service) takes a shorter way to the first.
fn every() -> Routes {
    Routes::default()
        .post("/api/v1/trails/{trail}/events", JSON, api::append_routed)
        .get("/api/v1/trails/{trail}/events", JSON, api::events)
        .get("/api/v1/trails/{trail}/events/{index}", JSON, api::event)
        .get("/api/v1/trails/{trail}/events/{index}/receipt", "text/plain", api::receipt)
        .get("/api/v1/trails/{trail}/events/stream", "text/event-stream", api::stream)
        .get("/api/v1/trails/{trail}/facets", JSON, api::facets)
        .get("/api/v1/trails/{trail}/histogram", JSON, api::histogram)
        .get("/api/v1/trails/{trail}/count", JSON, api::count)
        .get("/api/v1/trails/{trail}/history", JSON, api::history)
        .get("/api/v1/trails/{trail}/export", "", api::export)
        .post("/api/v1/trails/{trail}/import", JSON, api::import)
        .get("/api/v1/trails/{trail}/status", JSON, api::status)
        .get("/api/v1/trails/{trail}/proof/consistency", JSON, api::consistency)
        .get("/api/v1/trails/{trail}/deposits", JSON, api::deposits)
        .post("/api/v1/trails/{trail}/deposits", JSON, api::create_deposit)
        .delete("/api/v1/trails/{trail}/deposits/{id}", api::remove_deposit)
        .get("/api/v1/trails/{trail}/deposits/{id}/files", JSON, api::deposited_files)
        .get("/api/v1/trails/{trail}/deposits/{id}/files/{name}", "", api::deposited_file)
        .get("/api/v1/trails", JSON, api::trails)
        .post("/api/v1/trails", JSON, api::create_trail)
        .get("/api/v1/tokens", JSON, api::tokens)
        .post("/api/v1/tokens", JSON, api::create_token)
        .delete("/api/v1/tokens/{id}", api::revoke_token)
        .post("/api/v1/trails/{trail}/checks", JSON, api::tell_check)
        .post("/api/v1/clock/confirm", JSON, api::confirm_clock)
        .get("/trails/{trail}/checkpoint", "", tiles::checkpoint)
        .get("/trails/{trail}/tile/{*path}", "", tiles::tile)
        .get("/opencga/webservices/rest/v2/meta/about", "", opencga::about)
        .post("/opencga/webservices/rest/v2/users/login", "", opencga::login)
        .get("/opencga/webservices/rest/v2/studies/{study}/audit/search", "", opencga::search)
        .get("/opencga/webservices/rest/v2/admin/audit/groupBy", "", opencga::group_by)
        .get("/seqera/admin/audit-logs-v2", "", seqera::list)
        .get("/seqera/admin/audit-logs-v2/{auditLogId}", "", seqera::describe)
        .get("/seqera/admin/audit-logs-v2/export-csv", "", seqera::export_csv)
        .get("/tetrascience/audit-trail", "", tetrascience::audit_trail)
        .get("/tetrascience/v1/datalake/queryActivityLog", "", tetrascience::activity_log)
        .get("/problems/{code}", "", api::problem_page)
        .get("/openapi.json", JSON, api::openapi)
        .get("/metrics", "", api::metrics)
        .get("/livez", "", api::livez)
        .get("/readyz", "", api::readyz)
}

/// Every route of the API and the static read path, for those who check its description.
pub fn routes() -> Vec<Route> {
    every().list
}

/// The router, with its layers.
pub(crate) fn router(app: App) -> Router {
    let routes = every();
    routes
        .router
        .merge(web::router())
        .merge(facade::router(routes.facades, &app))
        .fallback(web::missing)
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .layer(middleware::map_response(async |response| private(response)))
        .layer(
            CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible),
        )
        .layer(CatchPanicLayer::custom(|_| Problem::new(Code::Internal).into_response()))
        .with_state(app)
}

/// Routes while they are put together, and their list.
#[derive(Default)]
struct Routes {
    router: Router<App>,
    facades: Router<App>,
    list: Vec<Route>,
}

impl Routes {
    fn get<H, T>(self, path: &'static str, kind: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("GET", MethodFilter::GET, path, kind, handler)
    }

    fn post<H, T>(self, path: &'static str, kind: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("POST", MethodFilter::POST, path, kind, handler)
    }

    fn delete<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("DELETE", MethodFilter::DELETE, path, "", handler)
    }

    /// Adds a route that answers with a type; with an empty one, the handler negotiates.
    fn add<H, T>(
        mut self,
        method: &'static str,
        filter: MethodFilter,
        path: &'static str,
        kind: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let acceptable = async move |request: Request, next: Next| -> Response {
            if !kind.is_empty()
                && let Err(problem) = accepts(request.headers(), kind)
            {
                return problem.into_response();
            }
            next.run(request).await
        };
        let handler = on(filter, handler).layer(middleware::from_fn(acceptable));
        if facade::has(path) {
            let options = async move || facade::cors::options(method);
            let handler = handler.options(options).fallback(facade::method_refused);
            self.facades = self.facades.route(path, handler);
        } else {
            self.router = self.router.route(path, handler);
        }
        self.list.push(Route { method, path });
        self
    }
}

/// An answer that says nothing of caches is for the caller alone and for now.
pub(crate) fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether compression would help: not for streams, whose events would be held back, and not for
/// hashes.
fn compressible(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    /// What fits in one packet is sent as fast as it is.
    const BYTES_MIN: u64 = 512;
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    extensions.get::<tiles::Hashes>().is_none()
        && !kind.starts_with(b"text/event-stream")
        && length.is_none_or(|length: u64| length >= BYTES_MIN)
}

//! Signing in with an API token, signing out, and how things are shown.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Response, Uri, header};
use axum::response::IntoResponse as _;

use super::session::{COOKIE, Sessions, cookie, is_own_form};
use super::visit::{Failed, Frame, Shown, Taste, own_path, page, see_other, sign_in_path};
use crate::App;
use crate::body::collect;
use crate::door::{From, sign_in};
use crate::params::Params;
use crate::problem::{Code, Problem};

#[derive(Template)]
#[template(path = "signin.html")]
struct SigninPage {
    frame: Frame,
    to: String,
    refused: bool,
    /// After how many a wrong token is looked at again; empty for at once.
    seconds: String,
}

/// `GET /signin`.
pub(crate) async fn signin(headers: HeaderMap, uri: Uri) -> Shown {
    let taste = Taste::of(&headers);
    let mut params = Params::of(&uri).map_err(|problem| Failed::new(problem, taste.clone()))?;
    let to = params.take("to").ok().flatten().unwrap_or_default();
    let to = own_path(&to).to_owned();
    let frame = frame(&taste, &to);
    Ok(page(&SigninPage { frame, to, refused: false, seconds: String::new() }))
}

/// What the page shows around its form. It comes back to itself with where it leads.
fn frame(taste: &Taste, to: &str) -> Frame {
    Frame::bare("Sign in", taste, &sign_in_path(to))
}

/// `POST /signin`.
pub(crate) async fn begin(
    State(app): State<App>,
    Extension(sessions): Extension<Arc<Sessions>>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Shown {
    let taste = Taste::of(&headers);
    let from = From::new(&headers, &extensions);
    let form = read_form(&app, &headers, body).await;
    let mut form = form.map_err(|problem| Failed::new(problem, taste.clone()))?;
    let take = |form: &mut Params, name: &str| form.take(name).ok().flatten().unwrap_or_default();
    let to = own_path(&take(&mut form, "to")).to_owned();
    let presented = take(&mut form, "token");
    let caller = match sign_in(&app, from, presented.trim(), "page") {
        Ok(caller) => caller,
        Err(problem) => return Ok(refused(problem, to, &taste)),
    };
    let id = caller.token().id.clone();
    let name = sessions
        .begin(id, app.instance().now_micros())
        .ok_or_else(|| Failed::new(Problem::new(Code::Internal), taste))?;
    let mut response = see_other(&to);
    let secure = if is_tls(&headers) { "; Secure" } else { "" };
    let value = format!("{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax{secure}");
    set_cookie(&mut response, &value);
    Ok(response)
}

/// The page again, with what was wrong and when to try again.
fn refused(problem: Problem, to: String, taste: &Taste) -> Response<Body> {
    let told = problem.into_response();
    let wait = told.headers().get(header::RETRY_AFTER).cloned();
    let seconds = wait.as_ref().and_then(|wait| wait.to_str().ok()).unwrap_or_default();
    let frame = frame(taste, &to);
    let shown = SigninPage { frame, to, refused: true, seconds: seconds.to_owned() };
    let mut response = page(&shown);
    *response.status_mut() = told.status();
    *response.extensions_mut() = told.extensions().clone();
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

/// `POST /signout`.
pub(crate) async fn end(
    Extension(sessions): Extension<Arc<Sessions>>,
    headers: HeaderMap,
) -> Response<Body> {
    if !is_own_form(&headers) {
        return Problem::new(Code::Forbidden).into_response();
    }
    if let Some(name) = cookie(&headers, COOKIE) {
        sessions.end(&name);
    }
    let mut response = see_other("/signin");
    set_cookie(&mut response, &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
    response
}

/// `POST /display`: zone, theme and density, kept by the browser.
pub(crate) async fn display(State(app): State<App>, headers: HeaderMap, body: Body) -> Shown {
    let taste = Taste::of(&headers);
    let form = read_form(&app, &headers, body).await;
    let mut form = form.map_err(|problem| Failed::new(problem, taste))?;
    let to = form.take("to").ok().flatten().unwrap_or_default();
    let mut response = see_other(own_path(&to));
    for name in ["zone", "theme", "density"] {
        let value = form.take(name).ok().flatten().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
        if !value.is_empty() && value.len() < 64 && value.chars().all(plain) {
            let value = value.replace('/', "%2F");
            set_cookie(
                &mut response,
                &format!("{name}={value}; Path=/; SameSite=Lax; Max-Age=31536000"),
            );
        }
    }
    Ok(response)
}

/// Bytes of a form: what it holds comes back in a URL, and none of ours is longer.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// The fields of a form that a page of ours sent, read within the bounds of every body.
pub(crate) async fn read_form(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<Params, Problem> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case(FORM) {
        return Err(Problem::new(Code::UnsupportedMediaType).detail(format!("send {FORM}")));
    }
    let form = collect(app, headers, body, FORM_BYTES_MAX).await?;
    if !is_own_form(headers) {
        return Err(Problem::new(Code::Forbidden).detail("the form was sent by another site"));
    }
    let refused = || Problem::new(Code::InvalidRequest).detail("the form cannot be read");
    let text = std::str::from_utf8(&form.bytes).map_err(|_| refused())?;
    // A form and the query of a URL are written alike.
    Params::of(&format!("/?{text}").parse().map_err(|_| refused())?)
}

fn set_cookie(response: &mut Response<Body>, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Whether the browser came over TLS: browsers send `Origin` with a form.
fn is_tls(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"))
}

//! A request of somebody who is signed in, how they like to see things, and what every page shows.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use jiff::Timestamp;

use super::assets;
use super::criteria::encoded;
use super::session::{Sessions, cookie};
use super::text::{self, Html};
use super::when::Clock;
use crate::App;
use crate::call::Call;
use crate::problem::{Code, Problem};

/// A request of somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Visit {
    /// Who, and what for.
    pub(crate) call: Call,
    /// How they like to see things.
    pub(crate) taste: Taste,
}

/// How a reader likes to see things, from their cookies.
#[derive(Clone, Debug)]
pub(crate) struct Taste {
    /// By which clock.
    pub(crate) clock: Clock,
    /// `utc`, `own`, `local` or the name of a zone: what was chosen.
    pub(crate) zone: String,
    /// `auto`, `light` or `dark`.
    pub(crate) theme: &'static str,
    /// `normal` or `compact`.
    pub(crate) density: &'static str,
}

impl Taste {
    /// What the cookies say; words that are none of ours are passed over.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let one_of = |name: &str, words: [&'static str; 3]| {
            let value = cookie(headers, name).unwrap_or_default();
            let [first, ..] = words;
            words.into_iter().find(|word| *word == value).unwrap_or(first)
        };
        let mut zone = cookie(headers, "zone").unwrap_or_default();
        let clock = match zone.as_str() {
            "local" => Clock::parse(&cookie(headers, "tz").unwrap_or_default().replace("%2F", "/")),
            word => Clock::parse(&word.replace("%2F", "/")),
        };
        if zone != "local" {
            clock.word().clone_into(&mut zone);
        }
        Self {
            clock,
            zone,
            theme: one_of("theme", ["auto", "light", "dark"]),
            density: one_of("density", ["normal", "compact", "normal"]),
        }
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failed> {
        let taste = Taste::of(&parts.headers);
        let here = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let failed = |problem| Failed { problem, taste: taste.clone(), here: here.clone() };
        let Extension(sessions) = Extension::<Arc<Sessions>>::from_request_parts(parts, app)
            .await
            .map_err(|_| failed(Problem::new(Code::Internal)))?;
        let caller = sessions.caller(app, &parts.headers);
        let caller = caller.ok_or_else(|| failed(Problem::new(Code::Unauthenticated)))?;
        let call = Call::by(caller, parts, app).await.map_err(failed)?;
        Ok(Self { call, taste })
    }
}

impl Visit {
    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.call.app.instance().now_micros())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The path and the query of this page.
    pub(crate) fn here(&self) -> String {
        self.call.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()
    }

    /// What every page shows.
    pub(crate) fn frame(&self, title: &str, section: &'static str) -> Frame {
        let token = self.call.caller.token();
        let who = if token.label.is_empty() { token.id.to_string() } else { token.label.clone() };
        let trail = self.call.path("trail");
        Frame {
            who: Some(who),
            trail: trail.to_owned(),
            section,
            ..Frame::bare(title, &self.taste, &self.here())
        }
    }

    /// A page for what went wrong.
    pub(crate) fn failed(&self, problem: Problem) -> Failed {
        Failed { problem, taste: self.taste.clone(), here: self.here() }
    }
}

/// What every page shows around its content.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) assets: &'static str,
    pub(crate) theme: &'static str,
    pub(crate) density: &'static str,
    /// The choice of a zone.
    pub(crate) zone: String,
    /// The zone that times are shown in.
    pub(crate) clock: String,
    /// Who is signed in.
    pub(crate) who: Option<String>,
    /// The trail; empty where there is none.
    pub(crate) trail: String,
    /// Which page of the trail.
    pub(crate) section: &'static str,
    /// The path and the query, to come back to.
    pub(crate) here: String,
}

impl Frame {
    /// A frame for somebody who is not signed in.
    pub(crate) fn bare(title: &str, taste: &Taste, here: &str) -> Self {
        Self {
            title: title.to_owned(),
            assets: assets::folder(),
            theme: taste.theme,
            density: taste.density,
            zone: taste.zone.clone(),
            clock: taste.clock.title(),
            who: None,
            trail: String::new(),
            section: "",
            here: here.to_owned(),
        }
    }
}

/// Nothing but what we serve, and no code or style in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page as an answer.
pub(crate) fn page(template: &impl Template) -> Response<Body> {
    match template.render() {
        Ok(text) => html(StatusCode::OK, text),
        // A template that cannot be rendered is a fault of ours that no reader can mend.
        Err(error) => Problem::new(Code::Internal).caused_by(&error).into_response(),
    }
}

fn html(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sends the reader to another page of ours.
pub(crate) fn see_other(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// A path that a form names to come back to, if it is one of ours.
pub(crate) fn own_path(to: &str) -> &str {
    let own = to.starts_with('/')
        && !to.starts_with("//")
        // A browser passes over tabs and line ends: behind one, `//` could hide.
        && !to.contains(|c: char| c == '\\' || c.is_control())
        && to.len() < 16_384;
    if own { to } else { "/" }
}

/// The page that signs in and leads to a path of ours.
pub(crate) fn sign_in_path(to: &str) -> String {
    format!("/signin?to={}", encoded(own_path(to)))
}

/// What a page answers.
pub(crate) type Shown = Result<Response<Body>, Failed>;

/// What went wrong, on its way to a page that helps.
#[derive(Debug)]
pub(crate) struct Failed {
    problem: Problem,
    taste: Taste,
    here: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    title: &'static str,
    /// The trail that can be gone back to; empty where there is none.
    trail: String,
    detail: Html,
    advice: Vec<String>,
    code: &'static str,
}

impl Failed {
    /// A problem of a form that was sent without a session.
    pub(crate) fn new(problem: Problem, taste: Taste) -> Self {
        Self::at(problem, taste, "/")
    }

    /// A problem at a path.
    pub(crate) fn at(problem: Problem, taste: Taste, here: &str) -> Self {
        Self { problem, taste, here: here.to_owned() }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response<Body> {
        let code = self.problem.code();
        if code == Code::Unauthenticated {
            return see_other(&sign_in_path(&self.here));
        }
        let detail = self.problem.to_json();
        let detail = detail.get("detail").and_then(|text| text.as_str()).unwrap_or_default();
        let page = ErrorPage {
            frame: Frame::bare(code.title(), &self.taste, &self.here),
            title: code.title(),
            trail: match code {
                Code::Forbidden | Code::NoSuchTrail => String::new(),
                _ => trail_of(&self.here).to_owned(),
            },
            detail: text::prose(&sentence(detail)),
            advice: code.explanation().split("\n\n").map(|text| text.trim().to_owned()).collect(),
            code: code.as_str(),
        };
        let told = self.problem.into_response();
        let mut response = match page.render() {
            Ok(text) => html(told.status(), text),
            Err(_) => return told,
        };
        *response.extensions_mut() = told.extensions().clone();
        response
    }
}

/// The trail whose page a path is; empty for other pages.
fn trail_of(path: &str) -> &str {
    let rest = path.strip_prefix("/t/").unwrap_or_default();
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// A text that begins as sentences do, unless it begins with a name.
fn sentence(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(letter) if first.chars().all(char::is_alphabetic) => {
            letter.to_uppercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{own_path, sentence, trail_of};

    #[test]
    fn an_error_leads_back_to_its_trail() {
        assert_eq!(trail_of("/t/lab/e/7?x=/t/other"), "lab");
        assert_eq!(trail_of("/t/lab?q=a"), "lab");
        assert_eq!(trail_of("/signin"), "");
        assert_eq!(sentence("there is none"), "There is none");
        assert_eq!(sentence("target_id: is required"), "target_id: is required");
    }

    #[test]
    fn a_form_leads_back_to_our_own_pages_only() {
        for (to, expected) in [
            ("/t/lab?q=a", "/t/lab?q=a"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("/\t/evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(to), expected, "{to:?}");
        }
    }
}

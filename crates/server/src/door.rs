//! Who comes in and who does not, on the `access` trail: sign-ins, and wrong tokens.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use event::{Actor, Client, Event, Json, Moment, Outcome, Status, Target};

use crate::App;
use crate::auth::Caller;
use crate::instance::{record_access, write_access};
use crate::problem::{Code, Problem};
use crate::refusals::{Seen, Sum};
use crate::service::Peer;

/// Where a request comes from, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct From<'r> {
    headers: &'r HeaderMap,
    pub(crate) peer: Option<IpAddr>,
}

impl<'r> From<'r> {
    /// Where a request with these headers and extensions comes from.
    pub(crate) fn new(headers: &'r HeaderMap, extensions: &Extensions) -> Self {
        Self { headers, peer: extensions.get::<Peer>().map(|Peer(ip)| *ip) }
    }

    /// Where a request comes from.
    pub(crate) fn of(parts: &'r Parts) -> Self {
        Self::new(&parts.headers, &parts.extensions)
    }

    fn client(self) -> Option<Client<'static>> {
        client(self.peer, self.headers)
    }
}

/// What is known of where a request comes from.
pub(crate) fn client(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<Client<'static>> {
    /// More of a user agent than anyone reads.
    const AGENT_BYTES_MAX: usize = 256;
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let agent = agent
        .map(|agent| agent.get(..agent.floor_char_boundary(AGENT_BYTES_MAX)).unwrap_or_default())
        .filter(|agent| !agent.is_empty() && !agent.chars().any(char::is_control));
    (peer.is_some() || agent.is_some()).then(|| Client {
        ip: peer.map(|ip| ip.to_string().into()),
        user_agent: agent.map(|agent| agent.to_owned().into()),
        host: None,
    })
}

/// Lets somebody in who presents a token at a door, or not, and says so on the `access` trail.
///
/// # Errors
/// [`Code::Unauthenticated`]; [`Code::TooManyAttempts`] for a wrong token after many others.
pub(crate) fn sign_in(
    app: &App,
    from: From<'_>,
    presented: &str,
    door: &'static str,
) -> Result<Caller, Problem> {
    let target = Some(Target { kind: door.into(), ..Target::default() });
    let Ok(caller) = Caller::presenting(app, Some(presented)) else {
        let seen = app.refusals().count(from.peer, app.instance().now_micros());
        return Err(match seen {
            Seen::Alone => {
                let refused = happening(app, "sign-in", None, from);
                record_access(app.instance(), Event { target, ..refused });
                Problem::new(Code::Unauthenticated)
            }
            Seen::Counted { retry_after_seconds } => {
                Problem::new(Code::TooManyAttempts).retry_after(retry_after_seconds)
            }
        });
    };
    let begun = happening(app, "sign-in", Some(&caller), from);
    record_access(app.instance(), Event { target, ..begun });
    Ok(caller)
}

/// Takes note of a wrong token that came with a request.
pub(crate) fn refuse(app: &App, from: From<'_>) {
    if app.refusals().count(from.peer, app.instance().now_micros()) == Seen::Alone {
        record_access(app.instance(), happening(app, "refuse", None, from));
    }
}

fn happening(
    app: &App,
    action: &'static str,
    caller: Option<&Caller>,
    from: From<'_>,
) -> Event<'static> {
    let at = Moment::from_micros(app.instance().now_micros());
    let status = if caller.is_some() { Status::Success } else { Status::Denied };
    Event {
        actor: Some(caller.map_or_else(nobody, Caller::actor)),
        client: from.client(),
        outcome: Some(Outcome { status, ..Outcome::default() }),
        ..Event::new(at, registry::SYSTEM, action)
    }
}

fn nobody() -> Actor<'static> {
    Actor { kind: "anonymous".into(), ..Actor::default() }
}

/// Says on the `access` trail, and in the diagnostics, how many wrong tokens came that were not told
/// one by one: after a minute, or at once. What cannot be recorded is tried again in a minute.
pub(crate) async fn tell_refusals(app: &App, at_once: bool) {
    let now = app.instance().now_micros();
    let Some(sum) = app.refusals().take_sum(now, at_once) else { return };
    tracing::warn!(count = sum.count, "wrong tokens, beside those that are recorded one by one");
    if let Err(error) = write_access(app.instance(), &summary(&sum)).await {
        tracing::error!(error = &error as &dyn std::error::Error, "access not recorded");
        app.refusals().put_back(sum, now);
    }
}

fn summary(sum: &Sum) -> Event<'static> {
    // A network is no address: it stands in the attributes only.
    let only = sum.only_address().and_then(|address| address.parse::<IpAddr>().ok());
    Event {
        actor: Some(nobody()),
        client: only.map(|ip| Client { ip: Some(ip.to_string().into()), ..Client::default() }),
        outcome: Some(Outcome { status: Status::Denied, ..Outcome::default() }),
        attributes: Json::parse(&sum.to_json().to_string()).ok().map(Json::into_owned),
        ..Event::new(Moment::from_micros(sum.to_micros), registry::SYSTEM, "refuse")
    }
}

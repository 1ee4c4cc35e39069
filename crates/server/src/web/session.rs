//! Who is signed in: sessions in memory, each for the holder of one token.
//!
//! A session is a random number in a cookie that scripts cannot read, and the id of the token that
//! was shown. The token itself is not kept. Whether it is still valid is asked at every request, so
//! that a revocation ends its sessions too. A restart ends all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use registry::TokenId;

use crate::App;
use crate::auth::Caller;

/// The most sessions at once; the oldest goes for a new one.
const SESSIONS_MAX: usize = 4_096;

/// How long a session lives.
const LIFE_MICROS: i64 = 12 * 3_600 * 1_000_000;

/// The cookie.
pub(crate) const COOKIE: &str = "indelible_session";

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Debug)]
struct Session {
    token: TokenId,
    began_micros: i64,
}

impl Sessions {
    /// Begins a session and gives its name. `None` when the system has no randomness.
    pub(crate) fn begin(&self, token: TokenId, now_micros: i64) -> Option<String> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).ok()?;
        let name = URL_SAFE_NO_PAD.encode(random);
        let mut sessions = self.lock();
        sessions.retain(|_, session| now_micros - session.began_micros < LIFE_MICROS);
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.began_micros);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                sessions.remove(&oldest);
            }
        }
        sessions.insert(name.clone(), Session { token, began_micros: now_micros });
        Some(name)
    }

    /// Ends a session.
    pub(crate) fn end(&self, name: &str) {
        self.lock().remove(name);
    }

    /// The token of a session that is not over.
    fn token(&self, name: &str, now_micros: i64) -> Option<TokenId> {
        let sessions = self.lock();
        let session = sessions.get(name)?;
        (now_micros - session.began_micros < LIFE_MICROS).then(|| session.token.clone())
    }

    /// Who calls, by the session's cookie.
    pub(crate) fn caller(&self, app: &App, headers: &HeaderMap) -> Option<Caller> {
        let now = app.instance().now_micros();
        let id = self.token(&cookie(headers, COOKIE)?, now)?;
        let registry = app.instance().registry();
        let token = registry.token(&id).filter(|token| token.is_valid_at(now))?;
        Some(Caller::new(Arc::clone(token)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value.to_owned())
}

/// Whether a form was sent by a page of ours: browsers say where a request comes from.
pub(crate) fn is_own_form(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, origin)| origin == host)
        }
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    #[test]
    fn a_session_ends_by_itself_and_by_hand() {
        let sessions = Sessions::default();
        let id = TokenId::parse("0123456789ab").unwrap();
        let one = sessions.begin(id.clone(), 0).unwrap();
        let other = sessions.begin(id.clone(), 1).unwrap();
        assert_ne!(one, other);
        assert_eq!(sessions.token(&one, 1), Some(id));
        assert_eq!(sessions.token(&one, LIFE_MICROS), None);
        sessions.end(&other);
        assert_eq!(sessions.token(&other, 2), None);
        assert_eq!(sessions.token("", 2), None);
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        let id = TokenId::parse("0123456789ab").unwrap();
        let first = sessions.begin(id.clone(), 0).unwrap();
        for at in 1..=SESSIONS_MAX {
            sessions.begin(id.clone(), i64::try_from(at).unwrap()).unwrap();
        }
        assert_eq!(sessions.lock().len(), SESSIONS_MAX);
        assert_eq!(sessions.token(&first, 1), None, "the oldest went");
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        for (pairs, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://a:1"), ("host", "a:1")], true),
            (&[("origin", "http://b"), ("host", "a")], false),
            (&[("origin", "null"), ("host", "a")], false),
            (&[("host", "a")], true),
        ] {
            assert_eq!(is_own_form(&headers(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers(&[("cookie", "a=1; indelible_session=x=y; b=2")]);
        assert_eq!(cookie(&headers, COOKIE).as_deref(), Some("x=y"));
        assert_eq!(cookie(&headers, "c"), None);
    }
}

//! Who calls a facade, and which trail is meant.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use serde_json::json;

use crate::App;
use crate::call::Call;
use crate::instance::OpenTrail;
use crate::problem::Problem;

/// The header in which a holder of a token for all trails names one.
const TRAIL: &str = "x-indelible-trail";

/// A caller at the trail that the token names.
pub(crate) struct Visit {
    pub(crate) call: Call,
    pub(crate) open: Arc<OpenTrail>,
}

impl Visit {
    /// Lets a caller in: by the token that was presented, to the token's own trail or, with a token
    /// for all trails, to the one that the header or else `named` names.
    pub(crate) async fn begin(
        app: &App,
        request: Request<Body>,
        presented: Option<&str>,
        named: Option<&str>,
    ) -> Result<Self, Problem> {
        let (mut parts, _) = request.into_parts();
        let caller = Call::presenting(app, &parts, presented)?;
        let header = header(&parts.headers, TRAIL)?.map(ToOwned::to_owned);
        let own = caller.token().trail.as_ref().map(ToString::to_string);
        let trail = header.or(own).or_else(|| named.map(ToOwned::to_owned)).ok_or_else(|| {
            let message = "this token is for all trails; name one in this header, or use a token \
                           that is for one trail";
            Problem::parameter(TRAIL, message)
        })?;
        let call = Call::by(caller, &mut parts, app).await?;
        let open = call.readable(&trail).await?;
        Ok(Self { call, open })
    }

    /// Says on the `access` trail what was asked for through which facade.
    pub(crate) fn record(&self, action: &'static str, facade: &str, query: &search::Query) {
        let params = json!({"q": query.to_string(), "facade": facade});
        self.call.record_read(action, &self.open, &params);
    }
}

/// A header that stands once, as text.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::parameter(name, "stands twice"));
    }
    let text = value.to_str().map(str::trim).unwrap_or_default();
    if text.is_empty() {
        return Err(Problem::parameter(name, "is empty or no plain text"));
    }
    Ok(Some(text))
}

//! Who calls: bearer tokens and what they allow.
//!
//! A caller who may not do something is told the same whether or not it exists.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, header};
use event::{Actor, Credential};
use registry::{Scope, Slug, TokenRecord};

use crate::App;
use crate::control::Operator;
use crate::door::{self, From};
use crate::instance::Instance;
use crate::problem::{Code, Problem};

/// A caller with a valid token, or the operator at the machine.
#[derive(Clone, Debug)]
pub struct Caller {
    token: Arc<TokenRecord>,
    /// What the operator is called.
    operator: Option<Arc<str>>,
}

impl Caller {
    /// The caller who holds a token.
    pub fn new(token: Arc<TokenRecord>) -> Self {
        Self { token, operator: None }
    }

    /// The caller of a request. A token that is wrong is counted.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`].
    pub fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Result<Self, Problem> {
        if let Some(name) = Operator::of(headers, extensions) {
            let token = Arc::new(TokenRecord::operator());
            return Ok(Self { token, operator: Some(name.into()) });
        }
        Self::presenting(app, bearer_of(headers)).inspect_err(|_| {
            if headers.contains_key(header::AUTHORIZATION) {
                door::refuse(app, From::new(headers, extensions));
            }
        })
    }

    /// The caller who presents a token, wherever it stood.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`].
    pub fn presenting(app: &App, presented: Option<&str>) -> Result<Self, Problem> {
        let presented = presented.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        let token = app.instance().authenticate(presented);
        token.map(Self::new).ok_or_else(|| Problem::new(Code::Unauthenticated))
    }

    /// Whether the caller may still be here: the token may have been revoked or have ended since.
    pub fn is_still_known(&self, instance: &Instance) -> bool {
        let now = instance.now_micros();
        self.operator.is_some()
            || instance.registry().token(&self.token.id).is_some_and(|t| t.is_valid_at(now))
    }

    /// The token.
    pub fn token(&self) -> &TokenRecord {
        &self.token
    }

    /// The trail that is meant, if the caller may use it in this way.
    ///
    /// # Errors
    /// [`Code::Forbidden`]; [`Code::NoSuchTrail`] for a text that cannot name a trail, from callers
    /// who may do this to all trails.
    pub fn may(&self, scope: Scope, slug: &str) -> Result<Slug, Problem> {
        let everywhere = self.token.trail.is_none() && self.token.scopes.contains(&scope);
        let refusal = || Problem::new(if everywhere { Code::NoSuchTrail } else { Code::Forbidden });
        let slug = Slug::parse(slug).map_err(|_| refusal())?;
        if self.token.may(scope, &slug) { Ok(slug) } else { Err(Problem::new(Code::Forbidden)) }
    }

    /// That the caller may change the configuration.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub fn must_be_admin(&self) -> Result<(), Problem> {
        if self.token.is_admin() { Ok(()) } else { Err(Problem::new(Code::Forbidden)) }
    }

    /// That the caller is the person at the machine, who came through the control socket.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub fn must_be_operator(&self) -> Result<(), Problem> {
        let detail = "only a command on the server's own machine may do this";
        let refusal = || Problem::new(Code::Forbidden).detail(detail);
        self.operator.as_ref().map(drop).ok_or_else(refusal)
    }

    /// The caller as the actor of an event.
    pub fn actor(&self) -> Actor<'static> {
        if let Some(name) = &self.operator {
            return Instance::operator_called(name);
        }
        let (id, label) = (self.token.id.to_string(), self.token.label.clone());
        let name = Some(label).filter(|label| !label.is_empty());
        Actor {
            kind: "service".into(),
            id: Some(format!("token:{id}").into()),
            name: name.clone().map(Into::into),
            credential: Some(Credential {
                id: Some(id.into()),
                label: name.map(Into::into),
                ending: None,
            }),
            ..Actor::default()
        }
    }
}

/// The token that the header `Authorization` of a request presents.
pub(crate) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes()))
}

/// The token of an `Authorization` header.
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = std::str::from_utf8(token).ok()?.trim_matches(' ');
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

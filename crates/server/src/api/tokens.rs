//! `GET /api/v1/tokens`, `POST /api/v1/tokens` and `DELETE /api/v1/tokens/{id}`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use registry::{Scope, Slug, TokenId, TokenRecord};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::Answer;
use crate::call::{Call, json as json_answer, object};
use crate::problem::{Code, Detail, Problem};

/// The most characters of a label: it stands in every entry that the token brings.
const LABEL_CHARS_MAX: usize = 100;

/// What a token is made of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    #[serde(default)]
    label: String,
    trail: Option<String>,
    scopes: Vec<String>,
    expires_at: Option<String>,
}

/// Every token, without its secret.
pub(crate) async fn tokens(call: Call) -> Answer {
    call.params()?.finish()?;
    call.caller.must_be_admin()?;
    let registry = call.app.instance().registry();
    let list: Vec<Value> = registry.tokens().map(|record| shown(record)).collect();
    Ok(json_answer(json!({"tokens": list}).to_string()))
}

/// Makes a token. Its secret is in this answer and nowhere else.
pub(crate) async fn create_token(call: Call, body: Body) -> Answer {
    call.params()?.finish()?;
    call.caller.must_be_admin()?;
    let new: New = object(&call.app, &call.headers, body).await?;
    if new.label.chars().count() > LABEL_CHARS_MAX || new.label.chars().any(char::is_control) {
        return Err(wrong(
            "/label",
            format!("has at most {LABEL_CHARS_MAX} characters, no controls"),
        ));
    }
    let trail = new.trail.as_deref().map(Slug::parse).transpose();
    let trail = trail.map_err(|error| wrong("/trail", error.to_string()))?;
    let scopes: Option<Vec<Scope>> = new.scopes.iter().map(|word| Scope::parse(word)).collect();
    let scopes = scopes
        .filter(|scopes| !scopes.is_empty())
        .ok_or_else(|| wrong("/scopes", "lists some of append, read and admin".to_owned()))?;
    let expires_at = match new.expires_at.as_deref() {
        None => None,
        Some(text) => {
            let moment = event::parse_rfc3339(text);
            let message = || wrong("/expires_at", "is RFC 3339 with an offset".to_owned());
            Some(moment.ok_or_else(message)?)
        }
    };
    let (instance, actor) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            let (id, secret) =
                instance.create_token(&new.label, trail, scopes, expires_at, &actor)?;
            let registry = instance.registry();
            let mut body = registry.token(&id).map(|record| shown(record)).unwrap_or_default();
            if let Some(members) = body.as_object_mut() {
                members.insert("token".to_owned(), secret.expose().into());
            }
            let mut response = json_answer(body.to_string());
            *response.status_mut() = StatusCode::CREATED;
            Ok::<_, Problem>(response)
        })
        .await
}

/// Ends a token: it is refused from the moment this is answered.
pub(crate) async fn revoke_token(call: Call) -> Answer {
    let mut params = call.params()?;
    let reason = params.take("reason")?;
    params.finish()?;
    call.caller.must_be_admin()?;
    let id = TokenId::parse(call.path("id")).ok_or_else(|| Problem::new(Code::NoSuchResource))?;
    let (instance, actor) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            instance.revoke_token(&id, &actor, reason.as_deref())?;
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok::<_, Problem>(response)
        })
        .await
}

fn wrong(pointer: &str, message: String) -> Problem {
    Problem::new(Code::InvalidRequest).because(Detail {
        pointer: Some(pointer.to_owned()),
        message,
        ..Detail::default()
    })
}

fn shown(record: &TokenRecord) -> Value {
    let scopes: Vec<&str> = record.scopes.iter().map(|scope| scope.as_str()).collect();
    let mut value = json!({
        "id": record.id.as_str(),
        "label": record.label,
        "scopes": scopes,
        "created_at": event::format_micros(record.created_at_micros),
    });
    let more = [
        ("trail", record.trail.as_ref().map(ToString::to_string)),
        ("expires_at", record.expires_at_micros.map(event::format_micros)),
        ("revoked_at", record.revoked_at_micros.map(event::format_micros)),
    ];
    for (name, text) in more {
        if let (Some(text), Some(members)) = (text, value.as_object_mut()) {
            members.insert(name.to_owned(), text.into());
        }
    }
    value
}

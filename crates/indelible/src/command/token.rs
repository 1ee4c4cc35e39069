//! `token`: make, list and revoke tokens.

use ::trail::{Clock as _, SystemClock};
use anyhow::Result;
use registry::{Scope, Slug, TokenId, TokenRecord};
use serde::Deserialize;
use serde_json::json;
use server::instance::{Instance, InstanceError};

use super::{Opened, explain, open};
use crate::cli::{Place, Token};
use crate::exit::{Exit, usage};
use crate::output::{self, Cell};

/// A new token as the API shows it.
#[derive(Deserialize)]
struct Made {
    token: String,
}

/// A token as the API shows it.
#[derive(Deserialize)]
struct Shown {
    id: String,
    label: String,
    scopes: Vec<Scope>,
    trail: Option<Slug>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

/// The tokens as the API lists them.
#[derive(Deserialize)]
struct List {
    tokens: Vec<Shown>,
}

pub(crate) fn run(command: Token) -> Result<Exit> {
    match command {
        Token::Create { place, trail, scope, label, expires } => {
            let scopes = scope
                .iter()
                .map(|word| {
                    Scope::parse(word.trim()).ok_or_else(|| {
                        usage(format!("`{word}` is not a scope; use append, read or admin"))
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            let expires = expires
                .map(|text| {
                    event::parse_rfc3339(&text)
                        .ok_or_else(|| usage("--expires takes a time such as 2027-01-01T00:00:00Z"))
                })
                .transpose()?;
            let secret = match open(&place)? {
                Opened::Here(instance) => {
                    let by = Instance::operator();
                    let (_, secret) = instance
                        .create_token(&label, trail, scopes, expires, &by)
                        .map_err(|error| match error {
                            InstanceError::Order { message, .. } => {
                                usage(format!("--expires {message}"))
                            }
                            other => explain(other),
                        })?;
                    instance.stop();
                    secret.expose().to_owned()
                }
                Opened::There(server) => {
                    let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
                    let new = json!({
                        "label": label,
                        "scopes": scopes,
                        "trail": trail.as_ref().map(Slug::as_str),
                        "expires_at": expires.map(event::format_micros),
                    });
                    server.post::<Made>("/api/v1/tokens", &[], &new)?.token
                }
            };
            output::line(&secret)?;
        }
        Token::List { place, output } => {
            let header = ["id", "label", "trail", "scopes", "created", "state"];
            output::rows(output, &header, &list(&place)?)?;
        }
        Token::Revoke { id, place, reason } => {
            let id = TokenId::parse(&id).ok_or_else(|| {
                usage(
                    "a token's id has 12 hexadecimal digits: those between the underscores of the \
                     token; see `token list`",
                )
            })?;
            match revoke(&place, &id, reason.as_deref())? {
                None => output::note(&format!("revoked {id}")),
                Some(at) => output::note(&format!(
                    "{id} is revoked since {at}; nothing more is recorded of it"
                )),
            }
        }
    }
    Ok(Exit::Done)
}

/// Ends a token. Gives since when it had been revoked before, if it had.
fn revoke(place: &Place, id: &TokenId, reason: Option<&str>) -> Result<Option<String>> {
    match open(place)? {
        Opened::Here(instance) => {
            let before = instance.registry().token(id).and_then(|token| token.revoked_at_micros);
            instance.revoke_token(id, &Instance::operator(), reason).map_err(explain)?;
            instance.stop();
            Ok(before.map(event::format_micros))
        }
        Opened::There(server) => {
            let list: List = server.json("/api/v1/tokens")?;
            let before = list.tokens.into_iter().find(|token| token.id == id.as_str());
            let reason: Vec<_> = reason.iter().map(|text| ("reason", *text)).collect();
            server.delete(&format!("/api/v1/tokens/{id}"), &reason)?;
            Ok(before.and_then(|token| token.revoked_at))
        }
    }
}

fn list(place: &Place) -> Result<Vec<Vec<Cell>>> {
    let rows = match open(place)? {
        Opened::Here(instance) => {
            let now = instance.now_micros();
            let registry = instance.registry();
            registry.tokens().map(|token| here(token, now)).collect()
        }
        Opened::There(server) => {
            let now = SystemClock::default().now_micros();
            let list: List = server.json("/api/v1/tokens")?;
            list.tokens.into_iter().map(|token| there(token, now)).collect()
        }
    };
    Ok(rows)
}

fn here(token: &TokenRecord, now_micros: i64) -> Vec<Cell> {
    let state = match (token.revoked_at_micros, token.is_valid_at(now_micros)) {
        (Some(at), _) => format!("revoked {}", event::format_micros(at)),
        (None, true) => "valid".to_owned(),
        (None, false) => "over".to_owned(),
    };
    let texts = [
        token.id.to_string(),
        token.label.clone(),
        of_trail(token.trail.as_ref()),
        words(&token.scopes),
        event::format_micros(token.created_at_micros),
        state,
    ];
    texts.map(Cell::from).to_vec()
}

fn there(token: Shown, now_micros: i64) -> Vec<Cell> {
    let end = token.expires_at.as_deref().and_then(event::parse_rfc3339);
    let state = match token.revoked_at {
        Some(at) => format!("revoked {at}"),
        None if end.is_none_or(|end| now_micros < end) => "valid".to_owned(),
        None => "over".to_owned(),
    };
    let (trail, scopes) = (of_trail(token.trail.as_ref()), words(&token.scopes));
    [token.id, token.label, trail, scopes, token.created_at, state].map(Cell::from).to_vec()
}

fn of_trail(trail: Option<&Slug>) -> String {
    trail.map_or_else(|| "all".to_owned(), ToString::to_string)
}

fn words(scopes: &[Scope]) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(",")
}

//! `token`: make, list and revoke tokens.

use anyhow::Result;
use registry::{Scope, TokenId};
use server::instance::Instance;

use super::{explain, open};
use crate::cli::Token;
use crate::exit::{Exit, usage};
use crate::output;

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
            let instance = open(&place)?;
            let by = Instance::operator();
            let (_, secret) =
                instance.create_token(&label, trail, scopes, expires, &by).map_err(explain)?;
            instance.stop();
            output::line(secret.expose())?;
        }
        Token::List { place, output } => {
            let instance = open(&place)?;
            let now = instance.now_micros();
            let registry = instance.registry();
            let rows: Vec<Vec<String>> = registry
                .tokens()
                .map(|token| {
                    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
                    let state = match (token.revoked_at_micros, token.is_valid_at(now)) {
                        (Some(at), _) => format!("revoked {}", event::format_micros(at)),
                        (None, true) => "valid".to_owned(),
                        (None, false) => "over".to_owned(),
                    };
                    vec![
                        token.id.to_string(),
                        token.label.clone(),
                        token.trail.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string),
                        scopes.join(","),
                        event::format_micros(token.created_at_micros),
                        state,
                    ]
                })
                .collect();
            output::rows(output, &["id", "label", "trail", "scopes", "created", "state"], &rows)?;
        }
        Token::Revoke { id, place, reason } => {
            let id = TokenId::parse(&id)
                .ok_or_else(|| usage("a token's id has 12 hexadecimal digits; see `token list`"))?;
            let instance = open(&place)?;
            instance
                .revoke_token(&id, &Instance::operator(), reason.as_deref())
                .map_err(explain)?;
            instance.stop();
            output::note(&format!("revoked {id}"));
        }
    }
    Ok(Exit::Done)
}

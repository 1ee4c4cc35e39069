//! `POST …/users/login`: an API token is the password, and the session's token too.

use axum::extract::Request;
use serde::Deserialize;
use serde_json::json;

use super::FACADE;
use super::envelope::Results;
use crate::App;
use crate::call::{Call, object};
use crate::door::{From, sign_in};
use crate::problem::{Code, Problem};

/// What a client sends: a user with a password, or a token to go on with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    user: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
}

/// Answers with the token that was presented. It is valid for as long as it is; clients that refresh
/// get it again. The user's name is the client's own: the token says who calls.
pub(super) async fn login(app: &App, request: Request) -> Result<Results, Problem> {
    let (parts, body) = request.into_parts();
    let login: Login = object(app, &parts.headers, body).await?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (user, password) = (filled(login.user), filled(login.password));
    let refresh = filled(login.refresh_token);
    let (presented, is_sign_in) = match (user, password, refresh) {
        (Some(_), Some(password), None) => (password, true),
        (None, None, Some(token)) => (token, false),
        _ => {
            let detail = "send `user` and `password`, where the password is an API token, or \
                          `refreshToken`";
            return Err(Problem::new(Code::InvalidRequest).detail(detail));
        }
    };
    let admitted = if is_sign_in {
        sign_in(app, From::of(&parts), &presented, FACADE)
    } else {
        // A refresh follows every call of some clients, and tells nothing new.
        Call::presenting(app, &parts, Some(&presented))
    };
    admitted.map_err(|problem| {
        problem.detail("Incorrect user or password: the password is an API token of this server")
    })?;
    let tokens = json!({"token": presented, "refreshToken": presented});
    Ok(Results::of(vec![tokens.to_string()]))
}

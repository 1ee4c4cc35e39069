//! `GET /api/v1/trails` and `POST /api/v1/trails`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use registry::{Scope, Slug, TrailRecord};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::Answer;
use crate::call::{Call, json as json_answer, object};
use crate::problem::{Code, Detail, Problem};

/// What a trail is made of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    slug: String,
}

/// The trails that the caller may read or append to.
pub(crate) async fn trails(call: Call) -> Answer {
    call.params()?.finish()?;
    let token = call.caller.token();
    let visible =
        |record: &TrailRecord| Scope::ALL.iter().any(|scope| token.may(*scope, &record.slug));
    let list: Vec<Value> = call
        .app
        .instance()
        .trails()
        .iter()
        .filter(|record| visible(record))
        .map(|record| shown(record))
        .collect();
    Ok(json_answer(json!({"trails": list}).to_string()))
}

/// Makes a trail.
pub(crate) async fn create_trail(call: Call, body: Body) -> Answer {
    call.params()?.finish()?;
    call.caller.must_be_admin()?;
    let new: New = object(&call.app, &call.headers, body).await?;
    let slug = Slug::parse(&new.slug).map_err(|error| {
        Problem::new(Code::InvalidRequest).because(Detail {
            pointer: Some("/slug".to_owned()),
            message: error.to_string(),
            ..Detail::default()
        })
    })?;
    let (instance, actor) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            let open = instance.create_trail(&slug, &actor)?;
            let record = instance.registry().trail(&open.slug).map(|record| shown(record));
            let mut response = json_answer(record.unwrap_or_default().to_string());
            *response.status_mut() = StatusCode::CREATED;
            let place = format!("/api/v1/trails/{slug}/status");
            if let Ok(place) = HeaderValue::try_from(place) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            Ok::<_, Problem>(response)
        })
        .await
}

fn shown(record: &TrailRecord) -> Value {
    json!({
        "slug": record.slug.as_str(),
        "origin": record.origin,
        "verifier_key": record.vkey,
        "created_at": event::format_micros(record.created_at_micros),
    })
}

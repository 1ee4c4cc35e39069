//! `POST /api/v1/clock/confirm`: an operator says that the server's clock is right.

use std::sync::Arc;

use axum::body::Body;
use serde_json::json;

use crate::app::Answer;
use crate::body;
use crate::call::{Call, json as json_answer};
use crate::problem::Problem;

/// Believes a clock that leapt ahead, on record, so that appends go on.
pub(crate) async fn confirm_clock(call: Call, body: Body) -> Answer {
    // Nothing in it is asked for. Left unread, it would end the connection while it is still sent.
    body::discard(body).await;
    let mut params = call.params()?;
    let reason = params.take("reason")?;
    params.finish()?;
    call.caller.must_be_admin()?;
    let (instance, actor) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            let ahead = instance.confirm_clock(&actor, reason.as_deref())?;
            let seconds = ahead.unwrap_or(0) / 1_000_000;
            Ok::<_, Problem>(json_answer(json!({"ahead_seconds": seconds}).to_string()))
        })
        .await
}

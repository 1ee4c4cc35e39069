//! `POST …/checks`: a command beside the server tells what it found when it recomputed a trail.
//!
//! **Trust.** The result is the word of the person at the machine, who could read and write the
//! directory anyway; no token can tell one.

use std::sync::Arc;

use axum::body::Body;
use registry::{Checked, Scope};
use serde_json::json;

use crate::app::Answer;
use crate::call::{self, Call};
use crate::problem::{Code, Problem};

/// Records the result of a check.
pub(crate) async fn tell_check(call: Call, body: Body) -> Answer {
    let checked: Checked = call::object(&call.app, &call.headers, body).await?;
    call.params()?.finish()?;
    call.caller.must_be_operator()?;
    let slug = call.caller.may(Scope::Read, call.path("trail"))?;
    // Not opened for it: a trail that is damaged cannot be.
    if call.app.instance().registry().trail(&slug).is_none() {
        return Err(Problem::new(Code::NoSuchTrail));
    }
    let (instance, by) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            instance.record_check(&slug, &checked, by)?;
            Ok::<_, Problem>(call::json(json!({"sound": checked.is_sound()}).to_string()))
        })
        .await
}

//! `GET …/status`: how far a trail is, and the key that its checkpoints are signed with.

use serde_json::json;

use crate::app::Answer;
use crate::call::{Call, json as json_answer};
use crate::problem::Problem;
use trail::Feed as _;

/// The state of a trail.
pub(crate) async fn status(call: Call) -> Answer {
    let open = call.trail().await?;
    call.params()?.finish()?;
    call.app
        .blocking(move || {
            let published = open.trail.published();
            let body = json!({
                "trail": open.slug.as_str(),
                "origin": open.trail.origin(),
                "verifier_key": open.trail.verifier().to_string(),
                "committed_size": open.trail.committed_size(),
                "published_size": published.checkpoint.size().get(),
                "projected_size": open.projection.projected_size(),
                "search_lag": open.projection.lag(),
                "stopped": open.trail.is_stopped(),
                "checkpoint": &*published.note,
            });
            Ok::<_, Problem>(json_answer(body.to_string()))
        })
        .await
}

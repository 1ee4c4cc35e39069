//! `GET …/events/{index}/receipt` and `…/proof/consistency`.

use serde_json::json;
use trail::Feed as _;

use crate::app::Answer;
use crate::call::{Call, json as json_answer, typed};
use crate::pieces::attach;
use crate::problem::Problem;

/// The receipt of an event as a `c2sp.org/tlog-proof@v1` file.
pub(crate) async fn receipt(call: Call) -> Answer {
    let open = call.trail().await?;
    let index = call.index()?;
    let mut params = call.params()?;
    let wait = params.word("wait", &[("published", ())])?.is_some();
    params.finish()?;
    if wait && index < open.trail.committed_size() {
        let mut sizes = open.trail.published_sizes();
        let waiting = sizes.wait_for(|size| *size > index);
        // Whether it came in time shows when the receipt is made.
        let _ = tokio::time::timeout(call.app.options().wait_max, waiting).await;
    }
    call.record_read("receipt", &open, &json!({"index": index}));
    let name = format!("{}-{index}.tlog-proof", open.slug);
    call.app
        .blocking(move || {
            let receipt = open.trail.receipt(index)?;
            let mut response = typed("text/plain; charset=utf-8", receipt.to_string());
            attach(&mut response, &name);
            Ok::<_, Problem>(response)
        })
        .await
}

/// The proof that the tree of one size is the beginning of the tree of another.
pub(crate) async fn consistency(call: Call) -> Answer {
    let open = call.trail().await?;
    let mut params = call.params()?;
    let published = open.trail.published().checkpoint.size().get();
    let to = params.number("to", 0..=published)?.unwrap_or(published);
    let from = params.number("from", 0..=to)?;
    params.finish()?;
    let from = from.ok_or_else(|| Problem::parameter("from", "is required"))?;
    call.app
        .blocking(move || {
            let proof = open.trail.consistency(from, to)?;
            let hashes: Vec<String> = proof.hashes.iter().map(ToString::to_string).collect();
            let body = json!({"from": from, "to": to, "hashes": hashes});
            Ok::<_, Problem>(json_answer(body.to_string()))
        })
        .await
}

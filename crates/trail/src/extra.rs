//! What a receipt carries beside its proof: the entry and its openings, so that one file suffices.
//!
//! A JSON object: `entry`, the exact bytes as a string; `openings`, if any, each with `at`, `salt`
//! (base64) and `value`, the exact bytes as a string.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::Opening;
use event::json::write_string;

use crate::Recorded;

pub(crate) fn encode(recorded: &Recorded) -> Vec<u8> {
    let mut out = b"{\"entry\":".to_vec();
    write_string(&mut out, std::str::from_utf8(&recorded.entry).unwrap_or_default());
    if !recorded.openings.is_empty() {
        out.extend_from_slice(b",\"openings\":[");
        for (position, opening) in recorded.openings.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"at\":");
            write_string(&mut out, &opening.at);
            out.extend_from_slice(b",\"salt\":");
            write_string(&mut out, &STANDARD.encode(opening.salt));
            out.extend_from_slice(b",\"value\":");
            write_string(&mut out, &opening.value);
            out.push(b'}');
        }
        out.push(b']');
    }
    out.push(b'}');
    out
}

/// The entry and the openings of a receipt of ours. `None` when the bytes are someone else's.
pub fn receipt_extra(extra: &[u8]) -> Option<(String, Vec<Opening>)> {
    let value: serde_json::Value = serde_json::from_slice(extra).ok()?;
    let text =
        |value: &serde_json::Value, name: &str| value.get(name)?.as_str().map(ToOwned::to_owned);
    let entry = text(&value, "entry")?;
    let openings = value.get("openings").and_then(|list| list.as_array()).map_or_else(
        || Some(Vec::new()),
        |list| {
            list.iter()
                .map(|item| {
                    Some(Opening {
                        at: text(item, "at")?,
                        salt: STANDARD.decode(text(item, "salt")?).ok()?.try_into().ok()?,
                        value: text(item, "value")?,
                    })
                })
                .collect()
        },
    )?;
    Some((entry, openings))
}

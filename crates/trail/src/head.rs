//! The head: what a trail has committed, authenticated.
//!
//! ```text
//! indelible/head/v1
//! <origin>
//! <size>
//! <root, base64>
//! <recorded_at of the last entry, microseconds since the epoch>
//! <HMAC-SHA-256 over all lines above, base64>
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog::{Hash, TreeSize};

use crate::Keys;

const VERSION: &str = "indelible/head/v1";

/// Size, root and last recorded time of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: TreeSize,
    pub(crate) root: Hash,
    pub(crate) recorded_at_micros: i64,
}

impl Head {
    pub(crate) const EMPTY: Self =
        Self { size: TreeSize::ZERO, root: Hash::EMPTY_ROOT, recorded_at_micros: 0 };

    pub(crate) fn encode(&self, origin: &str, keys: &Keys) -> Vec<u8> {
        let mut text = format!(
            "{VERSION}\n{origin}\n{}\n{}\n{}\n",
            self.size, self.root, self.recorded_at_micros
        );
        let code = STANDARD.encode(keys.code(text.as_bytes()));
        text.push_str(&code);
        text.push('\n');
        text.into_bytes()
    }

    /// Reads a head; `None` when it is not one that these keys wrote for this origin.
    pub(crate) fn decode(bytes: &[u8], origin: &str, keys: &Keys) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (message, code) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let message = text.get(..=message.len())?;
        if !keys.admits(message.as_bytes(), &STANDARD.decode(code).ok()?) {
            return None;
        }
        let mut lines = message.lines();
        if lines.next()? != VERSION || lines.next()? != origin {
            return None;
        }
        Some(Self {
            size: TreeSize::new(lines.next()?.parse().ok()?),
            root: Hash::parse_base64(lines.next()?).ok()?,
            recorded_at_micros: lines.next()?.parse().ok()?,
        })
    }
}

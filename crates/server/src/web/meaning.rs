//! What an action means, for a person: asked of the catalogue of its source, never stored.

use dialect::{Kind, Meaning};

use crate::kinds::catalogue;

/// What an action of a system does.
pub(crate) fn meaning(system: &str, action: &str) -> Meaning {
    catalogue(system).meaning(action)
}

/// What a reader should know before trusting an action's word.
pub(crate) fn note(system: &str, action: &str) -> &'static str {
    catalogue(system).verb(action).map_or("", |verb| verb.note)
}

/// What an act of this server is done to where that is not its target, to be said behind its kind: an
/// import creates events, not the file that they come from.
pub(crate) fn object(system: &str, action: &str) -> &'static str {
    if system == registry::SYSTEM && action == "import" { " events" } else { "" }
}

/// The shape that stands beside the word of a kind, so that colour is never alone.
pub(crate) const fn sign(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Create) => "+",
        Some(Kind::Read) => "○",
        Some(Kind::Update) => "≠",
        Some(Kind::Delete) => "−",
        Some(Kind::Execute) => "▸",
        Some(Kind::Access) => "→",
        Some(Kind::Permission) => "◆",
        Some(Kind::Export) => "↗",
        None => "·",
    }
}

//! What an action means, for a person: asked of the catalogue of its source, never stored.

use dialect::{Catalogue, Kind, Meaning};

/// For systems that no dialect knows: every action is a guess by its name.
const STRANGER: Catalogue = Catalogue {
    system: "",
    title: "",
    verbs: &[],
    entities: &[],
    case_sensitive: false,
    words: &[],
};

/// What an action of a system does.
pub(crate) fn meaning(system: &str, action: &str) -> Meaning {
    catalogue(system).meaning(action)
}

/// What a reader should know before trusting an action's word.
pub(crate) fn note(system: &str, action: &str) -> &'static str {
    catalogue(system).verb(action).map_or("", |verb| verb.note)
}

fn catalogue(system: &str) -> &'static Catalogue {
    dialect::by_system(system).map_or(&STRANGER, |dialect| dialect.catalogue())
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

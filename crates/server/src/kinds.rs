//! What actions mean, by the catalogues of the platforms that recorded them.

use std::borrow::Cow;

use dialect::Catalogue;
use search::Kinds;

/// The catalogue of systems that have none of their own: it guesses by common words.
const COMMON: Catalogue = Catalogue {
    system: "",
    title: "",
    verbs: &[],
    entities: &[],
    case_sensitive: false,
    words: &[],
};

/// The catalogues of all dialects.
#[derive(Clone, Copy, Debug)]
pub struct Catalogues;

impl Kinds for Catalogues {
    fn kind_of(&self, system: &str, action: &str) -> Cow<'static, str> {
        let meaning = match dialect::by_system(system) {
            Some(dialect) => dialect.catalogue().meaning(action),
            None => COMMON.meaning(action),
        };
        Cow::Borrowed(meaning.kind().map_or("other", dialect::Kind::as_str))
    }
}

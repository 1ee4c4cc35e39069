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

    fn also_called(&self, action: &str) -> Vec<(&'static str, &'static str)> {
        let catalogues = dialect::ALL.iter().map(|dialect| dialect.catalogue());
        let names = catalogues.flat_map(|catalogue| {
            let names = catalogue.names_of(action).into_iter();
            names.map(|name| (catalogue.system, name))
        });
        names.filter(|(_, name)| !name.eq_ignore_ascii_case(action)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_found_under_the_names_of_its_own_platform() {
        let called = |action| Catalogues.also_called(action);
        assert_eq!(called("participant_created"), [("seqera", "participant_added")]);
        assert_eq!(called("participant_added"), [("seqera", "participant_created")]);
        assert_eq!(called("Enable Queue"), [("tetrascience", "enable-queue")]);
        assert_eq!(called("moon_phase_changed"), []);
    }
}

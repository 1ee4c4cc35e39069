//! What actions mean, by the catalogues of those who recorded them.

use std::borrow::Cow;

use dialect::{Catalogue, Kind, Verb};
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

/// The kind of actions that no catalogue knows or guesses.
const OTHER: &str = "other";

/// What this server itself records, on the `access` and `system` trails and of imports and deposits.
const OWN: Catalogue = Catalogue {
    system: registry::SYSTEM,
    title: "Indelible",
    verbs: &[
        Verb::new("sign-in", Kind::Access),
        Verb::new("refuse", Kind::Access),
        Verb::new("token.create", Kind::Access),
        Verb::new("token.revoke", Kind::Access),
        Verb::new("search", Kind::Read),
        Verb::new("read", Kind::Read),
        Verb::new("count", Kind::Read),
        Verb::new("history", Kind::Read),
        Verb::new("accounts", Kind::Read),
        Verb::new("stream", Kind::Read),
        Verb::new("receipt", Kind::Read),
        Verb::new("print", Kind::Export),
        Verb::new("export", Kind::Export),
        Verb::new("download", Kind::Export),
        Verb::new("deposit.file", Kind::Export),
        Verb::new("trail.create", Kind::Create),
        Verb::new("deposit.create", Kind::Create),
        Verb::new("view.save", Kind::Create),
        Verb::new("import", Kind::Create),
        Verb::new("deposit.remove", Kind::Delete),
        Verb::new("view.remove", Kind::Delete),
        Verb::new("deposit.activate", Kind::Update),
        Verb::new("deposit.deactivate", Kind::Update),
        Verb::new("clock.confirm", Kind::Update),
        Verb::new("server.start", Kind::Execute),
        Verb::new("server.stop", Kind::Execute),
        Verb::new("trail.recover", Kind::Execute),
        Verb::new("trail.check", Kind::Execute),
        Verb::new("day.close", Kind::Execute),
    ],
    entities: &["trail", "token", "view", "deposit", "server", "file", "page"],
    case_sensitive: true,
    words: &[],
};

/// The catalogue of a system.
pub(crate) fn catalogue(system: &str) -> &'static Catalogue {
    own_catalogue(system).unwrap_or(&COMMON)
}

/// The catalogue of a system that has one of its own.
fn own_catalogue(system: &str) -> Option<&'static Catalogue> {
    match dialect::by_system(system) {
        Some(dialect) => Some(dialect.catalogue()),
        None => Some(&OWN).filter(|own| own.system == system),
    }
}

/// The catalogues of all dialects, and the server's own.
#[derive(Clone, Copy, Debug)]
pub struct Catalogues;

impl Catalogues {
    /// Every kind that an action can be of.
    pub fn words() -> Vec<&'static str> {
        Kind::ALL.into_iter().map(Kind::as_str).chain([OTHER]).collect()
    }
}

impl Kinds for Catalogues {
    fn kind_of(&self, system: &str, action: &str) -> Cow<'static, str> {
        let meaning = catalogue(system).meaning(action);
        Cow::Borrowed(meaning.kind().map_or(OTHER, Kind::as_str))
    }

    fn has_own(&self, system: &str) -> bool {
        own_catalogue(system).is_some()
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
    fn what_the_server_records_is_known_and_strangers_words_are_guessed() {
        for (system, action, kind) in [
            ("indelible", "sign-in", "access"),
            ("indelible", "refuse", "access"),
            ("indelible", "print", "export"),
            ("indelible", "clock.leap", "other"),
            ("lims", "sign-in", "other"),
            ("lims", "sample.delete", "delete"),
            ("opencga", "UPDATE_ACLS", "permission"),
        ] {
            assert_eq!(Catalogues.kind_of(system, action), kind, "{system} {action}");
        }
    }

    #[test]
    fn an_act_is_found_under_the_names_of_its_own_platform() {
        let called = |action| Catalogues.also_called(action);
        assert_eq!(called("participant_created"), [("seqera", "participant_added")]);
        assert_eq!(called("participant_added"), [("seqera", "participant_created")]);
        assert_eq!(called("Enable Queue"), [("tetrascience", "enable-queue")]);
        assert_eq!(called("moon_phase_changed"), []);
    }
}

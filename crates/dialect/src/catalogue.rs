//! What a platform's words mean. Asked when somebody looks, never stored.

use std::fmt;

/// What an action does, in one word that all platforms share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Something came to be.
    Create,
    /// Something was looked at.
    Read,
    /// Something was changed.
    Update,
    /// Something was removed.
    Delete,
    /// Something was run, started or stopped.
    Execute,
    /// Somebody signed in or out, or got or lost a credential.
    Access,
    /// Somebody was given or denied a right.
    Permission,
    /// Data left the platform.
    Export,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Delete,
        Self::Execute,
        Self::Access,
        Self::Permission,
        Self::Export,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Execute => "execute",
            Self::Access => "access",
            Self::Permission => "permission",
            Self::Export => "export",
        }
    }

    /// The kind with that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The platform documents the action, and this is what it does.
    Known(Kind),
    /// The catalogue does not have the action; its name suggests this.
    Guessed(Kind),
    /// The catalogue does not have the action and its name says nothing.
    Unknown,
}

impl Meaning {
    /// The kind, sure or not.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Known(kind) | Self::Guessed(kind) => Some(kind),
            Self::Unknown => None,
        }
    }

    /// Whether it is only a guess.
    pub const fn is_guess(self) -> bool {
        matches!(self, Self::Guessed(_))
    }
}

/// An action that a platform documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verb {
    /// The action, as the platform writes it.
    pub action: &'static str,
    /// What it does.
    pub kind: Kind,
    /// The action that took its place, if it is deprecated and one did.
    pub replaced_by: Option<&'static str>,
    /// The first version that has it and the last one, where they are known; empty otherwise.
    pub versions: (&'static str, &'static str),
    /// What a reader should know before trusting the word; empty when it means what it says.
    pub note: &'static str,
}

impl Verb {
    /// An action that is current and means what it says.
    pub const fn new(action: &'static str, kind: Kind) -> Self {
        Self { action, kind, replaced_by: None, versions: ("", ""), note: "" }
    }

    /// An action of old, and what is written in its place today.
    pub const fn deprecated(action: &'static str, kind: Kind, by: Option<&'static str>) -> Self {
        Self { action, kind, replaced_by: by, versions: ("", "deprecated"), note: "" }
    }

    /// The same, known since a version.
    #[must_use]
    pub const fn since(self, version: &'static str) -> Self {
        Self { versions: (version, self.versions.1), ..self }
    }

    /// The same, with a note.
    #[must_use]
    pub const fn noting(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

/// A word at which an action's name can be guessed, such as `delete` in `SHELF_DELETE`.
pub type Word = (&'static str, Kind);

/// What one platform's words mean.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    /// The platform's name in `source.system`.
    pub system: &'static str,
    /// The platform's name for a person.
    pub title: &'static str,
    /// The actions it documents.
    pub verbs: &'static [Verb],
    /// The types of things it documents.
    pub entities: &'static [&'static str],
    /// Whether the case of an action means something.
    pub case_sensitive: bool,
    /// Words to guess by besides those that mean the same on every platform, which they go before.
    pub words: &'static [Word],
}

impl Catalogue {
    /// The documented action with that name.
    pub fn verb(&self, action: &str) -> Option<&'static Verb> {
        self.verbs.iter().find(|verb| self.same(verb.action, action))
    }

    /// What an action does, or what its name suggests.
    pub fn meaning(&self, action: &str) -> Meaning {
        if let Some(verb) = self.verb(action) {
            return Meaning::Known(verb.kind);
        }
        guess(action, self.words)
            .or_else(|| guess(action, COMMON_WORDS))
            .map_or(Meaning::Unknown, Meaning::Guessed)
    }

    /// The documented actions that do this, to be used as a filter.
    pub fn actions_of(&self, kind: Kind) -> impl Iterator<Item = &'static str> {
        self.verbs.iter().filter(move |verb| verb.kind == kind).map(|verb| verb.action)
    }

    /// Every name under which the same action is recorded: the one given, the deprecated ones that
    /// it took the place of, and the one that took its place.
    pub fn names_of(&self, action: &str) -> Vec<&'static str> {
        let Some(verb) = self.verb(action) else { return Vec::new() };
        let current = verb.replaced_by.unwrap_or(verb.action);
        self.verbs
            .iter()
            .filter(|other| {
                self.same(other.action, current)
                    || other.replaced_by.is_some_and(|by| self.same(by, current))
            })
            .map(|other| other.action)
            .collect()
    }

    fn same(&self, one: &str, other: &str) -> bool {
        if self.case_sensitive { one == other } else { one.eq_ignore_ascii_case(other) }
    }
}

/// Words that mean the same on every platform.
const COMMON_WORDS: &[Word] = &[
    ("login", Kind::Access),
    ("logout", Kind::Access),
    ("signin", Kind::Access),
    ("authenticate", Kind::Access),
    ("password", Kind::Access),
    ("token", Kind::Access),
    ("grant", Kind::Permission),
    ("revoke", Kind::Permission),
    ("permission", Kind::Permission),
    ("permissions", Kind::Permission),
    ("acl", Kind::Permission),
    ("acls", Kind::Permission),
    ("role", Kind::Permission),
    ("invite", Kind::Permission),
    ("share", Kind::Permission),
    ("download", Kind::Export),
    ("downloaded", Kind::Export),
    ("export", Kind::Export),
    ("create", Kind::Create),
    ("created", Kind::Create),
    ("new", Kind::Create),
    ("add", Kind::Create),
    ("added", Kind::Create),
    ("upload", Kind::Create),
    ("uploaded", Kind::Create),
    ("import", Kind::Create),
    ("clone", Kind::Create),
    ("copy", Kind::Create),
    ("delete", Kind::Delete),
    ("deleted", Kind::Delete),
    ("remove", Kind::Delete),
    ("removed", Kind::Delete),
    ("destroy", Kind::Delete),
    ("dropped", Kind::Delete),
    ("purge", Kind::Delete),
    ("run", Kind::Execute),
    ("launch", Kind::Execute),
    ("launched", Kind::Execute),
    ("start", Kind::Execute),
    ("started", Kind::Execute),
    ("stop", Kind::Execute),
    ("stopped", Kind::Execute),
    ("execute", Kind::Execute),
    ("submit", Kind::Execute),
    ("kill", Kind::Execute),
    ("terminate", Kind::Execute),
    ("update", Kind::Update),
    ("updated", Kind::Update),
    ("edit", Kind::Update),
    ("edited", Kind::Update),
    ("set", Kind::Update),
    ("change", Kind::Update),
    ("changed", Kind::Update),
    ("modified", Kind::Update),
    ("rename", Kind::Update),
    ("move", Kind::Update),
    ("enable", Kind::Update),
    ("enabled", Kind::Update),
    ("disable", Kind::Update),
    ("disabled", Kind::Update),
    ("close", Kind::Update),
    ("archive", Kind::Update),
    ("publish", Kind::Update),
    ("get", Kind::Read),
    ("list", Kind::Read),
    ("find", Kind::Read),
    ("describe", Kind::Read),
    ("read", Kind::Read),
    ("view", Kind::Read),
    ("search", Kind::Read),
    ("query", Kind::Read),
    ("fetch", Kind::Read),
    ("info", Kind::Read),
];

/// The kind of the first listed word that is among the words of a name.
fn guess(action: &str, words: &[Word]) -> Option<Kind> {
    let parts: Vec<&str> = parts(action).collect();
    words
        .iter()
        .find(|(word, _)| parts.iter().any(|part| part.eq_ignore_ascii_case(word)))
        .map(|(_, kind)| *kind)
}

/// The words of a name: `file-addTags` has `file`, `add` and `Tags`; `ADD_GROUP` has `ADD`, `GROUP`.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).flat_map(|chunk| {
        let mut rest = chunk;
        std::iter::from_fn(move || {
            let mut lower = false;
            let end = rest
                .char_indices()
                .find(|(_, c)| {
                    let humped = lower && c.is_uppercase();
                    lower = c.is_lowercase();
                    humped
                })
                .map_or(rest.len(), |(at, _)| at);
            let (part, after) = rest.split_at_checked(end)?;
            rest = after;
            (!part.is_empty()).then_some(part)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: Catalogue = Catalogue {
        system: "s",
        title: "S",
        verbs: &[
            Verb::new("thing-make", Kind::Create),
            Verb::deprecated("thing-produce", Kind::Create, Some("thing-make")),
        ],
        entities: &["thing"],
        case_sensitive: false,
        words: &[("describe", Kind::Export)],
    };

    #[test]
    fn a_name_falls_apart_at_humps_and_marks() {
        for (name, expected) in [
            ("file-addTags", vec!["file", "add", "Tags"]),
            ("ADD_STUDY_GROUP", vec!["ADD", "STUDY", "GROUP"]),
            ("Change Local Configuration", vec!["Change", "Local", "Configuration"]),
            ("shortenURL", vec!["shorten", "URL"]),
            ("", vec![]),
            ("--", vec![]),
            ("é", vec!["é"]),
        ] {
            assert_eq!(parts(name).collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_in_the_catalogue_is_a_guess_and_says_so() {
        for (action, meaning) in [
            ("thing-make", Meaning::Known(Kind::Create)),
            ("THING-MAKE", Meaning::Known(Kind::Create)),
            ("thing-produce", Meaning::Known(Kind::Create)),
            ("shelf-removeBooks", Meaning::Guessed(Kind::Delete)),
            ("shelf-describe", Meaning::Guessed(Kind::Export)),
            ("USER_LOGIN", Meaning::Guessed(Kind::Access)),
            ("shelf-frobnicate", Meaning::Unknown),
            ("", Meaning::Unknown),
        ] {
            assert_eq!(CATALOGUE.meaning(action), meaning, "{action}");
            assert_eq!(meaning.is_guess(), matches!(meaning, Meaning::Guessed(_)));
        }
    }

    #[test]
    fn a_deprecated_name_finds_what_its_successor_finds() {
        for name in ["thing-make", "thing-produce", "Thing-Produce"] {
            assert_eq!(CATALOGUE.names_of(name), ["thing-make", "thing-produce"], "{name}");
        }
        assert!(CATALOGUE.names_of("shelf-make").is_empty());
        assert_eq!(CATALOGUE.actions_of(Kind::Create).count(), 2);
    }
}

//! The words of TetraScience TDP: the entities and actions of its documentation (v3.5), the slugs of
//! its API (4.0), and what its system log adds.
//!
//! Files and API write slugs (`change-role`), the page writes names (`Change Role`); both are here,
//! and a query for one finds the other. Slugs that the API's description does not list are formed
//! from the page's names. Words are an open set: what is not here is recorded as it came.

use crate::{Catalogue, Kind, Verb};

use Kind::{Access, Create, Delete, Execute, Permission, Update};

/// What the words of TDP mean.
pub const CATALOGUE: Catalogue = Catalogue {
    system: "tetrascience",
    title: "TetraScience TDP",
    verbs: VERBS,
    entities: ENTITIES,
    case_sensitive: false,
    words: &[("sync", Execute), ("reprocess", Execute), ("unlock", Access)],
};

/// The page's name of an action that files write as a slug.
const fn named(name: &'static str, kind: Kind, slug: &'static str) -> Verb {
    Verb { replaced_by: Some(slug), ..Verb::new(name, kind).noting("the page's name for it") }
}

const VERBS: &[Verb] = &[
    Verb::new("create", Create),
    Verb::new("update", Update),
    Verb::new("delete", Delete),
    Verb::new("enable", Update),
    Verb::new("disable", Update),
    Verb::new("unlock", Access),
    Verb::new("change-role", Permission),
    Verb::new("change-password", Access),
    Verb::new("login-attempt", Access).noting("whether it worked is in `after`"),
    Verb::new("copy", Create),
    Verb::new("change-default-role", Permission),
    Verb::new("reset-password", Access),
    Verb::new("forgot-password-request", Access),
    Verb::new("expired-token", Access),
    Verb::new("enable-queue", Update),
    Verb::new("disable-queue", Update),
    Verb::new("change-cloud-configuration", Update),
    Verb::new("change-local-configuration", Update),
    Verb::new("start-agent", Execute),
    Verb::new("stop-agent", Execute),
    Verb::new("add-new", Create),
    Verb::new("add-new-empower-project", Create),
    Verb::new("rerun-existing-empower-project", Execute),
    Verb::new("select-existing-empower-project", Update),
    Verb::new("activate", Update),
    Verb::new("sync", Execute),
    Verb::new("update-config", Update),
    Verb::new("upload", Create),
    Verb::new("update-labels", Update),
    Verb::new("update-tags", Update),
    Verb::new("update-metadata", Update),
    Verb::new("update-metadata-tags", Update),
    Verb::new("configure", Update),
    Verb::new("change-status", Update),
    Verb::new("reprocess", Execute),
    Verb::new("submit-files-for-process", Execute),
    Verb::new("login", Access),
    Verb::new("logout", Access),
    named("Enable Queue", Update, "enable-queue"),
    named("Disable Queue", Update, "disable-queue"),
    named("Change Cloud Configuration", Update, "change-cloud-configuration"),
    named("Change Local Configuration", Update, "change-local-configuration"),
    named("Start Agent", Execute, "start-agent"),
    named("Stop Agent", Execute, "stop-agent"),
    named("Add New", Create, "add-new"),
    named("Add New Empower Project", Create, "add-new-empower-project"),
    named("Rerun Existing Empower Project", Execute, "rerun-existing-empower-project"),
    named("Select Existing Empower Project", Update, "select-existing-empower-project"),
    named("Update Config", Update, "update-config"),
    named("Update Labels", Update, "update-labels"),
    named("Update Tags", Update, "update-tags"),
    named("Update Metadata", Update, "update-metadata"),
    named("Update Metadata & Tags", Update, "update-metadata-tags"),
    named("Change Status", Update, "change-status"),
    named("Submit files for process", Execute, "submit-files-for-process"),
];

/// The types of things, as files write them: those of the page's table, then those that only the
/// API's description names.
const ENTITIES: &[&str] = &[
    "agent",
    "datahub",
    "datahub-agent",
    "datahub-connector",
    "file",
    "hubs",
    "integration",
    "source",
    "iot-device",
    "iot-agent",
    "iot-integration",
    "iot-source",
    "organization",
    "pipeline",
    "pluggable-connector",
    "shared-secret",
    "shared-setting",
    "user",
    "user-setting",
    "db-credentials",
    "feature-flag",
    "service-user",
];

/// One row of the documentation's table: an entity, and the actions that are recorded of it, by the
/// page's names.
pub type EntityActions = (&'static str, &'static [&'static str]);

/// The documentation's table of entities and logged actions.
pub const ENTITY_ACTIONS: &[EntityActions] = &[
    (
        "Agent",
        &[
            "Create",
            "Update",
            "Enable",
            "Disable",
            "Enable Queue",
            "Disable Queue",
            "Change Cloud Configuration",
            "Change Local Configuration",
            "Start Agent",
            "Stop Agent",
            "Add New",
            "Add New Empower Project",
            "Rerun Existing Empower Project",
            "Select Existing Empower Project",
        ],
    ),
    (
        "Datahub",
        &["Activate", "Create", "Update", "Enable", "Disable", "Delete", "Sync", "Update Config"],
    ),
    ("Datahub Agent", &["Create", "Update", "Delete", "Enable", "Disable"]),
    ("Datahub Connector", &["Create", "Update", "Enable", "Disable", "Delete"]),
    (
        "File",
        &[
            "Upload",
            "Update Labels",
            "Update Tags",
            "Update Metadata",
            "Update Metadata & Tags",
            "Delete",
        ],
    ),
    ("Hubs", &["Create", "Update", "Configure", "Change Status", "Sync"]),
    ("Integration", &["Create", "Update", "Delete"]),
    (
        "Source",
        &["Create", "Update", "Delete", "Enable", "Disable", "Enable Queue", "Disable Queue"],
    ),
    ("IoT Device", &["Create", "Update", "Delete", "Enable", "Disable"]),
    ("IoT Agent", &["Create", "Update", "Delete", "Enable", "Disable"]),
    ("IoT Integration", &["Create", "Update", "Delete"]),
    ("IoT Source", &["Create", "Update", "Delete"]),
    ("Organization", &["Create", "Update", "Delete"]),
    ("Pipeline", &["Create", "Update", "Delete", "Reprocess", "Submit files for process"]),
    ("Pluggable Connector", &["Create", "Update", "Configure", "Change Status", "Sync"]),
    ("Shared Secret", &["Create", "Update", "Delete"]),
    ("Shared Setting", &["Create", "Update", "Delete"]),
];

/// The slug for a page's name: `Update Metadata & Tags` is `update-metadata-tags`.
pub fn slug(name: &str) -> String {
    let words = name.split_whitespace().filter(|word| *word != "&");
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// `actor.type` for the platform's word.
pub(super) fn actor_kind(native: &str) -> &str {
    match native {
        "service-user" => "service",
        "" => UNKNOWN,
        other => other,
    }
}

/// The platform's word for an `actor.type`; `None` where it did not say.
pub(super) fn native_actor_kind(kind: &str) -> Option<&str> {
    match kind {
        "service" => Some("service-user"),
        UNKNOWN => None,
        other => Some(other),
    }
}

/// The type of an actor or a thing that the record does not say.
pub(super) const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Meaning;

    #[test]
    fn it_has_the_17_entities_and_the_14_slugs() {
        assert_eq!(ENTITY_ACTIONS.len(), 17);
        for (entity, actions) in ENTITY_ACTIONS {
            assert!(CATALOGUE.entities.contains(&slug(entity).as_str()), "{entity}");
            for action in *actions {
                for word in [(*action).to_owned(), slug(action)] {
                    let meaning = CATALOGUE.meaning(&word);
                    assert!(matches!(meaning, Meaning::Known(_)), "{word}");
                }
            }
        }
        for slug in [
            "create",
            "update",
            "delete",
            "enable",
            "disable",
            "unlock",
            "change-role",
            "change-password",
            "login-attempt",
            "copy",
            "change-default-role",
            "reset-password",
            "forgot-password-request",
            "expired-token",
        ] {
            assert!(CATALOGUE.verb(slug).is_some(), "{slug}");
        }
        let mut names: Vec<_> = VERBS.iter().map(|verb| verb.action.to_lowercase()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_slug_finds_the_name_on_the_page_and_the_other_way_round() {
        for name in ["Enable Queue", "enable-queue", "ENABLE-QUEUE"] {
            assert_eq!(CATALOGUE.names_of(name), ["enable-queue", "Enable Queue"], "{name}");
        }
        assert_eq!(CATALOGUE.names_of("Update"), ["update"]);
    }

    #[test]
    fn a_kind_goes_by_the_table_and_an_unknown_word_is_a_guess() {
        for (word, meaning) in [
            ("login-attempt", Meaning::Known(Access)),
            ("change-role", Meaning::Known(Permission)),
            ("Submit files for process", Meaning::Known(Execute)),
            ("Upload", Meaning::Known(Create)),
            ("delete-forever", Meaning::Guessed(Delete)),
            ("frobnicate", Meaning::Unknown),
        ] {
            assert_eq!(CATALOGUE.meaning(word), meaning, "{word}");
        }
    }
}

//! OpenCGA's actions and resources, and the version that each came with.

use crate::{Catalogue, Kind, Verb};

/// What OpenCGA's words mean: the 71 actions of version 5.0.0, and those of the clinical trail.
pub static CATALOGUE: Catalogue = Catalogue {
    system: super::record::SYSTEM,
    title: "OpenCGA",
    verbs: VERBS,
    entities: RESOURCES,
    case_sensitive: false,
    words: &[("template", Kind::Execute), ("index", Kind::Execute), ("group", Kind::Permission)],
};

const DELETIONS: &str = "deletions are recorded as UPDATE too; only the parameters tell";
const NEVER: &str = "never written by OpenCGA 5.0.0";
const CLINICAL: &str = "in the audit list of a clinical analysis";

const VERBS: &[Verb] = &[
    Verb::new("CREATE", Kind::Create).since("2.0.0"),
    Verb::new("GENERATE", Kind::Create).since("2.0.0"),
    Verb::new("CLEAR", Kind::Update).since("2.0.0"),
    Verb::new("UPDATE", Kind::Update).since("2.0.0").noting(DELETIONS),
    Verb::new("UPDATE_INTERNAL", Kind::Update).since("2.2.0"),
    Verb::new("MERGE", Kind::Update).since("2.0.0"),
    Verb::new("INFO", Kind::Read).since("2.0.0"),
    Verb::new("SEARCH", Kind::Read).since("2.0.0"),
    Verb::new("COUNT", Kind::Read).since("2.0.0"),
    Verb::new("DISTINCT", Kind::Read).since("2.0.0"),
    Verb::new("DELETE", Kind::Delete).since("2.0.0").noting(NEVER),
    Verb::new("DOWNLOAD", Kind::Export).since("2.0.0"),
    Verb::new("VIEW_LOG", Kind::Read).since("2.0.0"),
    Verb::new("VIEW_CONTENT", Kind::Read).since("2.0.0").noting(NEVER),
    Verb::new("IMAGE_CONTENT", Kind::Read).since("2.0.0"),
    Verb::new("HEAD_CONTENT", Kind::Read).since("2.0.0"),
    Verb::new("TAIL_CONTENT", Kind::Read).since("2.0.0"),
    Verb::new("UPDATE_CONTENT", Kind::Update).since("5.0.0"),
    Verb::new("INDEX", Kind::Execute).since("2.0.0").noting(NEVER),
    Verb::new("CHANGE_PERMISSION", Kind::Permission).since("2.0.0").noting(NEVER),
    Verb::new("REVERT", Kind::Update).since("2.0.0"),
    Verb::new("REUSE", Kind::Update).since("2.4.12"),
    Verb::new("LOGIN", Kind::Access).since("2.0.0"),
    Verb::new("REFRESH_TOKEN", Kind::Access).since("2.0.0"),
    Verb::new("CHANGE_USER_PASSWORD", Kind::Access).since("2.0.0"),
    Verb::new("RESET_USER_PASSWORD", Kind::Access).since("2.0.0"),
    Verb::new("CHANGE_USER_CONFIG", Kind::Update).since("2.0.0"),
    Verb::new("FETCH_USER_CONFIG", Kind::Read).since("2.0.0"),
    Verb::new("INCREMENT_PROJECT_RELEASE", Kind::Update).since("2.0.0"),
    Verb::new("FETCH_STUDY_GROUPS", Kind::Read).since("2.0.0"),
    Verb::new("ADD_STUDY_GROUP", Kind::Permission).since("2.0.0"),
    Verb::new("REMOVE_STUDY_GROUP", Kind::Permission).since("2.0.0"),
    Verb::new("UPDATE_USERS_FROM_STUDY_GROUP", Kind::Permission).since("2.0.0"),
    Verb::new("FETCH_STUDY_PERMISSION_RULES", Kind::Read).since("2.0.0"),
    Verb::new("ADD_STUDY_PERMISSION_RULE", Kind::Permission).since("2.0.0"),
    Verb::new("REMOVE_STUDY_PERMISSION_RULE", Kind::Permission).since("2.0.0"),
    Verb::new("FETCH_ACLS", Kind::Read).since("2.0.0"),
    Verb::new("UPDATE_ACLS", Kind::Permission).since("2.0.0"),
    Verb::new("FETCH_VARIABLE_SET", Kind::Read).since("2.0.0"),
    Verb::new("ADD_VARIABLE_SET", Kind::Create).since("2.0.0"),
    Verb::new("DELETE_VARIABLE_SET", Kind::Delete).since("2.0.0"),
    Verb::new("ADD_VARIABLE_TO_VARIABLE_SET", Kind::Update).since("2.0.0"),
    Verb::new("REMOVE_VARIABLE_FROM_VARIABLE_SET", Kind::Update).since("2.0.0"),
    Verb::new("UPLOAD_TEMPLATE", Kind::Create).since("2.1.0"),
    Verb::new("RUN_TEMPLATE", Kind::Execute).since("2.1.0").noting(NEVER),
    Verb::new("DELETE_TEMPLATE", Kind::Delete).since("2.1.0"),
    Verb::new("AGGREGATION_STATS", Kind::Read).since("2.0.0").noting(NEVER),
    Verb::new("RELATIVES", Kind::Read).since("2.0.0"),
    Verb::new("UPLOAD", Kind::Create).since("2.0.0"),
    Verb::new("LINK", Kind::Create).since("2.0.0"),
    Verb::new("UNLINK", Kind::Delete).since("2.0.0"),
    Verb::new("GREP", Kind::Read).since("2.0.0"),
    Verb::new("TREE", Kind::Read).since("2.0.0"),
    Verb::new("DOWNLOAD_AND_REGISTER", Kind::Create).since("2.0.0").noting(NEVER),
    Verb::new("MOVE", Kind::Update).since("2.12.4").noting("not in 3.0.0"),
    Verb::new("MOVE_AND_REGISTER", Kind::Update).since("2.0.0"),
    Verb::new("CHANGE_FILE_URI", Kind::Update).since("5.0.0"),
    Verb::new("VISIT", Kind::Update).since("2.0.0"),
    Verb::new("KILL_JOB", Kind::Execute).since("3.2.0"),
    Verb::new("RESCHEDULE_JOB", Kind::Execute).since("4.0.0"),
    Verb::new("IMPORT", Kind::Create).since("2.0.0"),
    Verb::new("FETCH_ORGANIZATION_IDS", Kind::Read).since("3.0.0"),
    Verb::new("IMPORT_EXTERNAL_USERS", Kind::Create).since("2.0.0"),
    Verb::new("IMPORT_EXTERNAL_GROUP_OF_USERS", Kind::Permission).since("2.0.0"),
    Verb::new("SYNC_EXTERNAL_GROUP_OF_USERS", Kind::Permission).since("2.0.0"),
    Verb::new("RESET_RGA_INDEXES", Kind::Execute).since("2.1.0"),
    Verb::new("UPDATE_RGA_INDEX", Kind::Execute).since("2.1.0"),
    Verb::new("VARIANT_STORAGE_OPERATION", Kind::Execute).since("2.0.0"),
    Verb::new("SAMPLE_DATA", Kind::Read).since("2.0.0"),
    Verb::new("FACET", Kind::Read).since("2.0.0"),
    Verb::new("UPDATE_WORKSPACE_URI", Kind::Update).since("5.0.0"),
    Verb::new("CREATE_CLINICAL_ANALYSIS", Kind::Create).noting(CLINICAL),
    Verb::new("UPDATE_CLINICAL_ANALYSIS", Kind::Update).noting(CLINICAL),
    Verb::new("DELETE_CLINICAL_ANALYSIS", Kind::Delete).noting(CLINICAL),
    Verb::new("CREATE_INTERPRETATION", Kind::Create).noting(CLINICAL),
    Verb::new("UPDATE_INTERPRETATION", Kind::Update).noting(CLINICAL),
    Verb::new("DELETE_INTERPRETATION", Kind::Delete).noting(CLINICAL),
    Verb::new("CLEAR_INTERPRETATION", Kind::Update).noting(CLINICAL),
    Verb::new("MERGE_INTERPRETATION", Kind::Update).noting(CLINICAL),
    Verb::new("REVERT_INTERPRETATION", Kind::Update).noting(CLINICAL),
    Verb::new("SWAP_INTERPRETATION", Kind::Update).noting(CLINICAL),
];

/// The 23 resources of version 5.0.0, and the name that one of them had in version 4.
const RESOURCES: &[&str] = &[
    "AUDIT",
    "NOTE",
    "ORGANIZATION",
    "USER",
    "PROJECT",
    "STUDY",
    "FILE",
    "SAMPLE",
    "JOB",
    "INDIVIDUAL",
    "COHORT",
    "DISEASE_PANEL",
    "FAMILY",
    "CLINICAL_ANALYSIS",
    "INTERPRETATION",
    "VARIANT",
    "ALIGNMENT",
    "CLINICAL",
    "EXPRESSION",
    "RGA",
    "FUNCTIONAL",
    "EXTERNAL_TOOL",
    "RESOURCE",
    "WORKFLOW",
];

/// The actions that a version of OpenCGA may write, such as `2.12.4` or `3.2.0-SNAPSHOT`.
pub fn actions_in(version: &str) -> impl Iterator<Item = &'static Verb> {
    let wanted = number(version);
    VERBS.iter().filter(move |verb| {
        let missing = verb.action == "MOVE" && wanted == [3, 0, 0];
        verb.note != CLINICAL && number(verb.versions.0) <= wanted && !missing
    })
}

/// A version's three numbers.
fn number(version: &str) -> [u32; 3] {
    let plain = version.split('-').next().unwrap_or_default();
    let mut parts = plain.trim_start_matches('v').split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Meaning;

    #[test]
    fn each_version_has_as_many_actions_as_its_source() {
        for (version, count) in [
            ("2.0.0", 57),
            ("2.0.7", 57),
            ("2.1.0", 62),
            ("2.2.0", 63),
            ("2.6.0", 64),
            ("2.12.4", 65),
            ("3.0.0", 65),
            ("3.1.0", 66),
            ("3.2.0", 67),
            ("3.6.0", 67),
            ("4.1.2", 68),
            ("5.0.0", 71),
            ("5.0.0-SNAPSHOT", 71),
        ] {
            assert_eq!(actions_in(version).count(), count, "{version}");
        }
        assert_eq!(RESOURCES.len(), 23 + 1);
    }

    #[test]
    fn an_action_of_a_later_version_is_a_guess() {
        assert_eq!(CATALOGUE.meaning("update_acls"), Meaning::Known(Kind::Permission));
        assert_eq!(CATALOGUE.meaning("DELETE_WORKSPACE"), Meaning::Guessed(Kind::Delete));
        assert_eq!(CATALOGUE.meaning("LOGOUT"), Meaning::Guessed(Kind::Access));
    }
}

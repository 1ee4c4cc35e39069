//! The words that events are made of: real ones for people, actions and tools, and 5,000 invented
//! ones for free text, which occur nowhere else, so that a search for them has one right answer.

use crate::random::Random;

/// Distinct words of free text.
pub(crate) const WORDS: u16 = 5_000;

/// What is done, most frequent first.
pub(crate) const ACTIONS: [&str; 60] = [
    "file-read",
    "file-download",
    "job-run",
    "sample-view",
    "file-upload",
    "workflow_launched",
    "sample-update",
    "login",
    "file-update",
    "job-update",
    "search",
    "individual-view",
    "variant-query",
    "file-link",
    "dataset-view",
    "record-update",
    "sample-create",
    "file-create",
    "workflow_completed",
    "report-export",
    "cohort-view",
    "job-create",
    "file-move",
    "file-close",
    "study-view",
    "annotation-update",
    "individual-update",
    "permission-view",
    "token-create",
    "workflow_status_changed",
    "cohort-update",
    "dataset-create",
    "file-archive",
    "file-delete",
    "individual-create",
    "logout",
    "note-create",
    "panel-view",
    "pipeline_created",
    "project-view",
    "sample-delete",
    "panel-update",
    "study-update",
    "acl-update",
    "cohort-create",
    "family-view",
    "family-update",
    "credential_added",
    "dataset-delete",
    "member_added",
    "interpretation-update",
    "interpretation-create",
    "project-update",
    "job-delete",
    "member_removed",
    "cohort-delete",
    "panel-create",
    "project-create",
    "study-create",
    "template-update",
];

/// What it is done to.
pub(crate) const TARGET_TYPES: [&str; 8] =
    ["FILE", "SAMPLE", "JOB", "INDIVIDUAL", "DATASET", "WORKFLOW", "COHORT", "STUDY"];

/// The systems that report.
pub(crate) const SYSTEMS: [&str; 4] = ["opencga", "dnanexus", "seqera", "tetrascience"];

/// Given names.
pub(crate) const GIVEN: [&str; 40] = [
    "Ada", "Amir", "Ana", "Astrid", "Ben", "Carlos", "Chen", "Chloé", "Dana", "Diego", "Elena",
    "Emre", "Eva", "Farid", "Fatima", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jana", "Jonas",
    "Julia", "Kenji", "Lara", "Lena", "Luis", "Maja", "Marco", "Mina", "Nadia", "Noah", "Olga",
    "Omar", "Paula", "Priya", "Rosa", "Sven", "Tomás", "Zoë",
];

/// Family names.
pub(crate) const FAMILY: [&str; 50] = [
    "Adeyemi",
    "Almeida",
    "Andersson",
    "Bauer",
    "Becker",
    "Bianchi",
    "Castro",
    "Chowdhury",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Fontaine",
    "García",
    "Gupta",
    "Haas",
    "Hansen",
    "Ibrahim",
    "Ivanova",
    "Jensen",
    "Johnson",
    "Kaya",
    "Keller",
    "Kim",
    "Kowalski",
    "Larsen",
    "Lindqvist",
    "López",
    "Mehta",
    "Meyer",
    "Moreau",
    "Müller",
    "Nakamura",
    "Nguyen",
    "Novak",
    "Okafor",
    "Olsen",
    "Park",
    "Petrov",
    "Popescu",
    "Ricci",
    "Rossi",
    "Santos",
    "Schmidt",
    "Silva",
    "Tanaka",
    "Varga",
    "Weber",
    "Yamamoto",
    "Zhang",
];

/// Organizations; with their projects and workspaces they are the scope of an event.
pub(crate) const ORGANIZATIONS: [&str; 12] = [
    "northlab",
    "helixcore",
    "genomix",
    "biovale",
    "clarity-dx",
    "openbiome",
    "protea",
    "quantseq",
    "ridgeway",
    "sagebio",
    "tricor",
    "umbra-rx",
];

/// What calls the platforms.
pub(crate) const AGENTS: [&str; 12] = [
    "opencga-client/3.2.1 (java/17)",
    "pyopencga/3.2.0 python/3.11",
    "dx-toolkit/0.378.0",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
    "Nextflow/24.04.2",
    "curl/8.5.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0",
    "tower-cli/0.9.4",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/17.5",
    "tdp-agent/4.1.0",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
];

/// Why, where a reason is asked for.
pub(crate) const REASONS: [&str; 8] = [
    "Wrong sample sheet was attached",
    "Consent was withdrawn",
    "Typing error in the identifier",
    "Requested by the study monitor",
    "Re-run after instrument failure",
    "Barcode was read twice",
    "Correction after second review",
    "Data moved to the archive",
];

/// States of a target, before and after.
pub(crate) const STATES: [&str; 6] = ["DRAFT", "PENDING", "READY", "RUNNING", "LOCKED", "ARCHIVED"];

const ONSETS: [&str; 18] =
    ["b", "br", "d", "dr", "f", "g", "gl", "k", "l", "m", "n", "p", "r", "s", "t", "tr", "v", "z"];
const VOWELS: [&str; 6] = ["a", "e", "i", "o", "u", "ai"];

/// [`WORDS`] different invented words, the frequent ones mostly shorter.
pub(crate) fn invented() -> Vec<String> {
    let mut random = Random::new(0x6b6f_7065, 0);
    let mut words = std::collections::BTreeSet::new();
    let mut list = Vec::with_capacity(usize::from(WORDS));
    while list.len() < usize::from(WORDS) {
        let syllables = if list.len() < 400 { 2 } else { 2 + random.below(3) };
        let mut word = String::from("x");
        for _ in 0..syllables {
            word.push_str(ONSETS.get(random.below(ONSETS.len())).copied().unwrap_or_default());
            word.push_str(VOWELS.get(random.below(VOWELS.len())).copied().unwrap_or_default());
        }
        if words.insert(word.clone()) {
            list.push(word);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_invented_word_is_part_of_a_real_one() {
        let real: Vec<&str> = [
            &ACTIONS[..],
            &TARGET_TYPES,
            &SYSTEMS,
            &GIVEN,
            &FAMILY,
            &ORGANIZATIONS,
            &AGENTS,
            &REASONS,
            &STATES,
        ]
        .concat();
        for text in real {
            let lower = text.to_lowercase();
            for part in lower.split(|letter: char| !letter.is_alphanumeric()) {
                assert!(!part.starts_with('x') || part.len() < 5, "{part}");
            }
        }
        let words = invented();
        assert!(words.iter().all(
            |word| word.starts_with('x') && word.bytes().all(|byte| byte.is_ascii_lowercase())
        ));
    }
}

//! The event names of Seqera Platform: 108 that it writes, 38 that it wrote, and those that only a
//! page of its documentation names (Seqera API 1.181.0; audit log pages of 23.3 to 26.1).
//!
//! Names are an open set: what is not here is recorded as it came, and its kind is guessed. A
//! deprecated name carries the name that is written today; where the platform's own replacement was
//! itself replaced, the last one stands here, so that a query for it finds all of them.

use crate::{Catalogue, Kind, Verb};

use Kind::{Access, Create, Delete, Execute, Export, Permission, Read, Update};

/// What the words of Seqera Platform mean.
pub const CATALOGUE: Catalogue = Catalogue {
    system: "seqera",
    title: "Seqera Platform",
    verbs: VERBS,
    entities: ENTITIES,
    case_sensitive: true,
    words: &[
        ("sign", Access),
        ("connected", Access),
        ("disconnected", Access),
        ("participant", Permission),
        ("member", Permission),
        ("accessed", Read),
        ("preview", Read),
        ("granted", Permission),
        ("denied", Permission),
    ],
};

/// How many names at the front of the list the platform writes today.
#[cfg(test)]
const ACTIVE: usize = 108;

/// How many after them are deprecated.
#[cfg(test)]
const DEPRECATED: usize = 38;

const VERBS: &[Verb] = &[
    Verb::new("workflow_launched", Execute)
        .noting("relaunched and resumed runs stand under the id of the first run"),
    Verb::new("workflow_created", Create),
    Verb::new("workflow_updated", Update),
    Verb::new("workflow_completed", Execute),
    Verb::new("workflow_deleted", Delete)
        .noting("the run is marked for deletion; `workflow_dropped` follows when it is gone"),
    Verb::new("workflow_dropped", Delete)
        .noting("the system removes a run that `workflow_deleted` marked"),
    Verb::new("access_token_created", Access),
    Verb::new("access_token_deleted", Access),
    Verb::new("ssh_key_created", Access),
    Verb::new("ssh_key_deleted", Access),
    Verb::new("user_created", Create),
    Verb::new("user_updated", Update),
    Verb::new("user_deleted", Delete),
    Verb::new("user_sign_in", Access),
    Verb::new("compute_environment_created", Create),
    Verb::new("compute_environment_updated", Update),
    Verb::new("compute_environment_deleted", Delete),
    Verb::new("credentials_created", Create),
    Verb::new("credentials_updated", Update),
    Verb::new("credentials_deleted", Delete),
    Verb::new("credentials_dropped", Delete),
    Verb::new("action_created", Create),
    Verb::new("action_updated", Update),
    Verb::new("action_deleted", Delete),
    Verb::new("agent_created", Create),
    Verb::new("agent_updated", Update),
    Verb::new("agent_enabled", Update),
    Verb::new("agent_disabled", Update),
    Verb::new("agent_deleted", Delete),
    Verb::new("organization_created", Create),
    Verb::new("organization_updated", Update),
    Verb::new("organization_deleted", Delete),
    Verb::new("organization_sso_created", Create),
    Verb::new("organization_sso_updated", Update),
    Verb::new("organization_sso_deleted", Delete),
    Verb::new("team_created", Create),
    Verb::new("team_updated", Update),
    Verb::new("team_deleted", Delete),
    Verb::new("workspace_created", Create),
    Verb::new("workspace_updated", Update),
    Verb::new("workspace_deleted", Delete),
    Verb::new("pipeline_created", Create),
    Verb::new("pipeline_updated", Update),
    Verb::new("pipeline_deleted", Delete),
    Verb::new("participant_created", Permission),
    Verb::new("participant_deleted", Permission),
    Verb::new("participant_role_updated", Permission),
    Verb::new("member_created", Permission),
    Verb::new("member_deleted", Permission),
    Verb::new("member_role_updated", Permission),
    Verb::new("team_member_created", Permission),
    Verb::new("team_member_deleted", Permission),
    Verb::new("pipeline_secret_created", Create),
    Verb::new("pipeline_secret_updated", Update),
    Verb::new("pipeline_secret_deleted", Delete),
    Verb::new("dataset_created", Create),
    Verb::new("dataset_updated", Update),
    Verb::new("dataset_deleted", Delete),
    Verb::new("dataset_content_uploaded", Create),
    Verb::new("dataset_content_downloaded", Export),
    Verb::new("data_link_created", Create),
    Verb::new("data_link_updated", Update),
    Verb::new("data_link_deleted", Delete),
    Verb::new("data_link_hide", Update),
    Verb::new("data_link_show", Update),
    Verb::new("data_link_file_preview", Read),
    Verb::new("data_link_file_upload", Create),
    Verb::new("data_link_file_download", Export),
    Verb::new("data_link_file_deleted", Delete),
    Verb::new("studio_session_created", Create),
    Verb::new("studio_session_deleted", Delete),
    Verb::new("studio_session_started", Execute),
    Verb::new("studio_session_stopped", Execute),
    Verb::new("studio_session_updated", Update),
    Verb::new("studio_session_connected", Access),
    Verb::new("studio_session_disconnected", Access),
    Verb::new("studio_session_build_started", Execute),
    Verb::new("studio_session_build_failed", Execute),
    Verb::new("studio_session_build_succeeded", Execute),
    Verb::new("studio_session_lifespan_extended", Update),
    Verb::new("studio_session_ssh_auth_succeeded", Access),
    Verb::new("studio_session_ssh_auth_failed", Access),
    Verb::new("label_created", Create),
    Verb::new("label_updated", Update),
    Verb::new("label_deleted", Delete),
    Verb::new("resource_label_created", Create),
    Verb::new("resource_label_updated", Update),
    Verb::new("resource_label_deleted", Delete),
    Verb::new("label_assignment_created", Create),
    Verb::new("label_assignment_deleted", Delete),
    Verb::new("managed_identity_created", Create),
    Verb::new("managed_identity_edited", Update),
    Verb::new("managed_identity_deleted", Delete),
    Verb::new("managed_credentials_created", Create),
    Verb::new("managed_credentials_updated", Update),
    Verb::new("managed_credentials_deleted", Delete),
    Verb::new("credits_modified", Update),
    Verb::new("user_role_created", Permission),
    Verb::new("user_role_updated", Permission),
    Verb::new("user_role_deleted", Permission),
    Verb::new("role_created", Permission),
    Verb::new("role_updated", Permission),
    Verb::new("role_deleted", Permission),
    Verb::new("oauth_consent_granted", Permission),
    Verb::new("oauth_consent_denied", Permission),
    Verb::new("idp_group_created", Create),
    Verb::new("idp_group_updated", Update),
    Verb::new("idp_group_deleted", Delete),
    Verb::deprecated(
        "compute_environment_made_primary",
        Update,
        Some("compute_environment_updated"),
    ),
    Verb::deprecated(
        "compute_environment_made_non_primary",
        Update,
        Some("compute_environment_updated"),
    ),
    Verb::deprecated("compute_profile_created", Create, Some("compute_environment_created")),
    Verb::deprecated("compute_profile_updated", Update, Some("compute_environment_updated")),
    Verb::deprecated("compute_profile_deleted", Delete, Some("compute_environment_deleted")),
    Verb::deprecated("compute_profile_made_primary", Update, Some("compute_environment_updated")),
    Verb::deprecated(
        "compute_profile_made_non_primary",
        Update,
        Some("compute_environment_updated"),
    ),
    Verb::deprecated("organization_settings_updated", Update, Some("organization_updated")),
    Verb::deprecated("participant_added", Permission, Some("participant_created")),
    Verb::deprecated("participant_removed", Permission, Some("participant_deleted")),
    Verb::deprecated("participant_role_update", Permission, Some("participant_role_updated")),
    Verb::deprecated("member_added", Permission, Some("member_created")),
    Verb::deprecated("member_removed", Permission, Some("member_deleted")),
    Verb::deprecated("member_role_update", Permission, Some("member_role_updated")),
    Verb::deprecated("team_member_added", Permission, Some("team_member_created")),
    Verb::deprecated("team_member_removed", Permission, Some("team_member_deleted")),
    Verb::deprecated("data_link_file_delete", Delete, Some("data_link_file_deleted")),
    Verb::deprecated("data_studio_session_created", Create, Some("studio_session_created")),
    Verb::deprecated("data_studio_session_deleted", Delete, Some("studio_session_deleted")),
    Verb::deprecated("data_studio_session_started", Execute, Some("studio_session_started")),
    Verb::deprecated("data_studio_session_stopped", Execute, Some("studio_session_stopped")),
    Verb::deprecated("data_studio_session_connected", Access, Some("studio_session_connected")),
    Verb::deprecated(
        "data_studio_session_disconnected",
        Access,
        Some("studio_session_disconnected"),
    ),
    Verb::deprecated(
        "data_studio_session_build_started",
        Execute,
        Some("studio_session_build_started"),
    ),
    Verb::deprecated(
        "data_studio_session_build_failed",
        Execute,
        Some("studio_session_build_failed"),
    ),
    Verb::deprecated(
        "data_studio_session_build_succeeded",
        Execute,
        Some("studio_session_build_succeeded"),
    ),
    Verb::deprecated(
        "data_studio_session_lifespan_extended",
        Update,
        Some("studio_session_lifespan_extended"),
    ),
    Verb::deprecated(
        "data_studio_session_ssh_auth_succeeded",
        Access,
        Some("studio_session_ssh_auth_succeeded"),
    ),
    Verb::deprecated(
        "data_studio_session_ssh_auth_failed",
        Access,
        Some("studio_session_ssh_auth_failed"),
    ),
    Verb::deprecated("role_grant_association_created", Permission, None),
    Verb::deprecated("role_grant_association_deleted", Permission, None),
    Verb::deprecated("pipeline_version_created", Update, Some("pipeline_updated")),
    Verb::deprecated("action_paused", Update, Some("action_updated")),
    Verb::deprecated("action_unpaused", Update, Some("action_updated")),
    Verb::deprecated("user_trusted", Update, Some("user_updated")),
    Verb::deprecated("user_enabled", Update, Some("user_updated")),
    Verb::deprecated("user_disabled", Update, Some("user_updated")),
    Verb::deprecated("workflow_status_changed", Update, Some("workflow_updated")),
    Verb::new("scim_token_created", Access).noting("named by the documentation only"),
    Verb::new("scim_token_updated", Access).noting("named by the documentation only"),
];

/// The types of things that events are about: the words before the verb in their names.
const ENTITIES: &[&str] = &[
    "workflow",
    "access_token",
    "ssh_key",
    "user",
    "compute_environment",
    "credentials",
    "action",
    "agent",
    "organization",
    "organization_sso",
    "team",
    "workspace",
    "pipeline",
    "participant",
    "member",
    "team_member",
    "pipeline_secret",
    "dataset",
    "data_link",
    "studio_session",
    "label",
    "resource_label",
    "label_assignment",
    "managed_identity",
    "managed_credentials",
    "credit_info",
    "user_role",
    "role",
    "oauth_consent",
    "idp_group",
    "data_link_file",
    "pipeline_version",
    "role_grant_association",
    "compute_profile",
    "data_studio_session",
    "scim_token",
];

/// The type of thing that an event is about, by its name: the documented type that it begins with,
/// or what stands before its last word.
pub(super) fn entity_of(event: &str) -> &str {
    if event == "credits_modified" {
        return "credit_info";
    }
    let documented = ENTITIES
        .iter()
        .filter(|entity| event.strip_prefix(**entity).is_some_and(|rest| rest.starts_with('_')))
        .max_by_key(|entity| entity.len());
    match (CATALOGUE.verb(event), documented) {
        (Some(_), Some(entity)) => entity,
        _ => event.rsplit_once('_').map_or(event, |(entity, _)| entity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Meaning;

    #[test]
    fn it_has_the_146_names_of_the_specification_once_each() {
        let (active, rest) = VERBS.split_at(ACTIVE);
        let (deprecated, undocumented) = rest.split_at(DEPRECATED);
        assert!(active.iter().all(|verb| verb.versions == ("", "")));
        assert!(deprecated.iter().all(|verb| verb.versions == ("", "deprecated")));
        assert!(undocumented.iter().all(|verb| verb.action.starts_with("scim_token_")));
        let mut names: Vec<_> = VERBS.iter().map(|verb| verb.action).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 148);
        for verb in deprecated.iter().filter_map(|verb| verb.replaced_by) {
            assert!(active.iter().any(|other| other.action == verb), "{verb}");
        }
    }

    #[test]
    fn case_5_a_deprecated_name_finds_what_its_successor_finds() {
        for (name, found) in [
            ("participant_added", vec!["participant_created", "participant_added"]),
            ("participant_created", vec!["participant_created", "participant_added"]),
            (
                "compute_profile_made_primary",
                vec![
                    "compute_environment_updated",
                    "compute_environment_made_primary",
                    "compute_environment_made_non_primary",
                    "compute_profile_updated",
                    "compute_profile_made_primary",
                    "compute_profile_made_non_primary",
                ],
            ),
            (
                "studio_session_ssh_auth_failed",
                vec!["studio_session_ssh_auth_failed", "data_studio_session_ssh_auth_failed"],
            ),
            ("workflow_updated", vec!["workflow_updated", "workflow_status_changed"]),
            ("role_grant_association_created", vec!["role_grant_association_created"]),
            ("scim_token_created", vec!["scim_token_created"]),
        ] {
            assert_eq!(CATALOGUE.names_of(name), found, "{name}");
        }
    }

    #[test]
    fn a_kind_goes_by_the_name_and_an_unknown_name_is_a_guess() {
        for (name, meaning) in [
            ("workflow_launched", Meaning::Known(Execute)),
            ("workflow_dropped", Meaning::Known(Delete)),
            ("user_sign_in", Meaning::Known(Access)),
            ("team_member_removed", Meaning::Known(Permission)),
            ("data_link_file_download", Meaning::Known(Export)),
            ("scim_token_updated", Meaning::Known(Access)),
            ("warehouse_created", Meaning::Guessed(Create)),
            ("user_sign_out", Meaning::Guessed(Access)),
            ("warehouse_frobnicated", Meaning::Unknown),
        ] {
            assert_eq!(CATALOGUE.meaning(name), meaning, "{name}");
        }
    }

    #[test]
    fn an_event_is_about_what_its_name_begins_with() {
        for (event, entity) in [
            ("workflow_launched", "workflow"),
            ("user_sign_in", "user"),
            ("user_role_updated", "user_role"),
            ("participant_role_updated", "participant"),
            ("team_member_removed", "team_member"),
            ("data_link_file_delete", "data_link_file"),
            ("data_link_hide", "data_link"),
            ("dataset_content_uploaded", "dataset"),
            ("compute_environment_made_non_primary", "compute_environment"),
            ("credits_modified", "credit_info"),
            ("user_badge_printed", "user_badge"),
            ("nonsense", "nonsense"),
            ("_", ""),
        ] {
            assert_eq!(entity_of(event), entity, "{event}");
        }
    }
}

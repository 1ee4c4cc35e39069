//! What can be asked for: every filter of the canonical event.

/// A member of the event, or a group of members, that a clause can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Field {
    /// The source's own id of the event.
    Id,
    /// The actor by id, name, e-mail address, or words of the name.
    Actor,
    /// The actor's id.
    ActorId,
    /// The actor's type.
    ActorType,
    /// The actor's whole name.
    ActorName,
    /// The actor's e-mail address.
    ActorEmail,
    /// A role of the actor.
    Role,
    /// The credential by id, label or ending.
    Credential,
    /// Who authorised it, by id or name.
    AuthorizedBy,
    /// The sign-in.
    Session,
    /// The client's address: one, or a network.
    Ip,
    /// Words of the client's user agent.
    UserAgent,
    /// The client's host name or the source's.
    Host,
    /// What was done, in the source's word.
    Action,
    /// What the action means, by the catalogue of its source.
    Kind,
    /// The target by `type/id`, id, name, UUID, or words of the name.
    Target,
    /// The target's type.
    TargetType,
    /// The target's id.
    TargetId,
    /// The target's whole name.
    TargetName,
    /// The target's UUID.
    TargetUuid,
    /// Another thing involved, by `type/id`, id or name.
    Related,
    /// The organization by id, name or UUID.
    Organization,
    /// The workspace by id, name or UUID.
    Workspace,
    /// The project by id, name or UUID.
    Project,
    /// The study by id, name or UUID.
    Study,
    /// The study's UUID.
    StudyUuid,
    /// The user whose space it is, by id, name or UUID.
    User,
    /// The source's own word for the level.
    Context,
    /// The outcome's status.
    Outcome,
    /// The outcome's code or name.
    OutcomeCode,
    /// The cascade.
    Operation,
    /// Words of the reason, or its code.
    Reason,
    /// Words in the request's input.
    Params,
    /// Words in the target's state before.
    Before,
    /// Words in the target's state after.
    After,
    /// Words in the attributes.
    Attributes,
    /// The source system.
    System,
    /// Which installation of it.
    Instance,
    /// The form of its record.
    Format,
    /// The version of the source's software.
    Version,
    /// The region it runs in.
    Region,
    /// The door it came through.
    Via,
    /// The dialect it was written in.
    Dialect,
    /// The import it belongs to.
    Import,
    /// Whether it came by an import: `yes` or `no`.
    Imported,
    /// The token that brought it.
    RecordedBy,
}

impl Field {
    /// Every field, in the order of the event.
    pub const ALL: [Self; 46] = [
        Self::Id,
        Self::Actor,
        Self::ActorId,
        Self::ActorType,
        Self::ActorName,
        Self::ActorEmail,
        Self::Role,
        Self::Credential,
        Self::AuthorizedBy,
        Self::Session,
        Self::Ip,
        Self::UserAgent,
        Self::Host,
        Self::Action,
        Self::Kind,
        Self::Target,
        Self::TargetType,
        Self::TargetId,
        Self::TargetName,
        Self::TargetUuid,
        Self::Related,
        Self::Organization,
        Self::Workspace,
        Self::Project,
        Self::Study,
        Self::StudyUuid,
        Self::User,
        Self::Context,
        Self::Outcome,
        Self::OutcomeCode,
        Self::Operation,
        Self::Reason,
        Self::Params,
        Self::Before,
        Self::After,
        Self::Attributes,
        Self::System,
        Self::Instance,
        Self::Format,
        Self::Version,
        Self::Region,
        Self::Via,
        Self::Dialect,
        Self::Import,
        Self::Imported,
        Self::RecordedBy,
    ];

    /// Its word in the query language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Actor => "actor",
            Self::ActorId => "actor.id",
            Self::ActorType => "actor.type",
            Self::ActorName => "actor.name",
            Self::ActorEmail => "actor.email",
            Self::Role => "role",
            Self::Credential => "credential",
            Self::AuthorizedBy => "authorized_by",
            Self::Session => "session",
            Self::Ip => "ip",
            Self::UserAgent => "user_agent",
            Self::Host => "host",
            Self::Action => "action",
            Self::Kind => "kind",
            Self::Target => "target",
            Self::TargetType => "target.type",
            Self::TargetId => "target.id",
            Self::TargetName => "target.name",
            Self::TargetUuid => "target.uuid",
            Self::Related => "related",
            Self::Organization => "organization",
            Self::Workspace => "workspace",
            Self::Project => "project",
            Self::Study => "study",
            Self::StudyUuid => "study.uuid",
            Self::User => "user",
            Self::Context => "context",
            Self::Outcome => "outcome",
            Self::OutcomeCode => "outcome.code",
            Self::Operation => "operation",
            Self::Reason => "reason",
            Self::Params => "params",
            Self::Before => "before",
            Self::After => "after",
            Self::Attributes => "attributes",
            Self::System => "source",
            Self::Instance => "instance",
            Self::Format => "format",
            Self::Version => "version",
            Self::Region => "region",
            Self::Via => "via",
            Self::Dialect => "dialect",
            Self::Import => "import",
            Self::Imported => "imported",
            Self::RecordedBy => "recorded_by",
        }
    }

    /// The field with that word, or with one of the words that people type for it.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let alias = match word.as_str() {
            "system" => Some(Self::System),
            "org" => Some(Self::Organization),
            "status" => Some(Self::Outcome),
            "type" => Some(Self::TargetType),
            "email" => Some(Self::ActorEmail),
            "agent" => Some(Self::UserAgent),
            _ => None,
        };
        alias.or_else(|| Self::ALL.into_iter().find(|field| field.name() == word))
    }

    /// Whether its values are searched for words instead of being compared whole.
    pub const fn is_words(self) -> bool {
        matches!(
            self,
            Self::UserAgent
                | Self::Reason
                | Self::Params
                | Self::Before
                | Self::After
                | Self::Attributes
        )
    }

    /// Every value that it can have, where no other text can be one. Kinds have theirs in a catalogue:
    /// see [`parse_among`](crate::parse_among).
    pub const fn vocabulary(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Outcome => Some(&["success", "failure", "denied", "unknown"]),
            Self::Via => Some(&["api", "import", "server"]),
            Self::Imported => Some(&["yes", "no"]),
            _ => None,
        }
    }

    /// Whether events can be counted by it.
    pub const fn is_facet(self) -> bool {
        !self.is_words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_word() {
        for (position, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(Field::parse(field.name()), Some(field));
            assert_eq!(field as usize, position);
        }
        assert_eq!(Field::parse("ORG"), Some(Field::Organization));
        assert_eq!(Field::parse("colour"), None);
    }

    #[test]
    fn an_outcome_is_what_an_event_can_say() {
        let words = event::Status::ALL.map(event::Status::as_str);
        assert_eq!(Field::Outcome.vocabulary(), Some(&words[..]));
    }
}

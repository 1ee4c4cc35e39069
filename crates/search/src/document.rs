//! From an entry to what the index keeps of it.

use std::net::IpAddr;

use event::{Actor, Client, Entry, Event, Outcome, Place, Related, Scope, Target};

use crate::Field;
use crate::lookup::address_bits;
use crate::schema::{COUNTED, Part, TERM_BYTES_MAX, Tag};
use crate::values::{Document, Values};
use crate::words::{GAP, push_json};

/// Makes documents, one after the other, with buffers that they share.
#[derive(Debug, Default)]
pub(crate) struct Drafter {
    document: Document,
    names: String,
    last_recorded: i64,
}

impl Drafter {
    /// The document of an entry's text, and when its event happened. An entry that is not one of
    /// ours has an empty document, so that indexes keep their places.
    pub(crate) fn draft(&mut self, text: &str) -> (Document, i64) {
        let values = self.document.begin();
        let occurred = if let Ok(entry) = Entry::parse(text) {
            self.last_recorded = entry.recorded_at_micros;
            Writer { values, names: &mut self.names }.entry(&entry);
            entry.event.occurred_at.micros()
        } else {
            0
        };
        (values.occurred, values.recorded) = (occurred, self.last_recorded);
        (self.document.clone(), occurred)
    }
}

#[derive(Debug)]
struct Writer<'a> {
    values: &'a mut Values,
    names: &'a mut String,
}

impl Writer<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        self.names.clear();
        self.server(entry);
        self.event(&entry.event);
        if !self.names.is_empty() {
            self.values.text(Part::Names, |text| text.push_str(self.names));
        }
    }

    fn server(&mut self, entry: &Entry<'_>) {
        let received = &entry.received;
        self.term(Tag::RecordedBy, &entry.recorded_by);
        self.term(Tag::Via, &received.via);
        self.optional(Tag::Dialect, received.dialect.as_deref());
        self.label(Field::Dialect, received.dialect.as_deref());
        self.optional(Tag::Import, received.import.as_deref());
        let imported = received.via == "import" || received.import.is_some();
        self.term(Tag::Imported, if imported { "yes" } else { "no" });
    }

    fn event(&mut self, event: &Event<'_>) {
        self.optional(Tag::Id, event.id.as_deref());
        self.term(Tag::System, &event.source.system);
        self.label(Field::System, Some(&event.source.system));
        self.optional(Tag::Instance, event.source.instance.as_deref());
        self.optional(Tag::Format, event.source.format.as_deref());
        self.optional(Tag::Version, event.source.version.as_deref());
        self.optional(Tag::Region, event.source.region.as_deref());
        self.optional(Tag::Host, event.source.host.as_deref());
        if let Some(actor) = &event.actor {
            self.actor(actor);
        }
        if let Some(person) = &event.authorized_by {
            self.optional(Tag::AuthorizedBy, person.id.as_deref());
            self.optional(Tag::AuthorizedBy, person.name.as_deref());
            self.name(person.name.as_deref());
        }
        self.optional(Tag::Session, event.session.as_deref());
        if let Some(client) = &event.client {
            self.client(client);
        }
        self.term(Tag::Action, &event.action);
        self.label(Field::Action, Some(&event.action));
        if let Some(target) = &event.target {
            self.target(target);
        }
        for related in &event.related {
            self.related(related);
        }
        if let Some(scope) = &event.scope {
            self.scope(scope);
        }
        if let Some(outcome) = &event.outcome {
            self.outcome(outcome);
        }
        self.optional(Tag::Operation, event.operation.as_deref());
        if let Some(reason) = &event.reason {
            self.has(Part::Reason);
            self.optional(Tag::ReasonCode, reason.code.as_deref());
            self.text(Part::Reason, &reason.text);
        }
        for (part, value) in [
            (Part::Params, &event.params),
            (Part::Before, &event.before),
            (Part::After, &event.after),
            (Part::Attributes, &event.attributes),
        ] {
            if let Some(value) = value {
                self.has(part);
                self.json(part, value.as_str());
            }
        }
    }

    fn actor(&mut self, actor: &Actor<'_>) {
        self.term(Tag::ActorType, &actor.kind);
        self.label(Field::ActorType, Some(&actor.kind));
        self.optional(Tag::ActorId, actor.id.as_deref());
        self.optional(Tag::ActorName, actor.name.as_deref());
        self.optional(Tag::ActorEmail, actor.email.as_deref());
        let label = actor.id.as_deref().or(actor.email.as_deref()).or(actor.name.as_deref());
        self.label(Field::Actor, label);
        if let Some(name) = &actor.name {
            self.text(Part::ActorName, name);
        }
        for role in &actor.roles {
            self.term(Tag::Role, role);
        }
        if let Some(credential) = &actor.credential {
            self.optional(Tag::Credential, credential.id.as_deref());
            self.optional(Tag::Credential, credential.label.as_deref());
            self.optional(Tag::Credential, credential.ending.as_deref());
            self.name(credential.label.as_deref());
        }
    }

    fn client(&mut self, client: &Client<'_>) {
        if let Some(ip) = &client.ip {
            match ip.parse::<IpAddr>() {
                Ok(address) => self.bytes(Tag::Address, &address_bits(address).to_be_bytes()),
                Err(_) => self.term(Tag::AddressText, ip),
            }
        }
        self.optional(Tag::Host, client.host.as_deref());
        if let Some(agent) = &client.user_agent {
            self.term(Tag::UserAgent, agent);
        }
    }

    fn target(&mut self, target: &Target<'_>) {
        self.term(Tag::TargetType, &target.kind);
        self.label(Field::TargetType, Some(&target.kind));
        self.optional(Tag::TargetId, target.id.as_deref());
        self.optional(Tag::TargetName, target.name.as_deref());
        self.optional(Tag::TargetUuid, target.uuid.as_deref());
        if let Some(name) = &target.name {
            self.text(Part::TargetName, name);
        }
    }

    fn related(&mut self, related: &Related<'_>) {
        if let Some(id) = &related.id {
            self.term(Tag::Related, id);
            self.term(Tag::RelatedWhole, &format!("{}/{id}", related.kind));
        }
        self.optional(Tag::Related, related.name.as_deref());
        self.name(related.name.as_deref());
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        for (tag, field, place) in [
            (Tag::Organization, Field::Organization, &scope.organization),
            (Tag::Workspace, Field::Workspace, &scope.workspace),
            (Tag::Project, Field::Project, &scope.project),
            (Tag::Study, Field::Study, &scope.study),
            (Tag::User, Field::User, &scope.user),
        ] {
            if let Some(place) = place {
                self.place(tag, field, place);
            }
        }
        let study = scope.study.as_ref();
        self.optional(Tag::StudyUuid, study.and_then(|study| study.uuid.as_deref()));
        self.optional(Tag::Context, scope.context.as_deref());
    }

    fn place(&mut self, tag: Tag, field: Field, place: &Place<'_>) {
        let parts = [&place.id, &place.name, &place.uuid];
        for part in parts.into_iter().flatten() {
            self.term(tag, part);
        }
        self.label(field, parts.into_iter().flatten().next().map(AsRef::as_ref));
        self.name(place.name.as_deref());
    }

    fn outcome(&mut self, outcome: &Outcome<'_>) {
        let status = outcome.status.as_str();
        self.term(Tag::Outcome, status);
        self.label(Field::Outcome, Some(status));
        self.optional(Tag::OutcomeCode, outcome.code.as_deref());
        self.optional(Tag::OutcomeCode, outcome.name.as_deref());
        self.name(outcome.name.as_deref());
        self.name(outcome.message.as_deref());
        self.name(outcome.detail.as_deref());
    }

    fn optional(&mut self, tag: Tag, value: Option<&str>) {
        if let Some(value) = value {
            self.term(tag, value);
        }
    }

    fn term(&mut self, tag: Tag, value: &str) {
        self.bytes(tag, value.as_bytes());
    }

    fn bytes(&mut self, tag: Tag, value: &[u8]) {
        self.values.term(tag, value.get(..TERM_BYTES_MAX).unwrap_or(value));
    }

    fn has(&mut self, part: Part) {
        self.bytes(Tag::Has, &[part as u8]);
    }

    fn label(&mut self, field: Field, label: Option<&str>) {
        let Some(label) = label else { return };
        if let Some(counted) = COUNTED.iter().position(|counted| *counted == field) {
            self.values.label(counted, label);
        }
    }

    fn name(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.names.push(GAP);
            self.names.push_str(name);
        }
    }

    fn text(&mut self, part: Part, text: &str) {
        self.values.text(part, |values| values.push_str(text));
    }

    fn json(&mut self, part: Part, json: &str) {
        self.values.text(part, |text| push_json(json, text));
    }
}

//! What a dialect cannot say of an event.

use std::collections::BTreeMap;

use event::{Event, Place};

/// How often each field of an event was left out, by its JSON pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    counts: BTreeMap<&'static str, u64>,
}

impl Losses {
    /// Counts one field that was left out.
    pub fn add(&mut self, pointer: &'static str) {
        *self.counts.entry(pointer).or_default() += 1;
    }

    /// Counts every field of an event that is present and that the dialect does not say.
    pub fn add_unsaid(&mut self, event: &Event<'_>, says: impl Fn(&str) -> bool) {
        present(event, &mut |pointer| {
            if !says(pointer) {
                self.add(pointer);
            }
        });
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Each field that was left out and how often, in the order of the pointers.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counts.iter().map(|(pointer, count)| (*pointer, *count))
    }
}

/// Calls `see` with the pointer of every field that an event has, but for what the server or the
/// catalogue supplies and nobody can lose.
fn present(event: &Event<'_>, see: &mut dyn FnMut(&'static str)) {
    let mut field = |there: bool, pointer: &'static str| {
        if there {
            see(pointer);
        }
    };
    field(event.id.is_some(), "/id");
    field(true, "/source/system");
    field(event.source.instance.is_some(), "/source/instance");
    field(event.source.format.is_some(), "/source/format");
    field(event.source.version.is_some(), "/source/version");
    field(event.source.region.is_some(), "/source/region");
    field(event.source.host.is_some(), "/source/host");
    field(event.source.sequence.is_some(), "/source/sequence");
    people(event, &mut field);
    things(event, &mut field);
    if let Some(outcome) = &event.outcome {
        field(true, "/outcome/status");
        field(outcome.code.is_some(), "/outcome/code");
        field(outcome.name.is_some(), "/outcome/name");
        field(outcome.message.is_some(), "/outcome/message");
        field(outcome.detail.is_some(), "/outcome/detail");
    }
    field(event.operation.is_some(), "/operation");
    if let Some(reason) = &event.reason {
        field(true, "/reason/text");
        field(reason.code.is_some(), "/reason/code");
    }
    field(event.params.is_some(), "/params");
    field(event.before.is_some(), "/before");
    field(event.after.is_some(), "/after");
    field(event.attributes.is_some(), "/attributes");
    field(!event.redacted.is_empty(), "/redacted");
}

fn people(event: &Event<'_>, field: &mut dyn FnMut(bool, &'static str)) {
    if let Some(actor) = &event.actor {
        field(true, "/actor/type");
        field(actor.id.is_some(), "/actor/id");
        field(actor.name.is_some(), "/actor/name");
        field(actor.email.is_some(), "/actor/email");
        field(!actor.roles.is_empty(), "/actor/roles");
        if let Some(credential) = &actor.credential {
            field(credential.id.is_some(), "/actor/credential/id");
            field(credential.label.is_some(), "/actor/credential/label");
            field(credential.ending.is_some(), "/actor/credential/ending");
        }
    }
    if let Some(person) = &event.authorized_by {
        field(person.id.is_some(), "/authorized_by/id");
        field(person.name.is_some(), "/authorized_by/name");
    }
    field(event.session.is_some(), "/session");
    if let Some(client) = &event.client {
        field(client.ip.is_some(), "/client/ip");
        field(client.user_agent.is_some(), "/client/user_agent");
        field(client.host.is_some(), "/client/host");
    }
}

fn things(event: &Event<'_>, field: &mut dyn FnMut(bool, &'static str)) {
    if let Some(target) = &event.target {
        field(true, "/target/type");
        field(target.id.is_some(), "/target/id");
        field(target.name.is_some(), "/target/name");
        field(target.uuid.is_some(), "/target/uuid");
        field(target.schema_version.is_some(), "/target/schema_version");
        field(target.url.is_some(), "/target/url");
    }
    field(!event.related.is_empty(), "/related");
    if let Some(scope) = &event.scope {
        let mut place = |place: &Option<Place<'_>>, pointers: [&'static str; 3]| {
            if let Some(place) = place {
                let [id, name, uuid] = pointers;
                field(place.id.is_some(), id);
                field(place.name.is_some(), name);
                field(place.uuid.is_some(), uuid);
            }
        };
        place(
            &scope.organization,
            ["/scope/organization/id", "/scope/organization/name", "/scope/organization/uuid"],
        );
        place(
            &scope.workspace,
            ["/scope/workspace/id", "/scope/workspace/name", "/scope/workspace/uuid"],
        );
        place(&scope.project, ["/scope/project/id", "/scope/project/name", "/scope/project/uuid"]);
        place(&scope.study, ["/scope/study/id", "/scope/study/name", "/scope/study/uuid"]);
        place(&scope.user, ["/scope/user/id", "/scope/user/name", "/scope/user/uuid"]);
        field(scope.context.is_some(), "/scope/context");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::Moment;

    #[test]
    fn every_field_of_an_event_can_be_lost() {
        let text = r#"{"id":"1","occurred_at":"2026-01-01T00:00:00Z","source":{"system":"s",
            "instance":"i","format":"f","version":"v","region":"r","host":"h","sequence":1},
            "actor":{"type":"user","id":"1","name":"n","email":"e","roles":["r"],
            "credential":{"id":"1","label":"l","ending":"e"}},"authorized_by":{"id":"1","name":"n"},
            "session":"s","client":{"ip":"1","user_agent":"u","host":"h"},"action":"a",
            "target":{"type":"t","id":"1","name":"n","uuid":"u","schema_version":"1","url":"u"},
            "related":[{"role":"r","type":"t"}],"scope":{"organization":{"id":"1","name":"n","uuid":"u"},
            "workspace":{"id":"1","name":"n","uuid":"u"},"project":{"id":"1","name":"n","uuid":"u"},
            "study":{"id":"1","name":"n","uuid":"u"},"user":{"id":"1","name":"n","uuid":"u"},
            "context":"c"},"outcome":{"status":"success","code":"1","name":"n","message":"m",
            "detail":"d"},"operation":"o","reason":{"text":"t","code":"c"},"params":1,"before":1,
            "after":1,"attributes":{},"redacted":["/params/x"]}"#;
        let event = Event::parse(text).unwrap();
        let mut losses = Losses::default();
        losses.add_unsaid(&event, |_| false);
        assert_eq!(losses.iter().count(), 58);
        assert!(losses.iter().all(|(_, count)| count == 1));
    }

    #[test]
    fn an_event_that_says_little_loses_little() {
        let event = Event::new(Moment::from_micros(0), "s", "a");
        let mut losses = Losses::default();
        losses.add_unsaid(&event, |pointer| pointer == "/source/system");
        assert!(losses.is_empty());
    }
}

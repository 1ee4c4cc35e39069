//! From an [`Event`] to its canonical members, by hand: this is what is hashed.

use std::ops::Range;

use crate::json::write_string;
use crate::{
    Actor, Client, Credential, Event, Outcome, Person, Place, Reason, Related, Scope, Source,
    Target,
};

/// Where a value that may be detached stands in what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Its JSON pointer in the entry.
    pub(crate) at: &'static str,
    /// Its bytes.
    pub(crate) range: Range<usize>,
}

/// Writes members one after the other, each preceded by a comma where one is needed.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) out: Vec<u8>,
    /// Where values stand; kept only when asked for.
    pub(crate) leaves: Option<Vec<Leaf>>,
}

/// The pointers of a place in a scope: its own, and its members' in order.
macro_rules! place_pointers {
    ($name:ident, $key:literal) => {
        pub(crate) const $name: [&str; 4] = [
            concat!("/scope/", $key),
            concat!("/scope/", $key, "/id"),
            concat!("/scope/", $key, "/name"),
            concat!("/scope/", $key, "/uuid"),
        ];
    };
}

place_pointers!(ORGANIZATION, "organization");
place_pointers!(WORKSPACE, "workspace");
place_pointers!(PROJECT, "project");
place_pointers!(STUDY, "study");
place_pointers!(USER, "user");

impl Writer {
    fn key(&mut self, key: &str) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[')) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Notes that a value that may be detached began at `start` and ends here.
    fn leaf(&mut self, at: &'static str, start: usize) {
        let range = start..self.out.len();
        if let Some(leaves) = &mut self.leaves {
            leaves.push(Leaf { at, range });
        }
    }

    /// A member that is never detached.
    fn fixed(&mut self, key: &str, content: &str) {
        self.key(key);
        write_string(&mut self.out, content);
    }

    fn text(&mut self, key: &str, at: &'static str, content: Option<&str>) {
        if let Some(content) = content {
            self.key(key);
            let start = self.out.len();
            write_string(&mut self.out, content);
            self.leaf(at, start);
        }
    }

    fn raw(&mut self, key: &str, at: &'static str, json: Option<&str>) {
        if let Some(json) = json {
            self.key(key);
            let start = self.out.len();
            self.out.extend_from_slice(json.as_bytes());
            self.leaf(at, start);
        }
    }

    /// A part with its members; one that has none is left out.
    fn part<T>(&mut self, key: &str, part: Option<&T>, members: impl FnOnce(&mut Self, &T)) {
        if let Some(part) = part {
            let before = self.out.len();
            self.key(key);
            self.out.push(b'{');
            let start = self.out.len();
            members(self, part);
            if self.out.len() == start {
                self.out.truncate(before);
            } else {
                self.out.push(b'}');
            }
        }
    }

    fn list<'t>(&mut self, key: &str, at: &'static str, items: impl Iterator<Item = &'t str>) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return;
        }
        self.key(key);
        let start = self.out.len();
        self.out.push(b'[');
        for (position, item) in items.enumerate() {
            if position > 0 {
                self.out.push(b',');
            }
            write_string(&mut self.out, item);
        }
        self.out.push(b']');
        self.leaf(at, start);
    }

    /// The members of an event in the order of the format, without the braces around them.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        self.text_fixed("id", event.id.as_deref());
        self.fixed("occurred_at", event.occurred_at.as_str());
        self.part("source", Some(&event.source), Self::source);
        self.part("actor", event.actor.as_ref(), Self::actor);
        self.part("authorized_by", event.authorized_by.as_ref(), Self::person);
        self.text("session", "/session", event.session.as_deref());
        self.part("client", event.client.as_ref(), Self::client);
        self.fixed("action", &event.action);
        self.part("target", event.target.as_ref(), Self::target);
        self.related(&event.related);
        self.part("scope", event.scope.as_ref(), Self::scope);
        self.part("outcome", event.outcome.as_ref(), Self::outcome);
        self.text("operation", "/operation", event.operation.as_deref());
        self.part("reason", event.reason.as_ref(), Self::reason);
        self.raw("params", "/params", event.params.as_ref().map(crate::Json::as_str));
        self.raw("before", "/before", event.before.as_ref().map(crate::Json::as_str));
        self.raw("after", "/after", event.after.as_ref().map(crate::Json::as_str));
        self.raw("attributes", "/attributes", event.attributes.as_ref().map(crate::Json::as_str));
        self.list("redacted", "/redacted", event.redacted.iter().map(AsRef::as_ref));
    }

    fn text_fixed(&mut self, key: &str, content: Option<&str>) {
        if let Some(content) = content {
            self.fixed(key, content);
        }
    }

    fn source(&mut self, source: &Source<'_>) {
        self.fixed("system", &source.system);
        self.text_fixed("instance", source.instance.as_deref());
        self.text_fixed("format", source.format.as_deref());
        self.text_fixed("version", source.version.as_deref());
        self.text_fixed("region", source.region.as_deref());
        self.text_fixed("host", source.host.as_deref());
        if let Some(sequence) = source.sequence {
            self.key("sequence");
            self.out.extend_from_slice(sequence.to_string().as_bytes());
        }
    }

    fn actor(&mut self, actor: &Actor<'_>) {
        self.fixed("type", &actor.kind);
        self.text("id", "/actor/id", actor.id.as_deref());
        self.text("name", "/actor/name", actor.name.as_deref());
        self.text("email", "/actor/email", actor.email.as_deref());
        self.list("roles", "/actor/roles", actor.roles.iter().map(AsRef::as_ref));
        self.part("credential", actor.credential.as_ref(), Self::credential);
    }

    fn credential(&mut self, credential: &Credential<'_>) {
        self.text_fixed("id", credential.id.as_deref());
        self.text_fixed("label", credential.label.as_deref());
        self.text_fixed("ending", credential.ending.as_deref());
    }

    fn person(&mut self, person: &Person<'_>) {
        self.text("id", "/authorized_by/id", person.id.as_deref());
        self.text("name", "/authorized_by/name", person.name.as_deref());
    }

    fn client(&mut self, client: &Client<'_>) {
        self.text("ip", "/client/ip", client.ip.as_deref());
        self.text("user_agent", "/client/user_agent", client.user_agent.as_deref());
        self.text("host", "/client/host", client.host.as_deref());
    }

    fn target(&mut self, target: &Target<'_>) {
        self.fixed("type", &target.kind);
        self.text("id", "/target/id", target.id.as_deref());
        self.text("name", "/target/name", target.name.as_deref());
        self.text("uuid", "/target/uuid", target.uuid.as_deref());
        self.text_fixed("schema_version", target.schema_version.as_deref());
        self.text("url", "/target/url", target.url.as_deref());
    }

    fn related(&mut self, related: &[Related<'_>]) {
        if related.is_empty() {
            return;
        }
        self.key("related");
        let start = self.out.len();
        self.out.push(b'[');
        for (position, thing) in related.iter().enumerate() {
            if position > 0 {
                self.out.push(b',');
            }
            self.out.push(b'{');
            self.fixed("role", &thing.role);
            self.fixed("type", &thing.kind);
            self.text_fixed("id", thing.id.as_deref());
            self.text_fixed("name", thing.name.as_deref());
            self.out.push(b'}');
        }
        self.out.push(b']');
        self.leaf("/related", start);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        for (key, place, pointers) in [
            ("organization", &scope.organization, ORGANIZATION),
            ("workspace", &scope.workspace, WORKSPACE),
            ("project", &scope.project, PROJECT),
            ("study", &scope.study, STUDY),
            ("user", &scope.user, USER),
        ] {
            self.part(key, place.as_ref(), |writer, place| writer.place(place, pointers));
        }
        self.text_fixed("context", scope.context.as_deref());
    }

    fn place(&mut self, place: &Place<'_>, [_, id, name, uuid]: [&'static str; 4]) {
        self.text("id", id, place.id.as_deref());
        self.text("name", name, place.name.as_deref());
        self.text("uuid", uuid, place.uuid.as_deref());
    }

    fn outcome(&mut self, outcome: &Outcome<'_>) {
        self.fixed("status", outcome.status.as_str());
        self.text("code", "/outcome/code", outcome.code.as_deref());
        self.text("name", "/outcome/name", outcome.name.as_deref());
        self.text("message", "/outcome/message", outcome.message.as_deref());
        self.text("detail", "/outcome/detail", outcome.detail.as_deref());
    }

    fn reason(&mut self, reason: &Reason<'_>) {
        self.text("text", "/reason/text", Some(&reason.text));
        self.text_fixed("code", reason.code.as_deref());
    }
}

impl Event<'_> {
    /// The event as compact JSON with its members in canonical order.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::default();
        writer.out.push(b'{');
        writer.event(self);
        writer.out.push(b'}');
        String::from_utf8(writer.out).unwrap_or_default()
    }

    /// Checks an event that was built in memory against every rule of the wire. A part without
    /// members counts as absent.
    ///
    /// # Errors
    /// As [`Event::parse`].
    pub fn check(&self) -> Result<(), crate::Invalid> {
        Event::parse(&self.to_json()).map(drop)
    }
}

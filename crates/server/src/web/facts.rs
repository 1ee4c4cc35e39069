//! Everything that an entry says, as pairs of a word and a value.

use dialect::Meaning;
use event::{Entry, Event, Place};

use super::meaning::{meaning, note, object};
use super::row::{Setting, history_of, outcome_badge};
use super::text::{self, Html};
use super::tree::folded;
use super::when::{Clock, ago, duration};
use crate::Links;

/// A word, a value, and where the value leads; empty for nowhere.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: Html,
    pub(crate) href: String,
}

/// Facts under a heading.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) facts: Vec<Fact>,
}

impl Group {
    fn new(title: &'static str) -> Self {
        Self { title, facts: Vec::new() }
    }

    fn html(&mut self, name: &'static str, value: Html) {
        self.facts.push(Fact { name, value, href: String::new() });
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.html(name, folded(value));
        }
    }

    fn link(&mut self, name: &'static str, value: Option<&str>, href: String) {
        if let Some(value) = value {
            self.facts.push(Fact { name, value: folded(value), href });
        }
    }
}

/// All groups that have something to say.
pub(crate) fn groups(entry: &Entry<'_>, setting: Setting<'_>, now: i64) -> Vec<Group> {
    let Setting { trail, clock, links, .. } = setting;
    let event = &entry.event;
    let groups = [
        when(entry, clock, now),
        who(event, trail),
        what(event, trail, links),
        place(event),
        came(event, trail),
        source(entry),
    ];
    groups.into_iter().filter(|group| !group.facts.is_empty()).collect()
}

fn when(entry: &Entry<'_>, clock: &Clock, now: i64) -> Group {
    let mut group = Group::new("When");
    let occurred = entry.event.occurred_at.micros();
    let stamp = clock.stamp(&entry.event.occurred_at);
    group.html("Happened", text::shown(&format!("{stamp} ({})", ago(occurred, now))));
    group.text("As the source wrote it", Some(entry.event.occurred_at.as_str()));
    let recorded = clock.stamp_micros(entry.recorded_at_micros);
    group.html("Recorded", text::shown(&recorded.to_string()));
    let late = entry.recorded_at_micros - occurred;
    let words = if late < 0 {
        format!("{} before it is said to have happened", duration(late))
    } else {
        format!("{} after it happened", duration(late))
    };
    group.html("Recorded how late", text::shown(&words));
    group
}

fn who(event: &Event<'_>, trail: &str) -> Group {
    let mut group = Group::new("Who");
    if let Some(actor) = &event.actor {
        let key = actor.id.as_deref().or(actor.name.as_deref()).unwrap_or_default();
        let href = history_of(trail, &[("actor", key)]);
        group.link("Name", actor.name.as_deref(), href.clone());
        group.link("Identifier", actor.id.as_deref(), href);
        group.text("Type", Some(&actor.kind));
        group.text("E-mail", actor.email.as_deref());
        if !actor.roles.is_empty() {
            group.text("Roles", Some(&actor.roles.join(", ")));
        }
        if let Some(credential) = &actor.credential {
            group.text("Credential", credential.id.as_deref());
            group.text("Credential’s name", credential.label.as_deref());
            group.text("Credential ends in", credential.ending.as_deref());
        }
    }
    if let Some(person) = &event.authorized_by {
        group.text("Authorised by", person.name.as_deref().or(person.id.as_deref()));
    }
    if let Some(session) = event.session.as_deref() {
        group.link("Session", Some(session), history_of(trail, &[("session", session)]));
    }
    if let Some(client) = &event.client {
        group.text("Address", client.ip.as_deref());
        group.text("Host", client.host.as_deref());
        group.text("User agent", client.user_agent.as_deref());
    }
    group
}

fn what(event: &Event<'_>, trail: &str, links: &Links) -> Group {
    let mut group = Group::new("What");
    group.text("Action", Some(&event.action));
    let meaning = match meaning(&event.source.system, &event.action) {
        Meaning::Known(kind) => {
            let what = object(&event.source.system, &event.action);
            format!("{kind}{what}, by the catalogue of {}", event.source.system)
        }
        Meaning::Guessed(kind) => format!("{kind}, guessed from the action’s name"),
        Meaning::Unknown => "not known".to_owned(),
    };
    group.html("What it means", text::shown(&meaning));
    let note = note(&event.source.system, &event.action);
    group.text("Note", Some(note).filter(|note| !note.is_empty()));
    if let Some(target) = &event.target {
        let id = target.id.as_deref();
        let href =
            id.map(|id| history_of(trail, &[("target_type", &target.kind), ("target_id", id)]));
        let href = href.unwrap_or_default();
        group.text("Target’s type", Some(&target.kind));
        group.link("Target", target.name.as_deref(), href.clone());
        group.link("Target’s identifier", id, href);
        group.text("Target’s UUID", target.uuid.as_deref());
        group.text("Schema version", target.schema_version.as_deref());
        let safe = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        match target.url.as_deref().filter(safe) {
            Some(url) => group.link("Look at it", Some(url), url.to_owned()),
            None => group.text("Look at it", target.url.as_deref()),
        }
        if let Some(href) = links.href(&event.source.system, target) {
            group.link("Where it lives", Some(&href), href.clone());
        }
    }
    for related in &event.related {
        let id = related.id.as_deref().or(related.name.as_deref()).unwrap_or_default();
        let words = format!("{} {id} ({})", related.kind, related.role);
        let href = history_of(trail, &[("target_type", &related.kind), ("target_id", id)]);
        group.link("Also involved", Some(&words), href);
    }
    group
}

fn place(event: &Event<'_>) -> Group {
    let mut group = Group::new("Where");
    let Some(scope) = &event.scope else { return group };
    let words = |place: &Option<Place<'_>>| {
        let place = place.as_ref()?;
        let parts = [&place.name, &place.id, &place.uuid];
        let mut list: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
        list.dedup();
        Some(list.join(" · ")).filter(|text| !text.is_empty())
    };
    for (name, place) in [
        ("Organization", &scope.organization),
        ("Workspace", &scope.workspace),
        ("Project", &scope.project),
        ("Study", &scope.study),
        ("User’s space", &scope.user),
    ] {
        group.text(name, words(place).as_deref());
    }
    group.text("Level", scope.context.as_deref());
    group
}

fn came(event: &Event<'_>, trail: &str) -> Group {
    let mut group = Group::new("Result and reason");
    group.html("Outcome", outcome_badge(event));
    if let Some(outcome) = &event.outcome {
        group.text("Code", outcome.code.as_deref());
        group.text("Error", outcome.name.as_deref());
        group.text("Message", outcome.message.as_deref());
        group.text("Detail", outcome.detail.as_deref());
    }
    match &event.reason {
        Some(reason) => {
            group.text("Reason", Some(&reason.text));
            group.text("Reason’s code", reason.code.as_deref());
        }
        None => {
            group.html("Reason", Html::trusted("<span class=\"none\">none given</span>".into()));
        }
    }
    if let Some(operation) = event.operation.as_deref() {
        group.link("Operation", Some(operation), history_of(trail, &[("operation", operation)]));
    }
    group
}

fn source(entry: &Entry<'_>) -> Group {
    let mut group = Group::new("Source");
    let source = &entry.event.source;
    group.text("System", Some(&source.system));
    group.text("Instance", source.instance.as_deref());
    group.text("Format", source.format.as_deref());
    group.text("Version", source.version.as_deref());
    group.text("Region", source.region.as_deref());
    group.text("Host", source.host.as_deref());
    group.text("Sequence", source.sequence.map(|number| number.to_string()).as_deref());
    group.text("Event’s own id", entry.event.id.as_deref());
    group.text("Came by", Some(&entry.received.via));
    group.text("Dialect", entry.received.dialect.as_deref());
    group.text("Import", entry.received.import.as_deref());
    group.text("Brought by token", Some(&entry.recorded_by));
    if !entry.event.redacted.is_empty() {
        group.text("Redacted before it was recorded", Some(&entry.event.redacted.join(", ")));
    }
    if !entry.detached.is_empty() {
        let list: Vec<String> = entry
            .detached
            .iter()
            .map(|value| format!("{} ({} bytes)", value.at, text::grouped(value.size)))
            .collect();
        group.text("Kept beside the entry", Some(&list.join(", ")));
    }
    group
}

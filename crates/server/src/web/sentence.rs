//! An event as a sentence that a person would say.
//!
//! It says nothing that the event does not: a kind that is only guessed gives no verb, the source's
//! own word stands instead.

use dialect::{Kind, Meaning};
use event::{Actor, Event, Place, Status, Target};

use super::meaning::meaning;

/// What a part of a sentence is, so that the page can link it or set it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Words between.
    Plain,
    /// Who.
    Actor,
    /// The source's own word.
    Action,
    /// To what.
    Target,
    /// Why, or with what message: words of the source.
    Quote,
    /// What came of it, when it did not succeed.
    Bad,
}

/// A sentence in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// In order; printed one behind the other they read.
    pub(crate) parts: Vec<(Role, String)>,
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.iter().try_for_each(|(_, text)| f.write_str(text))
    }
}

/// The most characters of a reason or a message in a sentence.
const QUOTE_CHARS_MAX: usize = 280;

/// Says what happened.
pub(crate) fn sentence(event: &Event<'_>) -> Sentence {
    let mut out = Sentence::default();
    let status = event.outcome.as_ref().map_or(Status::Unknown, |outcome| outcome.status);
    out.add(Role::Actor, actor_name(event.actor.as_ref()));
    out.deed(event, status);
    let scope = event.scope.as_ref();
    let study = scope.and_then(|scope| place("study", scope.study.as_ref()));
    let project = || scope.and_then(|scope| place("project", scope.project.as_ref()));
    let workspace = || scope.and_then(|scope| place("workspace", scope.workspace.as_ref()));
    if let Some(text) = study.or_else(project).or_else(workspace) {
        out.add(Role::Plain, format!(" in {text}"));
    }
    out.add(Role::Plain, format!(" on {}", event.source.system));
    out.result(event, status);
    if let Some(reason) = &event.reason {
        out.add(Role::Plain, ", saying ".to_owned());
        out.add(Role::Quote, quoted(&reason.text));
    }
    if let Some(person) = &event.authorized_by
        && let Some(name) = person.name.as_deref().or(person.id.as_deref())
    {
        out.add(Role::Plain, ", authorised by ".to_owned());
        out.add(Role::Actor, name.to_owned());
    }
    out.add(Role::Plain, ".".to_owned());
    out
}

impl Sentence {
    fn add(&mut self, role: Role, text: String) {
        self.parts.push((role, text));
    }

    /// The verb, the target and the source's own word.
    fn deed(&mut self, event: &Event<'_>, status: Status) {
        let known = match meaning(&event.source.system, &event.action) {
            Meaning::Known(kind) => verb(kind, event),
            Meaning::Guessed(_) | Meaning::Unknown => None,
        };
        let tried = matches!(status, Status::Failure | Status::Denied);
        let target = event.target.as_ref().map(target_name);
        match (known, tried) {
            (Some((past, _)), false) => self.add(Role::Plain, format!(" {past}")),
            (Some((_, infinitive)), true) => {
                self.add(Role::Plain, format!(" tried to {infinitive}"));
            }
            (None, tried) => {
                self.add(Role::Plain, if tried { " tried " } else { " did " }.to_owned());
                self.add(Role::Action, format!("“{}”", event.action));
                if target.is_some() {
                    self.add(Role::Plain, " on".to_owned());
                }
            }
        }
        if let Some(target) = target {
            self.add(Role::Plain, " ".to_owned());
            self.add(Role::Target, target);
        }
        if known.is_some() {
            self.add(Role::Action, format!(" ({})", event.action));
        }
    }

    fn result(&mut self, event: &Event<'_>, status: Status) {
        let outcome = event.outcome.as_ref();
        let text = match status {
            Status::Failure => "; it failed",
            Status::Denied => "; it was not allowed",
            Status::Success | Status::Unknown => return,
        };
        self.add(Role::Bad, text.to_owned());
        let message = outcome.and_then(|outcome| {
            outcome.message.as_deref().or(outcome.name.as_deref()).or(outcome.code.as_deref())
        });
        if let Some(message) = message {
            self.add(Role::Plain, ": ".to_owned());
            self.add(Role::Quote, quoted(message));
        }
    }
}

/// The verb in the past and in the infinitive.
fn verb(kind: Kind, event: &Event<'_>) -> Option<(&'static str, &'static str)> {
    event.target.as_ref()?;
    if let Some(verb) = own_verb(event) {
        return Some(verb);
    }
    Some(match kind {
        Kind::Create => ("created", "create"),
        Kind::Read => ("looked at", "look at"),
        Kind::Update => ("changed", "change"),
        Kind::Delete => ("deleted", "delete"),
        Kind::Execute => ("ran", "run"),
        Kind::Permission => ("changed the rights on", "change the rights on"),
        Kind::Export => ("took out", "take out"),
        // To sign in is not something that is done to a thing.
        Kind::Access => return None,
    })
}

/// The verb of what this server itself records, where that of its kind would say something else.
fn own_verb(event: &Event<'_>) -> Option<(&'static str, &'static str)> {
    if event.source.system != registry::SYSTEM {
        return None;
    }
    Some(match event.action.as_ref() {
        "import" => ("imported", "import"),
        "trail.check" => ("checked", "check"),
        "trail.recover" => ("recovered", "recover"),
        "server.start" => ("started", "start"),
        "server.stop" => ("stopped", "stop"),
        "day.close" => ("closed", "close"),
        _ => return None,
    })
}

/// Who, for a person: the name at the time, else the identifier, else what kind of actor.
pub(crate) fn actor_name(actor: Option<&Actor<'_>>) -> String {
    let Some(actor) = actor else { return "Somebody".to_owned() };
    let name = actor.name.as_deref().or(actor.id.as_deref()).or(actor.email.as_deref());
    match (name, actor.kind.as_ref()) {
        (Some(name), _) => name.to_owned(),
        (None, "anonymous") => "Somebody who was not signed in".to_owned(),
        (None, "system") => "The system".to_owned(),
        (None, kind) => format!("A {kind}"),
    }
}

/// Which thing, for a person: its type, and its name or identifier.
pub(crate) fn target_name(target: &Target<'_>) -> String {
    let kind = target.kind.to_lowercase();
    match target.name.as_deref().or(target.id.as_deref()).or(target.uuid.as_deref()) {
        Some(name) if !name.is_empty() => format!("{kind} {name}"),
        _ => format!("a {kind}"),
    }
}

fn place(word: &str, place: Option<&Place<'_>>) -> Option<String> {
    let place = place?;
    let name = place.name.as_deref().or(place.id.as_deref()).or(place.uuid.as_deref())?;
    Some(format!("{word} {name}"))
}

fn quoted(text: &str) -> String {
    let end = text.char_indices().nth(QUOTE_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let cut = if end < text.len() { "…" } else { "" };
    format!("“{}{cut}”", text.get(..end).unwrap_or(text).trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let event = Event::parse(json).unwrap();
        assert_eq!(sentence(&event).to_string(), expected);
    }

    #[test]
    fn a_known_action_is_said_with_a_verb() {
        check(
            r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"opencga"},"action":"CREATE",
               "actor":{"type":"user","id":"ana","name":"Ana Gómez"},
               "target":{"type":"SAMPLE","id":"S-17"},
               "scope":{"study":{"id":"phase1"}},
               "outcome":{"status":"success"}}"#,
            "Ana Gómez created sample S-17 (CREATE) in study phase1 on opencga.",
        );
    }

    #[test]
    fn what_failed_was_only_tried() {
        check(
            r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"lims"},"action":"file-delete",
               "actor":{"type":"user","id":"bo"},"target":{"type":"file","name":"a.bam"},
               "outcome":{"status":"denied","message":"Permission denied."},
               "reason":{"text":"wrong lot"}}"#,
            "bo tried “file-delete” on file a.bam on lims; it was not allowed: “Permission denied”, \
             saying “wrong lot”.",
        );
    }

    #[test]
    fn an_import_is_said_to_be_one() {
        let import = |outcome: &str| {
            format!(
                r#"{{"occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"indelible"}},
                   "action":"import","actor":{{"type":"user","id":"operator"}},
                   "target":{{"type":"file","name":"a.json"}},"outcome":{outcome}}}"#
            )
        };
        check(
            &import(r#"{"status":"success"}"#),
            "operator imported file a.json (import) on indelible.",
        );
        check(
            &import(r#"{"status":"failure","message":"every record was rejected"}"#),
            "operator tried to import file a.json (import) on indelible; it failed: \
             “every record was rejected”.",
        );
    }

    #[test]
    fn an_event_with_next_to_nothing_is_still_a_sentence() {
        check(
            r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"x"},"action":"frob"}"#,
            "Somebody did “frob” on x.",
        );
        check(
            r#"{"occurred_at":"2026-01-01T00:00:00Z","source":{"system":"x"},"action":"frob",
               "actor":{"type":"anonymous"},"target":{"type":"Door"}}"#,
            "Somebody who was not signed in did “frob” on a door on x.",
        );
    }
}

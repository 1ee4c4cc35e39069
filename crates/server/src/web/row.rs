//! An event as a row of a list.

use std::fmt::Write as _;

use dialect::Meaning;
use event::{Entry, Event, Place, Status};
use trail::Recorded;

use super::columns::Column;
use super::criteria::Url;
use super::diff::diff;
use super::meaning::{meaning, object, sign};
use super::sentence::{actor_name, sentence};
use super::text::{self, Html};
use super::when::Clock;
use crate::Links;

/// Characters of a cell's line.
const CELL_CHARS_MAX: usize = 120;

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) href: String,
    /// For those who cannot see the row: what happened, in a sentence.
    pub(crate) label: String,
    /// By which the row's edge is painted.
    pub(crate) status: &'static str,
    pub(crate) cells: Vec<(&'static str, Html)>,
}

/// What a row needs to know beside its event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) trail: &'a str,
    pub(crate) clock: &'a Clock,
    /// How many events a checkpoint covers.
    pub(crate) published: u64,
    /// Where targets can be looked at.
    pub(crate) links: &'a Links,
}

impl Row {
    /// The row of an event. One that this version cannot read is told by its index alone.
    pub(crate) fn new(recorded: &Recorded, columns: &[Column], setting: Setting<'_>) -> Self {
        let index = recorded.index;
        let href = format!("/t/{}/e/{index}", setting.trail);
        let text = recorded.text();
        let Ok(entry) = Entry::parse(&text) else {
            let unread = text::shown("This entry cannot be read by this version.");
            let cells = columns.iter().map(|column| (column.word(), Html::default()));
            let mut cells: Vec<_> = cells.collect();
            if let Some((_, cell)) = cells.first_mut() {
                *cell = unread;
            }
            return Self { index, href, label: format!("Event {index}"), status: "unknown", cells };
        };
        let status = status(&entry.event);
        let cells = columns
            .iter()
            .map(|column| (column.word(), cell(*column, index, &href, &entry, setting)))
            .collect();
        let label = text::plain(&sentence(&entry.event).to_string());
        Self { index, href, label, status: status.as_str(), cells }
    }
}

fn status(event: &Event<'_>) -> Status {
    event.outcome.as_ref().map_or(Status::Unknown, |outcome| outcome.status)
}

fn cell(column: Column, index: u64, href: &str, entry: &Entry<'_>, setting: Setting<'_>) -> Html {
    let event = &entry.event;
    match column {
        Column::Time => {
            let stamp = setting.clock.stamp(&event.occurred_at);
            moment(href, &stamp)
        }
        Column::Recorded => moment(href, &setting.clock.stamp_micros(entry.recorded_at_micros)),
        Column::Actor => actor(event, setting.trail),
        Column::Ip => line(address(event), ""),
        Column::Action => action(event),
        Column::Target => target(event, setting),
        Column::Scope => scope(event),
        Column::Outcome => outcome(event),
        Column::Reason => match &event.reason {
            Some(reason) => line(&reason.text, reason.code.as_deref().unwrap_or_default()),
            None => Html::trusted("<span class=\"none\">none given</span>".to_owned()),
        },
        Column::Source => {
            let format = event.source.format.as_deref().unwrap_or_default();
            line(&event.source.system, event.source.instance.as_deref().unwrap_or(format))
        }
        Column::Proof => {
            let (word, class) = if index < setting.published {
                ("in a checkpoint", "covered")
            } else {
                ("recorded, checkpoint follows", "pending")
            };
            Html::trusted(format!(
                "<span class=\"main num\">#{index}</span><span class=\"sub {class}\">{word}</span>"
            ))
        }
    }
}

fn moment(href: &str, stamp: &super::when::Stamp) -> Html {
    let (whole, fraction) = stamp.time.split_once('.').unwrap_or((&stamp.time, ""));
    let fraction = match fraction {
        "" => String::new(),
        digits => format!("<span class=\"fraction\">.{}</span>", text::shown(digits)),
    };
    Html::trusted(format!(
        "<a class=\"main when\" href=\"{href}\"><time datetime=\"{}\">{} \
         <span class=\"clock\">{}{fraction} <span class=\"zone\">{}</span></span></time></a>",
        stamp.iso,
        text::shown(&stamp.date),
        text::shown(whole),
        text::shown(&stamp.zone)
    ))
}

/// Two lines: what matters, and what stands below it.
fn line(main: &str, sub: &str) -> Html {
    if main.is_empty() && sub.is_empty() {
        return Html::trusted("<span class=\"none\">–</span>".to_owned());
    }
    let mut out = format!("<span class=\"main\">{}</span>", text::clipped(main, CELL_CHARS_MAX));
    if !sub.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(out, "<span class=\"sub\">{}</span>", text::clipped(sub, CELL_CHARS_MAX));
    }
    Html::trusted(out)
}

fn linked(href: &str, main: &str, sub: &str) -> Html {
    let mut out = format!(
        "<a class=\"main\" href=\"{}\">{}</a>",
        text::shown(href),
        text::clipped(main, CELL_CHARS_MAX)
    );
    if !sub.is_empty() {
        let _ = write!(out, "<span class=\"sub\">{}</span>", text::clipped(sub, CELL_CHARS_MAX));
    }
    Html::trusted(out)
}

fn actor(event: &Event<'_>, trail: &str) -> Html {
    let Some(actor) = &event.actor else { return line("", "") };
    let name = actor_name(Some(actor));
    let id = actor.id.as_deref().filter(|id| *id != name).unwrap_or_default();
    let parts = [actor.kind.as_ref(), id, address(event)];
    let sub = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    match actor.id.as_deref().or(actor.name.as_deref()) {
        Some(key) => linked(&history_of(trail, &[("actor", key)]), &name, &sub),
        None => line(&name, &sub),
    }
}

/// Where the actor came from.
fn address<'a>(event: &'a Event<'_>) -> &'a str {
    event.client.as_ref().and_then(|client| client.ip.as_deref()).unwrap_or_default()
}

fn action(event: &Event<'_>) -> Html {
    let meaning = meaning(&event.source.system, &event.action);
    let (word, hint) = match meaning {
        Meaning::Known(kind) => (kind.as_str(), ""),
        Meaning::Guessed(kind) => (kind.as_str(), "?"),
        Meaning::Unknown => ("other", ""),
    };
    let title = if meaning.is_guess() { " title=\"guessed from the action’s name\"" } else { "" };
    let what = object(&event.source.system, &event.action);
    Html::trusted(format!(
        "<span class=\"main\">{}</span><span class=\"sub kind kind-{word}\"{title}>\
         <span aria-hidden=\"true\">{}</span> {word}{what}{hint}</span>",
        text::clipped(&event.action, CELL_CHARS_MAX),
        sign(meaning.kind())
    ))
}

fn target(event: &Event<'_>, setting: Setting<'_>) -> Html {
    let Some(target) = &event.target else { return line("", "") };
    let id = target.id.as_deref().unwrap_or_default();
    let name = target.name.as_deref().unwrap_or(id);
    let name = if name.is_empty() { target.kind.as_ref() } else { name };
    let sub = if id.is_empty() || id == name {
        target.kind.to_string()
    } else {
        format!("{} {id}", target.kind)
    };
    if id.is_empty() {
        return line(name, &sub);
    }
    let href = history_of(setting.trail, &[("target_type", &target.kind), ("target_id", id)]);
    let mut out = linked(&href, name, &sub).as_str().to_owned();
    if let Some(href) = setting.links.href(&event.source.system, target) {
        let label = format!("Look at {} {name} where it lives", target.kind);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<a class=\"out\" href=\"{}\" rel=\"noreferrer\" title=\"{label}\" aria-label=\"{label}\">↗</a>",
            text::attribute(&href),
            label = text::attribute(&label)
        );
    }
    out.push_str(&changed(event));
    Html::trusted(out)
}

/// How many fields changed, where the event says so.
fn changed(event: &Event<'_>) -> String {
    let read = |json: &Option<event::Json<'_>>| {
        json.as_ref().and_then(|json| serde_json::from_str(json.as_str()).ok())
    };
    let (before, after): (Option<serde_json::Value>, _) = (read(&event.before), read(&event.after));
    if before.is_none() || after.is_none() {
        return String::new();
    }
    let diff = diff(before.as_ref(), after.as_ref());
    match diff.changes.len() + diff.more {
        0 => String::new(),
        1 => "<span class=\"sub\">≠ 1 field changed</span>".to_owned(),
        count => format!("<span class=\"sub\">≠ {count} fields changed</span>"),
    }
}

fn scope(event: &Event<'_>) -> Html {
    let Some(scope) = &event.scope else { return line("", "") };
    let places: Vec<&str> =
        [&scope.study, &scope.project, &scope.workspace, &scope.organization, &scope.user]
            .into_iter()
            .flatten()
            .filter_map(place)
            .collect();
    let first = places.first().copied().or(scope.context.as_deref()).unwrap_or_default();
    line(first, &places.get(1..).unwrap_or_default().join(" · "))
}

/// A place for a person.
pub(crate) fn place<'a>(place: &'a Place<'_>) -> Option<&'a str> {
    place.name.as_deref().or(place.id.as_deref()).or(place.uuid.as_deref())
}

fn outcome(event: &Event<'_>) -> Html {
    let message = event.outcome.as_ref().and_then(|outcome| {
        outcome.message.as_deref().or(outcome.name.as_deref()).or(outcome.code.as_deref())
    });
    let mut out = outcome_badge(event).as_str().to_owned();
    if let Some(message) = message {
        let _ =
            write!(out, "<span class=\"sub\">{}</span>", text::clipped(message, CELL_CHARS_MAX));
    }
    Html::trusted(out)
}

/// What stands where an event says nothing of its outcome. A source that says `unknown` says more.
pub(crate) const NO_OUTCOME: &str = "no outcome";

/// The status as a shape and a word.
pub(crate) fn outcome_badge(event: &Event<'_>) -> Html {
    let Some(outcome) = &event.outcome else {
        return Html::trusted(format!(
            "<span class=\"main outcome none\"><span aria-hidden=\"true\">–</span> {NO_OUTCOME}</span>"
        ));
    };
    let shape = match outcome.status {
        Status::Success => "✓",
        Status::Failure => "✕",
        Status::Denied => "⊘",
        Status::Unknown => "?",
    };
    let word = outcome.status.as_str();
    Html::trusted(format!(
        "<span class=\"main outcome outcome-{word}\"><span aria-hidden=\"true\">{shape}</span> {word}</span>"
    ))
}

/// The pane that shows everything of something.
pub(crate) fn history_of(trail: &str, about: &[(&str, &str)]) -> String {
    let mut url = Url::default();
    for (name, value) in about {
        url.add(name, value);
    }
    format!("/t/{trail}/history{}", url.finish())
}

//! The audit log from 26.1 on: records with an id, an actor, a target and, where the platform was
//! told to keep them, the target's images before and after (API 1.181.0, `ListAuditLogsV2`).
//!
//! What an event has a place for is taken; the rest of the record (first and last name, `isRoot`,
//! capture statuses, nulls, members that nobody documented) stays in `attributes` where it stood.
//! The record says nothing of its outcome, so it is read from the event's name, and from the image
//! of a run that completed; nothing else is guessed.

use event::{Actor, Client, Credential, Event, Outcome, Place, Scope, Status, Target};

use super::catalogue::{CATALOGUE, entity_of};
use super::date;
use crate::columns::{Cell, Column};
use crate::members::Members;
use crate::record::Refused;

/// `source.format` of these records.
pub(super) const FORMAT: &str = "v2";

/// Where an event's free values stand in a record.
pub(super) const POINTERS: &[(&str, &str)] = &[
    ("/before", "/target/state/previousState"),
    ("/after", "/target/state/newState"),
    ("/attributes", ""),
];

/// The table of these records. The platform's own names are unpublished, so these are ours.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("id", &["id"]),
    Column::new("timestamp", &["timestamp"]),
    Column::new("event", &["event"]),
    Column::new("correlation_id", &["correlationId"]),
    Column::new("actor_type", &["actor", "type"]),
    Column::new("actor_user_id", &["actor", "userId"]).of(Cell::Number),
    Column::new("actor_user_name", &["actor", "userName"]),
    Column::new("actor_email", &["actor", "email"]),
    Column::new("actor_first_name", &["actor", "firstName"]),
    Column::new("actor_last_name", &["actor", "lastName"]),
    Column::new("actor_is_root", &["actor", "isRoot"]).of(Cell::Flag),
    Column::new("client_ip", &["client", "ip"]),
    Column::new("client_user_agent", &["client", "userAgent"]),
    Column::new("client_access_token_id", &["client", "accessTokenId"]).of(Cell::Number),
    Column::new("target_id", &["target", "id"]),
    Column::new("target_name", &["target", "name"]),
    Column::new("target_type", &["target", "type"]),
    Column::new("target_context", &["target", "context"]),
    Column::new("target_organization_id", &["target", "organization", "id"]).of(Cell::Number),
    Column::new("target_organization_name", &["target", "organization", "name"]),
    Column::new("target_workspace_id", &["target", "workspace", "id"]).of(Cell::Number),
    Column::new("target_workspace_name", &["target", "workspace", "name"]),
    Column::new("target_user_id", &["target", "user", "id"]).of(Cell::Number),
    Column::new("target_user_name", &["target", "user", "name"]),
    Column::new("content_requested", &["target", "state", "metadata", "contentRequested"])
        .of(Cell::Flag),
    Column::new("pre_state_status", &["target", "state", "metadata", "preStateStatus"]),
    Column::new("post_state_status", &["target", "state", "metadata", "postStateStatus"]),
    Column::new("previous_state", &["target", "state", "previousState"]).of(Cell::Json),
    Column::new("new_state", &["target", "state", "newState"]).of(Cell::Json),
];

/// How many of the columns are about the images of the target's state, at the end.
const STATE_COLUMNS: usize = 5;

/// The same table without the images.
pub(super) const COLUMNS_WITHOUT_STATE: &[Column] =
    COLUMNS.split_at(COLUMNS.len() - STATE_COLUMNS).0;

/// A record as an event.
pub(super) fn to_event(mut record: Members<'_>) -> Result<Event<'static>, Refused> {
    let date = record.take_text("timestamp").ok_or_else(|| Refused::missing("timestamp"))?;
    let (moment, _) = date::parse(&date).ok_or_else(|| Refused::time("timestamp"))?;
    let action = record.take_word("event").ok_or_else(|| Refused::missing("event"))?;
    let id = record.take_word("id").or_else(|| record.take_number("id"));
    let mut event = Event::new(moment, CATALOGUE.system, action);
    event.id = Some(id.ok_or_else(|| Refused::missing("id"))?.into());
    event.source.format = Some(FORMAT.into());
    event.operation = record.take_text("correlationId").map(Into::into);
    event.actor = record.within("actor", actor).flatten();
    record.within("client", |members| client(&mut event, members));
    record.within("target", |members| target(&mut event, members));
    let status = status(&event);
    event.outcome = status.map(|status| Outcome { status, ..Outcome::default() });
    event.attributes = record.into_attributes();
    Ok(event)
}

fn actor(members: &mut Members<'_>) -> Option<Actor<'static>> {
    let known = members.peek("userId").is_some_and(crate::members::is_whole);
    let kind = members.take_word("type").or_else(|| known.then(|| "user".to_owned()))?;
    let root = members.peek("isRoot") == Some("true");
    Some(Actor {
        kind: kind.into(),
        id: members.take_number("userId").map(Into::into),
        name: members.take_text("userName").map(Into::into),
        email: members.take_text("email").map(Into::into),
        roles: root.then(|| ROOT.into()).into_iter().collect(),
        credential: None,
    })
}

/// The role that `isRoot` stands for; the member itself stays where it was.
const ROOT: &str = "root";

fn client(event: &mut Event<'static>, members: &mut Members<'_>) {
    let client = Client {
        ip: members.take_text("ip").map(Into::into),
        user_agent: members.take_text("userAgent").map(Into::into),
        host: None,
    };
    event.client = (client != Client::default()).then_some(client);
    if let Some(actor) = &mut event.actor {
        actor.credential = members
            .take_number("accessTokenId")
            .map(|id| Credential { id: Some(id.into()), ..Credential::default() });
    }
}

fn target(event: &mut Event<'static>, members: &mut Members<'_>) {
    let scope = Scope {
        organization: members.within("organization", place).flatten(),
        workspace: members.within("workspace", place).flatten(),
        user: members.within("user", place).flatten(),
        context: members.take_word("context").map(Into::into),
        ..Scope::default()
    };
    event.scope = (scope != Scope::default()).then_some(scope);
    let schema_version = members.within("state", |state| {
        let image = |json: &Option<event::Json<'_>>| {
            let json = json.as_ref()?;
            let kind = Members::parse(json.as_str())?.peek_text("auditImageType")?;
            crate::members::fits(&kind, event::ID_BYTES_MAX).then_some(kind)
        };
        event.before = state.take_json("previousState");
        event.after = state.take_json("newState");
        image(&event.after).or_else(|| image(&event.before))
    });
    let entity = entity_of(&event.action).to_owned();
    let named = members.peek_text("id").is_some() && !entity.is_empty();
    if let Some(kind) = members.take_word("type").or_else(|| named.then_some(entity)) {
        event.target = Some(Target {
            kind: kind.into(),
            id: members.take_text("id").map(Into::into),
            name: members.take_text("name").map(Into::into),
            schema_version: schema_version.flatten().map(Into::into),
            ..Target::default()
        });
    }
}

fn place(members: &mut Members<'_>) -> Option<Place<'static>> {
    let id = members.take_number("id").or_else(|| members.take_text("id"));
    let place = Place {
        id: id.map(Into::into),
        name: members.take_text("name").map(Into::into),
        uuid: None,
    };
    (place != Place::default()).then_some(place)
}

/// What the event's name, or the image of a completed run, says of the outcome.
fn status(event: &Event<'_>) -> Option<Status> {
    let image_status = || {
        let image = event.after.as_ref()?;
        match Members::parse(image.as_str())?.peek_text("status")?.as_str() {
            "SUCCEEDED" => Some(Status::Success),
            "FAILED" => Some(Status::Failure),
            _ => None,
        }
    };
    match event.action.rsplit_once('_')?.1 {
        "failed" => Some(Status::Failure),
        "succeeded" => Some(Status::Success),
        "denied" => Some(Status::Denied),
        "completed" if event.action == "workflow_completed" => image_status(),
        "in" if event.action == "user_sign_in" => Some(Status::Success),
        _ => None,
    }
}

/// An event as a record: of this format exactly, of any other as far as the members go.
pub(super) fn to_record(event: &Event<'_>) -> Members<'static> {
    let own = is_own(event);
    let mut record = Members::default();
    record.put_text("id", event.id.as_deref());
    record.put_text("timestamp", Some(event.occurred_at.as_str()));
    record.put_text("event", Some(&event.action));
    record.put_text("correlationId", event.operation.as_deref());
    record.put_object("actor", write_actor(event, own));
    let mut members = Members::default();
    if let Some(client) = &event.client {
        members.put_text("ip", client.ip.as_deref());
        members.put_text("userAgent", client.user_agent.as_deref());
    }
    let credential = event.actor.as_ref().and_then(|actor| actor.credential.as_ref());
    let token = credential.and_then(|credential| credential.id.as_deref());
    members.put_number("accessTokenId", token.filter(|id| crate::members::is_whole(id)));
    record.put_object("client", members);
    record.put_object("target", write_target(event, own));
    let residue = event.attributes.as_ref().filter(|_| own);
    if let Some(residue) = residue.and_then(|json| Members::parse(json.as_str())) {
        record.lay_over(&residue);
    }
    record
}

fn write_actor(event: &Event<'_>, own: bool) -> Members<'static> {
    let mut members = Members::default();
    let Some(actor) = &event.actor else { return members };
    let id = actor.id.as_deref();
    let whole = id.is_some_and(crate::members::is_whole);
    let name = actor.name.as_deref();
    if own {
        members.put_text("type", Some(&actor.kind));
        members.put_number("userId", id);
        members.put_text("userName", name);
    } else {
        let kind = if actor.kind == "system" { "system" } else { "user" };
        members.put_text("type", Some(kind));
        members.put_number("userId", id.filter(|_| whole));
        // The API's ids are numbers; other systems' ids go where a person will look for them.
        members.put_text("userName", if whole { name } else { id.or(name) });
    }
    members.put_text("email", actor.email.as_deref());
    if !own && kind_has_root(&actor.kind) {
        let root = actor.roles.iter().any(|role| role == ROOT);
        members.put("isRoot", root.to_string());
    }
    members
}

fn kind_has_root(kind: &str) -> bool {
    kind != "system"
}

fn write_target(event: &Event<'_>, own: bool) -> Members<'static> {
    let mut members = Members::default();
    let target = event.target.as_ref();
    members.put_text("id", target.and_then(|target| target.id.as_deref()));
    members.put_text("name", target.and_then(|target| target.name.as_deref()));
    members.put_text("type", target.map(|target| &*target.kind));
    if let Some(scope) = &event.scope {
        members.put_text(
            "context",
            scope.context.as_deref().or_else(|| level(scope).filter(|_| !own)),
        );
        for (name, place) in [
            ("organization", &scope.organization),
            ("workspace", &scope.workspace),
            ("user", &scope.user),
        ] {
            if let Some(place) = place {
                members.put_object(name, write_place(place, own));
            }
        }
    }
    let mut state = Members::default();
    if !own && (event.before.is_some() || event.after.is_some()) {
        let status = |there: bool| if there { "RECORDED" } else { "UNAPPLICABLE" };
        let mut metadata = Members::default();
        metadata.put("contentRequested", "true");
        metadata.put_text("preStateStatus", Some(status(event.before.is_some())));
        metadata.put_text("postStateStatus", Some(status(event.after.is_some())));
        state.put_object("metadata", metadata);
    }
    state.put_json("previousState", event.before.as_ref());
    state.put_json("newState", event.after.as_ref());
    members.put_object("state", state);
    members
}

/// The platform's word for the level at which another system's event stands.
fn level(scope: &Scope<'_>) -> Option<&'static str> {
    if scope.workspace.is_some() {
        Some("Workspace")
    } else if scope.organization.is_some() {
        Some("Organization")
    } else {
        scope.user.as_ref().map(|_| "User")
    }
}

fn write_place(place: &Place<'_>, own: bool) -> Members<'static> {
    let mut members = Members::default();
    let id = place.id.as_deref();
    let whole = id.is_some_and(crate::members::is_whole);
    members.put_number("id", id.filter(|_| own || whole));
    let name = place.name.as_deref();
    members.put_text("name", if own || whole { name } else { name.or(id) });
    members
}

/// Whether an event came from a record of this format.
pub(super) fn is_own(event: &Event<'_>) -> bool {
    event.source.system == CATALOGUE.system && event.source.format.as_deref() == Some(FORMAT)
}

/// What a record says of any event.
const SAID: [&str; 16] = [
    "/id",
    "/operation",
    "/before",
    "/after",
    "/actor/id",
    "/actor/email",
    "/client/ip",
    "/client/user_agent",
    "/target/type",
    "/target/id",
    "/target/name",
    "/scope/context",
    "/scope/organization/name",
    "/scope/workspace/name",
    "/scope/user/name",
    "/redacted",
];

/// The same of a record without the images.
pub(super) fn says_without_state(event: &Event<'_>, pointer: &str) -> bool {
    !matches!(pointer, "/before" | "/after") && says(event, pointer)
}

/// Whether a record says what stands at a pointer of an event.
pub(super) fn says(event: &Event<'_>, pointer: &str) -> bool {
    let actor = event.actor.as_ref();
    let place_is_whole = |place: Option<&Place<'_>>| {
        place.and_then(|place| place.id.as_deref()).is_none_or(crate::members::is_whole)
    };
    let scope = event.scope.as_ref();
    match pointer {
        _ if is_own(event) => {
            !pointer.starts_with("/source/")
                || pointer == "/source/system"
                || pointer == "/source/format"
        }
        _ if SAID.contains(&pointer) => true,
        "/actor/type" => actor.is_none_or(|actor| matches!(&*actor.kind, "user" | "system")),
        "/actor/name" => actor.is_none_or(|a| a.id.as_deref().is_none_or(crate::members::is_whole)),
        "/actor/roles" => actor.is_none_or(|actor| actor.roles.iter().all(|role| role == ROOT)),
        "/actor/credential/id" => actor
            .and_then(|actor| actor.credential.as_ref())
            .is_none_or(|credential| credential.id.as_deref().is_none_or(crate::members::is_whole)),
        "/scope/organization/id" => place_is_whole(scope.and_then(|s| s.organization.as_ref())),
        "/scope/workspace/id" => place_is_whole(scope.and_then(|s| s.workspace.as_ref())),
        "/scope/user/id" => place_is_whole(scope.and_then(|s| s.user.as_ref())),
        _ => false,
    }
}

//! The audit trail of TDP: who changed which entity, with the entity before and after.
//!
//! The API's JSON and the CSV hold the same record; the CSV says more (host, entity name, change
//! reason) and writes times and JSON as PostgreSQL does. Both are read as the JSON record, which
//! carries the CSV's additions as members of their own.

use event::{Actor, Client, Credential, Event, Outcome, Place, Reason, Scope, Status, Target};

use super::catalogue::{CATALOGUE, actor_kind};
use super::date;
use crate::columns::{Cell, Column};
use crate::members::{Members, fits_prose};
use crate::record::Refused;

/// `source.format` of rows of a CSV.
pub(super) const FORMAT_CSV: &str = "audit-trail-csv";

/// `source.format` of the API's JSON.
pub(super) const FORMAT_JSON: &str = "audit-trail-json";

/// Where an event's free values stand in a record.
pub(super) const POINTERS: &[(&str, &str)] =
    &[("/before", "/entity/before"), ("/after", "/entity/after"), ("/attributes", "")];

const ID: Column = Column::new("id", &["id"]);
const ORG_SLUG: Column = Column::new("org_slug", &["orgSlug"]);
const ACTOR_ID: Column = Column::new("actor_id", &["actor", "id"]);
const ACTOR_TYPE: Column = Column::new("actor_type", &["actor", "type"]);
const ACTOR_NAME: Column = Column::new("actor_name", &["actor", "name"]);
const ACTOR_EMAIL: Column = Column::new("actor_email", &["actor", "email"]);
const IP_ADDRESS: Column = Column::new("ip_address", &["ip"]);
const HOST: Column = Column::new("host", &["host"]);
const TOKEN_ENDING: Column = Column::new("auth_token_ending", &["authToken", "ending"]);
const ENTITY_TYPE: Column = Column::new("entity_type", &["entity", "type"]);
const ENTITY_ID: Column = Column::new("entity_id", &["entity", "id"]);
const ENTITY_NAME: Column = Column::new("entity_name", &["entity", "name"]);
const ACTION: Column = Column::new("action", &["action"]);
const BEFORE: Column = Column::new("before", &["entity", "before"]).of(Cell::SpacedJson);
const AFTER: Column = Column::new("after", &["entity", "after"]).of(Cell::SpacedJson);
const CHANGE_REASON: Column = Column::new("change_reason", &["changeReason"]);
const CREATED_AT: Column = Column::new("created_at", &["createdAt"]).of(Cell::Time(date::postgres));
const SCHEMA_VERSION_PATH: &[&str] = &["entity", "schemaVersion"];
const SCHEMA_VERSION: Column =
    Column::new("entity_schema_version", SCHEMA_VERSION_PATH).of(Cell::Number);
const SCHEMA_VERSION_HYPHENS: Column =
    Column::new("entity-schema-version", SCHEMA_VERSION_PATH).of(Cell::Number);

/// Where the schema's version stands among the columns.
const SCHEMA_VERSION_AT: usize = 15;

const EIGHTEEN: [Column; 18] = [
    ID,
    ORG_SLUG,
    ACTOR_ID,
    ACTOR_TYPE,
    ACTOR_NAME,
    ACTOR_EMAIL,
    IP_ADDRESS,
    HOST,
    TOKEN_ENDING,
    ENTITY_TYPE,
    ENTITY_ID,
    ACTION,
    BEFORE,
    AFTER,
    CHANGE_REASON,
    SCHEMA_VERSION,
    CREATED_AT,
    ENTITY_NAME,
];

/// The API's 18 columns, in its order.
pub(super) const COLUMNS: &[Column] = &EIGHTEEN;

/// The same with the page's spelling of one of them.
pub(super) const COLUMNS_HYPHENS: &[Column] = &{
    let mut columns = EIGHTEEN;
    columns[SCHEMA_VERSION_AT] = SCHEMA_VERSION_HYPHENS;
    columns
};

/// The 17 columns of the page's download, in the documentation's order.
pub(super) const COLUMNS_PAGE: &[Column] = &[
    ID,
    ORG_SLUG,
    ACTOR_ID,
    ACTOR_TYPE,
    ACTOR_NAME,
    ACTOR_EMAIL,
    IP_ADDRESS,
    HOST,
    TOKEN_ENDING,
    ENTITY_NAME,
    ENTITY_TYPE,
    ENTITY_ID,
    ACTION,
    BEFORE,
    AFTER,
    SCHEMA_VERSION_HYPHENS,
    CREATED_AT,
];

/// A record as an event of one of the two formats.
pub(super) fn to_event(mut record: Members<'_>) -> Result<Event<'static>, Refused> {
    let date = record.take_text("createdAt").ok_or_else(|| Refused::missing("created_at"))?;
    let moment = date::parse(&date).ok_or_else(|| Refused::time("created_at"))?;
    let action = record.take_word("action").ok_or_else(|| Refused::missing("action"))?;
    let id = record.take_word("id").ok_or_else(|| Refused::missing("id"))?;
    let mut event = Event::new(moment, CATALOGUE.system, action);
    event.id = Some(id.into());
    let ending = record.within("authToken", |members| members.take_ending("ending")).flatten();
    let actor = record.within("actor", super::actor).flatten();
    event.actor = match ending {
        Some(ending) => Some(Actor {
            credential: Some(Credential { ending: Some(ending.into()), ..Credential::default() }),
            ..actor.unwrap_or_else(|| Actor { kind: actor_kind("").into(), ..Actor::default() })
        }),
        None => actor,
    };
    let client = Client {
        ip: record.take_text("ip").map(Into::into),
        host: record.take_text("host").map(Into::into),
        user_agent: None,
    };
    event.client = (client != Client::default()).then_some(client);
    record.within("entity", |members| entity(&mut event, members));
    if let Some(slug) = record.take_text("orgSlug") {
        let organization = Some(Place { id: Some(slug.into()), ..Place::default() });
        event.scope = Some(Scope { organization, ..Scope::default() });
    }
    if let Some(text) = record.peek_text("changeReason").filter(|text| fits_prose(text)) {
        record.take("changeReason");
        event.reason = Some(Reason { text: text.into(), code: None });
    }
    let status = status(&event);
    event.outcome = status.map(|status| Outcome { status, ..Outcome::default() });
    event.attributes = record.into_attributes();
    Ok(event)
}

/// Whether a login worked, where the record says it. No other record says how it ended.
fn status(event: &Event<'_>) -> Option<Status> {
    let after = event.after.as_ref().filter(|_| event.action == "login-attempt")?;
    match Members::parse(after.as_str())?.peek("success")? {
        "true" => Some(Status::Success),
        "false" => Some(Status::Failure),
        _ => None,
    }
}

fn entity(event: &mut Event<'static>, members: &mut Members<'_>) {
    event.before = members.take_json("before");
    event.after = members.take_json("after");
    let target = Target {
        kind: members.take_word("type").unwrap_or_default().into(),
        id: members.take_text("id").map(Into::into),
        name: members.take_text("name").map(Into::into),
        schema_version: members
            .take_number("schemaVersion")
            .or_else(|| members.take_word("schemaVersion"))
            .map(Into::into),
        ..Target::default()
    };
    if target != Target::default() {
        event.target = Some(super::typed(target));
    }
}

/// An event as a record: of this platform exactly, of any other as far as the members go.
pub(super) fn to_record(event: &Event<'_>) -> Members<'static> {
    let mut record = Members::default();
    record.put_text("id", event.id.as_deref());
    let organization = event.scope.as_ref().and_then(|scope| scope.organization.as_ref());
    record.put_text("orgSlug", organization.and_then(super::slug));
    record.put_text("ip", event.client.as_ref().and_then(|client| client.ip.as_deref()));
    record.put_text("host", event.client.as_ref().and_then(|client| client.host.as_deref()));
    record.put_text("createdAt", Some(event.occurred_at.as_str()));
    let mut entity = Members::default();
    if let Some(target) = &event.target {
        entity.put_text("id", target.id.as_deref());
        entity.put_text("name", target.name.as_deref());
        entity.put_text("type", super::native_type(target));
        entity.put_number("schemaVersion", target.schema_version.as_deref());
    }
    entity.put_json("before", event.before.as_ref());
    entity.put_json("after", event.after.as_ref());
    record.put_object("entity", entity);
    record.put_text("action", Some(&event.action));
    if let Some(actor) = &event.actor {
        record.put_object("actor", super::write_actor(actor));
        let ending = actor.credential.as_ref().and_then(|credential| credential.ending.as_deref());
        let mut token = Members::default();
        token.put_text("ending", ending);
        record.put_object("authToken", token);
    }
    record.put_text("changeReason", event.reason.as_ref().map(|reason| &*reason.text));
    super::lay_residue(&mut record, event, &[FORMAT_CSV, FORMAT_JSON]);
    record
}

/// What a record says of any event.
const SAID: [&str; 16] = [
    "/id",
    "/actor/type",
    "/actor/id",
    "/actor/name",
    "/actor/email",
    "/actor/credential/ending",
    "/client/ip",
    "/client/host",
    "/target/type",
    "/target/id",
    "/target/name",
    "/target/schema_version",
    "/scope/organization/id",
    "/before",
    "/after",
    "/reason/text",
];

/// Whether a record says what stands at a pointer of an event.
pub(super) fn says(event: &Event<'_>, pointer: &str) -> bool {
    let own = super::is_own(event, &[FORMAT_CSV, FORMAT_JSON]);
    match pointer {
        _ if SAID.contains(&pointer) => true,
        "/source/system" => event.source.system == CATALOGUE.system,
        "/redacted" => true,
        "/source/format" | "/attributes" | "/outcome/status" => own,
        _ => false,
    }
}

/// The same of the page's download, which has no column for the reason.
pub(super) fn says_page(event: &Event<'_>, pointer: &str) -> bool {
    pointer != "/reason/text" && says(event, pointer)
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::native_actor_kind;
    use super::*;

    #[test]
    fn a_service_user_is_a_service_and_comes_back() {
        for (native, kind) in
            [("user", "user"), ("service-user", "service"), ("local-user", "local-user")]
        {
            assert_eq!(actor_kind(native), kind);
            assert_eq!(native_actor_kind(kind), Some(native));
        }
    }
}

//! The system log of TDP (v4.0 on): activities of the platform, with user agent and source.
//!
//! The API's JSON and the 23-column CSV hold the same record; a column's name is the path of its
//! member. `type` (`user.logout.v1`), `category`, `tenant_id`, `source` and `tags` have no place in
//! an event and stay in `attributes` where they stood.

use event::{Actor, Client, Credential, Event, Place, Scope, Target};

use super::catalogue::{CATALOGUE, actor_kind};
use super::date;
use crate::columns::{Cell, Column};
use crate::members::Members;
use crate::record::Refused;

/// `source.format` of rows of a CSV.
pub(super) const FORMAT_CSV: &str = "system-log-csv";

/// `source.format` of the API's JSON.
pub(super) const FORMAT_JSON: &str = "system-log-json";

/// Where an event's free values stand in a record.
pub(super) const POINTERS: &[(&str, &str)] =
    &[("/before", "/before"), ("/after", "/after"), ("/attributes", "")];

/// The API's 23 columns, in its order.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("id", &["id"]),
    Column::new("type", &["type"]),
    Column::new("category", &["category"]),
    Column::new("created_at", &["created_at"]),
    Column::new("tenant_id", &["tenant_id"]),
    Column::new("org_slug", &["org_slug"]),
    Column::new("actor.id", &["actor", "id"]),
    Column::new("actor.type", &["actor", "type"]),
    Column::new("actor.name", &["actor", "name"]),
    Column::new("actor.email", &["actor", "email"]),
    Column::new("action", &["action"]),
    Column::new("target.id", &["target", "id"]),
    Column::new("target.type", &["target", "type"]),
    Column::new("target.name", &["target", "name"]),
    Column::new("source.id", &["source", "id"]),
    Column::new("source.type", &["source", "type"]),
    Column::new("source.tracking.ipaddress", &["source", "tracking", "ipaddress"]),
    Column::new("source.tracking.useragent", &["source", "tracking", "useragent"]),
    Column::new("source.tracking.token", &["source", "tracking", "token"]),
    Column::new("source.tracking.other", &["source", "tracking", "other"]),
    Column::new("tags", &["tags"]).of(Cell::Json),
    Column::new("before", &["before"]).of(Cell::Json),
    Column::new("after", &["after"]).of(Cell::Json),
];

/// A record as an event.
pub(super) fn to_event(mut record: Members<'_>) -> Result<Event<'static>, Refused> {
    let date = record.take_text("created_at").ok_or_else(|| Refused::missing("created_at"))?;
    let moment = date::parse(&date).ok_or_else(|| Refused::time("created_at"))?;
    let action = record.take_word("action").ok_or_else(|| Refused::missing("action"))?;
    let id = record.take_word("id").ok_or_else(|| Refused::missing("id"))?;
    let mut event = Event::new(moment, CATALOGUE.system, action);
    event.id = Some(id.into());
    event.source.version = version(&record).map(Into::into);
    event.actor = record.within("actor", super::actor).flatten();
    record.within("source", |source| {
        source.within("tracking", |members| tracking(&mut event, members));
    });
    record.within("target", |members| {
        let target = Target {
            kind: members.take_word("type").unwrap_or_default().into(),
            id: members.take_text("id").map(Into::into),
            name: members.take_text("name").map(Into::into),
            ..Target::default()
        };
        if target != Target::default() {
            event.target = Some(super::typed(target));
        }
    });
    if let Some(slug) = record.take_text("org_slug") {
        let organization = Some(Place { id: Some(slug.into()), ..Place::default() });
        event.scope = Some(Scope { organization, ..Scope::default() });
    }
    event.before = record.take_json("before");
    event.after = record.take_json("after");
    event.attributes = record.into_attributes();
    Ok(event)
}

/// The version that ends the record's type: `v1` of `user.logout.v1`. The type itself stays.
fn version(record: &Members<'_>) -> Option<String> {
    let kind = record.peek_text("type")?;
    let (_, last) = kind.rsplit_once('.')?;
    let digits = last.strip_prefix('v')?;
    let is_version =
        !digits.is_empty() && digits.len() < 8 && digits.bytes().all(|b| b.is_ascii_digit());
    is_version.then(|| last.to_owned())
}

fn tracking(event: &mut Event<'static>, members: &mut Members<'_>) {
    let client = Client {
        ip: members.take_text("ipaddress").map(Into::into),
        user_agent: members.take_text("useragent").map(Into::into),
        host: None,
    };
    event.client = (client != Client::default()).then_some(client);
    if let Some(ending) = members.take_ending("token") {
        let actor = event
            .actor
            .get_or_insert_with(|| Actor { kind: actor_kind("").into(), ..Actor::default() });
        actor.credential =
            Some(Credential { ending: Some(ending.into()), ..Credential::default() });
    }
}

/// An event as a record: of this platform exactly, of any other as far as the members go.
pub(super) fn to_record(event: &Event<'_>) -> Members<'static> {
    let own = super::is_own(event, &[FORMAT_CSV, FORMAT_JSON]);
    let mut record = Members::default();
    record.put_text("id", event.id.as_deref());
    let kind = event.target.as_ref().map_or("", |target| &*target.kind);
    if !own {
        let kind = [kind, &event.action].map(|word| word.replace(' ', "-")).join(".");
        record.put_text("type", Some(&format!("{}.v1", kind.trim_start_matches('.'))));
        record.put_text("category", Some("event"));
    }
    record.put_text("created_at", Some(event.occurred_at.as_str()));
    let organization = event.scope.as_ref().and_then(|scope| scope.organization.as_ref());
    record.put_text("org_slug", organization.and_then(super::slug));
    if let Some(actor) = &event.actor {
        record.put_object("actor", super::write_actor(actor));
    }
    record.put_text("action", Some(&event.action));
    let mut target = Members::default();
    if let Some(thing) = &event.target {
        target.put_text("id", thing.id.as_deref());
        target.put_text("type", super::native_type(thing));
        target.put_text("name", thing.name.as_deref());
    }
    record.put_object("target", target);
    record.put_object("source", write_source(event, own));
    record.put_json("before", event.before.as_ref());
    record.put_json("after", event.after.as_ref());
    super::lay_residue(&mut record, event, &[FORMAT_CSV, FORMAT_JSON]);
    record
}

fn write_source(event: &Event<'_>, own: bool) -> Members<'static> {
    let mut source = Members::default();
    if !own {
        source.put_text("id", Some(&event.source.system));
        source.put_text("type", Some("platform"));
    }
    let mut tracking = Members::default();
    if let Some(client) = &event.client {
        tracking.put_text("ipaddress", client.ip.as_deref());
        tracking.put_text("useragent", client.user_agent.as_deref());
    }
    let credential = event.actor.as_ref().and_then(|actor| actor.credential.as_ref());
    tracking.put_text("token", credential.and_then(|credential| credential.ending.as_deref()));
    source.put_object("tracking", tracking);
    source
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
    "/client/user_agent",
    "/target/type",
    "/target/id",
    "/target/name",
    "/scope/organization/id",
    "/source/system",
    "/before",
    "/after",
    "/redacted",
];

/// Whether a record says what stands at a pointer of an event.
pub(super) fn says(event: &Event<'_>, pointer: &str) -> bool {
    let own = super::is_own(event, &[FORMAT_CSV, FORMAT_JSON]);
    match pointer {
        _ if SAID.contains(&pointer) => true,
        "/source/format" | "/source/version" | "/attributes" => own,
        _ => false,
    }
}

//! The audit log as it was until 25.3: ten columns, without an id, told apart by their content.
//!
//! `Status` says three things at once: how a run ended, how somebody signed in, and (25.x) to what
//! a participant, a member or a team member belongs. It is kept as it came in `outcome.detail`, and
//! `outcome.status` is set only where the word leaves no doubt. Relaunched and resumed runs stand
//! under the id of the first run; deleted and dropped are two events.

use event::{Actor, Client, Credential, Event, Outcome, Place, Related, Scope, Status, Target};

use super::catalogue::{CATALOGUE, entity_of};
use super::date;
use crate::columns::Column;
use crate::members::{Members, fits_prose};
use crate::record::Refused;

/// `source.format` of rows with an ISO 8601 date.
pub(super) const FORMAT: &str = "v1";

/// `source.format` of rows with a date such as `2024-02-11-09-30-05`.
pub(super) const FORMAT_DASHED: &str = "v1-dashed-date";

/// The ten documented columns, in their order.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("Type", &["Type"]),
    Column::new("Target", &["Target"]),
    Column::new("Principal", &["Principal"]),
    Column::new("Status", &["Status"]),
    Column::new("Organization ID", &["Organization ID"]),
    Column::new("Organization name", &["Organization name"]),
    Column::new("Workspace ID", &["Workspace ID"]),
    Column::new("Workspace name", &["Workspace name"]),
    Column::new("Client IP", &["Client IP"]),
    Column::new("Creation date", &["Creation date"]),
];

/// The columns that files may have: Seqera Cloud of the 25.3 era added two.
pub(super) const READ_COLUMNS: &[Column] = &[
    Column::new("Type", &["Type"]),
    Column::new("Target", &["Target"]),
    Column::new("Principal", &["Principal"]),
    Column::new("Status", &["Status"]),
    Column::new("Organization ID", &["Organization ID"]),
    Column::new("Organization name", &["Organization name"]),
    Column::new("Workspace ID", &["Workspace ID"]),
    Column::new("Workspace name", &["Workspace name"]),
    Column::new("Client IP", &["Client IP"]),
    Column::new("Creation date", &["Creation date"]),
    Column::new("User agent", &["User agent"]),
    Column::new("Access token ID", &["Access token ID"]),
];

/// Where the mapping notes what it took from `Status`.
const DERIVED: &str = "derived";

/// The principal of what the platform did by itself.
const SYSTEM: &str = "system";

/// A row as an event.
pub(super) fn to_event(mut row: Members<'_>) -> Result<Event<'static>, Refused> {
    let date = row.take_text("Creation date").ok_or_else(|| Refused::missing("Creation date"))?;
    let (moment, dashed) = date::parse(&date).ok_or_else(|| Refused::time("Creation date"))?;
    let action = row.take_word("Type").ok_or_else(|| Refused::missing("Type"))?;
    let mut event = Event::new(moment, CATALOGUE.system, action);
    event.source.format = Some(if dashed { FORMAT_DASHED } else { FORMAT }.into());
    event.actor = actor(&mut row);
    let client = Client {
        ip: row.take_text("Client IP").map(Into::into),
        user_agent: row.take_text("User agent").map(Into::into),
        host: None,
    };
    event.client = (client != Client::default()).then_some(client);
    let id = row.take_text("Target");
    let kind = entity_of(&event.action).to_owned();
    if !kind.is_empty() {
        event.target =
            Some(Target { kind: kind.into(), id: id.map(Into::into), ..Target::default() });
    }
    let organization = place(&mut row, "Organization ID", "Organization name");
    let workspace = place(&mut row, "Workspace ID", "Workspace name");
    let scope = Scope { organization, workspace, ..Scope::default() };
    event.scope = (scope != Scope::default()).then_some(scope);
    status(&mut event, &mut row);
    event.attributes = row.into_attributes();
    Ok(event)
}

fn actor(row: &mut Members<'_>) -> Option<Actor<'static>> {
    let principal = row.take_text("Principal");
    let credential = row
        .take_text("Access token ID")
        .map(|id| Credential { id: Some(id.into()), ..Credential::default() });
    if principal.is_none() && credential.is_none() {
        return None;
    }
    let (kind, id) = match principal {
        Some(word) if word.eq_ignore_ascii_case(SYSTEM) => (SYSTEM, None),
        other => ("user", other),
    };
    Some(Actor { kind: kind.into(), id: id.map(Into::into), credential, ..Actor::default() })
}

fn place(row: &mut Members<'_>, id: &str, name: &str) -> Option<Place<'static>> {
    let place = Place {
        id: row.take_text(id).map(Into::into),
        name: row.take_text(name).map(Into::into),
        uuid: None,
    };
    (place != Place::default()).then_some(place)
}

/// Puts `Status` where it belongs.
fn status(event: &mut Event<'static>, row: &mut Members<'_>) {
    let Some(word) = row.peek_text("Status").filter(|word| fits_prose(word)) else { return };
    row.take("Status");
    let status = match &*event.action {
        "user_sign_in" if is_sign_in_method(&word) => Status::Success,
        "workflow_completed" | "workflow_status_changed" => run_status(&word),
        _ => Status::Unknown,
    };
    if let Some((kind, at)) = parent_of(&event.action).filter(|_| is_id(&word)) {
        let id = Some(word.clone().into());
        event.related.push(Related { role: "parent".into(), kind: kind.into(), id, name: None });
        lift(event, row, at, &word);
    }
    event.outcome = Some(Outcome { status, detail: Some(word.into()), ..Outcome::default() });
}

/// What an entity's membership is of: its type, and its place in the scope if it has one.
fn parent_of(action: &str) -> Option<(&'static str, Option<&'static str>)> {
    match entity_of(action) {
        "participant" => Some(("workspace", Some("/scope/workspace/id"))),
        "member" => Some(("organization", Some("/scope/organization/id"))),
        "team_member" => Some(("team", None)),
        _ => None,
    }
}

/// Lifts a parent's id into the scope where its column was empty, and notes that it was derived.
fn lift(event: &mut Event<'static>, row: &mut Members<'_>, at: Option<&'static str>, id: &str) {
    let Some(at) = at else { return };
    let scope = event.scope.get_or_insert_default();
    let place = if at.contains("workspace") {
        scope.workspace.get_or_insert_default()
    } else {
        scope.organization.get_or_insert_default()
    };
    if place.id.is_none() && row.peek(DERIVED).is_none() {
        place.id = Some(id.to_owned().into());
        row.put(DERIVED, format!("[\"{at}\"]"));
    }
}

fn is_id(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// How a run ended; a run that was cancelled, or is not over, has neither worked nor failed.
fn run_status(word: &str) -> Status {
    match word.to_ascii_uppercase().as_str() {
        "SUCCEEDED" => Status::Success,
        "FAILED" => Status::Failure,
        _ => Status::Unknown,
    }
}

/// Whether the word is a way of signing in, so that somebody did.
fn is_sign_in_method(word: &str) -> bool {
    const METHODS: [&str; 12] = [
        "oidc", "saml", "ldap", "github", "google", "email", "okta", "entra", "azure", "keycloak",
        "password", "token",
    ];
    METHODS.iter().any(|method| method.eq_ignore_ascii_case(word))
}

/// An event as a row: of this platform exactly, of another as far as ten columns go.
pub(super) fn to_row(event: &Event<'_>) -> Members<'static> {
    let mut row = Members::default();
    let own = is_own(event);
    row.put_text("Type", Some(&event.action));
    let target = event.target.as_ref();
    row.put_text("Target", target.and_then(|target| target.id.as_deref()));
    row.put_text("Principal", principal(event));
    let outcome = event.outcome.as_ref();
    let detail = outcome.and_then(|outcome| outcome.detail.as_deref());
    let status = outcome.map(|outcome| outcome.status.as_str()).filter(|_| !own);
    row.put_text("Status", detail.or(status));
    let derived = event
        .attributes
        .as_ref()
        .filter(|_| own)
        .and_then(|json| Members::parse(json.as_str())?.peek(DERIVED).map(ToOwned::to_owned))
        .unwrap_or_default();
    let scope = event.scope.as_ref();
    for (place, id, name, at) in [
        (
            scope.and_then(|scope| scope.organization.as_ref()),
            "Organization ID",
            "Organization name",
            "/scope/organization/id",
        ),
        (
            scope.and_then(|scope| scope.workspace.as_ref()),
            "Workspace ID",
            "Workspace name",
            "/scope/workspace/id",
        ),
    ] {
        let lifted = derived.contains(at);
        row.put_text(id, place.and_then(|place| place.id.as_deref()).filter(|_| !lifted));
        row.put_text(name, place.and_then(|place| place.name.as_deref()));
    }
    let client = event.client.as_ref();
    row.put_text("Client IP", client.and_then(|client| client.ip.as_deref()));
    row.put_text("Creation date", Some(&creation_date(event, own)));
    if own {
        row.put_text("User agent", client.and_then(|client| client.user_agent.as_deref()));
        let credential = event.actor.as_ref().and_then(|actor| actor.credential.as_ref());
        row.put_text("Access token ID", credential.and_then(|credential| credential.id.as_deref()));
        lay_residue(&mut row, event);
    }
    row
}

fn lay_residue(row: &mut Members<'static>, event: &Event<'_>) {
    let residue = event.attributes.as_ref().and_then(|json| Members::parse(json.as_str()));
    if let Some(mut residue) = residue {
        // A lifted id is the mapping's own note. A column of that name cannot be: its cell would be
        // a string.
        if residue.peek(DERIVED).is_some_and(|value| value.starts_with('[')) {
            residue.take(DERIVED);
        }
        row.lay_over(&residue);
    }
}

/// Whether an event came from a row of this kind.
pub(super) fn is_own(event: &Event<'_>) -> bool {
    event.source.system == CATALOGUE.system
        && event.source.format.as_deref().is_some_and(|f| f == FORMAT || f == FORMAT_DASHED)
}

fn principal<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let actor = event.actor.as_ref()?;
    if actor.kind == SYSTEM && actor.id.is_none() {
        return Some(SYSTEM);
    }
    actor.id.as_deref()
}

fn creation_date(event: &Event<'_>, own: bool) -> String {
    match event.source.format.as_deref() {
        Some(FORMAT_DASHED) if own => date::dashed(&event.occurred_at),
        _ if own => event.occurred_at.as_str().to_owned(),
        _ => date::seconds(&event.occurred_at),
    }
}

/// What the ten columns say of any event.
const SAID: [&str; 9] = [
    "/actor/id",
    "/outcome/detail",
    "/target/id",
    "/client/ip",
    "/scope/organization/id",
    "/scope/organization/name",
    "/scope/workspace/id",
    "/scope/workspace/name",
    "/redacted",
];

/// Whether these ten columns say what stands at a pointer of an event.
pub(super) fn says(event: &Event<'_>, pointer: &str) -> bool {
    match pointer {
        _ if SAID.contains(&pointer) => true,
        "/actor/type" => event.actor.as_ref().is_none_or(|actor| {
            if actor.kind == SYSTEM { actor.id.is_none() } else { actor.kind == "user" }
        }),
        "/outcome/status" => event.outcome.as_ref().is_none_or(|outcome| {
            is_own(event) || outcome.detail.is_none() || outcome.status == Status::Unknown
        }),
        "/source/system" => event.source.system == CATALOGUE.system,
        // Extra columns are looked after by who writes the table.
        "/id" | "/source/format" | "/target/type" | "/related" | "/attributes" => is_own(event),
        _ => false,
    }
}

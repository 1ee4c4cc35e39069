//! A row of the file, both ways.

use std::borrow::Cow;

use event::json::{Edit, edit, write_string};
use event::{
    Actor, Client, Credential, Event, Json, Moment, Outcome, Place, Scope, Status, Target,
};

use crate::columns::spaced;
use crate::identity::Ordinals;
use crate::json::{Syntax, has_token, normalise};
use crate::limits::RECORD_BYTES_MAX;
use crate::members::{Members, fits, string};
use crate::record::{Refused, add_known};
use crate::{Fault, Mapped, ReadOptions, Rejection};

/// `source.system` of all that comes from DNAnexus.
pub(super) const SYSTEM: &str = "dnanexus";

/// `source.format` of an event that was a row of the file.
pub(super) const FORMAT: &str = "audit-csv";

/// The columns in their documented order.
pub(super) const COLUMNS: [&str; 13] = [
    "Timestamp",
    "IP Address",
    "User Agent",
    "Acting User ID",
    "Action",
    "Object ID",
    "Object Name",
    "Project ID",
    "Project Name",
    "Success Status",
    "Info",
    "Label",
    "Auth Token",
];

/// The column that DNAnexus does not have and we write on demand.
pub(super) const REGION: &str = "Region";

/// The place of Info among the columns.
const INFO: usize = 10;

/// The place of the ending of the token.
const ENDING: usize = 12;

/// Where each column stands in the event.
const POINTERS: [&str; 13] = [
    "/occurred_at",
    "/client/ip",
    "/client/user_agent",
    "/actor/id",
    "/action",
    "/target/id",
    "/target/name",
    "/scope/project/id",
    "/scope/project/name",
    "/outcome/detail",
    "/params",
    "/actor/credential/label",
    "/actor/credential/ending",
];

/// The member of `attributes` that says how Info was written, where it was not compact.
const STYLE: &str = "info_style";

/// The longest ending of a token that is not cut: DNAnexus shows four characters.
const ENDING_CHARS_MAX: usize = 16;

/// What is kept of a longer one.
const ENDING_CHARS_KEPT: usize = 4;

/// Rows of fewer bytes cannot become events that are too large.
const SMALL_BYTES: usize = 1024 * 1024;

/// In which cell of a row each column stands.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    at: [usize; COLUMNS.len()],
    region: Option<usize>,
    width: usize,
}

impl Default for Layout {
    /// The documented order.
    fn default() -> Self {
        Self { at: std::array::from_fn(|at| at), region: None, width: COLUMNS.len() }
    }
}

impl Layout {
    /// Reads a header; nothing when the row is none.
    pub(super) fn from_header(cells: &[String]) -> Option<Result<Self, Rejection>> {
        let names: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
        let find = |name: &str| names.iter().position(|cell| *cell == plain(name));
        if COLUMNS.iter().filter(|name| find(name).is_some()).count() < 3 {
            return None;
        }
        let region = find(REGION);
        let known = COLUMNS.len() + usize::from(region.is_some());
        if names.len() > known {
            let message = "has columns that an audit trail file does not have; remove them";
            return Some(Err(Rejection::new(1, Fault::Shape, message)));
        }
        let mut at = [0; COLUMNS.len()];
        for (slot, name) in at.iter_mut().zip(COLUMNS) {
            let Some(found) = find(name) else {
                let message = format!("the column `{name}` is missing from the header");
                return Some(Err(Rejection::new(1, Fault::Shape, message)));
            };
            *slot = found;
        }
        Some(Ok(Self { at, region, width: names.len() }))
    }

    /// How many cells a row has.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The columns in the documented order, and the region.
    fn arrange(&self, mut cells: Vec<String>) -> ([String; COLUMNS.len()], Option<String>) {
        let mut take = |at: usize| cells.get_mut(at).map(std::mem::take).unwrap_or_default();
        (self.at.map(&mut take), self.region.map(take))
    }
}

/// A column's name without what spellings differ in.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A row as an event.
pub(super) fn map(
    cells: Vec<String>,
    layout: &Layout,
    ordinals: &mut Ordinals,
    options: &ReadOptions,
) -> Result<Mapped, Refused> {
    let size: usize = cells.iter().map(String::len).sum();
    let (mut cells, region) = layout.arrange(cells);
    let mut redacted = Vec::new();
    let info = redact(&mut cells, &mut redacted);
    let id = ordinals.id(cells.iter().map(String::as_str));
    let (info, style) = redact_more(info, &mut cells, &mut redacted, options);
    let mut event = to_event(&cells, info, style)?;
    event.id = Some(id.into());
    let again = to_cells(&event);
    let exact = again.iter().zip(&cells).all(|(one, other)| one == other);
    let native = if exact { None } else { Some(native(&cells)) };
    event.redacted = redacted;
    add_known(&mut event, options);
    // The row knows better than the caller.
    if let Some(region) = region.filter(|region| fits(region, 1_024)) {
        event.source.region = Some(region.into());
    }
    if size > SMALL_BYTES {
        event.check().map_err(|invalid| Refused::new(Fault::Value, invalid.to_string()))?;
        let native_size = native.as_ref().map_or(0, |json| json.as_str().len());
        if native_size > RECORD_BYTES_MAX {
            return Err(Refused::new(Fault::TooLarge, "a row is larger than one event may be"));
        }
    }
    Ok(Mapped { event, native })
}

/// How Info was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Compact JSON.
    Compact,
    /// JSON with a space after every colon and comma.
    Spaced,
    /// Some other way.
    Other,
}

/// Takes tokens out of the cells. Gives Info as compact JSON, if it is JSON.
fn redact(
    cells: &mut [String; COLUMNS.len()],
    redacted: &mut Vec<Cow<'static, str>>,
) -> Option<String> {
    let mut normal = None;
    if let Some(info) = cells.get_mut(INFO).filter(|info| !info.is_empty())
        && let Ok(found) = normalise(info, Syntax::Json)
    {
        if !found.redacted.is_empty() {
            let spaces = *info != found.text && info.contains("\": ");
            *info = if spaces { spaced(&found.text) } else { found.text.clone() };
            redacted.extend(found.redacted.iter().map(|at| format!("/params{at}").into()));
        }
        normal = Some(found.text);
    }
    for (at, (cell, pointer)) in cells.iter_mut().zip(POINTERS).enumerate() {
        if at == INFO && normal.is_some() {
            continue;
        }
        if has_token(cell) {
            cell.clear();
            redacted.push(pointer.into());
        }
    }
    if let Some(ending) = cells.get_mut(ENDING) {
        let count = ending.chars().count();
        if count > ENDING_CHARS_MAX {
            *ending = ending.chars().skip(count - ENDING_CHARS_KEPT).collect();
            redacted.push("/actor/credential/ending".into());
        }
    }
    normal
}

/// Drops what the caller wants dropped from Info, and tells how it was written.
fn redact_more(
    info: Option<String>,
    cells: &mut [String; COLUMNS.len()],
    redacted: &mut Vec<Cow<'static, str>>,
    options: &ReadOptions,
) -> (Option<String>, Style) {
    let (Some(mut info), Some(cell)) = (info, cells.get_mut(INFO)) else {
        return (None, Style::Other);
    };
    let mut style = if *cell == info {
        Style::Compact
    } else if *cell == spaced(&info) {
        Style::Spaced
    } else {
        Style::Other
    };
    let wanted = |at: &str| {
        let inside = |pointer: &String| pointer.strip_prefix("/params") == Some(at);
        options.redact.iter().any(inside)
    };
    if !options.redact.is_empty() {
        let before = redacted.len();
        info = edit(&info, &mut |at| {
            if wanted(at) {
                redacted.push(format!("/params{at}").into());
                Edit::Drop
            } else {
                Edit::Keep
            }
        });
        if redacted.len() > before {
            if style == Style::Other {
                style = Style::Compact;
            }
            *cell = if style == Style::Spaced { spaced(&info) } else { info.clone() };
        }
    }
    (Some(info), style)
}

fn to_event(
    cells: &[String; COLUMNS.len()],
    info: Option<String>,
    style: Style,
) -> Result<Event<'static>, Refused> {
    let [
        time,
        ip,
        agent,
        user,
        action,
        object,
        name,
        project,
        project_name,
        success,
        raw,
        label,
        ending,
    ] = cells;
    let text = |cell: &String| fits(cell, 4_096).then(|| Cow::Owned(cell.clone()));
    let word = |cell: &String| fits(cell, 1_024).then(|| Cow::Owned(cell.clone()));
    let moment = Some(time).filter(|time| time.len() <= 64).cloned().and_then(Moment::parse);
    let moment = moment.ok_or_else(|| Refused::time("Timestamp"))?;
    let action = word(action).ok_or_else(|| Refused::missing("Action"))?;
    let class = |id: &str| Some(id.split_once('-')?.0.to_owned()).filter(|c| fits(c, 1_024));
    let mut event = Event::new(moment, SYSTEM, action);
    event.source.format = Some(FORMAT.into());
    let (ip, user_agent) = (text(ip), text(agent));
    if ip.is_some() || user_agent.is_some() {
        event.client = Some(Client { ip, user_agent, host: None });
    }
    let credential = Credential {
        id: None,
        label: word(label),
        ending: fits(ending, 64).then(|| Cow::Owned(ending.clone())),
    };
    let credential =
        (credential.label.is_some() || credential.ending.is_some()).then_some(credential);
    let user = text(user);
    if user.is_some() || credential.is_some() {
        event.actor = Some(Actor { kind: "user".into(), id: user, credential, ..Actor::default() });
    }
    let (id, name) = (text(object), text(name));
    if id.is_some() || name.is_some() {
        let kind = id.as_deref().and_then(class).or_else(|| class(&event.action));
        let kind = kind.map_or(Cow::Borrowed("object"), Cow::Owned);
        event.target = Some(Target { kind, id, name, ..Target::default() });
    }
    let (id, name) = (text(project), text(project_name));
    if id.is_some() || name.is_some() {
        let project = Some(Place { id, name, uuid: None });
        event.scope = Some(Scope { project, ..Scope::default() });
    }
    event.outcome = outcome(success);
    event.params = match info {
        // An event has no null.
        Some(info) if info == "null" => None,
        Some(info) => Json::parse(&info).ok().map(Json::into_owned),
        None if raw.is_empty() => None,
        None => Some(Json::string(raw)),
    };
    if style == Style::Spaced {
        let mut attributes = Members::default();
        attributes.put(STYLE, "\"spaced\"");
        event.attributes = attributes.into_attributes();
    }
    Ok(event)
}

fn outcome(success: &str) -> Option<Outcome<'static>> {
    let status = if success.eq_ignore_ascii_case("yes") {
        Status::Success
    } else if success.eq_ignore_ascii_case("no") {
        Status::Failure
    } else {
        Status::Unknown
    };
    let detail = (status == Status::Unknown).then(|| success.to_owned());
    let detail = detail.filter(|text| fits(text, 4_096)).map(Cow::Owned);
    (!success.is_empty()).then(|| Outcome { status, detail, ..Outcome::default() })
}

/// An event as a row. An event of DNAnexus gives its row back; what a row has no place for is not
/// there.
pub(super) fn to_cells<'e>(event: &'e Event<'_>) -> [Cow<'e, str>; COLUMNS.len()] {
    fn some(text: Option<&str>) -> Cow<'_, str> {
        Cow::Borrowed(text.unwrap_or_default())
    }
    let client = event.client.as_ref();
    let actor = event.actor.as_ref();
    let credential = actor.and_then(|actor| actor.credential.as_ref());
    let target = event.target.as_ref();
    let project = event.scope.as_ref().and_then(|scope| scope.project.as_ref());
    [
        timestamp(event),
        some(client.and_then(|client| client.ip.as_deref())),
        some(client.and_then(|client| client.user_agent.as_deref())),
        some(actor.and_then(|actor| actor.id.as_deref().or(actor.name.as_deref()))),
        Cow::Borrowed(&*event.action),
        some(target.and_then(|target| target.id.as_deref())),
        some(target.and_then(|target| target.name.as_deref())),
        some(project.and_then(|project| project.id.as_deref())),
        some(project.and_then(|project| project.name.as_deref())),
        some(event.outcome.as_ref().map(success)),
        info(event),
        some(credential.and_then(|credential| credential.label.as_deref())),
        some(credential.and_then(|credential| credential.ending.as_deref())),
    ]
}

fn timestamp<'e>(event: &'e Event<'_>) -> Cow<'e, str> {
    if event.source.system == SYSTEM {
        return Cow::Borrowed(event.occurred_at.as_str());
    }
    let micros = event::format_micros(event.occurred_at.micros());
    let seconds = micros.split_once('.').map_or(micros.as_str(), |(seconds, _)| seconds);
    Cow::Owned(format!("{seconds}Z"))
}

fn success<'e>(outcome: &'e Outcome<'_>) -> &'e str {
    match outcome.status {
        Status::Success => "Yes",
        Status::Failure | Status::Denied => "No",
        Status::Unknown => outcome.detail.as_deref().unwrap_or_default(),
    }
}

fn info<'e>(event: &'e Event<'_>) -> Cow<'e, str> {
    let Some(params) = &event.params else { return Cow::Borrowed("") };
    let ours = event.source.system == SYSTEM;
    let is_spaced = || {
        let attributes = event.attributes.as_ref()?;
        Members::parse(attributes.as_str())?.peek(STYLE).and_then(string)
    };
    if ours && is_spaced().is_some_and(|style| style == "spaced") {
        return Cow::Owned(spaced(params.as_str()));
    }
    Cow::Borrowed(params.as_str())
}

/// The row as it is kept beside the event: its cells, in the documented order.
fn native(cells: &[String; COLUMNS.len()]) -> Json<'static> {
    let mut out = vec![b'['];
    for cell in cells {
        if out.len() > 1 {
            out.push(b',');
        }
        write_string(&mut out, cell);
    }
    out.push(b']');
    let text = String::from_utf8(out).unwrap_or_default();
    Json::parse(&text).map_or_else(|_| Json::string(""), Json::into_owned)
}

//! Seqera Platform's audit log API (v2, of its API 1.181.0).
//!
//! The platform filters by time alone; here `event`, `actor` and `target` narrow a list too. The path
//! of a single record takes a number: a record of the platform has its own, and every other event
//! has its leaf index counted from [`OTHERS_FROM`], in its `id` and in the path alike.

mod filters;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use dialect::seqera::audit_log;
use dialect::{Dialect as _, Losses, WriteOptions};
use search::{Clause, Cursor, Field, Order, PAGE_MAX, Query};
use serde_json::{Value, json};
use trail::Feed as _;

use super::answer::shaped;
use super::reading;
use super::stream::Table;
use super::visit::Visit;
use crate::App;
use crate::app::Answer;
use crate::auth::bearer_of;
use crate::call::json as json_answer;
use crate::instance::OpenTrail;
use crate::problem::{Code, Problem};

/// The name under which accesses are recorded.
const FACADE: &str = "seqera";

/// Records of a page when nothing else is asked for.
const MAX: u64 = 100;

/// The number of the event at leaf index 0. Programs that keep numbers as floating point hold those
/// up to twice this exactly, and the platform's own are far below.
const OTHERS_FROM: u64 = 1 << 52;

/// `GET …/admin/audit-logs-v2`.
pub(crate) async fn list(State(app): State<App>, request: Request) -> Response<Body> {
    shaped(read_list(&app, request).await, refusal)
}

/// `GET …/admin/audit-logs-v2/{auditLogId}`.
pub(crate) async fn describe(State(app): State<App>, request: Request) -> Response<Body> {
    shaped(read_one(&app, request).await, refusal)
}

/// `GET …/admin/audit-logs-v2/export-csv`.
pub(crate) async fn export_csv(State(app): State<App>, request: Request) -> Response<Body> {
    shaped(read_table(&app, request).await, refusal)
}

/// Whatever else a client of the platform may ask for.
pub(crate) async fn absent() -> Response<Body> {
    let detail = "this server has the audit log API of Seqera Platform: admin/audit-logs-v2";
    refuse(Problem::new(Code::NoSuchResource).detail(detail))
}

/// A refusal as the platform writes one.
pub(super) fn refuse(problem: Problem) -> Response<Body> {
    shaped(Err(problem), refusal)
}

/// `ErrorResponse`.
fn refusal(problem: &Problem) -> String {
    json!({"message": problem.message()}).to_string()
}

async fn visit(app: &App, request: Request) -> Result<Visit, Problem> {
    let presented = bearer_of(request.headers()).map(ToOwned::to_owned);
    Visit::begin(app, request, presented.as_deref(), None).await
}

async fn read_list(app: &App, request: Request) -> Answer {
    let visit = visit(app, request).await?;
    let mut params = visit.call.params()?;
    let after: Option<Cursor> =
        params.take("nextPageToken")?.map(|token| token.parse()).transpose()?;
    let max = params.number("max", 1..=PAGE_MAX as u64)?.unwrap_or(MAX);
    let max = usize::try_from(max).unwrap_or(PAGE_MAX);
    let state = filters::state(&mut params)?;
    let query = filters::take(&mut params)?;
    params.finish()?;
    visit.record("search", FACADE, &query);
    let open = Arc::clone(&visit.open);
    app.blocking(move || {
        let page = open.projection.search(&query, Order::Newest, max, after.as_ref())?;
        let write = |recorded: &dialect::Recorded<'_>| item(recorded, state);
        let records = reading::records(&open, &page.indexes, "max", write)?;
        let next = page.next.map_or(Value::Null, |cursor| cursor.to_string().into());
        let logs = records.join(",");
        Ok::<_, Problem>(json_answer(format!(
            "{{\"auditLogs\":[{logs}],\"nextPageToken\":{next}}}"
        )))
    })
    .await
}

async fn read_one(app: &App, request: Request) -> Answer {
    let visit = visit(app, request).await?;
    let mut params = visit.call.params()?;
    let state = filters::state(&mut params)?;
    params.finish()?;
    let text = visit.call.path("auditLogId");
    // One spelling for each number.
    let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    let number = number.ok_or_else(missing)?;
    visit.call.record_read("read", &visit.open, &json!({"id": text, "facade": FACADE}));
    let open = Arc::clone(&visit.open);
    app.blocking(move || {
        let index = find(&open, number)?.ok_or_else(missing)?;
        let recorded = open.trail.read_one(index)?;
        let record = reading::with_event(&recorded, |recorded| item(recorded, state));
        record.map(json_answer).ok_or_else(missing)
    })
    .await
}

async fn read_table(app: &App, request: Request) -> Answer {
    let visit = visit(app, request).await?;
    let mut params = visit.call.params()?;
    let state = filters::state(&mut params)?;
    let query = filters::take(&mut params)?;
    params.finish()?;
    visit.record("export", FACADE, &query);
    let format = if state { "v2-csv" } else { "v2-csv-without-state" };
    let options = WriteOptions { format: Some(format.to_owned()), ..WriteOptions::default() };
    let writer = dialect::seqera::Seqera.writer(&options);
    let writer = writer.map_err(|error| Problem::new(Code::Internal).caused_by(&error))?;
    Table { query, order: Order::Newest, part: None, writer, name: "audit-logs" }.answer(&visit)
}

fn missing() -> Problem {
    Problem::new(Code::NoSuchEvent).detail("there is no audit log of this id")
}

/// A record in the API's form.
fn item(recorded: &dialect::Recorded<'_>, state: bool) -> String {
    let id = (!has_own_number(recorded)).then(|| OTHERS_FROM + recorded.index);
    audit_log(recorded, id, state, &mut Losses::default()).as_str().to_owned()
}

/// Whether an event is a record of the platform, found by the number that it had there.
fn has_own_number(recorded: &dialect::Recorded<'_>) -> bool {
    let source = &recorded.event.source;
    let id = recorded.event.id.as_deref().unwrap_or_default();
    let number = id.parse::<u64>().ok().filter(|number| number.to_string() == id);
    source.system == SYSTEM
        && source.format.as_deref() == Some(FORMAT)
        && number.is_some_and(|number| number < OTHERS_FROM)
}

/// How the platform's records of this API are marked.
const SYSTEM: &str = dialect::seqera::CATALOGUE.system;
const FORMAT: &str = "v2";

/// The leaf index of the event that has a number.
fn find(open: &OpenTrail, number: u64) -> Result<Option<u64>, Problem> {
    if let Some(index) = number.checked_sub(OTHERS_FROM) {
        return Ok((index < open.trail.committed_size()).then_some(index));
    }
    let query = Query::default()
        .with(Clause::exactly(Field::Id, number.to_string()))
        .with(Clause::exactly(Field::System, SYSTEM))
        .with(Clause::exactly(Field::Format, FORMAT));
    let page = open.projection.search(&query, Order::FirstRecorded, 1, None)?;
    Ok(page.indexes.first().copied())
}

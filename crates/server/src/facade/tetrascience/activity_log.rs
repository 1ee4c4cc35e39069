//! `GET /v1/datalake/queryActivityLog`: the system log, by time.
//!
//! The platform answers a question once and hands out a `queryId` to read on with. Here the id is the
//! question itself and how far the trail went when it was first asked, so that the pages of one
//! question fit together while the trail grows, and the server remembers nothing.

use std::sync::Arc;

use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dialect::Losses;
use dialect::tetrascience::system_log_item;
use search::{Clause, Cursor, Field, Order, PAGE_MAX, Query, SKIP_MAX};
use serde_json::{Value, json};

use super::audit_trail::{is_table, writer};
use super::filters::{How, interval, take};
use super::{FACADE, visit, without};
use crate::App;
use crate::app::Answer;
use crate::call::json as json_answer;
use crate::facade::reading;
use crate::facade::stream::Table;
use crate::instance::OpenTrail;
use crate::params::Params;
use crate::problem::Problem;

/// Records of a page when nothing else is asked for.
const TAKE: u64 = 8;

/// Which part of the list.
struct Part {
    skip: usize,
    take: usize,
    /// Behind which record, as the page before told.
    next: Option<Cursor>,
}

pub(super) async fn read(app: &App, request: Request) -> Answer {
    let (visit, organization) = visit(app, request).await?;
    let mut params = visit.call.params()?;
    let is_table = is_table(&mut params)?;
    let asked = params.take("queryId")?.map(|id| again(&id)).transpose()?;
    let order = order(&mut params)?.or_else(|| asked.as_ref().map(|asked| asked.1));
    let order = order.unwrap_or(Order::Newest);
    let size = |number: u64| usize::try_from(number).unwrap_or(PAGE_MAX);
    let max = params.number("max", 1..=PAGE_MAX as u64)?;
    let taken = params.number("take", 1..=PAGE_MAX as u64)?;
    let limit = max.into_iter().chain(taken).min();
    let skip = size(params.number("skip", 0..=SKIP_MAX as u64)?.unwrap_or(0));
    let next: Option<Cursor> = params.take("next")?.map(|text| text.parse()).transpose()?;
    if next.is_some() && skip > 0 {
        return Err(Problem::parameter("skip", "and next exclude each other; leave one out"));
    }
    let mut query = asked.map(|asked| asked.0).unwrap_or_default();
    filters(&mut params, &mut query)?;
    params.finish()?;
    query.clauses.extend(organization.clauses);
    // A client may send its filters with the id again.
    query.clauses = query.clauses.into_iter().fold(Vec::new(), |mut kept: Vec<Clause>, clause| {
        if !kept.contains(&clause) {
            kept.push(clause);
        }
        kept
    });
    query.indexes.get_or_insert_with(|| 0..visit.open.projection.projected_size());
    query.check()?;
    if is_table {
        visit.record("export", FACADE, &query);
        // A file has all, unless a part was asked for.
        let part = Some((skip, limit.map_or(usize::MAX, size)));
        let writer = writer("system-log-csv")?;
        return Table { query, order, part, writer, name: "system-log" }.answer(&visit);
    }
    visit.record("search", FACADE, &query);
    let taken = taken.unwrap_or(TAKE).min(max.unwrap_or(u64::MAX));
    let part = Part { skip, take: size(taken), next };
    let open = Arc::clone(&visit.open);
    app.blocking(move || page(&open, &query, order, &part)).await
}

fn page(open: &OpenTrail, query: &Query, order: Order, part: &Part) -> Answer {
    let after = match part.next {
        Some(cursor) => Some(cursor),
        None => open.projection.behind(query, order, part.skip)?,
    };
    let is_beyond = part.next.is_none() && part.skip > 0 && after.is_none();
    let (indexes, next) = if is_beyond {
        (Vec::new(), None)
    } else {
        let page = open.projection.search(query, order, part.take, after.as_ref())?;
        (page.indexes, page.next)
    };
    let logs = reading::records(open, &indexes, "take", |recorded| {
        system_log_item(recorded, &mut Losses::default()).as_str().to_owned()
    })?;
    let (id, more, logs) = (json!(query_id(query, order)), next.is_some(), logs.join(","));
    let next = next.map_or(Value::Null, |cursor| cursor.to_string().into());
    let tail = format!("\"hasMore\":{more},\"next\":{next}");
    Ok(json_answer(format!("{{\"queryId\":{id},\"logs\":[{logs}],{tail}}}")))
}

fn filters(params: &mut Params, query: &mut Query) -> Result<(), Problem> {
    let interval = interval(params)?;
    query.clauses.push(without(["audit-trail-csv", "audit-trail-json"]));
    query.occurred = query.occurred.and(interval);
    for (name, field, how) in [
        ("actor", Field::Actor, How::Inside),
        ("targetType", Field::TargetType, How::Listed),
        ("targetName", Field::TargetName, How::Inside),
        ("action", Field::Action, How::Slugs),
        ("actions", Field::Action, How::Slugs),
        ("ids", Field::Id, How::Listed),
        ("ids[]", Field::Id, How::Listed),
        ("id", Field::TargetId, How::Inside),
        ("targetIds", Field::TargetId, How::Listed),
        ("changeReason", Field::Reason, How::Words),
    ] {
        take(params, query, name, field, how)?;
    }
    Ok(())
}

fn order(params: &mut Params) -> Result<Option<Order>, Problem> {
    let Some(text) = params.take("sortDirection")? else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "asc" => Ok(Some(Order::Oldest)),
        "desc" => Ok(Some(Order::Newest)),
        _ => Err(Problem::parameter("sortDirection", "is asc or desc")),
    }
}

/// A question, and how far the trail goes in it, as an id.
fn query_id(query: &Query, order: Order) -> String {
    let letter = if order == Order::Oldest { 'a' } else { 'd' };
    URL_SAFE_NO_PAD.encode(format!("{letter}{query}"))
}

/// The question that an id stands for.
fn again(id: &str) -> Result<(Query, Order), Problem> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        let (order, text) = match text.split_at_checked(1)? {
            ("a", text) => (Order::Oldest, text),
            ("d", text) => (Order::Newest, text),
            _ => return None,
        };
        let query = Query::parse(text).ok().filter(|query| query.indexes.is_some())?;
        Some((query, order))
    };
    read().ok_or_else(|| Problem::parameter("queryId", "is none that was handed out"))
}

//! `GET /audit-trail`: who changed which entity, newest first.

use std::sync::Arc;

use axum::extract::Request;
use dialect::tetrascience::{TetraScience, audit_trail_item};
use dialect::{Dialect as _, Losses, WriteOptions};
use search::{Field, Order, PAGE_MAX, Query, SKIP_MAX};

use super::filters::{How, interval, take};
use super::{FACADE, visit, without};
use crate::App;
use crate::app::Answer;
use crate::call::json;
use crate::facade::reading;
use crate::facade::stream::Table;
use crate::params::Params;
use crate::problem::{Code, Problem};

/// Records of a page when nothing else is asked for.
const TAKE: u64 = 100;

pub(super) async fn read(app: &App, request: Request) -> Answer {
    let (visit, mut query) = visit(app, request).await?;
    let mut params = visit.call.params()?;
    let is_table = is_table(&mut params)?;
    let taken = params.number("take", 1..=PAGE_MAX as u64)?;
    let skip = params.number("skip", 0..=SKIP_MAX as u64)?.unwrap_or(0);
    filters(&mut params, &mut query)?;
    params.finish()?;
    query.check()?;
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    if is_table {
        visit.record("export", FACADE, &query);
        // A file has all, unless a part was asked for.
        let part = (size(skip), taken.map_or(usize::MAX, size));
        let writer = writer("audit-trail-csv")?;
        let order = Order::Newest;
        let table = Table { query, order, part: Some(part), writer, name: "audit-trail" };
        return table.answer(&visit);
    }
    visit.record("search", FACADE, &query);
    let taken = taken.unwrap_or(TAKE);
    let open = Arc::clone(&visit.open);
    app.blocking(move || {
        // One more than asked for tells whether there are more.
        let wanted = size(taken);
        let order = Order::Newest;
        let mut indexes = reading::indexes(&open, &query, order, size(skip), wanted + 1)?;
        let next = indexes.len() > wanted;
        indexes.truncate(wanted);
        let logs = reading::records(&open, &indexes, "take", |recorded| {
            audit_trail_item(recorded, &mut Losses::default()).as_str().to_owned()
        })?;
        let logs = logs.join(",");
        let head = format!("{{\"skip\":{skip},\"take\":{taken},\"next\":{next}");
        Ok::<_, Problem>(json(format!("{head},\"logs\":[{logs}]}}")))
    })
    .await
}

fn filters(params: &mut Params, query: &mut Query) -> Result<(), Problem> {
    query.occurred = interval(params)?;
    query.clauses.push(without(["system-log-csv", "system-log-json"]));
    for (name, field, how) in [
        ("entity", Field::TargetType, How::Slugs),
        ("action", Field::Action, How::Slugs),
        ("actor", Field::Actor, How::Inside),
        ("entityName", Field::TargetName, How::Inside),
        ("id", Field::TargetId, How::Inside),
        ("ids", Field::Id, How::Listed),
        ("changeReason", Field::Reason, How::Words),
    ] {
        take(params, query, name, field, how)?;
    }
    Ok(())
}

/// Takes `format`, and says whether a table is wanted.
pub(super) fn is_table(params: &mut Params) -> Result<bool, Problem> {
    Ok(params.word("format", &[("json", false), ("csv", true)])?.unwrap_or(false))
}

/// The writer of one of the platform's tables.
pub(super) fn writer(format: &str) -> Result<Box<dyn dialect::Writer>, Problem> {
    let options = WriteOptions { format: Some(format.to_owned()), ..WriteOptions::default() };
    TetraScience.writer(&options).map_err(|error| Problem::new(Code::Internal).caused_by(&error))
}

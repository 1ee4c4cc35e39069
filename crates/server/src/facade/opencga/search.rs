//! `GET …/studies/{study}/audit/search`.

use std::sync::Arc;

use axum::extract::Request;
use dialect::opencga::record_json;
use search::{Order, SKIP_MAX};

use super::envelope::Results;
use super::project::Projection;
use super::{FACADE, filters, flag, study, visit};
use crate::App;
use crate::facade::reading;
use crate::params::Params;
use crate::problem::Problem;

/// Records of a page when nothing else is asked for, and the most that the service gives.
const LIMIT: u64 = 10;
pub(super) const LIMIT_MAX: u64 = 5_000;

/// The Java type of a record.
const KIND: &str = "org.opencb.opencga.core.models.audit.AuditRecord";

/// Which part of a list.
pub(super) struct Part {
    pub(super) skip: usize,
    pub(super) limit: usize,
}

impl Part {
    /// Takes `skip` and `limit`.
    pub(super) fn take(params: &mut Params, limit: u64) -> Result<Self, Problem> {
        let skip = params.number("skip", 0..=SKIP_MAX as u64)?.unwrap_or(0);
        let limit = params.number("limit", 0..=LIMIT_MAX)?.unwrap_or(limit);
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Self { skip: size(skip), limit: size(limit) })
    }
}

pub(super) async fn search(app: &App, request: Request) -> Result<Results, Problem> {
    let (visit, mut params) = visit(app, request).await?;
    let part = Part::take(&mut params, LIMIT)?;
    let count = flag(&mut params, "count")?;
    let projection = Projection::take(&mut params)?;
    let order = order(&mut params)?;
    let mut query = filters::take(&mut params)?;
    params.finish()?;
    let (open, name) = (Arc::clone(&visit.open), visit.call.path("study").to_owned());
    let study = app.blocking(move || study::resolve(&open, &name)).await?;
    query.clauses.extend(study.clauses);
    query.check()?;
    visit.record("search", FACADE, &query);
    let open = Arc::clone(&visit.open);
    app.blocking(move || {
        let indexes = reading::indexes(&open, &query, order, part.skip, part.limit)?;
        let list = reading::records(&open, &indexes, "limit", |recorded| {
            projection.apply(record_json(recorded))
        })?;
        let matches = if count { Some(open.projection.count(&query)?.count) } else { None };
        Ok::<_, Problem>(Results { list, kind: KIND, matches, warnings: study.warnings })
    })
    .await
}

/// The order of the records: that of the trail, in which a place that was counted off stays the same
/// while the trail grows; or by `date`.
fn order(params: &mut Params) -> Result<Order, Problem> {
    let sort = params.word("sort", &[("date", ())])?;
    let direction = params.take("order")?.map(|text| text.to_ascii_lowercase());
    let ascending = match direction.as_deref() {
        Some("ascending" | "asc" | "1") => true,
        None | Some("descending" | "desc" | "-1") => false,
        Some(_) => return Err(Problem::parameter("order", "is ASCENDING or DESCENDING")),
    };
    Ok(match sort {
        None => Order::FirstRecorded,
        Some(()) if ascending => Order::Oldest,
        Some(()) => Order::Newest,
    })
}

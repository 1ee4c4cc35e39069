//! `GET …/events`, `…/events/{index}` and `…/history`.

use std::fmt::Write as _;
use std::time::Duration;

use search::{Cursor, Order, PAGE_MAX, Query};
use serde_json::json;
use trail::Feed as _;

use super::question::{Question, order};
use crate::App;
use crate::app::Answer;
use crate::call::{Call, json as json_answer};
use crate::fitting::{PAGE_BYTES_MAX, each_fitting};
use crate::instance::OpenTrail;
use crate::params::Params;
use crate::problem::{Code, Problem};

/// Events of a page when nothing else is asked for.
const LIMIT: u64 = 50;

/// Which page of a list.
#[derive(Debug)]
struct Wanted {
    order: Order,
    limit: usize,
    cursor: Option<Cursor>,
}

impl Wanted {
    fn read(params: &mut Params, default: Order) -> Result<Self, Problem> {
        let limit = params.number("limit", 1..=PAGE_MAX as u64)?.unwrap_or(LIMIT);
        let cursor = params.take("cursor")?.map(|text| text.parse()).transpose()?;
        Ok(Self {
            order: order(params)?.unwrap_or(default),
            limit: usize::try_from(limit).unwrap_or(PAGE_MAX),
            cursor,
        })
    }
}

/// One page of the events that are meant.
pub(crate) async fn events(call: Call) -> Answer {
    let open = call.trail().await?;
    let mut params = call.params()?;
    let wanted = Wanted::read(&mut params, Order::Newest)?;
    let at_least = params.number("at_least", 0..=u64::MAX - 1)?;
    let question = Question::ask(&call.app, params).await?;
    if let Some(index) = at_least {
        wait_projected(&call.app, &open, index + 1).await?;
    }
    call.record_read("search", &open, &question.to_params());
    let query = question.query;
    call.app.blocking(move || page(&open, &query, &wanted)).await
}

/// Everything that happened to one thing, from the beginning.
pub(crate) async fn history(call: Call) -> Answer {
    let open = call.trail().await?;
    let mut params = call.params()?;
    let (kind, id) = (params.required("target_type")?, params.required("target_id")?);
    let wanted = Wanted::read(&mut params, Order::Oldest)?;
    params.finish()?;
    call.record_read("history", &open, &json!({"target_type": kind, "target_id": id}));
    let query = Query::history(&kind, &id);
    query.check()?;
    call.app.blocking(move || page(&open, &query, &wanted)).await
}

/// One event.
pub(crate) async fn event(call: Call) -> Answer {
    let open = call.trail().await?;
    let index = call.index()?;
    call.params()?.finish()?;
    call.record_read("read", &open, &json!({"index": index}));
    call.app
        .blocking(move || {
            let recorded = open.trail.read_one(index)?;
            Ok::<_, Problem>(json_answer(recorded.to_json()))
        })
        .await
}

fn page(open: &OpenTrail, query: &Query, wanted: &Wanted) -> Answer {
    let Wanted { order, limit, cursor } = wanted;
    let mut found = open.projection.search(query, *order, *limit, cursor.as_ref())?;
    let mut out = String::from("{\"events\":[");
    each_fitting(&open.trail, &mut found, PAGE_BYTES_MAX, &mut |recorded| {
        if !out.ends_with('[') {
            out.push(',');
        }
        out.push_str(&recorded.to_json());
    })?;
    let next = found.next.map_or_else(|| "null".to_owned(), |cursor| format!("\"{cursor}\""));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "],\"next\":{next},\"projected_size\":{},\"committed_size\":{}}}",
        found.projected_size,
        open.trail.committed_size()
    );
    Ok(json_answer(out))
}

/// Waits until the first events of a trail can be found.
async fn wait_projected(app: &App, open: &OpenTrail, size: u64) -> Result<(), Problem> {
    /// How often it looks; an event is to be found within a second.
    const PAUSE: Duration = Duration::from_millis(10);
    let waiting = async {
        let _awaited = open.projection.awaited();
        while open.projection.projected_size() < size {
            open.projection.notify();
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(app.options().wait_max, waiting).await.map_err(|_| {
        let seen = open.projection.projected_size();
        Problem::new(Code::SearchBehind)
            .detail(format!("{seen} events can be found so far"))
            .with("projected_size", seen)
            .retry_after(1)
    })
}

//! What is proven about a trail, by what, and what has to be trusted.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use registry::{DepositRecord, SYSTEM_SLUG, Slug};
use trail::Feed as _;

use super::condition::Condition;
use super::list::Cover;
use super::signin::read_form;
use super::visit::{Frame, Shown, Visit, page, see_other};
use super::when::Clock;
use crate::instance::{Instance, OpenTrail};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "integrity.html")]
struct IntegrityPage {
    frame: Frame,
    trail: String,
    origin: String,
    vkey: String,
    root: String,
    note: String,
    stopped: bool,
    created: String,
    cover: Cover,
    deposits: Vec<DepositLine>,
    condition: Condition,
}

/// A deposit, and what its last run said. The folder is no business of those who read the trail.
struct DepositLine {
    dialect: String,
    since: String,
    ended: String,
    state: String,
    is_sound: bool,
    findings: Vec<String>,
}

fn deposit_lines(instance: &Instance, open: &OpenTrail, clock: &Clock) -> Vec<DepositLine> {
    let line = |record: &Arc<DepositRecord>| {
        let report = instance.deposit_report(&record.id);
        let (state, is_sound, findings) = match &report {
            None => ("has not run since the server started".to_owned(), true, Vec::new()),
            Some(report) => {
                let at = clock.stamp_micros(report.at_micros);
                let days = report.deposited + report.verified;
                let findings: Vec<String> =
                    report.findings.iter().map(|finding| finding.message.clone()).collect();
                (
                    format!("{days} days deposited and as they were on {at}"),
                    report.is_sound(),
                    findings,
                )
            }
        };
        DepositLine {
            dialect: record.order.dialect.clone(),
            since: clock.stamp_micros(record.created_at_micros).to_string(),
            ended: record
                .removed_at_micros
                .map_or_else(String::new, |at| clock.stamp_micros(at).to_string()),
            state,
            is_sound,
            findings,
        }
    };
    instance.deposits(&open.slug).iter().map(line).collect()
}

/// `GET /t/{trail}/integrity`.
pub(crate) async fn integrity(visit: Visit) -> Shown {
    show(&visit).await.map_err(|problem| visit.failed(problem))
}

async fn show(visit: &Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    visit.call.params()?.finish()?;
    let frame = visit.frame(&format!("Integrity of {}", open.slug), "integrity");
    let clock = visit.taste.clock.clone();
    let instance = Arc::clone(visit.call.app.instance());
    let record = instance.registry().trail(&open.slug).cloned();
    visit
        .call
        .app
        .blocking(move || {
            let published = open.trail.published();
            let created = record.map(|record| record.created_at_micros);
            let condition = Condition::of(&instance, &open, &clock, created)?;
            let created = created.map(|micros| clock.stamp_micros(micros).to_string());
            let page = IntegrityPage {
                trail: open.slug.to_string(),
                origin: open.trail.origin().to_owned(),
                vkey: open.trail.verifier().to_string(),
                root: published.checkpoint.root().to_string(),
                note: published.note.to_string(),
                stopped: open.trail.is_stopped(),
                created: created.unwrap_or_default(),
                deposits: deposit_lines(&instance, &open, &clock),
                condition,
                cover: Cover::of(&open, &clock)?,
                frame,
            };
            Ok::<_, Problem>(self::page(&page))
        })
        .await
}

/// `GET /t/{trail}/checkpoint`: the signed checkpoint, for a browser that is signed in.
pub(crate) async fn checkpoint(visit: Visit) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let note = open.trail.published().note.to_string();
    Ok(crate::call::typed("text/plain; charset=utf-8", note))
}

/// How long a reader waits for a check; one that takes longer goes on without them.
const CHECK_WAIT: Duration = Duration::from_secs(2);

/// `POST /t/{trail}/integrity`: checks the whole trail, one check at a time on the server.
pub(crate) async fn check(visit: Visit, body: Body) -> Shown {
    check_inner(&visit, body).await.map_err(|problem| visit.failed(problem))
}

async fn check_inner(visit: &Visit, body: Body) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    read_form(&visit.call.app, &visit.call.headers, body).await?.finish()?;
    let (instance, slug) = (Arc::clone(visit.call.app.instance()), open.slug.clone());
    let by = visit.call.caller.actor();
    let running = tokio::task::spawn_blocking(move || {
        let checked = instance.check_now(&slug, by);
        let system = Slug::parse(SYSTEM_SLUG).ok().and_then(|slug| instance.find_open(&slug));
        if let Some(system) = system {
            // The page that follows is to find what was recorded.
            system.projection.wait_for(system.trail.committed_size(), CHECK_WAIT);
        }
        checked.map(drop)
    });
    // What a check finds wrong is on record; here only that it could not be made is told.
    if let Ok(Ok(Err(error))) = tokio::time::timeout(CHECK_WAIT, running).await {
        return Err(error.into());
    }
    Ok(see_other(&format!("/t/{}/integrity", open.slug)))
}

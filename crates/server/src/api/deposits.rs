//! `GET` and `POST /api/v1/trails/{trail}/deposits`, `DELETE …/deposits/{id}`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use registry::{DepositId, DepositRecord, Download, Scope};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::Answer;
use crate::call::{Call, json as json_answer, object};
use crate::deposit::{Finding, Report};
use crate::instance::{Instance, NewDeposit};
use crate::problem::{Code, Problem};

/// What a deposit is made of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    destination: String,
    dialect: Option<String>,
    format: Option<String>,
    #[serde(default)]
    region_column: bool,
    #[serde(default)]
    formula_guard: bool,
    #[serde(default)]
    imports: bool,
    #[serde(default)]
    download: Download,
    from: Option<String>,
    reason: Option<String>,
}

/// Every deposit of the trail and what its last run said.
pub(crate) async fn deposits(call: Call) -> Answer {
    let open = call.app.open(&call.caller, call.path("trail"), Scope::Admin).await?;
    call.params()?.finish()?;
    let instance = call.app.instance();
    let list: Vec<Value> =
        instance.deposits(&open.slug).iter().map(|record| shown(instance, record)).collect();
    Ok(json_answer(json!({"deposits": list}).to_string()))
}

/// Orders daily deposits.
pub(crate) async fn create_deposit(call: Call, body: Body) -> Answer {
    let slug = call.app.open(&call.caller, call.path("trail"), Scope::Admin).await?.slug.clone();
    call.params()?.finish()?;
    let new: New = object(&call.app, &call.headers, body).await?;
    let (instance, actor) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            let reason = new.reason;
            let new = NewDeposit {
                destination: new.destination,
                dialect: new.dialect,
                format: new.format,
                region_column: new.region_column,
                formula_guard: new.formula_guard,
                imports: new.imports,
                download: new.download,
                from: new.from,
            };
            let record = instance.create_deposit(&slug, new, &actor, reason.as_deref())?;
            let mut response = json_answer(shown(&instance, &record).to_string());
            *response.status_mut() = StatusCode::CREATED;
            let place = format!("/api/v1/trails/{slug}/deposits/{}/files", record.id);
            if let Ok(place) = HeaderValue::try_from(place) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            Ok::<_, Problem>(response)
        })
        .await
}

/// Ends daily deposits.
pub(crate) async fn remove_deposit(call: Call) -> Answer {
    let slug = call.app.open(&call.caller, call.path("trail"), Scope::Admin).await?.slug.clone();
    let mut params = call.params()?;
    let reason = params.take("reason")?;
    params.finish()?;
    let id = DepositId::parse(call.path("id")).ok_or_else(|| Problem::new(Code::NoSuchResource))?;
    let (instance, actor) = (Arc::clone(call.app.instance()), call.caller.actor());
    call.app
        .blocking(move || {
            instance.remove_deposit(&slug, &id, &actor, reason.as_deref())?;
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok::<_, Problem>(response)
        })
        .await
}

fn shown(instance: &Instance, record: &DepositRecord) -> Value {
    let mut value = Map::new();
    value.insert("id".to_owned(), record.id.as_str().into());
    if let Value::Object(order) = json!(record.order) {
        value.extend(order);
    }
    let created = event::format_micros(record.created_at_micros);
    value.insert("created_at".to_owned(), created.into());
    if let Some(at) = record.removed_at_micros {
        value.insert("removed_at".to_owned(), event::format_micros(at).into());
    }
    if let Some(report) = instance.deposit_report(&record.id) {
        value.insert("last_run".to_owned(), report_shown(&report));
    }
    value.into()
}

fn report_shown(report: &Report) -> Value {
    let findings: Vec<Value> = report.findings.iter().map(finding_shown).collect();
    json!({
        "at": event::format_micros(report.at_micros),
        "deposited": report.deposited,
        "verified": report.verified,
        "findings": findings,
        "findings_left_out": report.findings_left_out,
    })
}

fn finding_shown(finding: &Finding) -> Value {
    let mut value = json!({"code": finding.code, "message": finding.message});
    if let (Some(day), Some(members)) = (finding.day, value.as_object_mut()) {
        members.insert("day".to_owned(), day.to_string().into());
    }
    value
}

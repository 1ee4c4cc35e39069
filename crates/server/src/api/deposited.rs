//! `GET …/deposits/{id}/files` and `…/files/{name}`: what was deposited.
//!
//! A file goes out as it is read, and is hashed on its way: its last piece is only sent when the
//! whole has the digest that the trail recorded, so that nobody takes an altered file for the file.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Frame;
use registry::{DepositId, DepositRecord, Scope, Slug};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::app::Answer;
use crate::call::{Call, json as json_answer};
use crate::deposit::{Day, DiskShelf, Failure, Fetched, Ledger, fetch};
use crate::instance::{Instance, OpenTrail};
use crate::negotiate::accepts;
use crate::pieces::{Cut, PIECE_BYTES, Sender, attach, streamed};
use crate::problem::{Code, Problem};

/// Days that one answer lists unless it is told otherwise, and at most.
const DAYS: u64 = 100;
const DAYS_MAX: u64 = 1_000;

/// The days of a deposit, newest first, each with its files.
pub(crate) async fn files(call: Call) -> Answer {
    let (open, record) = allowed(&call, true).await?;
    let mut params = call.params()?;
    let limit = params.number("limit", 1..=DAYS_MAX)?.unwrap_or(DAYS);
    let before = params.take("before")?.map(|text| {
        Day::parse(&text).ok_or_else(|| Problem::parameter("before", "is a day, as 2026-11-21"))
    });
    let before = before.transpose()?;
    params.finish()?;
    let instance = Arc::clone(call.app.instance());
    call.app.blocking(move || list(&instance, &open, &record, before, limit)).await
}

fn list(
    instance: &Instance,
    open: &OpenTrail,
    record: &DepositRecord,
    before: Option<Day>,
    limit: u64,
) -> Answer {
    let ledger = Ledger(&open.trail);
    let Some(span) = ledger.span(record)? else {
        return Ok(json_answer(json!({"files": []}).to_string()));
    };
    let yesterday = Day::of_micros(instance.now_micros()).previous();
    let last = span.last_day.map_or(yesterday, |last| last.min(yesterday));
    let last = before.map_or(last, |before| last.min(before.previous()));
    let report = instance.deposit_report(&record.id).unwrap_or_default();
    let mut rows: Vec<Value> = Vec::new();
    let mut next = None;
    for day in span.first_day.to(last).rev() {
        if rows.len() as u64 == limit {
            next = Some(day.next().to_string());
            break;
        }
        let wrong = report.findings.iter().find(|finding| finding.day == Some(day));
        rows.push(match ledger.filed(record, day)? {
            Some(filed) => {
                let mut row = json!(filed);
                if let Some(members) = row.as_object_mut() {
                    members.remove("deposit");
                    let state = wrong.map_or("deposited", |finding| finding.code);
                    members.insert("state".to_owned(), state.into());
                }
                row
            }
            None => json!({"day": day.to_string(), "state": wrong.map_or("owed", |f| f.code)}),
        });
    }
    let mut body = json!({"files": rows});
    if let (Some(next), Some(members)) = (next, body.as_object_mut()) {
        members.insert("next".to_owned(), next.into());
    }
    Ok(json_answer(body.to_string()))
}

/// One file, or its manifest.
pub(crate) async fn file(call: Call) -> Answer {
    let (open, record) = allowed(&call, false).await?;
    call.params()?.finish()?;
    let name = call.path("name").to_owned();
    let place = call.app.long_answer(&call.caller)?;
    let (instance, trail) = (Arc::clone(call.app.instance()), Arc::clone(&open));
    let (wanted, deposit) = (name.clone(), Arc::clone(&record));
    let fetched = call
        .app
        .blocking(move || {
            let roots = &instance.options().deposit_roots;
            fetch(&trail.trail, &deposit, roots, &DiskShelf, &wanted).map_err(Problem::from)
        })
        .await?;
    let fetched = fetched.ok_or_else(|| {
        Problem::new(Code::NoSuchResource).detail("the deposit has no file of this name")
    })?;
    let Fetched { file, size_bytes, sha256, media_type } = fetched;
    let size = file.as_ref().map(|file| file.metadata().map(|metadata| metadata.len()));
    let Some(file) = file.filter(|_| matches!(size, Some(Ok(size)) if size == size_bytes)) else {
        return Err(Problem::new(Code::DepositDamaged).with("sha256", sha256));
    };
    accepts(&call.headers, media_type.split(';').next().unwrap_or(media_type))?;
    call.record_read("download", &open, &json!({"deposit": record.id.as_str(), "file": name}));
    let mut response = streamed(media_type, name.clone(), move |sender| {
        let _place = place;
        send(file, size_bytes, &sha256, sender)
    });
    attach(&mut response, &name);
    Ok(response)
}

/// Sends a file, its last piece only when the whole is what was recorded.
fn send(mut file: File, size_bytes: u64, sha256: &str, sender: &Sender) -> Result<(), Cut> {
    let mut hash = Sha256::new();
    let mut held = Bytes::new();
    let mut left = size_bytes;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let mut piece = vec![0; size];
        file.read_exact(&mut piece).map_err(|error| Cut::of(&error))?;
        hash.update(&piece);
        left -= size as u64;
        let before = std::mem::replace(&mut held, piece.into());
        if !before.is_empty() {
            sender.pass(Frame::data(before))?;
        }
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found != sha256 {
        let other = io::Error::other("the file has other bytes than were recorded");
        return Err(Cut::of(&other));
    }
    sender.pass(Frame::data(held))
}

/// The deposit in the path, if the caller may see its files. Who administers the trail may list them
/// whatever the deposit's rule.
async fn allowed(
    call: &Call,
    to_list: bool,
) -> Result<(Arc<OpenTrail>, Arc<DepositRecord>), Problem> {
    let found = find(call, to_list);
    let (slug, record) = found.inspect_err(|problem| {
        if problem.code() == Code::Forbidden {
            let target = ("trail", call.path("trail"));
            call.record("refuse", target, event::Status::Denied, None);
        }
    })?;
    Ok((call.app.open_unchecked(&slug).await?, record))
}

fn find(call: &Call, to_list: bool) -> Result<(Slug, Arc<DepositRecord>), Problem> {
    let token = call.caller.token();
    let slug = match call.caller.may(Scope::Admin, call.path("trail")) {
        Ok(slug) => slug,
        Err(_) => call.caller.may(Scope::Read, call.path("trail"))?,
    };
    let is_admin = token.may(Scope::Admin, &slug);
    let id = DepositId::parse(call.path("id"));
    let record = id.and_then(|id| call.app.instance().deposit(&slug, &id).ok());
    match record {
        Some(record) if (to_list && is_admin) || record.may_download(token) => Ok((slug, record)),
        None if is_admin => Err(Problem::new(Code::NoSuchResource)),
        _ => Err(Problem::new(Code::Forbidden)),
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Trail(error) => error.into(),
            Failure::Foreign { .. } | Failure::Invalid(_) | Failure::Dialect(_) => {
                Self::new(Code::Internal).caused_by(&failure)
            }
            _ => Self::new(Code::Unavailable).retry_after(60).caused_by(&failure),
        }
    }
}

//! `GET …/export`: every event that is meant, in the order of the trail, as a file.
//!
//! It goes out as it is read, in bounded memory. An export that cannot be finished is cut off in the
//! middle of its transfer, so that no client takes a part for the whole. What the form cannot say
//! stands in a trailer, or is asked for beforehand.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use dialect::WriteOptions;
use hyper::body::Frame;
use search::Query;
use serde_json::json;
use trail::Recorded;

use super::question::Question;
use crate::App;
use crate::app::Answer;
use crate::call::{self, Call};
use crate::export::{FileWriter, Form, Loss, UnknownForm, visit};
use crate::instance::OpenTrail;
use crate::negotiate::accepts;
use crate::params::Params;
use crate::pieces::{Cut, PIECE_BYTES, Sender, attach, streamed};
use crate::problem::{Code, Problem};

/// The trailer that counts the events of the file.
const COUNT: HeaderName = HeaderName::from_static("export-count");

/// The trailer that says what the form cannot say: pointers and counts.
const LOSSES: HeaderName = HeaderName::from_static("export-losses");

/// Streams the events that are meant, or counts what their file would hold and lack.
pub(crate) async fn export(call: Call) -> Answer {
    let mut params = call.params()?;
    let form = form(&mut params)?;
    export_as(call, params, form).await
}

/// [`export`] in a form that is known.
pub(crate) async fn export_as(call: Call, mut params: Params, form: Form) -> Answer {
    let open = call.trail().await?;
    let words = [("true", true), ("false", false)];
    let is_summary = params.word("summary", &words)?.unwrap_or(false);
    let question = Question::ask(&call.app, params).await?;
    let media_type = if is_summary { "application/json" } else { form.media_type() };
    accepts(&call.headers, media_type.split(';').next().unwrap_or(media_type))?;
    let place = call.app.long_answer(&call.caller)?;
    let mut record = question.to_params();
    if let Some(members) = record.as_object_mut() {
        members.insert("format".to_owned(), form.name().into());
    }
    call.record_read(if is_summary { "count" } else { "export" }, &open, &record);
    let name = format!("{}{}", open.slug, form.ending());
    let export = Export { app: call.app.clone(), open, query: question.query };
    let writer = form.writer().map_err(|form| unknown(&form))?;
    if is_summary {
        let counting = tokio::task::spawn_blocking(move || {
            let counted = export.count(writer);
            drop(place);
            counted
        });
        return Ok(call::json(counting.await??.to_string()));
    }
    let mut response = streamed(media_type, name.clone(), move |sender| {
        let _place = place;
        export.stream(writer, sender)
    });
    let trailers = HeaderValue::from_static("export-count, export-losses");
    response.headers_mut().insert(header::TRAILER, trailers);
    attach(&mut response, &name);
    Ok(response)
}

/// Reads `dialect` and `format`, and with a dialect `region_column` and `formula_guard`.
pub(crate) fn form(params: &mut Params) -> Result<Form, Problem> {
    let format = params.take("format")?;
    let Some(dialect) = params.take("dialect")? else {
        let missing = || Problem::parameter("format", "is csv or jsonl, unless there is a dialect");
        return Form::own(&format.ok_or_else(missing)?).map_err(|form| unknown(&form));
    };
    let words = [("true", true), ("false", false)];
    let options = WriteOptions {
        format,
        region_column: params.word("region_column", &words)?.unwrap_or(false),
        formula_guard: params.word("formula_guard", &words)?.unwrap_or(false),
    };
    Form::platform(&dialect, options).map_err(|form| unknown(&form))
}

fn unknown(unknown: &UnknownForm) -> Problem {
    let name = if *unknown == UnknownForm::Dialect { "dialect" } else { "format" };
    Problem::parameter(name, unknown.to_string())
}

struct Export {
    app: App,
    open: Arc<OpenTrail>,
    query: Query,
}

impl Export {
    fn stream(&self, mut writer: FileWriter, sender: &Sender) -> Result<(), Cut> {
        let mut out = Vec::new();
        writer.begin(&mut out).map_err(|error| Cut::of(&error))?;
        self.each(&mut |recorded| {
            writer.write(recorded, &mut out).map_err(|error| Cut::of(&error))?;
            if out.len() < PIECE_BYTES { Ok(()) } else { sender.pass_all(&mut out) }
        })?;
        writer.end(&mut out).map_err(|error| Cut::of(&error))?;
        sender.pass_all(&mut out)?;
        sender.pass(Frame::trailers(trailers(&writer)))
    }

    /// What the file would hold, and what it would lack.
    fn count(&self, mut writer: FileWriter) -> Result<serde_json::Value, Problem> {
        let mut out = Vec::new();
        let counted = self.each(&mut |recorded| {
            out.clear();
            writer.write(recorded, &mut out).map_err(|error| Cut::of(&error))
        });
        match counted {
            Ok(()) => {}
            Err(Cut::Failed(problem)) => return Err(problem),
            Err(Cut::Left) => return Err(Problem::new(Code::Internal)),
        }
        let losses: Vec<_> = writer
            .losses()
            .map(|Loss { pointer, count }| json!({"pointer": pointer, "count": count}))
            .collect();
        Ok(json!({"trail": self.open.slug.as_str(), "count": writer.count(), "losses": losses}))
    }

    fn each(&self, each: &mut dyn FnMut(&Recorded) -> Result<(), Cut>) -> Result<(), Cut> {
        visit(&self.open, &self.query, &mut |recorded| {
            if self.app.is_stopping() {
                return Err(Cut::Failed(Problem::new(Code::Unavailable)));
            }
            each(recorded)
        })
    }
}

/// The events that were written, and each field that the form could not say with its count.
fn trailers(writer: &FileWriter) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(COUNT, writer.count().into());
    let losses: Vec<String> =
        writer.losses().map(|Loss { pointer, count }| format!("{pointer}={count}")).collect();
    if let Ok(value) = HeaderValue::try_from(losses.join(", ")) {
        trailers.insert(LOSSES, value);
    }
    trailers
}

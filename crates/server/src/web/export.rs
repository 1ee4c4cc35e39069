//! Taking events away: all that are meant, or the rows that were ticked. What the API takes names the
//! form, or `as=seqera/v1-csv`: a button of a form sends one value, and needs no script for it.

use axum::body::Body;
use axum::http::Response;
use dialect::WriteOptions;
use serde_json::json;
use trail::Feed as _;

use super::visit::{Failed, Shown, Visit};
use crate::api;
use crate::export::Form;
use crate::params::Params;
use crate::pieces::{Cut, PIECE_BYTES, attach, streamed};
use crate::problem::Problem;

/// The most rows that can be ticked: more than any page shows.
const SELECTED_MAX: usize = 1_000;

/// `GET /t/{trail}/export`: with `index`, those events; without, all that the question means.
pub(crate) async fn export(visit: Visit) -> Shown {
    let mut params = match visit.call.params() {
        Ok(params) => params,
        Err(problem) => return Err(visit.failed(problem)),
    };
    let form = match form(&mut params) {
        Ok(form) => form,
        Err(problem) => return Err(visit.failed(problem)),
    };
    let selected = params.take_all("index");
    if selected.is_empty() {
        let taste = visit.taste.clone();
        let exported = api::export_as(visit.call, params, form).await;
        return exported.map_err(|problem| Failed::new(problem, taste));
    }
    selection(&visit, &selected, form).await.map_err(|problem| visit.failed(problem))
}

/// The form of the file: what a button says, or what the API takes.
fn form(params: &mut Params) -> Result<Form, Problem> {
    let Some(name) = params.take("as")? else { return api::form(params) };
    let (dialect, format) = name.split_once('/').unwrap_or((&name, ""));
    let format = (!format.is_empty()).then(|| format.to_owned());
    Form::platform(dialect, WriteOptions { format, ..WriteOptions::default() })
        .map_err(|unknown| Problem::parameter("as", unknown.to_string()))
}

async fn selection(
    visit: &Visit,
    selected: &[String],
    form: Form,
) -> Result<Response<Body>, Problem> {
    let open = visit.call.trail().await?;
    let indexes: Option<Vec<u64>> = selected.iter().map(|text| text.parse().ok()).collect();
    let indexes = indexes.filter(|list| list.len() <= SELECTED_MAX);
    let mut indexes = indexes.ok_or_else(|| {
        Problem::parameter("index", format!("names up to {SELECTED_MAX} events by their indexes"))
    })?;
    indexes.sort_unstable();
    indexes.dedup();
    visit.call.record_read("export", &open, &json!({"indexes": indexes, "format": form.name()}));
    let file = format!("{}-{}-selected{}", open.slug, indexes.len(), form.ending());
    let mut writer =
        form.writer().map_err(|unknown| Problem::parameter("format", unknown.to_string()))?;
    // Before the file begins: an answer that has begun can only be cut off.
    let size = open.trail.committed_size();
    if let Some(index) = indexes.iter().copied().find(|index| *index >= size) {
        return Err(trail::Error::NoEvent { index, size }.into());
    }
    let place = visit.call.app.long_answer(&visit.call.caller)?;
    let mut response = streamed(form.media_type(), file.clone(), move |sender| {
        let _place = place;
        let mut out = Vec::new();
        writer.begin(&mut out).map_err(|error| Cut::of(&error))?;
        for index in indexes {
            for recorded in open.trail.read_many(&[index])? {
                writer.write(&recorded, &mut out).map_err(|error| Cut::of(&error))?;
            }
            if out.len() >= PIECE_BYTES {
                sender.pass_all(&mut out)?;
            }
        }
        writer.end(&mut out).map_err(|error| Cut::of(&error))?;
        sender.pass_all(&mut out)
    });
    attach(&mut response, &file);
    Ok(response)
}

//! `tail`: events as they are recorded, from a running server.

use std::io::{BufRead as _, BufReader};

use anyhow::{Context as _, Result};
use registry::Slug;

use crate::exit::{Because, Exit, usage};
use crate::output;

pub(crate) fn run(server: &str, token: &str, trail: &Slug, query: &str) -> Result<Exit> {
    if !server.starts_with("http://") && !server.starts_with("https://") {
        return Err(usage(format!("--server takes a URL, such as http://{server}")));
    }
    let server = server.trim_end_matches('/');
    let url = format!("{server}/api/v1/trails/{trail}/events/stream");
    let mut request = ureq::get(&url).header("Authorization", &format!("Bearer {token}"));
    if !query.is_empty() {
        request = request.query("q", query);
    }
    let response = request.call().map_err(|error| match error {
        ureq::Error::StatusCode(code @ (401 | 403)) => {
            Because(Exit::NotAuthorised, format!("the server answered {code}: not allowed")).into()
        }
        other => anyhow::Error::from(other),
    });
    let body = response.with_context(|| format!("cannot follow {url}"))?.into_body();
    for line in BufReader::new(body.into_reader()).lines() {
        if let Some(data) = line?.strip_prefix("data:") {
            output::line(data.trim_start())?;
        }
    }
    Ok(Exit::Done)
}

//! `tail`: events as they are recorded, from a running server.

use std::io::{BufRead as _, BufReader};

use anyhow::{Context as _, Result};
use registry::Slug;

use super::find;
use crate::exit::{Exit, usage};
use crate::{output, running};

/// The most bytes of an answer that says why it is none.
const PROBLEM_BYTES_MAX: u64 = 64 * 1024;

pub(crate) fn run(server: &str, token: &str, trail: &Slug, query: &str) -> Result<Exit> {
    if !server.starts_with("http://") && !server.starts_with("https://") {
        return Err(usage(format!("--server takes a URL, such as http://{server}")));
    }
    find::parse(query)?;
    let server = server.trim_end_matches('/');
    let url = format!("{server}/api/v1/trails/{trail}/events/stream");
    let mut request = ureq::get(&url)
        .config()
        .http_status_as_error(false)
        .build()
        .header("Authorization", &format!("Bearer {token}"));
    if !query.is_empty() {
        request = request.query("q", query);
    }
    let response = request.call().with_context(|| format!("cannot follow {url}"))?;
    let status = response.status();
    let mut body = response.into_body();
    if !status.is_success() {
        let problem = body.with_config().limit(PROBLEM_BYTES_MAX).read_to_string();
        return Err(running::refusal(status, &problem.unwrap_or_default()));
    }
    for line in BufReader::new(body.into_reader()).lines() {
        if let Some(data) = line?.strip_prefix("data:") {
            output::line(data.trim_start())?;
        }
    }
    Ok(Exit::Done)
}

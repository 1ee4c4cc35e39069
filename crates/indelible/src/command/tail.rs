//! `tail`: events as they are recorded, from a running server. A server that is started again, or a
//! connection that breaks, costs no event and doubles none: it goes on behind the last one.

use std::io::{BufRead as _, BufReader};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use registry::Slug;

use super::find;
use crate::exit::{Because, Exit, usage};
use crate::{output, running};

/// The most bytes of an answer that says why it is none.
const PROBLEM_BYTES_MAX: u64 = 64 * 1024;

/// How long it waits for a server that is away.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What is followed, and how far it was.
struct Following<'a> {
    url: String,
    token: &'a str,
    query: &'a str,
    /// The index of the last event that was looked at.
    last: Option<String>,
}

pub(crate) fn run(server: &str, token: &str, trail: &Slug, query: &str) -> Result<Exit> {
    if !server.starts_with("http://") && !server.starts_with("https://") {
        return Err(usage(format!("--server takes a URL, such as http://{server}")));
    }
    find::parse(query)?;
    let server = server.trim_end_matches('/');
    let url = format!("{server}/api/v1/trails/{trail}/events/stream");
    let mut following = Following { url, token, query, last: None };
    // At first, what is wrong is wrong; later a server may be on its way back.
    following.follow()?;
    loop {
        output::note("the server ended the stream; waiting for it");
        loop {
            thread::sleep(RETRY_AFTER);
            match following.follow() {
                Ok(()) => break,
                Err(error) if is_final(&error) => return Err(error),
                Err(_) => {}
            }
        }
    }
}

/// Whether asking again would not help: nobody reads any more, or the server says no.
fn is_final(error: &anyhow::Error) -> bool {
    output::is_reader_gone(error)
        || error.downcast_ref::<Because>().is_some_and(|because| because.0 != Exit::Failed)
}

impl Following<'_> {
    /// Writes events until the stream ends, however it ends.
    fn follow(&mut self) -> Result<()> {
        let mut request = ureq::get(&self.url)
            .config()
            .http_status_as_error(false)
            .build()
            .header("Authorization", &format!("Bearer {}", self.token));
        if let Some(last) = &self.last {
            request = request.header("Last-Event-ID", last);
        }
        if !self.query.is_empty() {
            request = request.query("q", self.query);
        }
        let response = request.call().with_context(|| format!("cannot follow {}", self.url))?;
        let status = response.status();
        let mut body = response.into_body();
        if !status.is_success() {
            let problem = body.with_config().limit(PROBLEM_BYTES_MAX).read_to_string();
            return Err(running::refusal(status, &problem.unwrap_or_default()));
        }
        let mut id = None;
        for line in BufReader::new(body.into_reader()).lines() {
            // The connection broke.
            let Ok(line) = line else { break };
            if let Some(index) = line.strip_prefix("id:") {
                id = Some(index.trim().to_owned());
            } else if let Some(data) = line.strip_prefix("data:") {
                output::line(data.trim_start())?;
            } else if line.is_empty() && id.is_some() {
                // Only a message that came whole was looked at.
                self.last = id.take();
            }
        }
        Ok(())
    }
}

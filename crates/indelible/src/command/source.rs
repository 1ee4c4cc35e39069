//! A trail to read from: in the directory, or through the server that holds it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use registry::Slug;
use search::{Cursor, Order, PAGE_MAX, Query};
use serde::Deserialize;
use serde_json::value::RawValue;
use server::export::visit;
use server::instance::{Instance, OpenTrail};
use tlog::TreeSize;
use trail::{Feed as _, Recorded};

use super::find;
use crate::running::{self, Running};

/// How long the projection may take to catch up with the trail.
const CATCH_UP: Duration = Duration::from_mins(10);

/// The most bytes of a tile or a bundle: 256 entries and their lengths.
const RESOURCE_BYTES_MAX: u64 = 17 * 1024 * 1024;

/// What takes events one by one.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Recorded) -> Result<()>;

/// A trail that a command reads.
pub(super) enum Source {
    /// This process has the directory open.
    Here { _instance: Arc<Instance>, open: Arc<OpenTrail> },
    /// A server has it open.
    There { server: Running, slug: Slug },
}

/// How far a trail is, as the server says.
#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) committed_size: u64,
    published_size: u64,
    checkpoint: String,
}

/// One page of an answer.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    next: Option<String>,
}

impl Source {
    /// Calls `each` with the events that a query finds, the newest first.
    pub(super) fn newest(&self, query: &str, limit: usize, each: Each<'_>) -> Result<()> {
        match self {
            Self::Here { open, .. } => newest(open, &find::parse(query)?, limit, each),
            Self::There { server, slug } => pages(server, slug, query, limit, each),
        }
    }

    /// Calls `each` with every event that a query finds, in the order of the trail.
    pub(super) fn scan(&self, query: &str, each: Each<'_>) -> Result<()> {
        match self {
            Self::Here { open, .. } => {
                let query = if query.is_empty() { Query::default() } else { find::parse(query)? };
                visit(open, &query, each)
            }
            Self::There { server, slug } => {
                let parameters = [("format", "jsonl"), ("q", query)];
                let body = server.get(&format!("/api/v1/trails/{slug}/export"), &parameters)?;
                for line in BufReader::with_capacity(1 << 16, body.into_reader()).lines() {
                    each(&recorded(&line?)?)?;
                }
                Ok(())
            }
        }
    }

    /// The receipt of an event.
    pub(super) fn receipt(&self, index: u64) -> Result<String> {
        match self {
            Self::Here { open, .. } => Ok(open.trail.receipt(index)?.to_string()),
            Self::There { server, slug } => {
                let path = format!("/api/v1/trails/{slug}/events/{index}/receipt");
                running::read(server.get(&path, &[("wait", "published")])?)
            }
        }
    }

    /// The published size and the note that says so.
    pub(super) fn published(&self) -> Result<(TreeSize, String)> {
        match self {
            Self::Here { open, .. } => {
                let published = open.trail.published();
                Ok((published.checkpoint.size(), published.note.to_string()))
            }
            Self::There { server, slug } => {
                let status = status(server, slug)?;
                Ok((TreeSize::new(status.published_size), status.checkpoint))
            }
        }
    }

    /// A tile or a bundle of the published tree.
    pub(super) fn resource(&self, path: &str) -> Result<Vec<u8>> {
        match self {
            Self::Here { open, .. } => {
                let bytes = open.trail.resource(path)?;
                Ok(bytes.with_context(|| format!("{path} is missing"))?.to_vec())
            }
            Self::There { server, slug } => {
                let body = server.get(&format!("/trails/{slug}/{path}"), &[])?;
                let mut bytes = Vec::new();
                body.into_reader().take(RESOURCE_BYTES_MAX).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

/// How far a trail is.
pub(super) fn status(server: &Running, slug: &Slug) -> Result<Status> {
    server.json(&format!("/api/v1/trails/{slug}/status"))
}

/// The events that a query finds in the directory, page by page.
fn newest(open: &OpenTrail, query: &Query, limit: usize, each: Each<'_>) -> Result<()> {
    let size = open.trail.committed_size();
    if !open.projection.wait_for(size, CATCH_UP) {
        bail!("the search index did not catch up in {} s", CATCH_UP.as_secs());
    }
    let mut left = limit;
    let mut after: Option<Cursor> = None;
    while left > 0 {
        let page =
            open.projection.search(query, Order::Newest, left.min(PAGE_MAX), after.as_ref())?;
        for index in &page.indexes {
            // One at a time: each may have megabytes of its own.
            open.trail.read_many(&[*index])?.iter().try_for_each(&mut *each)?;
        }
        left = left.saturating_sub(page.indexes.len());
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(())
}

/// The events that a query finds in the server, page by page.
fn pages(server: &Running, slug: &Slug, query: &str, limit: usize, each: Each<'_>) -> Result<()> {
    let path = format!("/api/v1/trails/{slug}/events");
    let mut left = limit;
    let mut cursor = None;
    // What is recorded now can be found, as it can be in the directory.
    let last = status(server, slug)?.committed_size.checked_sub(1);
    let mut at_least = last.map(|last| last.to_string());
    while left > 0 {
        let count = left.min(PAGE_MAX).to_string();
        let mut parameters = vec![("q", query), ("limit", count.as_str())];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        parameters.extend(at_least.as_deref().map(|index| ("at_least", index)));
        let text = running::read(server.get(&path, &parameters)?)?;
        let page: Page<'_> = serde_json::from_str(&text).context("the server's answer is odd")?;
        for event in &page.events {
            each(&recorded(event.get())?)?;
        }
        left = left.saturating_sub(page.events.len());
        at_least = None;
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(())
}

/// The event that the server wrote as JSON, with its index first.
fn recorded(json: &str) -> Result<Recorded> {
    let split = json.strip_prefix("{\"index\":").and_then(|rest| rest.split_once(','));
    let (index, rest) = split.context("the server's answer is not an event")?;
    Ok(Recorded { index: index.parse()?, entry: format!("{{{rest}").into(), openings: Vec::new() })
}

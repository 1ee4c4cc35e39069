//! Appending: batches, and events one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::task::JoinSet;

use super::api::{self, Access};
use super::http::Connection;
use super::server::Server;
use crate::corpus::Corpus;
use crate::latency::Latencies;

/// How a load went.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// From the first event sent to the last acknowledged.
    pub(crate) acknowledged: Duration,
    /// From the first event sent until the last can be found.
    pub(crate) findable: Duration,
    /// Of each acknowledgement.
    pub(crate) latencies: Latencies,
    /// The highest index that was acknowledged.
    pub(crate) last_index: u64,
    /// How often the server asked to slow down.
    pub(crate) refusals: u64,
}

/// What one connection did.
#[derive(Debug, Default)]
struct Share {
    latencies: Latencies,
    last_index: u64,
    refusals: u64,
}

/// Appends the first `batches` batches over some connections, each batch one request.
pub(crate) async fn batches(
    server: &Server,
    access: &Access,
    corpus: &Arc<Corpus>,
    batches: u64,
    connections: usize,
) -> Result<Load> {
    let next = Arc::new(AtomicU64::new(0));
    let open = open(server, connections).await?;
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for mut connection in open {
        let (next, corpus, access) = (Arc::clone(&next), Arc::clone(corpus), access.clone());
        tasks.spawn(async move {
            let mut share = Share::default();
            let [mut documents, mut request] = [const { Vec::new() }; 2];
            loop {
                let batch = next.fetch_add(1, Ordering::Relaxed);
                if batch >= batches {
                    return anyhow::Ok(share);
                }
                corpus.documents(batch, &mut documents)?;
                access.append("application/x-ndjson", &documents, &mut request);
                share.send(&mut connection, &request).await?;
            }
        });
    }
    finish(server, access, tasks, start).await
}

/// Appends the events of the first `batches` batches one by one over some connections.
pub(crate) async fn singles(
    server: &Server,
    access: &Access,
    corpus: &Corpus,
    batches: u64,
    connections: usize,
) -> Result<Load> {
    let requests = Arc::new(requests(access, corpus, batches)?);
    let next = Arc::new(AtomicU64::new(0));
    let open = open(server, connections).await?;
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for mut connection in open {
        let (next, requests) = (Arc::clone(&next), Arc::clone(&requests));
        tasks.spawn(async move {
            let mut share = Share::default();
            loop {
                let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed))?;
                let Some(request) = requests.get(place) else { return anyhow::Ok(share) };
                share.send(&mut connection, request).await?;
            }
        });
    }
    finish(server, access, tasks, start).await
}

/// Each event of the first batches as a request of its own.
pub(crate) fn requests(access: &Access, corpus: &Corpus, batches: u64) -> Result<Vec<Vec<u8>>> {
    let mut documents = Vec::new();
    let mut requests = Vec::new();
    for batch in 0..batches {
        corpus.documents(batch, &mut documents)?;
        for line in documents.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut request = Vec::with_capacity(line.len() + 256);
            access.append("application/json", line, &mut request);
            requests.push(request);
        }
    }
    Ok(requests)
}

impl Share {
    /// Sends one request until it is taken, and counts the time from the first try.
    async fn send(&mut self, connection: &mut Connection, request: &[u8]) -> Result<()> {
        let sent = Instant::now();
        loop {
            let (status, body) = connection.request(request).await?;
            match status {
                200 | 201 => {
                    self.last_index = self.last_index.max(api::last_index(body)?);
                    self.latencies.since(sent);
                    return Ok(());
                }
                429 | 503 => self.refusals += 1,
                _ => bail!("{status}: {}", String::from_utf8_lossy(body)),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn open(server: &Server, connections: usize) -> Result<Vec<Connection>> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(server.connect().await?);
    }
    Ok(open)
}

async fn finish(
    server: &Server,
    access: &Access,
    mut tasks: JoinSet<Result<Share>>,
    start: Instant,
) -> Result<Load> {
    let mut load = Load::default();
    while let Some(ended) = tasks.join_next().await {
        let share = ended.context("a connection's task")??;
        load.latencies.merge(share.latencies);
        load.last_index = load.last_index.max(share.last_index);
        load.refusals += share.refusals;
    }
    load.acknowledged = start.elapsed();
    crate::say(&format!("acknowledged after {:.2} s", load.acknowledged.as_secs_f64()));
    access.until_findable(&mut server.connect().await?, load.last_index).await?;
    load.findable = start.elapsed();
    Ok(load)
}

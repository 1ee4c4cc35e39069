//! Filling the table: `COPY` in batches, and rows one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::schema;
use super::side::DATABASE;
use crate::corpus::Corpus;
use crate::generate::BATCH;
use crate::latency::Latencies;

/// How a load went.
#[derive(Debug)]
pub(crate) struct Load {
    /// From the first event sent to the last acknowledged.
    pub(crate) elapsed: Duration,
    /// Of each commit.
    pub(crate) latencies: Latencies,
    /// Memory of all server processes at the end, in bytes.
    pub(crate) memory: u64,
}

/// Copies the first `batches` batches over some connections, each batch a durable transaction.
pub(crate) async fn copy(
    cluster: &Cluster,
    corpus: &Arc<Corpus>,
    batches: u64,
    connections: usize,
) -> Result<Load> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(cluster.connect(DATABASE).await?);
    }
    let start = Instant::now();
    for mut connection in open {
        let (next, corpus) = (Arc::clone(&next), Arc::clone(corpus));
        tasks.spawn(async move {
            let sql = schema::copy();
            let mut latencies = Latencies::default();
            let [mut documents, mut columns, mut rows] = [const { Vec::new() }; 3];
            loop {
                let batch = next.fetch_add(1, Ordering::Relaxed);
                if batch >= batches {
                    return anyhow::Ok((connection, latencies));
                }
                corpus.documents(batch, &mut documents)?;
                corpus.columns(batch, &mut columns)?;
                join(&columns, &documents, &mut rows);
                let sent = Instant::now();
                connection.copy(&sql, &rows).await?;
                latencies.since(sent);
            }
        });
    }
    finish(cluster, tasks, start).await
}

/// Inserts the events of the first `batches` batches one by one, each a durable transaction.
pub(crate) async fn insert(
    cluster: &Cluster,
    corpus: &Corpus,
    batches: u64,
    connections: usize,
) -> Result<Load> {
    let rows: Arc<Vec<Vec<u8>>> = Arc::new(all_rows(corpus, batches)?);
    let next = Arc::new(AtomicU64::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = cluster.connect(DATABASE).await?;
        connection.prepare(&schema::insert()).await?;
        open.push(connection);
    }
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for mut connection in open {
        let (next, rows) = (Arc::clone(&next), Arc::clone(&rows));
        tasks.spawn(async move {
            let mut latencies = Latencies::default();
            loop {
                let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed))?;
                let Some(row) = rows.get(place) else { return Ok((connection, latencies)) };
                let parameters: Vec<&[u8]> = row.splitn(9, |byte| *byte == b'\t').collect();
                let sent = Instant::now();
                connection.execute(&parameters).await?;
                latencies.since(sent);
            }
        });
    }
    finish(cluster, tasks, start).await
}

async fn finish(
    cluster: &Cluster,
    mut tasks: JoinSet<Result<(super::wire::Connection, Latencies)>>,
    start: Instant,
) -> Result<Load> {
    let mut latencies = Latencies::default();
    // Kept open, so that the memory of their processes is still there to be counted.
    let mut connections = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (connection, times) = ended.context("a connection's task")??;
        connections.push(connection);
        latencies.merge(times);
    }
    let elapsed = start.elapsed();
    let memory = crate::machine::proportional(cluster.process()?)?;
    Ok(Load { elapsed, latencies, memory })
}

/// Every event's row, as `COPY` would take it, without its line feed.
fn all_rows(corpus: &Corpus, batches: u64) -> Result<Vec<Vec<u8>>> {
    let [mut documents, mut columns, mut rows] = [const { Vec::new() }; 3];
    let mut all = Vec::new();
    for batch in 0..batches {
        corpus.documents(batch, &mut documents)?;
        corpus.columns(batch, &mut columns)?;
        join(&columns, &documents, &mut rows);
        all.extend(
            rows.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()).map(<[u8]>::to_vec),
        );
    }
    ensure!(all.len() as u64 == batches * BATCH, "a batch is short");
    Ok(all)
}

/// Replaces `rows` by the lines of `columns`, each with its document as the last column. The
/// documents hold no backslash, so `COPY` takes them as they are.
fn join(columns: &[u8], documents: &[u8], rows: &mut Vec<u8>) {
    rows.clear();
    let mut documents = documents.split_inclusive(|byte| *byte == b'\n');
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', columns) {
        rows.extend_from_slice(columns.get(start..end).unwrap_or_default());
        rows.push(b'\t');
        rows.extend_from_slice(documents.next().unwrap_or_default());
        start = end + 1;
    }
}

//! What is measured of PostgreSQL, in order.

use std::sync::Arc;

use anyhow::Result;

use super::cluster::Cluster;
use super::load::{self, Load};
use super::questions;
use super::schema::{self, Words};
use crate::corpus::Corpus;
use crate::figures::Figures;
use crate::generate::{BATCH, Generator};
use crate::number::float;
use crate::settings::{CONNECTIONS, Settings};

/// The database that everything happens in.
pub(crate) const DATABASE: &str = "postgres";

/// Measures PostgreSQL: loads, memory, disk, questions, single rows.
pub(crate) async fn measure(
    settings: &Settings,
    generator: &Generator,
    corpus: &Arc<Corpus>,
    figures: &mut Figures,
) -> Result<()> {
    let cluster = Cluster::start(&settings.postgres, &settings.folder, &settings.postgres_setting)?;
    let version = cluster.connect(DATABASE).await?.query("SHOW server_version").await?;
    figures.about = format!("PostgreSQL {}", version.first().next().unwrap_or_default());
    crate::say(&figures.about);

    let sweep = settings.sweep_batches(corpus);
    let mut best = (0.0, 1);
    for words in [Words::Absent, Words::Indexed] {
        for connections in CONNECTIONS {
            let load = fill(&cluster, corpus, words, sweep, connections).await?;
            let rate = float(sweep * BATCH) / load.elapsed.as_secs_f64();
            figures.set(format!("sweep.{}.{connections}.rate", words.name()), rate);
            if rate > best.0 {
                best = (rate, connections);
            }
        }
    }
    if let Some(smaller) = settings.smaller_batches() {
        fill(&cluster, corpus, Words::Indexed, smaller, best.1).await?;
        questions::ask(&cluster, settings, generator, smaller * BATCH, figures).await?;
    }
    for words in [Words::Absent, Words::Indexed] {
        let name = words.name();
        let written = wal(&cluster).await?;
        let load = fill(&cluster, corpus, words, corpus.batches(), best.1).await?;
        note_load(figures, &format!("load.{name}"), corpus.batches(), &load);
        let events = float(corpus.batches() * BATCH);
        let written = wal(&cluster).await? - written;
        figures.set(format!("disk.{name}.wal_bytes_per_event"), written / events);
        figures.set(format!("disk.{name}.bytes_per_event"), disk(&cluster).await? / events);
    }
    if settings.asks() {
        questions::ask(&cluster, settings, generator, corpus.batches() * BATCH, figures).await?;
    }
    singles(&cluster, settings, corpus, figures).await
}

async fn singles(
    cluster: &Cluster,
    settings: &Settings,
    corpus: &Arc<Corpus>,
    figures: &mut Figures,
) -> Result<()> {
    let batches = settings.single_batches(corpus);
    for words in [Words::Absent, Words::Indexed] {
        cluster.connect(DATABASE).await?.query(&schema::create(words)).await?;
        let load = load::insert(cluster, corpus, batches, settings.single_connections).await?;
        note_load(figures, &format!("singles.{}", words.name()), batches, &load);
    }
    Ok(())
}

fn note_load(figures: &mut Figures, name: &str, batches: u64, load: &Load) {
    let seconds = load.elapsed.as_secs_f64();
    figures.set(format!("{name}.rate"), float(batches * BATCH) / seconds);
    figures.set_latency(name, &load.latencies);
    figures.set(format!("{name}.memory_mb"), float(load.memory) / 1e6);
}

/// A new table with the first `batches` batches in it.
async fn fill(
    cluster: &Cluster,
    corpus: &Arc<Corpus>,
    words: Words,
    batches: u64,
    connections: usize,
) -> Result<Load> {
    let mut connection = cluster.connect(DATABASE).await?;
    connection.query(&schema::create(words)).await?;
    connection.query("CHECKPOINT").await?;
    load::copy(cluster, corpus, batches, connections).await
}

/// Bytes of the table with its indexes.
async fn disk(cluster: &Cluster) -> Result<f64> {
    let mut connection = cluster.connect(DATABASE).await?;
    connection.query("CHECKPOINT").await?;
    Ok(float(connection.number("SELECT pg_total_relation_size('events')").await?))
}

/// Bytes of write-ahead log that were ever written.
async fn wal(cluster: &Cluster) -> Result<f64> {
    let mut connection = cluster.connect(DATABASE).await?;
    let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
    Ok(float(connection.number(sql).await?))
}

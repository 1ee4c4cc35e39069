//! What is measured of the running server, in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::load::{self, Load};
use super::questions;
use super::server::{Installation, Server};
use crate::corpus::Corpus;
use crate::figures::Figures;
use crate::generate::{BATCH, Generator};
use crate::machine;
use crate::number::float;
use crate::settings::{CONNECTIONS, Settings};

/// The trail that all the events go to.
pub(crate) const TRAIL: &str = "bench";

/// Where the data directory with all the events stays, for the commands to work on.
pub(crate) fn full(settings: &Settings) -> PathBuf {
    settings.folder.join("indelible-full")
}

/// Measures Indelible: loads, memory, disk, questions, single events.
pub(crate) async fn measure(
    settings: &Settings,
    generator: &Generator,
    corpus: &Arc<Corpus>,
    figures: &mut Figures,
) -> Result<()> {
    let sweep = settings.sweep_batches(corpus);
    let mut best = (0.0, 1);
    for connections in CONNECTIONS {
        let folder = settings.folder.join("indelible-sweep");
        let installation = Installation::create(&settings.binary, &folder)?;
        let access = installation.trail(TRAIL)?;
        let server = installation.serve().await?;
        let load = load::batches(&server, &access, corpus, sweep, connections).await?;
        let rate = rate(sweep, load.acknowledged);
        figures.set(format!("sweep.{connections}.rate"), rate);
        figures.set(format!("sweep.{connections}.findable_rate"), self::rate(sweep, load.findable));
        if rate > best.0 {
            best = (rate, connections);
        }
        server.stop()?;
        machine::set_aside(installation.data())?;
    }
    if let Some(smaller) = settings.smaller_batches() {
        let folder = settings.folder.join("indelible-smaller");
        let installation = Installation::create(&settings.binary, &folder)?;
        let access = installation.trail(TRAIL)?;
        let server = installation.serve().await?;
        load::batches(&server, &access, corpus, smaller, best.1).await?;
        settle(&installation).await?;
        let events = smaller * BATCH;
        questions::ask(&server, &access, settings, generator, events, figures).await?;
        server.stop()?;
        machine::set_aside(installation.data())?;
    }
    load_all(settings, generator, corpus, best.1, figures).await?;
    singles(settings, corpus, figures).await
}

/// Measures all the batches over two connections, and what they take on disk.
pub(crate) async fn batches(
    settings: &Settings,
    corpus: &Arc<Corpus>,
    figures: &mut Figures,
) -> Result<()> {
    let installation =
        Installation::create(&settings.binary, &settings.folder.join("indelible-batches"))?;
    let access = installation.trail(TRAIL)?;
    let server = installation.serve().await?;
    let load = load::batches(&server, &access, corpus, corpus.batches(), 2).await?;
    note_load(figures, "batches", corpus.batches(), &load, &server)?;
    settle(&installation).await?;
    let bytes = float(machine::folder_bytes(installation.data())?);
    figures.set("batches.bytes_per_event", bytes / float(corpus.batches() * BATCH));
    server.stop()?;
    machine::set_aside(installation.data())
}

async fn load_all(
    settings: &Settings,
    generator: &Generator,
    corpus: &Arc<Corpus>,
    connections: usize,
    figures: &mut Figures,
) -> Result<()> {
    let installation = Installation::create(&settings.binary, &full(settings))?;
    let access = installation.trail(TRAIL)?;
    let server = installation.serve().await?;
    let load = load::batches(&server, &access, corpus, corpus.batches(), connections).await?;
    note_load(figures, "load", corpus.batches(), &load, &server)?;
    settle(&installation).await?;
    let bytes = float(machine::folder_bytes(installation.data())?);
    figures.set("disk.bytes_per_event", bytes / float(corpus.batches() * BATCH));
    if settings.asks() {
        let events = corpus.batches() * BATCH;
        questions::ask(&server, &access, settings, generator, events, figures).await?;
        figures.set("questions.peak_mb", float(machine::peak_resident(server.process())?) / 1e6);
    }
    server.stop()
}

/// Measures single events, each acknowledged for itself.
pub(crate) async fn singles(
    settings: &Settings,
    corpus: &Arc<Corpus>,
    figures: &mut Figures,
) -> Result<()> {
    let installation =
        Installation::create(&settings.binary, &settings.folder.join("indelible-singles"))?;
    let access = installation.trail(TRAIL)?;
    let server = installation.serve().await?;
    let batches = settings.single_batches(corpus);
    let load =
        load::singles(&server, &access, corpus, batches, settings.single_connections).await?;
    note_load(figures, "singles", batches, &load, &server)?;
    server.stop()?;
    machine::set_aside(installation.data())
}

fn note_load(
    figures: &mut Figures,
    name: &str,
    batches: u64,
    load: &Load,
    server: &Server,
) -> Result<()> {
    figures.set(format!("{name}.rate"), rate(batches, load.acknowledged));
    figures.set(format!("{name}.findable_rate"), rate(batches, load.findable));
    figures.set_latency(name, &load.latencies);
    figures.set(format!("{name}.refusals"), float(load.refusals));
    figures.set(format!("{name}.last_index"), float(load.last_index));
    let peak = machine::peak_resident(server.process())?;
    let anonymous = machine::anonymous(server.process())?;
    let processor = machine::processor_seconds(server.process())?;
    figures.set(format!("{name}.peak_mb"), float(peak) / 1e6);
    figures.set(format!("{name}.anonymous_mb"), float(anonymous) / 1e6);
    figures.set(format!("{name}.server_us_per_event"), processor * 1e6 / float(batches * BATCH));
    Ok(())
}

fn rate(batches: u64, time: Duration) -> f64 {
    float(batches * BATCH) / time.as_secs_f64()
}

/// Waits until the data directory has not changed its size for fifteen seconds: published, merged. What
/// search has in memory goes to disk when nothing has come for ten.
async fn settle(installation: &Installation) -> Result<()> {
    let (mut last, mut same) = (0, 0);
    for _ in 0..24 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let bytes = machine::folder_bytes(installation.data())?;
        same = if bytes == last { same + 1 } else { 0 };
        if same == 3 {
            break;
        }
        last = bytes;
    }
    Ok(())
}

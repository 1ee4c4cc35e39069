//! The commands that go through everything: check, export, and the rebuild of the search index.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::server::Installation;
use super::side::{TRAIL, full};
use crate::figures::Figures;
use crate::machine;
use crate::number::float;
use crate::settings::Settings;

/// Measures the commands on the data directory that the load left.
pub(crate) async fn measure(settings: &Settings, figures: &mut Figures) -> Result<()> {
    let installation = Installation::existing(&settings.binary, &full(settings))?;
    let events = settings.events();
    check(&installation, events, figures)?;
    export(&installation, events, settings, figures)?;
    rebuild(&installation, events, figures).await
}

fn check(installation: &Installation, events: u64, figures: &mut Figures) -> Result<()> {
    let (begun, before) = (Instant::now(), machine::children_seconds()?);
    let mut command = installation.program();
    let status = command.arg("check").arg("--data").arg(installation.data()).status()?;
    let seconds = begun.elapsed().as_secs_f64();
    let processor = machine::children_seconds()? - before;
    ensure!(status.success(), "check ended with {status}");
    figures.set("check.rate", float(events) / seconds);
    figures.set("check.rate_per_core", float(events) / processor.max(0.01));
    Ok(())
}

fn export(
    installation: &Installation,
    events: u64,
    settings: &Settings,
    figures: &mut Figures,
) -> Result<()> {
    let path = settings.folder.join("export.csv");
    let begun = Instant::now();
    let mut command = installation.program();
    command.arg("export").arg("--data").arg(installation.data());
    command.args(["--trail", TRAIL, "--format", "csv"]).stdout(File::create(&path)?);
    let status = command.status()?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(status.success(), "export ended with {status}");
    let rows = count_lines(&path)?.saturating_sub(1);
    ensure!(rows >= events, "{rows} rows were exported of {events} events");
    figures.set("export.rate", float(rows) / seconds);
    Ok(std::fs::remove_file(path)?)
}

async fn rebuild(installation: &Installation, events: u64, figures: &mut Figures) -> Result<()> {
    let access = installation.token(TRAIL)?;
    let search = installation.data().join("search");
    ensure!(search.try_exists()?, "no search index at {}", search.display());
    std::fs::remove_dir_all(search)?;
    let begun = Instant::now();
    let server = installation.serve().await?;
    let mut connection = server.connect().await?;
    access.until_findable(&mut connection, events - 1).await?;
    figures.set("rebuild.rate", float(events) / begun.elapsed().as_secs_f64());
    figures.set("rebuild.peak_mb", float(machine::peak_resident(server.process())?) / 1e6);
    server.stop()
}

fn count_lines(path: &std::path::Path) -> Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).context("the export")?);
    let mut lines = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += memchr::memchr_iter(b'\n', buffer).count() as u64;
        let read = buffer.len();
        reader.consume(read);
    }
}

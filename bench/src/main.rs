//! The benchmark: the same synthetic events through Indelible and through PostgreSQL, on the same
//! machine, one after the other, both durable, and a table of the ratios.
//!
//! `bench/run.sh` builds both programs and runs this. Not a test: its figures depend on the
//! machine. What is measured and why stands in `docs/performance.md`.
//!
//! Honesty rules: the events, the batch size and the load generator's weight are the same for both;
//! PostgreSQL is compared by its best of several set-ups; both sides' answers to the questions must
//! be equal, event by event.

mod corpus;
mod figures;
mod generate;
mod indelible;
mod latency;
mod machine;
mod number;
mod postgres;
mod question;
mod random;
mod report;
mod settings;
mod vocabulary;

use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::corpus::Corpus;
use crate::figures::Figures;
use crate::generate::Generator;
use crate::report::Report;
use crate::settings::{Phase, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = Settings::parse();
    // A signal drops what runs, and with it both servers.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = run(&settings) => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn run(settings: &Settings) -> Result<()> {
    std::fs::create_dir_all(&settings.folder)
        .with_context(|| format!("create {}", settings.folder.display()))?;
    let generator = Generator::new(settings.seed, settings.events());
    say(&format!("{} events on {}", settings.events(), machine::describe()));
    let corpus = Corpus::write(&settings.folder.join("corpus"), &generator, settings.events())?;
    let corpus = Arc::new(corpus);
    say(&format!("{:.1} bytes an event", corpus.bytes_per_event()));
    if settings.does(Phase::Postgres) {
        let mut figures = Figures::default();
        postgres::measure(settings, &generator, &corpus, &mut figures).await?;
        figures.save(&settings.figures_of("postgres"))?;
    }
    let path = settings.figures_of("indelible");
    if settings.does(Phase::Indelible) {
        let mut figures = Figures { about: version(settings)?, ..Figures::default() };
        indelible::measure(settings, &generator, &corpus, &mut figures).await?;
        figures.save(&path)?;
    }
    let mut figures = Figures::load(&path)?.unwrap_or_default();
    if settings.phase.contains(&Phase::Batches) {
        indelible::measure_batches(settings, &corpus, &mut figures).await?;
        figures.save(&path)?;
    }
    if settings.phase.contains(&Phase::Singles) {
        indelible::measure_singles(settings, &corpus, &mut figures).await?;
        figures.save(&path)?;
    }
    if settings.does(Phase::Tools) {
        indelible::measure_tools(settings, &mut figures).await?;
        figures.save(&path)?;
    }
    if settings.does(Phase::Trails) {
        indelible::measure_trails(settings, &corpus, &mut figures).await?;
        figures.save(&path)?;
    }
    if settings.does(Phase::Report) {
        let theirs = Figures::load(&settings.figures_of("postgres"))?.unwrap_or_default();
        let text = Report::write(settings, &figures, &theirs);
        std::io::stdout().lock().write_all(text.as_bytes())?;
        machine::remove_set_aside(&settings.folder)?;
    }
    Ok(())
}

/// What the program calls itself.
fn version(settings: &Settings) -> Result<String> {
    let output = std::process::Command::new(&settings.binary).arg("--version").output();
    let output = output.with_context(|| format!("run {}", settings.binary.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Says how it goes, on standard error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

//! What to measure, and how long.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use crate::corpus::Corpus;
use crate::generate::BATCH;

/// Measures Indelible beside PostgreSQL with the same events, and prints a table of ratios.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Settings {
    /// How many events to load; 5,000,000 when it is not given, 200,000 for a fast look.
    #[arg(long)]
    pub(crate) events: Option<u64>,
    /// A fast look: fewer events, 50 runs of each question.
    #[arg(long)]
    pub(crate) quick: bool,
    /// What to do; `all` does everything and prints the table.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    pub(crate) phase: Vec<Phase>,
    /// Leave the twelve questions out.
    #[arg(long)]
    pub(crate) no_questions: bool,
    /// The seed of the events.
    #[arg(long, default_value_t = 20_250_101)]
    pub(crate) seed: u64,
    /// Connections that send single events.
    #[arg(long, default_value_t = 64)]
    pub(crate) single_connections: usize,
    /// The folder for everything: events, both servers' data, figures.
    #[arg(long, default_value = "/var/tmp/indelible-bench")]
    pub(crate) folder: PathBuf,
    /// The folder of PostgreSQL's programs.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    pub(crate) postgres: PathBuf,
    /// A setting of PostgreSQL to try, such as `commit_delay=100`; can be given again.
    #[arg(long)]
    pub(crate) postgres_setting: Vec<String>,
    /// The Indelible program.
    #[arg(long, default_value = "target/release/indelible")]
    pub(crate) binary: PathBuf,
}

/// How many connections the batches are tried over.
pub(crate) const CONNECTIONS: [usize; 3] = [1, 2, 4];
/// Runs of each question before those that are measured.
pub(crate) const WARM_UP: u64 = 5;

/// Whether a question has had its share of time: two minutes and 20 runs.
pub(crate) fn enough(begun: Instant, runs: usize) -> bool {
    runs >= 20 && begun.elapsed() > Duration::from_mins(2)
}

/// A part that can be run on its own; figures of earlier parts are kept in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Phase {
    /// Everything.
    All,
    /// PostgreSQL: loads, disk, memory, questions.
    Postgres,
    /// Indelible: loads, disk, memory, questions.
    Indelible,
    /// Indelible: batches alone, over two connections, to look into them.
    Batches,
    /// Indelible: single events alone, to look into them.
    Singles,
    /// Indelible: check, export, rebuild of the search index.
    Tools,
    /// Indelible: 500 trails, idle and with one of them flooded.
    Trails,
    /// The table, from the figures of the last runs.
    Report,
}

impl Settings {
    /// The events that are loaded.
    pub(crate) fn events(&self) -> u64 {
        self.events.unwrap_or(if self.quick { 200_000 } else { 5_000_000 })
    }

    /// Whether a part is to be run.
    pub(crate) fn does(&self, phase: Phase) -> bool {
        self.phase.contains(&phase) || self.phase.contains(&Phase::All)
    }

    /// Whether the questions are asked.
    pub(crate) const fn asks(&self) -> bool {
        !self.no_questions
    }

    /// Batches of the runs that find the best number of connections: at most 300,000 events.
    pub(crate) fn sweep_batches(&self, corpus: &Corpus) -> u64 {
        corpus.batches().min(if self.quick { 50 } else { 300 })
    }

    /// Batches whose events are sent one by one.
    pub(crate) fn single_batches(&self, corpus: &Corpus) -> u64 {
        corpus.batches().min(if self.quick { 50 } else { 300_000 / BATCH })
    }

    /// Runs of each question that are measured.
    pub(crate) const fn runs(&self) -> u64 {
        if self.quick { 50 } else { 200 }
    }

    /// Batches of a smaller load over which the questions are asked too: a million events, if the
    /// whole is more than that.
    pub(crate) fn smaller_batches(&self) -> Option<u64> {
        (self.asks() && self.events() > 1_000_000).then_some(1_000_000 / BATCH)
    }

    /// The numbers of events over which the questions are asked.
    pub(crate) fn question_sizes(&self) -> Vec<u64> {
        let smaller = self.smaller_batches().map(|batches| batches * BATCH);
        smaller.into_iter().chain([self.events().div_ceil(BATCH) * BATCH]).collect()
    }

    /// Where the figures of one side are kept.
    pub(crate) fn figures_of(&self, side: &str) -> PathBuf {
        self.folder.join(format!("{side}-{}.json", self.events()))
    }
}

//! One file a command.

mod check;
mod demo;
mod deposit;
mod export;
mod find;
mod import;
mod init;
mod receipt;
mod serve;
mod tail;
mod token;
mod trail;
mod verify;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use server::instance::{Instance, InstanceError, OpenTrail};

use crate::cli::{Cli, Command, InTrail, Place};
use crate::config::Config;
use crate::exit::Exit;

/// Runs what was asked for.
pub(crate) fn run(cli: Cli) -> Result<Exit> {
    match cli.command {
        Command::Init { dir, origin, state_dir } => init::run(&dir, &origin, state_dir),
        Command::Serve(serve) => serve::run(&serve),
        Command::Demo { dir, listen } => demo::run(dir, listen),
        Command::Import(import) => import::run(&import),
        Command::Export(export) => match &export.static_tree {
            Some(folder) => export::static_tree(&export.at, folder),
            None => export::run(&export),
        },
        Command::Search { query, at, output, limit } => find::run(&query, &at, output, limit),
        Command::Tail { server, token, trail, query } => tail::run(&server, &token, &trail, &query),
        Command::Verify { vkey, log, entry, token } => {
            verify::run(&vkey, &log, entry.as_deref(), token.as_deref())
        }
        Command::Check { place, trail, output } => check::run(&place, trail.as_ref(), output),
        Command::Receipt { index, at } => receipt::run(index, &at),
        Command::Token(command) => token::run(command),
        Command::Deposit(command) => deposit::run(command),
        Command::Trail(command) => trail::run(command),
    }
}

/// Opens a data directory for this process alone.
fn open(place: &Place) -> Result<Arc<Instance>> {
    open_at(Config::of(place)?)
}

/// Opens the data directory of a configuration.
fn open_at(config: Config) -> Result<Arc<Instance>> {
    Instance::open(&config.data, config.options).map_err(explain)
}

/// Opens a data directory and one of its trails.
fn open_trail(at: &InTrail) -> Result<(Arc<Instance>, Arc<OpenTrail>)> {
    let instance = open(&at.place)?;
    let trail = instance.trail(&at.trail).with_context(|| {
        format!("see `indelible trail list`, or make it with `indelible trail create {}`", at.trail)
    })?;
    Ok((instance, trail))
}

/// Says what to do about a directory that a server has open.
fn explain(error: InstanceError) -> anyhow::Error {
    let locked = matches!(error, InstanceError::Store(store::Error::Locked { .. }));
    let error = anyhow::Error::from(error);
    if locked {
        error.context("a server has this directory open; stop it, or ask it over HTTP")
    } else {
        error
    }
}

//! One file a command.

mod check;
mod clock;
mod demo;
mod deposit;
mod export;
mod find;
mod import;
mod init;
mod receipt;
mod serve;
mod source;
mod tail;
mod token;
mod trail;
mod verify;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use registry::Slug;
use server::instance::{Instance, InstanceError, OpenTrail};

use self::source::Source;
use crate::cli::{Cli, Command, InTrail, Place};
use crate::config::Config;
use crate::exit::{Exit, usage};
use crate::running::Running;

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
        Command::Search { query, at, output, limit } => {
            find::run(&whole(&query)?, &at, output, limit)
        }
        Command::Tail { server, token, trail, query } => {
            tail::run(&server, &token, &trail, &whole(&query)?)
        }
        Command::Verify { vkey, log, entry, token } => {
            verify::run(&vkey, &log, entry.as_deref(), token.as_deref())
        }
        Command::Check { place, trail, output } => check::run(&place, trail.as_ref(), output),
        Command::Receipt { index, at } => receipt::run(index, &at),
        Command::Token(command) => token::run(command),
        Command::Deposit(command) => deposit::run(command),
        Command::Trail(command) => trail::run(command),
        Command::Clock(command) => clock::run(command),
    }
}

/// A query that may come in several arguments. The shell has taken the quotes of a phrase away: it
/// must not be searched for as loose words.
fn whole(arguments: &[String]) -> Result<String> {
    match arguments {
        [one] => Ok(one.clone()),
        many if many.iter().any(|word| word.contains(char::is_whitespace)) => Err(usage(
            "put the whole query in single quotes, so that the shell leaves its quotes alone: \
             'actor:ana \"lot 42\"'",
        )),
        many => Ok(many.join(" ")),
    }
}

/// A data directory as a command has it.
enum Opened {
    /// Opened by this process alone.
    Here(Arc<Instance>),
    /// Open in a server, which is asked.
    There(Running),
}

/// Asks the server that has a data directory open, or else opens it for this process alone.
fn open(place: &Place) -> Result<Opened> {
    open_at(&Config::of(place)?)
}

/// The same for the data directory of a configuration.
fn open_at(config: &Config) -> Result<Opened> {
    /// A server that just begins has the lock and no socket yet; another command ends soon.
    const ATTEMPTS: u32 = 30;
    let mut attempt = 1;
    loop {
        if let Some(server) = Running::of(&config.data)? {
            return Ok(Opened::There(server));
        }
        owned(&config.data)?;
        match Instance::open(&config.data, config.options.clone()) {
            Err(InstanceError::Store(store::Error::Locked { .. })) if attempt < ATTEMPTS => {
                thread::sleep(Duration::from_millis(100));
                attempt += 1;
            }
            opened => {
                return opened
                    .map(Opened::Here)
                    .map_err(|error| refused(error, &config.options.state_folder));
            }
        }
    }
}

/// Refuses that root makes files in a directory of somebody else, whose server could then not start.
fn owned(data: &Path) -> Result<()> {
    let Ok(about) = std::fs::metadata(data) else { return Ok(()) };
    let owner = about.uid();
    if owner == 0 || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(usage(format!(
        "{} belongs to the user {owner}, who could not use what root makes in it; run this as that \
         user: sudo -u '#{owner}' …",
        data.display()
    )))
}

/// Opens a data directory for this process alone, for what no server does for a command.
fn open_here(config: &Config) -> Result<Arc<Instance>> {
    match open_at(config)? {
        Opened::Here(instance) => Ok(instance),
        Opened::There(_) => bail!("a server has this directory open; stop it for this"),
    }
}

/// Opens a trail for reading.
fn read(at: &InTrail) -> Result<Source> {
    Ok(match open(&at.place)? {
        Opened::Here(instance) => {
            let open = open_trail(&instance, &at.trail)?;
            Source::Here { _instance: instance, open }
        }
        Opened::There(server) => Source::There { server, slug: at.trail.clone() },
    })
}

/// Opens a trail of a directory that this process has open.
fn open_trail(instance: &Instance, slug: &Slug) -> Result<Arc<OpenTrail>> {
    instance.trail(slug).map_err(|error| {
        let missing = matches!(error, InstanceError::NoTrail { .. });
        let error = refused(error, &instance.options().state_folder);
        if !missing {
            return error.context(format!("the trail `{slug}` cannot be opened"));
        }
        error.context(format!(
            "see `indelible trail list`, or make it with `indelible trail create {slug}`"
        ))
    })
}

/// Says what to do about a directory that is not the one remembered, or cannot be opened.
fn refused(error: InstanceError, state: &Path) -> anyhow::Error {
    let other = matches!(
        &error,
        InstanceError::Trail(::trail::Error::Corrupt(found)) if found.contradicts_remembered()
    );
    let error = explain(error);
    if !other {
        return error;
    }
    error.context(format!(
        "this is not what the state directory {} remembers; docs/operations.md (Restore) says what \
         that can mean",
        state.display()
    ))
}

/// Says what to do about a directory that a server has open.
fn explain(error: InstanceError) -> anyhow::Error {
    let locked = matches!(error, InstanceError::Store(store::Error::Locked { .. }));
    let error = anyhow::Error::from(error);
    if locked {
        error.context("another process has this directory open; wait until it ends, or end it")
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_several_words_never_loses_the_quotes_of_a_phrase() {
        let whole = |words: &[&str]| {
            whole(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(whole(&[]).unwrap(), "");
        assert_eq!(whole(&["actor:ana \"lot 42\""]).unwrap(), "actor:ana \"lot 42\"");
        assert_eq!(whole(&["actor:ana", "action:x*"]).unwrap(), "actor:ana action:x*");
        assert!(whole(&["actor:ana", "lot 42"]).is_err());
    }
}

//! The `indelible` command: an audit trail server, and everything around it.
//!
//! Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 misused,
//! 3 verification failed, 4 not authorised.

mod cli;
mod command;
mod config;
mod exit;
mod output;
mod running;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;

/// Requests and search segments make many small allocations on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    start_diagnostics(cli.verbose);
    match command::run(cli) {
        Ok(code) => code.into(),
        Err(error) if output::is_reader_gone(&error) => exit::Exit::Done.into(),
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            exit::code_of(&error).into()
        }
    }
}

/// Diagnostics go to stderr; `RUST_LOG` chooses more or less of them.
fn start_diagnostics(verbose: bool) {
    use tracing_subscriber::EnvFilter;
    let usual = if verbose { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people; files and pipes get plain text.
    lines.with_ansi(std::io::stderr().is_terminal()).init();
}

//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use registry::Slug;

use crate::config::address;
use crate::output::Output;

/// An audit trail server for scientific data platforms.
///
/// Records who did what to which thing, when, from where, why and with what result, in an
/// append-only Merkle log that strangers can verify.
#[derive(Debug, Parser)]
#[command(name = "indelible", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Says more about what is going on, on stderr
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The data directory, and where state outside of it is kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The data directory
    #[arg(long, value_name = "DIR", env = "INDELIBLE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// A configuration file; see indelible.example.toml
    #[arg(long, value_name = "FILE", env = "INDELIBLE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where the highest checkpoints are remembered, outside of the data directory; when absent
    /// `$XDG_STATE_HOME/indelible` or `~/.local/state/indelible`
    #[arg(long, value_name = "DIR", env = "INDELIBLE_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// The folders below which daily deposits may be put.
#[derive(Clone, Debug, Args)]
pub(crate) struct Roots {
    /// A folder below which daily deposits may be put; several with `:` between in the environment
    #[arg(long, value_name = "DIR", env = "INDELIBLE_DEPOSIT_ROOTS", value_delimiter = ':')]
    pub(crate) deposit_root: Vec<PathBuf>,
}

/// One trail in a data directory.
#[derive(Clone, Debug, Args)]
pub(crate) struct InTrail {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The trail's short name
    #[arg(long, value_name = "SLUG")]
    pub(crate) trail: Slug,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a data directory, its keys and a first token, and prints the token once
    Init {
        /// The directory; it must be empty or not exist
        dir: PathBuf,
        /// What the names of all trails begin with, such as audit.example.org
        #[arg(long, value_name = "NAME")]
        origin: String,
        /// Where the highest checkpoints are remembered, outside of the data directory
        #[arg(long, value_name = "DIR", env = "INDELIBLE_STATE_DIR")]
        state_dir: Option<PathBuf>,
    },
    /// Serves the API and the pages
    Serve(Serve),
    /// Makes a trail with real records, plays a small lab, and keeps serving
    Demo {
        /// Where to make it; a temporary directory when absent
        dir: Option<PathBuf>,
        /// Where to listen
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787", value_parser = address)]
        listen: SocketAddr,
    },
    /// Brings a platform's audit records in
    Import(Import),
    /// Writes a trail's events
    Export(Export),
    /// Finds events
    Search {
        /// Such as: 'actor:ana action:delete* outcome:failure "lot 42"'; behind `--` when it begins
        /// with `-`. docs/query.md has the language, and so has a server's page /help
        query: Vec<String>,
        #[command(flatten)]
        at: InTrail,
        /// How to write them
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
        /// The most events; when absent, 50 in a table and otherwise all
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Shows events as they are recorded, from a running server
    Tail {
        /// The server, such as `http://127.0.0.1:8787`
        #[arg(long, value_name = "URL", env = "INDELIBLE_SERVER")]
        server: String,
        /// A token that may read
        #[arg(long, env = "INDELIBLE_TOKEN", hide_env_values = true)]
        token: String,
        /// The trail's short name
        #[arg(long, value_name = "SLUG")]
        trail: Slug,
        /// Only the events that this query finds
        query: Vec<String>,
    },
    /// Verifies a receipt, or a whole log by directory or URL, also one that others wrote
    Verify {
        /// The log's public key: NAME+HASH+KEY
        #[arg(long)]
        vkey: String,
        /// A .tlog-proof file, or the folder or URL in which a log's `checkpoint` lies
        log: String,
        /// The entry's bytes, for a receipt that does not carry them
        #[arg(long, value_name = "FILE")]
        entry: Option<PathBuf>,
        /// A token, for a log that asks for one
        #[arg(long, env = "INDELIBLE_TOKEN", hide_env_values = true)]
        token: Option<String>,
    },
    /// Recomputes every leaf, tile, root and signature of a data directory
    Check {
        #[command(flatten)]
        place: Place,
        /// Only this trail
        #[arg(long, value_name = "SLUG")]
        trail: Option<Slug>,
        /// How to write the findings
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
    },
    /// Writes the receipt of an event
    Receipt {
        /// The event's index
        index: u64,
        #[command(flatten)]
        at: InTrail,
    },
    /// Makes, lists and revokes tokens
    #[command(subcommand)]
    Token(Token),
    /// Makes and lists trails
    #[command(subcommand)]
    Trail(Trail),
    /// Deposits one file for each UTC day in a folder
    #[command(subcommand)]
    Deposit(Deposit),
    /// Says that a running server's clock is right
    #[command(subcommand)]
    Clock(Clock),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where to listen; 127.0.0.1:8787 when absent
    #[arg(long, value_name = "ADDR", env = "INDELIBLE_LISTEN", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// A certificate chain in PEM, to serve TLS
    #[arg(long, value_name = "FILE", env = "INDELIBLE_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", env = "INDELIBLE_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Lets anyone read tiles and bundles, so that strangers can verify without a token
    #[arg(long, env = "INDELIBLE_PUBLIC_READ_PATH")]
    pub(crate) public_read_path: bool,
    /// An origin whose pages may call the platforms' own APIs, such as `https://iva.example.org`;
    /// several with `,` between in the environment
    #[arg(long, value_name = "ORIGIN", env = "INDELIBLE_CORS_ORIGINS", value_delimiter = ',')]
    pub(crate) cors_origin: Vec<String>,
    #[command(flatten)]
    pub(crate) roots: Roots,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Import {
    /// The platform: opencga, dnanexus, seqera, tetrascience
    pub(crate) dialect: String,
    /// Files in any form of that platform, plain or gzip; `-` for stdin
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) at: InTrail,
    /// The organization that the records belong to
    #[arg(long)]
    pub(crate) organization: Option<String>,
    /// The installation they come from
    #[arg(long)]
    pub(crate) instance: Option<String>,
    /// The region they come from
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// A JSON pointer into the event of what to leave out, such as /params/input; several times
    #[arg(long, value_name = "POINTER")]
    pub(crate) redact: Vec<String>,
    /// Stops at the first record that cannot be read
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) at: InTrail,
    /// Writes the records of a platform: opencga, dnanexus, seqera, tetrascience
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) dialect: Option<String>,
    /// jsonl or csv; with a dialect one of its forms, the first when absent
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Adds a column for the region to a platform's table, which its own has not
    #[arg(long, requires = "dialect")]
    pub(crate) region_column: bool,
    /// Guards cells of a platform's table that a spreadsheet would run; our own CSV always does
    #[arg(long, requires = "dialect")]
    pub(crate) formula_guard: bool,
    /// Only the events that this query finds
    #[arg(long, value_name = "QUERY", default_value = "")]
    pub(crate) query: String,
    /// Writes the plain static tree of C2SP tlog-tiles into this directory instead
    #[arg(long = "static", value_name = "DIR")]
    pub(crate) static_tree: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Makes a token and prints it, alone, once
    Create {
        #[command(flatten)]
        place: Place,
        /// The one trail it is for; all when absent
        #[arg(long, value_name = "SLUG")]
        trail: Option<Slug>,
        /// What it may do: append, read, admin, with commas between
        #[arg(long, value_delimiter = ',', required = true)]
        scope: Vec<String>,
        /// What people call it
        #[arg(long, default_value = "")]
        label: String,
        /// When it ends, in RFC 3339
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Lists tokens, never their secrets
    List {
        #[command(flatten)]
        place: Place,
        /// How to write them
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
    },
    /// Ends a token now
    Revoke {
        /// Its id
        id: String,
        #[command(flatten)]
        place: Place,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Trail {
    /// Makes a trail and prints its public key
    Create {
        /// Its short name: a-z, 0-9 and -
        slug: Slug,
        #[command(flatten)]
        place: Place,
    },
    /// Lists trails
    List {
        #[command(flatten)]
        place: Place,
        /// How to write them
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Deposit {
    /// Orders one file for each UTC day, and prints the deposit's id
    Create(CreateDeposit),
    /// Lists deposits
    List {
        #[command(flatten)]
        at: InTrail,
        /// How to write them
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
    },
    /// Ends a deposit; what was recorded until now is still deposited
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        at: InTrail,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Deposits what all trails owe now, and verifies what was deposited; a server does so by itself
    Run {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        roots: Roots,
        /// How to write what was done
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CreateDeposit {
    #[command(flatten)]
    pub(crate) at: InTrail,
    #[command(flatten)]
    pub(crate) roots: Roots,
    /// The folder: an absolute path below a configured root, which no other deposit has had
    #[arg(long, value_name = "DIR")]
    pub(crate) to: String,
    /// The dialect of the files: dnanexus, opencga, seqera, tetrascience
    #[arg(long, default_value = "dnanexus")]
    pub(crate) dialect: String,
    /// One of the dialect's formats; its first when absent
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Adds a column for the region to a platform's table, which its own has not
    #[arg(long)]
    pub(crate) region_column: bool,
    /// Guards cells that a spreadsheet would run as formulas
    #[arg(long)]
    pub(crate) formula_guard: bool,
    /// Deposits imported events, too
    #[arg(long)]
    pub(crate) imports: bool,
    /// Who may take the files from the server: nobody, admin, read
    #[arg(long, default_value = "admin")]
    pub(crate) download: String,
    /// The first UTC day, such as 2026-11-21; only what is recorded from now on when absent
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Why
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Believes the clock after it leapt ahead and appends stopped
    Confirm {
        #[command(flatten)]
        place: Place,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_what_clap_asks_for() {
        Cli::command().debug_assert();
    }
}

//! A PostgreSQL cluster of the benchmark's own: made in a temporary folder, reached by a socket in
//! it, stopped and removed at the end.
//!
//! PostgreSQL refuses to run as root, so under root its programs run as the user `postgres`.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::wire::Connection;

/// Settings for a host of 24 GiB and two cores that does nothing else, from the chapters on memory,
/// WAL, populating a database and planner constants of PostgreSQL's documentation. Durable:
/// `fsync`, `synchronous_commit` and `full_page_writes` stay on.
const SETTINGS: &str = "
listen_addresses = ''
max_connections = 100
shared_buffers = 6GB
effective_cache_size = 16GB
work_mem = 64MB
maintenance_work_mem = 1GB
huge_pages = try
wal_buffers = 64MB
wal_compression = lz4
default_toast_compression = lz4
max_wal_size = 16GB
min_wal_size = 2GB
checkpoint_timeout = 30min
checkpoint_completion_target = 0.9
synchronous_commit = on
fsync = on
full_page_writes = on
wal_level = minimal
max_wal_senders = 0
random_page_cost = 1.1
effective_io_concurrency = 200
max_parallel_workers = 2
max_parallel_workers_per_gather = 2
max_parallel_maintenance_workers = 2
timezone = 'UTC'
log_timezone = 'UTC'
autovacuum = on
gin_pending_list_limit = 64MB
";

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    owner: Option<(u32, u32)>,
}

impl Cluster {
    /// Makes a cluster below `parent` and starts it, with some settings more.
    pub(crate) fn start(programs: &Path, parent: &Path, more: &[String]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir_in(parent)?;
        let owner = rustix::process::geteuid().is_root().then(postgres_user).transpose()?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).context("give the folder away")?;
        }
        let cluster = Self { programs: programs.to_owned(), folder, owner };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"],
            &data,
        )?;
        let sockets = format!("unix_socket_directories = '{}'\n", cluster.folder.path().display());
        let settings = data.join("postgresql.auto.conf");
        std::fs::write(&settings, format!("{SETTINGS}{sockets}{}\n", more.join("\n")))?;
        let log = format!("--log={}", cluster.folder.path().join("postgres.log").display());
        cluster.run("pg_ctl", &["start", "--wait", "--silent", &log, "-D"], &data)?;
        Ok(cluster)
    }

    /// Opens a connection to one of its databases.
    pub(crate) async fn connect(&self, database: &str) -> Result<Connection> {
        Connection::open(&self.folder.path().join(".s.PGSQL.5432"), database).await
    }

    /// The process that the others are children of.
    pub(crate) fn process(&self) -> Result<u32> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        Ok(text.lines().next().unwrap_or_default().trim().parse()?)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, program: &str, arguments: &[&str], data: &Path) -> Result<()> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).arg(data).current_dir("/").stdin(Stdio::null());
        // The server inherits what pg_ctl was given; a pipe would never end.
        command.stdout(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        let status = command.status().with_context(|| format!("run {program}"))?;
        ensure!(status.success(), "{program} ended with {status}");
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped =
            self.run("pg_ctl", &["stop", "--mode=immediate", "--silent", "-D"], &self.data());
        if let Err(error) = stopped {
            crate::say(&format!("PostgreSQL was not stopped: {error:#}"));
        }
    }
}

fn postgres_user() -> Result<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let line = accounts.lines().find(|line| line.starts_with("postgres:"));
    let fields: Vec<&str> = line.context("there is no user postgres")?.split(':').collect();
    let number = |place: usize| -> Result<u32> {
        Ok(fields.get(place).context("a short line in /etc/passwd")?.parse()?)
    };
    Ok((number(2)?, number(3)?))
}

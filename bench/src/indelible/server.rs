//! The server as a child process, and the program's other commands.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::api::Access;
use super::http::Connection;
use crate::machine;

/// The longest that a start may take.
const START_MAX: Duration = Duration::from_mins(2);

/// A data directory and the program that works on it.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    binary: PathBuf,
    data: PathBuf,
}

/// A running server. It is asked to stop when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Installation {
    /// Makes a new data directory, in place of what an earlier run left there.
    pub(crate) fn create(binary: &Path, data: &Path) -> Result<Self> {
        let installation = Self::existing(binary, data)?;
        if data.try_exists()? {
            machine::set_aside(data)?;
        }
        installation.command(["init".as_ref(), data.as_os_str()], &["--origin", ORIGIN])?;
        Ok(installation)
    }

    /// A data directory that is already there.
    pub(crate) fn existing(binary: &Path, data: &Path) -> Result<Self> {
        let binary = std::path::absolute(binary)?;
        ensure!(binary.try_exists()?, "no program at {}", binary.display());
        Ok(Self { binary, data: std::path::absolute(data)? })
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Makes a trail and a token for it.
    pub(crate) fn trail(&self, slug: &str) -> Result<Access> {
        self.command(
            ["trail".as_ref(), "create".as_ref(), slug.as_ref()],
            &["--data", self.data.to_str().context("a folder that is not UTF-8")?],
        )?;
        self.token(slug)
    }

    /// Makes a token for a trail.
    pub(crate) fn token(&self, slug: &str) -> Result<Access> {
        let token = self.command(
            ["token".as_ref(), "create".as_ref(), "--data".as_ref(), self.data.as_os_str()],
            &["--trail", slug, "--scope", "append,read"],
        )?;
        Ok(Access { trail: slug.to_owned(), token: token.trim().to_owned() })
    }

    /// Runs a command of the program and takes what it prints.
    fn command<const N: usize>(&self, start: [&OsStr; N], more: &[&str]) -> Result<String> {
        let output = self.program().args(start).args(more).output().context("run indelible")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{start:?} ended with {}: {said}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The program, with its own state folder, so that runs do not see each other's.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.stdin(Stdio::null()).env("XDG_STATE_HOME", self.data.with_extension("state"));
        command
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn serve(&self) -> Result<Server> {
        let address = free_address()?;
        let log = File::create(self.data.with_extension("log"))?;
        let child = self
            .program()
            .arg("serve")
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", &address.to_string()])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start the server")?;
        let mut server = Server { child, address };
        server.ready().await?;
        Ok(server)
    }
}

/// The origin of the benchmark's trails.
const ORIGIN: &str = "bench.example/log";

impl Server {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).await
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Stops it and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.terminate();
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let request = b"GET /readyz HTTP/1.1\r\nhost: bench\r\n\r\n";
        while begun.elapsed() < START_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            if let Ok(mut connection) = self.connect().await
                && matches!(connection.request(request).await, Ok((200, _)))
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("the server did not become ready")
    }

    fn terminate(&self) {
        if let Ok(process) = i32::try_from(self.child.id())
            && let Some(process) = Pid::from_raw(process)
        {
            // It may have ended by itself; then there is nothing to do.
            let _ = kill_process(process, Signal::TERM);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

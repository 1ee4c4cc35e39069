//! The command as a person has it: a folder, a shell, and a server in the background.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// A folder with a data directory, and the command run in it.
pub(crate) struct Shell {
    pub(crate) folder: TempDir,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let shell = Self { folder: TempDir::new().unwrap() };
        shell.done(&["init", "data", "--origin", "test.example"]);
        shell
    }

    /// The command, not yet run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("INDELIBLE_STATE_DIR", self.folder.path().join("state"))
            .env("INDELIBLE_DATA", "data");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed and gives its stdout.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this code and gives its stderr.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        errors
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a server on the data directory and waits until it listens.
    pub(crate) fn serve(&self, more: &[&str]) -> Running {
        self.serve_at("127.0.0.1:0", more)
    }

    /// The same at an address of the caller's.
    pub(crate) fn serve_at(&self, address: &str, more: &[&str]) -> Running {
        let arguments = [&["serve", "--listen", address], more].concat();
        let mut child = self.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server ended: {} {said:?}", child.wait().unwrap());
            };
            match line.strip_prefix("serving ").and_then(|rest| rest.split_once(" on ")) {
                Some((_, url)) => break url.to_owned(),
                None => said.push(line),
            }
        };
        let rest = thread::spawn(move || lines.map_while(Result::ok).collect());
        Running { child, url, said: Some(rest) }
    }
}

/// The path of a sample of a platform.
pub(crate) fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialect/tests/data").join(name);
    path.canonicalize().unwrap().into_os_string().into_string().unwrap()
}

pub(crate) fn with_trail() -> (Shell, String) {
    let shell = Shell::new();
    let vkey = shell.done(&["trail", "create", "lab"]).trim().to_owned();
    (shell, vkey)
}

pub(crate) fn opencga(name: &str) -> String {
    sample(&format!("opencga/{name}"))
}

/// A server in a process of its own. It is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
    said: Option<thread::JoinHandle<Vec<String>>>,
}

impl Running {
    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let (flag, id) = (format!("-{name}"), self.child.id().to_string());
        assert!(Command::new("kill").args([flag, id]).status().unwrap().success());
    }

    /// Asks it to stop, waits until it has, and gives what it said on stderr.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        let said = self.said.take().unwrap().join().unwrap();
        assert!(status.success(), "{said:?}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a running process has had, in bytes.
pub(crate) fn peak_bytes(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1_024
}

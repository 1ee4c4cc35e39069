//! A shell in a folder of its own, with a data directory in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) struct Shell {
    pub(crate) folder: TempDir,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let shell = Self { folder: TempDir::new().unwrap() };
        shell.done(&["init", "data", "--origin", "test.example"]);
        shell
    }

    /// A command that has not begun.
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

//! The highest published checkpoint of each trail, kept outside of the data directory.
//!
//! An older copy of the directory looks whole to itself. Only something that was not copied with it
//! can tell that the trail had been longer; without it, the trail would sign a second history.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// What the checkpoint that is kept outside of the store is called, where it is a witness.
pub const REMEMBERED: &str = "the remembered checkpoint";

/// Where the highest published checkpoint is remembered.
pub trait Watermark: Send + Sync + std::fmt::Debug {
    /// The signed note that was remembered for a verifier key.
    fn recall(&self, vkey: &str) -> io::Result<Option<String>>;

    /// Remembers a signed note.
    fn remember(&self, vkey: &str, note: &str) -> io::Result<()>;
}

/// Remembers nothing: for tests of other things.
#[derive(Debug)]
pub struct NoWatermark;

impl Watermark for NoWatermark {
    fn recall(&self, _vkey: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn remember(&self, _vkey: &str, _note: &str) -> io::Result<()> {
        Ok(())
    }
}

/// One small file for each trail in a folder of the system's or the user's state.
#[derive(Debug)]
pub struct FileWatermark {
    folder: PathBuf,
}

impl FileWatermark {
    /// Uses a folder, which is made when it is first needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The origins that something is remembered of, each once. The folder may serve more than one data
    /// directory.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub fn origins(&self) -> io::Result<BTreeSet<String>> {
        let items = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            items => items?,
        };
        let mut origins = BTreeSet::new();
        for item in items {
            let path = item?.path();
            // A note that is being written, or anything else, names nothing.
            let note = fs::read_to_string(&path).unwrap_or_default();
            origins.extend(note.lines().next().map(str::to_owned));
        }
        Ok(origins)
    }

    fn path(&self, vkey: &str) -> PathBuf {
        let digest: [u8; 32] = Sha256::digest(vkey.as_bytes()).into();
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }
}

impl Watermark for FileWatermark {
    fn recall(&self, vkey: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.path(vkey)) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remember(&self, vkey: &str, note: &str) -> io::Result<()> {
        let path = self.path(vkey);
        let temporary = path.with_extension("new");
        fs::create_dir_all(&self.folder)?;
        let mut file = File::create(&temporary)?;
        file.write_all(note.as_bytes())?;
        file.sync_data()?;
        fs::rename(&temporary, &path)
    }
}

//! A file gets into a folder, whole and once; and its bytes are counted and hashed.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use super::{Failure, Folder, Found};

/// Bytes that are written, or hashed, at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A file's size and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) size_bytes: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
}

/// Puts what `write` writes into a folder under a name, durably. What is there already counts as
/// put if it has exactly these bytes: a crash came before it was recorded.
///
/// # Errors
/// [`Failure::Occupied`] where something else has the name.
pub(super) fn place<T>(
    folder: &dyn Folder,
    name: &str,
    stop: &AtomicBool,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<(Digest, T), Failure> {
    let occupied = || Failure::Occupied { name: name.to_owned() };
    let there = match folder.read(name)? {
        Found::Nothing => {
            let mut out = Hashing::new(BufWriter::with_capacity(PIECE_BYTES, folder.begin(name)?));
            let written = write(&mut out)?;
            let (part, digest) = out.finish();
            let mut part = part.into_inner().map_err(io::IntoInnerError::into_error)?;
            part.seal()?;
            if !folder.name(part, name)? {
                return Err(occupied());
            }
            folder.sync()?;
            return Ok((digest, written));
        }
        Found::File(there) => there,
        Found::Other => return Err(occupied()),
    };
    let mut out = Hashing::new(io::sink());
    let written = write(&mut out)?;
    let (_, digest) = out.finish();
    if digest_of(&there, stop)? != digest {
        return Err(occupied());
    }
    there.sync_all()?;
    folder.sync()?;
    Ok((digest, written))
}

/// Reads a file to its end.
pub(super) fn digest_of(mut file: &File, stop: &AtomicBool) -> Result<Digest, Failure> {
    let mut out = Hashing::new(io::sink());
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Cut);
        }
        let size = file.read(&mut piece)?;
        if size == 0 {
            return Ok(out.finish().1);
        }
        out.write_all(piece.get(..size).unwrap_or_default())?;
    }
}

/// Hashes what is written through it.
struct Hashing<W> {
    inner: W,
    sha256: Sha256,
    size_bytes: u64,
}

impl<W: Write> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, sha256: Sha256::new(), size_bytes: 0 }
    }

    fn finish(self) -> (W, Digest) {
        let sha256 = self.sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (self.inner, Digest { size_bytes: self.size_bytes, sha256 })
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.inner.write(bytes)?;
        self.sha256.update(bytes.get(..size).unwrap_or_default());
        self.size_bytes += size as u64;
        Ok(size)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

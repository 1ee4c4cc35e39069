//! Counts and hashes an input while it is read.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// What was read so far. Shared by who reads and who reports.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<(u64, Sha256)>>);

impl Meter {
    /// The number of bytes, and their SHA-256 in lower-case hexadecimal digits.
    pub(super) fn read_so_far(&self) -> (u64, String) {
        let (bytes, digest) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let hex = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (bytes, hex)
    }

    fn pass(&self, read: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += read.len() as u64;
        state.1.update(read);
    }
}

/// An input whose bytes pass by a meter.
#[derive(Debug)]
pub(super) struct Tee<R> {
    input: R,
    meter: Meter,
}

impl<R: Read> Tee<R> {
    pub(super) fn new(input: R, meter: &Meter) -> Self {
        Self { input, meter: meter.clone() }
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.input.read(buffer)?;
        self.meter.pass(buffer.get(..size).unwrap_or_default());
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_what_was_read() {
        let meter = Meter::default();
        let mut text = String::new();
        Tee::new(&b"abc"[..], &meter).read_to_string(&mut text).unwrap();
        let (bytes, digest) = meter.read_so_far();
        // FIPS 180-4, the one-block example.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((text.as_str(), bytes, digest.as_str()), ("abc", 3, expected));
    }
}

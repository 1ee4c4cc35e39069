//! Bytes from anywhere: decompressed, counted, bounded, seen through a window.
//!
//! The window holds what has been read and not been passed yet. It grows only as far as one
//! record may reach, so memory is constant. Gzip is told by its first two bytes, a byte-order mark
//! is passed over.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use crate::limits::{RATIO_FREE_BYTES, RATIO_MAX, RECORD_BYTES_MAX};
use crate::{Fault, ReadOptions, Rejection};

/// Read at first, and at least.
const CHUNK_BYTES: usize = 64 * 1024;

/// Whether more could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    /// The window has grown.
    Read,
    /// The window is as large as a record may be.
    Full,
    /// The input has ended.
    Ended,
}

/// An input under a window.
pub(crate) struct Input<'r> {
    source: Source<'r>,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    total: u64,
    total_max: u64,
    ended: bool,
    /// Why reading ended, to be told once all that was read before has been looked at.
    failed: Option<Rejection>,
}

enum Source<'r> {
    Plain(Box<dyn BufRead + Send + 'r>),
    Gzip(Box<MultiGzDecoder<Counted<'r>>>),
}

impl<'r> Input<'r> {
    /// Opens an input and reads its beginning.
    pub(crate) fn open(
        mut source: Box<dyn BufRead + Send + 'r>,
        options: &ReadOptions,
    ) -> Result<Self, Rejection> {
        options.check()?;
        let mut head = Vec::new();
        while head.len() < 2 {
            let mut byte = [0];
            match source.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => head.extend_from_slice(&byte),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(1, &error)),
            }
        }
        let gzip = head == [0x1F, 0x8B];
        let whole: Box<dyn BufRead + Send + 'r> = Box::new(io::Cursor::new(head).chain(source));
        let source = if gzip {
            Source::Gzip(Box::new(MultiGzDecoder::new(Counted { source: whole, count: 0 })))
        } else {
            Source::Plain(whole)
        };
        let mut input = Self {
            source,
            buffer: Vec::new(),
            start: 0,
            line: 1,
            total: 0,
            total_max: options.total_bytes_max,
            ended: false,
            failed: None,
        };
        while input.window().len() < 4 && input.more()? == More::Read {}
        if input.window().starts_with(b"\xEF\xBB\xBF") {
            input.advance(3);
        } else if input.window().starts_with(b"\xFF\xFE") || input.window().starts_with(b"\xFE\xFF")
        {
            let message = "is UTF-16; save it as UTF-8 and import it again";
            return Err(Rejection::new(1, Fault::Encoding, message));
        }
        Ok(input)
    }

    /// What has been read and not been passed.
    pub(crate) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The line that the window begins on, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Passes bytes of the window.
    pub(crate) fn advance(&mut self, count: usize) {
        let passed = self.window().get(..count).unwrap_or_default();
        let (size, lines) = (passed.len(), memchr::memchr_iter(b'\n', passed).count());
        self.line += u64::try_from(lines).unwrap_or(u64::MAX);
        self.start += size;
    }

    /// Reads more behind the window; doubles it, so that looking at it again stays linear.
    ///
    /// # Errors
    /// When reading fails, but not before what was read until then could be seen.
    pub(crate) fn more(&mut self) -> Result<More, Rejection> {
        if let Some(rejection) = self.failed.take() {
            return Err(rejection);
        }
        if self.ended {
            return Ok(More::Ended);
        }
        let size = self.window().len();
        if size > RECORD_BYTES_MAX {
            return Ok(More::Full);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = size.max(CHUNK_BYTES);
        self.buffer.resize(size + wanted, 0);
        let mut filled = size;
        while let Some(space) = self.buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
            let failed = match self.source.read(space) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => {
                    filled += count;
                    self.total += u64::try_from(count).unwrap_or(u64::MAX);
                    self.bounded()
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                Err(error) => Err(self.source.rejection(self.line, &error)),
            };
            if let Err(rejection) = failed {
                self.ended = true;
                self.failed = Some(rejection);
                break;
            }
        }
        self.buffer.truncate(filled);
        match self.failed.take_if(|_| filled == size) {
            Some(rejection) => Err(rejection),
            None if filled > size => Ok(More::Read),
            None => Ok(More::Ended),
        }
    }

    /// Passes everything up to and including the next line feed.
    pub(crate) fn skip_line(&mut self) -> Result<(), Rejection> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.window()) {
                self.advance(at + 1);
                return Ok(());
            }
            self.advance(self.window().len());
            if self.more()? == More::Ended {
                return Ok(());
            }
        }
    }

    fn bounded(&self) -> Result<(), Rejection> {
        if self.total > self.total_max {
            let message = format!("has more than the {} bytes that are allowed", self.total_max);
            return Err(Rejection::new(self.line, Fault::TooMuch, message));
        }
        if let Source::Gzip(decoder) = &self.source {
            let packed = decoder.get_ref().count.max(1);
            if self.total > RATIO_FREE_BYTES && self.total / packed > RATIO_MAX {
                let message = format!("decompresses to more than {RATIO_MAX} times its size");
                return Err(Rejection::new(self.line, Fault::Bomb, message));
            }
        }
        Ok(())
    }
}

impl Source<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(plain) => plain.read(space),
            Self::Gzip(decoder) => decoder.read(space),
        }
    }

    fn rejection(&self, line: u64, error: &io::Error) -> Rejection {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let damaged = matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof);
        if damaged && matches!(self, Self::Gzip(_)) {
            let message = "the compressed data is damaged or cut off; what came before is kept";
            return Rejection::new(line, Fault::Compression, message);
        }
        unreadable(line, error)
    }
}

fn unreadable(line: u64, error: &io::Error) -> Rejection {
    Rejection::new(line, Fault::Read, format!("cannot be read further: {error}"))
}

/// Counts the compressed bytes.
struct Counted<'r> {
    source: Box<dyn BufRead + Send + 'r>,
    count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(space)?;
        self.count += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count += u64::try_from(count).unwrap_or(u64::MAX);
        self.source.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_all(bytes: &[u8], options: &ReadOptions) -> Result<(Vec<u8>, u64), Rejection> {
        let mut input = Input::open(Box::new(bytes), options)?;
        let mut all = Vec::new();
        loop {
            all.extend_from_slice(input.window());
            input.advance(input.window().len());
            if input.more()? == More::Ended {
                return Ok((all, input.line()));
            }
        }
    }

    #[test]
    fn gzip_and_a_byte_order_mark_are_seen_through() {
        let text = b"one\ntwo\nthree".repeat(20_000);
        let marked = [b"\xEF\xBB\xBF".as_slice(), &text].concat();
        let two = [gzip(&marked), gzip(b"\nfour")].concat();
        let options = ReadOptions::default();
        for (bytes, expected) in [
            (text.clone(), text.clone()),
            (marked.clone(), text.clone()),
            (gzip(&marked), text.clone()),
            (two, [text.as_slice(), b"\nfour"].concat()),
            (Vec::new(), Vec::new()),
            (vec![0x1F], vec![0x1F]),
        ] {
            let (read, line) = read_all(&bytes, &options).unwrap();
            assert_eq!(read, expected);
            assert_eq!(line, 1 + memchr::memchr_iter(b'\n', &expected).count() as u64);
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let small = ReadOptions { total_bytes_max: 1_000, ..ReadOptions::default() };
        let options = ReadOptions::default();
        let cut = gzip(&b"text".repeat(1_000));
        let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
        for (bytes, options, fault) in [
            (b"\xFF\xFEa\0".to_vec(), &options, Fault::Encoding),
            (vec![b'x'; 1_001], &small, Fault::TooMuch),
            (cut[..cut.len() - 4].to_vec(), &options, Fault::Compression),
            (b"\x1F\x8Bnot gzip at all".to_vec(), &options, Fault::Compression),
        ] {
            assert_eq!(read_all(&bytes, options).unwrap_err().fault, fault);
        }
        // Deflate reaches a ratio of about 1,030 at its best setting only.
        let mut best = GzEncoder::new(Vec::new(), Compression::best());
        best.write_all(&vec![0; 64 * 1024 * 1024]).unwrap();
        assert_eq!(read_all(&best.finish().unwrap(), &options).unwrap_err().fault, Fault::Bomb);
        assert!(bomb.len() > 64 * 1024, "the fast setting stays below the limit");
    }
}

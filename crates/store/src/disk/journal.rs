//! A journal on disk: one write and one `fdatasync` per commit.
//!
//! A busy segment is padded with zeros, and frames are written over them. While a file keeps its size,
//! syncing it costs one write of the disk; when it grows, the file system has its own to write as well.

use std::{
    fs::File,
    io::{self, IoSlice},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    Inner, read_only,
    root::check_name,
    write::{Temporary, split},
};
use crate::{
    Error, Journal, Object, ObjectPath, Replay, Result, frame,
    segments::{self, Position, Segment},
};

/// A journal holds openings, which are not for everybody.
const SEGMENT_MODE: Mode = Mode::from_raw_mode(0o600);

/// How often a journal is read that another process changes while it is read.
const MAX_READ_ATTEMPTS: usize = 10;

/// A segment that already has so many bytes is padded with as many more …
const PADDING_BYTES: u64 = 1024 * 1024;

/// … when a frame comes that is small beside them: then others will fit.
const PADDED_FRAME_MAX: u64 = PADDING_BYTES / 8;

/// Padding is written in pieces of this.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The most pieces that one system call writes (`IOV_MAX`).
const MAX_PIECES: usize = 1024;

/// A journal and its writer's place in it.
#[derive(Debug)]
pub(super) struct DiskJournal {
    inner: Arc<Inner>,
    file: File,
    /// Bytes in the file: the newest segment and its padding.
    length: u64,
    position: Position,
    version: Arc<Mutex<u64>>,
    /// The version that this writer saw last.
    seen: u64,
    /// Whether what was read may still be only in the system's memory.
    unsettled: bool,
    poisoned: bool,
}

impl DiskJournal {
    pub(super) fn create(inner: &Arc<Inner>, folder: &ObjectPath, head: &[u8]) -> Result<Self> {
        check_name(folder)?;
        let path = segments::path(folder, segments::FIRST)?;
        let (bytes, chain) = frame::header(segments::FIRST, head)
            .ok_or_else(|| Error::too_large(&path, "a head is larger than a journal takes"))?;
        let position = Position::first(folder, head, chain, bytes.len() as u64)?;
        let version = inner.version(folder);
        let mut seen = lock(&version);
        if !numbers(inner, folder)?.is_empty() {
            return Err(Error::Conflict { path });
        }
        write_segment(inner, &path, &bytes)?;
        *seen += 1;
        let journal = Self {
            inner: Arc::clone(inner),
            file: open_segment(inner, &path)?.ok_or_else(|| vanished(&path))?,
            length: position.end(),
            position,
            seen: *seen,
            version: Arc::clone(&version),
            unsettled: false,
            poisoned: false,
        };
        Ok(journal)
    }

    pub(super) fn open(inner: &Arc<Inner>, folder: &ObjectPath) -> Result<Option<(Self, Replay)>> {
        check_name(folder)?;
        if inner.writer.is_none() {
            // Another process may rotate, retire and write over padding while this one reads.
            for _ in 1..MAX_READ_ATTEMPTS {
                match Self::open_once(inner, folder) {
                    Err(Error::Damaged { .. }) => {}
                    opened => return opened,
                }
            }
        }
        Self::open_once(inner, folder)
    }

    fn open_once(inner: &Arc<Inner>, folder: &ObjectPath) -> Result<Option<(Self, Replay)>> {
        let version = inner.version(folder);
        let (segments, file, seen) = {
            // A writer in this process waits while the bytes are read, not while they are checked.
            let version = lock(&version);
            let Some((segments, file)) = read_segments(inner, folder)? else { return Ok(None) };
            (segments, file, *version)
        };
        let Some((position, mut replay)) = segments::replay(folder, &segments)? else {
            return Ok(None);
        };
        replay.set_aside = inner.root.list(&segments::torn_folder(folder)?)?;
        let journal = Self {
            inner: Arc::clone(inner),
            file,
            length: segments.last().map_or(0, |newest| newest.bytes.len() as u64),
            position,
            version,
            seen,
            unsettled: true,
            poisoned: false,
        };
        Ok(Some((journal, replay)))
    }

    /// Does one write, if the journal is as this writer knows it.
    fn write<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.inner.writer.is_none() {
            return Err(read_only(&self.position.folder));
        }
        let version = Arc::clone(&self.version);
        let mut version = lock(&version);
        if *version != self.seen {
            return Err(Error::Conflict { path: self.position.path.clone() });
        }
        let size = self.file.metadata().map_err(|error| self.refused(error))?.len();
        if size != self.length {
            return Err(Error::Damaged {
                path: self.position.path.clone(),
                offset: self.position.end().min(size),
                what: "the segment was changed under its writer",
            });
        }
        let result = self.settle().and_then(|()| write(self));
        // A write that failed may have taken the padding away.
        if result.is_ok() || self.length != size {
            *version += 1;
            self.seen = *version;
        }
        self.poisoned = matches!(result, Err(Error::Unknown { .. }));
        result
    }

    /// Makes durable what was read, before the first write builds on it.
    ///
    /// If the sync of a commit failed, the kernel may have kept its pages and called them clean. They
    /// can be read, but another sync would not write them. Only writing them again does. And a process
    /// that died may have given the segment its name without making that durable.
    fn settle(&mut self) -> Result<()> {
        if self.unsettled {
            let bytes = self.inner.root.read(&self.position.path)?;
            let bytes = bytes.ok_or_else(|| vanished(&self.position.path))?;
            write_at(&self.file, &[&bytes], 0)
                .and_then(|()| self.file.sync_data())
                .and_then(|()| self.settle_name())
                .map_err(|error| self.unknown(error))?;
            self.unsettled = false;
        }
        Ok(())
    }

    /// Makes the newest segment's name durable, and those of the folders that lead to it.
    fn settle_name(&self) -> io::Result<()> {
        let Some(writer) = &self.inner.writer else { return Ok(()) };
        let mut touched = writer.folders.touch(&self.inner.root)?;
        let names = writer.folders.hold();
        touched.folder(split(&self.position.path).0)?;
        drop(names);
        touched.sync()
    }

    /// Refuses every call behind an unknown outcome.
    fn sound(&self) -> Result<()> {
        if self.poisoned { Err(Error::poisoned(&self.position.path)) } else { Ok(()) }
    }

    /// Appends a frame; on an error that is not [`Error::Unknown`], nothing of it is left.
    fn append(&mut self, pieces: &[&[u8]]) -> Result<()> {
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        let padding = self.padding_behind(size);
        match self.append_padded(pieces, size, padding) {
            // A disk that is nearly full may have space for the frame alone.
            Err(Error::NoSpace { .. }) if padding > 0 => self.append_padded(pieces, size, 0),
            result => result,
        }
    }

    /// How much padding to write behind a frame of this size.
    fn padding_behind(&self, frame: u64) -> u64 {
        let end = self.position.end();
        let fits = end + frame <= self.length;
        let is_busy = end >= PADDING_BYTES && frame <= PADDED_FRAME_MAX;
        if is_busy && !fits { PADDING_BYTES } else { 0 }
    }

    fn append_padded(&mut self, pieces: &[&[u8]], size: u64, padding: u64) -> Result<()> {
        let end = self.position.end();
        let zeros = usize::try_from(padding).unwrap_or_default() / ZEROS.len();
        let mut all = pieces.to_vec();
        all.extend(std::iter::repeat_n(ZEROS.as_slice(), zeros));
        if let Err(error) = write_at(&self.file, &all, end) {
            return Err(match self.cut_to(end) {
                Ok(()) => Error::write(&self.position.path, error),
                Err(_) => self.unknown(error),
            });
        }
        // After a failed sync the kernel may have dropped the pages and report success next time:
        // nothing can be said any more, by this writer or by trying again.
        self.file.sync_data().map_err(|error| self.unknown(error))?;
        self.length = self.length.max(end + size + padding);
        Ok(())
    }

    fn shorten(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)?;
        self.length = size;
        Ok(())
    }

    fn cut_to(&mut self, size: u64) -> io::Result<()> {
        self.shorten(size)?;
        self.file.sync_data()
    }

    fn unknown(&self, source: io::Error) -> Error {
        Error::Unknown { path: self.position.path.clone(), source }
    }

    fn refused(&self, error: io::Error) -> Error {
        Error::refused(self.position.path.as_str(), error)
    }
}

impl Journal for DiskJournal {
    fn commit(&mut self, expected: &[u8], stage: &[&[u8]], head: &[u8]) -> Result<()> {
        self.sound()?;
        let seal = self.position.seal(expected, stage, head)?;
        let mut pieces: Vec<&[u8]> = Vec::with_capacity(stage.len() + 3);
        pieces.extend([seal.prelude.as_slice(), head]);
        pieces.extend(stage);
        pieces.push(&seal.chain);
        self.write(|journal| {
            journal.append(&pieces)?;
            journal.position.advance(&seal, head);
            Ok(())
        })
    }

    fn rotate(&mut self) -> Result<u64> {
        self.sound()?;
        let next = self.position.next_segment()?;
        let number = next.number;
        self.write(|journal| {
            // A segment that is not the newest needs no padding. A crash may leave it all the same.
            let end = journal.position.end();
            if journal.length > end {
                journal.shorten(end).map_err(|error| journal.refused(error))?;
            }
            write_segment(&journal.inner, &next.path, &next.bytes)?;
            // The new segment is there from here on, so that not to go on in it is not an option.
            let file = open_segment(&journal.inner, &next.path)
                .and_then(|file| file.ok_or_else(|| vanished(&next.path)));
            journal.file = file.map_err(|error| journal.unknown(io::Error::other(error)))?;
            journal.position.rotate(next);
            journal.length = journal.position.end();
            Ok(number)
        })
    }

    fn retire(&mut self, segment: u64) -> Result<()> {
        self.sound()?;
        let older = self.position.older_than(segment)?;
        self.write(|journal| {
            // One at a time, the oldest first and durably, so that a crash leaves no gap.
            for number in older {
                let path = segments::path(&journal.position.folder, number)?;
                journal.inner.remove(&[path])?;
                journal.position.retired(number);
            }
            Ok(())
        })
    }

    fn cut(&mut self) -> Result<()> {
        self.sound()?;
        let Some(torn) = self.position.torn.clone() else { return Ok(()) };
        self.write(|journal| {
            let inner = &journal.inner;
            let segment = inner.root.read(&torn.path)?.ok_or_else(|| vanished(&torn.path))?;
            let offset = usize::try_from(torn.offset).unwrap_or(usize::MAX);
            let bytes =
                if offset <= segment.len() { segment.slice(offset..) } else { Bytes::new() };
            // Padding says nothing, and there may be no space for it.
            let bytes = frame::without_padding(&bytes);
            let path = journal.position.aside(&torn, |path| {
                Ok(inner.root.read(path)?.is_none_or(|there| there == bytes))
            })?;
            inner.create(&[Object { path, bytes }])?;
            journal.cut_to(torn.offset).map_err(|error| journal.unknown(error))?;
            journal.position.cut();
            Ok(())
        })
    }

    fn size_bytes(&self) -> u64 {
        self.position.size_bytes()
    }
}

/// The numbers of the segments in a folder, sorted.
fn numbers(inner: &Inner, folder: &ObjectPath) -> Result<Vec<u64>> {
    let entries = inner.root.entries(folder)?;
    let mut numbers: Vec<u64> = entries
        .iter()
        .filter(|(_, kind)| *kind != FileType::Directory)
        .filter_map(|(path, _)| segments::number(path.name()))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads all segments, oldest first, and keeps the newest open; `None` if there is none. One that was
/// listed and is gone is [`Error::Damaged`].
fn read_segments(inner: &Inner, folder: &ObjectPath) -> Result<Option<(Vec<Segment>, File)>> {
    let numbers = numbers(inner, folder)?;
    let Some(newest) = numbers.last() else { return Ok(None) };
    let newest = segments::path(folder, *newest)?;
    let segments = read_numbered(inner, folder, &numbers)?;
    match (segments, open_segment(inner, &newest)?) {
        (Some(segments), Some(file)) => Ok(Some((segments, file))),
        _ => Err(vanished(&newest)),
    }
}

/// Reads segments; `None` if one of them is not there any more.
fn read_numbered(
    inner: &Inner,
    folder: &ObjectPath,
    numbers: &[u64],
) -> Result<Option<Vec<Segment>>> {
    let mut segments = Vec::with_capacity(numbers.len());
    for number in numbers {
        let path = segments::path(folder, *number)?;
        let Some(bytes) = inner.root.read(&path)? else { return Ok(None) };
        segments.push(Segment { number: *number, bytes });
    }
    Ok(Some(segments))
}

/// Writes a new segment, which has its name only when its header is durable.
fn write_segment(inner: &Inner, path: &ObjectPath, bytes: &[u8]) -> Result<()> {
    let writer = inner.writer(path)?;
    let failed = |error| Error::write(path, error);
    let temporary = Temporary::write(inner, writer, path, &[bytes], SEGMENT_MODE)?;
    temporary.sync().map_err(failed)?;
    let mut touched = writer.folders.touch(&inner.root).map_err(failed)?;
    let names = writer.folders.hold();
    let (folder, name) = split(path);
    match temporary.link(touched.folder(folder).map_err(failed)?, name) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::Conflict { path: path.clone() });
        }
        Err(error) => return Err(failed(error)),
    }
    drop(names);
    touched.sync().map_err(|source| Error::Unknown { path: path.clone(), source })
}

fn open_segment(inner: &Inner, path: &ObjectPath) -> Result<Option<File>> {
    let flags = if inner.writer.is_some() { OFlags::RDWR } else { OFlags::RDONLY };
    inner.root.open_file(path, flags)
}

/// Writes pieces one after the other from an offset on.
fn write_at(file: &File, pieces: &[&[u8]], mut offset: u64) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let batch = rest.get(..rest.len().min(MAX_PIECES)).unwrap_or_default();
        match rustix::io::pwritev(file, batch, offset) {
            // Nothing but empty pieces is not a write that gets nowhere.
            Ok(0) if batch.iter().all(|piece| piece.is_empty()) => {
                let skipped = batch.len();
                rest = rest.get_mut(skipped..).unwrap_or_default();
            }
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                offset += written as u64;
                IoSlice::advance_slices(&mut rest, written);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn vanished(path: &ObjectPath) -> Error {
    Error::Damaged { path: path.clone(), offset: 0, what: "the segment is missing" }
}

fn lock(version: &Mutex<u64>) -> MutexGuard<'_, u64> {
    version.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disk;

    /// A journal whose file can be neither written nor cut.
    fn journal_that_fails(disk: &Disk, folder: &ObjectPath) -> DiskJournal {
        let mut journal = DiskJournal::create(&disk.inner, folder, b"base").unwrap();
        journal.commit(b"base", &[b"stage"], b"one").unwrap();
        let path = journal.position.path.clone();
        journal.file = disk.inner.root.open_file(&path, OFlags::RDONLY).unwrap().unwrap();
        journal
    }

    #[test]
    fn an_unknown_outcome_poisons_the_journal_until_it_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path()).unwrap();
        let folder = ObjectPath::new("j").unwrap();
        let mut journal = journal_that_fails(&disk, &folder);
        let unknown = |result| assert!(matches!(result, Err(Error::Unknown { .. })), "{result:?}");
        unknown(journal.commit(b"one", &[b"stage"], b"two"));
        // Not even with a file that could be written again.
        let path = journal.position.path.clone();
        journal.file = disk.inner.root.open_file(&path, OFlags::RDWR).unwrap().unwrap();
        unknown(journal.commit(b"one", &[b"stage"], b"two"));
        unknown(journal.rotate().map(drop));
        unknown(journal.retire(1));
        unknown(journal.cut());

        let (mut journal, replay) = DiskJournal::open(&disk.inner, &folder).unwrap().unwrap();
        assert_eq!(replay.frames.len(), 1);
        journal.commit(b"one", &[b"stage"], b"two").unwrap();
    }

    #[test]
    fn what_was_read_is_written_again_before_it_is_built_on() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path()).unwrap();
        let folder = ObjectPath::new("j").unwrap();
        drop(journal_that_fails(&disk, &folder));
        let (mut journal, _) = DiskJournal::open(&disk.inner, &folder).unwrap().unwrap();
        // If it cannot be written again, nothing is known of it.
        let path = journal.position.path.clone();
        journal.file = disk.inner.root.open_file(&path, OFlags::RDONLY).unwrap().unwrap();
        let result = journal.rotate();
        assert!(matches!(result, Err(Error::Unknown { .. })), "{result:?}");
        drop(journal);
        let (mut journal, _) = DiskJournal::open(&disk.inner, &folder).unwrap().unwrap();
        assert!(journal.unsettled);
        journal.rotate().unwrap();
        assert!(!journal.unsettled);
    }

    #[test]
    fn pieces_are_written_one_after_the_other_however_many_and_empty_they_are() {
        let file = tempfile::tempfile().unwrap();
        let check = |pieces: &[&[u8]]| {
            file.set_len(0).unwrap();
            write_at(&file, pieces, 3).unwrap();
            let mut bytes = vec![1; 3 + pieces.concat().len()];
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
            assert_eq!(bytes.get(3..), Some(pieces.concat().as_slice()));
        };
        check(&[b"a", b"", b"b"]);
        check(&vec![b"xy".as_slice(); 3 * MAX_PIECES + 1]);
        let mut sparse = vec![b"".as_slice(); 2 * MAX_PIECES];
        sparse.push(b"end");
        check(&sparse);
    }
}

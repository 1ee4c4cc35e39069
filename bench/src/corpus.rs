//! The events on disk, written once before anything is measured, so that making them costs neither
//! system anything.
//!
//! Two files of the same lines: JSON documents, and the columns PostgreSQL keeps beside them. Both
//! are read in batches with positioned reads, which mostly come from the page cache.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::generate::{BATCH, Generator};

/// Events that were written to a folder.
#[derive(Debug)]
pub(crate) struct Corpus {
    documents: Lines,
    columns: Lines,
    batches: u64,
}

/// A file of lines and where each batch begins.
#[derive(Debug)]
struct Lines {
    file: File,
    starts: Vec<u64>,
}

impl Corpus {
    /// Writes `events` events, rounded up to whole batches, into `folder`.
    pub(crate) fn write(folder: &Path, generator: &Generator, events: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let batches = events.div_ceil(BATCH);
        let paths = [folder.join("events.ndjson"), folder.join("events.columns")];
        let [mut documents, mut columns] = [Vec::new(), Vec::new()];
        let [mut document_starts, mut column_starts] = [vec![0], vec![0]];
        let mut files = [
            BufWriter::with_capacity(1 << 20, File::create(&paths[0])?),
            BufWriter::with_capacity(1 << 20, File::create(&paths[1])?),
        ];
        for number in 0..batches {
            documents.clear();
            columns.clear();
            for draw in generator.batch(number) {
                generator.write_json(&draw, &mut documents);
                draw.write_columns(&mut columns);
            }
            files[0].write_all(&documents)?;
            files[1].write_all(&columns)?;
            push_end(&mut document_starts, documents.len());
            push_end(&mut column_starts, columns.len());
        }
        for file in files {
            file.into_inner()?.sync_all()?;
        }
        Ok(Self {
            documents: Lines { file: File::open(&paths[0])?, starts: document_starts },
            columns: Lines { file: File::open(&paths[1])?, starts: column_starts },
            batches,
        })
    }

    /// How many batches there are.
    pub(crate) const fn batches(&self) -> u64 {
        self.batches
    }

    /// The mean size of a document in bytes, without its line feed.
    pub(crate) fn bytes_per_event(&self) -> f64 {
        let total = self.documents.starts.last().copied().unwrap_or_default();
        crate::number::float(total) / crate::number::float(self.batches * BATCH) - 1.0
    }

    /// Replaces `buffer` by the documents of a batch, one a line.
    pub(crate) fn documents(&self, batch: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.documents.read(batch, buffer)
    }

    /// Replaces `buffer` by the columns of a batch, one event a line.
    pub(crate) fn columns(&self, batch: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.columns.read(batch, buffer)
    }
}

impl Lines {
    fn read(&self, batch: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let place = usize::try_from(batch)?;
        let bounds = self.starts.get(place..place + 2).context("no such batch")?;
        let &[start, end] = bounds else { anyhow::bail!("no such batch") };
        buffer.resize(usize::try_from(end - start)?, 0);
        Ok(self.file.read_exact_at(buffer, start)?)
    }
}

fn push_end(starts: &mut Vec<u64>, bytes: usize) {
    let last = starts.last().copied().unwrap_or_default();
    starts.push(last + bytes as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_as_it_was_generated() {
        let folder = tempfile::tempdir().unwrap();
        let generator = Generator::new(5, 3_000);
        let corpus = Corpus::write(folder.path(), &generator, 2_500).unwrap();
        assert_eq!(corpus.batches(), 3);
        let (mut documents, mut columns, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        corpus.documents(2, &mut documents).unwrap();
        corpus.columns(2, &mut columns).unwrap();
        generator.batch(2).for_each(|draw| generator.write_json(&draw, &mut expected));
        assert_eq!(documents, expected);
        assert_eq!(columns.split(|byte| *byte == b'\n').count(), 1_001);
        assert!(corpus.documents(3, &mut documents).is_err());
    }
}

//! A segment: the index of a run of events, written once.
//!
//! Document `d` of the segment is the event at leaf index `from + d`, always: segments are built and
//! merged in order and nothing is ever deleted from one. Small fresh segments live in memory; the
//! rest are folders of their own. A folder goes when the last reader lets go of the segment that was
//! merged into another.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tantivy::columnar::Column;
use tantivy::directory::{MmapDirectory, RamDirectory};
use tantivy::{Index, IndexBuilder, SegmentReader, SingleSegmentIndexWriter};
use trail::Recorded;

use crate::blocks::{Blocks, Parts};
use crate::document::Drafter;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::schema::{COUNTED, Layout, OCCURRED, RECORDED, column, tokenizers};
use crate::values::Document;

/// What the engine is told to plan its hash tables for. It is not a limit; chunks are.
const ARENA_BYTES: usize = 48 * 1024 * 1024;
const ARENA_BYTES_SMALL: usize = 1024 * 1024;

/// Where a segment's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Memory,
    Folder(PathBuf),
}

impl Place {
    /// Removes what a failure left behind; what stays is swept at the next start.
    pub(crate) fn remove(&self) {
        if let Self::Folder(folder) = self {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The index of a run of events.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) from: u64,
    pub(crate) count: u32,
    /// The earliest and latest `occurred_at`, in microseconds.
    pub(crate) occurred: (i64, i64),
    pub(crate) place: Place,
    pub(crate) born: Instant,
    index: OnceLock<Index>,
    opened: OnceLock<Opened>,
    obsolete: AtomicBool,
}

/// A segment that is open for reading.
pub(crate) struct Opened {
    pub(crate) reader: SegmentReader,
    pub(crate) occurred: Column<i64>,
    pub(crate) recorded: Column<i64>,
    blocks: OnceLock<Blocks>,
    pub(crate) counted: [Option<Labels>; COUNTED.len()],
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("docs", &self.reader.max_doc()).finish_non_exhaustive()
    }
}

impl Segment {
    /// A segment in a folder that a manifest speaks of. Nothing is read yet.
    pub(crate) fn known(from: u64, count: u32, occurred: (i64, i64), folder: PathBuf) -> Self {
        Self::new(from, count, occurred, Place::Folder(folder))
    }

    fn new(from: u64, count: u32, occurred: (i64, i64), place: Place) -> Self {
        Self {
            from,
            count,
            occurred,
            place,
            born: Instant::now(),
            index: OnceLock::new(),
            opened: OnceLock::new(),
            obsolete: AtomicBool::new(false),
        }
    }

    /// One past the last leaf index.
    pub(crate) fn to(&self) -> u64 {
        self.from + u64::from(self.count)
    }

    pub(crate) fn in_memory(&self) -> bool {
        self.place == Place::Memory
    }

    /// The documents whose leaf indexes lie in a range.
    pub(crate) fn docs(&self, indexes: &Range<u64>) -> Range<u32> {
        let place = |index: u64| {
            u32::try_from(index.saturating_sub(self.from)).unwrap_or(u32::MAX).min(self.count)
        };
        place(indexes.start)..place(indexes.end).max(place(indexes.start))
    }

    /// The segment's folder may go when nobody reads it any more.
    pub(crate) fn retire(&self) {
        self.obsolete.store(true, Ordering::Relaxed);
    }

    /// The segment, open for reading. The first reader verifies the checksums of its files.
    pub(crate) fn open(&self) -> Result<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let index = self.index()?;
        let opened = Opened::new(index, self.count)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    /// Bytes by part of the index.
    pub(crate) fn usage(&self) -> Result<[(&'static str, u64); 6]> {
        let usage = self.open()?.reader.space_usage().map_err(tantivy::TantivyError::from)?;
        Ok([
            ("dictionary", usage.termdict().total()),
            ("postings", usage.postings().total()),
            ("positions", usage.positions().total()),
            ("columns", usage.fast_fields().total()),
            ("norms", usage.fieldnorms().total()),
            ("store", usage.store().total()),
        ]
        .map(|(part, bytes)| (part, bytes.get_bytes())))
    }

    fn index(&self) -> Result<&Index> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let Place::Folder(folder) = &self.place else {
            return Err(Error::Damaged("a segment in memory is gone".to_owned()));
        };
        let damaged = |what: String| Error::Damaged(format!("{}: {what}", folder.display()));
        let mut index = Index::open_in_dir(folder).map_err(|error| damaged(error.to_string()))?;
        if index.schema() != Layout::current().schema {
            return Err(damaged("another schema".to_owned()));
        }
        let bad = index.validate_checksum().map_err(|error| damaged(error.to_string()))?;
        if let Some(path) = bad.into_iter().next() {
            return Err(damaged(format!("{} is damaged", path.display())));
        }
        index.set_tokenizers(tokenizers());
        Ok(self.index.get_or_init(|| index))
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if *self.obsolete.get_mut() {
            self.place.remove();
        }
    }
}

impl Opened {
    fn new(index: &Index, count: u32) -> Result<Self> {
        let damaged = |what: &str| Error::Damaged(what.to_owned());
        let segments = index.searchable_segments()?;
        let [segment] = segments.as_slice() else {
            return Err(damaged("a segment's folder has not exactly one segment"));
        };
        let reader = SegmentReader::open(segment)?;
        if reader.max_doc() != count {
            return Err(damaged("a segment has not as many events as the manifest says"));
        }
        let columns = reader.fast_fields();
        let occurred = columns.i64(OCCURRED)?;
        let recorded = columns.i64(RECORDED)?;
        let mut counted = [const { None }; COUNTED.len()];
        for (slot, field) in counted.iter_mut().zip(COUNTED) {
            *slot = columns.str(&column(field))?.map(Labels::new);
        }
        Ok(Self { reader, occurred, recorded, blocks: OnceLock::new(), counted })
    }
}

impl Opened {
    /// When its events happened, block by block; worked out when it is first asked for.
    pub(crate) fn blocks(&self, parts: Parts) -> &Blocks {
        self.blocks.get_or_init(|| Blocks::new(&self.occurred, self.reader.max_doc(), parts))
    }
}

/// Builds a segment from events in order.
pub(crate) struct Builder {
    writer: SingleSegmentIndexWriter<Document>,
    drafter: Drafter,
    place: Place,
    from: u64,
    count: u32,
    occurred: (i64, i64),
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Builder {
    pub(crate) fn new(from: u64, place: Place) -> Result<Self> {
        let builder = builder();
        let writer = match &place {
            Place::Memory => {
                builder.single_segment_index_writer(RamDirectory::create(), ARENA_BYTES_SMALL)?
            }
            Place::Folder(folder) => {
                builder.single_segment_index_writer(directory(folder)?, ARENA_BYTES)?
            }
        };
        let occurred = (i64::MAX, i64::MIN);
        Ok(Self { writer, drafter: Drafter::default(), place, from, count: 0, occurred })
    }

    /// Adds the next event.
    pub(crate) fn add(&mut self, recorded: &Recorded) -> Result<()> {
        let (document, occurred) = self.drafter.draft(&recorded.text());
        let (first, last) = self.occurred;
        self.occurred = (first.min(occurred), last.max(occurred));
        self.writer.add_document(document)?;
        self.count += 1;
        Ok(())
    }

    /// Bytes of memory in use, about.
    pub(crate) fn memory(&self) -> usize {
        self.writer.mem_usage()
    }

    /// Writes the segment; on disk it is durable on return.
    pub(crate) fn finish(self) -> Result<Segment> {
        let index = self.writer.finalize()?;
        let segment = Segment::new(self.from, self.count, self.occurred, self.place);
        segment.index.get_or_init(|| index);
        Ok(segment)
    }
}

/// Merges segments that follow each other into one.
pub(crate) fn merge(segments: &[std::sync::Arc<Segment>], place: Place) -> Result<Segment> {
    let from = segments.first().map_or(0, |segment| segment.from);
    let indexes: Vec<Index> =
        segments.iter().map(|segment| segment.index().cloned()).collect::<Result<_>>()?;
    let index = match &place {
        Place::Memory => tantivy::indexer::merge_indices(&indexes, RamDirectory::create()),
        Place::Folder(folder) => tantivy::indexer::merge_indices(&indexes, directory(folder)?),
    };
    let mut index = index?;
    index.set_tokenizers(tokenizers());
    let count = segments.iter().map(|segment| segment.count).sum();
    let first = segments.iter().map(|segment| segment.occurred.0).min().unwrap_or_default();
    let last = segments.iter().map(|segment| segment.occurred.1).max().unwrap_or_default();
    let merged = Segment::new(from, count, (first, last), place);
    merged.index.get_or_init(|| index);
    Ok(merged)
}

fn builder() -> IndexBuilder {
    let settings = tantivy::IndexSettings {
        docstore_compress_dedicated_thread: false,
        ..tantivy::IndexSettings::default()
    };
    Index::builder()
        .schema(Layout::current().schema.clone())
        .settings(settings)
        .tokenizers(tokenizers())
}

fn directory(folder: &Path) -> Result<MmapDirectory> {
    std::fs::create_dir_all(folder).map_err(Error::folder(folder))?;
    Ok(MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?)
}

/// What an entry is recognised by: its size and FNV-1a of its bytes. It tells one trail from another
/// that was put in its place; it is no defence against anyone.
pub(crate) fn fingerprint(recorded: &Recorded) -> String {
    let hash = recorded.entry.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{}-{hash:016x}", recorded.entry.len())
}

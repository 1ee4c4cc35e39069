//! A platform's records become events, once each: the one importer of the command and the API.
//!
//! One thread reads, maps and drafts, the caller's thread commits, a third publishes; between them
//! wait a few batches, so that an input of any size takes constant memory. The import itself becomes an event of the
//! trail when it ends, however it ends, unless the process was killed.
//!
//! **Guarantee.** Every record of the input that was read is counted once: as recorded, as already
//! there, or as rejected with its line and the reason. Importing the same file again, or one that was
//! broken off, adds what is missing and nothing else.
//!
//! **Trust.** The input is hostile. Whoever calls bounds its bytes and its time.
//!
//! **Absent on purpose.** No undoing: what was recorded before an import broke off stays recorded.

mod again;
mod commit;
mod note;
mod parse;
mod report;
mod tee;

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use dialect::{Dialect, ReadOptions};
use event::{Actor, Received};

use crate::instance::{Instance, OpenTrail, uuid7};
use commit::Committer;
use tee::{Meter, Tee};

pub use report::{Counts, End, Rejected, Report};

/// Batches that wait between the thread that reads and the one that commits.
const BATCHES_WAITING: usize = 2;

/// The version of the mapping of all dialects, which stands in `received.version`.
const MAPPING_VERSION: &str = "1";

/// What is to be imported, and on whose behalf.
#[derive(Clone)]
pub struct Import {
    /// The platform whose records they are.
    pub dialect: &'static dyn Dialect,
    /// What is known beside the records, and how much may be read.
    pub options: ReadOptions,
    /// The name of the file, for the record of the import.
    pub file: String,
    /// Whether to stop at the first record that cannot be recorded. What stands before it stays.
    pub strict: bool,
    /// Who imports.
    pub by: Actor<'static>,
    /// The token that brings the records.
    pub recorded_by: Arc<str>,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("dialect", &self.dialect.name()).finish_non_exhaustive()
    }
}

/// Who looks on while an import goes on.
pub trait Watch {
    /// A record was rejected. Called for each, also beyond what a [`Report`] lists.
    fn rejected(&mut self, rejected: &Rejected);

    /// Whether the import has to end now.
    fn must_stop(&self) -> bool;
}

/// Imports an input and records that it did. Blocks on the input and on the disk.
pub fn run(
    instance: &Instance,
    open: &OpenTrail,
    import: &Import,
    input: impl Read + Send + 'static,
    watch: &mut dyn Watch,
) -> Report {
    let id = uuid7(instance.now_micros());
    let received = Received {
        via: "import".into(),
        dialect: Some(import.dialect.name().into()),
        version: Some(MAPPING_VERSION.into()),
        import: Some(id.clone().into()),
    };
    let meter = Meter::default();
    let (sender, batches) = sync_channel(BATCHES_WAITING);
    let reading = {
        let (import, input) = (import.clone(), Tee::new(input, &meter));
        let read = move || parse::run(&import, input, &sender);
        std::thread::Builder::new().name("import".to_owned()).spawn(read)
    };
    let mut committer = Committer::new(open, import, Arc::new(received), watch);
    let end = match reading {
        Ok(_) => committer.run(&batches),
        Err(error) => {
            let message = format!("no thread can be started to read it: {error}").into();
            End::Unreadable(Rejected { line: 0, code: "internal", message })
        }
    };
    // A reader that still waits for its input finds nobody to give it to, and ends by itself.
    drop(batches);
    let (rejected, rejected_left_out) = committer.rejected.into_parts();
    let (bytes, sha256) = meter.read_so_far();
    let counts = committer.counts;
    let mut report = Report { id, counts, rejected, rejected_left_out, bytes, sha256, end };
    if let Err(error) = note::record(instance, open, import, &report)
        && report.end.is_complete()
    {
        report.end = End::Failed(error);
    }
    report
}

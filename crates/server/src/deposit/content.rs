//! What is in a day's file: the events of a range of indexes, in a dialect.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use dialect::WriteOptions;
use event::Entry;
use registry::DepositOrder;
use trail::{Runs, Trail};

use super::{Failure, ledger};
use crate::export::Form;

/// Events that are read at once.
const READ_COUNT: usize = 1_024;

/// Bytes that are handed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The events of a range, and the form that they are written in.
pub(super) struct Content<'a> {
    pub(super) trail: &'a Trail,
    pub(super) order: &'a DepositOrder,
    pub(super) range: Range<u64>,
    pub(super) stop: &'a AtomicBool,
}

/// What became of the entries of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Records in the file.
    pub(super) rows: u64,
    /// Imported events that are not in the file.
    pub(super) imports: u64,
    /// The server's own records of deposits, which are not in the file.
    pub(super) own: u64,
    /// How often the dialect could not say a field.
    pub(super) losses: BTreeMap<&'static str, u64>,
}

impl Content<'_> {
    /// Writes the file: the same bytes every time. Memory does not grow with the range.
    pub(super) fn write(&self, out: &mut dyn Write) -> Result<Counts, Failure> {
        let Self { order, .. } = self;
        let unknown = || Failure::Dialect(format!("{} {}", order.dialect, order.format));
        let options = WriteOptions {
            format: Some(order.format.clone()),
            region_column: order.region_column,
            formula_guard: order.formula_guard,
        };
        let form = Form::platform(&order.dialect, options).map_err(|_| unknown())?;
        let mut writer = form.writer().map_err(|_| unknown())?;
        let (mut counts, mut buffer) = (Counts::default(), Vec::new());
        writer.begin(&mut buffer)?;
        for run in Runs::new(self.trail, self.range.clone(), READ_COUNT) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Cut);
            }
            for recorded in &run? {
                let index = recorded.index;
                let text = recorded.text();
                let entry = Entry::parse(&text).map_err(|_| Failure::Foreign { index })?;
                if ledger::is_own(&entry) {
                    counts.own += 1;
                } else if !order.imports && entry.received.via == "import" {
                    counts.imports += 1;
                } else {
                    writer.write_entry(recorded, &entry, &mut buffer)?;
                }
                if buffer.len() >= PIECE_BYTES {
                    out.write_all(&buffer)?;
                    buffer.clear();
                }
            }
        }
        writer.end(&mut buffer)?;
        out.write_all(&buffer)?;
        counts.rows = writer.count();
        counts.losses = writer.losses().map(|loss| (loss.pointer, loss.count)).collect();
        Ok(counts)
    }
}

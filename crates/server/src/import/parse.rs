//! The thread that reads: rows become drafts, drafts become batches.

use std::io::{BufReader, Read};
use std::sync::mpsc::SyncSender;

use dialect::{Fault, Rejection, Row};
use event::Draft;

use super::{Import, Rejected};

/// Records that are committed together.
const BATCH_RECORDS: usize = 4_096;

/// Bytes of records that are committed together.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Read from the input at once.
const READ_BYTES: usize = 128 * 1024;

/// Records in the order of the input.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) drafts: Vec<Draft>,
    /// The line of each draft.
    pub(super) lines: Vec<u64>,
    pub(super) rejected: Vec<Rejected>,
    bytes: usize,
}

/// What the thread that reads says.
#[derive(Debug)]
pub(super) enum Said {
    Part(Part),
    /// There is no more: the input ended, or cannot be read further.
    End(Option<Rejected>),
}

/// Who commits is gone.
struct Gone;

/// Reads the whole input, or until nobody listens.
pub(super) fn run(import: &Import, input: impl Read + Send + 'static, sender: &SyncSender<Said>) {
    let input = Box::new(BufReader::with_capacity(READ_BYTES, input));
    let last = match import.dialect.reader(input, &import.options) {
        Ok(rows) => read(rows, import.strict, sender),
        Err(rejection) => Ok(Some(rejection.into())),
    };
    if let Ok(last) = last {
        // Whoever went away does not want to know.
        let _ = sender.send(Said::End(last));
    }
}

fn read(
    rows: impl Iterator<Item = Row>,
    strict: bool,
    sender: &SyncSender<Said>,
) -> Result<Option<Rejected>, Gone> {
    let mut part = Part::default();
    let mut last = None;
    for row in rows {
        if let Err(rejection) = &row.result
            && rejection.fault.is_fatal()
        {
            last = Some(rejection.clone().into());
            break;
        }
        part.add(row);
        let is_over = strict && !part.rejected.is_empty();
        if is_over || part.is_full() {
            sender.send(Said::Part(std::mem::take(&mut part))).map_err(|_| Gone)?;
        }
        if is_over {
            return Ok(None);
        }
    }
    sender.send(Said::Part(part)).map_err(|_| Gone)?;
    Ok(last)
}

impl Part {
    fn is_full(&self) -> bool {
        self.drafts.len() + self.rejected.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES
    }

    fn add(&mut self, row: Row) {
        let Row { line, result } = row;
        let drafted = result.and_then(|mapped| {
            Draft::new(&mapped.event, mapped.native.as_ref(), &mut crate::instance::salt)
                .map_err(|invalid| Rejection::new(line, Fault::Value, invalid.to_string()))
        });
        match drafted {
            Ok(draft) => {
                self.bytes += draft.size_bytes();
                self.drafts.push(draft);
                self.lines.push(line);
            }
            Err(rejection) => self.rejected.push(rejection.into()),
        }
    }
}

//! A column of labels of a segment: one a document at most, by number.
//!
//! The names of the numbers lie compressed in a dictionary. Those of a column with few are kept once
//! they have been read, and so are its counts over the whole segment.

use std::sync::OnceLock;

use tantivy::columnar::{Column, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, TantivyError};

use crate::error::{Error, Result};

/// The names of a column with more different labels than this are not kept.
const KEPT_MAX: usize = 4_096;

/// A column of labels.
pub(crate) struct Labels {
    column: StrColumn,
    names: OnceLock<Vec<String>>,
    totals: OnceLock<Vec<u64>>,
}

impl Labels {
    pub(crate) fn new(column: StrColumn) -> Self {
        Self { column, names: OnceLock::new(), totals: OnceLock::new() }
    }

    /// The number of each document's label.
    pub(crate) fn ords(&self) -> &Column<u64> {
        self.column.ords()
    }

    /// How many different labels there are.
    pub(crate) fn distinct(&self) -> usize {
        self.column.num_terms()
    }

    /// The label with a number.
    pub(crate) fn name(&self, ord: u64) -> Result<String> {
        if let Some(names) = self.kept()? {
            let name = usize::try_from(ord).ok().and_then(|ord| names.get(ord));
            return name.cloned().ok_or_else(unnamed);
        }
        let mut text = String::new();
        self.column.ord_to_str(ord, &mut text).map_err(TantivyError::from)?;
        Ok(text)
    }

    /// How many of some documents have each label, by its number.
    pub(crate) fn count<'a>(&self, docs: impl Iterator<Item = &'a [DocId]>) -> Vec<u64> {
        let mut counts = vec![0_u64; self.distinct()];
        let mut ords = [None; COLLECT_BLOCK_BUFFER_LEN];
        for docs in docs {
            let ords = ords.get_mut(..docs.len()).unwrap_or_default();
            // Only values that are there are written.
            ords.fill(None);
            self.ords().first_vals(docs, ords);
            for ord in ords.iter().flatten() {
                if let Some(count) = usize::try_from(*ord).ok().and_then(|ord| counts.get_mut(ord))
                {
                    *count += 1;
                }
            }
        }
        counts
    }

    /// How many of all documents have each label, worked out once.
    pub(crate) fn totals(&self, docs_count: u32) -> &[u64] {
        self.totals.get_or_init(|| {
            let docs: Vec<DocId> = (0..docs_count).collect();
            self.count(docs.chunks(COLLECT_BLOCK_BUFFER_LEN))
        })
    }

    /// Tells the name of each label that was counted, with its count.
    pub(crate) fn named(&self, counts: &[u64], tell: &mut dyn FnMut(&str, u64)) -> Result<()> {
        if let Some(names) = self.kept()? {
            let counted = names.iter().zip(counts).filter(|(_, count)| **count > 0);
            counted.for_each(|(name, count)| tell(name, *count));
            return Ok(());
        }
        let present = (0_u64..).zip(counts).filter(|(_, count)| **count > 0);
        let (ords, counts): (Vec<u64>, Vec<u64>) = present.unzip();
        let mut counts = counts.into_iter();
        self.read(&ords, &mut |name| tell(name, counts.next().unwrap_or(0)))
    }

    /// All names, if there are few.
    fn kept(&self) -> Result<Option<&[String]>> {
        if let Some(names) = self.names.get() {
            return Ok(Some(names));
        }
        if self.distinct() > KEPT_MAX {
            return Ok(None);
        }
        let ords: Vec<u64> = (0..self.distinct() as u64).collect();
        let mut names = Vec::with_capacity(ords.len());
        self.read(&ords, &mut |name| names.push(name.to_owned()))?;
        Ok(Some(self.names.get_or_init(|| names)))
    }

    /// Reads names in the order of their numbers, so that each block of the dictionary is read once.
    fn read(&self, ords: &[u64], tell: &mut dyn FnMut(&str)) -> Result<()> {
        let name = |bytes: &[u8]| tell(&String::from_utf8_lossy(bytes));
        let all = self.column.dictionary().sorted_ords_to_term_cb(ords, name);
        if all.map_err(TantivyError::from)? { Ok(()) } else { Err(unnamed()) }
    }
}

fn unnamed() -> Error {
    Error::Damaged("a column names a label that is not there".to_owned())
}

//! Counts by a column of labels.

use std::collections::HashMap;

use tantivy::columnar::StrColumn;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, TantivyError};

use super::matched::{Docs, Matched};
use crate::Field;
use crate::error::{Error, Result};
use crate::schema::COUNTED;
use crate::segment::Opened;

/// Counts by the column of a field.
pub(super) fn by_column(matched: &Matched<'_>, column: usize) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for (segment, docs) in &matched.segments {
        let opened = segment.open()?;
        let Some(Some(labels)) = opened.counted.get(column) else { continue };
        let of_segment = match docs {
            Docs::Some(docs) => &count_labels(labels, docs.chunks(COLLECT_BLOCK_BUFFER_LEN))?,
            Docs::All => totals(opened, column, labels)?,
        };
        for (label, count) in of_segment {
            match counts.get_mut(label) {
                Some(sum) => *sum += count,
                None => drop(counts.insert(label.clone(), *count)),
            }
        }
    }
    Ok(counts)
}

/// The counts over a whole segment, worked out once.
fn totals<'a>(
    opened: &'a Opened,
    column: usize,
    labels: &StrColumn,
) -> Result<&'a Vec<(String, u64)>> {
    let slot = opened
        .totals
        .get(column)
        .ok_or_else(|| Error::Damaged("there is no such column".to_owned()))?;
    if let Some(counts) = slot.get() {
        return Ok(counts);
    }
    let docs: Vec<DocId> = (0..opened.reader.max_doc()).collect();
    let counts = count_labels(labels, docs.chunks(COLLECT_BLOCK_BUFFER_LEN))?;
    Ok(slot.get_or_init(|| counts))
}

fn count_labels<'a>(
    labels: &StrColumn,
    blocks: impl Iterator<Item = &'a [DocId]>,
) -> Result<Vec<(String, u64)>> {
    let mut counts = vec![0_u64; labels.num_terms()];
    let mut ords = [None; COLLECT_BLOCK_BUFFER_LEN];
    for docs in blocks {
        let ords = ords.get_mut(..docs.len()).unwrap_or_default();
        // Only values that are there are written.
        ords.fill(None);
        labels.ords().first_vals(docs, ords);
        for ord in ords.iter().flatten() {
            if let Some(count) = usize::try_from(*ord).ok().and_then(|ord| counts.get_mut(ord)) {
                *count += 1;
            }
        }
    }
    let present = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
    let (ords, counts): (Vec<u64>, Vec<u64>) =
        present.map(|(ord, count)| (ord as u64, count)).unzip();
    // In order, so that each block of the dictionary is read once.
    let mut names = Vec::with_capacity(ords.len());
    let name = |bytes: &[u8]| names.push(String::from_utf8_lossy(bytes).into_owned());
    if !labels.dictionary().sorted_ords_to_term_cb(&ords, name).map_err(TantivyError::from)? {
        return Err(Error::Damaged("a column names a label that is not there".to_owned()));
    }
    Ok(names.into_iter().zip(counts).collect())
}

/// The label with an ordinal.
pub(super) fn label(labels: &StrColumn, ord: u64) -> Result<String> {
    let mut text = String::new();
    labels.ord_to_str(ord, &mut text).map_err(TantivyError::from)?;
    Ok(text)
}

/// The column of a counted field.
pub(super) fn counted(opened: &Opened, field: Field) -> Option<&StrColumn> {
    let position = COUNTED.iter().position(|counted| *counted == field)?;
    opened.counted.get(position)?.as_ref()
}

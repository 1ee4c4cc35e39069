//! Counts by a column of labels.

use std::borrow::Cow;
use std::collections::HashMap;

use tantivy::COLLECT_BLOCK_BUFFER_LEN;

use super::matched::{Docs, Matched};
use crate::Field;
use crate::error::Result;
use crate::labels::Labels;
use crate::schema::COUNTED;
use crate::segment::Opened;

/// Counts by the column of a field.
pub(super) fn by_column(matched: &Matched<'_>, column: usize) -> Result<HashMap<String, u64>> {
    let mut sums: HashMap<String, u64> = HashMap::new();
    for (segment, docs) in &matched.segments {
        let Some(Some(labels)) = segment.open()?.counted.get(column) else { continue };
        let counts: Cow<'_, [u64]> = match docs {
            Docs::Some(docs) => labels.count(docs.chunks(COLLECT_BLOCK_BUFFER_LEN)).into(),
            Docs::All => labels.totals(segment.count).into(),
        };
        labels.named(&counts, &mut |label, count| match sums.get_mut(label) {
            Some(sum) => *sum += count,
            None => drop(sums.insert(label.to_owned(), count)),
        })?;
    }
    Ok(sums)
}

/// The column of a counted field.
pub(super) fn counted(opened: &Opened, field: Field) -> Option<&Labels> {
    let position = COUNTED.iter().position(|counted| *counted == field)?;
    opened.counted.get(position)?.as_ref()
}

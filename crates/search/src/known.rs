//! Where the terms are that were asked for lately.
//!
//! To find a term, its block of the dictionary is inflated and read up to it, which takes longer than
//! to read the first of its events. People ask for the same organizations, actions and accounts again
//! and again, and what they type as a word is looked for in eight members. A segment never changes
//! and its id is never used again, so that nothing here can become wrong.

use std::sync::LazyLock;

use quick_cache::sync::Cache;
use tantivy::SegmentReader;
use tantivy::index::SegmentId;
use tantivy::postings::TermInfo;
use tantivy::schema::Field as Column;

/// So many terms are known, those included that a segment does not have.
const KNOWN_MAX: usize = 16_384;

/// Longer ones are looked for each time.
const KEY_BYTES_MAX: usize = 128;

type Key = (SegmentId, Column, Vec<u8>);

static KNOWN: LazyLock<Cache<Key, Option<TermInfo>>> = LazyLock::new(|| Cache::new(KNOWN_MAX));

/// Where a segment's term is, if it has it.
pub(crate) fn term_info(
    reader: &SegmentReader,
    column: Column,
    term: &[u8],
) -> tantivy::Result<Option<TermInfo>> {
    let look = || Ok(reader.inverted_index(column)?.terms().get(term)?);
    if term.len() > KEY_BYTES_MAX {
        return look();
    }
    let key = (reader.segment_id(), column, term.to_vec());
    if let Some(known) = KNOWN.get(&key) {
        return Ok(known);
    }
    let found = look()?;
    KNOWN.insert(key, found.clone());
    Ok(found)
}

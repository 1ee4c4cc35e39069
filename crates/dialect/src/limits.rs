//! Every limit on what is read, with its reason.

use event::{DEPTH_MAX, EVENT_BYTES_MAX};

/// The most bytes of one record, or of one line: what one event may have.
pub(crate) const RECORD_BYTES_MAX: usize = EVENT_BYTES_MAX;

/// The deepest nesting inside a record. An entry puts a record two levels down.
pub(crate) const RECORD_DEPTH_MAX: usize = DEPTH_MAX - 2;

/// The most bytes that one compressed byte may stand for. Deflate itself ends near 1,032; real
/// audit files stay below 50.
pub(crate) const RATIO_MAX: u64 = 1_000;

/// Below this many decompressed bytes the ratio does not matter.
pub(crate) const RATIO_FREE_BYTES: u64 = 16 * 1024 * 1024;

/// The most bytes that are looked at a second time to find a record after a broken one. Beyond it
/// everything up to the next line is passed over, so that a hostile file costs linear time.
pub(crate) const RESCAN_BYTES_MAX: u64 = 32 * 1024 * 1024;

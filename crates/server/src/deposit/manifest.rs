//! The manifest beside a day's file. `docs/deposits.md` says what its members mean.

use std::ops::Range;

use registry::DepositRecord;
use serde_json::json;
use trail::{Published, Trail};

use super::content::Counts;
use super::ledger::{Closing, Own};
use super::place::Digest;
use super::{Day, file_name};

/// What a manifest says.
pub(super) struct Manifest<'a> {
    pub(super) trail: &'a Trail,
    pub(super) deposit: &'a DepositRecord,
    pub(super) day: Day,
    pub(super) closing: &'a Own<Closing>,
    pub(super) range: Range<u64>,
    pub(super) digest: &'a Digest,
    pub(super) counts: &'a Counts,
    pub(super) checkpoint: &'a Published,
}

impl Manifest<'_> {
    /// Its bytes: the same every time.
    pub(super) fn to_json(&self) -> String {
        let order = &self.deposit.order;
        let text = serde_json::to_string_pretty(&json!({
            "format": "indelible/deposit/v1",
            "trail": order.trail,
            "origin": self.trail.origin(),
            "verifier_key": self.trail.verifier().to_string(),
            "deposit": self.deposit.id.as_str(),
            "day": self.day.to_string(),
            "file": file_name(order, self.day),
            "size_bytes": self.digest.size_bytes,
            "sha256": self.digest.sha256,
            "rows": self.counts.rows,
            "first_index": self.range.start,
            "end_index": self.range.end,
            "left_out": {"imports": self.counts.imports, "own": self.counts.own},
            "dialect": order.dialect,
            "dialect_format": order.format,
            "region_column": order.region_column,
            "formula_guard": order.formula_guard,
            "imports": order.imports,
            "losses": self.counts.losses,
            "closed_by": self.closing.index,
            "checkpoint": &*self.checkpoint.note,
        }));
        // An object of texts and numbers can be written.
        text.unwrap_or_default() + "\n"
    }
}

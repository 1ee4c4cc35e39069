//! Positions in paths (c2sp.org/tlog-tiles): `x001/x234/067`, and `x001/x234/067.p/9` when partial.
//!
//! A number is written in groups of three digits, all but the last with an `x` before them. A full
//! resource has width 256 and no suffix; a partial one ends in its width. Each position has one
//! spelling.

use std::fmt;

use crate::TILE_WIDTH;
use crate::lexeme;

/// Where a tile is in its level, or a bundle among the bundles.
pub(crate) struct Position {
    pub(crate) index: u64,
    /// 1 to 256.
    pub(crate) width: u16,
}

impl Position {
    /// Reads a position; only the spelling that `Display` writes is accepted.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, width) = match text.split_once(".p/") {
            Some((number, width)) => (number, partial_width(width)?),
            None => (text, TILE_WIDTH),
        };
        let (groups, last) = match number.rsplit_once('/') {
            Some((groups, last)) => (Some(groups), last),
            None => (None, number),
        };
        if groups.is_some_and(|groups| groups.starts_with("x000")) {
            return None;
        }
        let mut index = 0_u64;
        for group in groups.into_iter().flat_map(|groups| groups.split('/')) {
            index = append(index, group.strip_prefix('x')?)?;
        }
        Some(Self { index: append(index, last)?, width })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 1000^6 is the largest power of 1000 that a u64 holds.
        for place in (1..=6).rev().map(|power| 1000_u64.pow(power)) {
            if self.index >= place {
                write!(f, "x{:03}/", self.index / place % 1000)?;
            }
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

fn partial_width(text: &str) -> Option<u16> {
    let width = u16::try_from(lexeme::decimal(text)?).ok()?;
    (1..TILE_WIDTH).contains(&width).then_some(width)
}

/// Appends a group of exactly three digits to a number.
fn append(number: u64, digits: &str) -> Option<u64> {
    if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.checked_mul(1000)?.checked_add(digits.parse().ok()?)
}

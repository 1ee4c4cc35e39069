//! Counts by what actions mean.

use std::collections::HashMap;

use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId};

use super::columns::counted;
use super::matched::{Docs, Matched};
use crate::error::Result;
use crate::labels::Labels;
use crate::segment::Opened;
use crate::{Field, Kinds};

/// Counts by kind.
pub(super) fn by_kind(matched: &Matched<'_>, kinds: &dyn Kinds) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for (segment, docs) in &matched.segments {
        let opened = segment.open()?;
        let all: Vec<DocId>;
        let docs = match docs {
            Docs::Some(docs) => docs,
            Docs::All => {
                all = (0..segment.count).collect();
                &all
            }
        };
        let mut namer = KindNamer::new(opened, kinds);
        let mut pairs = [None; COLLECT_BLOCK_BUFFER_LEN];
        let mut by_slot: Vec<u64> = Vec::new();
        for docs in docs.chunks(COLLECT_BLOCK_BUFFER_LEN) {
            namer.slots(docs, &mut pairs)?;
            for slot in pairs.iter().take(docs.len()).flatten() {
                if by_slot.len() <= *slot {
                    by_slot.resize(*slot + 1, 0);
                }
                if let Some(count) = by_slot.get_mut(*slot) {
                    *count += 1;
                }
            }
        }
        for (name, count) in namer.names.iter().zip(by_slot).filter(|(_, count)| *count > 0) {
            *counts.entry(name.clone()).or_default() += count;
        }
    }
    Ok(counts)
}

/// Finds the kind of each document of a segment, asking the catalogue once for each pair of system
/// and action.
#[derive(Debug)]
pub(super) struct KindNamer<'a> {
    opened: &'a Opened,
    kinds: &'a dyn Kinds,
    pub(super) names: Vec<String>,
    slots: HashMap<(u64, u64), usize>,
    last: Option<((u64, u64), usize)>,
}

impl<'a> KindNamer<'a> {
    pub(super) fn new(opened: &'a Opened, kinds: &'a dyn Kinds) -> Self {
        Self { opened, kinds, names: Vec::new(), slots: HashMap::new(), last: None }
    }

    /// Writes for each document the place of its kind in `names`.
    pub(super) fn slots(
        &mut self,
        docs: &[DocId],
        out: &mut [Option<usize>; COLLECT_BLOCK_BUFFER_LEN],
    ) -> Result<()> {
        out.fill(None);
        let (Some(systems), Some(actions)) =
            (counted(self.opened, Field::System), counted(self.opened, Field::Action))
        else {
            return Ok(());
        };
        let mut system = [None; COLLECT_BLOCK_BUFFER_LEN];
        let mut action = [None; COLLECT_BLOCK_BUFFER_LEN];
        let size = docs.len();
        systems.ords().first_vals(docs, system.get_mut(..size).unwrap_or_default());
        actions.ords().first_vals(docs, action.get_mut(..size).unwrap_or_default());
        for ((slot, system), action) in out.iter_mut().zip(system).zip(action).take(size) {
            if let (Some(system), Some(action)) = (system, action) {
                *slot = Some(self.slot((system, action), systems, actions)?);
            }
        }
        Ok(())
    }

    fn slot(&mut self, pair: (u64, u64), systems: &Labels, actions: &Labels) -> Result<usize> {
        if let Some((_, slot)) = self.last.filter(|(last, _)| *last == pair) {
            return Ok(slot);
        }
        let slot = if let Some(slot) = self.slots.get(&pair) {
            *slot
        } else {
            let kind = self.kinds.kind_of(&systems.name(pair.0)?, &actions.name(pair.1)?);
            let known = self.names.iter().position(|name| *name == kind);
            let slot = known.unwrap_or_else(|| {
                self.names.push(kind.into_owned());
                self.names.len() - 1
            });
            self.slots.insert(pair, slot);
            slot
        };
        self.last = Some((pair, slot));
        Ok(slot)
    }
}

//! Keeping segments few: small ones become large ones, and what is in memory goes to disk.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::{Limits, Projection};
use crate::error::Result;
use crate::manifest::Manifest;
use crate::segment::{Place, Segment, fingerprint, merge};
use crate::view::View;

impl Projection {
    /// Puts a run of segments in memory on disk when it is large, old enough or in the way, or makes
    /// one of many small ones. Whether there was anything to do.
    pub(super) fn flush_run(&self, all: bool) -> Result<bool> {
        let _flushing = match self.flushing.try_lock() {
            Ok(flushing) => flushing,
            Err(_) if all => self.flushing.lock().unwrap_or_else(PoisonError::into_inner),
            Err(_) => return Ok(false),
        };
        let view = self.view();
        let start = view.segments.iter().position(|segment| segment.in_memory());
        let Some(tail) = start.and_then(|start| view.segments.get(start..)) else {
            return Ok(false);
        };
        let size = tail.iter().take_while(|segment| segment.in_memory()).count();
        let run = tail.get(..size).unwrap_or_default();
        let events: u32 = run.iter().map(|segment| segment.count).sum();
        let limits = &self.options.limits;
        let old = run.first().is_some_and(|first| first.born.elapsed() > limits.memory_max);
        if all || old || size < tail.len() || events >= limits.flush_events {
            self.replace(run, &self.new_place())?;
            return Ok(true);
        }
        let mut small = run.split(|segment| segment.count >= limits.merge_in_memory_below);
        if let Some(run) = small.find_map(|run| due_run(run, limits)) {
            self.replace(run, &Place::Memory)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Merges one run of segments on disk, if one is due.
    pub(crate) fn merge_once(&self) -> Result<bool> {
        let Ok(_merging) = self.merging.try_lock() else { return Ok(false) };
        let view = self.view();
        let Some(run) = self.due_merge(&view) else { return Ok(false) };
        self.replace(run, &self.new_place())?;
        Ok(true)
    }

    /// When a run of segments on disk should be merged, if one is due: `now`, but not while many
    /// events come, unless there are too many segments.
    pub(crate) fn merge_due(&self, now: Instant) -> Option<Instant> {
        let view = self.view();
        self.due_merge(&view)?;
        let limits = &self.options.limits;
        let quiet = self.lock().quiet_from(limits);
        Some(quiet.filter(|_| view.segments.len() < limits.segments_max).unwrap_or(now))
    }

    /// The run of segments on disk that is due. While many events wait to be added, none is, unless
    /// there are too many segments.
    fn due_merge<'v>(&self, view: &'v View) -> Option<&'v [Arc<Segment>]> {
        let limits = &self.options.limits;
        if self.lag() >= limits.chunk_events && view.segments.len() < limits.segments_max {
            return None;
        }
        let mut durable = view.segments.split(|segment| segment.in_memory());
        durable.find_map(|run| due_run(run, limits))
    }

    /// Puts one segment in the place of a run of them.
    fn replace(&self, run: &[Arc<Segment>], place: &Place) -> Result<()> {
        let merged = merge(run, place.clone()).inspect_err(|_| place.remove())?;
        let merged = Arc::new(merged);
        let durable = !merged.in_memory();
        let replaced = {
            let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
            let mut view = current.as_ref().clone();
            let is_run = |window: &[Arc<Segment>]| {
                window.iter().zip(run).all(|(one, other)| Arc::ptr_eq(one, other))
            };
            let place = view.segments.windows(run.len().max(1)).position(is_run);
            if let Some(place) = place {
                view.segments.splice(place..place + run.len(), [Arc::clone(&merged)]);
                *current = Arc::new(view);
            }
            place.is_some()
        };
        if !replaced {
            // The projection began again in the meantime.
            merged.retire();
            return Ok(());
        }
        if durable {
            self.save()?;
            for segment in run {
                segment.retire();
            }
        }
        Ok(())
    }

    /// Writes which segments on disk there are.
    pub(super) fn save(&self) -> Result<()> {
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view();
        let durable: Vec<Arc<Segment>> =
            view.segments.iter().take_while(|segment| !segment.in_memory()).cloned().collect();
        let last = match durable.last() {
            Some(segment) => self.feed.read_many(&[segment.to() - 1])?.first().map(fingerprint),
            None => None,
        };
        Manifest::new(&durable, last).write(&self.folder)
    }
}

/// The first run of neighbours of like size that is long enough to be merged, the small ones first.
fn due_run<'a>(segments: &'a [Arc<Segment>], limits: &Limits) -> Option<&'a [Arc<Segment>]> {
    let tier = |segment: &Segment| segment.count.max(1).ilog2() / 3;
    (0..=limits.merge_below_events.ilog2() / 3).find_map(|highest| {
        let fits = |segment: &Segment| {
            segment.count < limits.merge_below_events && tier(segment) <= highest
        };
        segments.split(|segment| !fits(segment)).find_map(|run| {
            let mut sum = 0;
            let within = run.iter().take_while(|segment| {
                sum += segment.count;
                sum <= limits.merged_events
            });
            let size = within.count();
            if size >= limits.merge_run { run.get(..size) } else { None }
        })
    })
}

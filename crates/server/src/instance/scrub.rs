//! The nightly check: every trail recomputed from the store, slowly, and what came of it on record.
//!
//! A disk loses bits without telling. Who finds out years later has no copy left to go back to.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use event::Actor;
use registry::{CheckRecord, Checked, Slug};
use trail::Report;

use super::{Instance, InstanceError, keys, uuid7};

const MINUTE_MICROS: i64 = 60_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

/// How often it is looked whether a check is due.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Looks at a fault at the end of a trail that is being written, and the pause between two of them.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// When trails are checked, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrub {
    /// The minute of the UTC day from which on they are.
    pub minute: u16,
    /// Entries a second, so that the disk is there for others; 0 for as fast as it goes.
    pub entries_per_second: u64,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { minute: 2 * 60, entries_per_second: 20_000 }
    }
}

impl Scrub {
    /// The last moment, up to now, at which a check was to begin.
    fn last_due_micros(self, now_micros: i64) -> i64 {
        let today = now_micros - now_micros.rem_euclid(DAY_MICROS);
        let due = today + i64::from(self.minute) * MINUTE_MICROS;
        if due <= now_micros { due } else { due - DAY_MICROS }
    }
}

impl Instance {
    /// The last check of a trail.
    pub fn last_check(&self, slug: &Slug) -> Option<Arc<CheckRecord>> {
        self.registry().last_check(slug).map(Arc::clone)
    }

    /// Recomputes a trail from the store, also while it is written, and records what came of it on
    /// the `system` trail. Blocks for as long as that takes.
    ///
    /// # Errors
    /// When it could not be recorded; a trail that cannot be read is a result.
    pub fn check_trail(
        &self,
        slug: &Slug,
        entries_per_second: u64,
    ) -> Result<Checked, InstanceError> {
        self.check_in_turn(slug, entries_per_second, super::notes::server(), &self.checking.turn())
    }

    /// Checks a trail for somebody whose turn it is.
    pub(super) fn check_in_turn(
        &self,
        slug: &Slug,
        entries_per_second: u64,
        by: Actor<'static>,
        _turn: &MutexGuard<'_, ()>,
    ) -> Result<Checked, InstanceError> {
        self.checking.set(Some((slug.clone(), self.now_micros())));
        let checked = self.recompute(slug, entries_per_second);
        self.checking.set(None);
        let checked = match checked {
            Ok(report) => Checked::from(&report),
            Err(error) => Checked {
                problems: 1,
                first_problems: vec![format!("cannot be checked: {error}")],
                ..Checked::default()
            },
        };
        self.record_check(slug, &checked, by)?;
        Ok(checked)
    }

    /// Records what a check of a trail came to: one of this server's, or of a command beside it, whose
    /// word is taken for it.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub fn record_check(
        &self,
        slug: &Slug,
        checked: &Checked,
        by: Actor<'static>,
    ) -> Result<(), InstanceError> {
        if let Some(problem) = checked.first_problems.first() {
            tracing::error!(trail = %slug, problems = checked.problems, problem, "damage found");
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now_micros();
        self.record_and_apply(&checked.event(uuid7(now), now, by, slug))
    }

    fn recompute(&self, slug: &Slug, entries_per_second: u64) -> Result<Report, InstanceError> {
        let keys = keys::read(&self.directory, slug)?;
        let vkey = keys.verifier();
        let remembered = self.around.watermark.recall(&vkey.to_string());
        let remembered = remembered.map_err(InstanceError::file(&self.options.state_folder))?;
        let mut done = 0;
        let report = trail::check(
            &*self.store,
            slug.as_str(),
            vkey.name(),
            &keys,
            remembered.as_deref(),
            &mut |checked| {
                let millis = (checked - done) * 1_000 / entries_per_second.max(1);
                if entries_per_second > 0 {
                    thread::sleep(Duration::from_millis(millis));
                }
                done = checked;
            },
            &mut |seen| {
                thread::sleep(PAUSE);
                seen < LOOKS
            },
        )?;
        Ok(report)
    }

    /// A trail whose check is due: nobody checked it since the last moment when it should have been,
    /// and it is older than that. So a night on which no server ran is made up for.
    fn due(&self, scrub: Scrub) -> Option<Slug> {
        let since = scrub.last_due_micros(self.around.clock.now_micros());
        let registry = self.registry();
        let mut trails = registry.trails().filter(|record| record.created_at_micros < since);
        let due = trails.find(|record| {
            registry.last_check(&record.slug).is_none_or(|check| check.at_micros < since)
        });
        due.map(|record| record.slug.clone())
    }

    /// Checks every trail whose check is due, and gives their names.
    ///
    /// # Errors
    /// When a result could not be recorded; the trails after it were not checked.
    pub fn check_due(&self, scrub: Scrub) -> Result<Vec<Slug>, InstanceError> {
        let mut done = Vec::new();
        // One whose record did not take must not be checked for ever.
        while let Some(slug) = self.due(scrub).filter(|slug| !done.contains(slug)) {
            self.check_trail(&slug, scrub.entries_per_second)?;
            done.push(slug);
        }
        Ok(done)
    }

    /// Checks trails when it is time, on a thread of its own that ends with the instance or the
    /// process.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn run_scrub(self: &Arc<Self>, scrub: Scrub) -> std::io::Result<()> {
        let instance = Arc::downgrade(self);
        let run = move || {
            loop {
                thread::sleep(LOOK_EVERY);
                let Some(instance) = instance.upgrade() else { return };
                if let Err(error) = instance.check_due(scrub) {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the result of a check cannot be recorded");
                }
            }
        };
        thread::Builder::new().name("nightly-check".to_owned()).spawn(run).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_due_from_its_minute_on() {
        let scrub = Scrub { minute: 120, entries_per_second: 0 };
        let day = 20_000 * DAY_MICROS;
        assert_eq!(scrub.last_due_micros(day + 120 * MINUTE_MICROS), day + 120 * MINUTE_MICROS);
        let before = day + 120 * MINUTE_MICROS - 1;
        assert_eq!(scrub.last_due_micros(before), day - DAY_MICROS + 120 * MINUTE_MICROS);
        assert_eq!(scrub.last_due_micros(day + DAY_MICROS - 1), day + 120 * MINUTE_MICROS);
    }
}

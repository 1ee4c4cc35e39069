//! Checks of whole trails that a reader asks for, and what is known of those that were made.
//!
//! One check runs at a time, the nightly ones among them.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use event::Actor;
use registry::{Checked, SYSTEM_SLUG, Slug};
use search::{Clause, Field, Order, Query};
use trail::{Feed as _, Recorded};

use super::open::parse_built_in;
use super::{Instance, InstanceError};

/// The check that runs now.
#[derive(Debug, Default)]
pub(crate) struct Checking {
    running: Mutex<()>,
    now: Mutex<Option<(Slug, i64)>>,
}

impl Checking {
    /// Waits for its turn.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its turn, unless another check is running.
    fn try_turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.running.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Says which trail is being checked since when.
    pub(super) fn set(&self, now: Option<(Slug, i64)>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Instance {
    /// Checks a trail for somebody, as fast as it goes, and records what was found. `None` when
    /// another check is running. Blocks for as long as reading the whole trail takes.
    ///
    /// # Errors
    /// When it could not be recorded; a trail that cannot be read is a result.
    pub fn check_now(
        &self,
        slug: &Slug,
        by: Actor<'static>,
    ) -> Result<Option<Checked>, InstanceError> {
        let Some(turn) = self.checking.try_turn() else { return Ok(None) };
        self.check_in_turn(slug, 0, by, &turn).map(Some)
    }

    /// The check that is running, and since when, in microseconds since the epoch.
    pub fn checking(&self) -> Option<(Slug, i64)> {
        self.checking.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last checks of a trail that are on record, the last one first. Blocks on the disk.
    ///
    /// # Errors
    /// When the `system` trail cannot be searched or read.
    pub fn last_checks(&self, slug: &Slug, count: usize) -> Result<Vec<Recorded>, InstanceError> {
        let system = self.trail(&parse_built_in(SYSTEM_SLUG))?;
        let checks = Clause::exactly(Field::Action, registry::CHECK_ACTION);
        let query = Query::history("trail", slug.as_str()).with(checks);
        let found = system.projection.search(&query, Order::LastRecorded, count, None)?;
        Ok(system.trail.read_many(&found.indexes)?)
    }
}

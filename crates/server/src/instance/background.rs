//! What goes on by itself: what a crash left is recovered, what is new is published every second,
//! what the clock did is recorded, and idle trails give back what they hold.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use registry::Slug;
use tokio::time::Instant;
use trail::{Error, Feed, Trail};

use super::{Instance, OpenTrail};

/// Unpublished bytes of a trail beyond which that does not wait for the second to be over.
const BEHIND_BYTES: usize = 16 * 1024 * 1024;

/// Rounds without anything new after which a trail gives its memory back.
const IDLE_ROUNDS: u32 = 10;

impl Instance {
    /// Publishes whatever is committed and not published, on all trails. Blocks on the disk.
    ///
    /// # Errors
    /// The first failure; the other trails are published all the same.
    pub fn publish_all(&self) -> Result<(), Error> {
        let mut first = Ok(());
        for open in self.open_trails() {
            let published = publish(&open).map(drop);
            first = first.and(published);
        }
        first
    }

    /// Opens the trails that a crash left in the middle of something, so that they are whole without
    /// anybody asking for them. One that cannot be opened is told in the diagnostics, and to whoever
    /// asks for it. Blocks on the disk.
    pub fn recover(&self) {
        for record in self.trails() {
            let slug = &record.slug;
            if self.find_open(slug).is_some()
                || Trail::is_at_rest(&*self.store, slug.as_str()).unwrap_or(false)
            {
                continue;
            }
            if let Err(error) = self.trail(slug) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(trail = %slug, error, "the trail cannot be recovered");
            }
        }
    }

    /// Recovers what a crash left; then publishes every second, records what the clock did, tidies the
    /// id index and rests idle trails, until the instance is dropped.
    pub fn run_background(self: &Arc<Self>) {
        let recovering = Arc::clone(self);
        tokio::task::spawn_blocking(move || recovering.recover());
        let (instance, every) = (Arc::downgrade(self), self.options.publish_every);
        tokio::spawn(async move {
            let mut idle = HashMap::new();
            let mut round = Instant::now() + every;
            loop {
                let Some(behind) = instance.upgrade().map(|here| Arc::clone(&here.behind)) else {
                    return;
                };
                let over = tokio::time::timeout_at(round, behind.notified()).await.is_err();
                let Some(instance) = instance.upgrade() else { return };
                if over {
                    round = Instant::now() + every;
                    instance.round(&mut idle);
                } else {
                    let open = instance.open_trails().into_iter();
                    open.filter(|open| is_behind(&open.trail)).for_each(publish_soon);
                }
            }
        });
    }

    /// What is done every second.
    fn round(self: &Arc<Self>, idle: &mut HashMap<Slug, u32>) {
        let here = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            here.note_clock();
            if let Err(error) = here.around.ids.tidy() {
                tracing::warn!(%error, "the id index takes more of the disk than it needs");
            }
        });
        for open in self.open_trails() {
            let rounds = idle.entry(open.slug.clone()).or_default();
            let new = open.trail.committed_size() > open.trail.published().checkpoint.size().get();
            *rounds = if new { 0 } else { rounds.saturating_add(1) };
            if new {
                publish_soon(open);
            } else if *rounds == IDLE_ROUNDS {
                open.trail.rest();
            }
        }
    }

    /// Publishes all that is committed, and writes down what search has in memory, so that the next
    /// start need not read it again: the last acts of a graceful stop.
    pub fn stop(&self) {
        self.note_clock();
        drop(self.publish_all());
        for open in self.open_trails() {
            if let Err(error) = open.projection.flush() {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(trail = %open.slug, error, "search begins from where it was");
            }
        }
        if let Err(error) = self.around.ids.flush() {
            tracing::warn!(%error, "the newest ids will be read from the trails");
        }
    }

    fn note_clock(&self) {
        if let Err(error) = self.record_clock_steps() {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what the clock did cannot be recorded");
        }
    }
}

/// Whether a trail has so much to publish that it should not wait.
pub(super) fn is_behind(trail: &Trail) -> bool {
    trail.unpublished_bytes() > BEHIND_BYTES
}

/// Has a thread publish a trail, unless one does already.
fn publish_soon(open: Arc<OpenTrail>) {
    let Some(publishing) = open.publishing.begin() else { return };
    tokio::task::spawn_blocking(move || {
        let _publishing = publishing;
        // What failed is told there, and tried again in a second.
        drop(publish(&open));
    });
}

/// What only one thread does at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct OneAtATime(Arc<AtomicBool>);

/// That a thread does it, until this is dropped: also when it panics.
#[derive(Debug)]
pub(super) struct Doing(Arc<AtomicBool>);

impl OneAtATime {
    /// Begins, unless somebody does it already.
    fn begin(&self) -> Option<Doing> {
        let begun = !self.0.swap(true, Ordering::AcqRel);
        begun.then(|| Doing(Arc::clone(&self.0)))
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn publish(open: &OpenTrail) -> Result<bool, Error> {
    open.trail.publish().inspect_err(|error| {
        tracing::error!(
            trail = %open.slug,
            error = error as &dyn std::error::Error,
            "cannot publish"
        );
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_panics_keeps_nobody_from_publishing() {
        let publishing = OneAtATime::default();
        let first = publishing.begin().unwrap();
        assert!(publishing.begin().is_none(), "one at a time");
        drop(first);
        let other = publishing.clone();
        let panicked = std::thread::spawn(move || {
            let _doing = other.begin().unwrap();
            panic!("a chosen fault");
        });
        panicked.join().unwrap_err();
        assert!(publishing.begin().is_some());
    }
}

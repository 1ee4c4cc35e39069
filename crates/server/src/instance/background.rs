//! What goes on by itself: what a crash left is recovered, what is new is published every second,
//! what the clock did is recorded, and idle trails give back what they hold.

use std::sync::Arc;
use std::time::Duration;

use trail::{Error, Feed, Trail};

use super::{Instance, OpenTrail};

/// How often what is new is published.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

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

    /// Recovers what a crash left; then publishes every second, records what the clock did and rests
    /// idle trails, until the instance is dropped.
    pub fn run_background(self: &Arc<Self>) {
        let recovering = Arc::clone(self);
        tokio::task::spawn_blocking(move || recovering.recover());
        let instance = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut idle = std::collections::HashMap::new();
            loop {
                tokio::time::sleep(PUBLISH_EVERY).await;
                let Some(instance) = instance.upgrade() else { return };
                let recording = Arc::clone(&instance);
                tokio::task::spawn_blocking(move || recording.note_clock());
                for open in instance.open_trails() {
                    let rounds: &mut u32 = idle.entry(open.slug.clone()).or_default();
                    let new = open.trail.committed_size()
                        > open.trail.published().checkpoint.size().get();
                    *rounds = if new { 0 } else { rounds.saturating_add(1) };
                    if new {
                        let open = Arc::clone(&open);
                        tokio::task::spawn_blocking(move || publish(&open));
                    } else if *rounds == IDLE_ROUNDS {
                        open.trail.rest();
                    }
                }
            }
        });
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
    }

    fn note_clock(&self) {
        if let Err(error) = self.record_clock_steps() {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what the clock did cannot be recorded");
        }
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

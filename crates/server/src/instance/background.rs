//! What goes on by itself: publishing every second, and giving back what idle trails hold.

use std::sync::Arc;
use std::time::Duration;

use trail::{Error, Feed};

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

    /// Publishes every second and rests idle trails, until the instance is dropped.
    pub fn run_background(self: &Arc<Self>) {
        let instance = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut idle = std::collections::HashMap::new();
            loop {
                tokio::time::sleep(PUBLISH_EVERY).await;
                let Some(instance) = instance.upgrade() else { return };
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

    /// Publishes all that is committed: the last act of a graceful stop.
    pub fn stop(&self) {
        drop(self.publish_all());
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

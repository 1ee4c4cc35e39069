//! One trail: its parts, and how it is made and opened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use event::{Draft, Received};
use sha2::{Digest, Sha256};
use store::{ObjectPath, Store};
use tlog::{Checkpoint, Hash, VerifierKey};
use tokio::sync::watch;

use crate::cache::Cache;
use crate::ids::IdKey;
use crate::layout::Layout;
use crate::publish::Publisher;
use crate::queue::Queue;
use crate::reader::CheckedEdge;
use crate::view::View;
use crate::writer::Writer;
use crate::{Error, Ids, Keys, Published, WatchedClock, Watermark};

/// What a trail needs of the world around it. Shared by all trails of a server.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The time.
    pub clock: Arc<WatchedClock>,
    /// The id index.
    pub ids: Arc<dyn Ids>,
    /// Where the highest checkpoint is remembered.
    pub watermark: Arc<dyn Watermark>,
    /// Inflated bundles and checked tiles.
    pub cache: Arc<Cache>,
}

/// How one trail behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Appends stop while less space than this is free. Zero for the trails that must go on.
    pub reserve_bytes: u64,
    /// Whether appends go on, at the time that it should be, while the clock is not believed. For
    /// the trails that have to say so.
    pub goes_on: bool,
    /// Unpublished bytes beyond which whoever appends publishes before going on: who publishes
    /// beside it has fallen behind for good. Beyond twice as many nothing more is taken.
    pub unpublished_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { reserve_bytes: 0, goes_on: false, unpublished_bytes_max: 96 * 1024 * 1024 }
    }
}

/// Events that are appended together, in order, all or none.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The events.
    pub drafts: Vec<Draft>,
    /// The token that brings them.
    pub recorded_by: Arc<str>,
    /// How they came.
    pub received: Arc<Received<'static>>,
    /// Whether one event that differs from the recorded one with its id refuses all; otherwise it
    /// is answered for itself.
    pub atomic: bool,
}

/// What became of one event of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is durable.
    Recorded {
        /// Its place.
        index: u64,
        /// Its leaf hash.
        leaf_hash: Hash,
        /// Whether it had been recorded before.
        replayed: bool,
    },
    /// Another event with its id is recorded; this one is not.
    Different {
        /// Where the recorded one is; `None` when both are in the same batch.
        index: Option<u64>,
    },
}

/// Who is told after every commit.
pub(crate) struct Listener(pub(crate) Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener")
    }
}

/// An append-only trail. One per origin; share it in an [`Arc`].
#[derive(Debug)]
pub struct Trail {
    pub(crate) origin: String,
    pub(crate) mark: IdKey,
    pub(crate) keys: Keys,
    pub(crate) layout: Layout,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) around: Surroundings,
    pub(crate) options: Options,
    pub(crate) writer: Mutex<Writer>,
    /// The writer's own word for it, to be read while the writer waits for the disk.
    pub(crate) stopped: Arc<AtomicBool>,
    pub(crate) publisher: Mutex<Publisher>,
    pub(crate) view: RwLock<View>,
    pub(crate) edge: Mutex<Option<Arc<CheckedEdge>>>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) listener: OnceLock<Listener>,
    pub(crate) committed: watch::Sender<u64>,
    pub(crate) published: watch::Sender<u64>,
}

impl Trail {
    /// The trail's name in its checkpoints.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public key that its checkpoints are signed with.
    pub fn verifier(&self) -> VerifierKey {
        self.keys.verifier()
    }

    /// The published checkpoint.
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.read_view().published)
    }

    /// Tells the committed size whenever it grows.
    pub fn committed_sizes(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    /// Tells the published size whenever it grows.
    pub fn published_sizes(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// The root and size that are committed: what the next checkpoint will say at least.
    pub fn committed(&self) -> Result<Checkpoint, Error> {
        let head = lock(&self.writer).head().clone();
        // The origin was checked when the trail was made.
        Checkpoint::new(&self.origin, head.size, head.root).map_err(|_| Error::Stopped)
    }

    /// When the last entry was recorded, in microseconds since the epoch; 0 where there is none. Waits
    /// for an append that is under way.
    pub fn last_recorded_micros(&self) -> i64 {
        lock(&self.writer).head().recorded_at_micros
    }

    /// Has something called after every commit, on the thread that commits: it must be quick. Only
    /// the first listener is taken.
    pub fn on_commit(&self, listener: impl Fn() + Send + Sync + 'static) {
        drop(self.listener.set(Listener(Box::new(listener))));
    }

    /// Bytes of entries that are committed and not published.
    pub fn unpublished_bytes(&self) -> usize {
        self.read_view().unpublished_bytes()
    }

    /// Whether a write of unknown outcome stopped the writer.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Gives memory back that only a busy trail needs.
    pub fn rest(&self) {
        self.view.write().unwrap_or_else(PoisonError::into_inner).trim(0);
        lock(&self.publisher).rest();
        *lock(&self.edge) = None;
    }

    pub(crate) fn read_view(&self) -> std::sync::RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a trail lies in a store.
    pub fn folder(slug: &str) -> Result<ObjectPath, store::Error> {
        ObjectPath::new(format!("trails/{slug}"))
    }
}

/// Locks, also after a panic elsewhere: what the lock guards is changed only by whole assignments,
/// and the writer notices by itself when an outcome is unknown.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What makes the ids of one trail distinct from those of every other.
pub(crate) fn mark(vkey: &VerifierKey) -> IdKey {
    let digest: [u8; 32] = Sha256::digest(vkey.to_string().as_bytes()).into();
    digest.first_chunk().copied().unwrap_or_default()
}

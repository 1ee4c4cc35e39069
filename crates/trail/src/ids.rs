//! Which events are recorded already: idempotency key to index.
//!
//! A projection: it can be thrown away and is rebuilt from the trail. Appends wait until it has
//! caught up, so that idempotency is exact over the whole history.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fjall::config::PartitioningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// A key of this index: the event's idempotency key, made distinct for each trail.
pub type IdKey = [u8; 16];

/// Keys of many trails, and how far each trail is projected.
pub trait Ids: Send + Sync + std::fmt::Debug {
    /// The index recorded for a key.
    fn find(&self, key: &IdKey) -> io::Result<Option<u64>>;

    /// How many events of the trail with this mark are in.
    fn projected_size(&self, mark: &IdKey) -> io::Result<u64>;

    /// Adds keys, and says how many events of that trail are in with them, atomically.
    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()>;
}

/// Keys in memory, for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryIds {
    keys: Mutex<HashMap<IdKey, u64>>,
}

impl Ids for MemoryIds {
    fn find(&self, key: &IdKey) -> io::Result<Option<u64>> {
        Ok(self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied())
    }

    fn projected_size(&self, mark: &IdKey) -> io::Result<u64> {
        Ok(self.find(&marked(mark))?.unwrap_or(0))
    }

    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()> {
        let mut map = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        map.extend(keys.iter().copied());
        map.insert(marked(mark), projected_size);
        Ok(())
    }
}

/// The key under which a trail's projected size is kept.
fn marked(mark: &IdKey) -> IdKey {
    mark.map(|byte| !byte)
}

/// Keys on disk.
pub struct DiskIds {
    database: Database,
    keys: Keyspace,
}

impl std::fmt::Debug for DiskIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskIds").finish_non_exhaustive()
    }
}

/// Blocks and filters kept in memory.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Keys gathered in memory before they are written as a table.
const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;

/// The index's own journal. It is never relied on: what it loses is read from the trail again.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

impl DiskIds {
    /// Opens the index in a folder, or begins one. A folder that cannot be read is set aside by
    /// the caller's removing it: nothing is lost.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()
            .map_err(io::Error::other)?;
        let options = || {
            // A table's whole filter has megabytes: too large for the cache, and each look would read
            // it again. In parts it costs one small block, whatever the trail's size.
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .filter_block_partitioning_policy(PartitioningPolicy::all(true))
                .index_block_partitioning_policy(PartitioningPolicy::all(true))
        };
        let keys = database.keyspace("ids", options).map_err(io::Error::other)?;
        Ok(Self { database, keys })
    }
}

impl Ids for DiskIds {
    fn find(&self, key: &IdKey) -> io::Result<Option<u64>> {
        let value = self.keys.get(key).map_err(io::Error::other)?;
        let number = |bytes: &[u8]| {
            // Big-endian without leading zero bytes: most trails need four.
            let mut whole = [0; 8];
            let start = 8_usize.checked_sub(bytes.len())?;
            whole.get_mut(start..)?.copy_from_slice(bytes);
            Some(u64::from_be_bytes(whole))
        };
        Ok(value.as_deref().and_then(number))
    }

    fn projected_size(&self, mark: &IdKey) -> io::Result<u64> {
        Ok(self.find(&marked(mark))?.unwrap_or(0))
    }

    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()> {
        let mut batch = self.database.batch();
        let trimmed = |index: u64| {
            let bytes = index.to_be_bytes();
            let zeros = usize::try_from(index.leading_zeros() / 8).unwrap_or(0).min(7);
            bytes.get(zeros..).unwrap_or(&bytes).to_vec()
        };
        for (key, index) in keys {
            batch.insert(&self.keys, key.as_slice(), trimmed(*index));
        }
        batch.insert(&self.keys, marked(mark).as_slice(), trimmed(projected_size));
        batch.commit().map_err(io::Error::other)
    }
}

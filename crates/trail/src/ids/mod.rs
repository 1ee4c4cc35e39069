//! Which events are recorded already: idempotency key to index.
//!
//! A projection: it can be thrown away and is rebuilt from the trail. Appends wait until it has
//! caught up, so that idempotency is exact over the whole history.

mod disk;

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

pub use disk::DiskIds;

/// A key of this index: the event's idempotency key, made distinct for each trail.
pub type IdKey = [u8; 16];

/// Keys of many trails, and how far each trail is projected.
pub trait Ids: Send + Sync + std::fmt::Debug {
    /// The index recorded for a key.
    fn find(&self, key: &IdKey) -> io::Result<Option<u64>>;

    /// How many events of the trail with this mark are in.
    fn projected_size(&self, mark: &IdKey) -> io::Result<u64> {
        Ok(self.find(&marked(mark))?.unwrap_or(0))
    }

    /// Adds keys, and then says how many events of that trail are in with them. A crash may take
    /// that back, and keys with it: never the keys alone.
    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()>;

    /// Gives back what is no longer needed on disk, once there is any. To be called every second or so.
    fn tidy(&self) -> io::Result<()> {
        Ok(())
    }

    /// Has a stop leave little to be read from the trails again.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
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

//! The id index on disk: the newest keys in memory, the others in sorted tables.
//!
//! Keys are gathered in memory until they are many, then written as one table with how far each of
//! their trails is projected. There is no log of its own: what a crash takes from memory is read from
//! the trails again, and a trail whose keys are gone says so itself, for its mark went with them.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{IdKey, Ids, marked};

/// Blocks and filters kept in memory.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Keys gathered in memory before they are written as a table; a start after a crash may have to
/// read as many events again.
const GATHERED_MAX: usize = 262_144;

/// Keys that are added at once while nobody can look.
const ADDED_AT_ONCE: usize = 1_024;

/// Keys on disk.
pub struct DiskIds {
    keys: Keyspace,
    gathered: RwLock<Gathered>,
    /// Held while a table is written.
    writing: Mutex<()>,
    gathered_max: usize,
    // Its threads end with it.
    _database: Database,
}

/// What no table has.
#[derive(Default)]
struct Gathered {
    newest: HashMap<IdKey, u64>,
    /// What is on its way into a table.
    leaving: Arc<HashMap<IdKey, u64>>,
}

impl std::fmt::Debug for DiskIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskIds").finish_non_exhaustive()
    }
}

impl DiskIds {
    /// Opens the index in a folder, or begins one. A folder that cannot be read is set aside by
    /// the caller's removing it: nothing is lost.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::open_gathering(folder, GATHERED_MAX)
    }

    /// As [`Self::open`], with another number of keys that are gathered in memory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_gathering(folder: &Path, gathered_max: usize) -> io::Result<Self> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .open()
            .map_err(io::Error::other)?;
        let keys = database.keyspace("ids", options).map_err(io::Error::other)?;
        let (gathered, writing) = (RwLock::default(), Mutex::new(()));
        Ok(Self { keys, gathered, writing, gathered_max, _database: database })
    }

    fn read(&self) -> RwLockReadGuard<'_, Gathered> {
        self.gathered.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Gathered> {
        self.gathered.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is gathered as a table, if there is more of it than this.
    fn put_away(&self, more_than: usize) -> io::Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let leaving = {
            let mut gathered = self.write();
            if gathered.newest.len() <= more_than {
                return Ok(());
            }
            gathered.leaving = Arc::new(std::mem::take(&mut gathered.newest));
            Arc::clone(&gathered.leaving)
        };
        let done = self.write_table(&leaving);
        drop(leaving);
        let mut gathered = self.write();
        let left = std::mem::take(&mut gathered.leaving);
        if done.is_err() {
            // What came meanwhile is newer.
            let newer = std::mem::replace(&mut gathered.newest, Arc::unwrap_or_clone(left));
            gathered.newest.extend(newer);
        }
        done
    }

    fn write_table(&self, gathered: &HashMap<IdKey, u64>) -> io::Result<()> {
        let mut sorted: Vec<(IdKey, u64)> =
            gathered.iter().map(|(key, index)| (*key, *index)).collect();
        sorted.sort_unstable();
        let mut table = self.keys.start_ingestion().map_err(io::Error::other)?;
        for (key, index) in &sorted {
            table.write(key.as_slice(), trimmed(*index)).map_err(io::Error::other)?;
        }
        table.finish().map_err(io::Error::other)
    }
}

impl Drop for DiskIds {
    fn drop(&mut self) {
        if let Err(error) = self.put_away(0) {
            tracing::warn!(%error, "the newest keys of the id index will be read from the trails");
        }
    }
}

/// How tables are written. The filters of the upper levels, some megabytes, stay in memory; those of
/// the lower are cut into small blocks, so that a look costs the same whatever a trail's size.
fn options() -> KeyspaceCreateOptions {
    let in_parts = || PartitioningPolicy::new([false, false, true]);
    KeyspaceCreateOptions::default()
        .filter_block_pinning_policy(PinningPolicy::new([true, true, false]))
        .filter_block_partitioning_policy(in_parts())
        .index_block_partitioning_policy(in_parts())
}

/// Big-endian without leading zero bytes: most trails need four.
fn trimmed(index: u64) -> Vec<u8> {
    let bytes = index.to_be_bytes();
    let zeros = usize::try_from(index.leading_zeros() / 8).unwrap_or(0).min(7);
    bytes.get(zeros..).unwrap_or(&bytes).to_vec()
}

fn whole(trimmed: &[u8]) -> Option<u64> {
    let mut whole = [0; 8];
    let start = 8_usize.checked_sub(trimmed.len())?;
    whole.get_mut(start..)?.copy_from_slice(trimmed);
    Some(u64::from_be_bytes(whole))
}

impl Ids for DiskIds {
    fn find(&self, key: &IdKey) -> io::Result<Option<u64>> {
        // Memory first: what leaves it has come into a table before.
        {
            let gathered = self.read();
            let found = gathered.newest.get(key).or_else(|| gathered.leaving.get(key));
            if let Some(index) = found {
                return Ok(Some(*index));
            }
        }
        let value = self.keys.get(key).map_err(io::Error::other)?;
        Ok(value.as_deref().and_then(whole))
    }

    fn projected_size(&self, mark: &IdKey) -> io::Result<u64> {
        Ok(self.find(&marked(mark))?.unwrap_or(0))
    }

    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()> {
        for some in keys.chunks(ADDED_AT_ONCE) {
            self.write().newest.extend(some.iter().copied());
        }
        // Behind its keys: a table that has the mark has them, or an earlier one does.
        self.write().newest.insert(marked(mark), projected_size);
        self.put_away(self.gathered_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: IdKey = [7; 16];

    fn key(number: u64) -> IdKey {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        key
    }

    fn add(ids: &DiskIds, range: std::ops::Range<u64>) {
        let keys: Vec<_> = range.clone().map(|index| (key(index), index)).collect();
        ids.extend(&MARK, &keys, range.end).unwrap();
    }

    fn assert_has(ids: &DiskIds, count: u64) {
        assert_eq!(ids.projected_size(&MARK).unwrap(), count);
        for index in 0..count {
            assert_eq!(ids.find(&key(index)).unwrap(), Some(index));
        }
        assert_eq!(ids.find(&key(count)).unwrap(), None);
    }

    #[test]
    fn keys_are_found_in_memory_in_tables_and_after_a_stop() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 100).unwrap();
        for from in (0..1_000).step_by(30) {
            add(&ids, from..from + 30);
            assert!(ids.read().newest.len() <= 100, "memory is bounded");
            assert_has(&ids, from + 30);
        }
        drop(ids);
        assert_has(&DiskIds::open(folder.path()).unwrap(), 1_020);
    }

    #[test]
    fn a_crash_takes_a_trails_mark_with_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 100).unwrap();
        add(&ids, 0..90);
        add(&ids, 90..120);
        add(&ids, 120..150);
        // What a crash leaves is what the folder holds now.
        let copy = tempfile::tempdir().unwrap();
        copy_folder(folder.path(), copy.path());
        let after = DiskIds::open(copy.path()).unwrap();
        assert_has(&after, 120);
    }

    #[test]
    fn keys_that_could_not_be_written_stay_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 100).unwrap();
        add(&ids, 0..90);
        std::fs::remove_dir_all(folder.path()).unwrap();
        let keys: Vec<_> = (90..200).map(|index| (key(index), index)).collect();
        ids.extend(&MARK, &keys, 200).unwrap_err();
        assert_has(&ids, 200);
    }

    fn copy_folder(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy_folder(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

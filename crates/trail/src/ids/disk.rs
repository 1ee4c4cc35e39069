//! The id index on disk: the newest keys in memory, the others in sorted tables.
//!
//! Keys are gathered in memory until they are many, then written as one table with how far each of
//! their trails is projected. There is no log of its own: what a crash takes from memory is read from
//! the trails again, and a trail whose keys are gone says so itself, for its mark went with them.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fjall::config::PartitioningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{IdKey, Ids, marked};

/// Blocks and filters kept in memory.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Keys gathered in memory before they are written as a table; a start after a crash may have to
/// read as many events again.
const GATHERED_MAX: usize = 262_144;

/// How many times as many are gathered while no table can be written. Then nothing is found any
/// more, which holds appends up.
const UNWRITTEN_TIMES: usize = 4;

/// A failed table is tried again when so much of the limit has come since.
const RETRY_PART: usize = 8;

/// A stop leaves fewer keys than this to be read from the trails again: each table is work for all
/// that look into it.
const WORTH_A_TABLE: usize = 4_096;

/// More tables that are not merged than this mean that the engine's own thread has ended.
const UNMERGED_MAX: usize = 64;

/// Written to have the engine free what it has merged. No key of a trail is so short.
const TIDIED: &[u8] = b"tidied";

/// How often that is written after a table, at most. Once is enough unless it sets off a merge
/// itself, and a file that a failed table left behind is there until the next start.
const TIDIED_MAX: u8 = 3;

/// Keys that are added at once while nobody can look.
const ADDED_AT_ONCE: usize = 1_024;

/// Keys on disk.
pub struct DiskIds {
    keys: Keyspace,
    gathered: RwLock<Gathered>,
    /// Held while a table is written.
    writing: Mutex<()>,
    gathered_max: usize,
    merging: Mutex<Merging>,
    // Its threads end with it.
    database: Database,
}

/// What is known of the engine's merging of tables.
#[derive(Debug)]
struct Merging {
    /// How often the engine may still be made to free what it has merged since the last table.
    tries: u8,
    /// How many merges had been a moment ago.
    seen: usize,
    /// How many had been when the folder was looked at. A table, a start and tidying itself each
    /// end with one more, if only to find nothing to merge.
    looked: Option<usize>,
}

impl Default for Merging {
    fn default() -> Self {
        // A start merges what a stop has left.
        Self { tries: TIDIED_MAX, seen: 0, looked: None }
    }
}

/// What no table has.
#[derive(Default)]
struct Gathered {
    newest: HashMap<IdKey, u64>,
    /// What is on its way into a table.
    leaving: Arc<HashMap<IdKey, u64>>,
    /// How many there were when a table could not be written.
    failed_at: Option<usize>,
}

impl Gathered {
    fn find(&self, key: &IdKey) -> Option<u64> {
        self.newest.get(key).or_else(|| self.leaving.get(key)).copied()
    }

    /// Takes back what did not come into a table; what came meanwhile is newer.
    fn take_back(&mut self) {
        let leaving = Arc::unwrap_or_clone(std::mem::take(&mut self.leaving));
        let newer = std::mem::replace(&mut self.newest, leaving);
        self.newest.extend(newer);
    }

    /// Whether a table should be written now.
    fn is_due(&self, max: usize) -> bool {
        let from = self.failed_at.map_or(max, |failed| failed + max / RETRY_PART);
        self.newest.len() > from
    }
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

    fn open_gathering(folder: &Path, gathered_max: usize) -> io::Result<Self> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .open()
            .map_err(io::Error::other)?;
        let keys = database.keyspace("ids", options).map_err(io::Error::other)?;
        let (gathered, writing) = (RwLock::default(), Mutex::new(()));
        let merging = Mutex::default();
        Ok(Self { keys, gathered, writing, gathered_max, merging, database })
    }

    /// Whether the folder has tables that no longer count.
    fn has_merged(&self) -> io::Result<bool> {
        let files = std::fs::read_dir(self.keys.path().join("tables"))?.count();
        Ok(files > self.keys.table_count())
    }

    fn merging(&self) -> MutexGuard<'_, Merging> {
        self.merging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Gathered> {
        self.gathered.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Gathered> {
        self.gathered.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is gathered as a table, if `due` says so.
    fn put_away(&self, due: impl Fn(&Gathered) -> bool) -> io::Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let leaving = {
            let mut gathered = self.write();
            if !gathered.leaving.is_empty() {
                // Whoever wrote it panicked.
                gathered.take_back();
            }
            if !due(&gathered) {
                return Ok(());
            }
            gathered.leaving = Arc::new(std::mem::take(&mut gathered.newest));
            Arc::clone(&gathered.leaving)
        };
        let done = self.write_table(&leaving);
        drop(leaving);
        let mut gathered = self.write();
        if done.is_err() {
            gathered.take_back();
            gathered.failed_at = Some(gathered.newest.len());
        } else {
            gathered.leaving = Arc::default();
            gathered.failed_at = None;
        }
        done
    }

    fn write_table(&self, gathered: &HashMap<IdKey, u64>) -> io::Result<()> {
        // The engine takes tables also when nothing merges them any more.
        if self.keys.l0_table_count() > UNMERGED_MAX {
            return Err(io::Error::other("the tables of the id index are not merged"));
        }
        let mut sorted: Vec<(IdKey, u64)> =
            gathered.iter().map(|(key, index)| (*key, *index)).collect();
        sorted.sort_unstable();
        let mut table = self.keys.start_ingestion().map_err(io::Error::other)?;
        for (key, index) in &sorted {
            table.write(key.as_slice(), trimmed(*index)).map_err(io::Error::other)?;
        }
        table.finish().map_err(io::Error::other)?;
        self.merging().tries = TIDIED_MAX;
        Ok(())
    }

    /// Whether so much could not be written that it has to be, before anything goes on.
    fn is_overfull(&self) -> bool {
        self.read().newest.len() > UNWRITTEN_TIMES * self.gathered_max
    }
}

impl Drop for DiskIds {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "the newest keys of the id index will be read from the trails");
        }
    }
}

/// How tables are written. A table's whole filter has megabytes: too large for the cache, and each
/// look would read it again. In parts it costs one small block, whatever the trail's size.
fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .filter_block_partitioning_policy(PartitioningPolicy::all(true))
        .index_block_partitioning_policy(PartitioningPolicy::all(true))
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
        if self.is_overfull() {
            self.put_away(|gathered| !gathered.newest.is_empty())?;
        }
        // Memory first: what leaves it has come into a table before.
        let gathered = self.read().find(key);
        if gathered.is_some() {
            return Ok(gathered);
        }
        let value = self.keys.get(key).map_err(io::Error::other)?;
        Ok(value.as_deref().and_then(whole))
    }

    fn extend(&self, mark: &IdKey, keys: &[(IdKey, u64)], projected_size: u64) -> io::Result<()> {
        for some in keys.chunks(ADDED_AT_ONCE) {
            self.write().newest.extend(some.iter().copied());
        }
        // Behind its keys: a table that has the mark has them, or an earlier one does.
        self.write().newest.insert(marked(mark), projected_size);
        if let Err(error) = self.put_away(|gathered| gathered.is_due(self.gathered_max)) {
            // Nothing is lost: it is in memory, and a crash has it read from the trails again.
            tracing::error!(%error, "the id index cannot be written");
        }
        Ok(())
    }

    /// The engine keeps merged tables, and so everything twice, until it writes again from its own
    /// memory, which this index never uses: so it is made to, when merging has come to rest. That
    /// writes a table, which may be what another merge was waiting for: then once more.
    fn tidy(&self) -> io::Result<()> {
        let mut merging = self.merging();
        let merges = self.database.compactions_completed();
        let before = std::mem::replace(&mut merging.seen, merges);
        let rests = self.database.active_compactions() == 0 && merges == before;
        if merging.tries == 0 || !rests || merging.looked == Some(merges) {
            return Ok(());
        }
        merging.looked = Some(merges);
        if !self.has_merged()? {
            return Ok(());
        }
        merging.tries -= 1;
        // What frees them is to turn memory into a table, and there must be something in it.
        self.keys.insert(TIDIED, []).map_err(io::Error::other)?;
        self.keys.rotate_memtable().map(drop).map_err(io::Error::other)
    }

    fn flush(&self) -> io::Result<()> {
        self.put_away(|gathered| gathered.newest.len() >= WORTH_A_TABLE)
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
        // Few keys are not worth a table at a stop: they are in the trails.
        let size = DiskIds::open(folder.path()).unwrap().projected_size(&MARK).unwrap();
        assert_has_after(folder.path(), size);
        assert!((900..=1_020).contains(&size), "{size}");
    }

    #[test]
    fn a_stop_writes_what_is_worth_it() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open(folder.path()).unwrap();
        add(&ids, 0..5_000);
        ids.flush().unwrap();
        add(&ids, 5_000..10_000);
        drop(ids);
        assert_has_after(folder.path(), 10_000);
    }

    #[test]
    fn merged_tables_are_freed_while_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 1_000).unwrap();
        let mut count = 0;
        // Whatever number of tables waits for a merge when it begins.
        for more in [60_000, 1_500, 1_500, 1_500, 1_500] {
            for from in (count..count + more).step_by(500) {
                add(&ids, from..from + 500);
            }
            count += more;
            wait_until_tidy(&ids);
        }
        let tables = ids.keys.table_count();
        for _ in 0..10 {
            ids.tidy().unwrap();
        }
        assert_eq!(ids.keys.table_count(), tables, "and then nothing more is written");
        assert_has(&ids, count);
    }

    #[test]
    fn what_a_start_merges_is_freed() {
        let folder = tempfile::tempdir().unwrap();
        for start in 0..8 {
            let ids = DiskIds::open_gathering(folder.path(), 1_000).unwrap();
            wait_until_tidy(&ids);
            add(&ids, start * 5_000..start * 5_000 + 5_000);
        }
        let ids = DiskIds::open_gathering(folder.path(), 1_000).unwrap();
        wait_until_tidy(&ids);
        assert_has(&ids, 40_000);
    }

    fn wait_until_tidy(ids: &DiskIds) {
        // From four on they are merged.
        wait_until("merging ends", || ids.keys.l0_table_count() < 4);
        wait_until("what was merged is freed", || {
            ids.tidy().unwrap();
            ids.keys.l0_table_count() < 4 && !ids.has_merged().unwrap()
        });
    }

    fn wait_until(what: &str, holds: impl Fn() -> bool) {
        for _ in 0..1_000 {
            if holds() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{what}");
    }

    #[test]
    fn a_panic_while_a_table_is_written_loses_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 100).unwrap();
        add(&ids, 0..90);
        // What a panic in the engine leaves behind.
        let mut gathered = ids.write();
        gathered.leaving = Arc::new(std::mem::take(&mut gathered.newest));
        drop(gathered);
        assert_has(&ids, 90);
        add(&ids, 90..180);
        assert_has(&ids, 180);
        drop(ids);
        assert_has_after(folder.path(), 180);
    }

    #[test]
    fn a_crash_takes_a_trails_mark_with_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 100).unwrap();
        add(&ids, 0..90);
        add(&ids, 90..120);
        add(&ids, 120..150);
        // What a crash leaves is what the folder holds at one moment, and a copy takes many: the
        // engine is let come to rest, for after a table it looks once for something to merge.
        wait_until("the engine rests", || ids.database.compactions_completed() > 0);
        let copy = tempfile::tempdir().unwrap();
        copy_folder(folder.path(), copy.path());
        let after = DiskIds::open(copy.path()).unwrap();
        assert_has(&after, 120);
    }

    #[test]
    fn keys_that_cannot_be_written_stay_in_memory_until_they_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let ids = DiskIds::open_gathering(folder.path(), 100).unwrap();
        add(&ids, 0..90);
        let tables = tables_of(folder.path());
        let away = folder.path().join("away");
        std::fs::rename(&tables, &away).unwrap();
        add(&ids, 90..390);
        assert_has(&ids, 390);
        add(&ids, 390..500);
        ids.find(&key(1)).unwrap_err();
        std::fs::rename(&away, &tables).unwrap();
        assert_has(&ids, 500);
        assert!(ids.read().newest.is_empty());
    }

    fn assert_has_after(folder: &Path, count: u64) {
        assert_has(&DiskIds::open(folder).unwrap(), count);
    }

    /// The folder in which the engine puts the tables of the keys.
    fn tables_of(folder: &Path) -> std::path::PathBuf {
        let keyspaces = std::fs::read_dir(folder.join("keyspaces")).unwrap();
        let newest = keyspaces.map(|entry| entry.unwrap().path()).max().unwrap();
        newest.join("tables")
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

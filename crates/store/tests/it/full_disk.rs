//! A disk that is full, and one that may not be written: real file systems, mounted by the tests.
//!
//! They need to run as root on Linux, as the whole suite does in its container. Where mounting is not
//! permitted they fail and say so: a full disk that was never tried is a promise without ground.

use std::{fs, process::Command};

use bytes::Bytes;
use store::{Disk, Error, Object, ObjectPath, Store};
use tempfile::TempDir;

/// A small file system in memory, unmounted when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// One mebibyte.
    fn mount() -> Self {
        Self::mount_with("size=1m")
    }

    fn mount_with(size: &str) -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.run(&["-t", "tmpfs", "-o", size, "tmpfs"]);
        disk
    }

    fn remount_read_only(&self) {
        self.run(&["-o", "remount,ro"]);
    }

    fn run(&self, arguments: &[&str]) {
        let status = Command::new("mount").args(arguments).arg(self.0.path()).status().unwrap();
        assert!(status.success(), "this test mounts a tmpfs, which needs root and CAP_SYS_ADMIN");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a failing test may still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).unwrap()
}

fn object(at: &str, size: usize) -> Object {
    Object { path: path(at), bytes: Bytes::from(vec![b'x'; size]) }
}

fn assert_no_space(error: &Error) {
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
}

#[test]
fn a_full_disk_harms_no_journal_and_commits_go_on_when_there_is_room() {
    let disk = SmallDisk::mount();
    let store = Disk::open(disk.0.path()).unwrap();
    let free = store.free_bytes().unwrap().unwrap();
    store.create(&[object("ballast", 300_000)]).unwrap();
    assert!(store.free_bytes().unwrap().unwrap() <= free - 300_000);

    let mut journal = store.create_journal(&path("j"), b"0").unwrap();
    let stage = vec![b'x'; 100_001];
    let mut committed = 0_u32;
    let error = loop {
        let (before, after) = (committed.to_string(), (committed + 1).to_string());
        match journal.commit(before.as_bytes(), &[&stage], after.as_bytes()) {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
    };
    assert_no_space(&error);
    assert!(committed > 3);
    // What had been written of the frame is gone again.
    let segment = fs::metadata(disk.0.path().join("j/0000000000000001")).unwrap();
    assert_eq!(segment.len(), journal.size_bytes());
    let head = committed.to_string();
    for _ in 0..3 {
        assert_no_space(&journal.commit(head.as_bytes(), &[&stage], b"next").unwrap_err());
    }
    // Smaller ones may still fit, and the file system's last page is not needed to say no.
    while journal.commit(head.as_bytes(), &[&[b'y'; 4000]], head.as_bytes()).is_ok() {
        committed += 1;
    }
    assert_no_space(&journal.rotate().unwrap_err());
    let (_, replay) = store.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!((replay.frames.len(), replay.torn), (committed as usize, None));

    store.remove(&[path("ballast")]).unwrap();
    journal.commit(head.as_bytes(), &[&stage], b"next").unwrap();
    assert_eq!(journal.rotate().unwrap(), 2);
    journal.commit(b"next", &[&stage], b"last").unwrap();
    drop((journal, store));
    let store = Disk::open(disk.0.path()).unwrap();
    let (_, replay) = store.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!(replay.frames.len(), committed as usize + 2);
    assert_eq!(replay.frames.last().unwrap().head, "last");
}

#[test]
fn a_disk_without_space_for_padding_takes_frames_until_it_is_full() {
    let disk = SmallDisk::mount_with("size=2560k");
    let store = Disk::open(disk.0.path()).unwrap();
    let mut journal = store.create_journal(&path("j"), b"0").unwrap();
    let segment = || fs::metadata(disk.0.path().join("j/0000000000000001")).unwrap().len();
    let mut committed = 0_u32;
    let mut was_padded = false;
    let error = loop {
        match journal.commit(b"0", &[&[b'x'; 10_000]], b"0") {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
        was_padded |= segment() > journal.size_bytes() + 900_000;
    };
    assert_no_space(&error);
    assert!(was_padded);
    assert!(committed > 240, "{committed} frames");
    assert_eq!(segment(), journal.size_bytes());
    drop((journal, store));
    let (_, replay) = Disk::open(disk.0.path()).unwrap().open_journal(&path("j")).unwrap().unwrap();
    assert_eq!((replay.frames.len(), replay.torn), (committed as usize, None));
}

#[test]
fn a_full_disk_leaves_no_half_object_and_no_temporary() {
    let disk = SmallDisk::mount();
    let store = Disk::open(disk.0.path()).unwrap();
    store.create(&[object("a/whole", 300_000)]).unwrap();
    store.replace(&path("checkpoint"), b"first").unwrap();
    let many: Vec<Object> = (0..20).map(|n| object(&format!("b/{n}"), 60_000)).collect();
    for objects in [[object("a/large", 900_000)].as_slice(), &many] {
        assert_no_space(&store.create(objects).unwrap_err());
        assert_eq!(fs::read_dir(disk.0.path().join("tmp")).unwrap().count(), 0);
    }
    assert_no_space(&store.replace(&path("checkpoint"), &vec![b'x'; 900_000]).unwrap_err());
    assert_eq!(store.list(&path("b")).unwrap(), []);
    assert_eq!(store.get(&path("a/large")).unwrap(), None);
    assert_eq!(store.get(&path("a/whole")).unwrap().unwrap().len(), 300_000);
    assert_eq!(store.get(&path("checkpoint")).unwrap().unwrap(), "first");

    store.remove(&[path("a/whole")]).unwrap();
    store.create(&[object("a/large", 900_000)]).unwrap();
}

#[test]
fn a_read_only_file_system_can_be_read_and_says_no_to_a_writer() {
    let disk = SmallDisk::mount();
    let store = Disk::open(disk.0.path()).unwrap();
    store.create(&[object("a", 5)]).unwrap();
    store.create_journal(&path("j"), b"0").unwrap().commit(b"0", &[b"x"], b"1").unwrap();
    drop(store);
    disk.remount_read_only();
    assert!(matches!(Disk::open(disk.0.path()), Err(Error::Refused { .. })));
    let store = Disk::open_read_only(disk.0.path()).unwrap();
    assert_eq!(store.get(&path("a")).unwrap().unwrap().len(), 5);
    let (_, replay) = store.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!(replay.frames.len(), 1);
}

//! What only a disk can do: locks, leftovers, permissions, links, and readers beside a writer.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use bytes::Bytes;
use store::{Disk, Error, Object, ObjectPath, Store};

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).unwrap()
}

fn object(at: &str, bytes: &'static str) -> Object {
    Object { path: path(at), bytes: Bytes::from(bytes) }
}

fn mode(at: &Path) -> u32 {
    fs::metadata(at).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_second_open_is_refused_until_the_last_handle_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    let journal = store.create_journal(&path("j"), b"").unwrap();
    let locked = |result| match result {
        Err(Error::Locked { path }) => {
            assert_eq!(Path::new(&path), folder.path().join("lock"));
        }
        other => panic!("{other:?}"),
    };
    locked(Disk::open(folder.path()));
    drop(store);
    locked(Disk::open(folder.path()));
    drop(journal);
    Disk::open(folder.path()).unwrap();
}

#[test]
fn another_process_is_kept_out_until_this_one_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    let try_lock = || {
        let lock = folder.path().join("lock");
        Command::new("flock").arg("--nonblock").arg(lock).arg("true").status().unwrap().success()
    };
    assert!(!try_lock());
    drop(store);
    assert!(try_lock());
}

#[test]
fn a_process_that_died_does_not_keep_others_out() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let mut other = Command::new("flock")
        .arg("--no-fork")
        .arg(&lock)
        .args(["sh", "-c", "echo locked; exec sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 6];
    std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert!(matches!(Disk::open(folder.path()), Err(Error::Locked { .. })));
    other.kill().unwrap();
    other.wait().unwrap();
    Disk::open(folder.path()).unwrap();
}

#[test]
fn opening_creates_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for result in [Disk::open(&missing), Disk::open_read_only(&missing)] {
        assert!(matches!(result, Err(Error::Refused { .. })));
    }
    assert!(!missing.try_exists().unwrap());
}

#[test]
fn temporaries_of_a_crash_are_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    store.create(&[object("a/b", "kept")]).unwrap();
    drop(store);
    let temporaries = folder.path().join("tmp");
    fs::write(temporaries.join("0"), "half of some").unwrap();
    // Died between the link and the removal of the temporary.
    fs::hard_link(folder.path().join("a/b"), temporaries.join("17")).unwrap();

    let store = Disk::open(folder.path()).unwrap();
    assert_eq!(fs::read_dir(&temporaries).unwrap().count(), 0);
    assert_eq!(store.get(&path("a/b")).unwrap().unwrap(), "kept");
    // Numbers begin again, and nothing is in their way.
    store.create(&[object("a/c", "more")]).unwrap();
}

#[test]
fn no_temporary_is_left_by_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    store.create(&[object("a", "1")]).unwrap();
    store.create(&[object("b", "2"), object("a", "other")]).unwrap_err();
    store.create(&[object("a/b", "2")]).unwrap_err();
    store.replace(&path("c"), b"3").unwrap();
    store.replace(&path("a/c"), b"3").unwrap_err();
    store.create_journal(&path("j"), b"").unwrap().rotate().unwrap();
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn objects_are_read_only_and_journals_private() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    store.create(&[object("a/one", "1")]).unwrap();
    let many: Vec<Object> = (0..20)
        .map(|n| Object { path: path(&format!("a/{n}")), bytes: Bytes::from_static(b"x") })
        .collect();
    store.create(&many).unwrap();
    store.create_journal(&path("j"), b"").unwrap().rotate().unwrap();
    for at in ["a/one", "a/0", "a/19"] {
        assert_eq!(mode(&folder.path().join(at)) & 0o333, 0, "{at}");
    }
    for at in ["lock", "j/0000000000000001", "j/0000000000000002"] {
        assert_eq!(mode(&folder.path().join(at)), 0o600, "{at}");
    }
    assert_eq!(mode(&folder.path().join("tmp")), 0o700);
}

#[test]
fn the_names_of_the_store_itself_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    for own in ["lock", "tmp", "tmp/0", "lock/a"] {
        let own = path(own);
        let refused = |error| assert!(matches!(error, Error::Refused { .. }), "{own}: {error}");
        refused(store.get(&own).unwrap_err());
        refused(store.create(&[Object { path: own.clone(), bytes: Bytes::new() }]).unwrap_err());
        refused(store.replace(&own, b"").unwrap_err());
        refused(store.remove(std::slice::from_ref(&own)).unwrap_err());
        refused(store.list(&own).unwrap_err());
        refused(store.create_journal(&own, b"").unwrap_err());
        refused(store.open_journal(&own).unwrap_err());
    }
    store.create(&[object("lock.d/a", "x"), object("a/tmp", "x"), object("a/lock", "x")]).unwrap();
}

#[test]
fn links_are_never_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    symlink(outside.path(), folder.path().join("folder")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
    symlink("lock", folder.path().join("inside")).unwrap();

    for at in ["folder/secret", "file", "inside"] {
        assert!(matches!(store.get(&path(at)), Err(Error::Refused { .. })), "{at}");
        let created = store.create(&[object(at, "mine")]);
        assert!(matches!(created, Err(Error::Refused { .. })), "{at}");
    }
    assert!(store.create(&[object("folder/new", "mine")]).is_err());
    assert!(store.create(&[object("folder/deep/new", "mine")]).is_err());
    assert!(store.replace(&path("folder/new"), b"mine").is_err());
    assert!(store.remove(&[path("folder/secret")]).is_err());
    assert!(store.create_journal(&path("folder"), b"").is_err());
    assert!(store.list(&path("folder")).is_err());
    // A link in the place of an object is replaced, not written through.
    store.replace(&path("file"), b"mine").unwrap();
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    // Whoever lists is told that it is there.
    symlink(outside.path(), folder.path().join("lock.d")).unwrap();
    store.create(&[object("a/b", "x")]).unwrap();
    symlink(outside.path(), folder.path().join("a/link")).unwrap();
    assert_eq!(store.list(&path("a")).unwrap(), [path("a/b"), path("a/link")]);
}

#[test]
fn links_in_the_place_of_the_stores_own_names_are_refused() {
    for own in ["lock", "tmp"] {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("precious"), "x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        symlink(outside.path(), folder.path().join(own)).unwrap();
        let opened = Disk::open(folder.path());
        assert!(matches!(opened, Err(Error::Refused { .. })), "{own}: {opened:?}");
        assert!(outside.path().join("precious").try_exists().unwrap());
    }
}

#[test]
fn what_is_not_a_file_is_refused_without_waiting_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    assert!(matches!(store.get(&path("pipe")), Err(Error::Refused { .. })));
    assert!(matches!(store.create(&[object("pipe", "x")]), Err(Error::Refused { .. })));
}

#[test]
fn a_reader_refuses_every_write_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let reader = Disk::open_read_only(folder.path()).unwrap();
    let refused = |error| match error {
        Error::Refused { source, .. } => assert_eq!(source.kind(), ErrorKind::ReadOnlyFilesystem),
        other => panic!("{other}"),
    };
    refused(reader.create(&[object("a", "x")]).unwrap_err());
    refused(reader.replace(&path("a"), b"x").unwrap_err());
    refused(reader.remove(&[path("a")]).unwrap_err());
    refused(reader.create_journal(&path("j"), b"").unwrap_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let writer = Disk::open(folder.path()).unwrap();
    writer.create(&[object("a", "x")]).unwrap();
    let mut journal = writer.create_journal(&path("j"), b"").unwrap();
    journal.commit(b"", &[b"stage"], b"one").unwrap();
    assert_eq!(reader.get(&path("a")).unwrap().unwrap(), "x");
    let (mut seen, replay) = reader.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!(replay.frames.len(), 1);
    refused(seen.commit(b"one", &[], b"two").unwrap_err());
    refused(seen.rotate().unwrap_err());
    refused(seen.retire(1).unwrap_err());
    let segment = folder.path().join("j/0000000000000001");
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend(b"IDLF");
    fs::write(&segment, bytes).unwrap();
    let (mut seen, replay) = reader.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!(replay.torn.unwrap().size, 4);
    refused(seen.cut().unwrap_err());
}

#[test]
fn a_reader_sees_a_journal_whole_while_it_is_written_rotated_and_retired() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Disk::open(folder.path()).unwrap();
    let mut journal = writer.create_journal(&path("j"), b"0").unwrap();
    let reader = Disk::open_read_only(folder.path()).unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(move || {
            for n in 0..700_u64 {
                let (before, after) = (n.to_string(), (n + 1).to_string());
                journal.commit(before.as_bytes(), &[&[b'x'; 9000]], after.as_bytes()).unwrap();
                // Segments that are small, and one that is padded.
                if n % 3 == 0 && n < 400 {
                    let segment = journal.rotate().unwrap();
                    journal.retire(segment.saturating_sub(n % 2)).unwrap();
                }
            }
        });
        let mut last = 0;
        while !writing.is_finished() {
            let (_, replay) = reader.open_journal(&path("j")).unwrap().unwrap();
            let number = |head: &Bytes| std::str::from_utf8(head).unwrap().parse::<u64>().unwrap();
            let mut head = number(&replay.base);
            for frame in &replay.frames {
                assert_eq!(number(&frame.head), head + 1);
                head += 1;
            }
            assert!(head >= last, "went back from {last} to {head}");
            last = head;
        }
    });
}

#[test]
fn a_reader_in_the_same_process_never_sees_half_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    let mut journal = store.create_journal(&path("j"), b"").unwrap();
    let large = vec![b'x'; 1 << 20];
    thread::scope(|scope| {
        let writing = scope.spawn(move || {
            for _ in 0..30 {
                journal.commit(b"", &[&large], b"").unwrap();
            }
        });
        while !writing.is_finished() {
            let (_, replay) = store.open_journal(&path("j")).unwrap().unwrap();
            assert_eq!(replay.torn, None);
        }
    });
}

#[test]
fn a_busy_segment_grows_in_large_steps_and_a_quiet_one_by_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    let mut journal = store.create_journal(&path("j"), b"").unwrap();
    let segment = folder.path().join("j/0000000000000001");
    let length = || fs::metadata(&segment).unwrap().len();
    let frame = vec![b'x'; 30_000];
    let mut lengths = vec![length()];
    for _ in 0..150 {
        journal.commit(b"", &[&frame], b"").unwrap();
        if journal.size_bytes() < 1 << 20 {
            assert_eq!(length(), journal.size_bytes());
        } else if lengths.last() != Some(&length()) {
            lengths.push(length());
        }
    }
    // 4.5 MB: one by frames, and then four steps of a mebibyte and what is in front of it.
    assert!((4..=6).contains(&lengths.len()), "{lengths:?}");
    // A large frame goes over the padding and beyond, and makes none.
    let large = vec![b'y'; 2 << 20];
    journal.commit(b"", &[&large], b"").unwrap();
    assert_eq!(length(), journal.size_bytes());
    journal.commit(b"", &[&frame], b"").unwrap();
    assert!(length() > journal.size_bytes());
    drop((journal, store));
    let store = Disk::open(folder.path()).unwrap();
    let (mut journal, replay) = store.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!((replay.frames.len(), replay.torn), (152, None));
    let before = length();
    journal.commit(b"", &[&frame], b"").unwrap();
    assert_eq!(length(), before, "what was read as padding is used");
    assert_eq!(journal.rotate().unwrap(), 2);
    journal.commit(b"", &[&frame], b"").unwrap();
    drop((journal, store));
    let store = Disk::open(folder.path()).unwrap();
    let (_, replay) = store.open_journal(&path("j")).unwrap().unwrap();
    assert_eq!((replay.frames.len(), replay.torn), (154, None));
}

#[test]
fn a_segment_that_changed_under_its_writer_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    let mut journal = store.create_journal(&path("j"), b"").unwrap();
    journal.commit(b"", &[b"stage"], b"one").unwrap();
    let segment = folder.path().join("j/0000000000000001");
    fs::write(&segment, &fs::read(&segment).unwrap()[..60]).unwrap();
    assert!(matches!(journal.commit(b"one", &[], b"two"), Err(Error::Damaged { offset: 60, .. })));
    assert_eq!(fs::read(&segment).unwrap().len(), 60);
}

#[test]
fn many_create_the_same_objects_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    let batch: Vec<Object> = (0..40)
        .map(|n| Object { path: path(&format!("a/{}/{n}", n % 4)), bytes: Bytes::from(vec![n]) })
        .collect();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| store.create(&batch).unwrap());
        }
    });
    assert_eq!(store.list(&path("a")).unwrap().len(), 40);
}

#[test]
fn a_folder_that_empties_is_gone_and_never_in_the_way_of_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Disk::open(folder.path()).unwrap();
    thread::scope(|scope| {
        for worker in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..100 {
                    let at = path(&format!("a/b/{}/{worker}.{n}", n % 2));
                    let bytes = Bytes::from_static(b"x");
                    store.create(&[Object { path: at.clone(), bytes }]).unwrap();
                    store.remove(&[at]).unwrap();
                }
            });
        }
    });
    assert!(!folder.path().join("a").try_exists().unwrap());
}

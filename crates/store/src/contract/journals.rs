//! Journals: committed in order, replayed whole, honest about what a crash or a hand did to them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a store that breaks the contract is to panic"
)]

use bytes::Bytes;

use super::{Subject, path};
use crate::{
    Error, Frame, Journal, MAX_HEAD_BYTES, MAX_STAGE_BYTES, ObjectPath, Replay, Store, Torn,
};

const FOLDER: &str = "trails/lab/journal";

fn folder() -> ObjectPath {
    path(FOLDER)
}

fn segment(number: u64) -> ObjectPath {
    path(&format!("{FOLDER}/{number:016}"))
}

fn open(store: &dyn Store) -> (Box<dyn Journal>, Replay) {
    store.open_journal(&folder()).unwrap().expect("there is a journal")
}

/// A journal of one segment with three frames: its head is `three`. Returns each frame's offset, and
/// the end.
fn three_frames(subject: &dyn Subject) -> Vec<usize> {
    let store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    let mut offsets = vec![usize::try_from(journal.size_bytes()).unwrap()];
    let heads: [&[u8]; 4] = [b"base", b"one", b"two", b"three"];
    for pair in heads.windows(2) {
        journal.commit(pair[0], &[b"stage of ", pair[1]], pair[1]).unwrap();
        offsets.push(usize::try_from(journal.size_bytes()).unwrap());
    }
    offsets
}

fn frame(stage: &str, head: &str) -> Frame {
    Frame {
        stage: Bytes::copy_from_slice(stage.as_bytes()),
        head: Bytes::copy_from_slice(head.as_bytes()),
    }
}

fn damage(store: &dyn Store) -> (ObjectPath, u64) {
    match store.open_journal(&folder()) {
        Err(Error::Damaged { path, offset, .. }) => (path, offset),
        other => panic!("damage goes unnoticed: {other:?}"),
    }
}

/// A second creation is a conflict that leaves it alone.
pub fn a_journal_is_created_once(subject: &dyn Subject) {
    let store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    journal.commit(b"base", &[b"stage"], b"one").unwrap();
    assert!(matches!(store.create_journal(&folder(), b"other"), Err(Error::Conflict { .. })));
    journal.commit(b"one", &[], b"two").unwrap();
    drop((journal, store));

    let store = subject.open();
    assert!(matches!(store.create_journal(&folder(), b"base"), Err(Error::Conflict { .. })));
    let (_, replay) = open(&*store);
    assert_eq!(replay.base, "base");
    assert_eq!(replay.frames, [frame("stage", "one"), frame("", "two")]);
}

/// Neither an empty folder nor a folder with other objects has one.
pub fn a_folder_without_a_journal_has_none(subject: &dyn Subject) {
    let store = subject.open();
    assert!(store.open_journal(&folder()).unwrap().is_none());
    store.replace(&path(&format!("{FOLDER}/note")), b"hello").unwrap();
    store.replace(&path(&format!("{FOLDER}/1")), b"hello").unwrap();
    assert!(store.open_journal(&folder()).unwrap().is_none());
    store.create_journal(&folder(), b"").unwrap();
    let (_, replay) = open(&*store);
    assert_eq!((replay.base.len(), replay.frames.len()), (0, 0));
}

/// Any other is a conflict with which nothing happens.
pub fn a_commit_needs_the_current_head(subject: &dyn Subject) {
    let store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    let size = journal.size_bytes();
    for wrong in [b"".as_slice(), b"bas", b"base ", b"one"] {
        let result = journal.commit(wrong, &[b"x"], b"one");
        assert!(matches!(result, Err(Error::Conflict { .. })), "{wrong:?}");
    }
    assert_eq!(journal.size_bytes(), size);
    journal.commit(b"base", &[b"x"], b"one").unwrap();
    assert!(matches!(journal.commit(b"base", &[b"x"], b"one"), Err(Error::Conflict { .. })));
    journal.commit(b"one", &[b"y"], b"one").unwrap();
    drop(journal);
    assert_eq!(open(&*store).1.frames, [frame("x", "one"), frame("y", "one")]);
}

/// Across openings, with stages of no, many and empty pieces.
pub fn everything_committed_is_replayed_in_order(subject: &dyn Subject) {
    let mut expected: Vec<Frame> = Vec::new();
    drop(subject.open().create_journal(&folder(), b"0").unwrap());
    let long = vec![b'z'; 100_000];
    let many: Vec<&[u8]> =
        (0..5000).map(|n| if n % 2 == 0 { "".as_ref() } else { "ab".as_ref() }).collect();
    let empty: Vec<&[u8]> = vec![b""; 3000];
    let stages: [&[&[u8]]; 6] =
        [&[], &[b"", b"a", b""], &[b"a", b"bc"], &[&long, &long], &many, &empty];
    for round in 1..=3 {
        let store = subject.open();
        let (mut journal, replay) = open(&*store);
        assert_eq!(replay.base, "0");
        assert_eq!(replay.frames, expected);
        assert_eq!(replay.torn, None);
        for (n, stage) in stages.iter().enumerate() {
            let before =
                expected.last().map_or_else(|| Bytes::from("0"), |frame| frame.head.clone());
            let head = Bytes::from(format!("{round}.{n}"));
            journal.commit(&before, stage, &head).unwrap();
            expected.push(Frame { stage: stage.concat().into(), head });
        }
    }
    let store = subject.open();
    let (journal, replay) = open(&*store);
    assert_eq!(replay.frames, expected);
    assert_eq!(journal.size_bytes(), subject.read_raw(&segment(1)).len() as u64);
}

/// What is too large is refused with nothing done; the largest head is taken.
pub fn a_frame_has_limits(subject: &dyn Subject) {
    let store = subject.open();
    let large = vec![0; MAX_HEAD_BYTES + 1];
    let largest = &large[..MAX_HEAD_BYTES];
    assert!(matches!(store.create_journal(&folder(), &large), Err(Error::Refused { .. })));
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    assert!(matches!(journal.commit(b"base", &[], &large), Err(Error::Refused { .. })));
    let piece = vec![0; 1 << 20];
    let pieces = vec![piece.as_slice(); MAX_STAGE_BYTES / piece.len() + 1];
    assert!(matches!(journal.commit(b"base", &pieces, b"one"), Err(Error::Refused { .. })));
    journal.commit(b"base", &[], largest).unwrap();
    drop(journal);
    assert_eq!(open(&*store).1.frames[0].head, largest);
}

/// It is numbered next, and replay runs through both.
pub fn a_new_segment_goes_on_from_the_head(subject: &dyn Subject) {
    let store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    assert_eq!(journal.rotate().unwrap(), 2);
    journal.commit(b"base", &[b"x"], b"one").unwrap();
    assert_eq!(journal.rotate().unwrap(), 3);
    assert_eq!(journal.rotate().unwrap(), 4);
    journal.commit(b"one", &[b"y"], b"two").unwrap();
    let size = journal.size_bytes();
    drop((journal, store));

    let store = subject.open();
    let (mut journal, replay) = open(&*store);
    assert_eq!(journal.size_bytes(), size);
    assert_eq!(replay.base, "base");
    assert_eq!(replay.frames, [frame("x", "one"), frame("y", "two")]);
    assert_eq!(journal.rotate().unwrap(), 5);
    journal.commit(b"two", &[b"z"], b"three").unwrap();
    drop(journal);
    assert_eq!(open(&*store).1.frames.len(), 3);
}

/// With the frames in them, and never the newest.
pub fn retired_segments_are_gone(subject: &dyn Subject) {
    let store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    journal.commit(b"base", &[b"x"], b"one").unwrap();
    journal.retire(1).unwrap();
    journal.rotate().unwrap();
    journal.commit(b"one", &[b"y"], b"two").unwrap();
    let three = journal.rotate().unwrap();
    journal.commit(b"two", &[b"z"], b"three").unwrap();
    assert!(matches!(journal.retire(three + 1), Err(Error::Refused { .. })));
    assert_eq!(open(&*store).1.frames.len(), 3);
    journal.retire(2).unwrap();
    assert_eq!(open(&*store).1.base, "one");
    journal.retire(three).unwrap();
    journal.retire(three).unwrap();
    journal.commit(b"three", &[], b"four").unwrap();
    assert_eq!(journal.size_bytes(), subject.read_raw(&segment(3)).len() as u64);
    assert_eq!(store.list(&folder()).unwrap(), [segment(3)]);
    drop((journal, store));

    let store = subject.open();
    let (_, replay) = open(&*store);
    assert_eq!(replay.base, "two");
    assert_eq!(replay.frames, [frame("z", "three"), frame("", "four")]);
}

/// Wherever it was cut; the journal goes on when the tail is set aside, and not before.
pub fn a_torn_last_frame_is_reported_and_cut(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let whole = subject.read_raw(&segment(1));
    let last = offsets[2];
    assert_eq!(whole.len(), offsets[3]);
    for size in last + 1..whole.len() {
        let tail = &whole[last..size];
        subject.write_raw(&segment(1), &whole[..size]);
        let store = subject.open();
        let (mut journal, replay) = open(&*store);
        let torn = Torn { path: segment(1), offset: last as u64, size: tail.len() as u64 };
        assert_eq!(replay.torn, Some(torn), "cut at {size}");
        assert_eq!(replay.frames.len(), 2);
        assert!(matches!(journal.commit(b"two", &[], b"three"), Err(Error::Damaged { .. })));
        assert!(matches!(journal.rotate(), Err(Error::Damaged { .. })));
        journal.cut().unwrap();
        journal.cut().unwrap();
        journal.commit(b"two", &[b"another"], b"3").unwrap();
        drop((journal, store));

        let store = subject.open();
        let (_, replay) = open(&*store);
        assert_eq!(replay.torn, None);
        assert_eq!(replay.frames[2], frame("another", "3"));
        let [aside] = replay.set_aside.as_slice() else { panic!("{:?}", replay.set_aside) };
        assert_eq!(*aside, path(&format!("{FOLDER}/torn/{:016}-{last}", 1)));
        let zeros = tail.iter().rev().take_while(|byte| **byte == 0).count();
        assert_eq!(store.get(aside).unwrap().unwrap(), tail[..tail.len() - zeros]);
        subject.remove_raw(aside);
    }
}

/// A tail that crashed twice at one place is kept twice, and the same one only once.
pub fn tails_from_one_place_are_all_set_aside(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let whole = subject.read_raw(&segment(1));
    for size in [offsets[2] + 5, offsets[2] + 8, offsets[2] + 5] {
        subject.write_raw(&segment(1), &whole[..size]);
        open(&*subject.open()).0.cut().unwrap();
    }
    let store = subject.open();
    let (_, replay) = open(&*store);
    let aside = replay.set_aside.iter().map(|path| store.get(path).unwrap().unwrap().len());
    assert_eq!(aside.collect::<Vec<_>>(), [5, 8]);
}

/// Nothing of it is missing, so no crash explains it: it may have been acknowledged, and nothing is cut.
pub fn a_flipped_byte_in_the_last_frame_is_damage(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let store = subject.open();
    let whole = subject.read_raw(&segment(1));
    for padding in [0, 3_000] {
        for at in offsets[2]..whole.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                bytes.resize(whole.len() + padding, 0);
                subject.write_raw(&segment(1), &bytes);
                let (place, offset) = damage(&*store);
                assert_eq!((place, offset), (segment(1), offsets[2] as u64), "flipped at {at}");
            }
        }
    }
    // File systems may give a file its new size before its new bytes.
    let mut bytes = whole;
    bytes[offsets[2]..].fill(0);
    subject.write_raw(&segment(1), &bytes);
    assert_eq!(open(&*store).1.frames.len(), 2);
}

/// Zeros behind the last frame are written over, whether the segment goes on or another does.
pub fn a_segment_may_end_in_padding(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    for padding in [1, 7, 16, 5_000] {
        let mut bytes = subject.read_raw(&segment(1));
        bytes.truncate(offsets[3]);
        bytes.resize(offsets[3] + padding, 0);
        subject.write_raw(&segment(1), &bytes);
        let store = subject.open();
        let (mut journal, replay) = open(&*store);
        assert_eq!((replay.frames.len(), replay.torn), (3, None), "{padding} zeros");
        assert_eq!(journal.size_bytes(), offsets[3] as u64);
        journal.cut().unwrap();
        journal.commit(b"three", &[b"more"], b"four").unwrap();
        journal.commit(b"four", &[b"more"], b"five").unwrap();
        drop((journal, store));
        let store = subject.open();
        let (_, replay) = open(&*store);
        assert_eq!((replay.frames.len(), replay.torn), (5, None), "{padding} zeros");
    }
    let mut bytes = subject.read_raw(&segment(1));
    bytes.resize(bytes.len() + 3_000, 0);
    subject.write_raw(&segment(1), &bytes);
    let store = subject.open();
    let (mut journal, _) = open(&*store);
    journal.rotate().unwrap();
    journal.commit(b"five", &[b"more"], b"six").unwrap();
    drop((journal, store));
    let store = subject.open();
    assert_eq!(open(&*store).1.frames.len(), 6);
}

/// It is a frame that a crash cut short, or else damage.
pub fn a_byte_in_padding_is_noticed(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let mut whole = subject.read_raw(&segment(1));
    whole.resize(offsets[3] + 40, 0);
    let store = subject.open();
    for at in offsets[3]..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        subject.write_raw(&segment(1), &bytes);
        let (_, replay) = open(&*store);
        assert_eq!(replay.frames.len(), 3);
        let torn = Torn { path: segment(1), offset: offsets[3] as u64, size: 40 };
        assert_eq!(replay.torn, Some(torn), "flipped at {at}");
    }
    subject.write_raw(&segment(1), &whole);
    open(&*store).0.rotate().unwrap();
    whole[offsets[3] + 20] = 1;
    subject.write_raw(&segment(1), &whole);
    assert_eq!(damage(&*store), (segment(1), offsets[3] as u64));
}

/// What a crash wrote of it may be any of its sectors; one that became padding before another is damage.
pub fn a_frame_cut_short_in_padding_is_torn(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let whole = subject.read_raw(&segment(1));
    let store = subject.open();
    let mut journal = open(&*store).0;
    // What a client may write does not look like another frame.
    let text = b"IDLFRAME".repeat(400);
    journal.commit(b"three", &[&text], b"four").unwrap();
    drop(journal);
    let start = offsets[3];
    let long = subject.read_raw(&segment(1));
    let written = long.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let sectors: Vec<usize> =
        (start / 512 + 1..=written / 512).map(|sector| sector * 512).collect();
    assert!(sectors.len() > 4);
    for (number, at) in sectors.iter().copied().enumerate() {
        let next = sectors.get(number + 1).copied().unwrap_or(written);
        for missing in [at..written, start..at, at..next] {
            let mut bytes = long.get(..written).unwrap().to_vec();
            bytes[missing].fill(0);
            bytes.resize(written + 3_000, 0);
            let size = (bytes.len() - start) as u64;
            subject.write_raw(&segment(1), &bytes);
            let (_, replay) = open(&*store);
            assert_eq!(replay.frames.len(), 3);
            let torn = Torn { path: segment(1), offset: start as u64, size };
            assert_eq!(replay.torn, Some(torn), "from {at}");
        }
    }
    for end in start + 1..written {
        subject.write_raw(&segment(1), long.get(..end).unwrap());
        assert_eq!(open(&*store).1.torn.unwrap().offset, start as u64, "cut at {end}");
    }
    let mut bytes = whole;
    bytes[offsets[1]..offsets[2]].fill(0);
    subject.write_raw(&segment(1), &bytes);
    assert_eq!(damage(&*store), (segment(1), offsets[1] as u64));
}

/// In the header or in a frame, it is found where it is and nothing is cut.
pub fn a_flipped_byte_before_the_last_frame_is_damage(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let whole = subject.read_raw(&segment(1));
    let store = subject.open();
    for at in 0..offsets[2] {
        for bit in [0x01, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            subject.write_raw(&segment(1), &bytes);
            let (place, offset) = damage(&*store);
            assert_eq!(place, segment(1));
            let start = [offsets[1], offsets[0], 0].into_iter().find(|start| *start <= at).unwrap();
            assert_eq!(offset, start as u64, "flipped at {at}");
        }
    }
    // Not even if the last frame is torn as well, as long as it can be told.
    for size in offsets[2] + 1..whole.len() {
        let mut bytes = whole[..size].to_vec();
        bytes[offsets[1] + 20] ^= 1;
        subject.write_raw(&segment(1), &bytes);
        assert_eq!(damage(&*store), (segment(1), offsets[1] as u64), "cut at {size}");
    }
}

/// Frames left out, doubled or swapped do not chain.
pub fn a_frame_that_moved_is_damage(subject: &dyn Subject) {
    let offsets = three_frames(subject);
    let whole = subject.read_raw(&segment(1));
    let part = |n: usize| &whole[offsets[n]..offsets[n + 1]];
    let header = &whole[..offsets[0]];
    let store = subject.open();
    for (frames, place) in [
        ([part(0), part(2), part(1)].concat(), 1),
        ([part(1), part(2)].concat(), 0),
        ([part(0), part(0), part(1), part(2)].concat(), 1),
    ] {
        subject.write_raw(&segment(1), &[header, &frames].concat());
        assert_eq!(damage(&*store), (segment(1), offsets[place] as u64));
    }
    // A bad frame with a good one of another journal after it is not a tail either.
    subject.write_raw(&segment(1), &[header, &part(0)[1..], part(2)].concat());
    assert_eq!(damage(&*store), (segment(1), offsets[0] as u64));
}

/// Journals of three segments with a frame each.
fn three_segments(subject: &dyn Subject) {
    let store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    journal.commit(b"base", &[b"x"], b"one").unwrap();
    journal.rotate().unwrap();
    journal.commit(b"one", &[b"y"], b"two").unwrap();
    journal.rotate().unwrap();
    journal.commit(b"two", &[b"z"], b"three").unwrap();
}

/// It is named.
pub fn a_lost_segment_is_damage(subject: &dyn Subject) {
    three_segments(subject);
    subject.remove_raw(&segment(2));
    assert_eq!(damage(&*subject.open()), (segment(2), 0));
}

/// In any segment, however it came to it: segments get their names when their headers are durable.
pub fn a_damaged_header_is_damage(subject: &dyn Subject) {
    three_segments(subject);
    let header = 20 + 4 + 32;
    let store = subject.open();
    for number in 1..=3 {
        let whole = subject.read_raw(&segment(number));
        let header = if number == 1 { header } else { header - 1 };
        for at in 0..header {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            subject.write_raw(&segment(number), &bytes);
            assert_eq!(damage(&*store), (segment(number), 0), "flipped at {at}");
            subject.write_raw(&segment(number), &whole[..at]);
            assert_eq!(damage(&*store).0, segment(number), "cut at {at}");
        }
        subject.write_raw(&segment(number), &whole);
    }
    // Another segment's bytes, whole as they are.
    subject.write_raw(&segment(3), &subject.read_raw(&segment(2)));
    assert_eq!(damage(&*store), (segment(3), 8));
}

/// An older segment that lost its last frame, or has a bad one, is not what a crash leaves.
pub fn segments_that_do_not_continue_are_damage(subject: &dyn Subject) {
    three_segments(subject);
    let store = subject.open();
    let whole = subject.read_raw(&segment(2));
    let header = 20 + 3 + 32;
    subject.write_raw(&segment(2), &whole[..header]);
    assert_eq!(damage(&*store), (segment(3), 20));
    for size in header + 1..whole.len() {
        subject.write_raw(&segment(2), &whole[..size]);
        assert_eq!(damage(&*store), (segment(2), header as u64), "cut at {size}");
    }
}

/// Of two that opened the same journal, the one that wrote last goes on; reading disturbs nobody.
pub fn a_writer_left_behind_is_refused(subject: &dyn Subject) {
    let store = subject.open();
    let mut first = store.create_journal(&folder(), b"base").unwrap();
    let (mut second, _) = open(&*store);
    let (third, _) = open(&*store);
    first.commit(b"base", &[b"x"], b"one").unwrap();
    drop(third);
    assert!(matches!(second.commit(b"base", &[b"y"], b"1"), Err(Error::Conflict { .. })));
    assert!(matches!(second.rotate(), Err(Error::Conflict { .. })));
    first.rotate().unwrap();
    assert!(matches!(second.retire(1), Err(Error::Conflict { .. })));
    let (mut second, _) = open(&*store);
    second.commit(b"one", &[b"y"], b"two").unwrap();
    assert!(matches!(first.commit(b"one", &[b"z"], b"2"), Err(Error::Conflict { .. })));
    drop((first, second));
    assert_eq!(open(&*store).1.frames, [frame("x", "one"), frame("y", "two")]);
}

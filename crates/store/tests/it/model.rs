//! Random sequences of what a journal can do, against the plainest model of it.

use std::sync::Arc;

use proptest::prelude::*;
use store::{Error, Frame, Journal, Memory, ObjectPath, Store, contract::Subject};

use crate::contract::{DiskSubject, MemorySubject};

#[derive(Clone, Debug)]
enum Step {
    Commit {
        stage: Vec<u8>,
        head: Vec<u8>,
    },
    CommitOnAnotherHead,
    Rotate,
    /// Retires what is older than the segment this far back.
    Retire(u64),
    Reopen,
    /// The process dies while it writes a frame, of which so much arrives.
    Tear(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = |size| prop::collection::vec(any::<u8>(), 0..size);
    prop_oneof![
        6 => (bytes(200), bytes(20)).prop_map(|(stage, head)| Step::Commit { stage, head }),
        1 => Just(Step::CommitOnAnotherHead),
        2 => Just(Step::Rotate),
        1 => (0_u64..4).prop_map(Step::Retire),
        1 => Just(Step::Reopen),
        1 => (1_usize..60).prop_map(Step::Tear),
    ]
}

/// The model: segments of frames, each with its base.
struct Model {
    first: u64,
    segments: Vec<(Vec<u8>, Vec<Frame>)>,
}

impl Model {
    fn head(&self) -> Vec<u8> {
        let (base, frames) = self.segments.last().unwrap();
        frames.last().map_or_else(|| base.clone(), |frame| frame.head.to_vec())
    }

    fn newest(&self) -> u64 {
        self.first + self.segments.len() as u64 - 1
    }
}

fn folder() -> ObjectPath {
    ObjectPath::new("a/journal").unwrap()
}

/// Opens the journal and compares all that it holds.
fn reopen(store: &Arc<dyn Store>, model: &Model) -> Box<dyn Journal> {
    let (mut journal, replay) = store.open_journal(&folder()).unwrap().unwrap();
    let frames: Vec<Frame> =
        model.segments.iter().flat_map(|(_, frames)| frames).cloned().collect();
    assert_eq!(replay.base, model.segments.first().unwrap().0);
    assert_eq!(replay.frames, frames);
    if replay.torn.is_some() {
        journal.cut().unwrap();
    }
    journal
}

fn check(subject: &dyn Subject, steps: Vec<Step>) {
    let mut store = subject.open();
    let mut journal = store.create_journal(&folder(), b"base").unwrap();
    let mut model = Model { first: 1, segments: vec![(b"base".to_vec(), vec![])] };
    for step in steps {
        match step {
            Step::Commit { stage, head } => {
                let (left, right) = stage.split_at(stage.len() / 2);
                journal.commit(&model.head(), &[left, right], &head).unwrap();
                let frame = Frame { stage: stage.into(), head: head.into() };
                model.segments.last_mut().unwrap().1.push(frame);
            }
            Step::CommitOnAnotherHead => {
                let other = [model.head(), b"?".to_vec()].concat();
                let result = journal.commit(&other, &[b"x"], b"y");
                assert!(matches!(result, Err(Error::Conflict { .. })));
            }
            Step::Rotate => {
                model.segments.push((model.head(), vec![]));
                assert_eq!(journal.rotate().unwrap(), model.newest());
            }
            Step::Retire(back) => {
                let kept = model.newest().saturating_sub(back).max(model.first);
                journal.retire(kept).unwrap();
                let gone = usize::try_from(kept - model.first).unwrap();
                drop(model.segments.drain(..gone));
                model.first = kept;
            }
            Step::Reopen => {
                drop((journal, store));
                store = subject.open();
                journal = reopen(&store, &model);
            }
            Step::Tear(size) => {
                drop((journal, store));
                let newest = folder().join(&format!("{:016}", model.newest())).unwrap();
                let mut bytes = subject.read_raw(&newest);
                // What a client may write does not make a torn frame look like two.
                let text = b"IDLFRAME".iter().cycle().take(50);
                bytes.extend(b"IDLFRAME\0\0\0\x04\0\0\x01\0".iter().chain(text).take(size));
                subject.write_raw(&newest, &bytes);
                store = subject.open();
                journal = reopen(&store, &model);
            }
        }
    }
    drop((journal, store));
    reopen(&subject.open(), &model);
}

/// What a hand or a disk may do to a file.
#[derive(Clone, Debug)]
enum Harm {
    Flip { at: prop::sample::Index, mask: u8 },
    Cut(prop::sample::Index),
    Append(Vec<u8>),
    Repeat { from: prop::sample::Index, to: prop::sample::Index },
    Remove { from: prop::sample::Index, to: prop::sample::Index },
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), 1_u8..).prop_map(|(at, mask)| Harm::Flip { at, mask }),
        index().prop_map(Harm::Cut),
        prop::collection::vec(any::<u8>(), 1..100).prop_map(Harm::Append),
        (index(), index()).prop_map(|(from, to)| Harm::Repeat { from, to }),
        (index(), index()).prop_map(|(from, to)| Harm::Remove { from, to }),
    ]
}

impl Harm {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len() + 1;
        match self {
            Self::Flip { at, mask } => {
                if let Some(byte) = bytes.get_mut(at.index(size)) {
                    *byte ^= mask;
                }
            }
            Self::Cut(at) => bytes.truncate(at.index(size)),
            Self::Append(more) => bytes.extend(more),
            Self::Repeat { from, to } => {
                let (from, to) = (from.index(size), to.index(size));
                let part = bytes.get(from.min(to)..from.max(to)).unwrap_or_default().to_vec();
                bytes.splice(from..from, part);
            }
            Self::Remove { from, to } => {
                let (from, to) = (from.index(size), to.index(size));
                bytes.drain(from.min(to)..from.max(to));
            }
        }
    }
}

/// Two segments with three frames each.
fn six_frames() -> (Memory, Vec<Frame>) {
    let memory = Memory::default();
    let mut journal = memory.create_journal(&folder(), b"0").unwrap();
    for n in 0_u8..6 {
        if n == 3 {
            journal.rotate().unwrap();
        }
        let (before, after) = (format!("{n}"), format!("{}", n + 1));
        journal.commit(before.as_bytes(), &[&[n; 70]], after.as_bytes()).unwrap();
    }
    let frames = memory.open_journal(&folder()).unwrap().unwrap().1.frames;
    (memory, frames)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_harm_makes_a_frame_that_was_not_committed(
        harms in prop::collection::vec((1_u64..=2, harm()), 1..4),
    ) {
        let (memory, committed) = six_frames();
        for (number, harm) in &harms {
            let segment = folder().join(&format!("{number:016}")).unwrap();
            assert!(memory.corrupt(&segment, |bytes| harm.apply(bytes)));
        }
        match memory.open_journal(&folder()) {
            Err(Error::Damaged { .. }) => {}
            Ok(Some((_, replay))) => {
                // Only the last segment's end may be missing, down to its header.
                assert!(replay.frames.len() >= 3);
                assert!(committed.starts_with(&replay.frames), "{:?}", replay.frames);
            }
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_in_memory_does_what_the_model_does(steps in prop::collection::vec(step(), 0..40)) {
        check(&MemorySubject::default(), steps);
    }

    #[test]
    fn a_journal_on_disk_does_what_the_model_does(steps in prop::collection::vec(step(), 0..40)) {
        check(&DiskSubject::default(), steps);
    }
}

//! Random sequences of what a journal can do, against the plainest model of it.

use std::sync::Arc;

use proptest::prelude::*;
use store::{Error, Frame, Journal, ObjectPath, Store, contract::Subject};

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
                bytes.extend(b"IDLFRAME\0\0\0\x04\0\0\x01\0".iter().chain([&b'x'; 50]).take(size));
                subject.write_raw(&newest, &bytes);
                store = subject.open();
                journal = reopen(&store, &model);
            }
        }
    }
    drop((journal, store));
    reopen(&subject.open(), &model);
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

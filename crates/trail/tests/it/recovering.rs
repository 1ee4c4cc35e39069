//! Restarts, crashes, and copies that are older than they look.

use store::{ObjectPath, Store};
use trail::{Corruption, Error, Feed};

use crate::harness::{World, batch, fill, keys};

fn journal_segment(world: &World) -> ObjectPath {
    let folder = ObjectPath::new("trails/lab/journal").unwrap();
    world.store.list(&folder).unwrap().pop().unwrap()
}

#[test]
fn what_was_committed_but_not_published_is_published_at_the_next_start() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    trail.publish().unwrap();
    fill(&trail, 300, 900);
    drop(trail);
    let (trail, recovery) = world.open().unwrap();
    assert_eq!(recovery.republished, 600);
    assert_eq!(trail.published().checkpoint.size().get(), 900);
    fill(&trail, 900, 950);
    trail.publish().unwrap();
    assert!(world.check().is_sound());
}

/// A world whose trail has ten events, and a frame that a crash cut short.
fn torn_behind_ten() -> World {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 10);
    trail.append(batch(10..11)).unwrap();
    drop(trail);
    let segment = journal_segment(&world);
    let size = world.store.get(&segment).unwrap().unwrap().len();
    world.store.truncate(&segment, size - 7);
    world
}

#[test]
fn a_torn_last_frame_is_cut_and_set_aside() {
    let world = torn_behind_ten();
    let (trail, recovery) = world.open().unwrap();
    assert!(recovery.cut.is_some());
    assert_eq!(trail.committed_size(), 10);
    trail.append(batch(10..12)).unwrap();
    trail.publish().unwrap();
    let report = world.check();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.notes.len(), 1, "the cut is reported");
}

#[test]
fn an_older_copy_of_the_directory_is_refused() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    trail.publish().unwrap();
    let copy = world.store.snapshot();
    fill(&trail, 300, 301);
    trail.publish().unwrap();
    drop(trail);
    let restored = World { store: copy, notebook: world.notebook.clone(), ..World::new() };
    let error = restored.open().unwrap_err();
    let Error::Corrupt(Corruption::SizeWentBack { from: 301, to: 300, .. }) = error else {
        panic!("{error}")
    };
    assert!(!restored.check().is_sound());
    world.open().unwrap();
}

#[test]
fn a_head_that_these_keys_did_not_write_is_refused() {
    let world = World::new();
    drop(world.create());
    let other = World::new();
    drop(other.create());
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(other.store);
    let around = trail::Surroundings {
        clock: std::sync::Arc::new(trail::WatchedClock::new(world.clock.clone())),
        ids: world.ids.clone(),
        watermark: world.notebook.clone(),
        cache: std::sync::Arc::new(trail::Cache::new(1 << 20)),
    };
    let stranger = trail::Keys::from_seed(crate::harness::ORIGIN, &[8; 64]).unwrap();
    assert_ne!(stranger.verifier(), keys().verifier());
    let free = trail::Options::default();
    let opened = trail::Trail::open(store, "lab", crate::harness::ORIGIN, stranger, around, free);
    assert!(matches!(opened, Err(Error::Corrupt(_))));
}

#[test]
fn the_last_checkpoint_of_each_day_stays() {
    const DAY: i64 = 86_400_000_000;
    let world = World::new();
    let trail = world.create();
    let mut sizes = Vec::new();
    for day in 0..3 {
        for part in 0..2 {
            let from = day * 20 + part * 10;
            fill(&trail, from, from + 10);
            // The first day's last events are published together with the next day's.
            if (day, part) != (0, 1) {
                trail.publish().unwrap();
            }
            world.clock.advance(DAY / 4);
        }
        sizes.push(trail.committed_size());
        world.clock.advance(DAY / 2);
    }
    let folder = ObjectPath::new("trails/lab/checkpoints").unwrap();
    let kept = world.store.list(&folder).unwrap();
    assert_eq!(kept.len(), 2, "today's is the checkpoint itself");
    for (path, size) in kept.iter().zip(&sizes) {
        let note = world.store.get(path).unwrap().unwrap();
        let note = std::str::from_utf8(&note).unwrap();
        let checkpoint = tlog::Checkpoint::open(note, None, &[trail.verifier()]).unwrap();
        assert_eq!(checkpoint.size().get(), *size, "{path}");
        let proof = trail.consistency(*size, 60).unwrap();
        let now = trail.published().checkpoint.clone();
        proof.verify(checkpoint.size(), checkpoint.root(), now.size(), now.root()).unwrap();
    }
    drop(trail);
    assert!(world.check().is_sound());
}

#[test]
fn the_id_index_comes_back_from_the_trail() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 700);
    drop(trail);
    let lost = World { store: world.store.clone(), notebook: world.notebook, ..World::new() };
    let (trail, _) = lost.open().unwrap();
    let answers = trail.append(batch(690..701)).unwrap();
    assert_eq!(trail.committed_size(), 701);
    assert_eq!(crate::harness::index_of(&answers[0]), 690);
}

#[test]
fn a_start_that_is_refused_leaves_everything_as_it_was() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 3);
    let before = world.store.snapshot();
    trail.publish().unwrap();
    drop(trail);
    // The checkpoint was lost, and the journal is one that no checkpoint was needed for.
    let checkpoint = ObjectPath::new("trails/lab/checkpoint").unwrap();
    assert!(before.remove_raw(&checkpoint));
    let paths = before.paths();
    let lost = World { store: before, notebook: world.notebook, ..World::new() };
    let error = lost.open().unwrap_err();
    assert!(matches!(error, Error::Corrupt(Corruption::SizeWentBack { .. })), "{error}");
    assert_eq!(lost.store.paths(), paths, "no checkpoint was signed");
    // With nothing that speaks against it, it is a trail that was never published.
    let young = World { store: lost.store, ..World::new() };
    let (trail, _) = young.open().unwrap();
    assert_eq!(trail.published().checkpoint.size().get(), 3);
}

#[test]
fn a_trail_is_opened_and_read_on_a_full_disk_and_goes_on_when_there_is_space() {
    let world = torn_behind_ten();
    world.store.limit(Some(0));
    let (trail, _) = world.open().unwrap();
    assert_eq!(trail.read(0, 100).unwrap().len(), 10);
    assert!(matches!(trail.append(batch(10..11)), Err(Error::Full(_))));
    assert!(matches!(trail.publish(), Err(Error::Full(_))));
    assert!(!trail.is_stopped());
    world.store.limit(None);
    trail.append(batch(10..12)).unwrap();
    trail.publish().unwrap();
    let report = world.check();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.published_size, report.notes.len()), (12, 1));
}

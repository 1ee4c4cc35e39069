//! `check` names the place of everything that can be wrong.

use store::{ObjectPath, Store};
use trail::Corruption;

use crate::harness::{World, batch_of, draft, event_json, fill};

fn sound_world() -> World {
    const DAY: i64 = 86_400_000_000;
    let world = World::new();
    let trail = world.create();
    let large =
        event_json(0).replace(r#"{"n":0}"#, &format!(r#"{{"big":"{}"}}"#, "x".repeat(20_000)));
    trail.append(batch_of(vec![draft(&large)])).unwrap();
    fill(&trail, 1, 300);
    trail.publish().unwrap();
    world.clock.advance(DAY);
    fill(&trail, 300, 520);
    trail.publish().unwrap();
    fill(&trail, 520, 530);
    drop(trail);
    let report = world.check();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.published_size, report.committed_size), (520, 530));
    world
}

/// The damaged path must be named in some problem.
fn assert_named(world: &World, path: &ObjectPath, what: &str) {
    let report = world.check();
    let named = report.problems.iter().any(|problem| {
        let text = problem.to_string();
        text.contains(path.as_str())
            || (path.as_str().contains("/journal/") && text.contains("journal"))
    });
    assert!(named, "{what} of {path}: {:?}", report.problems);
}

fn with(world: &World, change: impl FnOnce(&store::Memory)) -> World {
    let store = world.store.snapshot();
    change(&store);
    World { store, notebook: world.notebook.clone(), ..World::new() }
}

#[test]
fn any_flipped_byte_of_any_object_is_named() {
    let world = sound_world();
    for path in world.objects() {
        let size = world.store.get(&path).unwrap().unwrap().len();
        // Every byte of small objects, a spread of the others.
        let step = (size / 41).max(1);
        for at in (0..size).step_by(step).chain([size - 1]) {
            let damaged = with(&world, |store| {
                store.corrupt(&path, |bytes| bytes[at] ^= 0x20);
            });
            assert_named(&damaged, &path, &format!("byte {at}"));
        }
    }
}

#[test]
fn missing_truncated_swapped_and_extra_objects_are_named() {
    let world = sound_world();
    let objects = world.objects();
    for path in &objects {
        let missing = with(&world, |store| assert!(store.remove_raw(path)));
        assert_named(&missing, path, "absence");
        let size = world.store.get(path).unwrap().unwrap().len();
        for cut in [size - 1, size / 2, 0] {
            let truncated = with(&world, |store| assert!(store.truncate(path, cut)));
            assert_named(&truncated, path, "truncation");
        }
        let extra = ObjectPath::new(format!("{path}-2")).unwrap();
        if !path.as_str().contains("/journal/") {
            let added = with(&world, |store| store.write_raw(&extra, b"x".to_vec()));
            assert_named(&added, &extra, "addition");
        }
    }
    let bytes = |path: &ObjectPath| world.store.get(path).unwrap().unwrap();
    for one in objects.iter().filter(|path| path.as_str().contains("tile/")) {
        for other in objects.iter().filter(|other| *other > one && bytes(other) != bytes(one)) {
            if other.as_str().contains("tile/") {
                let swapped = with(&world, |store| {
                    store.write_raw(one, bytes(other));
                    store.write_raw(other, bytes(one));
                });
                assert_named(&swapped, one, "swap");
            }
        }
    }
}

#[test]
fn a_head_rolled_back_is_named() {
    let world = sound_world();
    let older = world.store.snapshot();
    let (trail, _) = world.open().unwrap();
    fill(&trail, 530, 560);
    trail.publish().unwrap();
    drop(trail);
    // Only the journal is put back.
    let journal = with(&world, |store| {
        let folder = ObjectPath::new("trails/lab/journal").unwrap();
        for path in store.list(&folder).unwrap() {
            store.remove_raw(&path);
        }
        for path in older.list(&folder).unwrap() {
            store.write_raw(&path, older.get(&path).unwrap().unwrap());
        }
    });
    let report = journal.check();
    let back = |problem: &Corruption| {
        matches!(problem, Corruption::SizeWentBack { from: 560, to: 530, .. })
    };
    assert!(report.problems.iter().any(back), "{:?}", report.problems);
    // Everything is put back; only the outside memory knows better.
    let whole = World { store: older, notebook: world.notebook, ..World::new() };
    let report = whole.check();
    let back = |problem: &Corruption| {
        matches!(
            problem,
            Corruption::SizeWentBack { witness: trail::REMEMBERED, from: 560, to: 520 }
        )
    };
    assert!(report.problems.iter().any(back), "{:?}", report.problems);
}

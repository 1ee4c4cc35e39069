//! Values beside an entry that it does not commit to: whoever can write to the store can put them
//! there, and readers must not see them.

use sha2::{Digest as _, Sha256};
use store::{ObjectPath, Store as _};
use tlog::BundleId;
use trail::{Corruption, Error, Feed as _};

use crate::harness::{World, batch_of, draft, event_json, fill};

/// An opening as it is stored.
fn opening(at: &str, value: &str) -> Vec<u8> {
    let mut out = u16::try_from(at.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(at.as_bytes());
    out.extend_from_slice(&[9; 32]);
    out.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
    out.extend_from_slice(value.as_bytes());
    out
}

/// A packed file of one frame, as the format says.
fn packed(plain: &[u8]) -> Vec<u8> {
    packed_frames(&[plain])
}

/// A packed file, as the format says.
fn packed_frames(plain: &[&[u8]]) -> Vec<u8> {
    let frames: Vec<_> = plain.iter().map(|p| zstd::bulk::compress(p, 1).unwrap()).collect();
    let mut payload = b"IDLP".to_vec();
    payload.push(u8::try_from(frames.len()).unwrap());
    for frame in &frames {
        payload.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_be_bytes());
    }
    let body = frames.concat();
    let digest = Sha256::new().chain_update(&payload).chain_update(&body).finalize();
    payload.extend_from_slice(&digest[..16]);
    let mut out = vec![0x5E, 0x2A, 0x4D, 0x18];
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    out.extend_from_slice(&payload);
    out.extend_from_slice(&body);
    out
}

const LARGE: &str = r#"{"n":1}"#;

/// The params of event 1, which are detached from it.
fn params() -> String {
    format!(r#"{{"big":"{}"}}"#, "x".repeat(20_000))
}

#[track_caller]
fn assert_noticed(error: &Error, at_forged: &str) {
    let Error::Corrupt(Corruption::OpeningMismatch { index: 1, at, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(at, at_forged);
}

#[test]
fn openings_that_an_entry_does_not_commit_to_are_never_shown() {
    let world = World::new();
    let trail = world.create();
    let large = event_json(1).replace(LARGE, &params());
    trail.append(batch_of(vec![draft(&event_json(0)), draft(&large)])).unwrap();
    fill(&trail, 2, 20);
    trail.publish().unwrap();
    trail.rest();
    let objects = world.store.list(&ObjectPath::new("trails/lab/opening").unwrap()).unwrap();
    let [path] = objects.as_slice() else { panic!("{objects:?}") };
    let right = opening("/params", &params());
    let other = opening("/params", r#"{"big":"y"}"#);
    let actor = opening("/actor/id", r#""eve""#);
    world.store.write_raw(path, packed(&right));
    assert!(trail.read_many(&[1]).unwrap()[0].text().contains("xxxx"));
    assert!(world.check().is_sound());
    for (forged, at) in [
        ([right.clone(), actor.clone()].concat(), "/actor/id"),
        ([actor, right.clone()].concat(), "/actor/id"),
        ([other.clone(), right.clone()].concat(), "/params"),
        ([right.clone(), right].concat(), "/params"),
        (other, "/params"),
        (Vec::new(), "/params"),
    ] {
        world.store.write_raw(path, packed(&forged));
        assert_noticed(&trail.read_many(&[1]).unwrap_err(), at);
        assert_noticed(&trail.receipt(1).unwrap_err(), at);
        let problems = world.check().problems;
        let [Corruption::OpeningMismatch { index: 1, at: found, .. }] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert_eq!(found, at);
    }
}

#[test]
fn what_was_changed_is_never_served_and_what_was_mended_is_served_again() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    trail.publish().unwrap();
    drop(trail);
    let at = |path: &str| ObjectPath::new(format!("trails/lab/{path}")).unwrap();
    for path in ["tile/0/000", "tile/0/001.p/44", "tile/entries/000", "tile/entries/001.p/44"] {
        // One that has nothing in its cache.
        let (trail, _) = world.open().unwrap();
        let stored = world.store.get(&at(path)).unwrap().unwrap();
        let is_bundle = path.contains("entries");
        let changed = if is_bundle {
            let mut plain = zstd::decode_all(stored.as_ref()).unwrap();
            let text = plain.windows(4).rposition(|bytes| bytes == b"\"id\"").unwrap();
            plain[text + 1] = b'I';
            if path.contains(".p/") {
                packed_frames(&[&plain])
            } else {
                bundle_cut_at(&[0, 64, 128, 192, 256], &plain)
            }
        } else {
            let mut changed = stored.to_vec();
            changed[40] ^= 1;
            changed
        };
        let index = if path.contains("001") { 299 } else { 255 };
        world.store.write_raw(&at(path), changed);
        assert!(matches!(trail.resource(path), Err(Error::Corrupt(_))), "{path}");
        assert!(matches!(trail.read_many(&[index]), Err(Error::Corrupt(_))), "{path}");
        world.store.write_raw(&at(path), stored);
        assert!(trail.resource(path).unwrap().is_some(), "{path}");
        assert_eq!(trail.read_many(&[index]).unwrap().len(), 1, "{path}");
    }
}

#[test]
fn a_bundle_cut_into_other_frames_is_damaged() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    trail.publish().unwrap();
    let plain = trail.resource("tile/entries/000").unwrap().unwrap();
    drop(trail);
    let path = ObjectPath::new("trails/lab/tile/entries/000").unwrap();
    for (places, right) in [
        (&[0, 64, 128, 192, 256][..], true),
        (&[0, 63, 128, 192, 256], false),
        (&[0, 128, 256], false),
        (&[0, 32, 64, 96, 128, 160, 192, 224, 256], false),
        (&[0, 256], false),
    ] {
        let store = world.store.snapshot();
        store.write_raw(&path, bundle_cut_at(places, &plain));
        let cut = World { store, ids: world.ids.clone(), ..World::new() };
        let problems = cut.check().problems;
        let damaged = |error: &Corruption| matches!(error, Corruption::BundleDamaged { .. });
        assert_eq!(problems.is_empty(), right, "{places:?}: {problems:?}");
        assert!(problems.iter().all(damaged), "{problems:?}");
        match cut.open().unwrap().0.read_many(&[63, 200]) {
            Ok(list) => assert!(right && list[1].index == 200, "{places:?}"),
            Err(Error::Corrupt(error)) => assert!(!right && damaged(&error), "{error}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_bundle_that_is_there_already_is_only_taken_over_in_the_right_frames() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    let before = world.store.snapshot();
    trail.publish().unwrap();
    let plain = trail.resource("tile/entries/000").unwrap().unwrap();
    drop(trail);
    let path = ObjectPath::new("trails/lab/tile/entries/000").unwrap();
    for (stored, right) in [
        (bundle_cut_at(&[0, 64, 128, 192, 256], &plain), true),
        (bundle_cut_at(&[0, 63, 128, 192, 256], &plain), false),
        (bundle_cut_at(&[0, 128, 256], &plain), false),
        (plain.to_vec(), false),
    ] {
        let store = before.snapshot();
        store.write_raw(&path, stored);
        let cut = World { store, ids: world.ids.clone(), ..World::new() };
        let published = cut.open().and_then(|(trail, _)| trail.publish().map(drop));
        assert_eq!(published.is_ok(), right);
        if right {
            assert!(cut.check().is_sound());
        } else {
            let Err(Error::Corrupt(Corruption::BundleDamaged { .. })) = published else {
                panic!("{published:?}");
            };
        }
    }
}

/// A bundle of 256 entries as it is stored, with a frame between each two places.
fn bundle_cut_at(places: &[usize], plain: &[u8]) -> Vec<u8> {
    let ends = BundleId::new(0, 256).unwrap().entries(plain).scan(0, |end, entry| {
        *end += 2 + entry.unwrap().len();
        Some(*end)
    });
    let bounds: Vec<usize> = std::iter::once(0).chain(ends).collect();
    let frames = places.windows(2).map(|pair| &plain[bounds[pair[0]]..bounds[pair[1]]]);
    packed_frames(&frames.collect::<Vec<_>>())
}

/// Rewrites the only frame of a journal segment with another end of its stage. The chain has no key.
fn with_stage(segment: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let size = |at: usize| {
        usize::try_from(u32::from_be_bytes(segment[at..at + 4].try_into().unwrap())).unwrap()
    };
    let frame = 20 + size(16) + 32;
    let (head, stage) = (size(frame + 8), size(frame + 12));
    let stage_at = frame + 16 + head;
    assert_eq!(stage_at + stage + 32, segment.len(), "one frame");
    let mut staged = segment[stage_at..stage_at + stage].to_vec();
    change(&mut staged);
    let mut covered = segment[frame..frame + 12].to_vec();
    covered.extend_from_slice(&u32::try_from(staged.len()).unwrap().to_be_bytes());
    covered.extend_from_slice(&segment[frame + 16..stage_at]);
    covered.extend_from_slice(&staged);
    let chain =
        Sha256::new().chain_update(&segment[frame - 32..frame]).chain_update(&covered).finalize();
    [&segment[..frame], covered.as_slice(), chain.as_slice()].concat()
}

#[test]
fn openings_in_the_journal_are_compared_with_their_entries_before_they_are_published() {
    let world = World::new();
    let trail = world.create();
    let large = event_json(1).replace(LARGE, &params());
    trail.append(batch_of(vec![draft(&event_json(0)), draft(&large)])).unwrap();
    drop(trail);
    let folder = ObjectPath::new("trails/lab/journal").unwrap();
    let path = world.store.list(&folder).unwrap().pop().unwrap();
    let segment = world.store.get(&path).unwrap().unwrap();
    let opening_of = |index: u64, at: &str, value: &str| {
        [index.to_be_bytes().as_slice(), &opening(at, value)].concat()
    };
    let right = opening_of(1, "/params", &params());
    let end = 4 + right.len();
    for (openings, index_named, at) in [
        (vec![right.clone(), opening_of(1, "/actor/id", r#""eve""#)], 1, "/actor/id"),
        (vec![opening_of(0, "/actor/id", r#""eve""#), right.clone()], 0, "/actor/id"),
        (vec![right, opening_of(7, "/actor/id", r#""eve""#)], 7, "/actor/id"),
        (vec![opening_of(1, "/params", "{}")], 1, "/params"),
        (Vec::new(), 1, "/params"),
    ] {
        let forged = with_stage(&segment, |stage| {
            stage.truncate(stage.len() - end);
            stage.extend_from_slice(&u32::try_from(openings.len()).unwrap().to_be_bytes());
            stage.extend(openings.concat());
        });
        world.store.corrupt(&path, |bytes| *bytes = forged);
        let error = world.open().unwrap_err();
        let Error::Corrupt(Corruption::OpeningMismatch { index, at: found, .. }) = &error else {
            panic!("{error}");
        };
        assert_eq!((*index, found.as_str()), (index_named, at));
        let problems = world.check().problems;
        assert!(
            problems.iter().any(|p| matches!(p, Corruption::OpeningMismatch { .. })),
            "{problems:?}"
        );
    }
    world.store.corrupt(&path, |bytes| *bytes = with_stage(&segment, |_| ()));
    let (trail, recovery) = world.open().unwrap();
    assert_eq!(recovery.republished, 2);
    assert!(trail.read_many(&[1]).unwrap()[0].text().contains("xxxx"));
}

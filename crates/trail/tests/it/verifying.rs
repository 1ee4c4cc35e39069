//! Receipts, proofs and the static read path, at every edge of the tiles.

use tlog::{BundleId, Checkpoint, LeafIndex, Tile, TreeSize};
use trail::{Error, Feed};

use crate::harness::{ORIGIN, World, batch_of, draft, event_json, fill};

#[test]
fn receipts_and_consistency_hold_at_every_tile_edge() {
    let world = World::new();
    let trail = world.create();
    let key = [trail.verifier()];
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    let mut filled = 0;
    for size in [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000] {
        fill(&trail, filled, size);
        filled = size;
        trail.publish().unwrap();
        let published = trail.published();
        assert_eq!(published.checkpoint.size().get(), size);
        for index in [0, size / 2, 254, 255, 256, 65_535, 65_536, size - 1] {
            if index < size {
                let receipt = trail.receipt(index).unwrap();
                let entry = trail.read_many(&[index]).unwrap().remove(0).entry;
                let leaf = tlog::leaf_hash(&entry);
                let read = tlog::Receipt::parse(&receipt.to_string()).unwrap();
                read.verify(leaf, &key, Some(ORIGIN)).unwrap();
            }
        }
        for older in &checkpoints {
            let proof = trail.consistency(older.size().get(), size).unwrap();
            let now = &published.checkpoint;
            proof.verify(older.size(), older.root(), now.size(), now.root()).unwrap();
        }
        checkpoints.push(published.checkpoint.clone());
    }
    let report = world.check();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.checked, 70_000);
}

#[test]
fn old_partial_tiles_are_cut_from_wider_ones() {
    let world = World::new();
    let trail = world.create();
    let mut kept: Vec<(String, bytes::Bytes)> = Vec::new();
    let mut filled = 0;
    for size in [3, 200, 256, 300, 700] {
        fill(&trail, filled, size);
        filled = size;
        trail.publish().unwrap();
        let size = TreeSize::new(size);
        let paths =
            Tile::every(size).map(Tile::path).chain(BundleId::every(size).map(BundleId::path));
        for path in paths {
            kept.push((path.clone(), trail.resource(&path).unwrap().unwrap()));
        }
        for (path, bytes) in &kept {
            assert_eq!(trail.resource(path).unwrap().as_ref(), Some(bytes), "{path}");
        }
    }
    for absent in [
        "tile/0/003",
        "tile/0/002.p/189",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/entries/003.p/1",
        "tile/0/000.p/0",
        "tile/0/0",
        "checkpoint/",
        "../lock",
        "",
    ] {
        assert_eq!(trail.resource(absent).unwrap(), None, "{absent}");
    }
    let partials = world.objects().into_iter().filter(|path| path.as_str().contains(".p/")).count();
    assert_eq!(partials, 3, "only those of the published size stay");
}

#[test]
fn a_bundle_is_what_its_tile_hashes() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 300);
    trail.publish().unwrap();
    for bundle in BundleId::every(TreeSize::new(300)) {
        let bytes = trail.resource(&bundle.path()).unwrap().unwrap();
        let tile = Tile::new(0, bundle.index(), bundle.width()).unwrap();
        let hashes = trail.resource(&tile.path()).unwrap().unwrap();
        for (entry, hash) in bundle.entries(&bytes).zip(tile.hashes(&hashes).unwrap()) {
            assert_eq!(tlog::leaf_hash(entry.unwrap()), hash);
        }
    }
}

#[test]
fn a_damaged_store_is_noticed_when_it_is_read() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 600);
    trail.publish().unwrap();
    drop(trail);
    for part in ["tile/entries/000", "tile/0/000"] {
        let store = world.store.snapshot();
        let path = store::ObjectPath::new(format!("trails/lab/{part}")).unwrap();
        assert!(store.corrupt(&path, |bytes| {
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
        }));
        let damaged = World { store, ids: world.ids.clone(), ..World::new() };
        let (trail, _) = damaged.open().unwrap();
        let error = trail.read(0, 256).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{part}: {error}");
        assert!(trail.read(300, 10).is_ok(), "the rest stays readable");
    }
}

#[test]
fn entries_come_in_order_and_without_gaps_from_memory_and_from_tiles() {
    let world = World::new();
    let trail = world.create();
    fill(&trail, 0, 700);
    trail.publish().unwrap();
    trail.rest();
    fill(&trail, 700, 1_000);
    let mut next = 0;
    while next < 1_000 {
        for recorded in trail.read(next, 77).unwrap() {
            assert_eq!(recorded.index, next);
            assert!(recorded.text().contains(&format!("\"e-{next}\"")));
            next += 1;
        }
    }
    assert!(trail.read(1_000, 5).unwrap().is_empty());
    let leaf = LeafIndex::new(699);
    assert_eq!(trail.receipt(leaf.get()).unwrap().index, leaf);
}

#[test]
fn scattered_entries_of_unequal_size_are_those_of_a_run() {
    let world = World::new();
    let trail = world.create();
    // Where an entry lies cannot be told from the mean: the large ones come first, or last.
    let sized = |number: u64| {
        let large = matches!(number % 256, 0..8 | 120..128 | 250..256);
        let text = "x1 ".repeat(if large { 4_000 } else { 1 });
        event_json(number)
            .replace("\"params\":{", &format!("\"params\":{{\"t\":\"{text}{number}\","))
    };
    let drafts = (0..600).map(|number| draft(&sized(number))).collect();
    trail.append(batch_of(drafts)).unwrap();
    trail.publish().unwrap();
    trail.rest();
    let mut run = Vec::new();
    while run.len() < 600 {
        run.extend(trail.read(run.len() as u64, 600).unwrap());
    }
    // Steps that share no divisor with 600: each entry is read once.
    for step in [1, 599, 7, 257] {
        let (fresh, _) = world.open().unwrap();
        let scattered: Vec<u64> = (0..600).map(|n| n * step % 600).collect();
        for (index, recorded) in scattered.iter().zip(fresh.read_many(&scattered).unwrap()) {
            assert_eq!(recorded.index, *index);
            assert_eq!(recorded.entry, run[usize::try_from(*index).unwrap()].entry, "{index}");
        }
    }
}

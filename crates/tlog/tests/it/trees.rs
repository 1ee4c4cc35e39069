//! Frontiers and tiles of growing trees.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tlog::{Error, Frontier, Hash, MAX_TREE_SIZE, Tile, TileBuilder, TreeSize, leaf_hash};

use crate::oracle::{self, Levels, SIZES, StoredHashes, TilesForStrangers, theirs};

#[test]
fn every_small_root_is_that_of_the_definition() {
    let leaves = oracle::leaves(520);
    let mut frontier = Frontier::new();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), oracle::root(&leaves[..size]), "size {size}");
        frontier.push(*leaf);
    }
}

#[test]
fn roots_at_every_edge_are_those_of_other_implementations() {
    let stored = StoredHashes::new(70_000);
    let mut tree = oracle::ct_merkle(0);
    let mut frontier = Frontier::new();
    for size in SIZES {
        for index in frontier.size().get()..size {
            frontier.push(leaf_hash(&oracle::entry(index)));
            tree.push(oracle::entry(index));
        }
        let root = frontier.root();
        assert_eq!(frontier.size(), TreeSize::new(size));
        assert_eq!(tree.root().as_bytes().as_slice(), root.as_bytes(), "size {size}");
        assert_eq!(tlog_tiles::tree_hash(size, &stored).unwrap(), theirs(root), "size {size}");
    }
}

#[test]
fn a_growing_tree_makes_exactly_its_tiles() {
    let leaves = oracle::leaves(70_000);
    let levels = Levels::new(&leaves);
    let mut builder = TileBuilder::new();
    let mut full = BTreeMap::new();
    for size in SIZES {
        let from = usize::try_from(builder.size().get()).unwrap();
        builder.extend(leaves[from..usize::try_from(size).unwrap()].iter().copied());
        for (tile, bytes) in builder.take_full() {
            assert!(full.insert(tile, bytes).is_none(), "{tile:?} came twice");
        }
        let size = TreeSize::new(size);
        let mut all = full.clone();
        all.extend(builder.partials());
        assert_eq!(all.keys().copied().collect::<Vec<_>>(), Tile::every(size).collect::<Vec<_>>());
        for (tile, bytes) in &all {
            assert_eq!(*bytes, levels.tile(*tile), "{tile:?} at size {size}");
        }
        let edge: Vec<_> = builder.partials().into_iter().map(|(tile, _)| tile).collect();
        assert_eq!(edge, Tile::for_size(size).collect::<Vec<_>>());
    }
    assert_eq!(builder.take_full(), []);
}

#[test]
fn a_tree_goes_on_from_its_right_edge_as_if_it_had_never_stopped() {
    let leaves = oracle::leaves(70_000);
    let levels = Levels::new(&leaves);
    for size in SIZES {
        let before = usize::try_from(size).unwrap();
        let mut straight = TileBuilder::new();
        straight.extend(leaves[..before].iter().copied());
        straight.take_full();
        let size = TreeSize::new(size);
        let fetch = |tile| Some(levels.tile(tile));
        let mut resumed = TileBuilder::from_partials(size, fetch).unwrap();
        assert_eq!(resumed.frontier(), straight.frontier(), "size {size}");
        assert_eq!(Frontier::from_tiles(size, fetch).unwrap(), *straight.frontier());
        let parts = straight.frontier().parts().to_vec();
        assert_eq!(Frontier::from_parts(size, parts).unwrap(), *straight.frontier());
        for builder in [&mut straight, &mut resumed] {
            builder.extend(leaves[before..].iter().take(600).copied());
        }
        assert_eq!(resumed.root(), straight.root(), "size {size}");
        assert_eq!(resumed.partials(), straight.partials(), "size {size}");
        assert_eq!(resumed.take_full(), straight.take_full(), "size {size}");
    }
}

#[test]
fn strangers_can_authenticate_every_tile() {
    let leaves = oracle::leaves(70_000);
    let levels = Levels::new(&leaves);
    for size in SIZES.into_iter().filter(|size| *size > 0) {
        let root = Frontier::from_tiles(TreeSize::new(size), |tile| Some(levels.tile(tile)));
        let strangers = TilesForStrangers(&levels);
        let root = theirs(root.unwrap().root());
        let reader = tlog_tiles::TileHashReader::new(size, root, &strangers);
        for index in (0..size).step_by(251).chain([size - 1]) {
            let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let leaf = theirs(leaves[usize::try_from(index).unwrap()]);
            tlog_tiles::check_record(&proof, size, root, index, leaf).unwrap();
        }
    }
}

#[test]
fn a_right_edge_that_does_not_fit_is_refused() {
    let size = TreeSize::new(257);
    let [low, high] = [Tile::new(0, 1, 1).unwrap(), Tile::new(1, 0, 1).unwrap()];
    let fetch = |lost: Option<Tile>, length: usize| {
        TileBuilder::from_partials(size, |tile| {
            if Some(tile) == lost { None } else { Some(vec![0; length]) }
        })
        .map(|builder| builder.size())
    };
    assert_eq!(fetch(None, 32), Ok(size));
    assert_eq!(fetch(Some(low), 32), Err(Error::TileMissing { tile: low }));
    assert_eq!(fetch(Some(high), 32), Err(Error::TileMissing { tile: high }));
    for bytes in [0, 31, 33, 64] {
        assert_eq!(fetch(None, bytes), Err(Error::TileLength { tile: high, bytes }));
    }
}

#[test]
fn a_compact_range_has_one_hash_per_one_bit() {
    let hashes = |count| vec![Hash::EMPTY_ROOT; count];
    for (size, right) in [(0, 0), (1, 1), (2, 1), (3, 2), (255, 8), (256, 1), (MAX_TREE_SIZE, 63)] {
        let size = TreeSize::new(size);
        for count in 0..70 {
            let wrong = Error::TreeParts { size, hashes: count };
            let expected = if count == right { Ok(size) } else { Err(wrong) };
            let range = Frontier::from_parts(size, hashes(count));
            assert_eq!(range.map(|range| range.size()), expected, "{size} {count}");
        }
    }
    let size = TreeSize::new(MAX_TREE_SIZE + 1);
    assert_eq!(Frontier::from_parts(size, hashes(1)), Err(Error::TreeTooLarge { size }));
}

proptest! {
    #[test]
    fn any_size_resumes(size in 0_u64..70_000, byte: u8) {
        let fetch = |tile: Tile| Some(vec![byte; tile.len_bytes()]);
        let size = TreeSize::new(size);
        let builder = TileBuilder::from_partials(size, fetch).unwrap();
        prop_assert_eq!(builder.size(), size);
        for (tile, bytes) in builder.partials() {
            prop_assert_eq!(bytes, fetch(tile).unwrap());
        }
    }
}

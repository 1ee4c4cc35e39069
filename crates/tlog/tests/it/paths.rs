//! Paths of tiles and bundles, and which of them a tree has.

use proptest::prelude::*;
use tlog::{BundleId, Error, LeafIndex, Tile, TreeSize};

/// What stands where a position should.
const BAD_POSITIONS: &[&str] = &[
    "",
    "0",
    "00",
    "0000",
    "1",
    "x000",
    "x000/000",
    "x000/x001/000",
    "x01/000",
    "x0001/000",
    "001/000",
    "x001/x000",
    "X001/000",
    "x001//000",
    "x001/000/",
    "/000",
    "000/",
    "x001/00",
    "000.p",
    "000.p/",
    "000.p/0",
    "000.p/256",
    "000.p/00",
    "000.p/01",
    "000.p/1000",
    "000.p/-1",
    "000.p/+1",
    "000.p/1.p/1",
    "000.p/1/",
    "000p/1",
    "000.P/1",
    "000.p/1 ",
    " 000",
    "000 ",
    "000\n",
    "000\0",
    "+00",
    "-01",
    "x-01/000",
    "0x1",
    "..",
    "x001/../000",
    "00\u{0661}",
    "x018/x446/x744/x073/x709/x551/616",
    "x999/x999/x999/x999/x999/x999/x999/999",
    "x001\\000",
    "%30%30%30",
    "000?",
    "000#",
];

/// What stands where a path should.
const BAD_PATHS: &[&str] = &[
    "",
    "/",
    "tile",
    "tile/",
    "tile/0",
    "tile//000",
    "/tile/0/000",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/256/000",
    "tile/-1/000",
    "tile/x/000",
    "tile/0/../0/000",
    "Tile/0/000",
    "tile/data/000",
    "tiles/0/000",
    "tile/8/0/000",
    "tile/0 /000",
    "checkpoint",
];

fn tile(level: u8, index: u64, width: u16) -> Tile {
    Tile::new(level, index, width).unwrap()
}

#[test]
fn paths_are_those_of_the_specification() {
    let cases = [
        (tile(0, 0, 256), "tile/0/000"),
        (tile(0, 999, 256), "tile/0/999"),
        (tile(0, 1000, 256), "tile/0/x001/000"),
        (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(0, 1_234_067, 9), "tile/0/x001/x234/067.p/9"),
        (tile(3, 123_456_789, 255), "tile/3/x123/x456/789.p/255"),
        (tile(63, 1_000_000, 1), "tile/63/x001/x000/000.p/1"),
        (tile(10, u64::MAX, 256), "tile/10/x018/x446/x744/x073/x709/x551/615"),
    ];
    for (tile, path) in cases {
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse_path(path), Ok(tile));
        let entries = path.replacen(&format!("tile/{}", tile.level()), "tile/entries", 1);
        let bundle = BundleId::new(tile.index(), tile.width()).unwrap();
        assert_eq!(bundle.path(), entries);
        assert_eq!(BundleId::parse_path(&entries), Ok(bundle));
    }
}

#[test]
fn every_other_spelling_is_refused() {
    for position in BAD_POSITIONS {
        for prefix in ["tile/0/", "tile/entries/"] {
            let path = format!("{prefix}{position}");
            assert_eq!(Tile::parse_path(&path), Err(Error::PathMalformed), "{path:?}");
            assert_eq!(BundleId::parse_path(&path), Err(Error::PathMalformed), "{path:?}");
        }
    }
    for path in BAD_PATHS {
        assert_eq!(Tile::parse_path(path), Err(Error::PathMalformed), "{path:?}");
        assert_eq!(BundleId::parse_path(path), Err(Error::PathMalformed), "{path:?}");
    }
    assert_eq!(Tile::parse_path("tile/entries/000"), Err(Error::PathMalformed));
    assert_eq!(BundleId::parse_path("tile/0/000"), Err(Error::PathMalformed));
}

#[test]
fn a_tile_outside_the_specification_cannot_be_made() {
    for (level, width) in [(64, 1), (255, 256), (0, 0), (0, 257), (63, u16::MAX)] {
        assert_eq!(Tile::new(level, 0, width), Err(Error::TileOutOfRange { level, width }));
    }
    for width in [0, 257] {
        assert_eq!(BundleId::new(0, width), Err(Error::TileOutOfRange { level: 0, width }));
    }
}

#[test]
fn right_edges_are_those_of_the_specification() {
    let cases: [(u64, &[&str]); 7] = [
        (0, &[]),
        (1, &["tile/0/000.p/1"]),
        (255, &["tile/0/000.p/255"]),
        (256, &["tile/1/000.p/1"]),
        (257, &["tile/0/001.p/1", "tile/1/000.p/1"]),
        (65_536, &["tile/2/000.p/1"]),
        (70_000, &["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]),
    ];
    for (size, paths) in cases {
        let edge: Vec<_> = Tile::for_size(TreeSize::new(size)).map(Tile::path).collect();
        assert_eq!(edge, paths, "size {size}");
    }
    let size = TreeSize::new(70_000);
    let full: Vec<_> = (0..4).map(|level| Tile::full_tiles(size, level)).collect();
    assert_eq!(full, [273, 1, 0, 0]);
    assert_eq!(Tile::every(size).count(), 274 + 2 + 1);
    assert_eq!(BundleId::every(size).count(), 274);
    assert_eq!(BundleId::every(size).last().unwrap().path(), "tile/entries/273.p/112");
    assert_eq!(Tile::for_size(TreeSize::new(u64::MAX)).count(), 8);
}

#[test]
fn a_leaf_is_in_one_tile_and_one_bundle() {
    let size = TreeSize::new(257);
    let find = |leaf| {
        let leaf = LeafIndex::new(leaf);
        let bundle = BundleId::of_leaf(size, leaf).map(BundleId::path);
        (Tile::of_leaf(size, leaf).map(Tile::path), bundle)
    };
    let both = |position: &str| {
        (Some(format!("tile/0/{position}")), Some(format!("tile/entries/{position}")))
    };
    assert_eq!(find(0), both("000"));
    assert_eq!(find(255), both("000"));
    assert_eq!(find(256), both("001.p/1"));
    for leaf in [257, 511, 512, u64::MAX] {
        assert_eq!(find(leaf), (None, None));
    }
    assert_eq!(BundleId::at(size, 1).unwrap().first_leaf(), LeafIndex::new(256));
}

#[test]
fn the_bytes_of_a_tile_are_as_many_as_its_width_says() {
    let tile = tile(0, 0, 2);
    assert_eq!(tile.hashes(&[7; 64]).unwrap().len(), 2);
    for bytes in [0, 32, 63, 65, 96] {
        let error = tile.hashes(&vec![7; bytes]).map(|hashes| hashes.len());
        assert_eq!(error, Err(Error::TileLength { tile, bytes }));
    }
    assert_eq!(tile.to_full().len_bytes(), 8192);
    assert!(tile.to_full().is_full() && !tile.is_full());
}

proptest! {
    #[test]
    fn a_tile_survives_its_path(level in 0_u8..64, index: u64, shift in 0_u32..64, width in 1_u16..=256) {
        let index = index >> shift;
        let tile = tile(level, index, width);
        prop_assert_eq!(Tile::parse_path(&tile.path()), Ok(tile));
        let bundle = BundleId::new(index, width).unwrap();
        prop_assert_eq!(BundleId::parse_path(&bundle.path()), Ok(bundle));
        let theirs = tlog_tiles::Tile::new(8, level, index, width.into(), false);
        prop_assert_eq!(format!("tile/8/{}", tile.path().strip_prefix("tile/").unwrap()), theirs.path());
    }

    #[test]
    fn any_text_that_is_a_path_is_its_own_print(
        text in "tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,7}[0-9]{2,4}(\\.p/[0-9]{0,4})?"
    ) {
        if let Ok(tile) = Tile::parse_path(&text) {
            prop_assert_eq!(tile.path(), text);
        } else if let Ok(bundle) = BundleId::parse_path(&text) {
            prop_assert_eq!(bundle.path(), text);
        }
    }
}

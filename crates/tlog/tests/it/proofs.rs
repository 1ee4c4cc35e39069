//! Inclusion and consistency proofs.

use proptest::prelude::*;
use tlog::{
    BuildError, ConsistencyProof, Error, Hash, InclusionProof, LeafIndex, Tile, TreeSize, node_hash,
};

use crate::oracle::{self, Levels, SIZES, StoredHashes, ct_root, root, split, theirs};

/// PATH of RFC 6962 section 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut hashes, sibling) = match index.checked_sub(left.len()) {
        None => (path(index, left), root(right)),
        Some(index) => (path(index, right), root(left)),
    };
    hashes.push(sibling);
    hashes
}

/// SUBPROOF of RFC 6962 section 2.1.2.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut hashes, sibling) = if old <= left.len() {
        (subproof(old, left, whole), root(right))
    } else {
        (subproof(old - left.len(), right, false), root(left))
    };
    hashes.push(sibling);
    hashes
}

fn size(size: usize) -> TreeSize {
    TreeSize::new(u64::try_from(size).unwrap())
}

fn leaf_index(index: usize) -> LeafIndex {
    LeafIndex::new(u64::try_from(index).unwrap())
}

/// Every way to spoil a list of hashes that must not go unnoticed.
fn mutations(hashes: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for place in 0..hashes.len() {
        let mut flipped = hashes.to_vec();
        let mut bytes = *flipped[place].as_bytes();
        bytes[place % 32] ^= 1;
        flipped[place] = Hash::from_bytes(bytes);
        let mut shorter = hashes.to_vec();
        shorter.remove(place);
        all.extend([flipped, shorter]);
    }
    for place in 0..=hashes.len() {
        for extra in [Hash::EMPTY_ROOT, hashes.first().copied().unwrap_or(Hash::EMPTY_ROOT)] {
            let mut longer = hashes.to_vec();
            longer.insert(place, extra);
            all.push(longer);
        }
    }
    if let [first, .., last] = hashes
        && first != last
    {
        let mut swapped = hashes.to_vec();
        let end = swapped.len() - 1;
        swapped.swap(0, end);
        all.push(swapped);
    }
    all
}

#[test]
fn small_inclusion_proofs_are_those_of_the_definition() {
    let leaves = oracle::leaves(40);
    let levels = Levels::new(&leaves);
    for n in 1..=leaves.len() {
        let root = root(&leaves[..n]);
        for (index, leaf) in leaves[..n].iter().enumerate() {
            let proof =
                InclusionProof::build(&levels.reader(), leaf_index(index), size(n)).unwrap();
            assert_eq!(proof.hashes, path(index, &leaves[..n]), "{index} in {n}");
            proof.verify(*leaf, leaf_index(index), size(n), root).unwrap();
            for other in (0..n).filter(|other| *other != index) {
                proof.verify(*leaf, leaf_index(other), size(n), root).unwrap_err();
                proof.verify(leaves[other], leaf_index(index), size(n), root).unwrap_err();
            }
            for hashes in mutations(&proof.hashes) {
                let spoilt = InclusionProof { hashes };
                spoilt.verify(*leaf, leaf_index(index), size(n), root).unwrap_err();
            }
        }
    }
}

#[test]
fn small_consistency_proofs_are_those_of_the_definition() {
    let leaves = oracle::leaves(40);
    let levels = Levels::new(&leaves);
    for new in 1..=leaves.len() {
        for old in 1..=new {
            let proof = ConsistencyProof::build(&levels.reader(), size(old), size(new)).unwrap();
            assert_eq!(proof.hashes, subproof(old, &leaves[..new], true), "{old} to {new}");
            let roots = (root(&leaves[..old]), root(&leaves[..new]));
            proof.verify(size(old), roots.0, size(new), roots.1).unwrap();
            let other = Hash::EMPTY_ROOT;
            proof.verify(size(old), other, size(new), roots.1).unwrap_err();
            proof.verify(size(old), roots.0, size(new), other).unwrap_err();
            for hashes in mutations(&proof.hashes) {
                let spoilt = ConsistencyProof { hashes };
                spoilt.verify(size(old), roots.0, size(new), roots.1).unwrap_err();
            }
        }
    }
}

#[test]
fn proofs_at_every_edge_are_those_of_other_implementations() {
    let leaves = oracle::leaves(70_000);
    let levels = Levels::new(&leaves);
    let stored = StoredHashes::new(70_000);
    let reader = levels.reader();
    for n in SIZES.into_iter().filter(|n| *n > 0) {
        let new = TreeSize::new(n);
        let new_root = root(&leaves[..usize::try_from(n).unwrap()]);
        for index in [0, 1, 2, 127, 128, 254, 255, 256, 257, 511, 65_535, 65_536, 69_999, n - 1] {
            if index >= n {
                continue;
            }
            let leaf = leaves[usize::try_from(index).unwrap()];
            let proof = InclusionProof::build(&reader, LeafIndex::new(index), new).unwrap();
            proof.verify(leaf, LeafIndex::new(index), new, new_root).unwrap();
            let expected = tlog_tiles::prove_record(n, index, &stored).unwrap();
            let ours: Vec<_> = proof.hashes.iter().copied().map(theirs).collect();
            assert_eq!(ours, expected, "{index} in {n}");
            let bytes = proof.hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
            let proof = ct_merkle::InclusionProof::try_from_bytes(bytes).unwrap();
            ct_root(new, new_root).verify_inclusion(&oracle::entry(index), index, &proof).unwrap();
        }
        for m in SIZES.into_iter().filter(|m| (1..=n).contains(m)) {
            let old = TreeSize::new(m);
            let old_root = root(&leaves[..usize::try_from(m).unwrap()]);
            let proof = ConsistencyProof::build(&reader, old, new).unwrap();
            proof.verify(old, old_root, new, new_root).unwrap();
            let expected = tlog_tiles::prove_tree(n, m, &stored).unwrap();
            let ours: Vec<_> = proof.hashes.iter().copied().map(theirs).collect();
            assert_eq!(ours, expected, "{m} to {n}");
            let bytes = proof.hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
            let proof = ct_merkle::ConsistencyProof::try_from_bytes(bytes).unwrap();
            ct_root(new, new_root).verify_consistency(&ct_root(old, old_root), &proof).unwrap();
        }
    }
}

#[test]
fn a_leaf_outside_the_tree_has_no_proof() {
    let reader = |_: Tile| Ok::<_, ()>(Vec::new());
    for (index, n) in [(0, 0), (1, 1), (5, 5), (6, 5), (u64::MAX, u64::MAX)] {
        let (index, size) = (LeafIndex::new(index), TreeSize::new(n));
        let outside = Error::LeafOutOfRange { index, size };
        let built = InclusionProof::build(&reader, index, size);
        assert_eq!(built, Err(BuildError::Invalid(outside.clone())));
        let empty = InclusionProof::default();
        let leaf = Hash::EMPTY_ROOT;
        assert_eq!(empty.verify(leaf, index, size, leaf), Err(outside));
    }
}

#[test]
fn a_tree_of_one_leaf_needs_no_hashes() {
    let [leaf, other] = [0, 1].map(|byte| Hash::from_bytes([byte; 32]));
    let (index, one) = (LeafIndex::new(0), TreeSize::new(1));
    let empty = InclusionProof::default();
    assert_eq!(empty.verify(leaf, index, one, leaf), Ok(()));
    assert_eq!(empty.verify(leaf, index, one, other), Err(Error::RootMismatch));
    let one_hash = InclusionProof { hashes: vec![other] };
    let root = node_hash(&leaf, &other);
    let too_long = Err(Error::ProofLength { hashes: 1 });
    assert_eq!(one_hash.verify(leaf, index, one, root), too_long);
}

#[test]
fn equal_sizes_and_the_empty_tree_take_an_empty_proof() {
    let [a, b] = [1, 2].map(|byte| Hash::from_bytes([byte; 32]));
    let empty_root = Hash::EMPTY_ROOT;
    let check = |hashes: Vec<Hash>, old: (u64, Hash), new: (u64, Hash)| {
        let (old_size, new_size) = (TreeSize::new(old.0), TreeSize::new(new.0));
        ConsistencyProof { hashes }.verify(old_size, old.1, new_size, new.1)
    };
    assert_eq!(check(vec![], (5, a), (5, a)), Ok(()));
    assert_eq!(check(vec![], (5, a), (5, b)), Err(Error::RootMismatch));
    assert_eq!(check(vec![a], (5, a), (5, a)), Err(Error::ProofLength { hashes: 1 }));
    assert_eq!(check(vec![], (0, empty_root), (5, a)), Ok(()));
    assert_eq!(check(vec![], (0, a), (5, a)), Err(Error::RootMismatch));
    assert_eq!(check(vec![a], (0, empty_root), (5, a)), Err(Error::ProofLength { hashes: 1 }));
    assert_eq!(check(vec![], (0, empty_root), (0, empty_root)), Ok(()));
    assert_eq!(check(vec![], (0, a), (0, a)), Err(Error::RootMismatch));
    assert_eq!(check(vec![], (4, a), (5, b)), Err(Error::ProofLength { hashes: 0 }));
    let (old, new) = (TreeSize::new(6), TreeSize::new(5));
    assert_eq!(check(vec![], (6, a), (5, a)), Err(Error::SizeWentBack { old, new }));
    let reader = |_: Tile| Ok::<_, ()>(Vec::new());
    let build = |old, new| ConsistencyProof::build(&reader, TreeSize::new(old), TreeSize::new(new));
    for (old, new) in [(0, 0), (0, 9), (9, 9)] {
        assert_eq!(build(old, new), Ok(ConsistencyProof::default()));
    }
    assert_eq!(build(6, 5), Err(BuildError::Invalid(Error::SizeWentBack { old, new })));
}

#[test]
fn a_bad_tile_makes_no_proof() {
    let (index, size) = (LeafIndex::new(3), TreeSize::new(300));
    let refuse = |_: Tile| Err::<Vec<u8>, _>("gone");
    assert_eq!(InclusionProof::build(&refuse, index, size), Err(BuildError::Read("gone")));
    let short = |tile: Tile| Ok::<_, ()>(vec![0; tile.len_bytes() - 1]);
    let built = InclusionProof::build(&short, index, size);
    assert!(matches!(built, Err(BuildError::Invalid(Error::TileLength { .. }))), "{built:?}");
}

#[test]
fn a_proof_reads_each_tile_once() {
    let levels = Levels::new(&oracle::leaves(70_000));
    let read = std::cell::RefCell::new(Vec::new());
    let reader = |tile: Tile| {
        read.borrow_mut().push(tile.path());
        Ok::<_, ()>(levels.tile(tile))
    };
    InclusionProof::build(&reader, LeafIndex::new(12_345), TreeSize::new(70_000)).unwrap();
    let mut read = read.into_inner();
    read.sort();
    let expected = ["tile/0/048", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17"];
    assert_eq!(read, expected);
}

proptest! {
    #[test]
    fn proofs_of_any_tree_verify(new in 1_u64..2000, old in 0_u64..2000, index in 0_u64..2000) {
        let (old, index) = (old % (new + 1), index % new);
        let leaves = oracle::leaves(new);
        let levels = Levels::new(&leaves);
        let (old_size, new_size) = (TreeSize::new(old), TreeSize::new(new));
        let (old_root, new_root) = (root(&leaves[..usize::try_from(old).unwrap()]), root(&leaves));
        let leaf = leaves[usize::try_from(index).unwrap()];
        let index = LeafIndex::new(index);
        let inclusion = InclusionProof::build(&levels.reader(), index, new_size).unwrap();
        prop_assert_eq!(inclusion.verify(leaf, index, new_size, new_root), Ok(()));
        for hashes in mutations(&inclusion.hashes) {
            let spoilt = InclusionProof { hashes };
            prop_assert!(spoilt.verify(leaf, index, new_size, new_root).is_err());
        }
        let consistency = ConsistencyProof::build(&levels.reader(), old_size, new_size).unwrap();
        prop_assert_eq!(consistency.verify(old_size, old_root, new_size, new_root), Ok(()));
        for hashes in mutations(&consistency.hashes) {
            let spoilt = ConsistencyProof { hashes };
            prop_assert!(spoilt.verify(old_size, old_root, new_size, new_root).is_err());
        }
    }

    #[test]
    fn any_numbers_are_refused_or_verified_but_never_panic(
        a: u64, b: u64, shifts in (0_u32..64, 0_u32..64), count in 0_usize..70, byte: u8
    ) {
        let (a, b) = (a >> shifts.0, b >> shifts.1);
        let hash = Hash::from_bytes([byte; 32]);
        let hashes = vec![hash; count];
        let inclusion = InclusionProof { hashes: hashes.clone() };
        prop_assert!(count == 0 || inclusion.verify(hash, LeafIndex::new(a), TreeSize::new(b), hash).is_err());
        let consistency = ConsistencyProof { hashes };
        prop_assert!(count == 0 || consistency.verify(TreeSize::new(a), hash, TreeSize::new(b), hash).is_err());
        let reader = |tile: Tile| Ok::<_, ()>(vec![byte; tile.len_bytes()]);
        let built = InclusionProof::build(&reader, LeafIndex::new(a), TreeSize::new(b));
        prop_assert_eq!(built.is_ok(), a < b);
        let built = ConsistencyProof::build(&reader, TreeSize::new(a), TreeSize::new(b));
        prop_assert_eq!(built.is_ok(), a <= b);
    }
}

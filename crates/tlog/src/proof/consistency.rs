//! Consistency proofs: that tree extends this one.

use super::build::Subtrees;
use super::inclusion::largest_power_below;
use crate::{BuildError, Error, Hash, HashReader, TreeSize, node_hash};

/// The hashes from which both the old root and the new one follow.
///
/// Empty when the sizes are equal, and when the old tree is empty, which every tree extends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The hashes, in the order of RFC 6962 section 2.1.2.
    pub hashes: Vec<Hash>,
}

impl ConsistencyProof {
    /// Builds the proof from the tiles of the new tree.
    ///
    /// The tiles are believed: verify the result against signed roots.
    pub fn build<R: HashReader>(
        reader: &R,
        old: TreeSize,
        new: TreeSize,
    ) -> Result<Self, BuildError<R::Error>> {
        if old > new {
            return Err(Error::SizeWentBack { old, new }.into());
        }
        if old == TreeSize::ZERO || old == new {
            return Ok(Self::default());
        }
        let mut subtrees = Subtrees::new(reader, new);
        let (mut start, mut end) = (0, new.get());
        let mut hashes = Vec::new();
        while end != old.get() {
            let middle = start + largest_power_below(end - start);
            if old.get() <= middle {
                hashes.push(subtrees.root(middle, end)?);
                end = middle;
            } else {
                hashes.push(subtrees.root(start, middle)?);
                start = middle;
            }
        }
        // The old tree as a whole is left out: who verifies has its root.
        if start > 0 {
            hashes.push(subtrees.root(start, end)?);
        }
        hashes.reverse();
        Ok(Self { hashes })
    }

    /// Checks that the tree with the new size and root begins with the whole of the old one.
    pub fn verify(
        &self,
        old_size: TreeSize,
        old_root: Hash,
        new_size: TreeSize,
        new_root: Hash,
    ) -> Result<(), Error> {
        if old_size > new_size {
            return Err(Error::SizeWentBack { old: old_size, new: new_size });
        }
        if new_size == TreeSize::ZERO && new_root != Hash::EMPTY_ROOT {
            return Err(Error::RootMismatch);
        }
        let wrong_length = Error::ProofLength { hashes: self.hashes.len() };
        if old_size == TreeSize::ZERO || old_size == new_size {
            let expected = if old_size == new_size { new_root } else { Hash::EMPTY_ROOT };
            return match (self.hashes.is_empty(), old_root == expected) {
                (false, _) => Err(wrong_length),
                (true, false) => Err(Error::RootMismatch),
                (true, true) => Ok(()),
            };
        }
        // The proof begins with the largest perfect subtree at the old tree's right edge, unless
        // that is the whole old tree.
        let whole = old_size.get().is_power_of_two();
        let (seed, path) = match self.hashes.split_first() {
            Some(_) if whole => (old_root, self.hashes.as_slice()),
            Some((first, rest)) => (*first, rest),
            None => return Err(wrong_length),
        };
        let shift = old_size.get().trailing_zeros();
        let (mut node, mut last) = ((old_size.get() - 1) >> shift, (new_size.get() - 1) >> shift);
        let (mut old_hash, mut new_hash) = (seed, seed);
        for sibling in path {
            if last == 0 {
                return Err(wrong_length);
            }
            if node & 1 == 1 || node == last {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
                // A left child at the right edge has no sibling and is promoted until it is a right
                // child. `node` is not 0 here: it is odd, or equal to `last`, which is not 0.
                let promoted = node.trailing_zeros();
                node >>= promoted;
                last >>= promoted;
            } else {
                new_hash = node_hash(&new_hash, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(wrong_length);
        }
        if old_hash == old_root && new_hash == new_root { Ok(()) } else { Err(Error::RootMismatch) }
    }
}

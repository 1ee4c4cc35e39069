//! Inclusion proofs: this leaf is in that tree.

use super::build::Subtrees;
use crate::{BuildError, Error, Hash, HashReader, LeafIndex, TreeSize, node_hash};

/// The hashes that lead from a leaf to a root: the leaf's sibling first, a child of the root last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InclusionProof {
    /// The hashes, from the leaf up.
    pub hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Builds the proof for a leaf from the tiles of a tree of this size.
    ///
    /// The tiles are believed: verify the result against a signed root.
    pub fn build<R: HashReader>(
        reader: &R,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<Self, BuildError<R::Error>> {
        if !size.contains(index) {
            return Err(Error::LeafOutOfRange { index, size }.into());
        }
        let mut subtrees = Subtrees::new(reader, size);
        let (mut start, mut end) = (0, size.get());
        let mut hashes = Vec::new();
        while end - start > 1 {
            let middle = start + largest_power_below(end - start);
            if index.get() < middle {
                hashes.push(subtrees.root(middle, end)?);
                end = middle;
            } else {
                hashes.push(subtrees.root(start, middle)?);
                start = middle;
            }
        }
        hashes.reverse();
        Ok(Self { hashes })
    }

    /// Checks that the leaf with this hash and index is in the tree with this size and root.
    pub fn verify(
        &self,
        leaf: Hash,
        index: LeafIndex,
        size: TreeSize,
        root: Hash,
    ) -> Result<(), Error> {
        if !size.contains(index) {
            return Err(Error::LeafOutOfRange { index, size });
        }
        let wrong_length = Error::ProofLength { hashes: self.hashes.len() };
        let (mut node, mut last) = (index.get(), size.get() - 1);
        let mut hash = leaf;
        for sibling in &self.hashes {
            if last == 0 {
                return Err(wrong_length);
            }
            if node & 1 == 1 || node == last {
                hash = node_hash(sibling, &hash);
                // A left child at the right edge has no sibling and is promoted until it is a right
                // child. `node` is not 0 here: it is odd, or equal to `last`, which is not 0.
                let promoted = node.trailing_zeros();
                node >>= promoted;
                last >>= promoted;
            } else {
                hash = node_hash(&hash, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(wrong_length);
        }
        if hash == root { Ok(()) } else { Err(Error::RootMismatch) }
    }
}

/// The largest power of two smaller than `n`, for `n` of at least 2: where RFC 6962 splits a tree.
pub(super) const fn largest_power_below(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

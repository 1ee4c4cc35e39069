//! The crate against published vectors, other implementations, and its own laws.

#[cfg(test)]
mod bundles;
#[cfg(test)]
mod checkpoints;
#[cfg(test)]
mod hashes;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod trees;

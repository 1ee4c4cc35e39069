//! Proofs: this leaf is in that tree, and that tree extends this one (RFC 6962 section 2.1).
//!
//! A proof is nothing but hashes. Verification follows RFC 9162 sections 2.1.3.2 and 2.1.4.2 and is
//! strict: a proof has exactly the hashes that its tree asks for, in their order.

mod build;
mod consistency;
mod inclusion;

pub use consistency::ConsistencyProof;
pub use inclusion::InclusionProof;

//! Receipts: everything a stranger needs to see that an entry is in a trail (c2sp.org/tlog-proof).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>            when there is any
//! index <decimal>
//! <base64 hash>             one line per hash, the leaf's sibling first
//! <empty line>
//! <the signed checkpoint, verbatim>
//! ```
//!
//! The extra bytes are authenticated by nothing but what the reader recomputes from them.

use std::fmt;

use crate::{
    Checkpoint, Error, Hash, InclusionProof, LeafIndex, Note, Policy, VerifierKey, lexeme,
};

/// The largest receipt: what 32 MiB that were detached from an event take in the extra bytes when each
/// byte of them needs an escape, in base64, and then some.
pub const MAX_RECEIPT_BYTES: usize = 96 * 1024 * 1024;

/// The most hashes an inclusion proof can have.
const MAX_HASHES: usize = 63;

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// An index, its inclusion proof, and the signed checkpoint that the proof leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Opaque bytes for whoever knows what they are. Not authenticated by themselves.
    pub extra: Option<Vec<u8>>,
    /// The position of the leaf.
    pub index: LeafIndex,
    /// From the leaf to the checkpoint's root.
    pub proof: InclusionProof,
    /// The signed checkpoint, byte for byte.
    pub checkpoint_note: String,
}

impl Receipt {
    /// Reads a receipt. It proves nothing before [`verify`](Self::verify).
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_RECEIPT_BYTES {
            return Err(Error::ReceiptMalformed("too large"));
        }
        let rest = text
            .strip_prefix(HEADER)
            .ok_or(Error::ReceiptMalformed("no c2sp.org/tlog-proof@v1 in the first line"))?;
        let (head, note) = rest
            .split_once("\n\n")
            .ok_or(Error::ReceiptMalformed("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        let extra = lines.next_if(|line| line.starts_with("extra"));
        let index = lines.next().and_then(|line| lexeme::decimal(line.strip_prefix("index ")?));
        let hashes = lines.map(Hash::parse_base64).collect::<Result<Vec<_>, _>>()?;
        if hashes.len() > MAX_HASHES {
            return Err(Error::ProofLength { hashes: hashes.len() });
        }
        Checkpoint::parse(Note::parse(note)?.text())?;
        Ok(Self {
            extra: extra.map(parse_extra).transpose()?,
            index: index.map(LeafIndex::new).ok_or(Error::ReceiptMalformed("no index"))?,
            proof: InclusionProof { hashes },
            checkpoint_note: note.to_owned(),
        })
    }

    /// Checks the whole chain: a trusted signature, the origin (see [`Checkpoint::open`]), and
    /// that this leaf is at this index under the checkpoint's root.
    ///
    /// The caller computes the leaf hash from the entry it has, and judges the witnesses.
    pub fn verify(
        &self,
        leaf: Hash,
        keys: &[VerifierKey],
        origin: Option<&str>,
    ) -> Result<Checkpoint, Error> {
        self.includes(leaf, Checkpoint::open(&self.checkpoint_note, origin, keys)?)
    }

    /// Checks the whole chain as a policy asks for it: one of its logs, its quorum of witnesses,
    /// and that this leaf is at this index under the checkpoint's root.
    pub fn verify_under(&self, policy: &Policy, leaf: Hash) -> Result<Checkpoint, Error> {
        self.includes(leaf, policy.open(&self.checkpoint_note)?)
    }

    fn includes(&self, leaf: Hash, checkpoint: Checkpoint) -> Result<Checkpoint, Error> {
        self.proof.verify(leaf, self.index, checkpoint.size(), checkpoint.root())?;
        Ok(checkpoint)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", lexeme::base64_encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.proof.hashes {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint_note)
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, Error> {
    line.strip_prefix("extra ")
        .and_then(lexeme::base64_decode)
        .ok_or(Error::ReceiptMalformed("the extra line is not canonical base64"))
}

//! Receipts.

use proptest::prelude::*;
use tlog::{
    Checkpoint, Error, Frontier, Hash, InclusionProof, LeafIndex, MAX_RECEIPT_BYTES, Receipt,
    SigningKey, TreeSize, VerifierKey, leaf_hash,
};

use crate::oracle::{self, Levels};

const KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const NOTE: &str = include_str!("data/checkpoint");
const LEAF_4: &str = include_str!("data/leaf-4.tlog-proof");
const LEAF_14: &str = include_str!("data/leaf-14.tlog-proof");
const WORDS: &str =
    "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten";

#[test]
fn receipts_are_those_of_another_implementation() {
    let leaves: Vec<_> = WORDS.split(' ').map(|word| leaf_hash(word.as_bytes())).collect();
    let levels = Levels::new(&leaves);
    let keys = [VerifierKey::parse(KEY).unwrap()];
    for (index, text) in [(4, LEAF_4), (14, LEAF_14)] {
        let leaf = leaves[index];
        let index = LeafIndex::new(u64::try_from(index).unwrap());
        let proof = InclusionProof::build(&levels.reader(), index, TreeSize::new(15)).unwrap();
        let ours = Receipt { extra: None, index, proof, checkpoint_note: NOTE.to_owned() };
        assert_eq!(ours.to_string(), text);
        assert_eq!(Receipt::parse(text), Ok(ours.clone()));
        assert_eq!(ours.verify(leaf, &keys, None).unwrap().size(), TreeSize::new(15));
        assert!(ours.verify(leaf, &keys, Some("example.com/log/testdata")).is_ok());
    }
}

#[test]
fn a_receipt_is_good_for_one_leaf_one_place_and_known_keys() {
    let receipt = Receipt::parse(LEAF_4).unwrap();
    let keys = [VerifierKey::parse(KEY).unwrap()];
    let leaf = leaf_hash(b"five");
    assert!(receipt.verify(leaf, &keys, None).is_ok());
    assert_eq!(receipt.verify(leaf_hash(b"six"), &keys, None), Err(Error::RootMismatch));
    assert_eq!(receipt.verify(leaf, &[], None), Err(Error::NoteUntrusted));
    let other = SigningKey::from_seed("example.com/log/testdata", [1; 32]).unwrap();
    assert_eq!(receipt.verify(leaf, &[other.verifier_key()], None), Err(Error::NoteUntrusted));
    let elsewhere = receipt.verify(leaf, &keys, Some("example.com/log"));
    assert!(matches!(elsewhere, Err(Error::OriginMismatch { .. })), "{elsewhere:?}");
    let moved = Receipt { index: LeafIndex::new(5), ..receipt.clone() };
    assert_eq!(moved.verify(leaf, &keys, None), Err(Error::RootMismatch));
    let (index, size) = (LeafIndex::new(15), TreeSize::new(15));
    let outside = Receipt { index, ..receipt.clone() };
    let error = Err(Error::LeafOutOfRange { index, size });
    assert_eq!(outside.verify(leaf, &keys, None), error);
    let mut short = receipt;
    short.proof.hashes.pop();
    assert_eq!(short.verify(leaf, &keys, None), Err(Error::ProofLength { hashes: 3 }));
}

#[test]
fn extra_bytes_may_be_there_and_may_be_empty() {
    for (extra, line) in [
        (None, ""),
        (Some(vec![]), "extra \n"),
        (Some(b"anything".to_vec()), "extra YW55dGhpbmc=\n"),
    ] {
        let text = LEAF_4.replacen("index", &format!("{line}index"), 1);
        let receipt = Receipt::parse(&text).unwrap();
        assert_eq!(receipt.extra, extra);
        assert_eq!(receipt.to_string(), text);
    }
}

#[test]
fn malformed_receipts_are_refused() {
    let first_hash = "yiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yU=\n";
    assert!(LEAF_4.contains(first_hash));
    let texts = [
        String::new(),
        NOTE.to_owned(),
        "c2sp.org/tlog-proof@v1".to_owned(),
        "c2sp.org/tlog-proof@v1\n".to_owned(),
        "c2sp.org/tlog-proof@v1\n\n".to_owned(),
        format!("c2sp.org/tlog-proof@v1\n\n{NOTE}"),
        format!("c2sp.org/tlog-proof@v1\nextra AA==\n\n{NOTE}"),
        LEAF_4.replace("@v1", "@v2"),
        LEAF_4.replace("c2sp.org/tlog-proof@v1\n", ""),
        format!("\n{LEAF_4}"),
        format!(" {LEAF_4}"),
        format!("\u{feff}{LEAF_4}"),
        LEAF_4.replace('\n', "\r\n"),
        LEAF_4.replace("index 4", "index 04"),
        LEAF_4.replace("index 4", "index -4"),
        LEAF_4.replace("index 4", "index  4"),
        LEAF_4.replace("index 4", "index 4 "),
        LEAF_4.replace("index 4", "index"),
        LEAF_4.replace("index 4", "index 18446744073709551616"),
        LEAF_4.replace("index 4", "INDEX 4"),
        LEAF_4.replace("index 4\n", ""),
        LEAF_4.replace("index 4", "index 4\nindex 4"),
        LEAF_4.replace("index 4", "index 4\nextra AA=="),
        LEAF_4.replace("index 4", "extra AA==\nextra AA==\nindex 4"),
        LEAF_4.replace("index 4", "extra AB==\nindex 4"),
        LEAF_4.replace("index 4", "extra AA\nindex 4"),
        LEAF_4.replace("index 4", "extra\nindex 4"),
        LEAF_4.replace("index 4", "extra  AA==\nindex 4"),
        LEAF_4.replace("index 4", "extrAA==\nindex 4"),
        LEAF_4.replace("index 4", "unknown x\nindex 4"),
        LEAF_4.replace(first_hash, "yiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yV=\n"),
        LEAF_4.replace(first_hash, "AAAA\n"),
        LEAF_4.replace(first_hash, &format!(" {first_hash}")),
        LEAF_4.replace(first_hash, &first_hash.repeat(64)),
        LEAF_4.replace(first_hash, "\n"),
        LEAF_4.replacen("\n\n", "\n", 1),
        LEAF_4.replacen("\n\n", "\n\n\n", 1).replace("\u{2014} ", ""),
        LEAF_4.trim_end().to_owned(),
        format!("{LEAF_4}\n"),
        format!("{LEAF_4}trailing\n"),
    ];
    for text in texts {
        assert!(Receipt::parse(&text).is_err(), "{text:?}");
    }
    let huge =
        LEAF_4.replace("index 4", &format!("extra {}\nindex 4", "A".repeat(MAX_RECEIPT_BYTES)));
    assert_eq!(Receipt::parse(&huge), Err(Error::ReceiptMalformed("too large")));
}

#[test]
fn a_proof_has_at_most_63_hashes() {
    let with = |count: usize| {
        let hashes = vec![Hash::EMPTY_ROOT; count];
        let (index, checkpoint_note) = (LeafIndex::new(0), NOTE.to_owned());
        let proof = InclusionProof { hashes };
        Receipt::parse(&Receipt { extra: None, index, proof, checkpoint_note }.to_string())
    };
    assert_eq!(with(63).unwrap().proof.hashes.len(), 63);
    assert_eq!(with(64), Err(Error::ProofLength { hashes: 64 }));
}

proptest! {
    #[test]
    fn a_receipt_survives_its_text_and_nothing_else(
        size in 1_u64..600, index in 0_u64..600, extra: Option<Vec<u8>>,
        place: prop::sample::Index, bit in 0_u8..7
    ) {
        let index = index % size;
        let leaves = oracle::leaves(size);
        let mut frontier = Frontier::new();
        frontier.extend(leaves.iter().copied());
        let key = SigningKey::from_seed("example.org/t", [5; 32]).unwrap();
        let keys = [key.verifier_key()];
        let checkpoint = Checkpoint::new("example.org/t", frontier.size(), frontier.root()).unwrap();
        let reader = Levels::new(&leaves);
        let leaf = leaf_hash(&oracle::entry(index));
        let index = LeafIndex::new(index);
        let proof = InclusionProof::build(&reader.reader(), index, frontier.size()).unwrap();
        let receipt = Receipt { extra, index, proof, checkpoint_note: checkpoint.sign(&[key]) };
        let text = receipt.to_string();
        prop_assert_eq!(Receipt::parse(&text), Ok(receipt.clone()));
        prop_assert_eq!(receipt.verify(leaf, &keys, None), Ok(checkpoint));
        // A flipped bit is noticed wherever it is, but for the extra line, which nothing covers.
        let mut bytes = text.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(Ok(spoilt)) = String::from_utf8(bytes).map(|text| Receipt::parse(&text))
            && spoilt.extra == receipt.extra
        {
            prop_assert!(spoilt.verify(leaf, &keys, None).is_err());
        }
    }
}

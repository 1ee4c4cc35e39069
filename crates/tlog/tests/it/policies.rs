//! Policies.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use tlog::{
    Checkpoint, Error, Frontier, KeyKind, LeafIndex, MAX_POLICY_BYTES, Policy, Receipt, SigningKey,
    TreeSize, VerifierKey, leaf_hash,
};

const COSIGNED: &str = include_str!("data/checkpoint.cosigned");
const LOG: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const WITNESS: &str =
    "witness.example.org/w1+e40c3af7+BEn9oE+GY6ytzrgZr/mWTmsrjf1ATn3jo1bcjUmLh9hN";

/// The secret of the witness with this number, and its public key.
fn witness(number: u8) -> (ed25519_dalek::SigningKey, VerifierKey) {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[number; 32]);
    let public = secret.verifying_key();
    let name = format!("w{number}");
    let key = VerifierKey::new(&name, KeyKind::Cosignature, public.as_bytes()).unwrap();
    (secret, key)
}

fn log() -> SigningKey {
    SigningKey::from_seed("example.org/t", [99; 32]).unwrap()
}

/// The two-level example of the specification, with three X and three Y witnesses.
fn example() -> String {
    let mut text = format!("# An example.\n\nlog {}\n", log().verifier_key());
    for (number, name) in (1..).zip(["X1", "X2", "X3", "Y1", "Y2", "Y3"]) {
        writeln!(text, "witness {name}\t{}  https://{name}.example/ ", witness(number).1).unwrap();
    }
    text + "\tgroup X-witnesses 2 X1 X2 X3\n  group Y-witnesses any Y1 Y2 Y3\n\
            group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

/// A checkpoint of one leaf, cosigned by the witnesses with these numbers.
fn cosigned(numbers: &[u8]) -> String {
    let mut frontier = Frontier::new();
    frontier.push(leaf_hash(b"leaf"));
    let checkpoint = Checkpoint::new("example.org/t", TreeSize::new(1), frontier.root()).unwrap();
    let mut note = checkpoint.sign(&[log()]);
    for number in numbers {
        let (secret, key) = witness(*number);
        let message = format!("cosignature/v1\ntime 7\n{}", checkpoint.text());
        let mut blob = key.id().to_be_bytes().to_vec();
        blob.extend(7_u64.to_be_bytes());
        blob.extend(secret.sign(message.as_bytes()).to_bytes());
        writeln!(note, "\u{2014} {} {}", key.name(), STANDARD.encode(blob)).unwrap();
    }
    note
}

#[test]
fn a_quorum_is_what_the_groups_say() {
    let policy = Policy::parse(&example()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(policy.witnesses()[0].url(), Some("https://X1.example/"));
    assert_eq!(policy.logs()[0].url(), None);
    for set in 0_u8..64 {
        let numbers: Vec<_> = (1..=6).filter(|number| set >> (number - 1) & 1 == 1).collect();
        let (x, y) = (numbers.iter().filter(|n| **n <= 3).count(), numbers.iter().any(|n| *n > 3));
        let opened = policy.open(&cosigned(&numbers));
        if x >= 2 && y {
            assert!(opened.is_ok(), "{numbers:?}");
        } else {
            let cosignatures = numbers.len();
            assert_eq!(opened, Err(Error::QuorumMissing { cosignatures }), "{numbers:?}");
        }
    }
}

#[test]
fn strangers_and_repeats_do_not_make_a_quorum() {
    let policy = Policy::parse(&example()).unwrap();
    let missing = |cosignatures| Err(Error::QuorumMissing { cosignatures });
    assert_eq!(policy.open(&cosigned(&[1, 1, 1, 4])), missing(2));
    assert_eq!(policy.open(&cosigned(&[1, 7, 8, 4])), missing(2));
    assert!(policy.open(&cosigned(&[1, 3, 5, 7])).is_ok());
}

#[test]
fn a_cosigned_checkpoint_of_other_implementations_meets_a_policy() {
    for (quorum, met) in [("w", true), ("none", true), ("other", false)] {
        let other = witness(1).1;
        let text =
            format!("log {LOG}\nwitness w {WITNESS}\nwitness other {other}\nquorum {quorum}\n");
        let opened = Policy::parse(&text).unwrap().open(COSIGNED);
        assert_eq!(opened.is_ok(), met, "{quorum}: {opened:?}");
    }
    let no_log = Policy::parse(&format!("witness w {WITNESS}\nquorum w\n")).unwrap();
    assert_eq!(no_log.open(COSIGNED), Err(Error::NoteUntrusted), "a witness is not a log");
    let another = format!("log {}\nwitness w {WITNESS}\nquorum w\n", log().verifier_key());
    assert_eq!(Policy::parse(&another).unwrap().open(COSIGNED), Err(Error::NoteUntrusted));
}

#[test]
fn a_receipt_is_verified_under_a_policy() {
    let policy = Policy::parse(&example()).unwrap();
    let receipt = |witnesses: &[u8]| Receipt {
        extra: None,
        index: LeafIndex::new(0),
        proof: tlog::InclusionProof::default(),
        checkpoint_note: cosigned(witnesses),
    };
    let leaf = leaf_hash(b"leaf");
    assert!(receipt(&[1, 2, 4]).verify_under(&policy, leaf).is_ok());
    let other = receipt(&[1, 2, 4]).verify_under(&policy, leaf_hash(b"other"));
    assert_eq!(other, Err(Error::RootMismatch));
    let missing = receipt(&[1, 4]).verify_under(&policy, leaf);
    assert_eq!(missing, Err(Error::QuorumMissing { cosignatures: 2 }));
}

#[test]
fn malformed_policies_are_refused_with_their_line() {
    let defined = format!("witness a {}\nwitness b {}\n", witness(1).1, witness(2).1);
    let key = log().verifier_key();
    let cases = [
        (String::new(), 1, "there is no quorum line"),
        ("\n\n".to_owned(), 3, "there is no quorum line"),
        ("quorum none\nquorum none\n".to_owned(), 2, "a second quorum"),
        ("quorum a\n".to_owned(), 1, "a name that no line above defines"),
        ("quorum\n".to_owned(), 1, "not a log, witness, group or quorum line"),
        ("quorum none none\n".to_owned(), 1, "not a log, witness, group or quorum line"),
        ("Quorum none\n".to_owned(), 1, "not a log, witness, group or quorum line"),
        ("quorum none\r\n".to_owned(), 1, "control character"),
        ("quorum none\u{7f}\n".to_owned(), 1, "control character"),
        ("# \0\nquorum none\n".to_owned(), 1, "control character"),
        ("quorum\u{a0}none\n".to_owned(), 1, "not a log, witness, group or quorum line"),
        (format!("quorum a\n{defined}"), 1, "a name that no line above defines"),
        (format!("{defined}witness a {}\n", witness(3).1), 3, "a name that is taken"),
        (format!("witness none {}\n", witness(3).1), 1, "a name that is taken"),
        (format!("{defined}group a any b\n"), 3, "a name that is taken"),
        (format!("{defined}group none any b\n"), 3, "a name that is taken"),
        (format!("{defined}witness c {}\n", witness(1).1), 3, "the same public key again"),
        (format!("log {key}\nlog {key}\n"), 2, "the same public key again"),
        (format!("log {key} url more\n"), 1, "more than a key and a URL"),
        (format!("{defined}group g any none\n"), 3, "a name that no line above defines"),
        (format!("{defined}group g any g\n"), 3, "a name that no line above defines"),
        (format!("{defined}group g any a a\n"), 3, "a member that is in a group already"),
        (
            format!("{defined}group g any a\ngroup h any a b\n"),
            4,
            "a member that is in a group already",
        ),
    ];
    for (text, line, what) in cases {
        assert_eq!(Policy::parse(&text), Err(Error::PolicyMalformed { line, what }), "{text:?}");
    }
    let what = "not all, any or a number from 1 to that of the members";
    for threshold in ["all", "any", "1"] {
        let text = format!("{defined}group g {threshold}\n");
        assert_eq!(Policy::parse(&text), Err(Error::PolicyMalformed { line: 3, what }));
    }
    for threshold in ["0", "3", "01", "-1", "ALL", "1.5", "99999999999999999999"] {
        let text = format!("{defined}group g {threshold} a b\nquorum g\n");
        let refused = Err(Error::PolicyMalformed { line: 3, what });
        assert_eq!(Policy::parse(&text), refused, "{threshold}");
    }
    let large = "#".repeat(MAX_POLICY_BYTES + 1);
    assert!(Policy::parse(&large).is_err());
}

#[test]
fn a_key_of_the_wrong_type_is_refused() {
    let (log, witness) = (log().verifier_key(), witness(1).1);
    let what = "a key of the wrong type: 0x01 for logs, 0x04 for witnesses";
    for text in [format!("log {witness}\n"), format!("witness w {log}\n")] {
        assert_eq!(Policy::parse(&text), Err(Error::PolicyMalformed { line: 1, what }));
    }
    let parsed = Policy::parse(&format!("\nlog {}\n", LOG.replace("+AeHT", "+BuHT")));
    let source = Box::new(Error::KeyTypeUnsupported(6));
    assert_eq!(parsed, Err(Error::PolicyKey { line: 2, source }));
}

#[test]
fn a_last_line_needs_no_newline_and_a_comment_no_end() {
    for text in ["quorum none", " \t quorum\t\tnone \t", "# quorum x\n\t# y\nquorum none\n#"] {
        let policy = Policy::parse(text).unwrap();
        assert!(policy.is_quorum(&[]), "{text:?}");
    }
}

#[test]
fn a_long_chain_of_groups_is_harmless() {
    let mut text = format!("witness g0 {}\n", witness(1).1);
    let mut last = 0;
    while text.len() < MAX_POLICY_BYTES - 300 {
        writeln!(text, "group g{} any g{last}", last + 1).unwrap();
        last += 1;
    }
    writeln!(text, "quorum g{last}\nlog {}", log().verifier_key()).unwrap();
    let policy = Policy::parse(&text).unwrap();
    assert!(policy.open(&cosigned(&[1])).is_ok());
    assert!(policy.open(&cosigned(&[2])).is_err());
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_refused(lines in prop::collection::vec(
        "(log|witness|group|quorum|#|) ?[abn]{0,2} ?(any|all|1|2|none)?( [abn]){0,3}", 0..8
    )) {
        let text = format!("witness a {}\nwitness b {}\n{}", witness(1).1, witness(2).1, lines.join("\n"));
        if let Ok(policy) = Policy::parse(&text) {
            let note = tlog::Note::parse(&cosigned(&[1, 2])).unwrap();
            let keys = policy.keys();
            prop_assert!(policy.is_quorum(note.verify(&keys).unwrap().cosignatures()), "{}", text);
        }
    }
}

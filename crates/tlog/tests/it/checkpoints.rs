//! Checkpoints and the cosignatures on them.

use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use tlog::{
    Checkpoint, Error, Hash, KeyKind, MAX_TREE_SIZE, Note, SigningKey, TreeSize, VerifierKey,
};

const TESSERA: &str = include_str!("data/checkpoint");
const COSIGNED: &str = include_str!("data/checkpoint.cosigned");
const TESSERA_KEY: &str =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const WITNESS_KEY: &str =
    "witness.example.org/w1+e40c3af7+BEn9oE+GY6ytzrgZr/mWTmsrjf1ATn3jo1bcjUmLh9hN";
const ORIGIN: &str = "example.com/log/testdata";
const ROOT: &str = "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=";

fn vkey(text: &str) -> VerifierKey {
    VerifierKey::parse(text).unwrap()
}

fn root() -> Hash {
    Hash::parse_base64(ROOT).unwrap()
}

#[test]
fn a_checkpoint_of_another_implementation_opens() {
    let keys = [vkey(TESSERA_KEY)];
    for origin in [None, Some(ORIGIN)] {
        let checkpoint = Checkpoint::open(TESSERA, origin, &keys).unwrap();
        assert_eq!(checkpoint, Checkpoint::new(ORIGIN, TreeSize::new(15), root()).unwrap());
        assert_eq!(checkpoint.text(), format!("{ORIGIN}\n15\n{ROOT}\n"));
        let theirs = tlog_tiles::Checkpoint::from_bytes(checkpoint.text().as_bytes());
        assert_eq!(theirs.unwrap().size(), 15);
    }
    let elsewhere = Checkpoint::open(TESSERA, Some("example.com/log/other"), &keys);
    let (expected, found) = ("example.com/log/other".to_owned(), ORIGIN.to_owned());
    assert_eq!(elsewhere, Err(Error::OriginMismatch { expected, found }));
}

#[test]
fn without_an_origin_the_signer_must_have_that_name() {
    let key = SigningKey::from_seed("example.org/signer", [1; 32]).unwrap();
    let keys = [key.verifier_key()];
    let note =
        Checkpoint::new("example.org/trail", TreeSize::new(15), root()).unwrap().sign(&[key]);
    assert!(Checkpoint::open(&note, Some("example.org/trail"), &keys).is_ok());
    let (expected, found) = ("example.org/signer".to_owned(), "example.org/trail".to_owned());
    let error = Error::OriginMismatch { expected, found };
    assert_eq!(Checkpoint::open(&note, None, &keys), Err(error));
}

#[test]
fn a_cosignature_of_another_implementation_verifies() {
    let keys = [vkey(TESSERA_KEY), vkey(WITNESS_KEY)];
    let note = Note::parse(COSIGNED).unwrap();
    let verified = note.verify(&keys).unwrap();
    assert_eq!(verified.signers(), [&keys[0]]);
    let [cosignature] = verified.cosignatures() else { panic!("{verified:?}") };
    assert_eq!(cosignature.key(), &keys[1]);
    // 2026-11-21T08:43:36Z, when the vector was made.
    assert_eq!(cosignature.timestamp_s(), 1_795_250_616);
    assert!(Checkpoint::open(COSIGNED, None, &keys).is_ok());
}

#[test]
fn a_witness_alone_does_not_make_a_checkpoint() {
    let keys = [vkey(WITNESS_KEY)];
    let note = Note::parse(COSIGNED).unwrap();
    let verified = note.verify(&keys).unwrap();
    assert_eq!((verified.signers().len(), verified.cosignatures().len()), (0, 1));
    assert_eq!(Checkpoint::open(COSIGNED, None, &keys), Err(Error::NoteUntrusted));
    assert_eq!(Checkpoint::open(COSIGNED, Some(ORIGIN), &keys), Err(Error::NoteUntrusted));
}

#[test]
fn a_spoilt_cosignature_spoils_the_note_for_those_who_know_the_witness() {
    let spoilt = COSIGNED.replacen("5Aw69wAAAABrAVm4", "5Aw69wAAAABrAVm5", 1);
    assert_ne!(spoilt, COSIGNED);
    let invalid = Error::SignatureInvalid { name: "witness.example.org/w1".to_owned() };
    let keys = [vkey(TESSERA_KEY), vkey(WITNESS_KEY)];
    assert_eq!(Checkpoint::open(&spoilt, None, &keys), Err(invalid));
    assert!(Checkpoint::open(&spoilt, None, &keys[..1]).is_ok());
}

#[test]
fn a_cosignature_is_exactly_a_time_and_a_signature() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let key = VerifierKey::new("w", KeyKind::Cosignature, secret.verifying_key().as_bytes());
    let keys = [key.unwrap()];
    let text = format!("{ORIGIN}\n15\n{ROOT}\nextension\n");
    let check = |time: u64, message: &str, edit: fn(&mut Vec<u8>)| {
        let mut blob = keys[0].id().to_be_bytes().to_vec();
        blob.extend(time.to_be_bytes());
        blob.extend(secret.sign(message.as_bytes()).to_bytes());
        edit(&mut blob);
        let blob = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
        let note = Note::parse(&format!("{text}\n\u{2014} w {blob}\n")).unwrap();
        note.verify(&keys).map(|verified| verified.cosignatures()[0].timestamp_s())
    };
    let invalid = Err(Error::SignatureInvalid { name: "w".to_owned() });
    let message = |time: u64| format!("cosignature/v1\ntime {time}\n{text}");
    let largest = i64::MAX.cast_unsigned();
    for time in [0, 1, 1_795_250_616, largest] {
        assert_eq!(check(time, &message(time), |_| ()), Ok(time));
    }
    assert_eq!(check(largest + 1, &message(largest + 1), |_| ()), invalid);
    assert_eq!(check(5, &message(6), |_| ()), invalid);
    assert_eq!(check(5, &message(5).replace("time 5", "time 05"), |_| ()), invalid);
    assert_eq!(check(5, &message(5).replace("v1", "v2"), |_| ()), invalid);
    assert_eq!(check(5, &message(5).replace("extension\n", ""), |_| ()), invalid);
    assert_eq!(check(5, &text, |_| ()), invalid, "a plain signature is not a cosignature");
    assert_eq!(check(5, &message(5), |blob| blob.push(0)), invalid);
    assert_eq!(check(5, &message(5), |blob| blob.truncate(75)), invalid);
    assert_eq!(check(5, &message(5), |blob| blob.truncate(11)), invalid);
}

#[test]
fn extension_lines_are_kept_and_shown() {
    let text = format!("{ORIGIN}\n15\n{ROOT}\none\n\u{e9} two \n");
    let checkpoint = Checkpoint::parse(&text).unwrap();
    assert_eq!(checkpoint.extensions(), ["one", "\u{e9} two "]);
    assert_eq!(checkpoint.text(), text);
}

#[test]
fn malformed_checkpoints_are_refused() {
    let good = format!("{ORIGIN}\n15\n{ROOT}\n");
    assert!(Checkpoint::parse(&good).is_ok(), "the shape that the others lack");
    let texts = [
        String::new(),
        "\n".to_owned(),
        "\n\n\n".to_owned(),
        format!("{ORIGIN}\n15\n"),
        format!("{ORIGIN}\n15\n{ROOT}"),
        format!("\n15\n{ROOT}\n"),
        format!("\n{good}"),
        format!("{good}\n"),
        format!("{good}\nextension\n"),
        format!("{good}extension"),
        format!("{good}exten\tsion\n"),
        format!("{good}exten\0sion\n"),
        good.replace('\n', "\r\n"),
        good.replace("15", "015"),
        good.replace("15", "+15"),
        good.replace("15", "-15"),
        good.replace("15", " 15"),
        good.replace("15", "15 "),
        good.replace("15", "1e1"),
        good.replace("15", "0x15"),
        good.replace("15", ""),
        good.replace("15", "99999999999999999999"),
        good.replace("15", "18446744073709551616"),
        good.replace("15", &(MAX_TREE_SIZE + 1).to_string()),
        good.replace("15", "0"),
        good.replace("cs=", "ct="),
        good.replace("cs=", "cs"),
        good.replace("cs=", "cs=="),
        good.replace('/', "_"),
        good.replace(ROOT, "AAAA"),
        good.replace(ROOT, &format!("{ROOT} ")),
    ];
    for text in texts {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
}

#[test]
fn a_checkpoint_that_could_not_be_read_back_cannot_be_made() {
    for origin in ["", "a\nb", "a\n", "a\rb", "a\0"] {
        assert!(Checkpoint::new(origin, TreeSize::new(1), root()).is_err(), "{origin:?}");
    }
    assert!(Checkpoint::new("a", TreeSize::ZERO, root()).is_err());
    assert!(Checkpoint::new("a", TreeSize::ZERO, Hash::EMPTY_ROOT).is_ok());
    let size = TreeSize::new(MAX_TREE_SIZE + 1);
    assert_eq!(Checkpoint::new("a", size, root()), Err(Error::TreeTooLarge { size }));
}

#[test]
fn no_key_makes_no_signature() {
    let note = Checkpoint::new("a", TreeSize::new(1), root()).unwrap().sign(&[]);
    assert!(Note::parse(&note).is_err());
}

proptest! {
    #[test]
    fn a_checkpoint_survives_its_text(
        origin in "[^\\x00-\\x1f]{1,30}", size in 1..=MAX_TREE_SIZE, shift in 0_u32..62, bytes: [u8; 32],
        extensions in prop::collection::vec("[^\\x00-\\x1f]{1,20}", 0..3)
    ) {
        let size = TreeSize::new((size >> shift).max(1));
        let plain = Checkpoint::new(&origin, size, Hash::from_bytes(bytes)).unwrap();
        let text = extensions.iter().fold(plain.text(), |text, line| format!("{text}{line}\n"));
        let read = Checkpoint::parse(&text).unwrap();
        prop_assert_eq!(read.text(), text);
        prop_assert_eq!(read.extensions(), extensions);
        prop_assert_eq!((read.origin(), read.size(), read.root()), (plain.origin(), size, plain.root()));
        let key = SigningKey::from_seed("k", [3; 32]).unwrap();
        let keys = [key.verifier_key()];
        let signed = read.sign(&[key]);
        prop_assert_eq!(Checkpoint::open(&signed, Some(&origin), &keys), Ok(read));
    }

    #[test]
    fn any_text_that_is_a_checkpoint_is_its_own_print(
        text in "[a\r]{0,2}\n?[0-9+]{0,3}\n?(rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383c[a-z]=|47DEQpj8HBSa\\+/TImW\\+5JCeuQeRkm5NMpJWZG3hSuFU=)(\n[ab]?){0,3}\n?"
    ) {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.text(), text);
        }
    }
}

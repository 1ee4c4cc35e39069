//! Texts of verifier and signing keys.

use proptest::prelude::*;
use tlog::{Error, KeyKind, Note, SigningKey, VerifierKey};

const TESSERA: &str =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const WITNESS: &str =
    "witness.example.org/w1+e40c3af7+BEn9oE+GY6ytzrgZr/mWTmsrjf1ATn3jo1bcjUmLh9hN";

#[test]
fn keys_of_other_implementations_are_read_and_printed_alike() {
    let log = VerifierKey::parse(TESSERA).unwrap();
    assert_eq!(log.name(), "example.com/log/testdata");
    assert_eq!((log.id(), log.kind()), (0x33d7_b496, KeyKind::Ed25519));
    assert_eq!(log.to_string(), TESSERA);
    assert_eq!(log.public_bytes()[0], 0xe1);
    let witness = VerifierKey::parse(WITNESS).unwrap();
    assert_eq!((witness.id(), witness.kind()), (0xe40c_3af7, KeyKind::Cosignature));
    assert_eq!(witness.to_string(), WITNESS);
}

#[test]
fn a_bad_verifier_key_is_refused_for_what_is_wrong_with_it() {
    let three_parts = Error::KeyMalformed("not three parts with '+' between them");
    let digits = Error::KeyMalformed("the key ID is not eight hexadecimal digits");
    let base64 = Error::KeyMalformed("not canonical base64");
    let key = "AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    let name = "example.com/log/testdata";
    let cases = [
        (String::new(), three_parts.clone()),
        (format!("{name}+33d7b496"), three_parts),
        (format!("{name}+33D7B496+{key}"), digits.clone()),
        (format!("{name}+33d7b49+{key}"), digits.clone()),
        (format!("{name}++33d7b496+{key}"), digits),
        (format!("{name}+33d7b497+{key}"), Error::KeyIdMismatch),
        (format!("example.com/log/testdatb+33d7b496+{key}"), Error::KeyIdMismatch),
        (format!("+33d7b496+{key}"), Error::KeyNameInvalid),
        (format!("a b+33d7b496+{key}"), Error::KeyNameInvalid),
        (format!("a\u{a0}b+33d7b496+{key}"), Error::KeyNameInvalid),
        (format!("a\u{2003}b+33d7b496+{key}"), Error::KeyNameInvalid),
        (format!("a\u{85}b+33d7b496+{key}"), Error::KeyNameInvalid),
        (format!("a\0b+33d7b496+{key}"), Error::KeyNameInvalid),
        (format!("{name}+33d7b496+{key}\n"), base64.clone()),
        (format!("{name}+33d7b496+{key}="), base64.clone()),
        (format!("{name}+33d7b496+AR=="), base64),
        (format!("{name}+33d7b496+"), Error::KeyMalformed("no type")),
        (format!("{name}+33d7b496+AQ=="), Error::KeyMalformed("not 32 bytes long")),
        (format!("{name}+33d7b496+AeHT{key}"), Error::KeyMalformed("not 32 bytes long")),
        (format!("{name}+33d7b496+{}", key.replace("AeHT", "AuHT")), Error::KeyTypeUnsupported(2)),
        (format!("{name}+33d7b496+{}", key.replace("AeHT", "BuHT")), Error::KeyTypeUnsupported(6)),
    ];
    for (text, error) in cases {
        assert_eq!(VerifierKey::parse(&text), Err(error), "{text:?}");
    }
}

#[test]
fn weak_and_impossible_points_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut impossible = [0; 32];
    impossible[0] = 2;
    for point in [[0; 32], one, impossible] {
        for kind in [KeyKind::Ed25519, KeyKind::Cosignature] {
            assert_eq!(VerifierKey::new("a", kind, &point), Err(Error::KeyUnusable), "{point:?}");
        }
    }
}

#[test]
fn a_signing_key_is_that_of_other_implementations() {
    // The key pair of the documentation of Go's golang.org/x/mod/sumdb/note.
    let skey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let key = SigningKey::parse(skey).unwrap();
    assert_eq!(*key.to_text(), skey);
    assert_eq!(key.verifier_key().to_string(), vkey);
    assert_eq!((key.name(), key.id()), ("PeterNeumann", 0xc74f_20a3));
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let signed = "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    assert_eq!(Note::sign(text, &[key]).unwrap().as_str(), format!("{text}{signed}"));
}

#[test]
fn a_bad_signing_key_is_refused_for_what_is_wrong_with_it() {
    let key = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let prefix = Error::KeyMalformed("no PRIVATE+KEY+ before it");
    let cases = [
        (TESSERA.to_owned(), prefix.clone()),
        (format!("private+key+PeterNeumann+c74f20a3+{key}"), prefix),
        (format!("PRIVATE+KEY+PeterNeumann+c74f20a4+{key}"), Error::KeyIdMismatch),
        (format!("PRIVATE+KEY++c74f20a3+{key}"), Error::KeyNameInvalid),
        (
            format!("PRIVATE+KEY+PeterNeumann+c74f20a3+{}", key.replace("AYEK", "BIEK")),
            Error::KeyTypeUnsupported(4),
        ),
        (
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEK".to_owned(),
            Error::KeyMalformed("not 32 bytes long"),
        ),
        (
            format!("PRIVATE+KEY+PeterNeumann+c74f20a3+{key} "),
            Error::KeyMalformed("not canonical base64"),
        ),
    ];
    for (text, error) in cases {
        assert_eq!(SigningKey::parse(&text).err(), Some(error), "{text:?}");
    }
    for name in ["", "a b", "a+b", "a\tb", "a\u{3000}b"] {
        assert_eq!(SigningKey::from_seed(name, [7; 32]).err(), Some(Error::KeyNameInvalid));
    }
}

#[test]
fn a_signing_key_never_shows_its_secret_by_accident() {
    let key = SigningKey::from_seed("example.org/t", [0xA7; 32]).unwrap();
    let shown = format!("{key:?} {key:#?}");
    assert!(shown.contains("example.org/t") && shown.contains("secret withheld"), "{shown}");
    for secret in ["a7a7", "167", "p6en", "A7A7"] {
        assert!(!shown.to_lowercase().contains(&secret.to_lowercase()), "{shown}");
    }
}

proptest! {
    #[test]
    fn keys_survive_their_text(name in "[^\\s+\\x00-\\x1f]{1,40}", seed: [u8; 32]) {
        let key = SigningKey::from_seed(&name, seed).unwrap();
        let text = key.to_text();
        prop_assert_eq!(&SigningKey::parse(&text).unwrap().to_text(), &text);
        let verifier = key.verifier_key();
        prop_assert_eq!(VerifierKey::parse(&verifier.to_string()), Ok(verifier.clone()));
        let theirs = signed_note::StandardVerifier::new(&verifier.to_string()).unwrap();
        prop_assert_eq!(signed_note::Verifier::key_id(&theirs), verifier.id());
        let theirs = signed_note::StandardSigner::new(&text).unwrap();
        prop_assert_eq!(signed_note::Signer::key_id(&theirs), key.id());
    }

    #[test]
    fn any_text_that_is_a_key_is_its_own_print(place in 0..TESSERA.len(), byte in 0x20_u8..0x7f) {
        let mut text = TESSERA.to_owned().into_bytes();
        text[place] = byte;
        let text = String::from_utf8(text).unwrap();
        if let Ok(key) = VerifierKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}

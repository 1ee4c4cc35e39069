//! Signed notes.

use proptest::prelude::*;
use tlog::{Error, KeyKind, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, SigningKey, VerifierKey};

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

fn sign(text: &str, keys: &[SigningKey]) -> String {
    Note::sign(text, keys).unwrap().into_string()
}

/// Verifies a note with some keys and names those that have signed.
fn check(note: &str, keys: &[VerifierKey]) -> Result<Vec<String>, Error> {
    let note = Note::parse(note)?;
    let verified = note.verify(keys)?;
    Ok(verified.signers().iter().map(|key| key.name().to_owned()).collect())
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let note = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let keys = [VerifierKey::parse(key).unwrap()];
    assert_eq!(check(note, &keys), Ok(vec!["example.com/foo".to_owned()]));
    let forged = note.replacen("example message", "exemple message", 1);
    let invalid = Error::SignatureInvalid { name: "example.com/foo".to_owned() };
    assert_eq!(check(&forged, &keys), Err(invalid));
}

#[test]
fn texts_with_empty_lines_split_at_the_last_one() {
    let key = key("example.org/t", 1);
    let keys = [key.verifier_key()];
    for text in [
        "a\n",
        "a\nb\n",
        "a\n\nb\n",
        "\n",
        "\n\n",
        "a\n\n",
        "a\n\n\n\n",
        "\na\n",
        "\u{2014} a b\n",
        "x\n\n\u{2014} not a signature\n",
    ] {
        let note = Note::sign(text, std::slice::from_ref(&key)).unwrap();
        assert_eq!(note.text(), text);
        assert_eq!(note.signatures().len(), 1, "{text:?}");
        assert_eq!(note.verify(&keys).unwrap().text(), text);
        let again = Note::parse(note.as_str()).unwrap();
        assert_eq!(again, note);
    }
}

#[test]
fn malformed_notes_are_refused() {
    let line = "\u{2014} a AAAAAAE=\n";
    assert!(Note::parse(&format!("text\n\n{line}")).is_ok(), "the shape that the others lack");
    let notes = [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n{line}"),
        format!("text{line}"),
        line.to_owned(),
        format!("text\n\n{}", line.trim_end()),
        format!("text\n\n{line}\n"),
        format!("text\n\n{line}junk\n"),
        format!("text\n\njunk\n{line}"),
        format!("text\r\n\r\n{line}"),
        format!("text\n\n{}", line.replace('\n', "\r\n")),
        format!("te\rxt\n\n{line}"),
        format!("te\txt\n\n{line}"),
        format!("te\0xt\n\n{line}"),
        format!("te\u{1b}[31mxt\n\n{line}"),
        "text\n\n- a AAAAAAE=\n".to_owned(),
        "text\n\n\u{2013} a AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014}a AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014}\u{a0}a AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014}  a AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014} a  AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014} a AAAAAAE= \n".to_owned(),
        "text\n\n\u{2014} a\n".to_owned(),
        "text\n\n\u{2014} a \n".to_owned(),
        "text\n\n\u{2014}  AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014} a+b AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014} a\u{a0}b AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014} a\u{2028}b AAAAAAE=\n".to_owned(),
        "text\n\n\u{2014} a AAAA\n".to_owned(),
        "text\n\n\u{2014} a AAAAAA==\n".to_owned(),
        "text\n\n\u{2014} a AAAAAAE\n".to_owned(),
        "text\n\n\u{2014} a AAAAAAF=\n".to_owned(),
        "text\n\n\u{2014} a AAAA_AE=\n".to_owned(),
        "text\n\n\u{2014} a AAAAAAE=AAAA\n".to_owned(),
    ];
    for note in notes {
        assert!(Note::parse(&note).is_err(), "{note:?}");
    }
}

#[test]
fn a_note_is_bounded() {
    let line = "\u{2014} a AAAAAAE=\n";
    let with = |count: usize| Note::parse(&format!("text\n\n{}", line.repeat(count)));
    assert_eq!(with(MAX_NOTE_SIGNATURES).unwrap().signatures().len(), MAX_NOTE_SIGNATURES);
    assert_eq!(with(MAX_NOTE_SIGNATURES + 1), Err(Error::NoteMalformed("too many signatures")));
    let of = |bytes: usize| {
        let rest = format!("\n\n{line}");
        Note::parse(&format!("{}{rest}", "x".repeat(bytes - rest.len())))
    };
    assert!(of(MAX_NOTE_BYTES).is_ok());
    let bytes = MAX_NOTE_BYTES + 1;
    assert_eq!(of(bytes), Err(Error::NoteTooLarge { bytes }));
}

#[test]
fn only_known_keys_count_and_all_of_them_must_verify() {
    let [a, b, stranger] = [key("a", 1), key("b", 2), key("c", 3)];
    let [vkey_a, vkey_b] = [a.verifier_key(), b.verifier_key()];
    let note = sign("text\n", &[a.clone(), b.clone(), stranger]);
    let both = Ok(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(check(&note, &[vkey_a.clone(), vkey_b.clone()]), both);
    assert_eq!(check(&note, std::slice::from_ref(&vkey_b)), Ok(vec!["b".to_owned()]));
    assert_eq!(check(&note, &[key("d", 4).verifier_key()]), Err(Error::NoteUntrusted));
    assert_eq!(check(&note, &[]), Err(Error::NoteUntrusted));
    // The line of b now stands under a text that b never signed.
    let line_b = sign("other\n", &[b]).lines().last().map(str::to_owned).unwrap();
    let mixed = format!("{}{line_b}\n", sign("text\n", &[a]));
    let invalid = Err(Error::SignatureInvalid { name: "b".to_owned() });
    assert_eq!(check(&mixed, &[vkey_a.clone(), vkey_b]), invalid);
    assert_eq!(check(&mixed, &[vkey_a]), Ok(vec!["a".to_owned()]), "b is not known here");
}

#[test]
fn a_name_or_an_id_alone_is_not_a_known_key() {
    let text = "text\n";
    let mine = key("a", 1);
    let namesake = key("a", 2);
    let keys = [mine.verifier_key()];
    assert_eq!(
        check(&sign(text, std::slice::from_ref(&namesake)), &keys),
        Err(Error::NoteUntrusted)
    );
    let both = check(&sign(text, &[namesake, mine.clone()]), &keys);
    assert_eq!(both, Ok(vec!["a".to_owned()]));
    let renamed = sign(text, &[mine]).replace("\u{2014} a ", "\u{2014} b ");
    assert_eq!(check(&renamed, &keys), Err(Error::NoteUntrusted));
}

#[test]
fn grease_lines_and_any_order_are_tolerated() {
    let key = key("example.org/t", 1);
    let keys = [key.verifier_key()];
    let note = sign("text\n", &[key]);
    let (head, line) = note.rsplit_once("\n\n").unwrap();
    let grease = [
        "\u{2014} grease.invalid AAAAAAE=\n".to_owned(),
        "\u{2014} example.org/t //////8=\n".to_owned(),
        "\u{2014} \u{1f9c2} 3q2+7w==\n".replace("3q2+7w==", "3q2+7wA="),
        format!("\u{2014} pq.example {}\n", "A".repeat(6600)),
    ];
    for place in 0..=grease.len() {
        let lines: String = grease[..place].concat() + line + &grease[place..].concat();
        assert_eq!(
            check(&format!("{head}\n\n{lines}"), &keys),
            Ok(vec!["example.org/t".to_owned()])
        );
    }
}

#[test]
fn a_key_that_signs_twice_counts_once() {
    let key = key("a", 1);
    let keys = [key.verifier_key(), key.verifier_key()];
    let note = sign("text\n", &[key.clone(), key]);
    assert_eq!(check(&note, &keys), Ok(vec!["a".to_owned()]));
    assert_eq!(Note::parse(&note).unwrap().signatures().len(), 2);
}

#[test]
fn a_good_signature_does_not_excuse_a_bad_one_of_the_same_key() {
    let key = key("a", 1);
    let keys = [key.verifier_key()];
    let mixed = |first: &str, second: &str| {
        let line = |text: &str| sign(text, std::slice::from_ref(&key)).split_off(text.len() + 1);
        format!("text\n\n{}{}", line(first), line(second))
    };
    assert_eq!(check(&mixed("text\n", "text\n"), &keys), Ok(vec!["a".to_owned()]));
    let invalid = Err(Error::SignatureInvalid { name: "a".to_owned() });
    assert_eq!(check(&mixed("text\n", "other\n"), &keys), invalid);
    assert_eq!(check(&mixed("other\n", "text\n"), &keys), invalid);
}

#[test]
fn the_signature_covers_the_last_newline_and_its_key_kind() {
    let key = key("a", 1);
    let note = sign("text\n", std::slice::from_ref(&key));
    let longer = note.replacen("text\n", "text\n\n", 1);
    assert!(check(&longer, &[key.verifier_key()]).is_err());
    let public = *key.verifier_key().public_bytes();
    let as_witness = VerifierKey::new("a", KeyKind::Cosignature, &public).unwrap();
    assert_ne!(as_witness.id(), key.id());
    assert_eq!(check(&note, &[as_witness]), Err(Error::NoteUntrusted));
}

#[test]
fn lines_can_be_added_but_the_text_stays() {
    let [a, b] = [key("a", 1), key("b", 2)];
    let keys = [a.verifier_key(), b.verifier_key()];
    let note = Note::sign("text\n", &[a]).unwrap();
    let line = sign("text\n", &[b]).split_off("text\n\n".len());
    let added = note.with_signatures(&line).unwrap();
    assert_eq!(added.verify(&keys).unwrap().signers().len(), 2);
    assert_eq!(note.with_signatures("").as_ref(), Ok(&note));
    for lines in ["x\n", "\n", &format!("\n{line}"), &format!("x\n\n{line}"), line.trim_end()] {
        assert!(note.with_signatures(lines).is_err(), "{lines:?}");
    }
}

#[test]
fn a_text_that_no_note_can_hold_is_not_signed() {
    let keys = [key("a", 1)];
    for text in ["", "text", "te\rxt\n", "te\txt\n", "te\0xt\n"] {
        assert!(Note::sign(text, &keys).is_err(), "{text:?}");
    }
    assert!(Note::sign("text\n", &[]).is_err(), "a note has a signature");
}

proptest! {
    #[test]
    fn notes_are_those_of_another_implementation(
        text in "([^\\x00-\\x1f]{0,9}\n){1,5}", seeds in prop::collection::vec(1_u8.., 1..4)
    ) {
        let keys: Vec<_> = seeds.iter().enumerate().map(|(n, seed)| key(&format!("k{n}"), *seed)).collect();
        let ours = Note::sign(&text, &keys).unwrap();
        prop_assert_eq!(ours.text(), &text);
        let signers: Vec<_> =
            keys.iter().map(|key| signed_note::StandardSigner::new(&key.to_text()).unwrap()).collect();
        let signers: Vec<_> = signers.iter().map(|key| key as &dyn signed_note::Signer).collect();
        let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&signers).unwrap();
        prop_assert_eq!(ours.as_str().as_bytes(), theirs.to_bytes());
        let vkeys: Vec<_> = keys.iter().map(SigningKey::verifier_key).collect();
        prop_assert_eq!(ours.verify(&vkeys).unwrap().signers().len(), keys.len());
    }

    #[test]
    fn whatever_is_flipped_is_noticed(place: prop::sample::Index, bit in 0_u8..7) {
        let key = key("example.org/t", 1);
        let note = sign("some\n\ntext\n", std::slice::from_ref(&key));
        let mut bytes = note.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(note) = String::from_utf8(bytes) {
            prop_assert!(check(&note, &[key.verifier_key()]).is_err(), "{:?}", note);
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "([a\u{2014} +=\n]|AAAAAAE=\n|\n\n|\u{2014} a ){0,30}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.as_str(), &text);
            prop_assert!(signed_note::Note::from_bytes(text.as_bytes()).is_ok());
        } else {
            prop_assert!(signed_note::Note::from_bytes(text.as_bytes()).is_err());
        }
    }
}

//! Signed notes: a text and signatures under it (c2sp.org/signed-note).
//!
//! The text is lines, each ended by a newline; then comes one empty line, then at least one
//! signature line: `— <key name> <base64(key ID ‖ signature)>`. A text may have empty lines of its
//! own: the last empty line is the one that separates. A signature covers the text with its last
//! newline, and nothing of the empty line. The note is UTF-8 without control characters below
//! U+0020 other than the newline, so also without carriage returns.
//!
//! A signature by a key that the verifier does not know is ignored, whatever it is; one by a key
//! that it knows must verify, or the whole note is refused; and one at least must have verified.

use std::fmt;

use crate::key::check_key_name;
use crate::{Cosignature, Error, KeyKind, SigningKey, VerifierKey, lexeme};

/// The largest note, so that a hostile one costs little.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// The most signature lines; the specification asks for at least 16.
pub const MAX_NOTE_SIGNATURES: usize = 100;

/// An em dash and a space, which every signature line begins with.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A note that is well-formed. Nothing in it is to be believed before
/// [`verify`](Self::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    raw: String,
    text_bytes: usize,
    signatures: Vec<Signature>,
}

/// A signature line as it stands in a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

impl Signature {
    /// The name of the key that is said to have signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ID of the key that is said to have signed.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The signature itself, after the key ID.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(line: &str) -> Result<Self, Error> {
        const MALFORMED: Error = Error::NoteMalformed("a line after the text is not a signature");
        let rest = line.strip_prefix(SIGNATURE_PREFIX).ok_or(MALFORMED)?;
        let (name, base64) = rest.split_once(' ').ok_or(MALFORMED)?;
        check_key_name(name)?;
        let blob = lexeme::base64_decode(base64)
            .ok_or(Error::NoteMalformed("a signature is not canonical base64"))?;
        let (id, bytes) =
            blob.split_first_chunk().ok_or(Error::NoteMalformed("a signature has no key ID"))?;
        if bytes.is_empty() {
            return Err(Error::NoteMalformed("a signature is empty"));
        }
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_owned() })
    }
}

impl Note {
    /// Reads a note, keeping its bytes as they are.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        if raw.len() > MAX_NOTE_BYTES {
            return Err(Error::NoteTooLarge { bytes: raw.len() });
        }
        if raw.contains(|c: char| c < ' ' && c != '\n') {
            return Err(Error::NoteMalformed("control character"));
        }
        let (before, lines) = raw
            .rsplit_once("\n\n")
            .ok_or(Error::NoteMalformed("no empty line before the signatures"))?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(Error::NoteMalformed("no newline after the last signature"))?;
        if lines.split('\n').count() > MAX_NOTE_SIGNATURES {
            return Err(Error::NoteMalformed("too many signatures"));
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { raw: raw.to_owned(), text_bytes: before.len() + 1, signatures })
    }

    /// Signs a text, which must end in a newline, with each of the keys in this order.
    pub fn sign(text: &str, keys: &[SigningKey]) -> Result<Self, Error> {
        if !text.ends_with('\n') {
            return Err(Error::NoteMalformed("the text does not end in a newline"));
        }
        Self::parse(&sign_text(text, keys))
    }

    /// The same note with more signature lines, as a witness answers them.
    pub fn with_signatures(&self, lines: &str) -> Result<Self, Error> {
        let note = Self::parse(&format!("{}{lines}", self.raw))?;
        if note.text_bytes == self.text_bytes {
            Ok(note)
        } else {
            Err(Error::NoteMalformed("the added lines are not signatures"))
        }
    }

    /// Checks the signatures against the keys that the caller trusts.
    ///
    /// [`Error::SignatureInvalid`] when a known key's signature does not verify,
    /// [`Error::NoteUntrusted`] when there is none by a known key.
    pub fn verify<'a>(&'a self, keys: &'a [VerifierKey]) -> Result<VerifiedNote<'a>, Error> {
        let mut verified =
            VerifiedNote { text: self.text(), signers: Vec::new(), cosignatures: Vec::new() };
        for signature in &self.signatures {
            let mut failure = None;
            let mut known =
                keys.iter().filter(|key| key.name() == signature.name && key.id() == signature.id);
            // Two keys can share a name and an ID; the signature is by one of them.
            let found = known.find_map(|key| match key.verify(self.text(), &signature.bytes) {
                Ok(timestamp) => Some((key, timestamp)),
                Err(error) => {
                    failure = Some(error);
                    None
                }
            });
            match (found, failure) {
                (Some((key, timestamp)), _) => verified.add(key, timestamp),
                (None, Some(failure)) => return Err(failure),
                (None, None) => {}
            }
        }
        if verified.signers.is_empty() && verified.cosignatures.is_empty() {
            return Err(Error::NoteUntrusted);
        }
        Ok(verified)
    }

    /// The signed text, with its last newline.
    pub fn text(&self) -> &str {
        self.raw.get(..self.text_bytes).unwrap_or_default()
    }

    /// The signature lines, in order, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The whole note, byte for byte as it was read.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The whole note, byte for byte as it was read.
    pub fn into_string(self) -> String {
        self.raw
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// What is left of a note once its signatures have been checked.
#[derive(Clone, Debug)]
pub struct VerifiedNote<'a> {
    text: &'a str,
    signers: Vec<&'a VerifierKey>,
    cosignatures: Vec<Cosignature<'a>>,
}

impl<'a> VerifiedNote<'a> {
    /// The text, which each of the [`signers`](Self::signers) has signed.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The keys of type [`KeyKind::Ed25519`] that have signed, each once.
    ///
    /// Empty when only witnesses have: then the text is seen, but not said, by anyone known.
    pub fn signers(&self) -> &[&'a VerifierKey] {
        &self.signers
    }

    /// The witnesses that have cosigned, each once.
    pub fn cosignatures(&self) -> &[Cosignature<'a>] {
        &self.cosignatures
    }

    fn add(&mut self, key: &'a VerifierKey, timestamp_s: Option<u64>) {
        debug_assert_eq!(timestamp_s.is_some(), key.kind() == KeyKind::Cosignature);
        match timestamp_s {
            None if !self.signers.contains(&key) => self.signers.push(key),
            Some(time) if self.cosignatures.iter().all(|known| known.key() != key) => {
                self.cosignatures.push(Cosignature::new(key, time));
            }
            _ => {}
        }
    }
}

/// Writes a note: the text, the empty line, the signature lines.
pub(crate) fn sign_text(text: &str, keys: &[SigningKey]) -> String {
    let mut note = format!("{text}\n");
    for key in keys {
        let mut blob = key.id().to_be_bytes().to_vec();
        blob.extend_from_slice(&key.sign(text));
        let line = [SIGNATURE_PREFIX, key.name(), " ", &lexeme::base64_encode(&blob), "\n"];
        note.extend(line);
    }
    note
}

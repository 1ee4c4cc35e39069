//! Keys that sign notes and keys that verify them (c2sp.org/signed-note).
//!
//! A verifier key is public: `<name>+<key ID>+<base64(type ‖ public key)>`. A signing key is secret:
//! `PRIVATE+KEY+<name>+<key ID>+<base64(type ‖ seed)>`, the form that Go's `sumdb/note` reads. The
//! key ID is the start of SHA-256(name ‖ 0x0A ‖ type ‖ public key): a name for finding the key, not
//! a defence. Two types are understood: 0x01, Ed25519 over a note's text, and 0x04, a witness's
//! timestamped cosignature, which is verified but never made here.

use std::fmt;

use ed25519_dalek::{PUBLIC_KEY_LENGTH, SECRET_KEY_LENGTH, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, cosignature, lexeme};

const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the note's text.
    Ed25519,
    /// Type 0x04: Ed25519 over a time and the checkpoint's text (c2sp.org/tlog-cosignature).
    Cosignature,
}

impl KeyKind {
    const fn type_byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A public key with the name it signs under.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: KeyKind,
    public: VerifyingKey,
}

impl VerifierKey {
    /// A key from its parts.
    pub fn new(name: &str, kind: KeyKind, public: &[u8; PUBLIC_KEY_LENGTH]) -> Result<Self, Error> {
        check_key_name(name)?;
        let public = VerifyingKey::from_bytes(public).map_err(|_| Error::KeyUnusable)?;
        if public.is_weak() {
            return Err(Error::KeyUnusable);
        }
        let id = key_id(name, kind, public.as_bytes());
        Ok(Self { name: name.to_owned(), id, kind, public })
    }

    /// Reads a vkey: `<name>+<eight hexadecimal digits>+<base64>`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parts = parse_parts(text)?;
        let (kind, public) = match parts.blob.split_first() {
            Some((0x01, public)) => (KeyKind::Ed25519, public),
            Some((0x04, public)) => (KeyKind::Cosignature, public),
            Some((other, _)) => return Err(Error::KeyTypeUnsupported(*other)),
            None => return Err(Error::KeyMalformed("no type")),
        };
        let public = public.try_into().map_err(|_| Error::KeyMalformed("not 32 bytes long"))?;
        let key = Self::new(parts.name, kind, public)?;
        if key.id == parts.id { Ok(key) } else { Err(Error::KeyIdMismatch) }
    }

    /// The name it signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key ID that its signature lines carry.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key itself.
    pub fn public_bytes(&self) -> &[u8; PUBLIC_KEY_LENGTH] {
        self.public.as_bytes()
    }

    /// Verifies a signature (a line's bytes after the key ID) over a note's text. Gives the time
    /// in POSIX seconds when the key is a witness's.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, Error> {
        match self.kind {
            KeyKind::Ed25519 => self.verify_bytes(text.as_bytes(), signature).map(|()| None),
            KeyKind::Cosignature => cosignature::verify(self, text, signature).map(Some),
        }
    }

    /// Verifies 64 bytes of Ed25519. Strict: no second signature for the same message, no weak
    /// points.
    pub(crate) fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        ed25519_dalek::Signature::from_slice(signature)
            .and_then(|signature| self.public.verify_strict(message, &signature))
            .map_err(|_| Error::SignatureInvalid { name: self.name.clone() })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blob = vec![self.kind.type_byte()];
        blob.extend_from_slice(self.public.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, lexeme::base64_encode(&blob))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// A secret key with the name it signs under; always Ed25519 (type 0x01).
///
/// The seed is wiped when it is dropped, and never printed but by
/// [`to_text`](Self::to_text).
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    id: u32,
    secret: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key that a seed gives. The caller takes the seed from a secure source of randomness,
    /// and wipes its own copy.
    pub fn from_seed(name: &str, seed: [u8; SECRET_KEY_LENGTH]) -> Result<Self, Error> {
        let seed = Zeroizing::new(seed);
        check_key_name(name)?;
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        let id = key_id(name, KeyKind::Ed25519, secret.verifying_key().as_bytes());
        Ok(Self { name: name.to_owned(), id, secret })
    }

    /// Reads `PRIVATE+KEY+<name>+<eight hexadecimal digits>+<base64>`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix(PRIVATE_PREFIX);
        let parts = parse_parts(rest.ok_or(Error::KeyMalformed("no PRIVATE+KEY+ before it"))?)?;
        let (kind, seed) = parts.blob.split_first().ok_or(Error::KeyMalformed("no type"))?;
        if *kind != KeyKind::Ed25519.type_byte() {
            return Err(Error::KeyTypeUnsupported(*kind));
        }
        let seed = seed.try_into().map_err(|_| Error::KeyMalformed("not 32 bytes long"))?;
        let key = Self::from_seed(parts.name, seed)?;
        if key.id == parts.id { Ok(key) } else { Err(Error::KeyIdMismatch) }
    }

    /// Writes the secret; [`parse`](Self::parse) reads it back.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut blob = Zeroizing::new([KeyKind::Ed25519.type_byte(); 1 + SECRET_KEY_LENGTH]);
        if let Some((_, seed)) = blob.split_first_mut() {
            seed.copy_from_slice(self.secret.as_bytes());
        }
        let secret = Zeroizing::new(lexeme::base64_encode(blob.as_slice()));
        let mut text = Zeroizing::new(String::with_capacity(
            PRIVATE_PREFIX.len() + self.name.len() + secret.len() + "+01234567+".len(),
        ));
        // Written piece by piece into its final place, so that no copy of it is left behind.
        for piece in [PRIVATE_PREFIX, &self.name, "+", &format!("{:08x}", self.id), "+", &secret] {
            text.push_str(piece);
        }
        text
    }

    /// The name it signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key ID that its signature lines carry.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The public key that verifies what this one signs.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey {
            name: self.name.clone(),
            id: self.id,
            kind: KeyKind::Ed25519,
            public: self.secret.verifying_key(),
        }
    }

    /// Signs a note's text: 64 bytes.
    pub(crate) fn sign(&self, text: &str) -> [u8; 64] {
        self.secret.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}+{:08x}, secret withheld)", self.name, self.id)
    }
}

struct Parts<'a> {
    name: &'a str,
    id: u32,
    blob: Zeroizing<Vec<u8>>,
}

/// Splits at the first two `+` only: base64 has more of them.
fn parse_parts(text: &str) -> Result<Parts<'_>, Error> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(blob)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::KeyMalformed("not three parts with '+' between them"));
    };
    check_key_name(name)?;
    let id = lexeme::hex32(id);
    let blob = lexeme::base64_decode(blob);
    Ok(Parts {
        name,
        id: id.ok_or(Error::KeyMalformed("the key ID is not eight hexadecimal digits"))?,
        blob: blob.map(Zeroizing::new).ok_or(Error::KeyMalformed("not canonical base64"))?,
    })
}

/// Refuses names that are empty or have a Unicode space, a control character or a `+`.
pub(crate) fn check_key_name(name: &str) -> Result<(), Error> {
    let wrong = |c: char| c.is_whitespace() || c < ' ' || c == '+';
    if name.is_empty() || name.contains(wrong) { Err(Error::KeyNameInvalid) } else { Ok(()) }
}

fn key_id(name: &str, kind: KeyKind, public: &[u8; PUBLIC_KEY_LENGTH]) -> u32 {
    let mut sha = Sha256::new();
    sha.update(name);
    sha.update([b'\n', kind.type_byte()]);
    sha.update(public);
    let [a, b, c, d, ..] = <[u8; 32]>::from(sha.finalize());
    u32::from_be_bytes([a, b, c, d])
}

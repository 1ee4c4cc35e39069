//! A trail's keys: one signs checkpoints, one authenticates heads.
//!
//! They live in files of their own, never in the store. Text form, one item a line:
//!
//! ```text
//! PRIVATE+KEY+<name>+<hash>+<base64>
//! indelible/head-key/v1 <base64 of 32 bytes>
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tlog::{SigningKey, VerifierKey};
use zeroize::Zeroizing;

const HEAD_KEY: &str = "indelible/head-key/v1 ";

/// The secret keys of one trail.
pub struct Keys {
    signing: SigningKey,
    head: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Keys {
    /// Shows the public key only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("vkey", &self.verifier().to_string()).finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys from 64 random bytes, for a trail of this origin.
    ///
    /// # Errors
    /// When the origin cannot be a key name (C2SP signed-note).
    pub fn from_seed(origin: &str, seed: &[u8; 64]) -> Result<Self, tlog::Error> {
        let (mut signing, mut head) = ([0; 32], Zeroizing::new([0; 32]));
        let (first, second) = seed.split_at(32);
        signing.copy_from_slice(first);
        head.copy_from_slice(second);
        Ok(Self { signing: SigningKey::from_seed(origin, signing)?, head })
    }

    /// Fresh keys from the system's randomness.
    ///
    /// # Errors
    /// When the origin cannot be a key name, or the system gives no randomness.
    pub fn generate(origin: &str) -> std::io::Result<Self> {
        let mut seed = Zeroizing::new([0; 64]);
        getrandom::fill(seed.as_mut_slice()).map_err(std::io::Error::other)?;
        Self::from_seed(origin, &seed).map_err(std::io::Error::other)
    }

    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let signing = SigningKey::parse(lines.next()?).ok()?;
        let head = STANDARD.decode(lines.next()?.strip_prefix(HEAD_KEY)?).ok()?;
        Some(Self { signing, head: Zeroizing::new(head.try_into().ok()?) })
    }

    /// The text form. Keep it secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        let signing = self.signing.to_text();
        let head = Zeroizing::new(STANDARD.encode(self.head.as_slice()));
        Zeroizing::new(format!("{}\n{HEAD_KEY}{}\n", signing.as_str(), head.as_str()))
    }

    /// The public key, for everyone who verifies.
    pub fn verifier(&self) -> VerifierKey {
        self.signing.verifier_key()
    }

    pub(crate) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// HMAC-SHA-256 under the head key.
    pub(crate) fn code(&self, message: &[u8]) -> [u8; 32] {
        self.mac(message).finalize().into_bytes().into()
    }

    pub(crate) fn admits(&self, message: &[u8], code: &[u8]) -> bool {
        self.mac(message).verify_slice(code).is_ok()
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.head.as_slice())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(message);
        mac
    }
}

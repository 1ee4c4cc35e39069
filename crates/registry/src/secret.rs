//! A token's secret: shown once, kept as a hash.
//!
//! `idl_<id>_<43 characters of base64url>`: a prefix that secret scanners find, the token's public
//! id, and 256 random bits.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "idl_";
const ID_BYTES: usize = 12;
const SECRET_BYTES: usize = 43;

/// The public id of a token: 12 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// Reads an id; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == ID_BYTES && text.bytes().all(digits)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands in the place of a token's id when the operator acts. It is no token's id.
    pub(crate) fn operator() -> Self {
        Self("operator".to_owned())
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token as its holder has it. Neither printed nor logged by accident.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Makes a secret of random bytes.
    pub fn new(random: &[u8; 38]) -> Self {
        let (id, secret) = random.split_at(6);
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret)))
    }

    /// Reads what a client presented; `None` when it does not look like a token.
    pub fn parse(text: &str) -> Option<(TokenId, Self)> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let id = TokenId::parse(id)?;
        (secret.len() == SECRET_BYTES).then(|| (id, Self(text.to_owned())))
    }

    /// Its public id.
    pub fn id(&self) -> TokenId {
        TokenId(self.0.get(PREFIX.len()..PREFIX.len() + ID_BYTES).unwrap_or_default().to_owned())
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> String {
        STANDARD.encode(Sha256::digest(self.0.as_bytes()))
    }

    /// Whether it is the one that a hash was taken of, in constant time.
    pub fn has_hash(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_its_id_and_known_by_its_hash() {
        let secret = Secret::new(&[7; 38]);
        let (id, read) = Secret::parse(secret.expose()).unwrap();
        assert_eq!(id, secret.id());
        assert!(read.has_hash(&secret.hash()));
        assert!(!read.has_hash(&Secret::new(&[8; 38]).hash()));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for bad in [
            "",
            "idl_",
            "idl_x_y",
            "Bearer",
            &secret.expose()[1..],
            &format!("{}x", secret.expose()),
        ] {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
    }
}

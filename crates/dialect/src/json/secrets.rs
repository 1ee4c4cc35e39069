//! What must never leave a reader.

/// The longest of the names below, with room for marks between words.
const NAME_BYTES_MAX: usize = 24;

/// Whether a member of that name holds a credential, whatever is in it: its name is one of these, in
/// any case and with any marks between words.
pub(crate) fn is_secret_name(name: &str) -> bool {
    if name.len() > NAME_BYTES_MAX {
        return false;
    }
    let mut letters = [0; NAME_BYTES_MAX];
    let mut size = 0;
    let marks = |byte: &u8| matches!(byte, b'_' | b'-' | b'.' | b' ');
    for (slot, byte) in letters.iter_mut().zip(name.bytes().filter(|byte| !marks(byte))) {
        *slot = byte.to_ascii_lowercase();
        size += 1;
    }
    matches!(
        letters.get(..size).unwrap_or_default(),
        b"token"
            | b"sid"
            | b"refreshtoken"
            | b"accesstoken"
            | b"idtoken"
            | b"authtoken"
            | b"sessiontoken"
            | b"bearertoken"
            | b"password"
            | b"newpassword"
            | b"oldpassword"
            | b"passwd"
            | b"authorization"
            | b"secretkey"
            | b"secretaccesskey"
            | b"clientsecret"
            | b"apikey"
            | b"privatekey"
    )
}

/// Whether a text holds a signed token anywhere: base64url parts with dots between them, the first a
/// JSON object (RFC 7519; `eyJ` is how `{"` begins). Three parts are one, and so are two when the
/// second is a JSON object as well: a token that was cut off.
pub(crate) fn has_token(text: &str) -> bool {
    let mut rest = text.as_bytes();
    // The capital is the rarest of the three.
    while let Some(at) = memchr::memchr(b'J', rest) {
        let begins = rest.get(..at).is_some_and(|before| before.ends_with(b"ey"));
        rest = rest.get(at + 1..).unwrap_or_default();
        if !begins {
            continue;
        }
        // Another start within the same part would end the same way, so every byte is looked at
        // twice at most.
        rest = behind_part(rest);
        let claims = rest.strip_prefix(b".").unwrap_or_default();
        let signature = behind_part(claims);
        let three = signature.len() < claims.len() && signature.first() == Some(&b'.');
        if three || claims.starts_with(b"eyJ") {
            return true;
        }
    }
    false
}

/// What follows the base64url that a text begins with.
fn behind_part(bytes: &[u8]) -> &[u8] {
    let size = bytes.iter().take_while(|byte| is_base64url(**byte)).count();
    bytes.get(size..).unwrap_or_default()
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_known_by_its_name() {
        for (name, secret) in [
            ("token", true),
            ("Token", true),
            ("refreshToken", true),
            ("refresh_token", true),
            ("secretKey", true),
            ("Authorization", true),
            ("sid", true),
            ("x", false),
            ("side", false),
            ("tokens", false),
            ("nextPageToken", false),
            ("", false),
        ] {
            assert_eq!(is_secret_name(name), secret, "{name}");
        }
    }

    #[test]
    fn a_signed_token_is_known_by_its_form() {
        for (text, token) in [
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.xxxx", true),
            ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.x-_x in a sentence", true),
            ("https://x/?sid=eyJh.eyJz.", true),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0", true),
            ("eyJhbGciOiJIUzI1NiJ9", false),
            ("they said eyJ", false),
            ("eyJ", false),
            ("eyJ.", false),
            ("eyJ..", false),
            ("eyJ.a", false),
            ("eyJ.a.", true),
            ("xeyJeyJ.a.b", true),
            ("eyJ.eyJ.eyJ", true),
            ("eyJ!eyJ.a.", true),
            ("JJeyJJ eyJa.b", false),
            ("eyJ eyJa.b.c", true),
            ("", false),
        ] {
            assert_eq!(has_token(text), token, "{text}");
        }
    }
}

//! What must never leave a reader.

/// Names of members that hold a credential, in lower case without marks between words.
const SECRET_NAMES: [&str; 17] = [
    "token",
    "sid",
    "refreshtoken",
    "accesstoken",
    "idtoken",
    "authtoken",
    "sessiontoken",
    "bearertoken",
    "password",
    "newpassword",
    "oldpassword",
    "passwd",
    "authorization",
    "secretkey",
    "clientsecret",
    "apikey",
    "privatekey",
];

/// Whether a member of that name holds a credential, whatever is in it.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let letters = || {
        name.bytes()
            .filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' '))
            .map(|byte| byte.to_ascii_lowercase())
    };
    // The longest name above, and no more work than that for a name that is longer.
    name.len() <= 32 && SECRET_NAMES.iter().any(|secret| letters().eq(secret.bytes()))
}

/// Whether a text holds a signed token anywhere: three base64url parts, the first a JSON object
/// (RFC 7519; `eyJ` is how `{"` begins).
pub(crate) fn has_token(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, b"eyJ").any(|start| {
        let mut rest = bytes.get(start..).unwrap_or_default();
        for part in 0..3 {
            let size = rest.iter().take_while(|b| is_base64url(**b)).count();
            if size == 0 && part < 2 {
                return false;
            }
            rest = rest.get(size..).unwrap_or_default();
            if part < 2 {
                let Some(after) = rest.strip_prefix(b".") else { return false };
                rest = after;
            }
        }
        true
    })
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
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0", false),
            ("eyJhbGciOiJIUzI1NiJ9", false),
            ("they said eyJ", false),
            ("eyJ eyJa.b.c", true),
            ("", false),
        ] {
            assert_eq!(has_token(text), token, "{text}");
        }
    }
}

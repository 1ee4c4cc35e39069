//! The small words that all C2SP texts are made of: decimals, hexadecimal key IDs, base64.
//!
//! Each value has exactly one spelling; every other spelling is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Reads an ASCII decimal without sign and without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads eight lower-case hexadecimal digits.
pub(crate) fn hex32(text: &str) -> Option<u32> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == 8 && text.bytes().all(lower)).then(|| u32::from_str_radix(text, 16).ok())?
}

/// Reads canonical, padded standard base64 (RFC 4648 section 4).
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Writes padded standard base64.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        for (text, value) in [("0", 0), ("7", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(decimal(text), Some(value), "{text}");
        }
        for text in ["", "00", "01", "+1", "-1", "1 ", " 1", "1_0", "0x1", "18446744073709551616"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
        assert_eq!(decimal("١"), None, "a digit, but not ASCII");
    }

    #[test]
    fn key_ids_are_eight_lower_case_digits() {
        assert_eq!(hex32("33d7b496"), Some(0x33d7_b496));
        for text in ["", "33D7B496", "33d7b49", "33d7b4960", "+3d7b496", "0x33d7b4"] {
            assert_eq!(hex32(text), None, "{text:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(base64_decode("AQ=="), Some(vec![1]));
        for text in ["AQ", "AQ=", "AR==", "A Q==", "AQ==\n", "AQ===", "_-8="] {
            assert_eq!(base64_decode(text), None, "{text:?}");
        }
    }
}

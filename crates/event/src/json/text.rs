//! Strings: from JSON and to JSON.

use std::borrow::Cow;

/// How many bytes at the front stand in a JSON string as they are: all but `"`, `\` and the controls
/// U+0000 to U+001F.
pub(super) fn plain_size(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut size = 0;
    for word in words {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            // The lowest set bit is the high bit of the first byte that is special.
            return size + special.trailing_zeros() as usize / 8;
        }
        size += 8;
    }
    size + tail.iter().take_while(|byte| !is_special(**byte)).count()
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The high bit of each byte that must be escaped; bits above the lowest one set may be wrong, because
/// subtraction borrows upwards.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 0x80;
    const fn zero_bytes(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let quotes = zero_bytes(word ^ (ONES * b'"' as u64));
    let backslashes = zero_bytes(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS
}

/// Appends a JSON string with this content, quotes included.
pub fn write_string(out: &mut Vec<u8>, content: &str) {
    out.push(b'"');
    let mut rest = content.as_bytes();
    loop {
        let (plain, tail) = rest.split_at(plain_size(rest).min(rest.len()));
        out.extend_from_slice(plain);
        let Some((byte, after)) = tail.split_first() else { break };
        write_escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            for nibble in [byte >> 4, byte & 15] {
                out.push(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// The content of a JSON string whose text between the quotes is `raw`; `None` for a lone surrogate.
/// The scanner has checked every escape's form before.
pub(crate) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Some(Cow::Borrowed(raw));
    };
    let mut out = String::with_capacity(raw.len());
    let (plain, mut rest) = raw.split_at_checked(first)?;
    out.push_str(plain);
    while let Some((plain, tail)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = tail.chars();
        let escaped = chars.next()?;
        rest = chars.as_str();
        match escaped {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let (unit, after) = code_unit(rest)?;
                rest = after;
                let code = if (0xD800..0xDC00).contains(&unit) {
                    let (low, after) = code_unit(rest.strip_prefix("\\u")?)?;
                    rest = after;
                    if !(0xDC00..0xE000).contains(&low) {
                        return None;
                    }
                    0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    unit
                };
                out.push(char::from_u32(code)?);
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    // `from_str_radix` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_special_byte_is_found_at_every_place_after_every_byte() {
        for before in 0..=255_u8 {
            for at in 0..20 {
                for special in [0, 0x1F, b'"', b'\\'] {
                    let mut bytes = [before; 24];
                    bytes[at] = special;
                    let expected = if is_special(before) { 0 } else { at };
                    assert_eq!(plain_size(&bytes), expected, "{before} {at} {special}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn plain_bytes_are_counted_as_one_by_one(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let expected = bytes.iter().position(|byte| is_special(*byte)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_size(&bytes), expected);
        }

        #[test]
        fn what_is_written_is_what_serde_json_writes_and_reads_back(content in any::<String>()) {
            let mut out = Vec::new();
            write_string(&mut out, &content);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&content).unwrap());
            let back = unescape(&text[1..text.len() - 1]).unwrap();
            prop_assert_eq!(back, content);
        }
    }
}

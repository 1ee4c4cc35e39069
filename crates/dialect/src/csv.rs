//! Cells of comma-separated values (RFC 4180), and the one guard against formulas.

/// Appends a cell, between quotes where it needs them. With `guard`, one that a spreadsheet would run
/// begins with `'`; then the cell is not exact.
pub fn write_cell(out: &mut Vec<u8>, text: &str, guard: bool) {
    let guarded = guard && is_formula(text);
    let bytes = text.as_bytes();
    let special = memchr::memchr3(b',', b'"', b'\n', bytes).is_some()
        || memchr::memchr(b'\r', bytes).is_some()
        || bytes.first() == Some(&b' ')
        || bytes.last() == Some(&b' ');
    if special {
        out.push(b'"');
    }
    if guarded {
        out.push(b'\'');
    }
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'"', rest) {
        let (before, after) = rest.split_at(at + 1);
        out.extend_from_slice(before);
        out.push(b'"');
        rest = after;
    }
    out.extend_from_slice(rest);
    if special {
        out.push(b'"');
    }
}

/// Whether a spreadsheet would run the cell. Numbers with a sign are left as they are.
fn is_formula(text: &str) -> bool {
    let Some((first, rest)) = text.as_bytes().split_first() else { return false };
    match first {
        b'=' | b'@' | b'\t' | b'\r' => true,
        b'+' | b'-' => {
            let number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
            rest.is_empty() || !rest.iter().all(number)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_exact_or_harmless() {
        for (text, exact, guarded) in [
            ("", "", ""),
            ("a b", "a b", "a b"),
            (" a", "\" a\"", "\" a\""),
            ("a,\"b\"\n", "\"a,\"\"b\"\"\n\"", "\"a,\"\"b\"\"\n\""),
            ("=1+1", "=1+1", "'=1+1"),
            ("@x", "@x", "'@x"),
            ("-5.5", "-5.5", "-5.5"),
            ("+49 30", "+49 30", "'+49 30"),
            ("-", "-", "'-"),
            ("\t=1", "\t=1", "'\t=1"),
            ("=\"a\"", "\"=\"\"a\"\"\"", "\"'=\"\"a\"\"\""),
        ] {
            for (guard, expected) in [(false, exact), (true, guarded)] {
                let mut out = Vec::new();
                write_cell(&mut out, text, guard);
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{text:?} {guard}");
            }
        }
    }
}

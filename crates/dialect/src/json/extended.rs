//! What MongoDB writes beyond JSON: shell constructors and Extended JSON, to relaxed Extended JSON v2.

use event::json::write_string;

use super::normal::{Read, Reader};

/// Whether a text is a number as JSON writes it.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// Reads what follows a bare word and writes the value that it stands for.
pub(super) fn constructor(reader: &mut Reader<'_>, word: &str) -> Read<()> {
    match word {
        "ObjectId" => wrapped(reader, "$oid"),
        "ISODate" => wrapped(reader, "$date"),
        "UUID" => wrapped(reader, "$uuid"),
        "NumberDecimal" | "Decimal128" => wrapped(reader, "$numberDecimal"),
        "NumberLong" | "NumberInt" | "Long" | "Int32" | "Double" => number(reader),
        "Date" => date(reader),
        "new" => {
            reader.space();
            let word = reader.run(|byte| byte.is_ascii_alphanumeric());
            if word.is_empty() || word == "new" {
                return Err(reader.fault("expected a constructor after `new`"));
            }
            constructor(reader, word)
        }
        "Timestamp" => timestamp(reader),
        "BinData" => binary(reader),
        "NaN" | "Infinity" => {
            write(reader, &["{\"$numberDouble\":\"", word, "\"}"]);
            Ok(())
        }
        "undefined" => {
            write(reader, &["{\"$undefined\":true}"]);
            Ok(())
        }
        "MinKey" | "MaxKey" => {
            let name = if word == "MinKey" { "{\"$minKey\":1}" } else { "{\"$maxKey\":1}" };
            write(reader, &[name]);
            if reader.take(b'(') {
                close(reader)?;
            }
            Ok(())
        }
        _ => {
            Err(reader
                .fault("expected a JSON value; this word is none that MongoDB's shells write"))
        }
    }
}

/// Reads what follows a minus that no digit follows.
pub(super) fn minus_infinity(reader: &mut Reader<'_>) -> Read<()> {
    if reader.run(|byte| byte.is_ascii_alphabetic()) != "Infinity" {
        return Err(reader.fault("expected a number after `-`"));
    }
    write(reader, &["{\"$numberDouble\":\"-Infinity\"}"]);
    Ok(())
}

fn write(reader: &mut Reader<'_>, parts: &[&str]) {
    for part in parts {
        reader.out.extend_from_slice(part.as_bytes());
    }
}

fn open(reader: &mut Reader<'_>) -> Read<()> {
    reader.space();
    if !reader.take(b'(') {
        return Err(reader.fault("expected `(`"));
    }
    reader.space();
    Ok(())
}

fn close(reader: &mut Reader<'_>) -> Read<()> {
    reader.space();
    if reader.take(b')') { Ok(()) } else { Err(reader.fault("expected `)`")) }
}

fn wrapped(reader: &mut Reader<'_>, name: &str) -> Read<()> {
    open(reader)?;
    let content = reader.content()?;
    close(reader)?;
    write(reader, &["{\"", name, "\":"]);
    write_string(&mut reader.out, &content);
    write(reader, &["}"]);
    Ok(())
}

/// The digits of a number, with quotes around them or without.
fn digits(reader: &mut Reader<'_>) -> Read<String> {
    let text = if matches!(reader.peek(), Some(b'"' | b'\'')) {
        reader.content()?.into_owned()
    } else {
        reader.run(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).to_owned()
    };
    if is_number(&text) { Ok(text) } else { Err(reader.fault("expected a number")) }
}

fn number(reader: &mut Reader<'_>) -> Read<()> {
    open(reader)?;
    let text = digits(reader)?;
    close(reader)?;
    write(reader, &[&text]);
    Ok(())
}

fn date(reader: &mut Reader<'_>) -> Read<()> {
    open(reader)?;
    if matches!(reader.peek(), Some(b'"' | b'\'')) {
        let content = reader.content()?;
        write(reader, &["{\"$date\":"]);
        write_string(&mut reader.out, &content);
        write(reader, &["}"]);
        return close(reader);
    }
    let text = digits(reader)?;
    close(reader)?;
    write_date(&mut reader.out, &text);
    Ok(())
}

/// Writes `$date` of milliseconds as text where there is a year for them, as relaxed form demands.
fn write_date(out: &mut Vec<u8>, millis: &str) {
    let moment = millis
        .parse::<i64>()
        .ok()
        .filter(|millis| (0..=253_402_300_799_999).contains(millis))
        .map(|millis| event::format_micros(millis.saturating_mul(1_000)));
    out.extend_from_slice(b"{\"$date\":");
    if let Some(moment) = moment {
        out.push(b'"');
        // Microseconds are always zero here.
        out.extend_from_slice(moment.strip_suffix("000Z").unwrap_or(&moment).as_bytes());
        out.extend_from_slice(b"Z\"");
    } else {
        out.extend_from_slice(b"{\"$numberLong\":\"");
        out.extend_from_slice(millis.as_bytes());
        out.extend_from_slice(b"\"}");
    }
    out.push(b'}');
}

fn timestamp(reader: &mut Reader<'_>) -> Read<()> {
    open(reader)?;
    let object = reader.take(b'{');
    if object {
        reader.space();
    }
    let mut parts = Vec::new();
    for name in ["t", "i"] {
        if object {
            let quoted = reader.take(b'"');
            let known = reader.run(|byte| byte.is_ascii_alphabetic()) == name;
            if !known || (quoted && !reader.take(b'"')) {
                return Err(reader.fault("expected the members `t` and `i`"));
            }
            reader.space();
            if !reader.take(b':') {
                return Err(reader.fault("expected `:` after a member's name"));
            }
            reader.space();
        }
        parts.push(digits(reader)?);
        if name == "t" && reader.comma_or(b')')? {
            return Err(reader.fault("expected two numbers"));
        }
    }
    reader.space();
    if object && !reader.take(b'}') {
        return Err(reader.fault("expected a closing bracket"));
    }
    close(reader)?;
    if let [t, i] = parts.as_slice() {
        write(reader, &["{\"$timestamp\":{\"t\":", t, ",\"i\":", i, "}}"]);
    }
    Ok(())
}

fn binary(reader: &mut Reader<'_>) -> Read<()> {
    open(reader)?;
    let kind = digits(reader)?.parse::<u8>();
    let kind = kind.map_err(|_| reader.fault("expected a binary subtype"))?;
    if reader.comma_or(b')')? {
        return Err(reader.fault("expected the binary data"));
    }
    let content = reader.content()?;
    close(reader)?;
    write(reader, &["{\"$binary\":{\"base64\":"]);
    write_string(&mut reader.out, &content);
    write(reader, &[",\"subType\":\"", &format!("{kind:02x}"), "\"}}"]);
    Ok(())
}

/// Takes the wrapping from an object with one member that ends the output, where relaxed form
/// writes the bare value.
pub(super) fn unwrap(out: &mut Vec<u8>, start: usize) {
    let object = out.get(start..).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let Some(inner) = object.and_then(|text| text.strip_prefix("{\"$")) else { return };
    let Some((name, value)) = inner.strip_suffix('}').and_then(|inner| inner.split_once("\":"))
    else {
        return;
    };
    match name {
        "numberInt" | "numberLong" | "numberDouble" => {
            let digits = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            if let Some(digits) = digits.filter(|digits| is_number(digits)) {
                let digits = digits.to_owned();
                out.truncate(start);
                out.extend_from_slice(digits.as_bytes());
            }
        }
        "date" if is_number(value) => {
            let millis = value.to_owned();
            out.truncate(start);
            write_date(out, &millis);
        }
        _ => {}
    }
}

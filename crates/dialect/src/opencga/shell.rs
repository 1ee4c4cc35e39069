//! From the normal form to what MongoDB's legacy shell writes.

use event::json::write_string;

use crate::members::{Members, items, string};

/// A record as one document of the shell.
pub(super) fn document(record: &Members<'_>) -> String {
    let mut out = Vec::new();
    out.push(b'{');
    for (position, (name, json)) in record.iter().enumerate() {
        member(&mut out, position, name);
        match (name, json.parse::<i64>()) {
            // The one field that OpenCGA always stores in 64 bits.
            ("date", Ok(number)) => long(&mut out, number),
            _ => value(&mut out, json),
        }
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

fn member(out: &mut Vec<u8>, position: usize, name: &str) {
    if position > 0 {
        out.push(b',');
    }
    write_string(out, name);
    out.push(b':');
}

fn long(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(format!("NumberLong(\"{number}\")").as_bytes());
}

fn value(out: &mut Vec<u8>, json: &str) {
    if let Some(object) = Members::parse(json) {
        if let Some(text) = constructor(&object) {
            return out.extend_from_slice(text.as_bytes());
        }
        out.push(b'{');
        for (position, (name, json)) in object.iter().enumerate() {
            member(out, position, name);
            value(out, json);
        }
        return out.push(b'}');
    }
    if let Some(items) = items(json) {
        out.push(b'[');
        for (position, item) in items.into_iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            value(out, item);
        }
        return out.push(b']');
    }
    match json.parse::<i64>() {
        // The shell takes a bare number for a double, which has no more than 53 bits.
        Ok(number) if i32::try_from(number).is_err() => long(out, number),
        _ => out.extend_from_slice(json.as_bytes()),
    }
}

/// The shell's way to write what has a type of MongoDB's own.
fn constructor(object: &Members<'_>) -> Option<String> {
    let mut members = object.iter();
    let (Some((name, json)), None) = (members.next(), members.next()) else { return None };
    let name = match name {
        "$oid" => "ObjectId",
        "$date" => "ISODate",
        "$numberDecimal" => "NumberDecimal",
        "$uuid" => "UUID",
        _ => return None,
    };
    string(json)?;
    Some(format!("{name}({json})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_mongodb_are_written_as_constructors() {
        let record = r#"{"_id":{"$oid":"66"},"n":5,"big":5000000000,"d":1.50,"at":{"$date":"2024-05-22T12:57:50.511Z"},"l":[{"$oid":"67"},{"$oid":7}],"date":5,"e":{}}"#;
        assert_eq!(
            document(&Members::parse(record).unwrap()),
            r#"{"_id":ObjectId("66"),"n":5,"big":NumberLong("5000000000"),"d":1.50,"at":ISODate("2024-05-22T12:57:50.511Z"),"l":[ObjectId("67"),{"$oid":7}],"date":NumberLong("5"),"e":{}}"#,
        );
    }
}

//! `docs/format.md` says what is true: its examples, its vectors, and its table of members.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::{Entry, Event, Json, digest, id_key};

use crate::golden::{FULL, FULL_ENTRY, MINIMAL, MINIMAL_ENTRY};
use crate::record::{from_hex, hex, leaf_hash, stamp, write};

const DOCUMENT: &str = include_str!("../../../../docs/format.md");

/// A row of the table of members.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) at: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) bytes_max: usize,
    pub(crate) needed: bool,
    pub(crate) detached: bool,
}

impl Member {
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, "text" | "prose" | "time") || self.kind.starts_with('`')
    }
}

/// The members of an event, in their order.
pub(crate) fn members() -> Vec<Member> {
    let rows: Vec<Member> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `/"))
        .map(|row| {
            let at = row.split_once('`').unwrap().0;
            let start = DOCUMENT.find(&format!("`/{at}` |")).unwrap() + 1;
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            Member {
                at: &DOCUMENT[start..=start + at.len()],
                kind: cells[1],
                bytes_max: cells[2].replace(',', "").parse().unwrap_or_default(),
                needed: cells[3] == "yes",
                detached: cells[4] == "may be",
            }
        })
        .collect();
    assert_eq!(rows.len(), 78);
    rows
}

/// The fenced blocks whose first line is this, in their order.
fn blocks(opening: &str) -> Vec<&'static str> {
    let fence = format!("```{opening}\n");
    DOCUMENT
        .split(fence.as_str())
        .skip(1)
        .map(|after| after.split("\n```").next().unwrap())
        .collect()
}

fn block(opening: &str) -> &'static str {
    let found = blocks(opening);
    assert_eq!(found.len(), 1, "{opening}");
    found[0]
}

/// Groups of `name: value` lines with an empty line between them.
fn vectors(opening: &str) -> Vec<Vec<(&'static str, &'static str)>> {
    block(opening)
        .split("\n\n")
        .map(|group| {
            group
                .lines()
                .map(|line| line.split_once(':').map(|(name, value)| (name, value.trim())).unwrap())
                .collect()
        })
        .collect()
}

#[test]
fn its_examples_are_the_golden_files() {
    for (name, event, entry) in [("minimal", MINIMAL, MINIMAL_ENTRY), ("full", FULL, FULL_ENTRY)] {
        assert_eq!(block(&format!("json event:{name}")), event.trim_end());
        assert_eq!(block(&format!("json entry:{name}")), entry);
        assert_eq!(block(&format!("text leaf:{name}")), leaf_hash(entry));
        assert!(DOCUMENT.contains(&format!("this entry of {} bytes", entry.len())));
    }
}

#[test]
fn its_detached_example_is_what_is_written() {
    let salt: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert!(DOCUMENT.contains(&format!("`{}`, is the entry", hex(&salt))));
    let params = format!("\"{}\"", "x".repeat(20_000));
    let mut event = Event::parse(MINIMAL).unwrap();
    event.params = Some(Json::parse(&params).unwrap());
    let draft = event::Draft::new(&event, None, &mut || salt).unwrap();
    let entry = write(&stamp(), &draft);
    assert_eq!(block("json entry:detached"), entry);
    assert_eq!(block("text leaf:detached"), leaf_hash(&entry));
    assert!(entry.contains(&format!("\"detached\":[{}]", block("json item"))));
}

#[test]
fn its_digests_are_true() {
    for group in vectors("text digest") {
        let [("salt", salt), ("at", at), ("value", value), ("digest", expected)] = group[..] else {
            panic!("{group:?}");
        };
        let salt: [u8; 32] = from_hex(salt).try_into().unwrap();
        assert_eq!(STANDARD.encode(digest(&salt, at, value.as_bytes())), expected);
        assert_eq!(Json::parse(value).unwrap().as_str(), value);
    }
}

#[test]
fn its_idempotency_keys_are_true() {
    for group in vectors("text key") {
        let [("system", system), ("id", id), ("key", expected)] = group[..] else {
            panic!("{group:?}");
        };
        assert_eq!(hex(&id_key(system, id)), expected);
    }
}

/// Every run of this many characters of an alphabet in a text.
fn runs(text: &str, size: usize, alphabet: fn(char) -> bool) -> Vec<&str> {
    text.split(|c: char| !alphabet(c)).filter(|run| run.len() >= size).collect()
}

#[test]
fn no_hash_in_it_stands_outside_of_what_is_checked() {
    let ours = DOCUMENT.split("\n## 5. ").next().unwrap();
    let mut checked = String::new();
    for opening in [
        "json entry:minimal",
        "json entry:full",
        "json entry:detached",
        "json item",
        "text leaf:minimal",
        "text leaf:full",
        "text leaf:detached",
        "text digest",
        "text key",
    ] {
        checked.push_str(block(opening));
        checked.push('\n');
    }
    let hashes = runs(ours, 32, |c| matches!(c, '0'..='9' | 'a'..='f'));
    let base64 = runs(ours, 43, |c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'));
    assert!(hashes.len() >= 9 && base64.len() >= 5, "{hashes:?} {base64:?}");
    for hash in hashes.iter().chain(&base64) {
        assert!(checked.contains(hash), "{hash}");
    }
}

#[test]
fn its_table_has_every_member_in_the_order_of_the_bytes() {
    let entry = &FULL_ENTRY[FULL_ENTRY.find(",\"id\":").unwrap()..];
    let mut rest = entry;
    for member in members() {
        let name = member.at.rsplit('/').next().unwrap();
        let found = rest.find(&format!("\"{name}\":"));
        assert!(found.is_some(), "{} is not after what comes before it", member.at);
        rest = &rest[found.unwrap() + name.len()..];
    }
}

#[test]
fn its_table_says_what_may_be_detached() {
    for member in members().iter().filter(|member| !member.at.contains('*')) {
        let holed = put(FULL_ENTRY, member.at, "null");
        let list = format!(
            ",\"detached\":[{{\"at\":\"{}\",\"size\":1,\"digest\":\"{}\"}}],\"native\":",
            member.at,
            STANDARD.encode([0; 32])
        );
        let listed = holed.replacen(",\"native\":", &list, 1);
        assert_eq!(Entry::parse(&listed).is_ok(), member.detached, "{}", member.at);
        assert!(Entry::parse(&holed).is_err(), "{} is null but not listed", member.at);
    }
}

/// The text with another value at a pointer.
pub(crate) fn put(text: &str, at: &str, value: &str) -> String {
    let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
    *json.pointer_mut(at).unwrap_or_else(|| panic!("no {at}")) = "@here@".into();
    json.to_string().replacen("\"@here@\"", value, 1)
}

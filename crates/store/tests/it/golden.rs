//! Version 1 of the journal's bytes, as a program that is not this one wrote them: each hash taken
//! over the parts that the format names, with integers packed big-endian.

use bytes::Bytes;
use store::{Frame, Memory, ObjectPath, Replay, Store};

const SEVEN: &[u8] = include_bytes!("../fixtures/v1/journal/0000000000000007");
const EIGHT: &[u8] = include_bytes!("../fixtures/v1/journal/0000000000000008");

fn frame(stage: impl Into<Bytes>, head: &'static str) -> Frame {
    Frame { stage: stage.into(), head: head.into() }
}

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).unwrap()
}

fn all_bytes() -> Bytes {
    (0..=255).collect::<Vec<u8>>().into()
}

#[test]
fn version_1_stays_readable() {
    let memory = Memory::default();
    memory.write_raw(&path("j/0000000000000007"), SEVEN);
    memory.write_raw(&path("j/0000000000000008"), EIGHT);
    let (journal, replay) = memory.open_journal(&path("j")).unwrap().unwrap();
    let Replay { base, frames, torn, set_aside } = replay;
    assert_eq!(base, "head of seven");
    assert_eq!(
        frames,
        [
            frame("the first batch", "size 1"),
            frame("", ""),
            frame(all_bytes(), "size 256"),
            frame("after the rotation", "size 257"),
        ]
    );
    assert_eq!((torn, set_aside), (None, vec![]));
    assert_eq!(journal.size_bytes(), (SEVEN.len() + EIGHT.len()) as u64);
}

#[test]
fn version_1_is_what_is_written() {
    let memory = Memory::default();
    let mut journal = memory.create_journal(&path("j"), b"head of seven").unwrap();
    for number in 2..=7 {
        assert_eq!(journal.rotate().unwrap(), number);
    }
    journal.commit(b"head of seven", &[b"the first", b" batch"], b"size 1").unwrap();
    journal.commit(b"size 1", &[], b"").unwrap();
    journal.commit(b"", &[&all_bytes()], b"size 256").unwrap();
    journal.rotate().unwrap();
    journal.commit(b"size 256", &[b"after the rotation"], b"size 257").unwrap();
    assert_eq!(memory.get(&path("j/0000000000000007")).unwrap().unwrap(), SEVEN);
    assert_eq!(memory.get(&path("j/0000000000000008")).unwrap().unwrap(), EIGHT);
}

#[test]
fn the_example_on_the_format_page_is_right() {
    let page = include_str!("../../../../docs/format.md");
    let (_, rest) = page.split_once("```journal\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let digits: Vec<char> = example.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    let example: Vec<u8> = digits.chunks(2).map(byte).collect();

    let memory = Memory::default();
    let mut journal = memory.create_journal(&path("j"), b"zero").unwrap();
    journal.commit(b"zero", &[b"one event"], b"one").unwrap();
    assert_eq!(memory.get(&path("j/0000000000000001")).unwrap().unwrap(), example);
}

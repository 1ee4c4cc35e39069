//! The kinds of value that members have, each checked and named in its fault.

use std::borrow::Cow;

use crate::json::{Scanner, pointer_token};
use crate::limits::PROSE_BYTES_MAX;
use crate::{Invalid, Json, Moment, Rule};

pub(crate) type Parsed<T> = Result<T, Invalid>;

/// Whether an event or an entry is being read, and what was found detached so far.
#[derive(Debug)]
pub(crate) struct Reading {
    entry: bool,
    /// Pointers of the members where `null` stands.
    holes: Vec<&'static str>,
}

impl Reading {
    /// Nothing is detached and every member is known.
    pub(crate) fn of_an_event() -> Self {
        Self { entry: false, holes: Vec::new() }
    }

    /// Values may be detached, and members that a later version added are passed over.
    pub(crate) fn of_an_entry() -> Self {
        Self { entry: true, holes: Vec::new() }
    }

    pub(crate) fn is_entry(&self) -> bool {
        self.entry
    }

    /// Pointers of the members where `null` stands.
    pub(crate) fn holes(&self) -> &[&'static str] {
        &self.holes
    }

    /// Fills the slot of a member that may be detached.
    pub(crate) fn fill<'a, T>(
        &mut self,
        s: &mut Scanner<'a>,
        slot: &mut Option<T>,
        at: &'static str,
        read: impl FnOnce(&mut Scanner<'a>, &'static str) -> Parsed<T>,
    ) -> Parsed<()> {
        let hole = self.entry && s.peek() == Some(b'n');
        let value = if hole {
            s.value()?;
            None
        } else {
            Some(read(s, at)?)
        };
        if slot.is_some() || self.holes.contains(&at) {
            return Err(duplicate(at));
        }
        if hole {
            self.holes.push(at);
        }
        *slot = value;
        Ok(())
    }

    /// Fills the slot of a text that may be detached.
    pub(crate) fn text<'a>(
        &mut self,
        s: &mut Scanner<'a>,
        slot: &mut Option<Cow<'a, str>>,
        at: &'static str,
        bytes_max: usize,
    ) -> Parsed<()> {
        self.fill(s, slot, at, |s, at| plain_text(s, at, bytes_max))
    }

    /// Meets a member that this version does not have.
    pub(crate) fn unknown(&self, s: &mut Scanner<'_>, parent: &str, key: &str) -> Parsed<()> {
        unknown(s, self.entry, parent, key)
    }
}

/// Passes over a member that this version does not have, if it stands in an entry.
pub(super) fn unknown(s: &mut Scanner<'_>, entry: bool, parent: &str, key: &str) -> Parsed<()> {
    if entry {
        return s.value().map(drop);
    }
    let name: String = key.chars().take(64).collect();
    Err(Invalid::new(
        format!("{parent}/{}", pointer_token(&name)),
        Rule::Unknown,
        "no such member; put what has no place of its own under `attributes`",
    ))
}

pub(crate) fn wrong(at: &str, expected: &str) -> Invalid {
    Invalid::new(at, Rule::Type, format!("expected {expected}"))
}

fn duplicate(at: &str) -> Invalid {
    Invalid::new(at, Rule::Duplicate, "stands twice; keep one")
}

fn empty(at: &str) -> Invalid {
    Invalid::new(at, Rule::Empty, "is empty; leave the member out")
}

pub(crate) fn required<T>(value: Option<T>, at: &str) -> Parsed<T> {
    value.ok_or_else(|| Invalid::new(at, Rule::Required, "is required; add it"))
}

/// Fills the slot of a member that is never detached.
pub(crate) fn once<T>(slot: &mut Option<T>, at: &str, value: T) -> Parsed<()> {
    if slot.is_some() {
        return Err(duplicate(at));
    }
    *slot = Some(value);
    Ok(())
}

/// The slot of a part, which is read into its place.
pub(super) fn vacant<'s, T: Default>(slot: &'s mut Option<T>, at: &str) -> Parsed<&'s mut T> {
    if slot.is_some() {
        return Err(duplicate(at));
    }
    Ok(slot.insert(T::default()))
}

/// The fault of a value of another kind: what it is instead, if it is JSON at all.
#[cold]
fn mismatch(s: &mut Scanner<'_>, at: &str, expected: &str) -> Invalid {
    let null = s.peek() == Some(b'n');
    match s.pass() {
        Err(fault) => fault,
        Ok(()) if null => is_null(at),
        Ok(()) => wrong(at, expected),
    }
}

fn is_null(at: &str) -> Invalid {
    Invalid::new(at, Rule::Empty, "is null; leave the member out")
}

/// Reads an object, giving each member's name to `member`.
pub(crate) fn object<'a>(
    s: &mut Scanner<'a>,
    at: &str,
    mut member: impl FnMut(&mut Scanner<'a>, &str) -> Parsed<()>,
) -> Parsed<()> {
    if !s.take(b'{') {
        return Err(mismatch(s, at, "an object"));
    }
    s.descend()?;
    s.skip_space();
    if !s.take(b'}') {
        loop {
            let key = s.string()?;
            s.colon()?;
            member(s, &key)?;
            if s.comma_or(b'}')? {
                break;
            }
        }
    }
    s.ascend();
    Ok(())
}

/// Reads an object that needs none of its members, but at least one.
pub(super) fn object_of_some<'a>(
    s: &mut Scanner<'a>,
    at: &str,
    mut member: impl FnMut(&mut Scanner<'a>, &str) -> Parsed<()>,
) -> Parsed<()> {
    let mut some = false;
    object(s, at, |s, key| {
        some = true;
        member(s, key)
    })?;
    if some { Ok(()) } else { Err(empty(at)) }
}

/// Reads an array, giving each item's place to `item`, which reads it.
pub(crate) fn array<'a>(
    s: &mut Scanner<'a>,
    at: &str,
    count_max: usize,
    mut item: impl FnMut(&mut Scanner<'a>) -> Parsed<()>,
) -> Parsed<()> {
    if !s.take(b'[') {
        return Err(mismatch(s, at, "an array"));
    }
    s.descend()?;
    s.skip_space();
    if s.take(b']') {
        return Err(empty(at));
    }
    for position in 0.. {
        if position == count_max {
            let message = format!("has more than {count_max} items; send fewer");
            return Err(Invalid::new(at, Rule::TooLong, message));
        }
        item(s).map_err(|fault| within(fault, at, position))?;
        if s.comma_or(b']')? {
            break;
        }
    }
    s.ascend();
    Ok(())
}

/// Puts an item's position into the pointer of its fault.
fn within(mut fault: Invalid, at: &str, position: usize) -> Invalid {
    if let Some(rest) = fault.at.strip_prefix(at) {
        fault.at = format!("{at}/{position}{rest}");
    }
    fault
}

/// A string that is not empty, not too long, and free of control characters; what a person wrote may
/// have lines.
pub(super) fn plain_text<'a>(
    s: &mut Scanner<'a>,
    at: &str,
    bytes_max: usize,
) -> Parsed<Cow<'a, str>> {
    if s.peek() != Some(b'"') {
        return Err(mismatch(s, at, "a string"));
    }
    let content = s.string()?;
    if content.is_empty() {
        return Err(empty(at));
    }
    if content.len() > bytes_max {
        let message = format!("has more than {bytes_max} bytes; shorten it");
        return Err(Invalid::new(at, Rule::TooLong, message));
    }
    let control = match &content {
        // Controls below U+0020 are escaped in JSON, and what was escaped is owned.
        Cow::Borrowed(content) => memchr::memchr(0x7F, content.as_bytes()).is_some(),
        Cow::Owned(content) => has_control(content, bytes_max == PROSE_BYTES_MAX),
    };
    if control {
        return Err(Invalid::new(at, Rule::Control, "has a control character; remove it"));
    }
    Ok(content)
}

/// Whether a text has a control character that it may not have.
fn has_control(content: &str, prose: bool) -> bool {
    content.bytes().any(|byte| match byte {
        b'\n' | b'\r' | b'\t' => !prose,
        _ => byte < 0x20 || byte == 0x7F,
    })
}

pub(super) fn text<'a>(
    s: &mut Scanner<'a>,
    slot: &mut Option<Cow<'a, str>>,
    at: &str,
    bytes_max: usize,
) -> Parsed<()> {
    let content = plain_text(s, at, bytes_max)?;
    once(slot, at, content)
}

/// Any JSON but `null`.
pub(super) fn free<'a>(s: &mut Scanner<'a>, at: &str) -> Parsed<Json<'a>> {
    let value = s.value().map_err(|mut fault| {
        if fault.rule != Rule::Syntax {
            at.clone_into(&mut fault.at);
        }
        fault
    })?;
    if value == "null" { Err(is_null(at)) } else { Ok(Json::trusted(value)) }
}

pub(super) fn moment<'a>(s: &mut Scanner<'a>) -> Parsed<Moment<'a>> {
    let at = "/occurred_at";
    Moment::parse(plain_text(s, at, 64)?).ok_or_else(|| {
        Invalid::new(
            at,
            Rule::Time,
            "write it as RFC 3339 with an offset, such as 2026-11-21T08:05:00.123456+01:00, \
             between 1970 and 2199",
        )
    })
}

pub(super) fn sequence(s: &mut Scanner<'_>, at: &str) -> Parsed<u64> {
    if !matches!(s.peek(), Some(b'0'..=b'9' | b'-')) {
        return Err(mismatch(s, at, "a whole number from 0"));
    }
    // 2^53 - 1: beyond it, readers that keep numbers as doubles would change it.
    let number = s.number()?.parse().ok().filter(|number| *number < 1 << 53);
    number.ok_or_else(|| wrong(at, "a whole number from 0 to 9007199254740991"))
}

//! The entry: the bytes in the log.

use std::borrow::Cow;

use crate::detached::parse_digest;
use crate::json::{Edit, Scanner, edit, write_string};
use crate::limits::{ENTRY_BYTES_MAX, STAMP_TEXT_BYTES_MAX};
use crate::parse::{Members, Parsed, Reading, array, object, once, required};
use crate::{Detached, Draft, Event, Invalid, Json, Opening, Rule, format_micros, parse_rfc3339};

/// How an event reached the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received<'a> {
    /// The door: `api`, `import`, `server`.
    pub via: Cow<'a, str>,
    /// The dialect it was written in, if it was not our own.
    pub dialect: Option<Cow<'a, str>>,
    /// The version of the mapping.
    pub version: Option<Cow<'a, str>>,
    /// The import it belongs to.
    pub import: Option<Cow<'a, str>>,
}

/// What the server adds to every event of a batch. Written once, shared by all.
#[derive(Clone, Debug)]
pub struct Stamp {
    prefix: Vec<u8>,
}

impl Stamp {
    /// The server's members for events recorded at this time, by this token, through this door.
    ///
    /// Texts of more than 200 bytes are cut, so that an entry never outgrows a bundle; whoever names
    /// tokens and imports keeps them shorter.
    pub fn new(recorded_at_micros: i64, recorded_by: &str, received: &Received<'_>) -> Self {
        let mut prefix = Vec::with_capacity(192);
        prefix.extend_from_slice(b"{\"v\":1,\"recorded_at\":\"");
        prefix.extend_from_slice(format_micros(recorded_at_micros).as_bytes());
        prefix.extend_from_slice(b"\",\"recorded_by\":");
        write_cut(&mut prefix, recorded_by);
        prefix.extend_from_slice(b",\"received\":{\"via\":");
        write_cut(&mut prefix, &received.via);
        for (name, value) in [
            ("dialect", &received.dialect),
            ("version", &received.version),
            ("import", &received.import),
        ] {
            if let Some(value) = value {
                prefix.extend_from_slice(format!(",\"{name}\":").as_bytes());
                write_cut(&mut prefix, value);
            }
        }
        prefix.push(b'}');
        Self { prefix }
    }

    /// Appends the entry for a draft and gives its size, which is at most [`ENTRY_BYTES_MAX`]
    /// because [`Draft::new`] left room for the server's members.
    pub fn write(&self, draft: &Draft, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        out.extend_from_slice(&self.prefix);
        draft.write_detached(out);
        if let Some(native) = &draft.native {
            out.extend_from_slice(b",\"native\":");
            out.extend_from_slice(native);
        }
        out.push(b',');
        out.extend_from_slice(&draft.members);
        out.push(b'}');
        let size = out.len() - start;
        debug_assert!(size <= ENTRY_BYTES_MAX, "an entry of {size} bytes");
        size
    }
}

fn write_cut(out: &mut Vec<u8>, content: &str) {
    let end = content.floor_char_boundary(STAMP_TEXT_BYTES_MAX);
    write_string(out, content.get(..end).unwrap_or_default());
}

/// An entry, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When the server recorded it, in microseconds since the epoch.
    pub recorded_at_micros: i64,
    /// The token that brought it.
    pub recorded_by: Cow<'a, str>,
    /// How it came.
    pub received: Received<'a>,
    /// Rules that it broke when it was recorded.
    pub violations: Option<Json<'a>>,
    /// Values that stand elsewhere.
    pub detached: Vec<Detached<'a>>,
    /// The source's own record, where the event would not give it back exactly.
    pub native: Option<Json<'a>>,
    /// The event; members that are detached and not restored are absent.
    pub event: Event<'a>,
}

impl<'a> Entry<'a> {
    /// Reads an entry's bytes, as they are in the log or with detached values put back. Members that
    /// a later version added are passed over.
    ///
    /// # Errors
    /// As [`Event::parse`]; an entry of a log that someone else wrote need not be one of ours.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let mut scanner = Scanner::new(text);
        let mut server = Server::default();
        let mut members = Members::default();
        let mut reading = Reading::of_an_entry();
        object(&mut scanner, "", |s, key| {
            if server.read(s, &mut reading, key)? {
                return Ok(());
            }
            members.read(s, &mut reading, key)
        })?;
        scanner.end()?;
        let entry = server.finish(members.finish()?)?;
        let listed = |at: &&str| entry.detached.iter().any(|detached| detached.at == *at);
        if let Some(at) = reading.holes().iter().find(|at| !listed(at)) {
            return Err(Invalid::new(*at, Rule::Empty, "is null but not listed in `detached`"));
        }
        Ok(entry)
    }

    /// Bytes a reader may expect at most.
    pub const BYTES_MAX: usize = ENTRY_BYTES_MAX;
}

impl Opening {
    /// Puts values back in the places of an entry's text that they were detached from.
    ///
    /// The openings are believed: ask [`Detached::admits`] of each before.
    pub fn restore(entry: &str, openings: &[Self]) -> String {
        if openings.is_empty() {
            return entry.to_owned();
        }
        edit(entry, &mut |at| {
            openings
                .iter()
                .find(|opening| opening.at == at)
                .map_or(Edit::Keep, |opening| Edit::Replace(&opening.value))
        })
    }
}

/// The server's members while they are being read.
#[derive(Debug, Default)]
struct Server<'a> {
    version: Option<()>,
    recorded_at_micros: Option<i64>,
    recorded_by: Option<Cow<'a, str>>,
    received: Option<Received<'a>>,
    violations: Option<Json<'a>>,
    detached: Option<Vec<Detached<'a>>>,
    native: Option<Json<'a>>,
}

impl<'a> Server<'a> {
    /// Reads one of the server's members; false when it is not one.
    fn read(&mut self, s: &mut Scanner<'a>, r: &mut Reading, key: &str) -> Parsed<bool> {
        match key {
            "v" => once(&mut self.version, "/v", version(s)?)?,
            "recorded_at" => once(&mut self.recorded_at_micros, "/recorded_at", recorded_at(s)?)?,
            "recorded_by" => once(&mut self.recorded_by, "/recorded_by", s.string()?)?,
            "received" => once(&mut self.received, "/received", received(s)?)?,
            "violations" => {
                once(&mut self.violations, "/violations", Json::trusted(s.value()?))?;
            }
            "detached" => once(&mut self.detached, "/detached", detached(s)?)?,
            "native" => {
                // It was a text of its own when its depth was measured.
                s.ascend();
                r.fill(s, &mut self.native, "/native", |s, _| Ok(Json::trusted(s.value()?)))?;
                s.descend()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self, event: Event<'a>) -> Parsed<Entry<'a>> {
        required(self.version, "/v")?;
        Ok(Entry {
            recorded_at_micros: required(self.recorded_at_micros, "/recorded_at")?,
            recorded_by: required(self.recorded_by, "/recorded_by")?,
            received: required(self.received, "/received")?,
            violations: self.violations,
            detached: self.detached.unwrap_or_default(),
            native: self.native,
            event,
        })
    }
}

fn version(s: &mut Scanner<'_>) -> Parsed<()> {
    if s.number()? == "1" {
        return Ok(());
    }
    Err(Invalid::new("/v", Rule::Vocabulary, "is a version this program is too old for"))
}

fn recorded_at(s: &mut Scanner<'_>) -> Parsed<i64> {
    parse_rfc3339(&s.string()?)
        .ok_or_else(|| Invalid::new("/recorded_at", Rule::Time, "is not a time"))
}

fn received<'a>(s: &mut Scanner<'a>) -> Parsed<Received<'a>> {
    let mut via = None;
    let mut out = Received::default();
    object(s, "/received", |s, key| match key {
        "via" => once(&mut via, "/received/via", s.string()?),
        "dialect" => once(&mut out.dialect, "/received/dialect", s.string()?),
        "version" => once(&mut out.version, "/received/version", s.string()?),
        "import" => once(&mut out.import, "/received/import", s.string()?),
        _ => s.value().map(drop),
    })?;
    out.via = required(via, "/received/via")?;
    Ok(out)
}

fn detached<'a>(s: &mut Scanner<'a>) -> Parsed<Vec<Detached<'a>>> {
    let fault = || Invalid::new("/detached", Rule::Type, "is not a list of detached values");
    let mut list: Vec<Detached<'a>> = Vec::new();
    array(s, "/detached", usize::MAX, |s| {
        let (mut at, mut size, mut digest) = (None, None, None);
        object(s, "/detached", |s, key| match key {
            "at" => once(&mut at, "/detached/at", s.string()?),
            "size" => {
                let number = s.number()?.parse().map_err(|_| fault())?;
                once(&mut size, "/detached/size", number)
            }
            "digest" => {
                let bytes = parse_digest(&s.string()?).ok_or_else(fault)?;
                once(&mut digest, "/detached/digest", bytes)
            }
            _ => s.value().map(drop),
        })?;
        let at = required(at, "/detached/at")?;
        if list.iter().any(|other| other.at == at) {
            return Err(Invalid::new("/detached/at", Rule::Duplicate, "stands twice"));
        }
        list.push(Detached {
            at,
            size: required(size, "/detached/size")?,
            digest: required(digest, "/detached/digest")?,
        });
        Ok(())
    })?;
    Ok(list)
}

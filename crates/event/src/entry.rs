//! The entry: the bytes in the log.

use std::borrow::Cow;

use crate::json::{Edit, Scanner, edit, write_string};
use crate::limits::{ENTRY_BYTES_MAX, TEXT_BYTES_MAX};
use crate::parse::{Members, object};
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
    pub fn new(recorded_at_micros: i64, recorded_by: &str, received: &Received<'_>) -> Self {
        let mut prefix = Vec::with_capacity(192);
        prefix.extend_from_slice(b"{\"v\":1,\"recorded_at\":\"");
        prefix.extend_from_slice(format_micros(recorded_at_micros).as_bytes());
        prefix.extend_from_slice(b"\",\"recorded_by\":");
        write_string(&mut prefix, recorded_by);
        prefix.extend_from_slice(b",\"received\":{\"via\":");
        write_string(&mut prefix, &received.via);
        for (name, value) in [
            ("dialect", &received.dialect),
            ("version", &received.version),
            ("import", &received.import),
        ] {
            if let Some(value) = value {
                prefix.extend_from_slice(format!(",\"{name}\":").as_bytes());
                write_string(&mut prefix, value);
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
        out.len() - start
    }
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
    /// Reads an entry's bytes, as they are in the log or with detached values put back.
    ///
    /// # Errors
    /// As [`Event::parse`]; an entry of a log that someone else wrote need not be one of ours.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let mut scanner = Scanner::new(text);
        let mut server = Server::default();
        let mut members = Members::default();
        let mut version = false;
        object(&mut scanner, "", |s, key| match key {
            "v" if s.number()? == "1" => {
                version = true;
                Ok(())
            }
            "v" => Err(Invalid::new("/v", Rule::Vocabulary, "is a version this program is too old for")),
            _ if server.read(s, key)? => Ok(()),
            _ => members.read(s, key, true),
        })?;
        scanner.end()?;
        if !version {
            return Err(Invalid::new("/v", Rule::Required, "is required"));
        }
        server.finish(members.finish()?)
    }

    /// Bytes a reader may expect at most.
    pub const BYTES_MAX: usize = ENTRY_BYTES_MAX;
}

/// Puts detached values back in their places.
pub(crate) fn restore(text: &str, openings: &[Opening]) -> String {
    if openings.is_empty() {
        return text.to_owned();
    }
    edit(text, &mut |at| {
        openings
            .iter()
            .find(|opening| opening.at == at)
            .map_or(Edit::Keep, |opening| Edit::Replace(&opening.value))
    })
}

impl Opening {
    /// Puts values back in the places of an entry's text that they were detached from.
    pub fn restore(entry: &str, openings: &[Self]) -> String {
        restore(entry, openings)
    }
}

#[derive(Debug, Default)]
struct Server<'a> {
    recorded_at_micros: Option<i64>,
    recorded_by: Option<Cow<'a, str>>,
    received: Option<Received<'a>>,
    violations: Option<Json<'a>>,
    detached: Vec<Detached<'a>>,
    native: Option<Json<'a>>,
}

impl<'a> Server<'a> {
    /// Reads one of the server's members; false when it is not one.
    fn read(&mut self, s: &mut Scanner<'a>, key: &str) -> Result<bool, Invalid> {
        match key {
            "recorded_at" => {
                let micros = parse_rfc3339(&s.string()?);
                let fault = || Invalid::new("/recorded_at", Rule::Time, "is not a time");
                self.recorded_at_micros = Some(micros.ok_or_else(fault)?);
            }
            "recorded_by" => self.recorded_by = Some(s.string()?),
            "received" => self.received = Some(received(s)?),
            "violations" => self.violations = Some(Json::trusted(s.value()?)),
            "detached" => self.detached = detached(s)?,
            "native" => {
                let value = s.value()?;
                self.native = (value != "null").then(|| Json::trusted(value));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self, event: Event<'a>) -> Result<Entry<'a>, Invalid> {
        let missing = |at: &str| Invalid::new(at, Rule::Required, "is required");
        Ok(Entry {
            recorded_at_micros: self.recorded_at_micros.ok_or_else(|| missing("/recorded_at"))?,
            recorded_by: self.recorded_by.ok_or_else(|| missing("/recorded_by"))?,
            received: self.received.ok_or_else(|| missing("/received"))?,
            violations: self.violations,
            detached: self.detached,
            native: self.native,
            event,
        })
    }
}

fn received<'a>(s: &mut Scanner<'a>) -> Result<Received<'a>, Invalid> {
    let mut out = Received::default();
    object(s, "/received", |s, key| {
        let value = s.string()?;
        match key {
            "via" => out.via = value,
            "dialect" => out.dialect = Some(value),
            "version" => out.version = Some(value),
            "import" => out.import = Some(value),
            _ => return Err(Invalid::new("/received", Rule::Unknown, "has an unknown member")),
        }
        Ok(())
    })?;
    Ok(out)
}

fn detached<'a>(s: &mut Scanner<'a>) -> Result<Vec<Detached<'a>>, Invalid> {
    let fault = || Invalid::new("/detached", Rule::Type, "is not a list of detached values");
    let mut list = Vec::new();
    if !s.take(b'[') {
        return Err(fault());
    }
    loop {
        let (mut at, mut size, mut digest) = (None, None, None);
        object(s, "/detached", |s, key| {
            match key {
                "at" => at = Some(s.string()?).filter(|at| at.len() <= TEXT_BYTES_MAX),
                "size" => size = s.number()?.parse().ok(),
                "digest" => digest = Detached::parse_digest(&s.string()?),
                _ => return Err(fault()),
            }
            Ok(())
        })?;
        let (Some(at), Some(size), Some(digest)) = (at, size, digest) else {
            return Err(fault());
        };
        list.push(Detached { at, size, digest });
        if s.comma_or(b']')? {
            return Ok(list);
        }
    }
}

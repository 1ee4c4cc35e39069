//! A journal put together from its segments, and the writer's place in it. Pure: both backends read
//! their bytes and leave the judgement to this module.

use bytes::Bytes;

use crate::{
    Error, ObjectPath, Replay, Result, Torn,
    frame::{self, Chain, Seal},
};

/// A segment's file name: its number in 16 digits, so that names sort as numbers do.
pub(crate) fn name(number: u64) -> String {
    format!("{number:016}")
}

/// The number that a file name stands for, if it is the name of a segment.
pub(crate) fn number(name: &str) -> Option<u64> {
    (name.len() == 16 && name.bytes().all(|b| b.is_ascii_digit())).then(|| name.parse().ok())?
}

/// The path of a segment.
pub(crate) fn path(folder: &ObjectPath, number: u64) -> Result<ObjectPath> {
    folder.join(&name(number))
}

/// The folder with the tails that were set aside.
pub(crate) fn torn_folder(folder: &ObjectPath) -> Result<ObjectPath> {
    folder.join("torn")
}

/// How many different tails may be set aside from one place: crashes again and again at one frame.
const MAX_SET_ASIDE: u32 = 1000;

/// The first segment's number.
pub(crate) const FIRST: u64 = 1;

/// Where a journal's writer stands: all that it has to know to append.
#[derive(Debug)]
pub(crate) struct Position {
    pub(crate) folder: ObjectPath,
    /// Number and size in bytes of each segment, oldest first. Never empty.
    segments: Vec<(u64, u64)>,
    /// The newest segment's path.
    pub(crate) path: ObjectPath,
    pub(crate) head: Bytes,
    chain: Chain,
    pub(crate) torn: Option<Torn>,
}

impl Position {
    /// The place after the header of a journal's only segment.
    pub(crate) fn first(folder: &ObjectPath, head: &[u8], chain: Chain, size: u64) -> Result<Self> {
        Ok(Self {
            folder: folder.clone(),
            segments: vec![(FIRST, size)],
            path: path(folder, FIRST)?,
            head: Bytes::copy_from_slice(head),
            chain,
            torn: None,
        })
    }

    /// The newest segment's number.
    pub(crate) fn segment(&self) -> u64 {
        self.segments.last().map_or(FIRST, |(number, _)| *number)
    }

    /// The size of the newest segment, a bad tail included and padding not: where the next frame goes.
    pub(crate) fn end(&self) -> u64 {
        self.segments.last().map_or(0, |(_, size)| *size)
    }

    /// Bytes in all segments, padding not counted.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|(_, size)| size).sum()
    }

    /// Seals a frame that follows, if the head is still the expected one.
    pub(crate) fn seal(&self, expected: &[u8], stage: &[&[u8]], head: &[u8]) -> Result<Seal> {
        self.whole()?;
        if expected != self.head {
            return Err(Error::Conflict { path: self.path.clone() });
        }
        Seal::new(&self.chain, stage, head)
            .ok_or_else(|| Error::too_large(&self.path, "a frame is larger than a journal takes"))
    }

    /// Moves behind a frame that is durable now.
    pub(crate) fn advance(&mut self, seal: &Seal, head: &[u8]) {
        if let Some((_, size)) = self.segments.last_mut() {
            *size += seal.size;
        }
        self.chain = seal.chain;
        self.head = Bytes::copy_from_slice(head);
    }

    /// The next segment: its number, path, bytes and hash.
    pub(crate) fn next_segment(&self) -> Result<NextSegment> {
        self.whole()?;
        let number = self.segment() + 1;
        let path = path(&self.folder, number)?;
        let (bytes, chain) = frame::header(number, &self.head)
            .ok_or_else(|| Error::too_large(&path, "a head is larger than a journal takes"))?;
        let size = bytes.len() as u64;
        Ok(NextSegment { number, path, bytes, size, chain })
    }

    /// Moves to the next segment, which is durable now.
    pub(crate) fn rotate(&mut self, next: NextSegment) {
        self.segments.push((next.number, next.size));
        self.path = next.path;
        self.chain = next.chain;
    }

    /// The segments older than one, oldest first. The newest is never among them.
    pub(crate) fn older_than(&self, segment: u64) -> Result<Vec<u64>> {
        if segment > self.segment() {
            return Err(Error::refused(
                self.path.to_string(),
                std::io::Error::new(
                    std::io::ErrorKind::InvalidInput,
                    "the newest segment cannot be retired",
                ),
            ));
        }
        Ok(self.segments.iter().map(|(number, _)| *number).filter(|n| *n < segment).collect())
    }

    /// Forgets a segment that is gone.
    pub(crate) fn retired(&mut self, segment: u64) {
        self.segments.retain(|(number, _)| *number != segment);
    }

    /// Forgets the bad tail, which is cut now.
    pub(crate) fn cut(&mut self) {
        if let (Some((_, size)), Some(torn)) = (self.segments.last_mut(), self.torn.take()) {
            *size = torn.offset;
        }
    }

    /// Where a bad tail is to be set aside: the first name that is free or already holds it.
    pub(crate) fn aside(
        &self,
        torn: &Torn,
        mut fits: impl FnMut(&ObjectPath) -> Result<bool>,
    ) -> Result<ObjectPath> {
        let folder = torn_folder(&self.folder)?;
        let name = format!("{}-{}", torn.path.name(), torn.offset);
        for attempt in 1..=MAX_SET_ASIDE {
            let path = match attempt {
                1 => folder.join(&name)?,
                _ => folder.join(&format!("{name}-{attempt}"))?,
            };
            if fits(&path)? {
                return Ok(path);
            }
        }
        let source = std::io::Error::other("too many tails were set aside at one place");
        Err(Error::refused(folder.as_str(), source))
    }

    /// Refuses to go on behind a bad tail.
    fn whole(&self) -> Result<()> {
        match &self.torn {
            None => Ok(()),
            Some(torn) => Err(Error::Damaged {
                path: torn.path.clone(),
                offset: torn.offset,
                what: "a bad tail has to be cut before the journal goes on",
            }),
        }
    }
}

/// A segment as it was read.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) bytes: Bytes,
}

/// A segment about to be written.
#[derive(Debug)]
pub(crate) struct NextSegment {
    pub(crate) number: u64,
    pub(crate) path: ObjectPath,
    pub(crate) bytes: Vec<u8>,
    size: u64,
    chain: Chain,
}

/// Reads a journal from the bytes of its segments, oldest first; `None` if there is none.
///
/// Only a last frame in the last segment with nothing after it can have been cut short by a crash:
/// segments get their names with their headers durable, and a commit begins when the one before it
/// is durable. So that is [`Replay::torn`], if a part of it is missing, and all else is
/// [`Error::Damaged`].
pub(crate) fn replay(
    folder: &ObjectPath,
    segments: &[Segment],
) -> Result<Option<(Position, Replay)>> {
    let Some(Segment { number: newest, .. }) = segments.last() else { return Ok(None) };
    let mut replay = Replay::default();
    let mut position: Option<Position> = None;
    for Segment { number, bytes } in segments {
        let path = path(folder, *number)?;
        let damaged = |offset: usize, what| Error::Damaged {
            path: path.clone(),
            offset: offset as u64,
            what,
        };
        let header = frame::read_header(bytes).map_err(|what| damaged(0, what))?;
        if header.number != *number {
            return Err(damaged(8, "the header belongs to another segment"));
        }
        if let Some(before) = &position {
            if before.segment() + 1 != *number {
                let path = self::path(folder, before.segment() + 1)?;
                return Err(Error::Damaged { path, offset: 0, what: "the segment is missing" });
            }
            if before.head != header.head {
                return Err(damaged(20, "the segment does not continue the one before it"));
            }
        } else {
            replay.base = header.head.clone();
        }
        let mut place = Place { at: header.end, head: header.head, chain: header.hash };
        if let Err(what) = place.read_frames(bytes, &mut replay) {
            let is_last = number == newest && !frame::is_followed(bytes, place.at);
            if !is_last || !frame::may_be_torn(bytes, place.at, &place.chain) {
                return Err(damaged(place.at, what));
            }
            let size = (bytes.len() - place.at) as u64;
            replay.torn = Some(Torn { path: path.clone(), offset: place.at as u64, size });
        }
        let mut all = position.map_or_else(Vec::new, |before| before.segments);
        let end = if replay.torn.is_some() { bytes.len() } else { place.at };
        all.push((*number, end as u64));
        position = Some(Position {
            folder: folder.clone(),
            segments: all,
            path,
            head: place.head,
            chain: place.chain,
            torn: replay.torn.clone(),
        });
    }
    Ok(position.map(|position| (position, replay)))
}

/// Where reading stands in a segment.
struct Place {
    at: usize,
    head: Bytes,
    chain: Chain,
}

impl Place {
    /// Reads frames up to the padding or the end of the segment, or to the first bad one.
    fn read_frames(
        &mut self,
        segment: &Bytes,
        replay: &mut Replay,
    ) -> std::result::Result<(), &'static str> {
        while self.at < segment.len() {
            let (frame, chain, end) = match frame::read_frame(segment, self.at, &self.chain) {
                Err(_) if frame::is_padding(segment, self.at) => break,
                read => read?,
            };
            self.at = end;
            self.chain = chain;
            self.head = frame.head.clone();
            replay.frames.push(frame);
        }
        Ok(())
    }
}

//! The bytes of a journal segment. Normative; both backends write and read exactly these.
//!
//! A segment is a header, then frames without gaps, then perhaps padding. Integers are big-endian.
//!
//! ```text
//! header   "IDLJRNL1" | u64 segment number | u32 head size | head | hash
//!          hash  = SHA-256(all of the header before it)
//! frame    "IDLFRAME" | u32 head size | u32 stage size | head | stage | chain
//!          chain = SHA-256(chain before | all of the frame before it)
//! padding  zeros, up to the segment's end
//! ```
//!
//! The chain before a segment's first frame is its header's hash. A header's head is the head of the
//! last frame of the segment before it, or of that segment's header if it has no frame.
//!
//! **Guarantee.** A byte that changed is noticed, and so is a frame that moved. Not noticed here is
//! the loss of whole frames at the very end: that is what the caller's own heads are for.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::Frame;

/// The largest head, in bytes.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The largest stage, in bytes: twice the largest request.
pub const MAX_STAGE_BYTES: usize = 64 * 1024 * 1024;

const HEADER_MAGIC: &[u8; 8] = b"IDLJRNL1";
const FRAME_MAGIC: &[u8; 8] = b"IDLFRAME";

/// The size of what stands before a frame's head.
const PRELUDE_BYTES: usize = 16;

/// What binds a frame to all that came before it in its segment.
pub(crate) type Chain = [u8; 32];

/// The parts of a frame that are not the caller's: what comes before its head, and after its stage.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(crate) prelude: [u8; PRELUDE_BYTES],
    pub(crate) chain: Chain,
    /// Bytes in the whole frame.
    pub(crate) size: u64,
}

impl Seal {
    /// Computes them; `None` if the head or the stage is too large.
    pub(crate) fn new(before: &Chain, stage: &[&[u8]], head: &[u8]) -> Option<Self> {
        let stage_size = stage.iter().map(|piece| piece.len()).sum::<usize>();
        if head.len() > MAX_HEAD_BYTES || stage_size > MAX_STAGE_BYTES {
            return None;
        }
        let mut prelude = [0; PRELUDE_BYTES];
        let (magic, sizes) = prelude.split_at_mut(8);
        let (head_size, stage_size_bytes) = sizes.split_at_mut(4);
        magic.copy_from_slice(FRAME_MAGIC);
        head_size.copy_from_slice(&u32::try_from(head.len()).ok()?.to_be_bytes());
        stage_size_bytes.copy_from_slice(&u32::try_from(stage_size).ok()?.to_be_bytes());
        let mut hash = Sha256::new_with_prefix(before);
        hash.update(prelude);
        hash.update(head);
        for piece in stage {
            hash.update(piece);
        }
        let chain: Chain = hash.finalize().into();
        let size = PRELUDE_BYTES + head.len() + stage_size + chain.len();
        Some(Self { prelude, chain, size: size as u64 })
    }
}

/// A segment's header: its bytes and its hash. `None` if the head is too large.
pub(crate) fn header(number: u64, head: &[u8]) -> Option<(Vec<u8>, Chain)> {
    if head.len() > MAX_HEAD_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(20 + head.len() + 32);
    bytes.extend_from_slice(HEADER_MAGIC);
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(head.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(head);
    let hash: Chain = Sha256::digest(&bytes).into();
    bytes.extend_from_slice(&hash);
    Some((bytes, hash))
}

/// What a header says.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) head: Bytes,
    pub(crate) hash: Chain,
    /// Where the first frame begins.
    pub(crate) end: usize,
}

/// Reads the header that a segment begins with.
pub(crate) fn read_header(segment: &Bytes) -> Result<Header, &'static str> {
    const INCOMPLETE: &str = "the header is incomplete";
    let mut rest = segment.as_ref();
    if take::<8>(&mut rest).ok_or(INCOMPLETE)? != HEADER_MAGIC {
        return Err("the header does not begin as one");
    }
    let number = u64::from_be_bytes(*take(&mut rest).ok_or(INCOMPLETE)?);
    let head_size = size(*take(&mut rest).ok_or(INCOMPLETE)?);
    if head_size > MAX_HEAD_BYTES {
        return Err("the header's head is too large");
    }
    let signed = 20 + head_size;
    let stored = segment.get(signed..signed + 32).ok_or(INCOMPLETE)?;
    let covered = segment.get(..signed).ok_or(INCOMPLETE)?;
    let hash: Chain = Sha256::digest(covered).into();
    if stored != hash {
        return Err("the header's hash does not match");
    }
    Ok(Header { number, head: segment.slice(20..signed), hash, end: signed + 32 })
}

/// Reads the frame at an offset: the frame, its chain and where it ends.
pub(crate) fn read_frame(
    segment: &Bytes,
    at: usize,
    before: &Chain,
) -> Result<(Frame, Chain, usize), &'static str> {
    let Some(sizes) = segment.get(at..).and_then(Sizes::read) else {
        return Err("no frame begins here");
    };
    let end = at + sizes.frame();
    let stored = segment.get(end - 32..end).ok_or("the frame is incomplete")?;
    let covered = segment.get(at..end - 32).ok_or("the frame is incomplete")?;
    let chain: Chain = Sha256::new_with_prefix(before).chain_update(covered).finalize().into();
    if stored != chain {
        return Err("the frame's hash does not match");
    }
    let head = at + PRELUDE_BYTES;
    let stage = head + sizes.head;
    let frame = Frame {
        head: segment.slice(head..stage),
        stage: segment.slice(stage..stage + sizes.stage),
    };
    Ok((frame, chain, end))
}

/// Whether there is nothing but padding from `at` on.
pub(crate) fn is_padding(segment: &[u8], at: usize) -> bool {
    segment.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

/// Whether something follows the bad frame at `at`, so that it cannot be a last frame that a crash
/// cut short.
///
/// It looks for the start of any further frame, sizes included: those have zero bytes, which no text
/// of an event has. A stage that holds such a start all the same makes this say yes where no would be
/// right; then a person looks at bytes that a crash would have explained, which is the safe side.
pub(crate) fn is_followed(segment: &[u8], at: usize) -> bool {
    let Some(bad) = segment.get(at..) else { return false };
    // The next frame was begun exactly where the bad one says that it ends.
    let next = Sizes::read(bad).and_then(|sizes| bad.get(sizes.frame()..)).unwrap_or_default();
    let common = next.len().min(FRAME_MAGIC.len());
    if common > 0 && next.get(..common) == FRAME_MAGIC.get(..common) {
        return true;
    }
    let later = bad.get(1..).unwrap_or_default();
    later.windows(FRAME_MAGIC.len()).enumerate().any(|(offset, window)| {
        window == FRAME_MAGIC && later.get(offset..).is_some_and(begins_frame)
    })
}

/// Whether these are the first bytes of a frame. What was written of a text may end in `IDLFRAME`, in
/// front of padding: that would be a frame with neither head nor stage, but zeros are no chain.
fn begins_frame(bytes: &[u8]) -> bool {
    let Some(sizes) = Sizes::read(bytes) else { return false };
    let mut chain = bytes.iter().skip(PRELUDE_BYTES).take(32);
    sizes.head + sizes.stage > 0 || chain.any(|byte| *byte != 0)
}

/// Whether a crash explains that the frame at `at`, which nothing follows, is bad.
///
/// A crash leaves each sector of the frame written or as it was, which is zeros or beyond the end. So a
/// frame of which no sector is missing was written whole, and changed since: it may have been
/// acknowledged. So may one whose sizes changed and whose hash would be right with those it has.
pub(crate) fn may_be_torn(segment: &[u8], at: usize, before: &Chain) -> bool {
    let Some(bad) = segment.get(at..) else { return true };
    let Some(prelude) = bad.first_chunk::<PRELUDE_BYTES>() else { return true };
    if lacks_sector(segment, at, at + PRELUDE_BYTES) {
        return true;
    }
    let alike = prelude.iter().zip(FRAME_MAGIC).filter(|(one, other)| one == other).count();
    if alike < FRAME_MAGIC.len() / 2 {
        // No frame began here.
        return true;
    }
    match Sizes::read(bad) {
        None => false,
        Some(sizes) if sizes.frame() <= bad.len() => {
            lacks_sector(segment, at, at + sizes.frame()) && !is_whole_in_other_sizes(bad, before)
        }
        Some(_) => !is_whole_in_other_sizes(bad, before),
    }
}

/// The smallest piece of a file that is written whole or not at all.
const SECTOR_BYTES: usize = 512;

/// Whether a sector has nothing but zeros in this part of a segment.
fn lacks_sector(segment: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to {
        let end = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
        let sector = segment.get(at..end.min(to)).unwrap_or_default();
        if sector.iter().all(|byte| *byte == 0) {
            return true;
        }
        at = end;
    }
    false
}

/// Whether what is written is a frame, but for one of its two sizes.
fn is_whole_in_other_sizes(bad: &[u8], before: &Chain) -> bool {
    /// A hash may end in zeros, as padding does.
    const ZEROS_MAX: usize = 3;
    let written = bad.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let size_at = |at: usize| {
        let bytes = bad.get(at..).and_then(|rest| rest.first_chunk()).copied();
        bytes.map_or(usize::MAX, size)
    };
    let (head, stage) = (size_at(8), size_at(12));
    (written..=bad.len().min(written + ZEROS_MAX)).any(|end| {
        let Some(both) = end.checked_sub(PRELUDE_BYTES + 32) else { return false };
        let heads = [Some(head), both.checked_sub(stage)];
        heads.into_iter().flatten().any(|head| {
            let covered = bad.get(PRELUDE_BYTES..end - 32).unwrap_or_default();
            let Some((head, stage)) = covered.split_at_checked(head) else { return false };
            let seal = Seal::new(before, &[stage], head);
            seal.is_some_and(|seal| bad.get(end - 32..end) == Some(&seal.chain))
        })
    })
}

/// Bytes up to the last one that is not zero.
pub(crate) fn without_padding(bytes: &Bytes) -> Bytes {
    let size = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.slice(..size)
}

/// The sizes in a frame's prelude, if it is one and they are within the limits.
#[derive(Clone, Copy)]
struct Sizes {
    head: usize,
    stage: usize,
}

impl Sizes {
    fn read(mut bytes: &[u8]) -> Option<Self> {
        if take::<8>(&mut bytes)? != FRAME_MAGIC {
            return None;
        }
        let head = size(*take(&mut bytes)?);
        let stage = size(*take(&mut bytes)?);
        (head <= MAX_HEAD_BYTES && stage <= MAX_STAGE_BYTES).then_some(Self { head, stage })
    }

    fn frame(self) -> usize {
        PRELUDE_BYTES + self.head + self.stage + 32
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}

fn size(bytes: [u8; 4]) -> usize {
    // A size that does not fit cannot pass a limit either.
    usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX)
}

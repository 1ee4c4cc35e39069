//! Bytes at rest, compressed: bundles and openings.
//!
//! A file is a sequence of zstd frames that any zstd tool can read. The first is a skippable frame:
//!
//! ```text
//! 5E 2A 4D 18 | u32le payload size | payload
//! payload: "IDLP" | u8 frame count | u32be compressed size of each frame | SHA-256[..16]
//! ```
//!
//! where the SHA-256 is over everything else in the file: `IDLP`, the count, the sizes, and the
//! frames. It lets a check notice every flipped bit, also those that zstd would not mind. Bundles
//! are cut every [`ENTRIES_PER_FRAME`] entries, so that one event can be read without inflating 256;
//! frames are cut into blocks every [`BLOCK_BYTES`], so that what begins one can be inflated alone.

use std::cell::RefCell;

use sha2::{Digest, Sha256};
use tlog::BundleId;
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective as EndDirective;
use zstd::zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, ResetDirective,
    compress_bound, get_error_name, get_frame_content_size,
};

/// Entries in one frame of a bundle, but for the last. Fewer would make a lone read cheaper, and what
/// repeats from one entry to the next would be said more often.
pub(crate) const ENTRIES_PER_FRAME: usize = 64;

/// The most bytes that one frame may inflate to: all that one event can have detached, and more than
/// the entries of a bundle's frame.
const FRAME_BYTES_MAX: usize = 2 * event::DETACHED_BYTES_MAX;

/// The largest window that a block may refer back into, as a power of two: ours stay far below, and
/// a frame that asks for more would have it kept in memory.
const WINDOW_LOG_MAX: u32 = 23;

/// The most frames in one file.
const FRAMES_MAX: usize = 255;

const SKIPPABLE: [u8; 4] = [0x5E, 0x2A, 0x4D, 0x18];
const MAGIC: [u8; 4] = *b"IDLP";
const DIGEST_BYTES: usize = 16;

/// Fast enough to keep up with appends on a fraction of a core; higher levels gain little on events.
const LEVEL: i32 = 1;

/// Places that are remembered while compressing, as a power of two: more than the level has by itself
/// find more of what repeats.
const HASH_LOG: u32 = 15;

/// Plain bytes in one block of a frame. Smaller ones would save a reader of one event less than
/// their headers and tables cost on disk.
const BLOCK_BYTES: usize = 18 * 1024;

thread_local! {
    static COMPRESSOR: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// How many frames a bundle of so many entries has.
pub(crate) fn frame_count(width: u16) -> usize {
    usize::from(width).div_ceil(ENTRIES_PER_FRAME)
}

/// Whether bytes begin as a packed file does. A plain bundle cannot: its first two bytes are the
/// length of an entry that would begin with `M`, and entries begin with `{`.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&SKIPPABLE)
}

/// Packs pieces, one frame each. At most [`FRAMES_MAX`] pieces.
pub(crate) fn pack(pieces: &[&[u8]]) -> std::io::Result<Vec<u8>> {
    let mut frames = Vec::with_capacity(pieces.len());
    for piece in pieces {
        frames.push(compress(piece)?);
    }
    let too_many = |_| std::io::Error::other("too many frames");
    let mut payload = MAGIC.to_vec();
    payload.push(u8::try_from(frames.len()).map_err(too_many)?);
    for frame in &frames {
        payload.extend_from_slice(&u32::try_from(frame.len()).map_err(too_many)?.to_be_bytes());
    }
    let body = frames.concat();
    let digest = checksum(&payload, &body);
    payload.extend_from_slice(&digest);
    let mut out = SKIPPABLE.to_vec();
    out.extend_from_slice(&u32::try_from(payload.len()).map_err(too_many)?.to_le_bytes());
    out.extend_from_slice(&payload);
    out.extend_from_slice(&body);
    Ok(out)
}

fn compress(piece: &[u8]) -> std::io::Result<Vec<u8>> {
    let failed = |code: ErrorCode| std::io::Error::other(get_error_name(code));
    COMPRESSOR.with_borrow_mut(|context| {
        context.reset(ResetDirective::SessionOnly).map_err(failed)?;
        context.set_parameter(CParameter::CompressionLevel(LEVEL)).map_err(failed)?;
        context.set_parameter(CParameter::HashLog(HASH_LOG)).map_err(failed)?;
        context.set_pledged_src_size(Some(piece.len() as u64)).map_err(failed)?;
        let mut packed = Vec::with_capacity(compress_bound(piece.len()));
        let mut rest = piece;
        loop {
            let block;
            (block, rest) = rest.split_at(rest.len().min(BLOCK_BYTES));
            let ends = rest.is_empty();
            compress_block(context, block, ends, &mut packed).map_err(failed)?;
            if ends {
                return Ok(packed);
            }
        }
    })
}

/// Appends one block of a frame, or several when it is larger than zstd's own.
fn compress_block(
    context: &mut CCtx<'_>,
    block: &[u8],
    ends: bool,
    packed: &mut Vec<u8>,
) -> Result<(), ErrorCode> {
    let directive = if ends { EndDirective::ZSTD_e_end } else { EndDirective::ZSTD_e_flush };
    let mut input = InBuffer::around(block);
    loop {
        packed.reserve(compress_bound(block.len()));
        let at = packed.len();
        let mut output = OutBuffer::around_pos(packed, at);
        if context.compress_stream2(&mut output, &mut input, directive)? == 0 {
            return Ok(());
        }
    }
}

fn checksum(payload: &[u8], body: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update(payload);
    hasher.update(body);
    let digest: [u8; 32] = hasher.finalize().into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// A packed file, opened.
#[derive(Debug)]
pub(crate) struct Packed<'a> {
    payload: &'a [u8],
    digest: &'a [u8],
    body: &'a [u8],
    frames: Vec<&'a [u8]>,
}

impl<'a> Packed<'a> {
    /// Reads the header; `None` when it is not one or the frames do not fill the file exactly.
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&SKIPPABLE)?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let (payload, body) =
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*size)).ok()?)?;
        let (payload, digest) = payload.split_last_chunk::<DIGEST_BYTES>()?;
        let (count, sizes) = payload.strip_prefix(&MAGIC)?.split_first()?;
        let (sizes, []) = sizes.as_chunks::<4>() else { return None };
        if sizes.len() != usize::from(*count) || sizes.len() > FRAMES_MAX {
            return None;
        }
        let mut left = body;
        let mut frames = Vec::with_capacity(sizes.len());
        for size in sizes {
            let frame;
            (frame, left) =
                left.split_at_checked(usize::try_from(u32::from_be_bytes(*size)).ok()?)?;
            frames.push(frame);
        }
        left.is_empty().then_some(Self { payload, digest, body, frames })
    }

    /// Whether every bit is as it was written.
    pub(crate) fn is_intact(&self) -> bool {
        checksum(self.payload, self.body) == self.digest
    }

    /// How many frames there are.
    pub(crate) const fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// How many bytes one frame inflates to, as it says itself.
    pub(crate) fn frame_size(&self, number: usize) -> Option<usize> {
        let size = get_frame_content_size(self.frames.get(number)?).ok()??;
        usize::try_from(size).ok().filter(|size| *size <= FRAME_BYTES_MAX)
    }

    /// Inflates one frame.
    pub(crate) fn frame(&self, number: usize) -> Option<Vec<u8>> {
        let size = self.frame_size(number)?;
        let frame = *self.frames.get(number)?;
        DECOMPRESSOR.with_borrow_mut(|context| {
            context.reset(ResetDirective::SessionOnly).ok()?;
            let mut plain = Vec::with_capacity(size);
            context.decompress(&mut plain, frame).ok()?;
            (plain.len() == size).then_some(plain)
        })
    }

    /// Inflates the beginning of one frame: so many bytes, or the frame where it has fewer. Costs
    /// what the blocks cost that have them.
    pub(crate) fn frame_start(&self, number: usize, size: usize) -> Option<Vec<u8>> {
        if size >= self.frame_size(number)? {
            return self.frame(number);
        }
        let frame = *self.frames.get(number)?;
        DECOMPRESSOR.with_borrow_mut(|context| {
            context.reset(ResetDirective::SessionOnly).ok()?;
            context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).ok()?;
            let mut plain = Vec::with_capacity(size);
            let mut output = OutBuffer::around(&mut plain);
            let mut input = InBuffer::around(frame);
            while output.pos() < size {
                let before = (input.pos(), output.pos());
                context.decompress_stream(&mut output, &mut input).ok()?;
                if before == (input.pos(), output.pos()) {
                    return None;
                }
            }
            plain.truncate(size);
            Some(plain)
        })
    }

    /// Where each frame ends in the plain bytes, as they say themselves; no more behind one that
    /// does not.
    fn frame_ends(&self) -> impl Iterator<Item = usize> {
        (0..self.frames.len()).scan(0_usize, |end, number| {
            *end = end.checked_add(self.frame_size(number)?)?;
            Some(*end)
        })
    }

    /// Whether the frames are those of a bundle, which inflate to these bytes: each with
    /// [`ENTRIES_PER_FRAME`] entries, the last one with what is left. Behind bytes that are no entry
    /// nothing can be said, and nothing is.
    pub(crate) fn is_cut_as(&self, bundle: BundleId, plain: &[u8]) -> bool {
        let mut ends = self.frame_ends();
        let mut end = 0;
        for (count, entry) in (1..).zip(bundle.entries(plain)) {
            let Ok(entry) = entry else { return true };
            end += size_of::<u16>() + entry.len();
            let is_end = count % ENTRIES_PER_FRAME == 0 || count == usize::from(bundle.width());
            if is_end && ends.next() != Some(end) {
                return false;
            }
        }
        ends.next().is_none()
    }

    /// Inflates all, which may be as much as one frame may at most.
    pub(crate) fn unpack(&self) -> Option<Vec<u8>> {
        let sizes = (0..self.frames.len()).map(|number| self.frame_size(number));
        let size = sizes.sum::<Option<usize>>().filter(|size| *size <= FRAME_BYTES_MAX)?;
        let mut plain = Vec::with_capacity(size);
        for number in 0..self.frames.len() {
            plain.extend_from_slice(&self.frame(number)?);
        }
        Some(plain)
    }
}

/// Whether two packed files have the same plain bytes in the same frames: another version of the
/// compressor may have written one of them.
pub(crate) fn are_same(one: &[u8], other: &[u8]) -> bool {
    let (Some(one), Some(other)) = (Packed::open(one), Packed::open(other)) else { return false };
    let plain = one.unpack();
    plain.is_some() && one.frame_ends().eq(other.frame_ends()) && plain == other.unpack()
}

/// The plain bytes of a file that may be packed or plain.
pub(crate) fn plain(bytes: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    if is_packed(bytes) {
        Packed::open(bytes)?.unpack().map(Into::into)
    } else {
        Some(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_noticed_and_nothing_panics() {
        let packed = pack(&[b"one one one one", b"", &[7; 5000]]).unwrap();
        let open = Packed::open(&packed).unwrap();
        assert!(open.is_intact());
        assert_eq!(open.frame(0).unwrap(), b"one one one one");
        assert_eq!(open.unpack().unwrap().len(), 5015);
        for at in 0..packed.len() {
            for flip in [1_u8, 0x80, 0xFF] {
                let mut damaged = packed.clone();
                damaged[at] ^= flip;
                let intact = Packed::open(&damaged).is_some_and(|packed| packed.is_intact());
                assert!(!intact, "byte {at}");
                let _ = plain(&damaged);
            }
            let cut = packed.get(..at).unwrap();
            assert!(Packed::open(cut).is_none_or(|packed| !packed.is_intact()), "cut at {at}");
        }
    }

    #[test]
    fn the_beginning_of_a_frame_is_inflated_alone() {
        let piece: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 3).to_be_bytes()).collect();
        let packed = pack(&[b"another", &piece]).unwrap();
        let packed = Packed::open(&packed).unwrap();
        assert_eq!(packed.frame(1).unwrap(), piece);
        for size in [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, piece.len() - 1, piece.len()] {
            assert_eq!(packed.frame_start(1, size).unwrap(), piece[..size], "{size}");
        }
        assert_eq!(packed.frame_start(1, usize::MAX).unwrap(), piece);
        assert_eq!(packed.frame_start(2, 1), None);
        assert_eq!(packed.frame_start(0, 3).unwrap(), b"ano");
    }

    #[test]
    fn damage_of_a_frame_harms_neither_its_beginning_nor_the_next_reader() {
        let piece: Vec<u8> = (0..40_000_u32).flat_map(|n| (n * n).to_be_bytes()).collect();
        let bytes = pack(&[&piece]).unwrap();
        let good = Packed::open(&bytes).unwrap();
        for at in (0..bytes.len()).step_by(97) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            let Some(packed) = Packed::open(&damaged) else { continue };
            let start = packed.frame_start(0, 3 * BLOCK_BYTES);
            assert!(start.is_none_or(|start| start.len() == 3 * BLOCK_BYTES), "byte {at}");
            assert_eq!(good.frame_start(0, 10).unwrap(), piece[..10], "after byte {at}");
        }
        // What lies behind is not looked at: so its damage is not seen, and it costs nothing.
        let mut damaged = bytes.clone();
        damaged.truncate(bytes.len() - 10);
        damaged.extend([0xFF; 10]);
        let packed = Packed::open(&damaged).unwrap();
        assert_eq!(packed.frame(0), None);
        assert_eq!(packed.frame_start(0, BLOCK_BYTES).unwrap(), piece[..BLOCK_BYTES]);
    }

    #[test]
    fn a_file_that_would_inflate_without_bound_is_refused() {
        let half = vec![0; FRAME_BYTES_MAX / 2];
        assert!(Packed::open(&pack(&[&half, &half]).unwrap()).unwrap().unpack().is_some());
        assert_eq!(Packed::open(&pack(&[&half, &half, b"x"]).unwrap()).unwrap().unpack(), None);
    }

    #[test]
    fn a_common_zstd_reader_reads_it() {
        let packed = pack(&[b"a", b"bc"]).unwrap();
        assert_eq!(zstd::decode_all(packed.as_slice()).unwrap(), b"abc");
    }
}

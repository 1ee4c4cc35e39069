//! Durable bytes by path.
//!
//! **Guarantee.** A write that has returned `Ok` has reached stable storage, together with every name
//! that leads to it. An object has its final bytes or no name: readers never see half of one.
//!
//! **Trust.** The store is *not* trusted. Whatever it returns is checked by the caller against a
//! signed checkpoint or an authenticated head before use.
//!
//! **Absent on purpose.** There is no way to change an object that was created, no knowledge of
//! trees, events or signatures, and no async: callers decide which thread may block.
//!
//! [`Disk`] and [`Memory`] stand behind the same traits and pass the same contract suite
//! ([`contract`]). The traits ask for nothing that a bucket with conditional PUTs could not give:
//! `create` is `If-None-Match: *`, `commit` is a staged object and a head swapped by `If-Match`.

pub mod contract;
mod disk;
mod error;
mod frame;
mod memory;
mod path;
mod segments;

pub use disk::Disk;
pub use error::{Error, Result};
pub use frame::{MAX_HEAD_BYTES, MAX_STAGE_BYTES};
pub use memory::Memory;
pub use path::{MAX_PATH_BYTES, MAX_SEGMENT_BYTES, ObjectPath};

use bytes::Bytes;

/// An object to be created: its path and its final bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Where it will be found.
    pub path: ObjectPath,
    /// What it will say, for ever.
    pub bytes: Bytes,
}

/// Objects by path, and the journals beside them.
pub trait Store: Send + Sync + std::fmt::Debug + 'static {
    /// Reads a whole object; `None` when nothing has that path.
    fn get(&self, path: &ObjectPath) -> Result<Option<Bytes>>;

    /// Creates objects, each write-once. All are durable when it returns; none is visible before its
    /// own bytes are durable. An object that already has exactly these bytes counts as created;
    /// one with other bytes is [`Error::Conflict`] and stays as it is.
    fn create(&self, objects: &[Object]) -> Result<()>;

    /// Replaces the bytes at a path, atomically and durably. Only for the public checkpoint and
    /// files that belong to no trail's history.
    fn replace(&self, path: &ObjectPath, bytes: &[u8]) -> Result<()>;

    /// Removes objects; what is already gone counts as removed.
    fn remove(&self, paths: &[ObjectPath]) -> Result<()>;

    /// Every object path below `prefix` (a folder), sorted.
    fn list(&self, prefix: &ObjectPath) -> Result<Vec<ObjectPath>>;

    /// Bytes that may still be written, or `None` when there is no known limit.
    fn free_bytes(&self) -> Result<Option<u64>>;

    /// Makes a journal whose base is `head`. Refused with [`Error::Conflict`] where one exists.
    fn create_journal(&self, folder: &ObjectPath, head: &[u8]) -> Result<Box<dyn Journal>>;

    /// Opens the journal in a folder and reads all that it holds, checking every frame.
    /// `None` when there is none.
    fn open_journal(&self, folder: &ObjectPath) -> Result<Option<(Box<dyn Journal>, Replay)>>;
}

/// A sequence of committed batches, each with the head that it leads to.
///
/// One writer owns it. `commit` is the only linearisation point of a trail.
pub trait Journal: Send + std::fmt::Debug {
    /// Appends one frame if the current head is `expected`, and makes it durable.
    ///
    /// `stage` is given in pieces that are written one after the other, so that a caller need not
    /// copy them together.
    ///
    /// On [`Error::Conflict`], [`Error::NoSpace`] and [`Error::Refused`] nothing happened and the
    /// journal can go on. On [`Error::Unknown`] the frame may or may not be durable, and
    /// the journal refuses every further call: open it again.
    fn commit(&mut self, expected: &[u8], stage: &[&[u8]], head: &[u8]) -> Result<()>;

    /// Starts a new segment whose base is the current head, durable before it returns, and returns
    /// its number. Frames from here on go there; the older segments stay until they are retired.
    fn rotate(&mut self) -> Result<u64>;

    /// Removes every segment older than `segment`.
    fn retire(&mut self, segment: u64) -> Result<()>;

    /// Cuts the bad tail that [`Replay::torn`] reported. Its bytes are first set aside, durably,
    /// under the journal's folder in `torn/`.
    fn cut(&mut self) -> Result<()>;

    /// Bytes in all segments.
    fn size_bytes(&self) -> u64;
}

/// What a journal held when it was opened.
#[derive(Debug, Default)]
pub struct Replay {
    /// The head that the oldest segment begins with.
    pub base: Bytes,
    /// Committed frames since, oldest first.
    pub frames: Vec<Frame>,
    /// A last frame that is incomplete or damaged, if any; never acknowledged if it is incomplete.
    pub torn: Option<Torn>,
    /// Tails that were set aside earlier (paths under `torn/`).
    pub set_aside: Vec<ObjectPath>,
}

/// One committed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The batch, as it was given.
    pub stage: Bytes,
    /// The head after it.
    pub head: Bytes,
}

/// The place and size of a bad tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment it was found in.
    pub path: ObjectPath,
    /// The offset of its first byte.
    pub offset: u64,
    /// How many bytes it has, up to the end of the segment.
    pub size: u64,
}

//! Every limit on an event, with its reason.

/// The most bytes an entry may have: bundles frame entries with a `u16` (C2SP tlog-tiles).
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Bytes kept free in an entry for the server's own members and the list of detached values.
pub(crate) const SERVER_BYTES_RESERVED: usize = 12_288;

/// A member with more JSON than this is detached even when the entry would fit, so that bundles
/// stay small enough to fetch one to read one event.
pub const DETACH_OVER_BYTES: usize = 16 * 1024;

/// The most bytes one event may have on the wire.
pub const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most bytes that one event may have detached, its source's own record included: well within one
/// commit of a trail.
pub const DETACHED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The deepest nesting of arrays and objects. Real records stay below 20; a parser that recurses,
/// somewhere downstream in twenty years, must survive what we accept.
pub const DEPTH_MAX: usize = 100;

/// The most bytes of an identifier that is looked up: `id`, `action`, types.
pub const ID_BYTES_MAX: usize = 1_024;

/// The most bytes of a name, an address or another identifier.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// The most bytes of what a person wrote: a reason, a message, a detail.
pub(crate) const PROSE_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes of `source.system`.
pub(crate) const SYSTEM_BYTES_MAX: usize = 128;

/// The most roles of one actor.
pub(crate) const ROLES_MAX: usize = 64;

/// The most related things of one event.
pub(crate) const RELATED_MAX: usize = 256;

/// The most redacted pointers of one event.
pub(crate) const REDACTED_MAX: usize = 1_024;

/// The most bytes of a credential's last characters.
pub(crate) const ENDING_BYTES_MAX: usize = 64;

/// The most bytes of each text that the server sets: whose token, through which door. Five of them,
/// were every byte a control, and every value that can be detached together stay below
/// [`SERVER_BYTES_RESERVED`].
pub(crate) const STAMP_TEXT_BYTES_MAX: usize = 200;

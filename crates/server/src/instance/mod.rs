//! The data directory, opened: the store, its trails, their projections, and the registry.
//!
//! **Guarantee.** Opening never creates: [`Instance::init`] does, and refuses a directory that has
//! something in it. A change of configuration is an event on the `system` trail before it has any
//! effect. A trail that nobody uses costs nothing: it is opened when it is first asked for.
//!
//! **Trust.** Whoever can read the directory's `keys` can sign checkpoints; everything else in it is
//! checked when it is read.
//!
//! ```text
//! lock               held while the directory is open
//! control.sock       commands reach the server here while one runs
//! trails/<slug>/     the trails, see docs/format.md
//! keys/<slug>        secret keys, mode 0600
//! ids/               idempotency keys: a projection, may be deleted
//! search/<slug>/     search: a projection, may be deleted
//! ```

mod append;
mod background;
mod change;
mod checking;
pub(crate) mod chronicle;
mod deposits;
mod error;
mod keys;
mod notes;
mod open;
mod scrub;

pub(crate) use append::{BY_SERVER, own_record};
pub use append::{append, record_access, salt, uuid7, write_access};
pub use deposits::NewDeposit;
pub use error::InstanceError;
pub(crate) use notes::server;
pub use open::{Instance, InstanceOptions, OpenTrail, default_state_folder};
pub use scrub::Scrub;

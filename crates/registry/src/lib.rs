//! Which trails there are, which tokens may do what, and what is deposited where: a fold of the
//! `system` trail.
//!
//! Every change of configuration is an event with who, when and why; this crate writes those events
//! and reads them back. There is no other database: forget the fold and it comes back from the trail.
//!
//! **Guarantee.** The same events always give the same registry. A token's secret is never in an
//! event: only its SHA-256, and a secret has 256 random bits, so that the hash tells nothing.
//!
//! **Trust.** Events of the `system` trail were checked against its tree. One that this version does
//! not understand is passed over and counted ([`Registry::unknown`]).
//!
//! **Absent on purpose.** No I/O, no clock: the caller appends what this crate writes.

mod change;
mod checked;
mod deposit;
mod fold;
mod secret;
mod slug;

pub use change::{Change, SYSTEM};
pub use checked::{ACTION as CHECK_ACTION, CheckRecord, Checked, PROBLEMS_TOLD_MAX};
pub use deposit::{DepositId, DepositOrder, DepositRecord, Download};
pub use fold::{Registry, TokenRecord, TrailRecord};
pub use secret::{Secret, TokenId};
pub use slug::{ACCESS_SLUG, SYSTEM_SLUG, Slug, SlugError};

use serde::{Deserialize, Serialize};

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Append events.
    Append,
    /// Read and search events, and take receipts.
    Read,
    /// Make trails and tokens, and revoke them; order and end deposits.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Append, Self::Read, Self::Admin];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The scope with that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

//! Daily deposits: what whoever administers a trail ordered.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Scope, Slug, TokenRecord};

const ID_BYTES: usize = 12;

/// The public id of a deposit: 12 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DepositId(String);

impl DepositId {
    /// Makes an id of random bytes.
    pub fn new(random: [u8; 6]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads an id; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == ID_BYTES && text.bytes().all(digits)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DepositId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who may take a deposit's files from the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Download {
    /// Nobody: only who can reach the folder itself.
    Nobody,
    /// Who may administer the trail.
    #[default]
    Admin,
    /// Who may read or administer the trail.
    Read,
}

impl Download {
    /// Every rule, the strictest first.
    pub const ALL: [Self; 3] = [Self::Nobody, Self::Admin, Self::Read];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Admin => "admin",
            Self::Read => "read",
        }
    }

    /// The rule with that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == word)
    }
}

/// What is deposited, where, and in which form. Never changed: another order is another deposit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositOrder {
    /// The trail whose events are deposited.
    pub trail: Slug,
    /// The folder: an absolute path below one of the roots that the operator configured.
    pub destination: String,
    /// The dialect of the files.
    pub dialect: String,
    /// The dialect's format.
    pub format: String,
    /// Whether an event's region is a column of its own.
    pub region_column: bool,
    /// Whether cells that a spreadsheet would run as formulas are guarded.
    pub formula_guard: bool,
    /// Whether imported events are deposited, too.
    pub imports: bool,
    /// Who may take the files from the server.
    pub download: Download,
    /// The first UTC day to deposit, such as `2026-11-21`; only what is recorded after the
    /// activation when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// One deposit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepositRecord {
    /// Its public id.
    pub id: DepositId,
    /// What was ordered.
    pub order: DepositOrder,
    /// When it was ordered, in microseconds since the epoch.
    pub created_at_micros: i64,
    /// When it was ended, in microseconds since the epoch.
    pub removed_at_micros: Option<i64>,
}

impl DepositRecord {
    /// Whether a token may take the files from the server.
    pub fn may_download(&self, token: &TokenRecord) -> bool {
        let may = |scope| token.may(scope, &self.order.trail);
        match self.order.download {
            Download::Nobody => false,
            Download::Admin => may(Scope::Admin),
            Download::Read => may(Scope::Admin) || may(Scope::Read),
        }
    }
}

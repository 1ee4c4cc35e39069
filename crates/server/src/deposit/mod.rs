//! Daily deposits: one file for each UTC day of recording, in a folder and a dialect that whoever
//! administers the trail named. `docs/deposits.md` is the normative text.
//!
//! All state is what the trail and `system` recorded. A run looks which days a deposit owes, closes
//! those that no entry closes yet, writes the files whose digest no entry records yet, and verifies
//! the others. Each step is found done or is done again with the same bytes, so a process may die
//! between any two:
//!
//! ```text
//! system   deposit.create        what was ordered, by whom, why
//! trail    deposit.activate      its index is where the deposit begins
//! trail    day.close             fixes the indexes of a day, for all deposits of the trail
//! folder   the file, then its manifest
//! trail    deposit.file          both digests: from here on they are final
//! trail    deposit.damage        a file was found missing or altered
//! trail    deposit.deactivate    its index is where the deposit ends
//! ```
//!
//! **Guarantee.** No event of a deposited range is lost or doubled. A file has all of its bytes
//! or no name, and is never overwritten. A file that was recorded and is gone or altered is reported,
//! never written again.
//!
//! **Trust.** Neither the folder nor what somebody puts into it is trusted. The server's own records
//! are believed because nobody else can append in its name.
//!
//! **Absent on purpose.** No deposit of part of a day before it is over, no removal of files.

mod content;
mod day;
mod days;
mod destination;
mod failure;
mod fetch;
mod folder;
mod ledger;
mod manifest;
mod place;
mod report;
mod run;
mod verify;

pub use day::Day;
pub use destination::{Destination, DestinationError};
pub use failure::Failure;
pub use fetch::{Fetched, fetch};
pub use folder::{DiskShelf, Folder, Found, Part, Shelf};
pub use ledger::{Filed, Ledger, Span};
pub use report::{Finding, Report};
pub use run::Job;

use registry::DepositOrder;

/// The name of a day's file.
pub fn file_name(order: &DepositOrder, day: Day) -> String {
    let extension = format_of(order).map_or("txt", |format| format.extension);
    format!("{}-{day}.{extension}", order.trail)
}

/// The name of a day's manifest.
pub fn manifest_name(order: &DepositOrder, day: Day) -> String {
    format!("{}-{day}.manifest.json", order.trail)
}

/// The format of a deposit's files.
pub fn format_of(order: &DepositOrder) -> Option<&'static dialect::Format> {
    let formats = dialect::by_name(&order.dialect)?.formats();
    formats.iter().find(|format| format.name == order.format)
}

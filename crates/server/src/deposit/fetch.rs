//! A deposited file, taken back out of its folder.

use std::fs::File;
use std::path::PathBuf;

use registry::DepositRecord;
use trail::Trail;

use super::{Day, Destination, Failure, Found, Ledger, Shelf, format_of};

/// A file that is open, and what the trail says of it. Whoever reads it compares.
#[derive(Debug)]
pub struct Fetched {
    /// The file; none where there is none, or something else.
    pub file: Option<File>,
    /// The size that was recorded.
    pub size_bytes: u64,
    /// The SHA-256 that was recorded, in hexadecimal.
    pub sha256: String,
    /// Its media type.
    pub media_type: &'static str,
}

/// Opens one of a deposit's files by its name. `None` when the deposit has no file of that name.
///
/// # Errors
/// Those of the trail and of the folder.
pub fn fetch(
    trail: &Trail,
    deposit: &DepositRecord,
    roots: &[PathBuf],
    shelf: &dyn Shelf,
    name: &str,
) -> Result<Option<Fetched>, Failure> {
    let Some(day) = day_in(deposit, name) else { return Ok(None) };
    let Some(filed) = Ledger(trail).filed(deposit, day)? else { return Ok(None) };
    let (size_bytes, sha256, media_type) = if name == filed.file {
        let format = format_of(&deposit.order);
        let media_type = format.map_or("application/octet-stream", |format| format.media_type);
        (filed.size_bytes, filed.sha256, media_type)
    } else if name == filed.manifest {
        (filed.manifest_size_bytes, filed.manifest_sha256, "application/json")
    } else {
        return Ok(None);
    };
    let destination = Destination::parse(&deposit.order.destination, roots)?;
    let file = match shelf.open(&destination)?.read(name)? {
        Found::File(file) => Some(file),
        Found::Nothing | Found::Other => None,
    };
    Ok(Some(Fetched { file, size_bytes, sha256, media_type }))
}

/// The day in a file's name.
fn day_in(deposit: &DepositRecord, name: &str) -> Option<Day> {
    let rest = name.strip_prefix(deposit.order.trail.as_str())?.strip_prefix('-')?;
    Day::parse(rest.get(..10)?)
}

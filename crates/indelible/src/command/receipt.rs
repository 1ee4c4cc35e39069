//! `receipt`: the proof that an event is in the trail, as one file.

use std::io::Write as _;

use anyhow::Result;

use super::read;
use crate::cli::InTrail;
use crate::exit::Exit;

pub(crate) fn run(index: u64, at: &InTrail) -> Result<Exit> {
    let receipt = read(at)?.receipt(index)?;
    std::io::stdout().lock().write_all(receipt.as_bytes())?;
    Ok(Exit::Done)
}

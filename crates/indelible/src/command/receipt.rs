//! `receipt`: the proof that an event is in the trail, as one file.

use std::io::Write as _;

use anyhow::Result;

use super::open_trail;
use crate::cli::InTrail;
use crate::exit::Exit;

pub(crate) fn run(index: u64, at: &InTrail) -> Result<Exit> {
    let (_instance, open) = open_trail(at)?;
    let receipt = open.trail.receipt(index)?;
    std::io::stdout().lock().write_all(receipt.to_string().as_bytes())?;
    Ok(Exit::Done)
}

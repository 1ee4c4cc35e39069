//! `trail`: make and list trails.

use anyhow::Result;
use server::instance::Instance;

use super::{explain, open};
use crate::cli::Trail;
use crate::exit::Exit;
use crate::output;

pub(crate) fn run(command: Trail) -> Result<Exit> {
    match command {
        Trail::Create { slug, place } => {
            let instance = open(&place)?;
            let made = instance.create_trail(&slug, &Instance::operator()).map_err(explain)?;
            output::line(&made.trail.verifier().to_string())?;
            output::note(&format!("made the trail {slug}; above is its public key"));
            instance.stop();
        }
        Trail::List { place, output } => {
            let instance = open(&place)?;
            let mut rows = Vec::new();
            for record in instance.trails() {
                let size = trail::Feed::committed_size(&*instance.trail(&record.slug)?.trail);
                rows.push(vec![
                    record.slug.to_string(),
                    size.to_string(),
                    event::format_micros(record.created_at_micros),
                    record.vkey.clone(),
                ]);
            }
            output::rows(output, &["trail", "events", "created", "vkey"], &rows)?;
        }
    }
    Ok(Exit::Done)
}

//! `export`: a trail's events as a file, in our own forms or in a platform's.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use dialect::{Losses, WriteOptions};
use event::Entry;
use search::Order;
use server::Format as ExportFormat;
use server::instance::OpenTrail;
use tlog::{BundleId, Tile};
use trail::{Feed, Recorded};

use super::{find, open_trail};
use crate::cli::InTrail;
use crate::exit::{Exit, usage};
use crate::output;

/// Events read at once.
const READ_COUNT: usize = 2_048;

pub(crate) fn run(at: &InTrail, format: &str, query: &str) -> Result<Exit> {
    let own = ExportFormat::ALL.into_iter().find(|(name, _)| *name == format);
    let platform = dialect::by_name(format);
    let query = (!query.is_empty()).then(|| find::parse(query)).transpose()?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match (own, platform) {
        (Some((_, format)), _) => {
            let (_instance, open) = open_trail(at)?;
            let mut buffer = Vec::new();
            format.begin(&mut buffer);
            each(&open, query.as_ref(), &mut |recorded| {
                format.write(recorded, &mut buffer);
                out.write_all(&buffer)?;
                buffer.clear();
                Ok(())
            })?;
            out.write_all(&buffer)?;
        }
        (None, Some(platform)) => {
            let mut writer = platform.writer(&WriteOptions::default())?;
            let (_instance, open) = open_trail(at)?;
            let mut losses = Losses::default();
            writer.begin(&mut out)?;
            each(&open, query.as_ref(), &mut |recorded| {
                let text = recorded.text();
                let entry = Entry::parse(&text)?;
                let recorded = dialect::Recorded {
                    index: recorded.index,
                    recorded_at_micros: entry.recorded_at_micros,
                    event: &entry.event,
                    native: entry.native.as_ref(),
                };
                Ok(writer.write(&recorded, &mut out, &mut losses)?)
            })?;
            writer.end(&mut out)?;
            for (field, count) in losses.iter() {
                output::note(&format!("{format} cannot say {field}: {count} times"));
            }
        }
        (None, None) => {
            let names: Vec<&str> = dialect::ALL.iter().map(|dialect| dialect.name()).collect();
            let names = names.join(", ");
            return Err(usage(format!("`{format}` is not a format; use csv, jsonl, or {names}")));
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Calls `each` with every event in the order of the trail, or with those that a query finds, oldest
/// first.
fn each(
    open: &OpenTrail,
    query: Option<&search::Query>,
    each: &mut dyn FnMut(&Recorded) -> Result<()>,
) -> Result<()> {
    if let Some(query) = query {
        return find::visit(open, query, Order::Oldest, usize::MAX, each).map(drop);
    }
    let size = open.trail.committed_size();
    let mut next = 0;
    while next < size {
        let run = open.trail.read(next, READ_COUNT)?;
        next += run.len() as u64;
        for recorded in &run {
            each(recorded)?;
        }
    }
    Ok(())
}

/// Writes the plain tree that any web server can serve.
pub(crate) fn static_tree(at: &InTrail, folder: &Path) -> Result<Exit> {
    if folder.try_exists()? && fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty", folder.display());
    }
    let (_instance, open) = open_trail(at)?;
    let size = open.trail.published().checkpoint.size();
    let tiles = Tile::every(size).map(Tile::path);
    let bundles = BundleId::every(size).map(BundleId::path);
    // The checkpoint last, so that a copy that was cut short does not claim to be whole.
    for path in tiles.chain(bundles).chain(["checkpoint".to_owned()]) {
        let bytes = open.trail.resource(&path)?.with_context(|| format!("{path} is missing"))?;
        let file = folder.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
    output::note(&format!("wrote {size} entries to {}", folder.display()));
    Ok(Exit::Done)
}

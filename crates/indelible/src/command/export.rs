//! `export`: a trail's events as a file, in our own forms or in a platform's.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use dialect::WriteOptions;
use server::export::{Form, Loss};
use tlog::{BundleId, Tile};

use super::{find, read};
use crate::cli::{Export, InTrail};
use crate::exit::{Exit, usage};
use crate::output;

/// What is written when nothing is said.
const FORMAT: &str = "jsonl";

pub(crate) fn run(export: &Export) -> Result<Exit> {
    let form = form(export)?;
    find::parse(&export.query)?;
    let source = read(&export.at)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut writer = form.writer()?;
    let mut piece = Vec::new();
    writer.begin(&mut piece)?;
    source.scan(&export.query, &mut |recorded| {
        writer.write(recorded, &mut piece)?;
        out.write_all(&piece).map_err(output::to_reader)?;
        piece.clear();
        Ok(())
    })?;
    writer.end(&mut piece)?;
    out.write_all(&piece).map_err(output::to_reader)?;
    out.flush().map_err(output::to_reader)?;
    for Loss { pointer, count } in writer.losses() {
        let field = if pointer.is_empty() { "the whole event" } else { pointer };
        output::note(&format!("{} cannot say {field}: {count} times", form.name()));
    }
    Ok(Exit::Done)
}

fn form(export: &Export) -> Result<Form> {
    let form = match &export.dialect {
        None => Form::own(export.format.as_deref().unwrap_or(FORMAT)),
        Some(name) => {
            let options = WriteOptions {
                format: export.format.clone(),
                region_column: export.region_column,
                formula_guard: export.formula_guard,
            };
            Form::platform(name, options)
        }
    };
    form.map_err(|unknown| {
        let what = if export.dialect.is_some() { "--dialect or --format" } else { "--format" };
        usage(format!("{what} {unknown}"))
    })
}

/// Writes the plain tree that any web server can serve.
pub(crate) fn static_tree(at: &InTrail, folder: &Path) -> Result<Exit> {
    if folder.try_exists()? && fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty", folder.display());
    }
    let source = read(at)?;
    let (size, note) = source.published()?;
    let tiles = Tile::every(size).map(Tile::path);
    let bundles = BundleId::every(size).map(BundleId::path);
    // The checkpoint last, so that a copy that was cut short does not claim to be whole.
    for path in tiles.chain(bundles).chain(["checkpoint".to_owned()]) {
        let is_note = path == "checkpoint";
        let bytes = if is_note { note.clone().into_bytes() } else { source.resource(&path)? };
        let file = folder.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
    output::note(&format!("wrote {size} entries to {}", folder.display()));
    Ok(Exit::Done)
}

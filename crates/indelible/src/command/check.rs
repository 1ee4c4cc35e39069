//! `check`: recompute everything. Reads only; works beside a running server, which records the result.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use anyhow::Result;
use registry::{Checked, SYSTEM_SLUG, Slug};
use store::{Disk, ObjectPath, Store};
use trail::{FileWatermark, Keys, Report, Watermark};

use crate::cli::Place;
use crate::config::Config;
use crate::exit::{Exit, usage};
use crate::output::{self, Cell, Output};
use crate::running::Running;

pub(crate) fn run(place: &Place, only: Option<&Slug>, output: Output) -> Result<Exit> {
    let config = Config::of(place)?;
    let store = Disk::open_read_only(&config.data)?;
    let watermark = FileWatermark::new(&config.options.state_folder);
    let slugs = match only {
        Some(slug) => BTreeSet::from([slug.clone()]),
        None => every_trail(&store, &config)?,
    };
    if slugs.is_empty() {
        return Err(usage(format!("{} has no trails", config.data.display())));
    }
    let mut sound = true;
    let mut rows = Vec::new();
    for slug in &slugs {
        let checked = check_one(&config, &store, &watermark, slug);
        let report = match checked {
            Ok(report) => report,
            Err(error) if only.is_some() => return Err(error),
            // What is wrong with one trail must not hide what is wrong with another.
            Err(error) => {
                output::note(&format!("{slug}: cannot be checked: {error:#}"));
                sound = false;
                let nothing = || Cell::from(0_u64);
                rows.push(vec![slug.to_string().into(), nothing(), nothing(), nothing(), 1.into()]);
                continue;
            }
        };
        sound &= report.is_sound();
        rows.push(summarise(slug, &report));
    }
    if only.is_none() {
        note_absent(&config, &watermark, &slugs)?;
    }
    output::rows(output, &["trail", "published", "committed", "checked", "problems"], &rows)?;
    Ok(if sound { Exit::Done } else { Exit::Unverified })
}

/// Checks one trail, and tells a running server.
fn check_one(
    config: &Config,
    store: &Disk,
    watermark: &FileWatermark,
    slug: &Slug,
) -> Result<Report> {
    let keys = read_keys(config, slug)?;
    let origin = keys.verifier().name().to_owned();
    let remembered = watermark.recall(&keys.verifier().to_string())?;
    let mut last = 0;
    let mut report = trail::check(
        store,
        slug.as_str(),
        &origin,
        &keys,
        remembered.as_deref(),
        &mut |done| {
            if done >= last + 1_000_000 {
                last = done;
                output::note(&format!("{slug}: {done} entries checked"));
            }
        },
        &mut look_again,
    )?;
    tell(config, slug, &report);
    if remembered.is_none() && report.published_size > 0 {
        report.notes.push(format!(
            "{} remembers nothing of it: that it is an older copy would not be seen",
            config.options.state_folder.display()
        ));
    }
    Ok(report)
}

/// Tells a running server what was found, so that it is on record. The result stands either way.
fn tell(config: &Config, slug: &Slug, report: &Report) {
    let told = Running::of(&config.data).and_then(|running| {
        let Some(running) = running else { return Ok(()) };
        let checked = serde_json::to_value(Checked::from(report))?;
        let path = format!("/api/v1/trails/{slug}/checks");
        running.post::<serde_json::Value>(&path, &[], &checked).map(drop)
    });
    if let Err(error) = told {
        output::note(&format!("{slug}: the result is not on record: {error:#}"));
    }
}

/// A server may be writing: what is wrong at the end of a trail has to stand for two seconds.
fn look_again(seen: u32) -> bool {
    std::thread::sleep(Duration::from_millis(50));
    seen < 40
}

fn summarise(slug: &Slug, report: &Report) -> Vec<Cell> {
    for problem in &report.problems {
        output::note(&format!("{slug}: {problem}"));
    }
    for note in &report.notes {
        output::note(&format!("{slug}: note: {note}"));
    }
    vec![
        slug.to_string().into(),
        report.published_size.into(),
        report.committed_size.into(),
        report.checked.into(),
        (report.problems.len() as u64).into(),
    ]
}

/// The trails that there are or should be, whether or not the `system` trail can still be read: those
/// that the store has, and those that have a key.
fn every_trail(store: &Disk, config: &Config) -> Result<BTreeSet<Slug>> {
    let stored = store.list(&ObjectPath::new("trails")?)?;
    let stored = stored.iter().filter_map(|path| path.as_str().split('/').nth(1));
    let mut names: BTreeSet<String> = stored.map(str::to_owned).collect();
    // Without keys nothing can be checked, which is told of each trail.
    if let Ok(keys) = std::fs::read_dir(config.data.join("keys")) {
        names.extend(keys.filter_map(|item| item.ok()?.file_name().into_string().ok()));
    }
    Ok(names.iter().filter_map(|name| Slug::parse(name).ok()).collect())
}

/// Says which trails of this server are remembered outside and not here. That is no fault by itself:
/// another directory may have had the same origin.
fn note_absent(config: &Config, watermark: &FileWatermark, slugs: &BTreeSet<Slug>) -> Result<()> {
    let system = read_keys(config, &Slug::parse(SYSTEM_SLUG)?);
    let Ok(system) = system.map(|keys| keys.verifier().name().to_owned()) else { return Ok(()) };
    let Some(server) = system.strip_suffix(SYSTEM_SLUG) else { return Ok(()) };
    for origin in watermark.origins()? {
        let slug = origin.strip_prefix(server).and_then(|slug| Slug::parse(slug).ok());
        if slug.is_some_and(|slug| !slugs.contains(&slug)) {
            output::note(&format!(
                "note: {} remembers the trail {origin}, which is not in {}",
                config.options.state_folder.display(),
                config.data.display()
            ));
        }
    }
    Ok(())
}

fn read_keys(config: &Config, slug: &Slug) -> Result<Keys> {
    let path = config.data.join("keys").join(slug.as_str());
    let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow::anyhow!("there is no trail `{slug}`, or its key {} is gone", path.display())
        }
        _ => anyhow::anyhow!("cannot read {}: {error}", path.display()),
    })?;
    Keys::parse(&text).ok_or_else(|| anyhow::anyhow!("{} is not a key file", path.display()))
}

//! `check`: recompute everything. Reads only; works beside a running server, which records the result.

use std::io;
use std::time::Duration;

use anyhow::Result;
use registry::{Checked, Slug};
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
        Some(slug) => vec![slug.clone()],
        None => every_trail(&store)?,
    };
    if slugs.is_empty() {
        return Err(usage(format!("{} has no trails", config.data.display())));
    }
    let mut sound = true;
    let mut rows = Vec::new();
    for slug in slugs {
        let keys = read_keys(&config, &slug)?;
        let origin = keys.verifier().name().to_owned();
        let remembered = watermark.recall(&keys.verifier().to_string())?;
        let mut last = 0;
        let mut report = trail::check(
            &store,
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
        tell(&config, &slug, &report);
        if remembered.is_none() && report.published_size > 0 {
            report.notes.push(format!(
                "{} remembers nothing of it: that it is an older copy would not be seen",
                config.options.state_folder.display()
            ));
        }
        sound &= report.is_sound();
        rows.push(summarise(&slug, &report));
    }
    output::rows(output, &["trail", "published", "committed", "checked", "problems"], &rows)?;
    Ok(if sound { Exit::Done } else { Exit::Unverified })
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

/// The trails that the store has, whether or not the `system` trail can still be read.
fn every_trail(store: &Disk) -> Result<Vec<Slug>> {
    let mut slugs: Vec<Slug> = store
        .list(&ObjectPath::new("trails")?)?
        .iter()
        .filter_map(|path| Slug::parse(path.as_str().split('/').nth(1)?).ok())
        .collect();
    slugs.dedup();
    Ok(slugs)
}

fn read_keys(config: &Config, slug: &Slug) -> Result<Keys> {
    let path = config.data.join("keys").join(slug.as_str());
    let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!("there is no trail `{slug}`"),
        _ => anyhow::anyhow!("cannot read {}: {error}", path.display()),
    })?;
    Keys::parse(&text).ok_or_else(|| anyhow::anyhow!("{} is not a key file", path.display()))
}

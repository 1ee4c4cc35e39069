//! `import`: a platform's records become events, once each.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};
use dialect::{Dialect, ReadOptions};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Deserialize;
use server::import::{self, Counts, End, Rejected, Report, Watch};
use server::instance::Instance;

use super::{Opened, open, open_trail, serve};
use crate::cli::Import;
use crate::exit::{Exit, usage};
use crate::output;
use crate::running::Running;

/// Rejected records that are told one by one.
const TOLD_MAX: u64 = 1_000;

pub(crate) fn run(import: &Import) -> Result<Exit> {
    let platform = dialect::by_name(&import.dialect).ok_or_else(|| {
        let names: Vec<&str> = dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        usage(format!("there is no dialect `{}`; use {}", import.dialect, names.join(", ")))
    })?;
    match open(&import.at.place)? {
        Opened::Here(instance) => here(import, platform, &instance),
        Opened::There(server) => there(import, &server),
    }
}

/// Imports into the directory, which this process has open.
fn here(import: &Import, platform: &'static dyn Dialect, instance: &Arc<Instance>) -> Result<Exit> {
    let open = open_trail(instance, &import.at.trail)?;
    let stop = stop_flag()?;
    let mut total = Counts::default();
    let mut exit = Exit::Done;
    for path in &import.files {
        let (input, progress) = input(path)?;
        let name = path.file_name().filter(|_| !is_stdin(path));
        let wanted = import::Import {
            dialect: platform,
            options: ReadOptions {
                organization: import.organization.clone(),
                instance: import.instance.clone(),
                region: import.region.clone(),
                redact: import.redact.clone(),
                ..ReadOptions::default()
            },
            file: name.map_or_else(|| "stdin".into(), |name| name.to_string_lossy()).into_owned(),
            strict: import.strict,
            by: Instance::operator(),
            recorded_by: "operator".into(),
        };
        let mut teller = Teller { path, progress: &progress, told: 0, stop: &stop };
        let report = import::run(instance, &open, &wanted, input, &mut teller);
        progress.finish_and_clear();
        total.add(&report.counts);
        if !is_good(path, &report) {
            exit = Exit::Failed;
        }
        if let End::Failed(error) = report.end {
            return Err(error).with_context(|| path.display().to_string());
        }
        if exit == Exit::Failed && (import.strict || stop.load(Ordering::Relaxed)) {
            break;
        }
    }
    instance.stop();
    conclude(&import.dialect, &total, exit)
}

/// Tells what became of all records, and the exit code for it.
fn conclude(dialect: &str, total: &Counts, exit: Exit) -> Result<Exit> {
    output::line(&total.to_json().to_string())?;
    if total.read() == 0 && exit == Exit::Done {
        output::note("nothing was read: the file has no records in it");
    }
    if total.rejected == 0 {
        return Ok(exit);
    }
    // A job that runs unattended must not take an incomplete trail for a complete one.
    let (rejected, read) = (total.rejected, total.read());
    let what = if rejected == read {
        format!("none of {read} records could be read as one of {dialect}'s; is it another's file?")
    } else {
        format!(
            "{rejected} of {read} records were rejected; mend them and import the file again: what \
             is recorded stays and is passed over"
        )
    };
    output::note(&what);
    Ok(Exit::Failed)
}

/// What a server tells of an import.
#[derive(Deserialize)]
struct Told {
    counts: ToldCounts,
    rejections: Vec<ToldRejection>,
    rejections_left_out: u64,
    ended: Option<ToldEnd>,
}

#[derive(Deserialize)]
struct ToldCounts {
    recorded: u64,
    already: u64,
    rejected: u64,
}

#[derive(Deserialize)]
struct ToldRejection {
    line: u64,
    message: String,
}

#[derive(Deserialize)]
struct ToldEnd {
    message: String,
}

/// Sends the files to the server that has the directory open, as they are.
fn there(import: &Import, server: &Running) -> Result<Exit> {
    let path = format!("/api/v1/trails/{}/import", import.at.trail);
    let mut total = Counts::default();
    let mut exit = Exit::Done;
    for file in &import.files {
        let (input, progress) = input(file)?;
        let name = file.file_name().filter(|_| !is_stdin(file));
        let name = name.map_or_else(|| "stdin".into(), |name| name.to_string_lossy());
        let strict = if import.strict { "true" } else { "false" };
        let mut parameters =
            vec![("dialect", import.dialect.as_str()), ("file", name.as_ref()), ("strict", strict)];
        let more = [
            ("organization", &import.organization),
            ("instance", &import.instance),
            ("region", &import.region),
        ];
        for (name, value) in more {
            parameters.extend(value.as_deref().map(|value| (name, value)));
        }
        parameters.extend(import.redact.iter().map(|pointer| ("redact", pointer.as_str())));
        let told: Told = server.send(&path, &parameters, input)?;
        progress.finish_and_clear();
        for ToldRejection { line, message } in &told.rejections {
            let message = output::printable(message);
            output::note(&format!("{}:{line}: {message}", file.display()));
        }
        if told.rejections_left_out > 0 {
            output::note("further rejections are only counted");
        }
        let ToldCounts { recorded, already, rejected } = told.counts;
        total.add(&Counts { recorded, already, rejected });
        if let Some(end) = told.ended {
            let message = output::printable(&end.message);
            output::note(&format!("{}: stopped early: {message}", file.display()));
            exit = Exit::Failed;
            if import.strict {
                break;
            }
        }
    }
    conclude(&import.dialect, &total, exit)
}

/// Says why a file was not read to its end.
fn is_good(path: &Path, report: &Report) -> bool {
    if let Some((_, message)) = report.end.reason() {
        let message = output::printable(&message);
        output::note(&format!("{}: stopped early: {message}", path.display()));
    }
    report.end.is_complete()
}

/// Set when the process is asked to end: the import ends at the next batch and is recorded.
fn stop_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let set = Arc::clone(&flag);
    std::thread::spawn(move || {
        // Without the signals the process just ends, and the next import goes on from there.
        runtime.block_on(async {
            if let Ok(stopped) = serve::stopped() {
                stopped.await;
                set.store(true, Ordering::Relaxed);
            }
        });
    });
    Ok(flag)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn input(path: &Path) -> Result<(impl Read + Send + 'static, ProgressBar)> {
    let (input, size): (Box<dyn Read + Send>, u64) = if is_stdin(path) {
        (Box::new(io::stdin()), 0)
    } else {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let about = file.metadata()?;
        if about.is_dir() {
            bail!("{} is a directory; name the files in it", path.display());
        }
        let size = about.len();
        (Box::new(file), size)
    };
    let progress = progress(size);
    Ok((progress.wrap_read(input), progress))
}

fn progress(size: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec}");
    match style {
        Ok(style) if size > 0 => bar.with_style(style),
        _ => bar,
    }
}

/// Tells the person at the terminal what is rejected.
struct Teller<'a> {
    path: &'a Path,
    progress: &'a ProgressBar,
    told: u64,
    stop: &'a AtomicBool,
}

impl Watch for Teller<'_> {
    fn rejected(&mut self, rejected: &Rejected) {
        self.told += 1;
        let Rejected { line, message, .. } = rejected;
        let text = match self.told {
            ..=TOLD_MAX => {
                format!("{}:{line}: {}", self.path.display(), output::printable(message))
            }
            count if count == TOLD_MAX + 1 => "further rejections are only counted".to_owned(),
            _ => return,
        };
        self.progress.suspend(|| output::note(&text));
    }

    fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

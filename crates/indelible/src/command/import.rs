//! `import`: a platform's records become events, once each.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use dialect::{Dialect, ReadOptions, Row};
use event::{Draft, Event, Json, Moment, Outcome, Received, Status, Target};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use server::instance::{Instance, OpenTrail, uuid7};
use sha2::{Digest, Sha256};
use trail::{Answer, Batch};

use super::open_trail;
use crate::cli::Import;
use crate::exit::{Exit, usage};
use crate::output;

/// Records that are committed together.
const BATCH_COUNT: usize = 1_000;

/// Bytes of records that are committed together.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Rejected records that are told one by one.
const TOLD_MAX: u64 = 1_000;

/// What became of the records of an import.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    read: u64,
    recorded: u64,
    already: u64,
    rejected: u64,
}

impl Counts {
    fn to_json(self) -> serde_json::Value {
        json!({
            "read": self.read,
            "recorded": self.recorded,
            "already": self.already,
            "rejected": self.rejected,
        })
    }
}

pub(crate) fn run(import: &Import) -> Result<Exit> {
    let platform = dialect::by_name(&import.dialect).ok_or_else(|| {
        let names: Vec<&str> = dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        usage(format!("there is no dialect `{}`; use {}", import.dialect, names.join(", ")))
    })?;
    let (instance, open) = open_trail(&import.at)?;
    let mut total = Counts::default();
    for path in &import.files {
        let mut importer = Importer::new(&instance, &open, platform, import);
        let result = importer.file(path);
        let counts = importer.counts;
        total.read += counts.read;
        total.recorded += counts.recorded;
        total.already += counts.already;
        total.rejected += counts.rejected;
        result?;
    }
    open.trail.publish()?;
    instance.stop();
    output::line(&total.to_json().to_string())?;
    Ok(if total.read == total.rejected && total.read > 0 { Exit::Failed } else { Exit::Done })
}

struct Importer<'a> {
    instance: &'a Instance,
    open: &'a OpenTrail,
    platform: &'static dyn Dialect,
    import: &'a Import,
    id: String,
    received: Arc<Received<'static>>,
    counts: Counts,
    drafts: Vec<Draft>,
    lines: Vec<u64>,
    bytes: usize,
}

impl<'a> Importer<'a> {
    fn new(
        instance: &'a Instance,
        open: &'a OpenTrail,
        platform: &'static dyn Dialect,
        import: &'a Import,
    ) -> Self {
        let id = uuid7(instance.now_micros());
        let received = Received {
            via: "import".into(),
            dialect: Some(platform.name().into()),
            version: Some("1".into()),
            import: Some(id.clone().into()),
        };
        Self {
            instance,
            open,
            platform,
            import,
            id,
            received: Arc::new(received),
            counts: Counts::default(),
            drafts: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
        }
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let stdin = path == Path::new("-");
        let (input, size): (Box<dyn Read + Send>, u64) = if stdin {
            (Box::new(io::stdin()), 0)
        } else {
            let file =
                File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            let size = file.metadata()?.len();
            (Box::new(file), size)
        };
        let progress = progress(size);
        let digest = Arc::new(Mutex::new(Sha256::new()));
        let input = Tee { input: progress.wrap_read(input), digest: Arc::clone(&digest) };
        let options = ReadOptions {
            organization: self.import.organization.clone(),
            instance: self.import.instance.clone(),
            region: self.import.region.clone(),
            ..ReadOptions::default()
        };
        let input = Box::new(BufReader::with_capacity(1 << 16, input));
        let rows = match self.platform.reader(input, &options) {
            Ok(rows) => rows,
            Err(rejection) => bail!("{}: {}", path.display(), rejection),
        };
        for row in rows {
            self.row(path, row)?;
        }
        self.commit(path)?;
        progress.finish_and_clear();
        let digest = digest.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.note(path, &digest)
    }

    fn row(&mut self, path: &Path, row: Row) -> Result<()> {
        self.counts.read += 1;
        let mapped = match row.result {
            Ok(mapped) => mapped,
            Err(rejection) => return self.reject(path, row.line, &rejection.message),
        };
        let salt = &mut server::instance::salt;
        match Draft::new(&mapped.event, mapped.native.as_ref(), salt) {
            Ok(draft) => {
                self.bytes += draft.size_bytes();
                self.drafts.push(draft);
                self.lines.push(row.line);
            }
            Err(invalid) => return self.reject(path, row.line, &invalid.to_string()),
        }
        if self.drafts.len() >= BATCH_COUNT || self.bytes >= BATCH_BYTES {
            self.commit(path)?;
        }
        Ok(())
    }

    fn reject(&mut self, path: &Path, line: u64, message: &str) -> Result<()> {
        self.counts.rejected += 1;
        let told = format!("{}:{line}: {}", path.display(), output::printable(message));
        if self.import.strict {
            bail!("{told}");
        }
        match self.counts.rejected {
            ..=TOLD_MAX => output::note(&told),
            count if count == TOLD_MAX + 1 => output::note("further rejections are only counted"),
            _ => {}
        }
        Ok(())
    }

    fn commit(&mut self, path: &Path) -> Result<()> {
        self.bytes = 0;
        let lines = std::mem::take(&mut self.lines);
        let batch = Batch {
            drafts: std::mem::take(&mut self.drafts),
            recorded_by: "operator".into(),
            received: Arc::clone(&self.received),
            atomic: false,
        };
        if batch.drafts.is_empty() {
            return Ok(());
        }
        for (answer, line) in self.open.trail.append(batch)?.into_iter().zip(lines) {
            match answer {
                Answer::Recorded { replayed: false, .. } => self.counts.recorded += 1,
                Answer::Recorded { replayed: true, .. } => self.counts.already += 1,
                Answer::Different { index } => {
                    let place = index
                        .map_or_else(|| "in this file".to_owned(), |at| format!("at index {at}"));
                    let message = format!("another record with this id is recorded {place}");
                    self.reject(path, line, &message)?;
                }
            }
        }
        // A large import must not hold everything that it brought in memory.
        self.open.trail.publish()?;
        Ok(())
    }

    /// Records the import itself.
    fn note(&self, path: &Path, sha256: &str) -> Result<()> {
        let name = path.file_name().map_or_else(|| "stdin".into(), |name| name.to_string_lossy());
        let clean: String = name.chars().filter(|c| !c.is_control()).take(255).collect();
        let params = json!({
            "dialect": self.platform.name(),
            "sha256": sha256,
            "counts": self.counts.to_json(),
        });
        let now = self.instance.now_micros();
        let event = Event {
            id: Some(self.id.clone().into()),
            actor: Some(Instance::operator()),
            target: Some(Target {
                kind: "file".into(),
                name: Some(clean.into())
                    .filter(|name: &std::borrow::Cow<'_, str>| !name.is_empty()),
                ..Target::default()
            }),
            outcome: Some(Outcome { status: Status::Success, ..Outcome::default() }),
            params: Some(Json::parse(&params.to_string())?.into_owned()),
            ..Event::new(Moment::from_micros(now), registry::SYSTEM, "import")
        };
        event.check()?;
        let batch = Batch {
            drafts: vec![Draft::new(&event, None, &mut server::instance::salt)?],
            recorded_by: "operator".into(),
            received: Arc::new(Received { via: "server".into(), ..Received::default() }),
            atomic: true,
        };
        self.open.trail.append(batch)?;
        Ok(())
    }
}

fn progress(size: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec}");
    match style {
        Ok(style) if size > 0 => bar.with_style(style),
        _ => bar,
    }
}

/// Hashes a file while it is read.
struct Tee<R> {
    input: R,
    digest: Arc<Mutex<Sha256>>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.input.read(buffer)?;
        let read = buffer.get(..size).unwrap_or_default();
        self.digest.lock().unwrap_or_else(PoisonError::into_inner).update(read);
        Ok(size)
    }
}

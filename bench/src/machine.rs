//! What the kernel says: the machine, the memory of processes, the space of folders.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The machine in a line: processor, cores, memory, kernel.
pub(crate) fn describe() -> String {
    let cpu = value("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory: u64 = value("/proc/meminfo", "MemTotal").map_or(0, |text| kib(&text));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores of {cpu}, {} GiB, Linux {}", memory >> 20, kernel.trim())
}

/// Puts a folder out of the way under another name. It is removed when all is measured: for minutes
/// after files are deleted, ext4 looks for free inodes past them, and what comes next would pay.
pub(crate) fn set_aside(path: &Path) -> Result<()> {
    let name =
        path.file_name().and_then(|name| name.to_str()).context("a folder without a name")?;
    for number in 0.. {
        let aside = path.with_file_name(format!("{ASIDE}{number}-{name}"));
        if !aside.try_exists()? {
            return fs::rename(path, &aside).with_context(|| format!("move {}", path.display()));
        }
    }
    Ok(())
}

/// Removes the folders that were put out of the way.
pub(crate) fn remove_set_aside(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(ASIDE)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// How the names of folders begin that are out of the way.
const ASIDE: &str = "old-";

/// The most memory a process ever had resident, in bytes, mapped files included.
pub(crate) fn peak_resident(process: u32) -> Result<u64> {
    status(process, "VmHWM")
}

/// What a process has resident that is not backed by a file, in bytes.
pub(crate) fn anonymous(process: u32) -> Result<u64> {
    status(process, "RssAnon")
}

/// Processor time that a process has used, user and kernel, in seconds.
pub(crate) fn processor_seconds(process: u32) -> Result<f64> {
    ticks(&format!("/proc/{process}/stat"), 11)
}

/// Processor time that ended child processes of this one have used, in seconds.
pub(crate) fn children_seconds() -> Result<f64> {
    ticks("/proc/self/stat", 13)
}

/// The sum of two neighbouring counters of a `stat` file, counted from the state, in seconds.
fn ticks(path: &str, first: usize) -> Result<f64> {
    let stat = fs::read_to_string(path)?;
    let after_name = stat.rsplit_once(") ").context("no name in stat")?.1;
    let fields = after_name.split(' ').skip(first).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap_or_default()).sum();
    Ok(crate::number::float(ticks) / 100.0)
}

/// Memory of a process and its children, each shared page counted once (PSS), in bytes.
pub(crate) fn proportional(parent: u32) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|text| text.parse::<u32>().ok()) else {
            continue;
        };
        let owner = value(&format!("/proc/{process}/status"), "PPid");
        if process == parent || owner.is_some_and(|text| text.trim() == parent.to_string()) {
            let pss = value(&format!("/proc/{process}/smaps_rollup"), "Pss");
            total += pss.map_or(0, |text| kib(&text) << 10);
        }
    }
    Ok(total)
}

/// The space that a folder takes on the disk, all that is in it included, in bytes.
pub(crate) fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        // A file may go between the listing and the look at it.
        let Ok(metadata) = entry.metadata() else { continue };
        total += metadata.blocks() * 512;
        if metadata.is_dir() {
            total += folder_bytes(&entry.path())?;
        }
    }
    Ok(total)
}

fn status(process: u32, name: &str) -> Result<u64> {
    let text = value(&format!("/proc/{process}/status"), name)
        .with_context(|| format!("no {name} of process {process}"))?;
    Ok(kib(&text) << 10)
}

/// The rest of the first line that begins with `name`, after its colon.
fn value(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn kib(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

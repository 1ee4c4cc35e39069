//! `verify`: a receipt, or a whole log, offline and without trusting who wrote it.
//!
//! What was read and is not what it says is a failed verification. Where there is no log to read,
//! nothing was verified: that is a failure of another kind, which says where logs are.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use tlog::{
    BundleId, Checkpoint, Note, Receipt, Signature, Tile, TileBuilder, VerifierKey, leaf_hash,
};

use crate::exit::{Because, Exit, unverified, usage};
use crate::output;

/// What can be verified, for those who named something else.
const LOG_IS: &str = "LOG is a .tlog-proof file, or the folder or the http(s) URL in which the file \
                      `checkpoint` of a log lies";

/// Logs of a directory that are named.
const LOGS_NAMED_MAX: usize = 20;

/// The most bytes that one resource of a log may have: a full bundle of the largest entries.
const RESOURCE_BYTES_MAX: u64 = 256 * (2 + 65_535);

pub(crate) fn run(
    vkey: &str,
    log: &str,
    entry: Option<&Path>,
    token: Option<&str>,
) -> Result<Exit> {
    let key = VerifierKey::parse(vkey)
        .map_err(|error| usage(format!("--vkey is not a verifier key: {error}")))?;
    if log.starts_with("http://") || log.starts_with("https://") {
        let remote = Remote { url: log.trim_end_matches('/').to_owned(), token };
        return verify_log(&key, &remote);
    }
    let path = Path::new(log);
    let metadata =
        fs::metadata(path).map_err(|error| anyhow!("cannot read {log}: {error}; {LOG_IS}"))?;
    if path.file_name().is_some_and(|name| name == "checkpoint") && metadata.is_file() {
        return Err(anyhow!("{log} is the checkpoint of a log; {LOG_IS}"));
    }
    if metadata.is_dir() {
        verify_log(&key, &Folder(path.to_owned()))
    } else {
        verify_receipt(&key, path, entry)
    }
}

/// Where a log's resources come from.
trait Source {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// What to say where no checkpoint lies: there is no log, unless the rest of one is there.
    fn absent(&self) -> anyhow::Error;
}

struct Folder(PathBuf);

impl Source for Folder {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(path)) {
            // A trail in a data directory keeps its bundles packed.
            Ok(bytes) => match trail::unpack(&bytes) {
                Some(plain) => Ok(Some(plain.into_owned())),
                None => Err(unverified(format!("{path} cannot be inflated"))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
        }
    }

    fn absent(&self) -> anyhow::Error {
        if self.0.join("tile").is_dir() {
            return unverified("checkpoint is missing beside the log's tiles");
        }
        let logs = logs_in(&self.0);
        let named = if logs.is_empty() {
            String::new()
        } else {
            format!(". The logs below it are {}", logs.join(", "))
        };
        anyhow!("there is no log in {}; {LOG_IS}{named}", self.0.display())
    }
}

/// The logs of a data directory, or of a folder of logs.
fn logs_in(folder: &Path) -> Vec<String> {
    let below = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<String> = below(folder.join("trails"))
        .chain(below(folder.to_owned()))
        .map(|entry| entry.path())
        .filter(|path| path.join("checkpoint").is_file())
        .map(|path| output::printable(&path.display().to_string()))
        .take(LOGS_NAMED_MAX)
        .collect();
    logs.sort();
    logs
}

struct Remote<'t> {
    url: String,
    token: Option<&'t str>,
}

impl Source for Remote<'_> {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let url = format!("{}/{path}", self.url);
        let mut request = ureq::get(&url);
        if let Some(token) = self.token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        match request.call() {
            // A site that shows a page for whatever is asked has no log there.
            Ok(response) if is_page(&response) => Ok(None),
            Ok(mut response) => {
                let mut bytes = Vec::new();
                let body = response.body_mut().as_reader();
                body.take(RESOURCE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(ureq::Error::StatusCode(404)) => Ok(None),
            Err(ureq::Error::StatusCode(code @ (401 | 403))) => {
                let what = match self.token {
                    Some(_) => "this token may not read it, or has ended",
                    None => "name a token that may read it with --token",
                };
                Err(Because(Exit::NotAuthorised, format!("{url} answered {code}; {what}")).into())
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {url}")),
        }
    }

    fn absent(&self) -> anyhow::Error {
        let host_ends = self.url.match_indices('/').nth(2).map_or(self.url.len(), |(at, _)| at);
        let host = self.url.get(..host_ends).unwrap_or_default();
        anyhow!(
            "there is no log at {}: it has no /checkpoint; {LOG_IS}. The logs of a server are \
             {host}/trails/SLUG",
            self.url
        )
    }
}

fn is_page(response: &ureq::http::Response<ureq::Body>) -> bool {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

fn verify_log(key: &VerifierKey, source: &dyn Source) -> Result<Exit> {
    let get =
        |path: &str| source.get(path)?.ok_or_else(|| unverified(format!("{path} is missing")));
    let note = source.get("checkpoint")?.ok_or_else(|| source.absent())?;
    let note = String::from_utf8(note).map_err(|_| unverified("the checkpoint is not text"))?;
    let checkpoint = Checkpoint::open(&note, None, std::slice::from_ref(key)).map_err(|error| {
        unverified(format!("the checkpoint does not verify: {error}{}", other_key(&note, key)))
    })?;
    let size = checkpoint.size();
    let mut tree = TileBuilder::new();
    let compare = |tile: Tile, bytes: &[u8]| {
        if get(&tile.path())? == bytes {
            return Ok(());
        }
        Err(unverified(format!("{} does not hash what lies below it", tile.path())))
    };
    for bundle in BundleId::every(size) {
        let path = bundle.path();
        let bytes = get(&path)?;
        for entry in bundle.entries(&bytes) {
            let entry = entry.map_err(|error| unverified(format!("{path}: {error}")))?;
            tree.push(leaf_hash(entry));
        }
        for (tile, bytes) in tree.take_full() {
            compare(tile, &bytes)?;
        }
    }
    for (tile, bytes) in tree.partials() {
        compare(tile, &bytes)?;
    }
    if tree.root() != checkpoint.root() {
        return Err(unverified("the entries do not make the root that the checkpoint signs"));
    }
    output::line(&format!("verified: {} entries of {}", size, checkpoint.origin()))?;
    output::line(&format!("root: {}", checkpoint.root()))?;
    Ok(Exit::Done)
}

/// Says so where a key of another log was given: that is a slip, and no forgery.
fn other_key(note: &str, key: &VerifierKey) -> String {
    let Ok(note) = Note::parse(note) else { return String::new() };
    let signers: Vec<&str> = note.signatures().iter().map(Signature::name).collect();
    if signers.is_empty() || signers.contains(&key.name()) {
        return String::new();
    }
    let named = signers.get(..LOGS_NAMED_MAX).unwrap_or(&signers);
    let signers = output::printable(&named.join(", "));
    format!("; it says that it is signed by {signers}, and --vkey is of {}", key.name())
}

fn verify_receipt(key: &VerifierKey, path: &Path, entry: Option<&Path>) -> Result<Exit> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let receipt =
        Receipt::parse(&text).map_err(|error| unverified(format!("not a receipt: {error}")))?;
    let carried = receipt.extra.as_deref().and_then(trail::receipt_extra);
    let bytes = match (entry, &carried) {
        (Some(path), _) => fs::read(path)?,
        (None, Some((entry, _))) => entry.as_bytes().to_vec(),
        (None, None) if receipt.extra.is_some() => {
            return Err(unverified(
                "the receipt's extra line has no entry as it should: it was changed, or is of another \
                 program; an entry can be given with --entry FILE",
            ));
        }
        (None, None) => {
            return Err(usage("the receipt does not carry its entry; give it with --entry FILE"));
        }
    };
    let checkpoint =
        receipt.verify(leaf_hash(&bytes), std::slice::from_ref(key), None).map_err(|error| {
            let other = other_key(&receipt.checkpoint_note, key);
            unverified(format!("the receipt does not verify: {error}{other}"))
        })?;
    let openings = carried.map(|(_, openings)| openings).unwrap_or_default();
    let withheld = verify_openings(&bytes, &openings)?;
    output::line(&format!(
        "verified: entry {} of {} in {}",
        receipt.index,
        checkpoint.size(),
        checkpoint.origin()
    ))?;
    output::line(&format!("root: {}", checkpoint.root()))?;
    for at in withheld {
        output::line(&format!("withheld: {at}"))?;
    }
    output::line(&event::Opening::restore(&String::from_utf8_lossy(&bytes), &openings))?;
    Ok(Exit::Done)
}

/// Compares what was detached with its commitments; gives the pointers of what is withheld.
fn verify_openings(entry: &[u8], openings: &[event::Opening]) -> Result<Vec<String>> {
    let text = std::str::from_utf8(entry).unwrap_or_default();
    // An entry of a log that is not ours has nothing detached.
    let detached = event::Entry::parse(text).map(|entry| entry.detached).unwrap_or_default();
    let mut withheld = Vec::new();
    for value in &detached {
        match openings.iter().find(|opening| opening.at == value.at) {
            Some(opening) if value.admits(opening) => {}
            Some(_) => {
                return Err(unverified(format!(
                    "the value at {} is not the one recorded",
                    value.at
                )));
            }
            None => withheld.push(value.at.to_string()),
        }
    }
    for (place, opening) in openings.iter().enumerate() {
        if openings.iter().take(place).any(|other| other.at == opening.at) {
            return Err(unverified(format!("the value at {} is there twice", opening.at)));
        }
        if !detached.iter().any(|value| value.at == opening.at) {
            return Err(unverified(format!("nothing was detached at {}", opening.at)));
        }
    }
    Ok(withheld)
}

#[cfg(test)]
mod tests {
    use event::{Draft, Event, Opening, Received, Stamp};

    use super::*;

    #[test]
    fn openings_are_refused_that_the_entry_does_not_commit_to() {
        let long = "v".repeat(20_000);
        let text = format!(
            r#"{{"occurred_at":"2026-11-21T10:00:00Z","source":{{"system":"lab"}},"action":"read","params":{{"a":"{long}"}}}}"#
        );
        let event = Event::parse(&text).unwrap();
        let draft = Draft::new(&event, None, &mut || [7; 32]).unwrap();
        let mut entry = Vec::new();
        Stamp::new(1, "token", &Received::default()).write(&draft, &mut entry);
        let [opening] = draft.openings() else { panic!("one value is detached") };
        let says =
            |openings: &[Opening]| verify_openings(&entry, openings).unwrap_err().to_string();
        assert!(verify_openings(&entry, draft.openings()).unwrap().is_empty());
        assert_eq!(verify_openings(&entry, &[]).unwrap().concat(), opening.at);
        let other = Opening { value: "1".to_owned(), ..opening.clone() };
        assert!(says(std::slice::from_ref(&other)).contains("is not the one recorded"));
        assert!(says(&[opening.clone(), other]).contains("is there twice"));
        let elsewhere = Opening { at: "/before".to_owned(), ..opening.clone() };
        assert!(says(&[opening.clone(), elsewhere]).contains("nothing was detached at /before"));
    }
}

//! `demo`: real records, a small lab, a URL.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use dialect::ReadOptions;
use registry::{Scope, Slug};
use server::import::{self, Import, Rejected, Watch};
use server::instance::{Instance, InstanceOptions, OpenTrail};
use server::{ServeError, ServeOptions, Server};

use super::{explain, serve};
use crate::exit::Exit;
use crate::output;

/// OpenCGA's own audit records, from its test suite (Apache-2.0); see the README beside them.
const OPENCGA: [(&str, &str); 2] = [
    (
        "v3.1.0_opencga.json",
        include_str!("../../../dialect/tests/data/opencga/v3.1.0_opencga.json"),
    ),
    ("v3.1.0_test.json", include_str!("../../../dialect/tests/data/opencga/v3.1.0_test.json")),
];

/// What the lab does, one event a line; `"@"` is replaced by the start of the time of each.
const LAB: &str = include_str!("lab.jsonl");

pub(crate) fn run(directory: Option<PathBuf>, listen: SocketAddr) -> Result<Exit> {
    let named = directory.map(vacant).transpose()?;
    // Before anything is made: who starts it again on another port finds no folder left over.
    let listener = TcpListener::bind(listen)
        .map_err(|source| serve::elsewhere(ServeError::Listen { address: listen, source }))?;
    let directory = named.map_or_else(temporary, Ok)?;
    let mut options = InstanceOptions::new(directory.join("state-outside"));
    let data = directory.join("data");
    options.public_read_path = true;
    let fresh = !data.join("keys").is_dir();
    let instance = if fresh {
        Instance::init(&data, "demo.example", options).map_err(explain)?.0
    } else {
        Instance::open(&data, options).map_err(explain)?
    };
    let lab = Slug::parse("lab")?;
    if instance.registry().trail(&lab).is_none() {
        let made = instance.create_trail(&lab, &Instance::operator()).map_err(explain)?;
        import(&instance, &made)?;
    }
    let by = Instance::operator();
    let scopes = vec![Scope::Append, Scope::Read];
    let (_, token) =
        instance.create_token("demo", Some(lab.clone()), scopes, None, &by).map_err(explain)?;
    let vkey = instance.trail(&lab)?.trail.verifier().to_string();
    let runtime = serve::runtime()?;
    runtime.block_on(async {
        let stopped = serve::stopped()?;
        let server = Server::over(listener, Arc::clone(&instance), ServeOptions::new(listen))?;
        let url = format!("http://{}", server.address());
        let player = (url.clone(), token.expose().to_owned(), instance.now_micros());
        tokio::task::spawn_blocking(move || {
            let (url, token, now) = player;
            if fresh && let Err(error) = play(&url, &token, now) {
                output::note(&format!("the lab could not play: {error:#}"));
            }
        });
        introduce(&url, token.expose(), &vkey, &directory)?;
        server.run(stopped).await;
        let folder = directory.display();
        output::note(&format!("stopped; {folder} has the demo's data until you remove it"));
        Ok(Exit::Done)
    })
}

/// A folder for the demo: its own from another time, a new or an empty one.
fn vacant(directory: PathBuf) -> Result<PathBuf> {
    let is_demo = directory.join("data").join("keys").is_dir();
    let has_more = || -> std::io::Result<bool> {
        Ok(directory.try_exists()? && std::fs::read_dir(&directory)?.next().is_some())
    };
    if !is_demo && has_more().with_context(|| format!("cannot read {}", directory.display()))? {
        bail!("{} is not empty; name a new folder for the demo", directory.display());
    }
    Ok(directory)
}

fn temporary() -> Result<PathBuf> {
    let name = format!("indelible-demo-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

fn introduce(url: &str, token: &str, vkey: &str, directory: &Path) -> Result<()> {
    // As it was started: `cargo run` puts nothing on the path.
    let indelible =
        std::env::current_exe().map_or_else(|_| "indelible".into(), |path| quoted(&path));
    output::line(&format!("page     {url}/t/lab"))?;
    output::line(&format!("sign in  {token}"))?;
    output::line("")?;
    output::line("three commands to try:")?;
    output::line(&format!(
        "  curl -s -H 'Authorization: Bearer {token}' '{url}/api/v1/trails/lab/events?q=outcome:failure'"
    ))?;
    output::line(&format!(
        "  curl -s -H 'Authorization: Bearer {token}' '{url}/api/v1/trails/lab/events/0/receipt' -o 0.tlog-proof && {indelible} verify --vkey '{vkey}' 0.tlog-proof"
    ))?;
    output::line(&format!("  {indelible} verify --vkey '{vkey}' {url}/trails/lab"))?;
    let data = directory.join("data");
    output::note(&format!("the data is in {}; stop with Ctrl-C", data.display()));
    Ok(())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Imports the real records.
fn import(instance: &Instance, open: &OpenTrail) -> Result<()> {
    let platform = dialect::by_name("opencga").context("the OpenCGA dialect is built in")?;
    for (file, text) in OPENCGA {
        let wanted = Import {
            dialect: platform,
            options: ReadOptions::default(),
            file: file.to_owned(),
            strict: true,
            by: Instance::operator(),
            recorded_by: "operator".into(),
        };
        let report = import::run(instance, open, &wanted, text.as_bytes(), &mut Nobody);
        if let Some((_, reason)) = report.end.reason() {
            bail!("{file}: {reason}");
        }
    }
    Ok(())
}

/// Whoever looks on at the records that are built in.
struct Nobody;

impl Watch for Nobody {
    fn rejected(&mut self, _: &Rejected) {}

    fn must_stop(&self) -> bool {
        false
    }
}

/// Plays the lab over the HTTP API: its last hours, ending now.
fn play(url: &str, token: &str, now_micros: i64) -> Result<()> {
    const STEP_MICROS: i64 = 7 * 60 * 1_000_000;
    let lines: Vec<&str> = LAB.lines().filter(|line| !line.is_empty()).collect();
    let mut at = now_micros - STEP_MICROS * i64::try_from(lines.len()).unwrap_or(0);
    let mut body = String::new();
    for line in lines {
        body.push_str(&line.replace("\"@\"", &format!("\"{}\"", event::format_micros(at))));
        body.push('\n');
        at += STEP_MICROS;
    }
    ureq::post(&format!("{url}/api/v1/trails/lab/events"))
        .header("Authorization", &format!("Bearer {token}"))
        .header("Content-Type", "application/x-ndjson")
        .send(body.as_str())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_of_the_lab_is_an_event() {
        for line in super::LAB.lines() {
            let line = line.replace("\"@\"", "\"2026-01-01T00:00:00Z\"");
            event::Event::parse(&line).unwrap_or_else(|fault| panic!("{line}: {fault}"));
        }
    }
}

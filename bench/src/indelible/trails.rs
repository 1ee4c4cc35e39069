//! Many trails in one server: what idle ones cost, and what one in a flood costs the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::api::Access;
use super::load::requests;
use super::server::{Installation, Server};
use crate::corpus::Corpus;
use crate::figures::Figures;
use crate::latency::Latencies;
use crate::machine;
use crate::number::float;
use crate::settings::Settings;

/// Trails in the server.
const TRAILS: usize = 500;
/// How long each measurement lasts.
const SPAN: Duration = Duration::from_secs(15);
/// Time from one event to the next, to one of the quiet trails after the other.
const PACE: Duration = Duration::from_millis(5);

/// Measures 500 trails.
pub(crate) async fn measure(
    settings: &Settings,
    corpus: &Arc<Corpus>,
    figures: &mut Figures,
) -> Result<()> {
    let folder = settings.folder.join("indelible-trails");
    let installation = Installation::create(&settings.binary, &folder)?;
    let mut accesses = vec![installation.trail("t000")?];
    idle(&installation, "trails.one", figures).await?;
    for number in 1..TRAILS {
        accesses.push(installation.trail(&format!("t{number:03}"))?);
    }
    idle(&installation, "trails.idle", figures).await?;

    let server = installation.serve().await?;
    let quiet = probe(&server, &accesses, corpus)?;
    figures.set_latency("trails.quiet", &quiet);
    let flooding = Arc::new(AtomicBool::new(true));
    let flood = flood(&server, accesses.first(), corpus, &flooding)?;
    let flooded = probe(&server, &accesses, corpus)?;
    flooding.store(false, Ordering::Relaxed);
    let batches = flood.join().map_err(|_| anyhow!("the flood panicked"))??;
    figures.set_latency("trails.flooded", &flooded);
    figures.set("trails.flood_batches", float(batches));
    server.stop()?;
    machine::set_aside(&folder)
}

/// What a server costs that nobody asks anything.
async fn idle(installation: &Installation, name: &str, figures: &mut Figures) -> Result<()> {
    let begun = Instant::now();
    let server = installation.serve().await?;
    figures.set(format!("{name}.start_ms"), begun.elapsed().as_secs_f64() * 1e3);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = machine::processor_seconds(server.process())?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let used = machine::processor_seconds(server.process())? - before;
    figures.set(format!("{name}.core_per_cent"), used * 10.0);
    let anonymous = machine::anonymous(server.process())?;
    figures.set(format!("{name}.anonymous_mb"), float(anonymous) / 1e6);
    server.stop()
}

/// Appends single events at an even pace to all trails but the first, on a thread of its own.
fn probe(server: &Server, accesses: &[Access], corpus: &Corpus) -> Result<Latencies> {
    let mut pending = Vec::new();
    for access in accesses.iter().skip(1) {
        pending.push(requests(access, corpus, 1)?);
    }
    let address = server.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::spawn(move || {
        runtime.block_on(async move {
            let mut connection = super::http::Connection::open(address).await?;
            let mut latencies = Latencies::default();
            let begun = Instant::now();
            let mut turn = 0;
            while begun.elapsed() < SPAN {
                let trail = pending.get_mut(turn % (TRAILS - 1)).context("no such trail")?;
                let request = trail.pop().context("no event is left")?;
                let sent = Instant::now();
                let (status, _) = connection.request(&request).await?;
                ensure!(matches!(status, 200 | 201), "a quiet trail answered {status}");
                // The first event of each trail opens it.
                if turn >= TRAILS - 1 {
                    latencies.since(sent);
                }
                tokio::time::sleep(PACE.saturating_sub(sent.elapsed())).await;
                turn += 1;
            }
            Ok(latencies)
        })
    });
    thread.join().map_err(|_| anyhow!("the probe panicked"))?
}

/// Sends batches to one trail as fast as it takes them, on a thread of its own.
fn flood(
    server: &Server,
    access: Option<&Access>,
    corpus: &Arc<Corpus>,
    flooding: &Arc<AtomicBool>,
) -> Result<std::thread::JoinHandle<Result<u64>>> {
    let access = access.context("no trail")?.clone();
    let (corpus, flooding) = (Arc::clone(corpus), Arc::clone(flooding));
    let address = server.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(std::thread::spawn(move || {
        runtime.block_on(async move {
            let mut connection = super::http::Connection::open(address).await?;
            let [mut documents, mut request] = [const { Vec::new() }; 2];
            let mut batches = 0;
            while flooding.load(Ordering::Relaxed) {
                corpus.documents(batches % corpus.batches(), &mut documents)?;
                renew(&mut documents, batches / corpus.batches());
                access.append("application/x-ndjson", &documents, &mut request);
                let (status, _) = connection.request(&request).await?;
                ensure!(matches!(status, 200 | 201 | 429 | 503), "the flood got {status}");
                batches += 1;
            }
            Ok(batches)
        })
    }))
}

/// Gives each event of a batch an id that it has not had in an earlier round, in place: a replay
/// would be no flood.
fn renew(documents: &mut [u8], round: u64) {
    const PREFIX: usize = r#"{"id":""#.len();
    let digits = format!("{round:08x}");
    let mut rest = documents;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        if let Some(id) = rest.get_mut(PREFIX..PREFIX + digits.len()) {
            id.copy_from_slice(digits.as_bytes());
        }
        rest = rest.get_mut(end + 1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;

    #[test]
    fn a_renewed_batch_differs_in_the_first_digits_of_its_ids_only() {
        let generator = Generator::new(1, 1_000);
        let mut before = Vec::new();
        generator.batch(0).for_each(|draw| generator.write_json(&draw, &mut before));
        let mut after = before.clone();
        renew(&mut after, 0xabcd);
        let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        for (before, after) in lines(&before).lines().zip(lines(&after).lines()) {
            assert!(after.starts_with("{\"id\":\"0000abcd"));
            assert_eq!(before[15..], after[15..]);
        }
    }
}

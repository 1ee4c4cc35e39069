//! Asking Indelible the twelve questions.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::api::{self, Access};
use super::server::Server;
use crate::figures::Figures;
use crate::generate::Generator;
use crate::latency::Latencies;
use crate::question::QUESTIONS;
use crate::settings::{Settings, WARM_UP, enough};

/// Asks each question many times and notes its times and answers under the number of events.
pub(crate) async fn ask(
    server: &Server,
    access: &Access,
    settings: &Settings,
    generator: &Generator,
    events: u64,
    figures: &mut Figures,
) -> Result<()> {
    let mut connection = server.connect().await?;
    for question in QUESTIONS {
        let name = question.figure(events);
        let mut latencies = Latencies::default();
        let mut answers = Vec::new();
        let begun = Instant::now();
        for run in 0..WARM_UP {
            let asking = question.asking(generator, events, u64::MAX - run);
            connection.request(&access.ask(&asking)).await?;
        }
        for run in 0..settings.runs() {
            let asking = question.asking(generator, events, run);
            let request = access.ask(&asking);
            let start = Instant::now();
            let (status, body) = connection.request(&request).await?;
            latencies.since(start);
            let said = || String::from_utf8_lossy(body);
            ensure!(status == 200, "{}: {status} {}", question.name, said());
            let answer = api::answer(asking.wanted, body);
            answers.push(answer.with_context(|| format!("{}: {}", question.name, said()))?);
            if enough(begun, answers.len()) {
                break;
            }
        }
        figures.set_latency(&name, &latencies);
        figures.answers.insert(name, answers);
    }
    Ok(())
}

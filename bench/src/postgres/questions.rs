//! Asking PostgreSQL the twelve questions.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::cluster::Cluster;
use super::schema;
use super::side::DATABASE;
use super::wire::Rows;
use crate::figures::{Answer, Figures};
use crate::generate::Generator;
use crate::latency::Latencies;
use crate::question::{QUESTIONS, Wanted};
use crate::settings::{Settings, WARM_UP, enough};

/// Asks each question many times and notes its times and answers under `size`.
pub(crate) async fn ask(
    cluster: &Cluster,
    settings: &Settings,
    generator: &Generator,
    events: u64,
    figures: &mut Figures,
) -> Result<()> {
    let mut connection = cluster.connect(DATABASE).await?;
    for sql in schema::FOR_QUESTIONS {
        connection.query(sql).await?;
    }
    for question in QUESTIONS {
        let name = question.figure(events);
        let mut latencies = Latencies::default();
        let mut answers = Vec::new();
        let begun = Instant::now();
        for run in 0..WARM_UP {
            let asking = question.asking(generator, events, u64::MAX - run);
            connection.query(&schema::ask(&asking)).await?;
        }
        for run in 0..settings.runs() {
            let asking = question.asking(generator, events, run);
            let sql = schema::ask(&asking);
            let start = Instant::now();
            let rows = connection.query(&sql).await?;
            latencies.since(start);
            answers.push(answer(asking.wanted, &rows)?);
            if enough(begun, answers.len()) {
                break;
            }
        }
        figures.set_latency(&name, &latencies);
        figures.answers.insert(name, answers);
    }
    Ok(())
}

fn answer(wanted: Wanted, rows: &Rows) -> Result<Answer> {
    if wanted == Wanted::Count {
        return Ok(Answer::of_count(rows.first().next().context("no count")?.parse()?));
    }
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let line = match (wanted, row.as_slice()) {
            (Wanted::Events(_), [document, ..]) => {
                let event: serde_json::Value = serde_json::from_str(document)?;
                event.get("id").and_then(|id| id.as_str()).context("no id")?.to_owned()
            }
            (_, [value, count, ..]) => format!("{value} {count}"),
            _ => anyhow::bail!("a row has no columns"),
        };
        lines.push(line);
    }
    Ok(Answer::of_rows(lines.iter().map(String::as_str)))
}

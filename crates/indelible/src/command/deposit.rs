//! `deposit`: order, list, end and run daily deposits.

use anyhow::Result;
use registry::{DepositId, Download};
use server::instance::{Instance, InstanceError, NewDeposit};

use super::{explain, open_here};
use crate::cli::{CreateDeposit, Deposit, InTrail, Place, Roots};
use crate::config::Config;
use crate::exit::{Exit, usage};
use crate::output::{self, Output};

pub(crate) fn run(command: Deposit) -> Result<Exit> {
    match command {
        Deposit::Create(create) => self::create(create),
        Deposit::List { at, output } => list(&at, output),
        Deposit::Remove { id, at, reason } => {
            let id = DepositId::parse(&id).ok_or_else(|| {
                usage("a deposit's id has 12 hexadecimal digits; see `deposit list`")
            })?;
            let instance = open_here(Config::of(&at.place)?)?;
            let by = Instance::operator();
            instance.remove_deposit(&at.trail, &id, &by, reason.as_deref()).map_err(explain)?;
            instance.stop();
            output::note(&format!("ended {id}; its last file comes when the day is over"));
            Ok(Exit::Done)
        }
        Deposit::Run { place, roots, output } => run_all(&place, &roots, output),
    }
}

fn create(create: CreateDeposit) -> Result<Exit> {
    let CreateDeposit { at, roots, to, dialect, .. } = create;
    let download = Download::parse(&create.download)
        .ok_or_else(|| usage("--download takes nobody, admin or read"))?;
    let new = NewDeposit {
        destination: to,
        dialect: Some(dialect),
        format: create.format,
        region_column: create.region_column,
        formula_guard: create.formula_guard,
        imports: create.imports,
        download,
        from: create.from,
    };
    let instance = open_here(Config::with_roots(&at.place, &roots)?)?;
    let by = Instance::operator();
    let made = instance.create_deposit(&at.trail, new, &by, create.reason.as_deref());
    let record = made.map_err(|error| match error {
        InstanceError::Order { .. } => usage(format!("{error}")),
        other => explain(other),
    })?;
    instance.stop();
    output::line(record.id.as_str())?;
    Ok(Exit::Done)
}

fn list(at: &InTrail, output: Output) -> Result<Exit> {
    let instance = open_here(Config::of(&at.place)?)?;
    let rows: Vec<Vec<String>> = instance
        .deposits(&at.trail)
        .iter()
        .map(|record| {
            let order = &record.order;
            let ended = record.removed_at_micros;
            vec![
                record.id.to_string(),
                order.dialect.clone(),
                order.format.clone(),
                order.destination.clone(),
                order.download.as_str().to_owned(),
                event::format_micros(record.created_at_micros),
                ended.map_or_else(String::new, event::format_micros),
            ]
        })
        .collect();
    let header = ["id", "dialect", "format", "destination", "download", "created", "ended"];
    output::rows(output, &header, &rows)?;
    Ok(Exit::Done)
}

/// Runs once. Damage is a failed verification; what could not be deposited is a failure.
fn run_all(place: &Place, roots: &Roots, output: Output) -> Result<Exit> {
    let instance = open_here(Config::with_roots(place, roots)?)?;
    let reports = instance.run_deposits();
    instance.stop();
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    for (id, report) in &reports {
        for finding in &report.findings {
            let day = finding.day.map(|day| format!("{day}: ")).unwrap_or_default();
            output::note(&format!("{id}: {day}{}", output::printable(&finding.message)));
            exit = match exit {
                _ if finding.is_damage() => Exit::Unverified,
                Exit::Done => Exit::Failed,
                worse => worse,
            };
        }
        rows.push(vec![
            id.to_string(),
            report.deposited.to_string(),
            report.verified.to_string(),
            (report.findings.len() as u64 + report.findings_left_out).to_string(),
        ]);
    }
    output::rows(output, &["deposit", "deposited", "verified", "problems"], &rows)?;
    Ok(exit)
}

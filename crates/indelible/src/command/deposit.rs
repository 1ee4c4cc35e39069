//! `deposit`: order, list, end and run daily deposits.

use anyhow::Result;
use registry::{DepositId, DepositRecord, Download};
use serde::Deserialize;
use serde_json::json;
use server::instance::{Instance, InstanceError, NewDeposit};

use super::{Opened, explain, open, open_at, open_here};
use crate::cli::{CreateDeposit, Deposit, InTrail, Place, Roots};
use crate::config::Config;
use crate::exit::{Exit, usage};
use crate::output::{self, Cell, Output};

/// A deposit as the API shows it.
#[derive(Deserialize)]
struct Shown {
    id: String,
    dialect: String,
    format: String,
    destination: String,
    download: String,
    created_at: String,
    removed_at: Option<String>,
}

/// The deposits as the API lists them.
#[derive(Deserialize)]
struct List {
    deposits: Vec<Shown>,
}

pub(crate) fn run(command: Deposit) -> Result<Exit> {
    match command {
        Deposit::Create(create) => self::create(create),
        Deposit::List { at, output } => list(&at, output),
        Deposit::Remove { id, at, reason } => {
            let id = DepositId::parse(&id).ok_or_else(|| {
                usage("a deposit's id has 12 hexadecimal digits; see `deposit list`")
            })?;
            remove(&at, &id, reason.as_deref())?;
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
    let id = match open_at(&Config::with_roots(&at.place, &roots)?)? {
        Opened::Here(instance) => {
            let by = Instance::operator();
            let made = instance.create_deposit(&at.trail, new, &by, create.reason.as_deref());
            let record = made.map_err(|error| match error {
                InstanceError::Order { .. } => usage(format!("{error}")),
                other => explain(other),
            })?;
            instance.stop();
            record.id.to_string()
        }
        // The roots are those that the server was started with.
        Opened::There(server) => {
            let new = json!({
                "destination": new.destination,
                "dialect": new.dialect,
                "format": new.format,
                "region_column": new.region_column,
                "formula_guard": new.formula_guard,
                "imports": new.imports,
                "download": new.download.as_str(),
                "from": new.from,
                "reason": create.reason,
            });
            server.post::<Shown>(&format!("/api/v1/trails/{}/deposits", at.trail), &[], &new)?.id
        }
    };
    output::line(&id)?;
    Ok(Exit::Done)
}

fn remove(at: &InTrail, id: &DepositId, reason: Option<&str>) -> Result<()> {
    match open(&at.place)? {
        Opened::Here(instance) => {
            let by = Instance::operator();
            instance.remove_deposit(&at.trail, id, &by, reason).map_err(explain)?;
            instance.stop();
        }
        Opened::There(server) => {
            let reason: Vec<_> = reason.iter().map(|text| ("reason", *text)).collect();
            server.delete(&format!("/api/v1/trails/{}/deposits/{id}", at.trail), &reason)?;
        }
    }
    Ok(())
}

fn list(at: &InTrail, output: Output) -> Result<Exit> {
    let rows: Vec<Vec<Cell>> = match open(&at.place)? {
        Opened::Here(instance) => {
            instance.deposits(&at.trail).iter().map(|record| here(record)).collect()
        }
        Opened::There(server) => {
            let list: List = server.json(&format!("/api/v1/trails/{}/deposits", at.trail))?;
            list.deposits.into_iter().map(there).collect()
        }
    };
    let header = ["id", "dialect", "format", "destination", "download", "created", "ended"];
    output::rows(output, &header, &rows)?;
    Ok(Exit::Done)
}

fn here(record: &DepositRecord) -> Vec<Cell> {
    let order = &record.order;
    let texts = [
        record.id.to_string(),
        order.dialect.clone(),
        order.format.clone(),
        order.destination.clone(),
        order.download.as_str().to_owned(),
        event::format_micros(record.created_at_micros),
        record.removed_at_micros.map_or_else(String::new, event::format_micros),
    ];
    texts.map(Cell::from).to_vec()
}

fn there(shown: Shown) -> Vec<Cell> {
    let Shown { id, dialect, format, destination, download, created_at, removed_at } = shown;
    [id, dialect, format, destination, download, created_at, removed_at.unwrap_or_default()]
        .map(Cell::from)
        .to_vec()
}

/// Runs once. Damage is a failed verification; what could not be deposited is a failure.
fn run_all(place: &Place, roots: &Roots, output: Output) -> Result<Exit> {
    let instance = open_here(&Config::with_roots(place, roots)?)?;
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
            id.to_string().into(),
            report.deposited.into(),
            report.verified.into(),
            (report.findings.len() as u64 + report.findings_left_out).into(),
        ]);
    }
    output::rows(output, &["deposit", "deposited", "verified", "problems"], &rows)?;
    Ok(exit)
}

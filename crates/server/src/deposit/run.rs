//! One run over the deposits of one trail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use registry::{DepositId, DepositRecord};
use trail::{Corruption, Published, Trail};

use super::content::Content;
use super::ledger::{Closing, Own};
use super::manifest::Manifest;
use super::place::place;
use super::verify::verify;
use super::{
    Day, Destination, Failure, Filed, Finding, Folder, Ledger, Report, Shelf, Span, days,
    file_name, manifest_name,
};

/// What a run works with.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The trail.
    pub trail: &'a Trail,
    /// The folders below which files may be put.
    pub roots: &'a [PathBuf],
    /// Where they are.
    pub shelf: &'a dyn Shelf,
    /// The time, in microseconds since the epoch.
    pub now_micros: i64,
    /// Whether what was deposited before is read to its last byte.
    pub verify: bool,
    /// Ends the run early when it becomes true.
    pub stop: &'a AtomicBool,
}

impl Job<'_> {
    /// Does what is owed: closes the days that are over, deposits what is missing, verifies what
    /// was deposited. Blocks on the disks. A failure of one deposit does not keep the others.
    pub fn run(&self, deposits: &[Arc<DepositRecord>]) -> BTreeMap<DepositId, Report> {
        let mut reports = BTreeMap::new();
        let mut owing = Vec::new();
        for deposit in deposits {
            let mut report = Report { at_micros: self.now_micros, ..Report::default() };
            match self.begin(deposit) {
                Ok(span) => owing.push((deposit, span)),
                Err(failure) => report.fail(None, &failure),
            }
            reports.insert(deposit.id.clone(), report);
        }
        let closed = self.close(&owing);
        for (deposit, span) in owing {
            let Some(report) = reports.get_mut(&deposit.id) else { continue };
            let closings = match &closed {
                Ok(closings) => closings,
                Err(failure) => {
                    report.fail(None, failure);
                    continue;
                }
            };
            if let Err(failure) = self.serve(deposit, span, closings, report) {
                report.fail(None, &failure);
            }
        }
        reports
    }

    /// The last day that is over.
    fn yesterday(&self) -> Day {
        Day::of_micros(self.now_micros).previous()
    }

    /// Completes what a crash cut off after a deposit was ordered or ended.
    fn begin(&self, deposit: &DepositRecord) -> Result<Span, Failure> {
        let ledger = Ledger(self.trail);
        ledger.activate(deposit)?;
        if let Some(at_micros) = deposit.removed_at_micros {
            ledger.deactivate(deposit, at_micros)?;
        }
        ledger.span(deposit)?.ok_or(Failure::Trail(trail::Error::Stopped))
    }

    /// The days that a deposit owes or has.
    fn days(&self, span: Span) -> impl Iterator<Item = Day> + use<> {
        let last = span.last_day.unwrap_or(Day::LAST).min(self.yesterday());
        span.first_day.to(last)
    }

    /// Closes every day that is over and that some deposit is about, and publishes what the
    /// checkpoints of those days need.
    fn close(
        &self,
        owing: &[(&Arc<DepositRecord>, Span)],
    ) -> Result<BTreeMap<Day, Own<Closing>>, Failure> {
        let days: BTreeSet<Day> = owing.iter().flat_map(|(_, span)| self.days(*span)).collect();
        let mut closings = BTreeMap::new();
        for day in days {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Cut);
            }
            // The clock went back: the day is not over for the trail.
            let Some(closing) = days::close(self.trail, day)? else { break };
            closings.insert(day, closing);
        }
        let needed = closings.values().map(|closing| closing.index + 1).max();
        if needed.is_some_and(|size| self.trail.published().checkpoint.size().get() < size) {
            self.trail.publish()?;
        }
        Ok(closings)
    }

    /// Deposits what is owed, and verifies what was deposited.
    fn serve(
        &self,
        deposit: &DepositRecord,
        span: Span,
        closings: &BTreeMap<Day, Own<Closing>>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let destination = Destination::parse(&deposit.order.destination, self.roots)?;
        let folder = self.shelf.open(&destination)?;
        let mut full = None;
        for day in self.days(span) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Cut);
            }
            if let Some(filed) = Ledger(self.trail).filed(deposit, day)? {
                match self.verify(deposit, day, &filed, &*folder, report) {
                    Err(Failure::Cut) => return Err(Failure::Cut),
                    // One file that cannot be read must not keep the others.
                    Err(failure) => report.fail(Some(day), &failure),
                    Ok(()) => {}
                }
                continue;
            }
            let Some(closing) = closings.get(&day).filter(|_| full.is_none()) else { continue };
            match self.deposit(deposit, day, span, closing, &*folder) {
                Ok(()) => report.deposited += 1,
                Err(failure) if failure.is_of_one_day() => report.fail(Some(day), &failure),
                // Later days would fare no better; but those that are there are verified.
                Err(failure) => full = Some(failure),
            }
        }
        full.map_or(Ok(()), Err)
    }

    fn verify(
        &self,
        deposit: &DepositRecord,
        day: Day,
        filed: &Filed,
        folder: &dyn Folder,
        report: &mut Report,
    ) -> Result<(), Failure> {
        if !self.verify {
            return Ok(());
        }
        let damages = verify(folder, filed, self.stop)?;
        if damages.is_empty() {
            report.verified += 1;
        }
        for damage in damages {
            let message = damage.message();
            report.add(Finding { day: Some(day), code: damage.code, message });
            let ledger = Ledger(self.trail);
            ledger.damage(deposit, &damage.name, &damage.found, self.now_micros)?;
        }
        Ok(())
    }

    /// The file, then its manifest, then the record that makes both final.
    fn deposit(
        &self,
        deposit: &DepositRecord,
        day: Day,
        span: Span,
        closing: &Own<Closing>,
        folder: &dyn Folder,
    ) -> Result<(), Failure> {
        let Closing { first, end } = closing.params;
        let start = first.max(span.start);
        let range = start..end.min(span.end.unwrap_or(end)).max(start);
        let checkpoint = self.checkpoint(end)?;
        let order = &deposit.order;
        let (trail, stop) = (self.trail, self.stop);
        let content = Content { trail, order, range: range.clone(), stop };
        let (file, manifest) = (file_name(order, day), manifest_name(order, day));
        let (digest, counts) = place(folder, &file, stop, |out| content.write(out))?;
        let text = Manifest {
            trail,
            deposit,
            day,
            closing,
            range: range.clone(),
            digest: &digest,
            counts: &counts,
            checkpoint: &checkpoint,
        }
        .to_json();
        let write = |out: &mut dyn std::io::Write| Ok(out.write_all(text.as_bytes())?);
        let (manifest_digest, ()) = place(folder, &manifest, stop, write)?;
        let filed = Filed {
            deposit: deposit.id.to_string(),
            day: day.to_string(),
            file,
            size_bytes: digest.size_bytes,
            sha256: digest.sha256,
            rows: counts.rows,
            first: range.start,
            end: range.end,
            manifest,
            manifest_size_bytes: manifest_digest.size_bytes,
            manifest_sha256: manifest_digest.sha256,
        };
        Ledger(self.trail).file(deposit, &filed, self.now_micros)
    }

    /// The signed checkpoint of exactly the entries up to the end of a day: the one that is kept for
    /// the last day that has any.
    fn checkpoint(&self, end: u64) -> Result<Published, Failure> {
        let last = end.checked_sub(1).ok_or(Failure::Foreign { index: 0 })?;
        let day = Ledger(self.trail).day_of(last)?.to_string();
        let path = format!("checkpoints/{day}");
        let missing = || trail::Error::from(Corruption::Missing { path: path.clone() });
        let kept = self.trail.last_checkpoint_of(&day)?.ok_or_else(missing)?;
        if kept.checkpoint.size().get() != end {
            return Err(trail::Error::from(Corruption::RootMismatch { path, size: end }).into());
        }
        Ok(kept)
    }
}

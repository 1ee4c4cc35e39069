//! Daily deposits of this instance: ordering, ending, and running them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use event::Actor;
use registry::{Change, DepositId, DepositOrder, DepositRecord, Download, Slug};
use tokio::time::Instant;

use super::{Instance, InstanceError};
use crate::deposit::{Day, Destination, DiskShelf, Finding, Job, Ledger, Report, Shelf};
use crate::export::{Form, UnknownForm};

/// How often it is looked whether a day has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After how long what could not be done is tried again.
const RETRY_AFTER: Duration = Duration::from_mins(10);

/// The dialect of deposits that name none: the original's.
const DIALECT: &str = "dnanexus";

/// What somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct NewDeposit {
    /// The folder: an absolute path below a configured root.
    pub destination: String,
    /// A dialect's name; that of the original when absent.
    pub dialect: Option<String>,
    /// One of the dialect's formats; its first when absent.
    pub format: Option<String>,
    /// Whether an event's region is a column of its own.
    pub region_column: bool,
    /// Whether cells that a spreadsheet would run as formulas are guarded.
    pub formula_guard: bool,
    /// Whether imported events are deposited, too.
    pub imports: bool,
    /// Who may take the files from the server.
    pub download: Download,
    /// The first UTC day; only what is recorded from now on when absent.
    pub from: Option<String>,
}

/// What an instance keeps for its deposits. Nothing of it outlives the process.
#[derive(Debug, Default)]
pub(super) struct DepositWork {
    /// Held by the one run there is.
    running: Mutex<()>,
    /// What the last run said of each deposit.
    reports: RwLock<BTreeMap<DepositId, Report>>,
    /// Ends the run.
    stop: AtomicBool,
}

impl Instance {
    /// Orders daily deposits, which begin with the next event.
    ///
    /// # Errors
    /// [`InstanceError::Order`] names the member that is wrong;
    /// [`InstanceError::DestinationTaken`] when the folder is or was another deposit's.
    pub fn create_deposit(
        &self,
        slug: &Slug,
        new: NewDeposit,
        by: &Actor<'static>,
        reason: Option<&str>,
    ) -> Result<Arc<DepositRecord>, InstanceError> {
        let open = self.trail(slug)?;
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let order = order(slug, new, Day::of_micros(self.now_micros()))?;
        let wrong = |message| InstanceError::Order { member: "destination", message };
        let destination = Destination::parse(&order.destination, &self.options.deposit_roots)
            .map_err(|error| wrong(error.to_string()))?;
        let taken = |other: &&Arc<DepositRecord>| other.order.destination == order.destination;
        if let Some(other) = self.registry().deposits().find(taken) {
            return Err(InstanceError::DestinationTaken { id: other.id.to_string() });
        }
        self.keep_out(&destination).map_err(wrong)?;
        DiskShelf.make(&destination).map_err(|error| wrong(format!("cannot be made: {error}")))?;
        let mut random = [0; 6];
        getrandom::fill(&mut random).map_err(|error| {
            InstanceError::file("the system's randomness")(std::io::Error::other(error.to_string()))
        })?;
        let id = DepositId::new(random);
        self.change(&Change::DepositCreate { id: id.clone(), order }, by, reason)?;
        let record = self.deposit(slug, &id)?;
        drop(changing);
        // Ordered it is; the next run records its beginning if this cannot.
        if let Err(failure) = Ledger(&open.trail).activate(&record) {
            tracing::error!(deposit = %id, %failure, "the beginning of a deposit is not recorded");
        }
        Ok(record)
    }

    /// Ends daily deposits. What was recorded until now is still deposited when its day is over.
    ///
    /// # Errors
    /// [`InstanceError::NoDeposit`].
    pub fn remove_deposit(
        &self,
        slug: &Slug,
        id: &DepositId,
        by: &Actor<'static>,
        reason: Option<&str>,
    ) -> Result<(), InstanceError> {
        let open = self.trail(slug)?;
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.deposit(slug, id)?.removed_at_micros.is_none() {
            self.change(&Change::DepositRemove { id: id.clone() }, by, reason)?;
        }
        let record = self.deposit(slug, id)?;
        drop(changing);
        let ended = record.removed_at_micros.unwrap_or_default();
        let ledger = Ledger(&open.trail);
        if let Err(failure) =
            ledger.activate(&record).and_then(|()| ledger.deactivate(&record, ended))
        {
            tracing::error!(deposit = %id, %failure, "the end of a deposit is not recorded");
        }
        Ok(())
    }

    /// One deposit of a trail.
    ///
    /// # Errors
    /// [`InstanceError::NoDeposit`].
    pub fn deposit(
        &self,
        slug: &Slug,
        id: &DepositId,
    ) -> Result<Arc<DepositRecord>, InstanceError> {
        let registry = self.registry();
        let found = registry.deposit(id).filter(|deposit| deposit.order.trail == *slug);
        found.map(Arc::clone).ok_or_else(|| InstanceError::NoDeposit { id: id.to_string() })
    }

    /// The deposits of a trail, oldest first, also those that have ended.
    pub fn deposits(&self, slug: &Slug) -> Vec<Arc<DepositRecord>> {
        let registry = self.registry();
        let mut list: Vec<_> = registry
            .deposits()
            .filter(|deposit| deposit.order.trail == *slug)
            .map(Arc::clone)
            .collect();
        list.sort_by_key(|deposit| deposit.created_at_micros);
        list
    }

    /// What the last run since the start said of a deposit.
    pub fn deposit_report(&self, id: &DepositId) -> Option<Report> {
        let reports = &self.deposit_work.reports;
        reports.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// How much the last run since the start found wrong, all deposits together.
    pub fn deposit_findings(&self) -> u64 {
        let reports = self.deposit_work.reports.read().unwrap_or_else(PoisonError::into_inner);
        let wrong = |report: &Report| report.findings.len() as u64 + report.findings_left_out;
        reports.values().map(wrong).sum()
    }

    /// Does what all deposits owe, and verifies what they deposited. Blocks on the disks.
    pub fn run_deposits(&self) -> BTreeMap<DepositId, Report> {
        self.run_deposits_and(true)
    }

    /// Without verifying, what was verified before is believed to be as it was.
    fn run_deposits_and(&self, verify: bool) -> BTreeMap<DepositId, Report> {
        let _one = self.deposit_work.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_trail: BTreeMap<Slug, Vec<Arc<DepositRecord>>> = BTreeMap::new();
        for deposit in self.registry().deposits() {
            by_trail.entry(deposit.order.trail.clone()).or_default().push(Arc::clone(deposit));
        }
        let mut all = BTreeMap::new();
        for (slug, deposits) in by_trail {
            let open = match self.trail(&slug) {
                Ok(open) => open,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(trail = %slug, error, "nothing can be deposited");
                    continue;
                }
            };
            let job = Job {
                trail: &open.trail,
                roots: &self.options.deposit_roots,
                shelf: &DiskShelf,
                now_micros: self.now_micros(),
                verify,
                stop: &self.deposit_work.stop,
            };
            all.extend(job.run(&deposits));
        }
        for (id, report) in &mut all {
            tell(id, report);
            if let Some(earlier) = self.deposit_report(id).filter(|_| !verify) {
                report.carry(&earlier);
            }
        }
        let mut reports = self.deposit_work.reports.write().unwrap_or_else(PoisonError::into_inner);
        reports.clone_from(&all);
        all
    }

    /// Runs the deposits now, after every UTC midnight, when one is ordered or ended, and again
    /// while something could not be done; until the instance is dropped.
    pub fn run_deposits_in_background(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut done = None;
            let mut retry_at: Option<Instant> = None;
            loop {
                let Some(instance) = weak.upgrade() else { return };
                let due = instance.deposits_due();
                let again = retry_at.is_some_and(|at| at <= Instant::now());
                if due.is_some() && (due != done || again) {
                    // Trying again, it does not read years of files again.
                    let verify = due != done;
                    let run = move || instance.run_deposits_and(verify);
                    let run = tokio::task::spawn_blocking(run).await;
                    let is_done = |report: &Report| report.findings.iter().all(Finding::is_damage);
                    let is_done = run.is_ok_and(|reports| reports.values().all(is_done));
                    retry_at = (!is_done).then(|| Instant::now() + RETRY_AFTER);
                    done = due;
                } else {
                    drop(instance);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }

    /// Ends a run that is under way. The next start goes on.
    pub fn stop_deposits(&self) {
        self.deposit_work.stop.store(true, Ordering::Relaxed);
    }

    /// What a run is about: another value makes another run due. `None` when there is nothing.
    fn deposits_due(&self) -> Option<(Day, usize, usize)> {
        let registry = self.registry();
        let ordered = registry.deposits().count();
        let ended = registry.deposits().filter(|d| d.removed_at_micros.is_some()).count();
        (ordered > 0).then(|| (Day::of_micros(self.now_micros()), ordered, ended))
    }

    /// Refuses folders in which the server keeps its own.
    fn keep_out(&self, destination: &Destination) -> Result<(), String> {
        let real = |path: &Path| std::fs::canonicalize(path);
        let root = real(&destination.root)
            .map_err(|error| format!("lies below a root that cannot be used: {error}"))?;
        let path = root.join(&destination.below);
        for own in [&self.directory, &self.options.state_folder] {
            let own = real(own).unwrap_or_else(|_| own.clone());
            if path.starts_with(&own) || own.starts_with(&path) {
                return Err("would mix with the server's own files".to_owned());
            }
        }
        Ok(())
    }
}

/// Checks what is asked for and fills in what is not said.
fn order(slug: &Slug, new: NewDeposit, today: Day) -> Result<DepositOrder, InstanceError> {
    let wrong = |member, message| InstanceError::Order { member, message };
    let name = new.dialect.as_deref().unwrap_or(DIALECT);
    let options = dialect::WriteOptions { format: new.format, ..Default::default() };
    let (platform, format) = match Form::platform(name, options) {
        Ok(Form::Platform { dialect, format, .. }) => (dialect, format),
        Err(UnknownForm::Format(message)) => return Err(wrong("format", message)),
        Ok(Form::Own(_)) | Err(UnknownForm::Dialect) => {
            return Err(wrong("dialect", UnknownForm::Dialect.to_string()));
        }
    };
    let has_columns = format.media_type.starts_with("text/csv");
    for (member, wanted) in
        [("region_column", new.region_column), ("formula_guard", new.formula_guard)]
    {
        if wanted && !has_columns {
            let message = format!("needs a format with columns, which {} is not", format.name);
            return Err(wrong(member, message));
        }
    }
    if let Some(from) = &new.from {
        let day = Day::parse(from).filter(|day| *day <= today);
        day.ok_or_else(|| wrong("from", format!("is a day such as {today}, not a later one")))?;
    }
    Ok(DepositOrder {
        trail: slug.clone(),
        destination: new.destination,
        dialect: platform.name().to_owned(),
        format: format.name.to_owned(),
        region_column: new.region_column,
        formula_guard: new.formula_guard,
        imports: new.imports,
        download: new.download,
        from: new.from,
    })
}

fn tell(id: &DepositId, report: &Report) {
    // A stop is no failure: the next start goes on.
    for finding in report.findings.iter().filter(|finding| finding.code != "stopped") {
        let day = finding.day.map(|day| day.to_string()).unwrap_or_default();
        tracing::error!(deposit = %id, day, code = finding.code, "{}", finding.message);
    }
    if report.deposited > 0 {
        tracing::info!(deposit = %id, days = report.deposited, "deposited");
    }
}

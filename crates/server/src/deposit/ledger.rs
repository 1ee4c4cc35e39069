//! The server's own records of deposits in a trail: written once each, found by their ids.
//!
//! An id is exact over the whole history, so what was recorded is found whatever happened since, and
//! is never recorded twice.

use event::{Entry, Event, Json, Moment, Outcome, Status, Target};
use registry::{DepositRecord, SYSTEM};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trail::{Answer, Feed as _, Trail};

use super::{Day, Failure};
use crate::instance::{BY_SERVER, own_record, server};

/// What begins or ends a deposit.
const ACTIVATE: &str = "deposit.activate";
const DEACTIVATE: &str = "deposit.deactivate";
/// What fixes the indexes of a day.
const CLOSE: &str = "day.close";
/// What makes a file final.
const FILE: &str = "deposit.file";
/// What tells of a file that is not what was deposited.
const DAMAGE: &str = "deposit.damage";

/// The indexes of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closing {
    /// The first entry recorded on the day or later.
    pub(super) first: u64,
    /// The first entry recorded after the day.
    pub(super) end: u64,
}

/// A file that is deposited, as the trail records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// The deposit's id.
    pub deposit: String,
    /// The UTC day.
    pub day: String,
    /// The file's name.
    pub file: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its records.
    pub rows: u64,
    /// The first index of its range.
    pub first: u64,
    /// The index after its range.
    pub end: u64,
    /// The manifest's name.
    pub manifest: String,
    /// The manifest's size in bytes.
    pub manifest_size_bytes: u64,
    /// The manifest's SHA-256 in hexadecimal.
    pub manifest_sha256: String,
}

/// The days and indexes that a deposit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub first_day: Day,
    /// The last day, once the deposit has ended.
    pub last_day: Option<Day>,
    /// The index that it begins with.
    pub start: u64,
    /// The index that it ends before, once it has ended.
    pub end: Option<u64>,
}

/// One of the server's own records.
pub(super) struct Own<T> {
    pub(super) index: u64,
    pub(super) day: Day,
    pub(super) params: T,
}

/// A trail's records of deposits.
#[derive(Debug)]
pub struct Ledger<'a>(pub &'a Trail);

impl Ledger<'_> {
    /// The days and indexes of a deposit. `None` when its activation is not recorded.
    ///
    /// # Errors
    /// Those of the trail.
    pub fn span(&self, deposit: &DepositRecord) -> Result<Option<Span>, Failure> {
        let activation = self.own::<Value>(&id_of(deposit, "activate"), ACTIVATE)?;
        let Some(activation) = activation else { return Ok(None) };
        let deactivation = self.own::<Value>(&id_of(deposit, "deactivate"), DEACTIVATE)?;
        let mut span = Span {
            first_day: activation.day,
            last_day: deactivation.as_ref().map(|own| own.day),
            start: activation.index,
            end: deactivation.map(|own| own.index),
        };
        if let Some(from) = deposit.order.from.as_deref().and_then(Day::parse) {
            let begin = self.day_of(0)?;
            span.first_day = from.max(begin).min(activation.day);
            span.start = 0;
        }
        Ok(Some(span))
    }

    /// The file of a day, once it is final.
    ///
    /// # Errors
    /// Those of the trail.
    pub fn filed(&self, deposit: &DepositRecord, day: Day) -> Result<Option<Filed>, Failure> {
        let own = self.own(&id_of(deposit, &day.to_string()), FILE)?;
        Ok(own.map(|own| own.params))
    }

    pub(super) fn closing(&self, day: Day) -> Result<Option<Own<Closing>>, Failure> {
        self.own(&format!("day/{day}"), CLOSE)
    }

    /// The day that an entry was recorded on.
    pub(super) fn day_of(&self, index: u64) -> Result<Day, Failure> {
        let recorded = self.0.read_many(&[index])?;
        let recorded = recorded.first().ok_or(Failure::Foreign { index })?;
        let text = recorded.text();
        let entry = Entry::parse(&text).map_err(|_| Failure::Foreign { index })?;
        Ok(Day::of_micros(entry.recorded_at_micros))
    }

    fn own<T: DeserializeOwned>(&self, id: &str, action: &str) -> Result<Option<Own<T>>, Failure> {
        let Some(index) = self.0.index_of(SYSTEM, id)? else { return Ok(None) };
        let foreign = || Failure::Foreign { index };
        let recorded = self.0.read_many(&[index])?;
        let text = recorded.first().ok_or_else(foreign)?.text();
        let entry = Entry::parse(&text).map_err(|_| foreign())?;
        if entry.received.via != BY_SERVER || entry.event.action != action {
            return Err(foreign());
        }
        let params = entry.event.params.as_ref().ok_or_else(foreign)?;
        let params = serde_json::from_str(params.as_str()).map_err(|_| foreign())?;
        Ok(Some(Own { index, day: Day::of_micros(entry.recorded_at_micros), params }))
    }

    /// Records that a deposit begins, unless it is recorded.
    ///
    /// # Errors
    /// Those of the trail.
    pub fn activate(&self, deposit: &DepositRecord) -> Result<(), Failure> {
        let id = id_of(deposit, "activate");
        if self.0.index_of(SYSTEM, &id)?.is_some() {
            return Ok(());
        }
        let order = &deposit.order;
        // The folder is no business of those who read the trail; `system` has it.
        let mut params = json!({
            "dialect": order.dialect,
            "format": order.format,
            "region_column": order.region_column,
            "formula_guard": order.formula_guard,
            "imports": order.imports,
        });
        if let (Some(from), Some(members)) = (&order.from, params.as_object_mut()) {
            members.insert("from".to_owned(), from.as_str().into());
        }
        let target = ("deposit", deposit.id.as_str());
        self.append(&event(id, deposit.created_at_micros, ACTIVATE, target, &params)?)
    }

    /// Records that a deposit has ended, unless it is recorded.
    ///
    /// # Errors
    /// Those of the trail.
    pub fn deactivate(&self, deposit: &DepositRecord, at_micros: i64) -> Result<(), Failure> {
        let id = id_of(deposit, "deactivate");
        if self.0.index_of(SYSTEM, &id)?.is_some() {
            return Ok(());
        }
        let target = ("deposit", deposit.id.as_str());
        self.append(&event(id, at_micros, DEACTIVATE, target, &json!({}))?)
    }

    /// Records that a file is final.
    pub(super) fn file(
        &self,
        deposit: &DepositRecord,
        filed: &Filed,
        at: i64,
    ) -> Result<(), Failure> {
        let id = id_of(deposit, &filed.day);
        let params = serde_json::to_value(filed).unwrap_or_default();
        self.append(&event(id, at, FILE, ("file", &filed.file), &params)?)
    }

    /// Records that a file is not what was deposited, once for each state that it is found in.
    pub(super) fn damage(
        &self,
        deposit: &DepositRecord,
        name: &str,
        found: &str,
        at: i64,
    ) -> Result<(), Failure> {
        let id = id_of(deposit, &format!("damage/{name}/{found}"));
        if self.0.index_of(SYSTEM, &id)?.is_some() {
            return Ok(());
        }
        let params = json!({"deposit": deposit.id.as_str(), "file": name, "found": found});
        let mut event = event(id, at, DAMAGE, ("file", name), &params)?;
        event.outcome = Some(Outcome { status: Status::Failure, ..Outcome::default() });
        self.append(&event)
    }

    fn append(&self, event: &Event<'_>) -> Result<(), Failure> {
        self.0.append(own_record(event, BY_SERVER.into())?)?;
        Ok(())
    }

    /// Records the indexes of a day, unless the clock went back before its end. `end` is asked when
    /// nothing can come between its answer and the record.
    pub(super) fn close(
        &self,
        day: Day,
        first: u64,
        end: impl FnOnce(u64) -> Result<u64, trail::Error>,
    ) -> Result<Option<Own<Closing>>, Failure> {
        let over = day.next().start_micros();
        let mut made = None;
        let mut invalid = None;
        let answers = self.0.append_when(|next, at_micros| {
            if at_micros < over {
                return Ok(None);
            }
            let closing = Closing { first, end: end(next)? };
            let params = serde_json::to_value(closing).unwrap_or_default();
            let (id, target) = (format!("day/{day}"), day.to_string());
            let event = event(id, over, CLOSE, ("day", &target), &params);
            match event.and_then(|event| Ok(own_record(&event, BY_SERVER.into())?)) {
                Ok(batch) => {
                    made = Some((closing, Day::of_micros(at_micros)));
                    Ok(Some(batch))
                }
                Err(failure) => {
                    invalid = Some(failure);
                    Ok(None)
                }
            }
        })?;
        if let Some(failure) = invalid {
            return Err(failure);
        }
        let index = answers.and_then(|answers| match answers.first() {
            Some(Answer::Recorded { index, .. }) => Some(*index),
            _ => None,
        });
        Ok(made.zip(index).map(|((params, day), index)| Own { index, day, params }))
    }
}

/// Whether an entry is one of the server's own records of deposits: they are in no deposit.
pub(super) fn is_own(entry: &Entry<'_>) -> bool {
    let event = &entry.event;
    entry.received.via == BY_SERVER
        && event.source.system == SYSTEM
        && [ACTIVATE, DEACTIVATE, CLOSE, FILE, DAMAGE].contains(&&*event.action)
}

fn id_of(deposit: &DepositRecord, what: &str) -> String {
    format!("deposit/{}/{what}", deposit.id)
}

fn event(
    id: String,
    at_micros: i64,
    action: &'static str,
    (kind, target): (&'static str, &str),
    params: &Value,
) -> Result<Event<'static>, Failure> {
    Ok(Event {
        id: Some(id.into()),
        actor: Some(server()),
        target: Some(Target {
            kind: kind.into(),
            id: Some(target.to_owned().into()),
            ..Target::default()
        }),
        outcome: Some(Outcome { status: Status::Success, ..Outcome::default() }),
        params: Some(Json::parse(&params.to_string())?.into_owned()),
        ..Event::new(Moment::from_micros(at_micros), SYSTEM, action)
    })
}

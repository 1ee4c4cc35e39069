//! Writing records as OpenCGA's service and MongoDB's tools write them.

use std::io::{self, Write};

use event::{Event, Status};

use super::record::{FORMAT, SYSTEM, code, to_record};
use super::{clinical, shell};
use crate::members::Members;
use crate::{Losses, Recorded, Writer};

/// The writer of a format, which is one that the dialect lists.
pub(super) fn of(format: &str) -> Box<dyn Writer> {
    match format {
        "mongo" => Box::new(Lines { line: |recorded| shell::document(&document(recorded)) }),
        "extended-json" => Box::new(Lines { line: |recorded| document(recorded).to_json() }),
        "clinical" => Box::new(Lines { line: analysis }),
        _ => Box::new(Rest { count: 0 }),
    }
}

/// A record as the REST service gives it: without nulls of its own and without MongoDB's id.
pub fn record_json(recorded: &Recorded<'_>) -> String {
    let mut record = document(recorded);
    record.take("_id");
    if record.peek("userId") == Some("null") {
        record.take("userId");
    }
    let mut rest = Members::default();
    for (name, json) in record.iter() {
        let status = Members::parse(json).filter(|_| name == "status");
        match status {
            Some(mut status) if status.peek("error") == Some("null") => {
                status.take("error");
                rest.put_named(name.to_owned(), &status.to_json());
            }
            _ => rest.put_named(name.to_owned(), json),
        }
    }
    rest.to_json()
}

/// A record in normal form: the one that was kept, or the one that the event makes.
fn document(recorded: &Recorded<'_>) -> Members<'static> {
    let native = recorded.native_of(SYSTEM, FORMAT).and_then(|n| Members::parse(n.as_str()));
    if let Some(native) = native {
        return native.into_owned();
    }
    let mut record = to_record(recorded.event);
    if recorded.event.id.is_none() {
        record.take("id");
        let mut with_id = Members::default();
        with_id.put_text("id", Some(&recorded.index.to_string()));
        with_id.lay_over(&record);
        record = with_id;
    }
    record
}

/// A clinical analysis with one entry of its trail.
fn analysis(recorded: &Recorded<'_>) -> String {
    let native = recorded.native_of(SYSTEM, clinical::FORMAT);
    let native = native.and_then(|json| Members::parse(json.as_str())).map(Members::into_owned);
    let entry = native.unwrap_or_else(|| clinical::to_entry(recorded.event));
    let target = recorded.event.target.as_ref();
    let mut analysis = Members::default();
    analysis.put_text("id", target.and_then(|target| target.id.as_deref()));
    analysis.put_text("uuid", target.and_then(|target| target.uuid.as_deref()));
    analysis.put("audit", format!("[{}]", entry.to_json()));
    analysis.to_json()
}

/// Whether a record says what stands at a pointer.
fn says(event: &Event<'_>, pointer: &str) -> bool {
    let ours = event.source.system == SYSTEM;
    let derived = super::study::derived(event);
    match pointer {
        // What was lifted out of the record is still in it.
        _ if derived.iter().any(|at| at == pointer) => true,
        "/id" | "/source/version" | "/actor/id" | "/operation" | "/target/type" | "/target/id"
        | "/target/uuid" | "/scope/study/id" | "/scope/study/uuid" | "/outcome/name"
        | "/outcome/message" | "/params" | "/attributes" => true,
        "/source/system" | "/source/format" => ours,
        "/actor/type" => {
            event.actor.as_ref().is_some_and(|a| matches!(&*a.kind, "user" | "anonymous"))
        }
        "/actor/name" => event.actor.as_ref().is_some_and(|actor| actor.id.is_none()),
        "/outcome/status" => event.outcome.as_ref().is_some_and(|o| o.status != Status::Denied),
        "/outcome/code" => event.outcome.as_ref().is_some_and(|o| code(o).is_some()),
        "/outcome/detail" => {
            event.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Unknown)
        }
        _ => false,
    }
}

fn count_losses(recorded: &Recorded<'_>, losses: &mut Losses) {
    losses.add_unsaid(recorded.event, |pointer| says(recorded.event, pointer));
    let exact_millis = recorded.event.occurred_at.micros() % 1_000 == 0;
    if !exact_millis && recorded.native_of(SYSTEM, FORMAT).is_none() {
        losses.add("/occurred_at");
    }
}

/// One document a line.
struct Lines {
    line: fn(&Recorded<'_>) -> String,
}

impl Writer for Lines {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn write(
        &mut self,
        recorded: &Recorded<'_>,
        out: &mut dyn Write,
        losses: &mut Losses,
    ) -> io::Result<()> {
        count_losses(recorded, losses);
        let mut line = (self.line)(recorded);
        line.push('\n');
        out.write_all(line.as_bytes())
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The answer of the REST service.
struct Rest {
    count: u64,
}

impl Writer for Rest {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.count = 0;
        out.write_all(
            br#"{"apiVersion":"v2","time":0,"events":[],"params":{},"type":"QUERY","responses":[{"time":0,"events":[],"results":["#,
        )
    }

    fn write(
        &mut self,
        recorded: &Recorded<'_>,
        out: &mut dyn Write,
        losses: &mut Losses,
    ) -> io::Result<()> {
        count_losses(recorded, losses);
        if self.count > 0 {
            out.write_all(b",\n")?;
        }
        self.count += 1;
        out.write_all(record_json(recorded).as_bytes())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let count = self.count;
        write!(
            out,
            "],\"numResults\":{count},\"resultType\":\"org.opencb.opencga.core.models.audit.AuditRecord\",\
             \"numMatches\":{count},\"numInserted\":0,\"numUpdated\":0,\"numDeleted\":0,\
             \"numErrors\":0,\"attributes\":{{}}}}]}}"
        )
    }
}

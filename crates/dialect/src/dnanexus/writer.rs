//! Writing rows as DNAnexus's file has them.

use std::borrow::Cow;
use std::io::{self, Write};

use event::{Event, Status};

use super::row::{COLUMNS, FORMAT, REGION, SYSTEM, to_cells};
use crate::columns::write_row;
use crate::{Losses, Recorded, WriteOptions, Writer};

/// Writes one row an event.
pub(super) struct RowWriter {
    header: bool,
    region: bool,
    guard: bool,
    row: Vec<u8>,
}

impl RowWriter {
    pub(super) fn new(header: bool, options: &WriteOptions) -> Self {
        let (region, guard) = (options.region_column, options.formula_guard);
        Self { header, region, guard, row: Vec::new() }
    }
}

impl Writer for RowWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.header {
            return Ok(());
        }
        self.row.clear();
        let region = self.region.then_some(REGION);
        let names = COLUMNS.into_iter().chain(region);
        write_row(&mut self.row, names, false);
        out.write_all(&self.row)
    }

    fn write(
        &mut self,
        recorded: &Recorded<'_>,
        out: &mut dyn Write,
        losses: &mut Losses,
    ) -> io::Result<()> {
        let event = recorded.event;
        let region = event.source.region.as_deref().unwrap_or_default();
        let region = self.region.then_some(Cow::Borrowed(region));
        self.row.clear();
        let native = recorded
            .native_of(SYSTEM, FORMAT)
            .and_then(|json| serde_json::from_str::<Vec<String>>(json.as_str()).ok())
            .filter(|cells| cells.len() == COLUMNS.len());
        if let Some(cells) = native {
            let cells = cells.into_iter().map(Cow::Owned);
            write_row(&mut self.row, cells.chain(region), self.guard);
        } else {
            write_row(&mut self.row, to_cells(event).into_iter().chain(region), self.guard);
        }
        losses.add_unsaid(event, |pointer| {
            says(event, pointer) || (self.region && pointer == "/source/region")
        });
        let exact_seconds = event.occurred_at.micros() % 1_000_000 == 0;
        if event.source.system != SYSTEM && !exact_seconds {
            losses.add("/occurred_at");
        }
        out.write_all(&self.row)
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a row says what stands at a pointer.
fn says(event: &Event<'_>, pointer: &str) -> bool {
    let ours = event.source.system == SYSTEM;
    match pointer {
        "/client/ip"
        | "/client/user_agent"
        | "/actor/id"
        | "/target/id"
        | "/target/name"
        | "/scope/project/id"
        | "/scope/project/name"
        | "/params"
        | "/actor/credential/label"
        | "/actor/credential/ending" => true,
        // The id is made from the row, and the type of a thing from its id.
        "/id" | "/source/system" | "/source/format" | "/target/type" | "/attributes" => ours,
        "/actor/type" => event.actor.as_ref().is_some_and(|actor| actor.kind == "user"),
        "/actor/name" => event.actor.as_ref().is_some_and(|actor| actor.id.is_none()),
        "/outcome/status" => event.outcome.as_ref().is_some_and(|o| o.status != Status::Denied),
        "/outcome/detail" => {
            event.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Unknown)
        }
        _ => false,
    }
}

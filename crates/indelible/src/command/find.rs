//! `search`: events that a query finds, newest first.

use anyhow::Result;
use event::Entry;
use search::{Query, Zone};
use server::Catalogues;
use trail::Recorded;

use super::read;
use crate::cli::InTrail;
use crate::exit::{Exit, usage};
use crate::output::{self, Cell, Output};

/// Events that a table shows unless it is told otherwise.
const TABLE_LIMIT: usize = 50;

pub(crate) fn run(query: &str, at: &InTrail, output: Output, limit: Option<usize>) -> Result<Exit> {
    parse(query)?;
    let source = read(at)?;
    let default = if output == Output::Table { TABLE_LIMIT } else { usize::MAX };
    let limit = limit.unwrap_or(default);
    let mut rows = Vec::new();
    let mut found = 0;
    // One more tells whether there are more.
    source.newest(query, limit.saturating_add(1), &mut |recorded| {
        found += 1;
        if found > limit {
            return Ok(());
        }
        if output == Output::Json {
            return Ok(output::line(&recorded.to_json())?);
        }
        rows.push(row(recorded));
        Ok(())
    })?;
    if output != Output::Json {
        let header = ["index", "occurred", "actor", "action", "target", "outcome", "reason"];
        output::rows(output, &header, &rows)?;
    }
    if found > limit {
        output::note(&format!("these are the newest {limit}; --limit N shows more of them"));
    } else if found == 0 {
        output::note("no event is like this");
    }
    Ok(Exit::Done)
}

/// Reads a query, pointing at the word that is wrong.
pub(super) fn parse(text: &str) -> Result<Query> {
    search::parse_among(text, &Zone::UTC, &Catalogues::words()).map_err(|fault| {
        let word = text.get(fault.place.clone()).unwrap_or_default();
        usage(format!("in the query, at `{word}`: {}", fault.message))
    })
}

fn row(recorded: &Recorded) -> Vec<Cell> {
    let text = recorded.text();
    let Ok(entry) = Entry::parse(&text) else {
        return vec![recorded.index.into()];
    };
    let event = &entry.event;
    let join = |kind: &str, id: Option<&str>| {
        id.map_or_else(|| kind.to_owned(), |id| format!("{kind}/{id}"))
    };
    let actor = event.actor.as_ref().map(|actor| {
        actor.name.as_deref().or(actor.id.as_deref()).unwrap_or(&actor.kind).to_owned()
    });
    let texts = [
        event.occurred_at.as_str().to_owned(),
        actor.unwrap_or_default(),
        event.action.to_string(),
        event.target.as_ref().map(|t| join(&t.kind, t.id.as_deref())).unwrap_or_default(),
        event.outcome.as_ref().map(|o| o.status.as_str().to_owned()).unwrap_or_default(),
        event.reason.as_ref().map(|reason| reason.text.to_string()).unwrap_or_default(),
    ];
    [recorded.index.into()].into_iter().chain(texts.map(Cell::from)).collect()
}

//! The table, its indexes, and the questions in SQL.

use std::fmt::Write as _;

use crate::question::{Asking, FACET_ROWS, Field, Filter, Wanted};

/// Whether the table has the column and index that the text questions need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// It has: everything can be asked.
    Indexed,
    /// It has not: faster to fill.
    Absent,
}

impl Words {
    /// As it stands in the names of figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Indexed => "words",
            Self::Absent => "bare",
        }
    }
}

/// The columns that are given with each event.
const COLUMNS: &str = "occurred_at,actor,action,target_id,target_type,org,event_id,outcome,doc";

/// Drops the table and makes it anew with the indexes that ingestion and disk are measured with.
pub(crate) fn create(words: Words) -> String {
    let mut sql = String::from(
        "DROP TABLE IF EXISTS events;
        CREATE TABLE events (
            idx bigserial PRIMARY KEY,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            actor text, action text NOT NULL, target_id text, target_type text, org text,
            event_id text UNIQUE, outcome text, doc jsonb NOT NULL",
    );
    if words == Words::Indexed {
        sql.push_str(
            ", words tsvector GENERATED ALWAYS AS
              (jsonb_to_tsvector('simple', doc->'params', '[\"string\"]')) STORED",
        );
    }
    sql.push_str(
        ");
        CREATE INDEX events_time ON events (occurred_at);
        CREATE INDEX events_actor ON events (actor);
        CREATE INDEX events_action ON events (action);
        CREATE INDEX events_target ON events (target_id);
        CREATE INDEX events_org ON events (org);
        CREATE INDEX events_doc ON events USING gin (doc jsonb_path_ops);",
    );
    if words == Words::Indexed {
        sql.push_str("CREATE INDEX events_words ON events USING gin (words);");
    }
    sql
}

/// More indexes for the questions: what a person who tunes queries would add. They are not counted
/// against ingestion or disk.
pub(crate) const FOR_QUESTIONS: [&str; 6] = [
    "CREATE INDEX events_time_newest ON events (occurred_at DESC, idx DESC)",
    "CREATE INDEX events_actor_newest ON events (actor, occurred_at DESC, idx DESC)",
    "CREATE INDEX events_action_newest ON events (action, outcome, occurred_at DESC, idx DESC)",
    "CREATE INDEX events_target_newest ON events (target_id, occurred_at DESC, idx DESC)",
    "CREATE INDEX events_org_newest ON events (org, occurred_at DESC, idx DESC) INCLUDE (actor)",
    "VACUUM ANALYZE events",
];

/// Fills the table from the client.
pub(crate) fn copy() -> String {
    format!("COPY events({COLUMNS}) FROM STDIN")
}

/// Adds one event with nine parameters.
pub(crate) fn insert() -> String {
    format!("INSERT INTO events({COLUMNS}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)")
}

/// A question in SQL, with its parameters in it, so that the planner sees them.
pub(crate) fn ask(asking: &Asking) -> String {
    let filter = conditions(&asking.filter);
    match asking.wanted {
        Wanted::Events(limit) => format!(
            "SELECT doc FROM events{filter} ORDER BY occurred_at DESC, idx DESC LIMIT {limit}"
        ),
        Wanted::Count => format!("SELECT count(*) FROM events{filter}"),
        Wanted::Facet(field) => {
            let column = match field {
                Field::Action => "action",
                Field::Actor => "actor",
            };
            format!(
                "SELECT {column}, count(*) FROM events{filter} GROUP BY 1 ORDER BY 2 DESC, 1 \
                 LIMIT {FACET_ROWS}"
            )
        }
        Wanted::Days => {
            format!("SELECT occurred_at::date, count(*) FROM events{filter} GROUP BY 1 ORDER BY 1")
        }
    }
}

fn conditions(filter: &Filter) -> String {
    let mut sql = String::new();
    let mut and = |condition: String| {
        let _ = write!(sql, " {} {condition}", if sql.is_empty() { "WHERE" } else { "AND" });
    };
    let equal = [
        ("actor", &filter.actor),
        ("action", &filter.action),
        ("org", &filter.organization),
        ("outcome", &filter.status),
    ];
    for (column, value) in equal {
        if let Some(value) = value {
            and(format!("{column} = {}", literal(value)));
        }
    }
    if let Some((kind, id)) = &filter.target {
        and(format!("target_id = {} AND target_type = {}", literal(id), literal(kind)));
    }
    if let Some([first, second]) = &filter.words {
        and(format!("words @@ {}", literal(&format!("{first} & {second}"))));
    }
    if let Some(from) = &filter.from {
        and(format!("occurred_at >= {}", literal(from)));
    }
    if let Some(to) = &filter.to {
        and(format!("occurred_at < {}", literal(to)));
    }
    sql
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

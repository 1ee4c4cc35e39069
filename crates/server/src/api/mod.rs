//! The API below `/api/v1`: one file for each resource.

mod append;
mod checks;
mod clock;
mod counts;
mod deposited;
mod deposits;
mod docs;
mod events;
mod export;
mod health;
mod import;
mod parse;
mod question;
mod receipts;
mod status;
mod stream;
mod tokens;
mod trails;

pub(crate) use append::{append, append_routed};
pub(crate) use checks::tell_check;
pub(crate) use clock::confirm_clock;
pub(crate) use counts::{Width, count, edge_after, edges, facets, histogram};
pub(crate) use deposited::{file as deposited_file, files as deposited_files};
pub(crate) use deposits::{create_deposit, deposits, remove_deposit};
pub(crate) use docs::{openapi, problem_page};
pub(crate) use events::{event, events, history};
pub(crate) use export::{export, export_as, form};
pub(crate) use health::{livez, metrics, readyz};
pub(crate) use import::import;
pub(crate) use receipts::{consistency, receipt};
pub(crate) use status::status;
pub(crate) use stream::{follow, stream};
pub(crate) use tokens::{create_token, revoke_token, tokens};
pub(crate) use trails::{create_trail, trails};

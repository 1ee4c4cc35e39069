//! The server: an instance of the trail behind HTTP.
//!
//! [`instance`] is the data directory, opened. Over it lie the API of `docs/api.md`, the static
//! read path of C2SP tlog-tiles, and the pages. [`serve()`] puts all of it on a port.
//!
//! **Guarantee.** What an append answers is durable. Every refusal is a [`Problem`] with a stable
//! [`Code`]. Every body, batch, wait, stream and connection is bounded.
//!
//! **Trust.** Clients are not trusted: not with sizes, not with times, not with names. A caller who
//! may not see a trail does not learn whether it exists.
//!
//! **Absent on purpose.** No state that a restart would lose; no request or answer in the
//! diagnostics, and no token anywhere but in its owner's hands.

mod api;
mod app;
mod auth;
mod body;
mod call;
mod control;
pub mod deposit;
mod door;
pub mod export;
mod facade;
mod fitting;
mod guard;
pub mod import;
pub mod instance;
mod kinds;
mod links;
mod metrics;
mod negotiate;
mod params;
mod pieces;
mod places;
mod problem;
mod refusals;
mod router;
mod serve;
mod service;
mod tiles;
mod tls;
mod web;

pub use app::{App, AppOptions};
pub use auth::Caller;
pub use control::{CONTROL_SOCKET, OPERATOR_HEADER, control_path};
pub use facade::cors::{Origin, OriginError};
pub use kinds::Catalogues;
pub use links::{LinkError, Links};
pub use params::Params;
pub use problem::{Code, Detail, Problem};
pub use router::{Route, routes};
pub use serve::{ServeError, ServeOptions, Server, serve};
pub use service::Service;
pub use tls::{Tls, TlsError};

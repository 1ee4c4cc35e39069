//! `serve`: the API and the pages, until a signal.

use std::net::SocketAddr;

use anyhow::Result;
use server::instance::Instance;
use server::{AppOptions, ServeOptions, Server, Tls};
use tokio::signal::unix::{SignalKind, signal};

use super::explain;
use crate::cli::Serve;
use crate::config::Config;
use crate::exit::{Exit, usage};
use crate::output;

/// Where a server listens that was not told.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8787);

pub(crate) fn run(serve: &Serve) -> Result<Exit> {
    let mut config = Config::with_roots(&serve.place, &serve.roots)?;
    config.options.public_read_path |= serve.public_read_path;
    let listen = serve.listen.or(config.raw.listen).unwrap_or(LISTEN);
    let certificate = serve.tls_cert.as_ref().or(config.raw.tls_cert.as_ref());
    let key = serve.tls_key.as_ref().or(config.raw.tls_key.as_ref());
    let tls = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Tls::read(certificate, key)?),
        (None, None) => None,
        _ => return Err(usage("TLS needs both a certificate and its key")),
    };
    let mut app = AppOptions::new();
    app.import_bytes_max = config.raw.import_bytes_max.unwrap_or(app.import_bytes_max);
    app.import_total =
        config.raw.import_seconds_max.map_or(app.import_total, std::time::Duration::from_secs);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let data = config.data.clone();
        let opening =
            tokio::task::spawn_blocking(move || Instance::open(&config.data, config.options));
        let instance = opening.await?.map_err(explain)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let options = ServeOptions { tls, app, ..ServeOptions::new(listen) };
        let server = Server::bind(instance, options).await?;
        output::note(&format!("serving {} on {scheme}://{}", data.display(), server.address()));
        server.run(stopped()).await;
        output::note("stopped; everything recorded is published");
        Ok(Exit::Done)
    })
}

/// Ready when the process is asked to end.
pub(super) async fn stopped() {
    let mut term = match signal(SignalKind::terminate()) {
        Ok(term) => term,
        Err(error) => {
            tracing::warn!(%error, "cannot wait for SIGTERM");
            drop(tokio::signal::ctrl_c().await);
            return;
        }
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

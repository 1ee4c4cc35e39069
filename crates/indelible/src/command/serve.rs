//! `serve`: the API and the pages, until a signal.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use server::instance::Instance;
use server::{AppOptions, Links, Origin, ServeError, ServeOptions, Server, Tls};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use trail::Feed as _;

use super::{owned, refused};
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
    app.import_total = config.raw.import_seconds_max.map_or(app.import_total, Duration::from_secs);
    let origins = match serve.cors_origin.as_slice() {
        [] => config.raw.cors_origins.as_deref().unwrap_or_default(),
        given => given,
    };
    let origins = origins.iter().map(|origin| Origin::parse(origin)).collect::<Result<_, _>>();
    app.cors_origins = origins.map_err(|error| usage(error.to_string()))?;
    let links = Links::new(config.raw.links.clone().unwrap_or_default());
    app.links = links.map_err(|error| usage(error.to_string()))?;
    let scrub = config.raw.scrub()?;
    let runtime = runtime()?;
    owned(&config.data)?;
    runtime.block_on(async {
        let (data, state) = (config.data.clone(), config.options.state_folder.clone());
        let opening =
            tokio::task::spawn_blocking(move || Instance::open(&config.data, config.options));
        let instance = opening.await?.map_err(|error| refused(error, &state))?;
        let served = Arc::clone(&instance);
        // Before anybody is told that it serves: a signal must not find nobody.
        let (stopped, hangup) = (stopped()?, signal(SignalKind::hangup())?);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let options = ServeOptions { tls: tls.clone(), scrub, app, ..ServeOptions::new(listen) };
        let server = Server::bind(instance, options).await.map_err(elsewhere)?;
        output::note(&format!("serving {} on {scheme}://{}", data.display(), server.address()));
        if tls.is_none() && !server.address().ip().is_loopback() {
            output::note(
                "warning: tokens cross the network in clear; give --tls-cert and --tls-key, or \
                 listen on 127.0.0.1 behind a proxy that ends TLS",
            );
        }
        tokio::spawn(reload_on_hangup(hangup, tls));
        server.run(stopped).await;
        let trails = served.open_trails();
        let behind = trails.iter().filter(|open| {
            open.trail.published().checkpoint.size().get() < open.trail.committed_size()
        });
        match behind.count() {
            0 => output::note("stopped; everything recorded is published"),
            1 => output::note("stopped; a trail is recorded, and published by the next start"),
            many => output::note(&format!(
                "stopped; {many} trails are recorded, and published by the next start"
            )),
        }
        Ok(Exit::Done)
    })
}

/// The threads of a server: half of the processors talk to clients, the other half are left to those
/// that commit, publish and index. More would only take turns: with two talking on two processors,
/// single events came in more slowly by a twelfth.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(processors.div_ceil(2)).enable_all().build()
}

/// Says what to do about an address that cannot be had.
pub(super) fn elsewhere(error: ServeError) -> anyhow::Error {
    let taken = |source: &std::io::Error| source.kind() == std::io::ErrorKind::AddrInUse;
    let taken = matches!(&error, ServeError::Listen { source, .. } if taken(source));
    let error = anyhow::Error::from(error);
    if taken {
        error.context("end what uses this address, or name another with --listen")
    } else {
        error
    }
}

/// Reads the certificate again whenever the process is told to (SIGHUP).
async fn reload_on_hangup(mut hangup: Signal, tls: Option<Tls>) {
    while hangup.recv().await.is_some() {
        match tls.as_ref().map(Tls::reload) {
            Some(Ok(())) => output::note("read the certificate and its key again"),
            Some(Err(error)) => {
                let error = anyhow::Error::from(error);
                output::note(&format!("error: {error:#}; the certificate before stays in use"));
            }
            None => output::note("nothing to read again: no certificate is in use"),
        }
    }
}

/// Listens for the signals that ask the process to end from now on; the future is ready with the
/// first of them.
pub(super) fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    let (mut term, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

//! The application on a port and behind the control socket: connections, TLS, and a stop that loses
//! nothing.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::Version;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::control::{Control, Operator};
use crate::guard::{Guarded, Paced, Patience, Requests};
use crate::instance::{Instance, Scrub};
use crate::{App, AppOptions, Service, Tls, door};

/// Bytes of all headers of a request.
const HEADERS_BYTES_MAX: u32 = 64 * 1024;

/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;

/// Commands at once that the control socket answers; more wait.
const COMMANDS_MAX: usize = 32;

/// How long the output of a command may wait for its reader, who may be a person with a pager.
const COMMAND_PATIENCE: Duration = Duration::from_hours(24);

/// How often it is looked whether there is a sum of wrong tokens to tell.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How a server listens.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// With TLS, or without.
    pub tls: Option<Tls>,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long the headers of a request may take, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// How long a client may take nothing of what it is answered.
    pub write_timeout: Duration,
    /// How long a stop waits for requests under way.
    pub stop_timeout: Duration,
    /// When trails are checked, if they are.
    pub scrub: Option<Scrub>,
    /// What the application is told.
    pub app: AppOptions,
}

impl ServeOptions {
    /// What a server uses unless it is told otherwise.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            connections_max: 4_096,
            header_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_mins(1),
            stop_timeout: Duration::from_secs(30),
            scrub: Some(Scrub::default()),
            app: AppOptions::new(),
        }
    }
}

/// The server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A server that listens, and answers as soon as it [runs](Self::run).
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServeOptions,
    service: Service,
    control: Option<Control>,
}

/// Serves an instance until `shutdown` is ready; then finishes what is under way and publishes.
///
/// # Errors
/// [`ServeError::Listen`].
pub async fn serve(
    instance: Arc<Instance>,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    Server::bind(instance, options).await?.run(shutdown).await;
    Ok(())
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub async fn bind(instance: Arc<Instance>, options: ServeOptions) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
        Self::listening(listener, instance, options)
    }

    /// Takes over a socket that listens already, instead of the address in the options. To be called
    /// within a runtime.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub fn over(
        listener: std::net::TcpListener,
        instance: Arc<Instance>,
        options: ServeOptions,
    ) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Listen { address: options.listen, source };
        listener.set_nonblocking(true).map_err(refused)?;
        let listener = TcpListener::from_std(listener).map_err(refused)?;
        Self::listening(listener, instance, options)
    }

    fn listening(
        listener: TcpListener,
        instance: Arc<Instance>,
        options: ServeOptions,
    ) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Listen { address: options.listen, source };
        let address = listener.local_addr().map_err(refused)?;
        let control = Control::open(instance.directory()).inspect_err(|error| {
            tracing::warn!(%error, "no control socket: commands cannot reach this server");
        });
        let service = Service::new(App::new(instance, options.app.clone()));
        Ok(Self { listener, address, options, service, control: control.ok() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready; then accepts no more, finishes what is under way within
    /// its time, and publishes all that was recorded.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, options, service, control, .. } = self;
        let app = service.app().clone();
        app.instance().run_background();
        app.instance().run_deposits_in_background();
        if let Some(scrub) = options.scrub
            && let Err(error) = app.instance().run_scrub(scrub)
        {
            tracing::error!(%error, "no thread for the nightly check");
        }
        blocking(&app, Instance::note_start).await;
        tokio::spawn(tell_refusals(app.clone()));
        let connections = Arc::new(Semaphore::new(options.connections_max));
        let graceful = GracefulShutdown::new();
        let commands = Arc::new(Semaphore::new(COMMANDS_MAX));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepting = async {
                // The semaphore is never closed.
                let permit = Arc::clone(&connections).acquire_owned().await.ok();
                (listener.accept().await, permit)
            };
            let (accepted, permit) = tokio::select! {
                () = &mut shutdown => break,
                (stream, operator, permit) = command(control.as_ref(), &commands) => {
                    let (service, options) = (service.clone(), options.clone());
                    let watcher = graceful.watcher();
                    tokio::spawn(async move {
                        let from = Origin::Operator(operator);
                        let stream = Paced::new(stream, COMMAND_PATIENCE);
                        converse(stream, from, &service, &options, watcher).await;
                        drop(permit);
                    });
                    continue;
                }
                accepted = accepting => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (service, options) = (service.clone(), options.clone());
                    let watcher = graceful.watcher();
                    tokio::spawn(async move {
                        let open = &service.app().metrics().connections;
                        open.fetch_add(1, Ordering::Relaxed);
                        connection((stream, peer.ip()), &service, &options, watcher).await;
                        open.fetch_sub(1, Ordering::Relaxed);
                        drop(permit);
                    });
                }
                // Out of file descriptors, or a client that left: neither ends the server.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop((listener, control));
        app.begin_stop();
        app.instance().stop_deposits();
        if tokio::time::timeout(options.stop_timeout, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
        }
        door::tell_refusals(&app, true).await;
        blocking(&app, Instance::note_stop).await;
        blocking(&app, Instance::stop).await;
    }
}

/// Says every minute how many wrong tokens came that were not told one by one, until the server stops.
async fn tell_refusals(app: App) {
    let mut stopping = app.stopping();
    while tokio::time::timeout(TELL_EVERY, stopping.wait_for(|stops| *stops)).await.is_err() {
        door::tell_refusals(&app, false).await;
    }
}

/// Does something with the instance that blocks on the disk.
async fn blocking(app: &App, work: fn(&Instance)) {
    let instance = Arc::clone(app.instance());
    if tokio::task::spawn_blocking(move || work(&instance)).await.is_err() {
        tracing::error!("a start or stop could not be finished; the next start goes on from there");
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// The network.
    Peer(IpAddr),
    /// The control socket.
    Operator(Operator),
}

/// The next connection at the control socket, if there is one.
async fn command(
    control: Option<&Control>,
    places: &Arc<Semaphore>,
) -> (UnixStream, Operator, Option<OwnedSemaphorePermit>) {
    let Some(control) = control else { return std::future::pending().await };
    // The semaphore is never closed.
    let permit = Arc::clone(places).acquire_owned().await.ok();
    let (stream, operator) = control.accept().await;
    (stream, operator, permit)
}

async fn connection(
    (stream, peer): (TcpStream, IpAddr),
    service: &Service,
    options: &ServeOptions,
    watcher: Watcher,
) {
    // An answer is one small write: it must not wait for the next.
    let _ = stream.set_nodelay(true);
    let stream = Paced::new(stream, options.write_timeout);
    let Some(tls) = &options.tls else {
        return converse(stream, Origin::Peer(peer), service, options, watcher).await;
    };
    match tokio::time::timeout(options.header_timeout, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            converse(stream, Origin::Peer(peer), service, options, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
        Err(_) => tracing::debug!("no TLS in time"),
    }
}

async fn converse<S>(
    stream: S,
    from: Origin,
    service: &Service,
    options: &ServeOptions,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_buf_size(HEADERS_BYTES_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    let requests = Requests::new();
    let answering = service_fn(|request: hyper::Request<Incoming>| {
        let service = service.clone();
        let under_way = (request.version() == Version::HTTP_2).then(|| requests.begin());
        let mut request = request.map(Body::new);
        async move {
            let peer = match from {
                Origin::Peer(peer) => Some(peer),
                Origin::Operator(operator) => {
                    request.extensions_mut().insert(operator);
                    None
                }
            };
            let response = service.answer_to(request, peer).await;
            Ok::<_, Infallible>(match under_way {
                Some(request) => response.map(|body| request.until_end_of(body)),
                None => response,
            })
        }
    });
    let patience = Patience { idle: options.header_timeout, answer: options.write_timeout };
    let stream = Guarded::new(stream, patience, Arc::clone(&requests));
    let serving = builder.serve_connection(TokioIo::new(stream), answering);
    if let Err(error) = watcher.watch(serving.into_owned()).await {
        tracing::debug!(error, "a connection ended");
    }
}

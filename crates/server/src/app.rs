//! The handles that a request may use, and the limits that it is held to.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use registry::{Scope, Slug};
use tokio::sync::{Semaphore, watch};

use crate::auth::Caller;
use crate::facade::cors::Origin;
use crate::instance::{Instance, InstanceError, OpenTrail};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::places::{Place, Places};
use crate::problem::{Code, Detail, Problem};
use crate::refusals::Refusals;

/// Bytes of request bodies that may be in memory at once, all requests together.
const BODIES_BYTES_MAX: usize = 160 * 1024 * 1024;

/// Streams, exports and other answers that go on for long, at once; and those of one token.
const LONG_ANSWERS_MAX: usize = 256;
const LONG_ANSWERS_EACH: usize = LONG_ANSWERS_MAX / 2;

/// Imports at once: each takes two threads and some megabytes; and those of one token.
const IMPORTS_MAX: usize = 4;
const IMPORTS_EACH: usize = 3;

/// Blocking reads at once, so that questions never take all threads from appends. A page of many
/// events has a second thread, so there may be twice as many.
const READS_MAX: usize = 32;

/// What an application can be told.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Whether `/metrics` can be read without a token.
    pub public_metrics: bool,
    /// How long a body may pause between two pieces.
    pub body_idle: Duration,
    /// How long a whole body may take.
    pub body_total: Duration,
    /// The most bytes of one import, decompressed.
    pub import_bytes_max: u64,
    /// How long the input of one import may take.
    pub import_total: Duration,
    /// How long `wait=published` and `at_least` wait at most.
    pub wait_max: Duration,
    /// How often a stream without events says that it is alive.
    pub heartbeat: Duration,
    /// Where targets can be looked at.
    pub links: Links,
    /// The origins whose pages may call the platforms' own APIs.
    pub cors_origins: Vec<Origin>,
}

impl AppOptions {
    /// What a server uses unless it is told otherwise.
    pub fn new() -> Self {
        Self {
            public_metrics: false,
            body_idle: Duration::from_secs(10),
            body_total: Duration::from_mins(2),
            import_bytes_max: 64 * 1024 * 1024 * 1024,
            import_total: Duration::from_hours(6),
            wait_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            links: Links::default(),
            cors_origins: Vec::new(),
        }
    }
}

impl Default for AppOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The application: cheap to clone, shared by all requests.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    instance: Arc<Instance>,
    options: AppOptions,
    metrics: Metrics,
    /// One permit for each KiB of bodies.
    bodies: Arc<Semaphore>,
    long_answers: Arc<Places>,
    imports: Arc<Places>,
    reads: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    refusals: Refusals,
}

impl App {
    /// An application over an instance.
    pub fn new(instance: Arc<Instance>, options: AppOptions) -> Self {
        Self(Arc::new(Parts {
            instance,
            options,
            metrics: Metrics::default(),
            bodies: Arc::new(Semaphore::new(BODIES_BYTES_MAX / 1024)),
            long_answers: Places::new(LONG_ANSWERS_MAX, LONG_ANSWERS_EACH),
            imports: Places::new(IMPORTS_MAX, IMPORTS_EACH),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            stopping: watch::Sender::new(false),
            refusals: Refusals::default(),
        }))
    }

    /// The data directory that it serves.
    pub fn instance(&self) -> &Arc<Instance> {
        &self.0.instance
    }

    /// What it was told.
    pub fn options(&self) -> &AppOptions {
        &self.0.options
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn bodies(&self) -> &Arc<Semaphore> {
        &self.0.bodies
    }

    /// Ends the answers that would go on for ever, and says on `/readyz` that the server goes.
    pub fn begin_stop(&self) {
        self.0.stopping.send_replace(true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// Runs what blocks on the disk on a thread for it.
    ///
    /// # Errors
    /// What the work returns. Where too many such works go on, it waits for its turn.
    pub async fn blocking<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        let reads = Arc::clone(&self.0.reads);
        let permit = reads.acquire_owned().await.map_err(|_| Problem::new(Code::Internal))?;
        let work = move || {
            let done = work();
            // Not before: a client that goes away does not end the work.
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await?.map_err(Into::into)
    }

    /// A trail that a caller may use in this way. A caller who may not learns nothing of whether
    /// the trail exists.
    ///
    /// # Errors
    /// [`Code::Forbidden`]; [`Code::NoSuchTrail`] for callers who may do this to all trails.
    pub async fn open(
        &self,
        caller: &Caller,
        slug: &str,
        scope: Scope,
    ) -> Result<Arc<OpenTrail>, Problem> {
        let slug = caller.may(scope, slug)?;
        self.open_unchecked(&slug).await
    }

    /// A trail, whoever asks.
    pub(crate) async fn open_unchecked(&self, slug: &Slug) -> Result<Arc<OpenTrail>, Problem> {
        if let Some(open) = self.instance().find_open(slug) {
            return Ok(open);
        }
        if self.instance().registry().trail(slug).is_none() {
            return Err(Problem::new(Code::NoSuchTrail));
        }
        let (instance, slug) = (Arc::clone(self.instance()), slug.clone());
        self.blocking(move || instance.trail(&slug)).await
    }

    /// Makes a response hold one of the places for answers that go on for long, until its body
    /// ends.
    ///
    /// # Errors
    /// [`Code::Busy`] when all are taken, or the caller has as many as one may have.
    pub(crate) fn long_answer(&self, caller: &Caller) -> Result<Place, Problem> {
        self.0.long_answers.take(&caller.token().id).ok_or_else(|| {
            Problem::new(Code::Busy).detail("too many streams and exports are open").retry_after(10)
        })
    }

    /// Takes one of the places for imports.
    ///
    /// # Errors
    /// [`Code::Busy`] when all are taken, or the caller has as many as one may have.
    pub(crate) fn import_place(&self, caller: &Caller) -> Result<Place, Problem> {
        self.0.imports.take(&caller.token().id).ok_or_else(|| {
            Problem::new(Code::Busy).detail("too many imports are under way").retry_after(30)
        })
    }
}

/// An answer.
pub(crate) type Answer = Result<Response<Body>, Problem>;

impl From<InstanceError> for Problem {
    fn from(error: InstanceError) -> Self {
        match error {
            InstanceError::NoTrail { .. } => Self::new(Code::NoSuchTrail),
            InstanceError::TrailExists { slug } => {
                Self::new(Code::TrailExists).detail(format!("there is a trail `{slug}` already"))
            }
            InstanceError::NoToken { id } => {
                Self::new(Code::NoSuchResource).detail(format!("there is no token {id}"))
            }
            InstanceError::NoDeposit { .. } => {
                Self::new(Code::NoSuchResource).detail(error.to_string())
            }
            InstanceError::DestinationTaken { .. } => {
                Self::new(Code::DepositExists).detail(error.to_string())
            }
            InstanceError::Order { member, message } => {
                Self::new(Code::InvalidRequest).because(Detail {
                    pointer: Some(format!("/{member}")),
                    message,
                    ..Detail::default()
                })
            }
            InstanceError::Trail(error) => error.into(),
            InstanceError::Store(error) => trail::Error::from(error).into(),
            InstanceError::Search(error) => error.into(),
            InstanceError::Invalid(error) => {
                Self::new(Code::InvalidRequest).detail(error.to_string())
            }
            other => Self::new(Code::Internal).caused_by(&other),
        }
    }
}

//! `POST …/import`: a platform's file, streamed into the trail.
//!
//! The body goes to the importer piece by piece, so that any size takes constant memory. An import
//! goes on to its end, and is recorded, also when the client goes away in the middle of it.

use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use bytes::{Buf as _, Bytes};
use dialect::{Dialect, ReadOptions};
use http_body_util::BodyExt as _;
use registry::Scope;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::App;
use crate::app::Answer;
use crate::body::{self, Encoding};
use crate::call::{Call, json};
use crate::import::{self, End, Import, Rejected, Report, Watch};
use crate::instance::OpenTrail;
use crate::params::Params;
use crate::places::Place;
use crate::problem::{Code, Problem};

/// Pieces of a body that wait for the importer before receiving waits too.
const PIECES_WAITING: usize = 4;

/// Bytes of the body that are decompressed at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The most bytes of a text that describes the input.
const TEXT_BYTES_MAX: usize = 255;

/// Imports the body.
pub(crate) async fn import(call: Call, body: Body) -> Answer {
    let admitted = match admit(&call).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let Admitted { open, import, encoding, place } = admitted;
    let app = call.app.clone();
    let (sender, pieces) = mpsc::channel(PIECES_WAITING);
    let cause = Cause::default();
    let limits = Limits {
        idle: app.options().body_idle,
        until: Instant::now() + app.options().import_total,
    };
    // Its own task: the import must learn how the body ended also when nobody waits for the answer.
    tokio::spawn(pump(body, sender, limits, cause.clone()));
    let working = tokio::task::spawn_blocking(move || {
        let report = work(&app, &open, &import, Pieces::new(pieces), encoding);
        drop(place);
        (report, open)
    });
    let (report, open) = working.await?;
    call.app.metrics().events(report.counts.recorded, report.counts.already);
    answer(&open, report, cause.take())
}

/// What the head of a request says.
struct Admitted {
    open: Arc<OpenTrail>,
    import: Import,
    encoding: Encoding,
    place: Place,
}

async fn admit(call: &Call) -> Result<Admitted, Problem> {
    let open = call.app.open(&call.caller, call.path("trail"), Scope::Append).await?;
    let mut params = call.params()?;
    let dialect = dialect_of(&mut params)?
        .ok_or_else(|| Problem::parameter("dialect", "is required: the platform"))?;
    let file = text(&mut params, "file")?.unwrap_or_default();
    let words = [("true", true), ("false", false)];
    let strict = params.word("strict", &words)?.unwrap_or(false);
    let options = ReadOptions {
        organization: text(&mut params, "organization")?,
        instance: text(&mut params, "instance")?,
        region: text(&mut params, "region")?,
        total_bytes_max: call.app.options().import_bytes_max,
        redact: params.take_all("redact"),
    };
    params.finish()?;
    let encoding = body::encoding(&call.headers)?;
    let by = call.caller.actor();
    let recorded_by = call.caller.token().id.as_str().into();
    let import = Import { dialect, options, file, strict, by, recorded_by };
    let place = call.app.import_place(&call.caller)?;
    Ok(Admitted { open, import, encoding, place })
}

/// Reads the parameter `dialect`.
pub(super) fn dialect_of(params: &mut Params) -> Result<Option<&'static dyn Dialect>, Problem> {
    let Some(name) = params.take("dialect")? else { return Ok(None) };
    let known: Vec<&str> = dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    let found = dialect::by_name(&name);
    let message = || format!("is one of {}", known.join(", "));
    found.map(Some).ok_or_else(|| Problem::parameter("dialect", message()))
}

fn text(params: &mut Params, name: &str) -> Result<Option<String>, Problem> {
    let Some(text) = params.take(name)? else { return Ok(None) };
    if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        let message = format!("has at most {TEXT_BYTES_MAX} bytes and no control characters");
        return Err(Problem::parameter(name, message));
    }
    Ok(Some(text))
}

fn work(
    app: &App,
    open: &OpenTrail,
    import: &Import,
    pieces: Pieces,
    encoding: Encoding,
) -> Report {
    struct Server<'a>(&'a App);

    impl Watch for Server<'_> {
        fn rejected(&mut self, _: &Rejected) {}

        fn must_stop(&self) -> bool {
            self.0.is_stopping()
        }
    }

    let input = Decoded { pieces: Some(pieces), encoding, decoder: None };
    import::run(app.instance(), open, import, input, &mut Server(app))
}

/// The answer; a report of an import that did not read its whole input stands in a problem.
fn answer(open: &OpenTrail, report: Report, cause: Option<Problem>) -> Answer {
    let mut body = report.to_json();
    if let Some(object) = body.as_object_mut() {
        object.insert("trail".to_owned(), open.slug.as_str().into());
    }
    let Some((reason, message)) = report.end.reason() else {
        return Ok::<Response<Body>, _>(json(body.to_string()));
    };
    let incomplete = |code| Problem::new(code).detail(message);
    let problem = match (report.end, cause) {
        (End::Unreadable(_), Some(cause)) => cause,
        (End::Unreadable(_), None) if reason == dialect::Fault::TooMuch.code() => {
            incomplete(Code::TooLarge)
        }
        (End::Failed(error), _) => error.into(),
        (End::Stopped, _) => {
            Problem::new(Code::Unavailable).detail("the server stops").retry_after(30)
        }
        _ => incomplete(Code::ImportIncomplete),
    };
    Err(problem.with("report", body))
}

/// Why a body ended early, for the answer.
#[derive(Clone, Debug, Default)]
struct Cause(Arc<Mutex<Option<Problem>>>);

impl Cause {
    fn set(&self, problem: Problem) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    fn take(&self) -> Option<Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// How long a body may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Between two pieces. The time in which the importer takes none does not count.
    idle: Duration,
    until: Instant,
}

/// Passes a body on, as fast as it is taken.
async fn pump(
    mut body: Body,
    sender: mpsc::Sender<io::Result<Bytes>>,
    limits: Limits,
    cause: Cause,
) {
    loop {
        let patience = (Instant::now() + limits.idle).min(limits.until);
        let (problem, message) = match tokio::time::timeout_at(patience, body.frame()).await {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if sender.send(Ok(data)).await.is_err() {
                    return body::discard(body).await;
                }
                continue;
            }
            Ok(Some(Err(error))) => {
                let problem = Problem::new(Code::MalformedBody).detail("the body ended early");
                (problem.caused_by(&error), "the sender went away")
            }
            Err(_) => (Problem::new(Code::UploadTooSlow), "the sender was too slow"),
        };
        cause.set(problem);
        // The importer that is gone needs no reason.
        let _ = sender.send(Err(io::Error::other(message))).await;
        return body::discard(body).await;
    }
}

/// The pieces of a body as a reader that blocks.
struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Pieces {
    fn new(receiver: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { receiver, piece: Bytes::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let size = buffer.len().min(self.piece.len());
        let (space, _) = buffer.split_at_mut(size);
        self.piece.copy_to_slice(space);
        Ok(size)
    }
}

/// The body without the compression of its transfer, begun on the thread that reads.
struct Decoded {
    pieces: Option<Pieces>,
    encoding: Encoding,
    decoder: Option<Box<dyn Read + Send>>,
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(pieces) = self.pieces.take() {
            let mut input = BufReader::with_capacity(PIECE_BYTES, pieces);
            // A failure to begin with is the body's own.
            input.fill_buf()?;
            self.decoder = Some(self.encoding.decoder(input)?);
        }
        self.decoder.as_mut().map_or(Ok(0), |decoder| decoder.read(buffer))
    }
}

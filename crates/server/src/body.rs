//! Request bodies: collected within bounds of bytes and time, and decompressed within bounds.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::App;
use crate::problem::{Code, Problem};

/// The most bytes of one request's body, decompressed; as it is sent it may not have more either.
pub(crate) const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bodies up to this size are not counted against the bound over all requests: a connection costs
/// as much anyway.
const UNCOUNTED_BYTES: usize = 64 * 1024;

/// The most memory, as a power of two, that a zstd frame may ask for: no more than the content.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// A body in memory, and its share of the bound over all requests.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) bytes: Bytes,
    share: Share,
}

/// The compression of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    /// What was compressed.
    pub(crate) fn decoder<'r>(
        self,
        input: impl BufRead + Send + 'r,
    ) -> std::io::Result<Box<dyn Read + Send + 'r>> {
        Ok(match self {
            Self::Plain => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
}

/// Reads a body of at most `limit` bytes, before and after decompression.
pub(crate) async fn collect(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Collected, Problem> {
    let encoding = encoding(headers)?;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > limit {
        return Err(too_large(limit));
    }
    let mut share = Share { semaphore: Arc::clone(app.bodies()), permit: None, bytes: 0 };
    let options = app.options();
    let reading = read(body, limit, announced, options.body_idle, &mut share);
    let bytes = match tokio::time::timeout(options.body_total, reading).await {
        Ok(bytes) => bytes?,
        Err(_) => return Err(too_slow()),
    };
    if encoding == Encoding::Plain {
        return Ok(Collected { bytes, share });
    }
    tokio::task::spawn_blocking(move || {
        let bytes = decompress(encoding, &bytes, limit, &mut share)?;
        Ok(Collected { bytes, share })
    })
    .await?
}

/// Reads a little of a body that nobody wants: a client that is still sending when the connection
/// closes may not see the answer.
pub(crate) async fn discard(mut body: Body) {
    const BYTES_MAX: usize = 1024 * 1024;
    const TIME_MAX: Duration = Duration::from_millis(500);
    let mut left = BYTES_MAX;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(size);
            if left == 0 {
                return;
            }
        }
    };
    // Whoever takes longer has had the chance.
    let _ = tokio::time::timeout(TIME_MAX, reading).await;
}

impl Collected {
    /// The share of the bound, which has to be held as long as what was made of the bytes.
    pub(crate) fn into_share(self) -> Share {
        self.share
    }
}

/// The compression that the headers name.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Plain) };
    let value = value.as_bytes().trim_ascii().to_ascii_lowercase();
    match value.as_slice() {
        b"" | b"identity" => Ok(Encoding::Plain),
        b"gzip" | b"x-gzip" => Ok(Encoding::Gzip),
        b"zstd" => Ok(Encoding::Zstd),
        _ => Err(Problem::new(Code::UnsupportedEncoding)
            .detail("the body may be plain, gzip or zstd; one of them, once")),
    }
}

async fn read(
    mut body: Body,
    limit: usize,
    announced: usize,
    idle: Duration,
    share: &mut Share,
) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await.map_err(|_| too_slow())?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| {
            Problem::new(Code::MalformedBody).detail("the body ended early").caused_by(&error)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            discard(body).await;
            return Err(too_large(limit));
        }
        share.grow(data.len())?;
        if all.is_empty() && first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(announced.max(first.len() + data.len()));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    // A short body comes in one piece and is not copied.
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn decompress(
    encoding: Encoding,
    bytes: &[u8],
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, Problem> {
    let broken = |error: std::io::Error| {
        Problem::new(Code::MalformedBody).detail("the compression is broken").caused_by(&error)
    };
    let mut reader = encoding.decoder(bytes).map_err(broken)?;
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit));
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut piece).map_err(broken)?;
        if count == 0 {
            return Ok(out.into());
        }
        if out.len() + count > limit {
            return Err(too_large(limit));
        }
        share.grow(count)?;
        out.extend_from_slice(piece.get(..count).unwrap_or_default());
    }
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("a body has at most {limit} bytes, decompressed; send several requests");
    Problem::too_large(limit, "bytes", detail)
}

fn too_slow() -> Problem {
    Problem::new(Code::UploadTooSlow)
}

/// What one request holds of the bytes that all may hold together.
#[derive(Debug)]
pub(crate) struct Share {
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Share {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes;
        let wanted = self.bytes.saturating_sub(UNCOUNTED_BYTES).div_ceil(1024);
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = u32::try_from(wanted.saturating_sub(held)).ok().filter(|more| *more > 0)
        else {
            return Ok(());
        };
        let Ok(permit) = Arc::clone(&self.semaphore).try_acquire_many_owned(more) else {
            return Err(Problem::new(Code::Busy)
                .detail("too many large requests are being received")
                .retry_after(1));
        };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        Ok(())
    }
}

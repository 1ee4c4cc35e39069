//! Appending from async code, and the server's own records of who looked at what.

use std::sync::Arc;

use event::{Draft, Event, Received};
use registry::ACCESS_SLUG;
use tokio::sync::oneshot;
use trail::{Answer, Batch, Error, Trail};

use super::open::parse_built_in;
use super::{Instance, InstanceError};

/// Appends a batch: queues it, and has a blocking thread drain the queue when none does yet.
///
/// # Errors
/// As [`Trail::append`], and [`Error::Busy`] when too much is waiting.
pub async fn append(trail: &Arc<Trail>, batch: Batch) -> Result<Vec<Answer>, Error> {
    let (reply, answer) = oneshot::channel();
    let reply = Box::new(move |result| drop(reply.send(result)));
    if trail.enqueue(batch, reply)? {
        let trail = Arc::clone(trail);
        tokio::task::spawn_blocking(move || trail.drain());
    }
    // The reply is dropped unsent only when the draining thread panicked.
    answer.await.unwrap_or(Err(Error::Stopped))
}

/// Records on the `access` trail what somebody did with the server. Never fails the request: a
/// record that cannot be made is an error in the diagnostics.
pub fn record_access(instance: &Arc<Instance>, event: Event<'static>) {
    let instance = Arc::clone(instance);
    tokio::spawn(async move {
        if let Err(error) = write_access(&instance, &event).await {
            tracing::error!(error = &error as &dyn std::error::Error, "access not recorded");
        }
    });
}

/// Records on the `access` trail what somebody did with the server.
///
/// # Errors
/// When that cannot be recorded.
pub async fn write_access(
    instance: &Arc<Instance>,
    event: &Event<'static>,
) -> Result<(), InstanceError> {
    let mut event = event.clone();
    event.id.get_or_insert_with(|| uuid7(instance.now_micros()).into());
    let batch = own_record(&event, BY_SERVER.into())?;
    let opener = Arc::clone(instance);
    let access = tokio::task::spawn_blocking(move || opener.trail(&parse_built_in(ACCESS_SLUG)));
    let access = access.await.map_err(|_| Error::Stopped)??;
    append(&access.trail, batch).await?;
    Ok(())
}

/// Who records what the server itself does, and how that is said to have come.
pub(crate) const BY_SERVER: &str = "server";

/// An event of the server's own making, checked, as a batch.
///
/// # Errors
/// When it breaks a rule of events.
pub(crate) fn own_record(
    event: &Event<'_>,
    recorded_by: Arc<str>,
) -> Result<Batch, event::Invalid> {
    event.check()?;
    Ok(Batch {
        drafts: vec![Draft::new(event, None, &mut salt)?],
        recorded_by,
        received: Arc::new(Received { via: BY_SERVER.into(), ..Received::default() }),
        atomic: true,
    })
}

/// 32 random bytes for a commitment.
pub fn salt() -> [u8; 32] {
    let mut salt = [0; 32];
    // A system without randomness cannot have made its keys.
    getrandom::fill(&mut salt).unwrap_or_else(|error| unreachable!("no randomness: {error}"));
    salt
}

/// A UUID version 7 (RFC 9562 section 5.7): milliseconds, then random bits.
pub fn uuid7(now_micros: i64) -> String {
    let mut random = [0; 10];
    getrandom::fill(&mut random).unwrap_or_else(|error| unreachable!("no randomness: {error}"));
    let millis = u64::try_from(now_micros / 1_000).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    let bits = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        millis >> 16,
        millis & 0xFFFF,
        0x7000 | (bits >> 68 & 0x0FFF),
        0x8000 | (bits >> 48 & 0x3FFF),
        bits & 0xFFFF_FFFF_FFFF,
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid7_has_its_time_version_and_variant() {
        let id = super::uuid7(1_700_000_000_000_000);
        assert_eq!(id.len(), 36);
        assert!(id.starts_with("018bcfe5-6800-7"), "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }
}

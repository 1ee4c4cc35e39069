//! When the server was on, and what a start had to mend, on the `system` trail. It is how a trail tells
//! later when it was on.
//!
//! A record that cannot be made is an error in the diagnostics and stops nothing.

use event::{Event, Status, Target};
use registry::{SYSTEM_SLUG, Slug};
use serde_json::{Value, json};
use trail::Recovery;

use super::Instance;
use super::notes::server;
use super::open::parse_built_in;

/// The type of thing that the server is in its own records.
pub(crate) const SERVER: &str = "server";

/// The actions of these records.
pub(crate) const START: &str = "server.start";
const STOP: &str = "server.stop";
const RECOVER: &str = "trail.recover";

/// A clock that is so far behind what was recorded is told at a start …
const BEHIND_SECONDS: i64 = -60;
/// … and one that is so far ahead of it: thirty days.
const AHEAD_SECONDS: i64 = 30 * 86_400;

fn version() -> Value {
    json!({"version": env!("CARGO_PKG_VERSION")})
}

impl Instance {
    /// Says that the server begins to answer. Blocks on the disk.
    pub fn note_start(&self) {
        let mut params = version();
        // Nobody watches the clock of a machine that is off.
        if let Some((member, seconds)) = self.clock_at_start() {
            tracing::warn!(
                seconds,
                "the clock and what was recorded last are far apart: {member}; if the clock is wrong, \
                 stop and set it before anything is recorded"
            );
            if let Some(members) = params.as_object_mut() {
                members.insert(member.to_owned(), seconds.into());
            }
        }
        self.chronicle(START, (SERVER, self.origin()), &params);
    }

    /// How far the clock is from what this server recorded last, where it is far: behind it, or so far
    /// ahead that the machine was off for long, unless the clock is wrong.
    fn clock_at_start(&self) -> Option<(&'static str, i64)> {
        let system = self.trail(&parse_built_in(SYSTEM_SLUG)).ok()?;
        let last = Some(system.trail.last_recorded_micros()).filter(|last| *last > 0)?;
        let seconds = (self.now_micros() - last) / 1_000_000;
        match seconds {
            ..=BEHIND_SECONDS => Some(("clock_behind_seconds", -seconds)),
            AHEAD_SECONDS.. => Some(("seconds_since_last_record", seconds)),
            _ => None,
        }
    }

    /// Says that the server stops of its own will. Blocks on the disk.
    pub fn note_stop(&self) {
        self.chronicle(STOP, (SERVER, self.origin()), &version());
    }

    /// Says what opening a trail had to mend, if anything.
    pub(super) fn note_recovery(&self, slug: &Slug, recovery: &Recovery) {
        if recovery.republished == 0 && recovery.cut.is_none() {
            return;
        }
        let cut = recovery.cut.as_ref().map(
            |torn| json!({"path": torn.path.as_str(), "offset": torn.offset, "bytes": torn.size}),
        );
        let mut params = json!({"republished": recovery.republished});
        if let (Some(members), Some(cut)) = (params.as_object_mut(), cut) {
            members.insert("cut".to_owned(), cut);
        }
        self.chronicle(RECOVER, ("trail", slug.as_str()), &params);
    }

    fn chronicle(&self, action: &'static str, (kind, id): (&'static str, &str), params: &Value) {
        let target =
            Target { kind: kind.into(), id: Some(id.to_owned().into()), ..Target::default() };
        let event = self.happening(action, server(), Status::Success, params);
        if let Err(error) = self.record(&Event { target: Some(target), ..event }) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(action, error, "cannot be recorded on the system trail");
        }
    }
}

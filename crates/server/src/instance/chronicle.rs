//! When the server was on, and what a start had to mend, on the `system` trail. It is how a trail tells
//! later when it was on.
//!
//! A record that cannot be made is an error in the diagnostics and stops nothing.

use event::{Event, Status, Target};
use registry::Slug;
use serde_json::{Value, json};
use trail::Recovery;

use super::Instance;
use super::notes::server;

/// The type of thing that the server is in its own records.
pub(crate) const SERVER: &str = "server";

/// The actions of these records.
pub(crate) const START: &str = "server.start";
const STOP: &str = "server.stop";
const RECOVER: &str = "trail.recover";

impl Instance {
    /// Says that the server begins to answer. Blocks on the disk.
    pub fn note_start(&self) {
        self.note_life(START);
    }

    /// Says that the server stops of its own will. Blocks on the disk.
    pub fn note_stop(&self) {
        self.note_life(STOP);
    }

    fn note_life(&self, action: &'static str) {
        let params = json!({"version": env!("CARGO_PKG_VERSION")});
        self.chronicle(action, (SERVER, self.origin()), &params);
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

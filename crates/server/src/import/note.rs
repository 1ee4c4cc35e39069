//! The import as an event of the trail that it went into.

use std::borrow::Cow;
use std::sync::Arc;

use event::{Event, Json, Moment, Outcome, Status, Target};
use serde_json::json;

use super::{Import, Report};
use crate::instance::{Instance, InstanceError, OpenTrail, own_record};

/// The most bytes of a file's name that are recorded.
const NAME_BYTES_MAX: usize = 255;

/// Records an import, however it ended.
pub(super) fn record(
    instance: &Instance,
    open: &OpenTrail,
    import: &Import,
    report: &Report,
) -> Result<(), InstanceError> {
    let event = event(instance.now_micros(), import, report);
    open.trail.append(own_record(&event, Arc::clone(&import.recorded_by))?)?;
    open.trail.publish()?;
    Ok(())
}

fn event(now_micros: i64, import: &Import, report: &Report) -> Event<'static> {
    let params = json!({
        "dialect": import.dialect.name(),
        "complete": report.end.is_complete(),
        "bytes": report.bytes,
        "sha256": report.sha256,
        "counts": report.counts.to_json(),
    });
    let counts = &report.counts;
    let none = counts.rejected > 0 && counts.recorded + counts.already == 0;
    let reason = report.end.reason();
    let failed = none || reason.is_some();
    let message = reason.as_ref().map(|(_, message)| message.clone().into());
    let outcome = Outcome {
        status: if failed { Status::Failure } else { Status::Success },
        name: reason.as_ref().map(|(code, _)| Cow::Borrowed(*code)),
        message: message.or_else(|| none.then_some(Cow::Borrowed("every record was rejected"))),
        ..Outcome::default()
    };
    let name: String = import.file.chars().filter(|c| !c.is_control()).collect();
    let name = name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default();
    let name = (!name.is_empty()).then(|| name.to_owned().into());
    Event {
        id: Some(report.id.clone().into()),
        actor: Some(import.by.clone()),
        target: Some(Target { kind: "file".into(), name, ..Target::default() }),
        outcome: Some(outcome),
        params: Json::parse(&params.to_string()).ok().map(Json::into_owned),
        ..Event::new(Moment::from_micros(now_micros), registry::SYSTEM, "import")
    }
}

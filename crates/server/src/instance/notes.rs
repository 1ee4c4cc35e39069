//! What happens to the server itself, on the `system` trail.

use event::{Actor, Event, Json, Moment, Outcome, Reason, Status, Target};
use registry::{SYSTEM, SYSTEM_SLUG};
use serde_json::{Value, json};
use trail::{Answer, Step};

use super::append::{BY_SERVER, own_record};
use super::open::parse_built_in;
use super::{Instance, InstanceError, uuid7};

/// The server as the actor of what nobody did.
pub(crate) fn server() -> Actor<'static> {
    Actor { kind: "system".into(), id: Some(SYSTEM.into()), ..Actor::default() }
}

impl Instance {
    /// Records an event of the server's own on the `system` trail, and gives its index.
    pub(super) fn record(&self, event: &Event<'static>) -> Result<u64, InstanceError> {
        let batch = own_record(event, BY_SERVER.into())?;
        let system = self.trail(&parse_built_in(SYSTEM_SLUG))?;
        let answers = system.trail.append(batch)?;
        match answers.first() {
            Some(Answer::Recorded { index, .. }) => Ok(*index),
            _ => Err(trail::Error::Stopped.into()),
        }
    }

    /// An event of the server's own, now.
    pub(super) fn happening(
        &self,
        action: &'static str,
        actor: Actor<'static>,
        status: Status,
        params: &Value,
    ) -> Event<'static> {
        let now = self.now_micros();
        Event {
            id: Some(uuid7(now).into()),
            actor: Some(actor),
            outcome: Some(Outcome { status, ..Outcome::default() }),
            params: Json::parse(&params.to_string()).ok().map(Json::into_owned),
            ..Event::new(Moment::from_micros(now), SYSTEM, action)
        }
    }

    /// Records what the clock did since this was last asked.
    ///
    /// # Errors
    /// What could not be recorded is in the diagnostics only.
    pub fn record_clock_steps(&self) -> Result<(), InstanceError> {
        self.around.clock.take_steps().into_iter().try_for_each(|step| self.record_step(step))
    }

    fn record_step(&self, step: Step) -> Result<(), InstanceError> {
        let at = event::format_micros;
        let (action, status, params) = match step {
            Step::Set { from_micros, to_micros } => {
                let params = json!({"from": at(from_micros), "to": at(to_micros)});
                ("clock.set", Status::Success, params)
            }
            // Appends are refused from here on.
            Step::Leapt { from_micros, to_micros } => {
                let params = json!({"from": at(from_micros), "to": at(to_micros)});
                ("clock.leap", Status::Denied, params)
            }
            Step::Returned { to_micros } => {
                ("clock.return", Status::Success, json!({"to": at(to_micros)}))
            }
        };
        self.record(&self.about_clock(action, server(), status, &params)).map(drop)
    }

    fn about_clock(
        &self,
        action: &'static str,
        actor: Actor<'static>,
        status: Status,
        params: &Value,
    ) -> Event<'static> {
        let target = Some(Target { kind: "clock".into(), ..Target::default() });
        Event { target, ..self.happening(action, actor, status, params) }
    }

    /// Believes the clock as it stands, after a leap ahead stopped appends, once it is recorded who
    /// says so. Gives how far ahead it was, in microseconds; `None` when it was believed anyway.
    ///
    /// # Errors
    /// When that cannot be recorded; the clock is not believed then.
    pub fn confirm_clock(
        &self,
        by: &Actor<'static>,
        reason: Option<&str>,
    ) -> Result<Option<i64>, InstanceError> {
        let _changing = self.changing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.record_clock_steps()?;
        let Some(ahead) = self.around.clock.ahead_micros() else { return Ok(None) };
        let params = json!({"ahead_seconds": ahead / 1_000_000});
        let event = self.about_clock("clock.confirm", by.clone(), Status::Success, &params);
        let reason = reason.map(|text| Reason { text: text.to_owned().into(), code: None });
        self.record(&Event { reason, ..event })?;
        self.around.clock.confirm();
        Ok(Some(ahead))
    }

    /// How far the clock leapt ahead, while it is not believed, in microseconds.
    pub fn clock_ahead_micros(&self) -> Option<i64> {
        self.around.clock.ahead_micros()
    }
}

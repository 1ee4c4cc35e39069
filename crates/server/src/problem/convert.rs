//! From the errors of the crates below to problems.

use event::{Invalid, Rule};

use super::{Code, Detail, Problem};

/// Seconds after which a busy server is worth another try.
const RETRY_BUSY_SECONDS: u32 = 1;
/// Seconds after which a failed store is worth another try.
const RETRY_STORE_SECONDS: u32 = 10;

impl From<trail::Error> for Problem {
    fn from(error: trail::Error) -> Self {
        use trail::Error;
        match &error {
            Error::Busy => Self::new(Code::Busy)
                .detail("too much is waiting to be recorded")
                .retry_after(RETRY_BUSY_SECONDS),
            Error::Full(_) => {
                Self::new(Code::DiskFull).retry_after(RETRY_STORE_SECONDS).caused_by(&error)
            }
            Error::ClockUntrusted { ahead_seconds } => Self::new(Code::ClockUntrusted)
                .detail(format!("the clock is {ahead_seconds} s ahead of the last event"))
                .retry_after(60),
            Error::Different { position, index } => different(*position, *index),
            Error::NoEvent { index, size } => Self::new(Code::NoSuchEvent)
                .detail(format!("there is no event {index}; the trail has {size}")),
            Error::NotPublished { index, size } => Self::new(Code::NotPublished)
                .detail(format!(
                    "the checkpoint has {size} events; event {index} is not among them"
                ))
                .with("published_size", *size)
                .retry_after(1),
            Error::Stopped => Self::new(Code::TrailStopped).retry_after(RETRY_STORE_SECONDS),
            Error::Corrupt(_) => Self::new(Code::TrailDamaged).caused_by(&error),
            Error::Unavailable(_) | Error::Ids(_) => {
                Self::new(Code::Unavailable).retry_after(RETRY_STORE_SECONDS).caused_by(&error)
            }
            _ => Self::new(Code::Internal).caused_by(&error),
        }
    }
}

/// Another event has the id of the one at this position of the request.
pub(crate) fn different(position: usize, index: Option<u64>) -> Problem {
    let (message, problem) = match index {
        Some(index) => (
            format!(
                "event {index} of the trail has this source system and id and says something else"
            ),
            Problem::new(Code::IdConflict).with("index", index),
        ),
        None => (
            "an earlier event of the request has this source system and id and says something else"
                .to_owned(),
            Problem::new(Code::IdConflict),
        ),
    };
    problem.because(Detail {
        position: Some(position),
        pointer: Some("/id".to_owned()),
        message,
        ..Detail::default()
    })
}

impl Problem {
    /// Events that break rules: each with its position in the request.
    pub(crate) fn events(faults: &[(usize, Invalid)]) -> Self {
        let is_syntax = |fault: &Invalid| fault.rule == Rule::Syntax;
        let is_size = |fault: &Invalid| fault.rule == Rule::TooLong && fault.at.is_empty();
        let problem = if faults.iter().any(|(_, fault)| is_syntax(fault)) {
            Self::new(Code::MalformedJson)
        } else if faults.iter().any(|(_, fault)| is_size(fault)) {
            Self::too_large(event::EVENT_BYTES_MAX, "bytes", "an event is too large")
        } else {
            Self::new(Code::InvalidEvent)
        };
        faults.iter().fold(problem, |problem, (position, fault)| {
            problem.because(Detail {
                position: Some(*position),
                pointer: Some(fault.at.clone()),
                code: Some(fault.rule.code()),
                offset: fault.offset,
                message: fault.message.clone(),
                ..Detail::default()
            })
        })
    }

    /// A question that cannot be read.
    pub(crate) fn question(parameter: &str, fault: &search::Fault) -> Self {
        Self::new(Code::InvalidQuery).detail(fault.message.clone()).because(Detail {
            parameter: Some(parameter.to_owned()),
            offset: Some(fault.place.start),
            message: fault.message.clone(),
            ..Detail::default()
        })
    }
}

impl From<search::Error> for Problem {
    fn from(error: search::Error) -> Self {
        use search::Error;
        match error {
            Error::Question(message) => Self::new(Code::InvalidQuery).detail(message),
            Error::Cursor => Self::new(Code::InvalidCursor),
            Error::Damaged(_) => {
                Self::new(Code::SearchBehind).retry_after(RETRY_STORE_SECONDS).caused_by(&error)
            }
            Error::Behind { .. } => Self::new(Code::SearchBehind)
                .detail(error.to_string())
                .retry_after(RETRY_STORE_SECONDS),
            Error::Feed(error) => error.into(),
            _ => Self::new(Code::Internal).caused_by(&error),
        }
    }
}

impl From<tokio::task::JoinError> for Problem {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::new(Code::Internal).caused_by(&error)
    }
}

//! Exit codes.

use std::process::ExitCode;

use server::instance::InstanceError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Misused: as clap exits, too.
    Usage,
    /// What was verified is not what it says.
    Unverified,
    /// The server did not allow it.
    NotAuthorised,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unverified => 3,
            Exit::NotAuthorised => 4,
        })
    }
}

/// An error that asks for an exit code of its own.
#[derive(Debug)]
pub(crate) struct Because(pub(crate) Exit, pub(crate) String);

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Because {}

/// Verification failed, for this reason.
pub(crate) fn unverified(reason: impl Into<String>) -> anyhow::Error {
    Because(Exit::Unverified, reason.into()).into()
}

/// The command was misused, in a way that only the command can tell.
pub(crate) fn usage(reason: impl Into<String>) -> anyhow::Error {
    Because(Exit::Usage, reason.into()).into()
}

/// The exit code for an error.
pub(crate) fn code_of(error: &anyhow::Error) -> Exit {
    if let Some(because) = error.downcast_ref::<Because>() {
        return because.0;
    }
    let corrupt = |error: &trail::Error| matches!(error, trail::Error::Corrupt(_));
    let unverified = error.chain().any(|cause| {
        cause.downcast_ref::<trail::Error>().is_some_and(corrupt)
            || matches!(
                cause.downcast_ref::<InstanceError>(),
                Some(InstanceError::Trail(inner)) if corrupt(inner)
            )
    });
    if unverified { Exit::Unverified } else { Exit::Failed }
}

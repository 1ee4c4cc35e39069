//! `init`: a new data directory.

use std::path::{Path, PathBuf};

use anyhow::Result;
use server::instance::{Instance, InstanceError, InstanceOptions, default_state_folder};

use super::explain;
use crate::config::apart;
use crate::exit::{Exit, usage};
use crate::output;

pub(crate) fn run(directory: &Path, origin: &str, state_dir: Option<PathBuf>) -> Result<Exit> {
    let state = state_dir.unwrap_or_else(default_state_folder);
    apart(directory, &state)?;
    let options = InstanceOptions::new(state);
    let (instance, secret) =
        Instance::init(directory, origin, options).map_err(|error| match error {
            InstanceError::Origin { .. } => usage(format!("--origin: {error}")),
            other => explain(other),
        })?;
    instance.stop();
    output::line(secret.expose())?;
    let shown = directory.display();
    output::note(&format!(
        "made {shown}\n\
         the token on stdout may do everything; it is not shown again\n\
         next: indelible trail create lab --data {shown}\n\
         then: indelible serve --data {shown}"
    ));
    Ok(Exit::Done)
}

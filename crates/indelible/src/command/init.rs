//! `init`: a new data directory.

use std::path::{Path, PathBuf};

use anyhow::Result;
use server::instance::{Instance, InstanceOptions, default_state_folder};

use super::explain;
use crate::exit::Exit;
use crate::output;

pub(crate) fn run(directory: &Path, origin: &str, state_dir: Option<PathBuf>) -> Result<Exit> {
    let options = InstanceOptions::new(state_dir.unwrap_or_else(default_state_folder));
    let (instance, secret) = Instance::init(directory, origin, options).map_err(explain)?;
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

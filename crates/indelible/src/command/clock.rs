//! `clock confirm`: an operator says that a running server's clock is right.

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::json;

use crate::cli::Clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::running::Running;

/// What the server answers.
#[derive(Deserialize)]
struct Confirmed {
    ahead_seconds: i64,
}

pub(crate) fn run(command: Clock) -> Result<Exit> {
    let Clock::Confirm { place, reason } = command;
    let config = Config::of(&place)?;
    let Some(server) = Running::of(&config.data)? else {
        let shown = config.data.display();
        bail!("no server has {shown} open; one believes the clock as it stands when it starts");
    };
    let reason: Vec<_> = reason.iter().map(|text| ("reason", text.as_str())).collect();
    let confirmed: Confirmed = server.post("/api/v1/clock/confirm", &reason, &json!({}))?;
    output::note(&match confirmed.ahead_seconds {
        0 => "the clock was believed already".to_owned(),
        seconds => format!("the clock is believed; it had leapt {seconds} s ahead"),
    });
    Ok(Exit::Done)
}

//! The server that has a data directory open, asked through the socket that it keeps there.
//!
//! Whoever may open the directory may do everything, so that no token is needed; see
//! `server::CONTROL_SOCKET`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use server::instance::Instance;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Body, SendBody, http};

use crate::exit::{Because, Exit};

/// What the server is called in requests. Nobody looks it up: the socket is the address.
const HOST: &str = "http://127.0.0.1";

/// The most bytes of an answer that is read as a whole: a page of events.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A running server.
#[derive(Debug)]
pub(crate) struct Running {
    agent: Agent,
    operator: String,
}

impl Running {
    /// The server that has this directory open, if one does. A socket that nobody answers was left by
    /// a server that died.
    pub(crate) fn of(directory: &Path) -> Result<Option<Self>> {
        let Ok(folder) = File::open(directory) else { return Ok(None) };
        let socket = Socket { path: server::control_path(&folder), _folder: Arc::new(folder) };
        match UnixStream::connect(&socket.path) {
            Ok(_) => {}
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                    _ => Err(error).with_context(|| {
                        format!("cannot ask the server that has {} open", directory.display())
                    }),
                };
            }
        }
        let config =
            Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build();
        let agent = Agent::with_parts(config, socket, DefaultResolver::default());
        let operator = Instance::operator().id.unwrap_or_default();
        // A header has visible ASCII; any other name is told as the system's number of the user.
        let visible = operator.bytes().all(|byte| byte.is_ascii_graphic());
        let operator = if visible { operator.into_owned() } else { String::new() };
        Ok(Some(Self { agent, operator }))
    }

    /// Asks for a resource, with parameters. The answer is a success.
    pub(crate) fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Body> {
        let request = self.agent.get(format!("{HOST}{path}"));
        let request = request.query_pairs(parameters.iter().copied());
        answer(request.header(server::OPERATOR_HEADER, &self.operator).call()?)
    }

    /// Asks for a JSON document.
    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        parse(self.get(path, &[])?)
    }

    /// Sends a JSON object, and gives the one that is answered.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        object: &Value,
    ) -> Result<T> {
        let request = self.agent.post(format!("{HOST}{path}"));
        let request = request.query_pairs(parameters.iter().copied());
        let request = request.header("content-type", "application/json");
        let request = request.header(server::OPERATOR_HEADER, &self.operator);
        parse(answer(request.send(object.to_string())?)?)
    }

    /// Sends a body as it is read, and gives the object that is answered, or the `report` of a
    /// problem that came after a part of it was done.
    pub(crate) fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        body: impl Read + 'static,
    ) -> Result<T> {
        let request = self.agent.post(format!("{HOST}{path}"));
        let request = request.query_pairs(parameters.iter().copied());
        let request = request.header(server::OPERATOR_HEADER, &self.operator);
        let response = request.send(SendBody::from_owned_reader(body))?;
        if response.status().is_success() {
            return parse(response.into_body());
        }
        let status = response.status();
        let problem = read(response.into_body())?;
        let report = serde_json::from_str(&problem).unwrap_or(Value::Null);
        match report.get("report") {
            Some(report) => Ok(serde_json::from_value(report.clone())?),
            None => Err(refusal(status, &problem)),
        }
    }

    /// Removes a resource.
    pub(crate) fn delete(&self, path: &str, parameters: &[(&str, &str)]) -> Result<()> {
        let request = self.agent.delete(format!("{HOST}{path}"));
        let request = request.query_pairs(parameters.iter().copied());
        answer(request.header(server::OPERATOR_HEADER, &self.operator).call()?).map(drop)
    }
}

fn parse<T: DeserializeOwned>(body: Body) -> Result<T> {
    serde_json::from_str(&read(body)?).context("the server is of another version than this command")
}

/// The text of a body.
pub(crate) fn read(mut body: Body) -> Result<String> {
    Ok(body.with_config().limit(ANSWER_BYTES_MAX).read_to_string()?)
}

/// The body of a success; a problem becomes an error that ends the command with its exit code.
fn answer(response: http::Response<Body>) -> Result<Body> {
    let status = response.status();
    let body = response.into_body();
    if status.is_success() {
        return Ok(body);
    }
    Err(refusal(status, &read(body)?))
}

/// A problem as an error that ends the command with its exit code.
pub(crate) fn refusal(status: http::StatusCode, problem: &str) -> anyhow::Error {
    let problem: Value = serde_json::from_str(problem).unwrap_or_default();
    let word = |name: &str| problem.get(name).and_then(Value::as_str);
    let code = word("code").unwrap_or_default();
    let exit = match code {
        "unauthenticated" | "forbidden" => Exit::NotAuthorised,
        "invalid-query" | "invalid-parameter" | "invalid-request" => Exit::Usage,
        "trail-damaged" => Exit::Unverified,
        _ => Exit::Failed,
    };
    let first = problem.pointer("/errors/0").and_then(|error| {
        let message = error.get("message")?.as_str()?;
        // The message goes on where the member's name ends.
        let member = error.get("pointer").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{} {message}", member.trim_start_matches('/')).trim_start().to_owned())
    });
    let told =
        word("detail").or(first.as_deref()).or_else(|| word("title")).unwrap_or(status.as_str());
    let told = match code {
        "no-such-trail" => {
            "there is no such trail; see `indelible trail list`, or make it with `indelible trail create`"
        }
        _ => told,
    };
    Because(exit, format!("the server says: {told}")).into()
}

/// Connects to the socket, whatever the URL says.
#[derive(Clone, Debug)]
struct Socket {
    path: PathBuf,
    /// The path leads through this file.
    _folder: Arc<File>,
}

impl<In: Transport> Connector<In> for Socket {
    type Out = Stream;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<In>,
    ) -> Result<Option<Stream>, ureq::Error> {
        let stream = UnixStream::connect(&self.path)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Stream { stream, buffers }))
    }
}

/// A connection. It waits as long as the server takes: what the server waits for is bounded there.
struct Stream {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl Transport for Stream {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        true
    }
}

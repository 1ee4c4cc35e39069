//! What a platform's dialect can do.

use std::io::{self, BufRead};

use event::{Event, Json};

use crate::members::fits;
use crate::{Catalogue, Fault, Losses, Rejection};

/// A platform's audit records, both ways.
pub trait Dialect: Send + Sync {
    /// Its name in commands, URLs and `received.dialect`.
    fn name(&self) -> &'static str;

    /// Other names that people use for it.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// What its platform's words mean, under the name that stands in `source.system`.
    fn catalogue(&self) -> &'static Catalogue;

    /// The formats it writes; the first is the one that is meant when none is named.
    fn formats(&self) -> &'static [Format];

    /// Reads records in whatever form of this platform the input has, told by its content.
    ///
    /// # Errors
    /// When nothing in the input can be a record of this platform. Everything later is a [`Row`].
    fn reader<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        options: &ReadOptions,
    ) -> Result<Rows<'r>, Rejection>;

    /// Writes records of this platform from events of any.
    ///
    /// # Errors
    /// When the format that the options name is not one of [`Dialect::formats`].
    fn writer(&self, options: &WriteOptions) -> Result<Box<dyn Writer>, UnknownFormat>;
}

/// The rows of an input, in order. Ends after a rejection whose fault is fatal.
pub type Rows<'r> = Box<dyn Iterator<Item = Row> + Send + 'r>;

/// One record of an input, or what stood where one should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line it begins on, from 1.
    pub line: u64,
    /// The event, or why there is none.
    pub result: Result<Mapped, Rejection>,
}

impl From<Rejection> for Row {
    fn from(rejection: Rejection) -> Self {
        Self { line: rejection.line, result: Err(rejection) }
    }
}

/// A record as an event. The event passes [`Event::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The event. It has an id, so that importing it again adds nothing.
    pub event: Event<'static>,
    /// The record after redaction, where the event alone would not give it back.
    pub native: Option<Json<'static>>,
}

/// What the caller knows that the input does not say, and how much of it may be read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The organization or tenant that the records belong to (`scope.organization.id`).
    pub organization: Option<String>,
    /// The installation they come from (`source.instance`).
    pub instance: Option<String>,
    /// The region they come from (`source.region`).
    pub region: Option<String>,
    /// The most bytes to read after decompression; more is a fatal rejection.
    pub total_bytes_max: u64,
    /// JSON pointers into the event to redact besides what a dialect redacts by itself, such as
    /// `/params/input`. Only what lies inside `params`, `before`, `after` and `attributes`.
    pub redact: Vec<String>,
}

impl ReadOptions {
    /// The most bytes of what the caller adds to every event.
    const ADDED_BYTES_MAX: usize = 1_024;

    /// Whether what the caller adds can stand in an event.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        let added = [&self.organization, &self.instance, &self.region];
        let good = |text: &String| fits(text, Self::ADDED_BYTES_MAX);
        if !added.into_iter().flatten().all(good) {
            let message = "organization, instance and region have 1 to 1,024 bytes each and no \
                           control characters";
            return Err(Rejection::new(0, Fault::Value, message));
        }
        match self.redact.iter().find(|pointer| !is_redactable(pointer)) {
            // What is not taken out is recorded for ever.
            Some(pointer) => Err(Rejection::new(
                0,
                Fault::Value,
                format!(
                    "`{pointer}` takes nothing out: a JSON pointer into params, before, after or \
                     attributes does, as /params/input"
                ),
            )),
            None => Ok(()),
        }
    }
}

/// Whether a pointer names something that may be taken out of an event.
fn is_redactable(pointer: &str) -> bool {
    let inside = |member: &str| {
        let rest = pointer.strip_prefix(member);
        rest.is_some_and(|rest| !rest.is_empty())
    };
    ["/params/", "/before/", "/after/", "/attributes/"].into_iter().any(inside)
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            organization: None,
            instance: None,
            region: None,
            total_bytes_max: u64::MAX,
            redact: Vec::new(),
        }
    }
}

/// A form in which a dialect writes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name in options.
    pub name: &'static str,
    /// Its media type (RFC 6838).
    pub media_type: &'static str,
    /// The usual ending of its files, without the dot.
    pub extension: &'static str,
    /// One line for a person.
    pub about: &'static str,
}

/// How to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Name of one of [`Dialect::formats`]; the first when absent.
    pub format: Option<String>,
    /// Adds a column for the region, which the platform's own files do not have.
    pub region_column: bool,
    /// Guards cells that a spreadsheet would take for a formula. The result is not exact.
    pub formula_guard: bool,
}

impl WriteOptions {
    /// The format that these options name among those of a dialect.
    ///
    /// # Errors
    /// When it has none of that name.
    pub fn choose(&self, formats: &'static [Format]) -> Result<&'static Format, UnknownFormat> {
        let wanted = self.format.as_deref();
        formats
            .iter()
            .find(|format| wanted.is_none_or(|name| name.eq_ignore_ascii_case(format.name)))
            .ok_or_else(|| UnknownFormat {
                name: wanted.unwrap_or_default().to_owned(),
                known: formats.iter().map(|format| format.name).collect(),
            })
    }
}

/// A format that the dialect does not write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no format `{name}`; choose one of {}", known.join(", "))]
pub struct UnknownFormat {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: Vec<&'static str>,
}

/// An event as the trail keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'e> {
    /// Its leaf index.
    pub index: u64,
    /// When it was recorded, in microseconds since the epoch.
    pub recorded_at_micros: i64,
    /// The event.
    pub event: &'e Event<'e>,
    /// The source's own record, where the trail keeps one.
    pub native: Option<&'e Json<'e>>,
}

impl<'e> Recorded<'e> {
    /// The source's own record, if it is of this system and this format.
    pub fn native_of(&self, system: &str, format: &str) -> Option<&'e Json<'e>> {
        let source = &self.event.source;
        let same = source.system == system && source.format.as_deref() == Some(format);
        self.native.filter(|_| same)
    }
}

/// Writes records one after the other. Keeps no record once it is written.
pub trait Writer: Send {
    /// Writes what stands before the first record.
    ///
    /// # Errors
    /// Those of `out`.
    fn begin(&mut self, out: &mut dyn io::Write) -> io::Result<()>;

    /// Writes one record, and counts every field that it cannot say.
    ///
    /// # Errors
    /// Those of `out`.
    fn write(
        &mut self,
        recorded: &Recorded<'_>,
        out: &mut dyn io::Write,
        losses: &mut Losses,
    ) -> io::Result<()>;

    /// Writes what stands after the last record.
    ///
    /// # Errors
    /// Those of `out`.
    fn end(&mut self, out: &mut dyn io::Write) -> io::Result<()>;
}

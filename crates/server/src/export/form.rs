//! The form of a file, and writing one.

use std::io;

use dialect::{Dialect, Losses, UnknownFormat, WriteOptions, Writer};
use event::Entry;
use trail::Recorded;

use super::Format;

/// The form of a file of events.
#[derive(Clone)]
pub enum Form {
    /// One of our own.
    Own(Format),
    /// One of a platform's.
    Platform {
        /// The platform.
        dialect: &'static dyn Dialect,
        /// Which of its forms.
        format: &'static dialect::Format,
        /// How to write it.
        options: WriteOptions,
    },
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Form").field(&self.name()).finish()
    }
}

/// There is no such form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownForm {
    /// No platform of that name.
    #[error("is one of {}", dialect::ALL.map(Dialect::name).join(", "))]
    Dialect,
    /// No form of that name.
    #[error("{0}")]
    Format(String),
}

impl From<UnknownFormat> for UnknownForm {
    fn from(unknown: UnknownFormat) -> Self {
        Self::Format(format!("is one of {}", unknown.known.join(", ")))
    }
}

impl Form {
    /// The form of our own with that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn own(format: &str) -> Result<Self, UnknownForm> {
        let found = Format::ALL.into_iter().find(|(name, _)| *name == format);
        let unknown = "is csv or jsonl; a platform's own forms need its dialect";
        found
            .map(|(_, format)| Self::Own(format))
            .ok_or_else(|| UnknownForm::Format(unknown.to_owned()))
    }

    /// The form of a platform's that the options name; its first if they name none.
    ///
    /// # Errors
    /// When there is no such platform, or it has no such form.
    pub fn platform(name: &str, options: WriteOptions) -> Result<Self, UnknownForm> {
        let dialect = dialect::by_name(name).ok_or(UnknownForm::Dialect)?;
        let format = options.choose(dialect.formats())?;
        Ok(Self::Platform { dialect, format, options })
    }

    /// Its name: `csv`, `jsonl`, or as `seqera/v1-csv`.
    pub fn name(&self) -> String {
        match self {
            Self::Own(format) => format.name().to_owned(),
            Self::Platform { dialect, format, .. } => format!("{}/{}", dialect.name(), format.name),
        }
    }

    /// Its media type.
    pub fn media_type(&self) -> &'static str {
        match self {
            Self::Own(format) => format.media_type(),
            Self::Platform { format, .. } => format.media_type,
        }
    }

    /// What the names of its files end with, after the name of the trail.
    pub fn ending(&self) -> String {
        match self {
            Self::Own(format) => format!(".{}", format.name()),
            Self::Platform { dialect, format, .. } => {
                format!("-{}-{}.{}", dialect.name(), format.name, format.extension)
            }
        }
    }

    /// Begins a file.
    ///
    /// # Errors
    /// When the platform does not write this form, which [`Form::platform`] rules out.
    pub fn writer(&self) -> Result<FileWriter, UnknownForm> {
        let kind = match self {
            Self::Own(format) => Kind::Own(*format),
            Self::Platform { dialect, options, .. } => Kind::Platform(dialect.writer(options)?),
        };
        Ok(FileWriter { kind, count: 0, losses: Losses::default() })
    }
}

enum Kind {
    Own(Format),
    Platform(Box<dyn Writer>),
}

/// Writes one file: what stands before the events, each event, and what stands after them.
pub struct FileWriter {
    kind: Kind,
    count: u64,
    losses: Losses,
}

/// A field that a form could not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its JSON pointer in the event; empty for a whole event.
    pub pointer: &'static str,
    /// In how many events.
    pub count: u64,
}

impl std::fmt::Debug for FileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWriter").field("count", &self.count).finish_non_exhaustive()
    }
}

impl FileWriter {
    /// Appends what stands before the first event.
    ///
    /// # Errors
    /// None while `out` is in memory.
    pub fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Own(format) => format.begin(out),
            Kind::Platform(writer) => writer.begin(out)?,
        }
        Ok(())
    }

    /// Appends an event, and counts what the form cannot say of it.
    ///
    /// # Errors
    /// None while `out` is in memory.
    pub fn write(&mut self, recorded: &Recorded, out: &mut Vec<u8>) -> io::Result<()> {
        if let Kind::Own(format) = &self.kind {
            self.count += 1;
            format.write(recorded, out);
            return Ok(());
        }
        let text = recorded.text();
        if let Ok(entry) = Entry::parse(&text) {
            return self.write_entry(recorded, &entry, out);
        }
        // Only a log that someone else wrote has such entries.
        self.count += 1;
        self.losses.add("");
        Ok(())
    }

    /// [`Self::write`] for who has taken the entry apart already.
    pub(crate) fn write_entry(
        &mut self,
        recorded: &Recorded,
        entry: &Entry<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.count += 1;
        let writer = match &mut self.kind {
            Kind::Own(format) => {
                format.write(recorded, out);
                return Ok(());
            }
            Kind::Platform(writer) => writer,
        };
        writer.write(&as_dialects_take_it(recorded.index, entry), out, &mut self.losses)
    }

    /// Appends what stands after the last event.
    ///
    /// # Errors
    /// None while `out` is in memory.
    pub fn end(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Own(_) => Ok(()),
            Kind::Platform(writer) => writer.end(out),
        }
    }

    /// How many events were written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Each field that the form could not say, in the order of the pointers.
    pub fn losses(&self) -> impl Iterator<Item = Loss> + '_ {
        self.losses.iter().map(|(pointer, count)| Loss { pointer, count })
    }
}

/// An entry as dialects take it.
pub(crate) fn as_dialects_take_it<'e>(index: u64, entry: &'e Entry<'e>) -> dialect::Recorded<'e> {
    dialect::Recorded {
        index,
        recorded_at_micros: entry.recorded_at_micros,
        event: &entry.event,
        native: entry.native.as_ref(),
    }
}

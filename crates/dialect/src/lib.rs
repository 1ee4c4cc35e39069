//! Other platforms' audit records, to events and back.
//!
//! A [`Dialect`] reads the files that a platform hands out and writes files that its users know.
//! One folder holds all there is to know of one platform: its record types, its mapping both ways
//! and its [`Catalogue`]. A fifth platform is one more folder and one more line in [`ALL`].
//!
//! **Guarantee.** Native -> event -> native gives the same record but for what was redacted: where
//! the event alone would not give it back, the reader hands out the redacted record beside it.
//! No secret leaves a reader. Reading takes constant memory, every limit is a named constant, and
//! nothing here panics on input. What is not a record is a [`Rejection`] with its line, and
//! reading goes on at the next record where one can be found.
//!
//! **Trust.** Input is hostile: compressed bombs, endless lines, wrong encodings, formula cells
//! (which are data, kept as they are).
//!
//! **Absent on purpose.** No files, no clock, no network: the caller brings readers and writers.
//! What an action means is never stored; a catalogue decides it when somebody asks.

mod catalogue;
mod columns;
pub mod csv;
mod dialect;
pub mod dnanexus;
mod export;
mod identity;
mod input;
mod json;
mod limits;
mod loss;
mod members;
pub mod opencga;
mod reading;
mod record;
mod rejection;
pub mod seqera;
mod table;
pub mod tetrascience;

pub use catalogue::{Catalogue, Kind, Meaning, Verb, Word};
pub use dialect::{
    Dialect, Format, Mapped, ReadOptions, Recorded, Row, Rows, UnknownFormat, WriteOptions, Writer,
};
pub use loss::Losses;
pub use rejection::{Fault, Rejection};

/// Every dialect, in the order of their names.
pub const ALL: [&dyn Dialect; 4] =
    [&dnanexus::DnaNexus, &opencga::OpenCga, &seqera::Seqera, &tetrascience::TetraScience];

/// The dialect with that name or alias, in any case.
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    ALL.into_iter().find(|dialect| {
        dialect.name().eq_ignore_ascii_case(name)
            || dialect.aliases().iter().any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

/// The dialect whose platform calls itself that in `source.system`.
pub fn by_system(system: &str) -> Option<&'static dyn Dialect> {
    ALL.into_iter().find(|dialect| dialect.catalogue().system == system)
}

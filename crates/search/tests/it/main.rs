//! The projection against a plain scan, and against what can happen to it.

mod feed;
mod generate;
mod language;
mod oracle;
mod random;
mod survive;
mod tables;

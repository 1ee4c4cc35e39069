//! The format as `docs/format.md` describes it, its golden files, and the laws of the crate.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod detached;
#[cfg(test)]
mod document;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod record;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sameness;

//! What was measured: numbers and answers by name, kept in a file so that each side can be measured
//! on its own and compared later.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::latency::Latencies;

/// The figures of one side.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// What was measured: version and settings in a line.
    pub(crate) about: String,
    /// Numbers by name, such as `load.rate`.
    pub(crate) numbers: BTreeMap<String, f64>,
    /// For each question and size, what each run answered.
    pub(crate) answers: BTreeMap<String, Vec<Answer>>,
}

/// What a question was answered, short enough to keep and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Events of a page, the number counted, or rows of a facet.
    pub(crate) count: u64,
    /// Hash of the identifiers or rows, in their order.
    pub(crate) digest: u64,
}

impl Figures {
    /// Reads what [`Figures::save`] wrote, if anything.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .with_context(|| format!("read {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    /// Writes them to a file.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
    }

    /// Notes a number and says it.
    pub(crate) fn set(&mut self, name: impl Into<String>, number: f64) {
        let name = name.into();
        crate::say(&format!("  {name:<32} {number:>14.2}"));
        self.numbers.insert(name, number);
    }

    /// Notes the median and the 99th percentile of some times.
    pub(crate) fn set_latency(&mut self, name: &str, latencies: &Latencies) {
        self.set(format!("{name}.p50_ms"), latencies.percentile_ms(50));
        self.set(format!("{name}.p99_ms"), latencies.percentile_ms(99));
    }

    /// A number, if it was measured.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }
}

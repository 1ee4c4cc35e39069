//! Which segments on disk make up the projection, and of which trail.
//!
//! One small JSON file, replaced as a whole and only after what it names is durable. Anything in the
//! folder that it does not name is left over from a crash and is swept.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::schema::SCHEMA_VERSION;
use crate::segment::{Place, Segment};

const NAME: &str = "manifest.json";

/// The manifest as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    schema_version: u32,
    /// What the last entry covered is recognised by.
    last_entry: Option<String>,
    segments: Vec<Named>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    folder: String,
    from: u64,
    count: u32,
    occurred_min: i64,
    occurred_max: i64,
}

impl Manifest {
    /// The manifest of a folder; `None` when there is none that can be gone on from.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(NAME)).ok()?;
        let manifest: Self = serde_json::from_str(&text).ok()?;
        let mut next = 0;
        for named in &manifest.segments {
            let plain = !named.folder.contains(['/', '\\']) && named.folder.starts_with("s-");
            let there = folder.join(&named.folder).join("meta.json").try_exists().ok()?;
            if named.from != next || named.count == 0 || !plain || !there {
                return None;
            }
            next += u64::from(named.count);
        }
        (manifest.schema_version == SCHEMA_VERSION).then_some(manifest)
    }

    pub(crate) fn new(segments: &[Arc<Segment>], last_entry: Option<String>) -> Self {
        let segments = segments
            .iter()
            .map_while(|segment| match &segment.place {
                Place::Folder(folder) => Some(Named {
                    folder: folder.file_name()?.to_str()?.to_owned(),
                    from: segment.from,
                    count: segment.count,
                    occurred_min: segment.occurred.0,
                    occurred_max: segment.occurred.1,
                }),
                Place::Memory => None,
            })
            .collect();
        Self { schema_version: SCHEMA_VERSION, last_entry, segments }
    }

    /// How many events it covers.
    pub(crate) fn size(&self) -> u64 {
        self.segments.iter().map(|named| u64::from(named.count)).sum()
    }

    pub(crate) fn last_entry(&self) -> Option<&str> {
        self.last_entry.as_deref()
    }

    pub(crate) fn segments(&self, folder: &Path) -> Vec<Arc<Segment>> {
        self.segments
            .iter()
            .map(|named| {
                let occurred = (named.occurred_min, named.occurred_max);
                let folder = folder.join(&named.folder);
                Arc::new(Segment::known(named.from, named.count, occurred, folder))
            })
            .collect()
    }

    /// Replaces the folder's manifest; durable on return.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let fault = || Error::folder(folder);
        let temporary = folder.join("manifest.tmp");
        let text = serde_json::to_vec_pretty(self).map_err(|e| fault()(e.into()))?;
        let mut file = File::create(&temporary).map_err(fault())?;
        file.write_all(&text).map_err(fault())?;
        file.sync_all().map_err(fault())?;
        fs::rename(&temporary, folder.join(NAME)).map_err(fault())?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault())
    }

    /// Removes what the manifest does not name, or everything without one.
    pub(crate) fn sweep(folder: &Path, manifest: Option<&Self>) -> Result<()> {
        for item in fs::read_dir(folder).map_err(Error::folder(folder))? {
            let path: PathBuf = item.map_err(Error::folder(folder))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let named = manifest.is_some_and(|manifest| {
                name == NAME || manifest.segments.iter().any(|segment| segment.folder == name)
            });
            if named {
                continue;
            }
            if name.starts_with("s-") {
                fs::remove_dir_all(&path).map_err(Error::folder(&path))?;
            } else if name == NAME || name == "manifest.tmp" {
                fs::remove_file(&path).map_err(Error::folder(&path))?;
            }
        }
        Ok(())
    }
}

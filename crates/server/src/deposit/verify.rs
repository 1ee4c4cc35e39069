//! Whether a deposited file is still what was recorded.

use std::sync::atomic::AtomicBool;

use super::place::{Digest, digest_of};
use super::{Failure, Filed, Folder, Found};

/// What is wrong with a file.
pub(super) struct Damage {
    /// A stable word.
    pub(super) code: &'static str,
    /// Which file.
    pub(super) name: String,
    /// What was found, so that each state is recorded once.
    pub(super) found: String,
}

impl Damage {
    /// For a person.
    pub(super) fn message(&self) -> String {
        let Self { code, name, .. } = self;
        match *code {
            "missing" => format!("{name} was deposited and is gone; put it back"),
            "altered" => format!("{name} was deposited and has other bytes now; put it back"),
            _ => format!("{name} was deposited and something else is there now; put it back"),
        }
    }
}

/// Looks at both files of a day, to the last byte.
pub(super) fn verify(
    folder: &dyn Folder,
    filed: &Filed,
    stop: &AtomicBool,
) -> Result<Vec<Damage>, Failure> {
    let mut damages = Vec::new();
    for (name, size_bytes, sha256) in [
        (&filed.file, filed.size_bytes, &filed.sha256),
        (&filed.manifest, filed.manifest_size_bytes, &filed.manifest_sha256),
    ] {
        let damage = |code: &'static str, found: String| Damage { code, name: name.clone(), found };
        match folder.read(name)? {
            Found::Nothing => damages.push(damage("missing", "missing".to_owned())),
            Found::Other => damages.push(damage("not-a-file", "not-a-file".to_owned())),
            Found::File(file) => {
                let found = digest_of(&file, stop)?;
                let recorded = Digest { size_bytes, sha256: sha256.clone() };
                if found != recorded {
                    damages.push(damage("altered", found.sha256));
                }
            }
        }
    }
    Ok(damages)
}

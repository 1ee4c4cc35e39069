//! Key files: write-once, readable by the owner only, durable before the trail that needs them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use registry::Slug;
use trail::Keys;

use super::InstanceError;

fn folder(directory: &Path) -> PathBuf {
    directory.join("keys")
}

/// Reads a trail's keys.
pub(super) fn read(directory: &Path, slug: &Slug) -> Result<Keys, InstanceError> {
    let path = folder(directory).join(slug.as_str());
    let text = fs::read_to_string(&path).map_err(InstanceError::file(&path))?;
    let text = zeroize::Zeroizing::new(text);
    Keys::parse(&text).ok_or_else(|| InstanceError::File {
        path,
        source: std::io::Error::new(ErrorKind::InvalidData, "not a key file"),
    })
}

/// Makes keys for a trail that is about to be made, or takes those of an attempt that was cut short.
pub(super) fn create(directory: &Path, slug: &Slug, origin: &str) -> Result<Keys, InstanceError> {
    let folder = folder(directory);
    let path = folder.join(slug.as_str());
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(InstanceError::File { path: folder, source: error });
        }
        _ => {}
    }
    let keys =
        Keys::generate(origin).map_err(|_| InstanceError::Origin { origin: origin.to_owned() })?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match opened {
        Ok(mut file) => {
            let write = |file: &mut File| {
                file.write_all(keys.to_text().as_bytes())?;
                file.sync_all()?;
                File::open(&folder)?.sync_all()?;
                File::open(directory)?.sync_all()
            };
            write(&mut file).map_err(InstanceError::file(&path))?;
            Ok(keys)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(directory, slug),
        Err(source) => Err(InstanceError::File { path, source }),
    }
}

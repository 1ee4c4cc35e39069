//! Where files may be put: folders below the roots that the operator configured.
//!
//! **Guarantee.** A destination is a root and plain names below it. It is resolved from the root
//! without following a symbolic link and without leaving the root, whatever somebody puts there
//! between two looks; the kernel does it (`openat2`).
//!
//! **Trust.** The roots are the operator's, and may be links. What lies below them is not trusted.

use std::path::{Path, PathBuf};

/// The most bytes of a destination.
const BYTES_MAX: usize = 1_024;

/// A folder below a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The root, as it is configured.
    pub root: PathBuf,
    /// Names below it, with `/` between.
    pub below: String,
}

/// A text that names no folder below a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// It is not spelled in the one way there is.
    #[error(
        "is an absolute path of plain names, without `.`, `..`, `//`, controls or a `/` at its end"
    )]
    Spelling,
    /// The operator has not configured any root.
    #[error(
        "cannot be used: the operator has allowed no folder; name one above it with `deposit_roots` \
         in the configuration, or start the server with `--deposit-root`"
    )]
    NoRoots,
    /// It lies elsewhere.
    #[error("does not lie below one of the operator's `deposit_roots`")]
    Elsewhere,
}

impl Destination {
    /// Finds the root that a path lies below; of several, the innermost.
    ///
    /// # Errors
    /// Says why it is no destination.
    pub fn parse(path: &str, roots: &[PathBuf]) -> Result<Self, DestinationError> {
        let names = path.strip_prefix('/').ok_or(DestinationError::Spelling)?;
        let plain = |name: &str| !matches!(name, "" | "." | "..") && name.len() <= 255;
        if path.len() > BYTES_MAX
            || path.chars().any(char::is_control)
            || !names.split('/').all(plain)
        {
            return Err(DestinationError::Spelling);
        }
        if roots.is_empty() {
            return Err(DestinationError::NoRoots);
        }
        let path = Path::new(path);
        roots
            .iter()
            .filter_map(|root| {
                let below = path.strip_prefix(root).ok()?.to_str()?;
                let root = root.clone();
                (!below.is_empty()).then(|| Self { root, below: below.to_owned() })
            })
            .min_by_key(|destination| destination.below.len())
            .ok_or(DestinationError::Elsewhere)
    }

    /// The whole path.
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_with_paths_lead_nowhere() {
        let roots = [PathBuf::from("/srv/deposits"), PathBuf::from("/srv/deposits/inner")];
        let parse = |path: &str| Destination::parse(path, &roots);
        let good = parse("/srv/deposits/qa/lab").unwrap();
        assert_eq!((good.root.to_str().unwrap(), &*good.below), ("/srv/deposits", "qa/lab"));
        assert_eq!(parse("/srv/deposits/inner/a").unwrap().below, "a", "the innermost root");
        for bad in [
            "",
            "lab",
            "srv/deposits/lab",
            "/srv/deposits/../etc",
            "/srv/deposits/./lab",
            "/srv/deposits//lab",
            "/srv/deposits/lab/",
            "/srv/deposits/lab\0",
            "/srv/deposits/a\nb",
            &format!("/srv/deposits/{}", "a".repeat(256)),
            &format!("/srv/deposits/{}", "a/".repeat(600)),
        ] {
            assert_eq!(parse(bad), Err(DestinationError::Spelling), "{bad:?}");
        }
        for elsewhere in ["/etc", "/srv", "/srv/deposits", "/srv/deposits2/lab", "/srv/depositslab"]
        {
            assert_eq!(parse(elsewhere), Err(DestinationError::Elsewhere), "{elsewhere}");
        }
        assert_eq!(Destination::parse("/srv/x", &[]), Err(DestinationError::NoRoots));
    }
}

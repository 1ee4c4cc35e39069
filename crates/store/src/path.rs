//! Names of objects, in a form that every backend can hold.
//!
//! **Guarantee.** An [`ObjectPath`] is relative and cannot leave the folder it is resolved in: it has
//! no empty, `.` or `..` segment and no character that a file system or a bucket would read as more
//! than a letter.

use std::{borrow::Borrow, fmt, sync::Arc};

use crate::{Error, Result};

/// The longest path, in bytes: what object stores allow for a key.
pub const MAX_PATH_BYTES: usize = 1024;

/// The longest segment, in bytes: every file system in use allows 255, and a suffix may be added.
pub const MAX_SEGMENT_BYTES: usize = 128;

/// The name of an object: segments of `[A-Za-z0-9._@-]` with `/` between them.
///
/// Paths are ordered by their bytes. A clone shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath(Arc<str>);

impl ObjectPath {
    /// Takes a path if it is well-formed; otherwise [`Error::Refused`].
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match flaw(&path) {
            None => Ok(Self(path.into())),
            Some(what) => Err(Error::refused(path, invalid(what))),
        }
    }

    /// The path below this one; `rest` may have several segments.
    pub fn join(&self, rest: &str) -> Result<Self> {
        Self::new(format!("{self}/{rest}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// The folder it is in, if it has one.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.into()))
    }

    /// Whether it lies in the folder, at any depth. No path is below itself.
    pub fn is_below(&self, folder: &Self) -> bool {
        self.0.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl Borrow<str> for ObjectPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn flaw(path: &str) -> Option<&'static str> {
    if path.len() > MAX_PATH_BYTES {
        return Some("an object path has at most 1024 bytes");
    }
    path.split('/').find_map(|segment| match segment {
        "" => Some("an object path has no empty segment"),
        "." | ".." => Some("an object path has no `.` or `..` segment"),
        _ if segment.len() > MAX_SEGMENT_BYTES => {
            Some("a segment of an object path has at most 128 bytes")
        }
        _ if !segment.bytes().all(is_allowed) => {
            Some("an object path has only letters, digits, `.`, `_`, `@`, `-` and `/`")
        }
        _ => None,
    })
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'-')
}

fn invalid(what: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_paths_are_taken() {
        for path in ["a", "a/b", "tile/0/x001/234.p/17", "a@b", "...", ".hidden", "A-Z_0.9"] {
            assert_eq!(ObjectPath::new(path).unwrap().as_str(), path);
        }
        ObjectPath::new("a".repeat(128)).unwrap();
        ObjectPath::new(vec!["a".repeat(127); 8].join("/")).unwrap();
    }

    #[test]
    fn path_tricks_are_refused() {
        let long = "a".repeat(129);
        let deep = vec!["a"; 513].join("/");
        for path in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a/../../b",
            "a b",
            "a\0",
            "a\n",
            "a\\b",
            "a:b",
            "C:",
            "ä",
            "a\u{2215}b",
            "%2e%2e",
            "~",
            "*",
            &long,
            &deep,
        ] {
            assert!(matches!(ObjectPath::new(path), Err(Error::Refused { .. })), "{path:?}");
        }
    }

    #[test]
    fn joining_checks_the_whole_path() {
        let folder = ObjectPath::new("a/b").unwrap();
        assert_eq!(folder.join("c/d").unwrap().as_str(), "a/b/c/d");
        for rest in ["", "..", "../c", "/c", "c/"] {
            assert!(folder.join(rest).is_err(), "{rest:?}");
        }
    }

    #[test]
    fn a_folder_holds_what_is_below_it_and_not_its_namesakes() {
        let path = |text: &str| ObjectPath::new(text).unwrap();
        assert!(path("a/b/c").is_below(&path("a")));
        assert!(path("a/b/c").is_below(&path("a/b")));
        assert!(!path("a/b").is_below(&path("a/b")));
        assert!(!path("ab/c").is_below(&path("a")));
        assert_eq!(path("a/b/c").parent(), Some(path("a/b")));
        assert_eq!(path("a").parent(), None);
        assert_eq!(
            (path("a/b").name().to_owned(), path("a").name().to_owned()),
            ("b".into(), "a".into())
        );
    }
}

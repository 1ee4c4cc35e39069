//! Checkpoints: what a trail says its tree is, signed (c2sp.org/tlog-checkpoint).
//!
//! Three lines: the origin, the tree size in decimal, the root in base64. More lines may follow,
//! opaque and not empty; ours have none. The text is signed as a note.

use crate::lexeme;
use crate::note::sign_text;
use crate::{Error, Hash, MAX_TREE_SIZE, Note, SigningKey, TreeSize, VerifiedNote, VerifierKey};

/// An origin, a tree size and the root at that size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: TreeSize,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    ///
    /// The origin is one line without control characters; an empty tree has the root
    /// [`Hash::EMPTY_ROOT`].
    pub fn new(origin: &str, size: TreeSize, root: Hash) -> Result<Self, Error> {
        if origin.is_empty() || origin.contains(|c: char| c < ' ') {
            return Err(Error::CheckpointMalformed("the origin is not one non-empty line"));
        }
        if size.get() > MAX_TREE_SIZE {
            return Err(Error::TreeTooLarge { size });
        }
        if size == TreeSize::ZERO && root != Hash::EMPTY_ROOT {
            return Err(Error::CheckpointMalformed("an empty tree with the root of another"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Reads a checkpoint's text. It is not to be believed: [`open`](Self::open) is for that.
    pub fn parse(text: &str) -> Result<Self, Error> {
        const LINES: Error = Error::CheckpointMalformed("not three lines, each ended by a newline");
        let mut lines = text.strip_suffix('\n').ok_or(LINES)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(LINES);
        };
        let size = lexeme::decimal(size)
            .ok_or(Error::CheckpointMalformed("the size is not a canonical decimal"))?;
        let mut checkpoint = Self::new(origin, TreeSize::new(size), Hash::parse_base64(root)?)?;
        for line in lines {
            if line.is_empty() || line.contains(|c: char| c < ' ') {
                return Err(Error::CheckpointMalformed("an empty or unprintable extension line"));
            }
            checkpoint.extensions.push(line.to_owned());
        }
        Ok(checkpoint)
    }

    /// Reads a signed checkpoint and verifies it.
    ///
    /// One of the keys at least must be a log's (not only a witness's) and have signed; no known
    /// key's signature may be wrong. With an `origin` the checkpoint must be of that origin;
    /// without, its origin must be the name of a key that has signed it.
    pub fn open(note: &str, origin: Option<&str>, keys: &[VerifierKey]) -> Result<Self, Error> {
        Self::from_verified(&Note::parse(note)?.verify(keys)?, origin)
    }

    /// Reads the checkpoint in a note whose signatures have been checked; the same rules as
    /// [`open`](Self::open).
    pub fn from_verified(note: &VerifiedNote<'_>, origin: Option<&str>) -> Result<Self, Error> {
        let first_signer = note.signers().first().ok_or(Error::NoteUntrusted)?;
        let checkpoint = Self::parse(note.text())?;
        let accepted = match origin {
            Some(origin) => checkpoint.origin == origin,
            None => note.signers().iter().any(|key| key.name() == checkpoint.origin),
        };
        if !accepted {
            let expected = origin.unwrap_or_else(|| first_signer.name()).to_owned();
            return Err(Error::OriginMismatch { expected, found: checkpoint.origin });
        }
        Ok(checkpoint)
    }

    /// Signs it: the note as it is published, with one signature line per key.
    ///
    /// Without keys there is no signature, and nobody will accept the note.
    pub fn sign(&self, keys: &[SigningKey]) -> String {
        sign_text(&self.text(), keys)
    }

    /// What is signed: its lines, each ended by a newline.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Whose checkpoint it is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The root at that size.
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The lines after the root. They mean nothing here.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

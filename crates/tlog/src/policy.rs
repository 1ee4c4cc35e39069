//! Policies: whose signatures a verifier asks for (c2sp.org/tlog-policy).
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <member>...
//! quorum <name>|none
//! ```
//!
//! A checkpoint is accepted when one of the logs has signed it and the quorum has cosigned it. A
//! group has cosigned when `k` of its members have. Lines end in a newline, items are separated by
//! spaces and tabs, and lines that are empty or begin with `#` say nothing. A name is defined before
//! it is used, and is a member of one group at most, so that no witness counts twice.
//!
//! Narrower than the specification in two ways: the file is UTF-8, and only Ed25519 keys (a log's of
//! type 0x01, a witness's of type 0x04) are understood; a file with any other is refused, since its
//! quorum would mean something else without them.

use std::collections::{HashMap, HashSet};

use crate::{Checkpoint, Cosignature, Error, KeyKind, Note, VerifierKey, lexeme};

/// The largest policy; a thousand times what the specification asks implementations to read.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// Which logs to believe, and which of their witnesses must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    /// Every named thing in the order of its definition, so that members come before their group.
    rules: Vec<Rule>,
    quorum: Quorum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    /// No witness is asked for.
    Nobody,
    /// Into `Policy::rules`.
    Rule(usize),
}

/// A log or a witness, as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    key: VerifierKey,
    url: Option<String>,
}

impl Party {
    /// Its key.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it can be talked to; nothing is verified with it.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// When a named thing has cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// Into `Policy::witnesses`.
    Witness(usize),
    Group {
        threshold: usize,
        /// Into `Policy::rules`.
        members: Vec<usize>,
    },
}

impl Policy {
    /// Reads a policy.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(Error::PolicyMalformed { line: 1, what: "the file is too large" });
        }
        let mut reader = Reader::default();
        let mut last = 0;
        for (number, line) in (1..).zip(text.split('\n')) {
            reader.line(line).map_err(|problem| problem.at(number))?;
            last = number;
        }
        let missing = Error::PolicyMalformed { line: last, what: "there is no quorum line" };
        let quorum = reader.quorum.ok_or(missing)?;
        Ok(Self { logs: reader.logs, witnesses: reader.witnesses, rules: reader.rules, quorum })
    }

    /// The logs, in the order of the file. May be empty: then the caller knows the log.
    pub fn logs(&self) -> &[Party] {
        &self.logs
    }

    /// The witnesses, in the order of the file.
    pub fn witnesses(&self) -> &[Party] {
        &self.witnesses
    }

    /// The keys of all logs and witnesses.
    pub fn keys(&self) -> Vec<VerifierKey> {
        self.logs.iter().chain(&self.witnesses).map(|party| party.key.clone()).collect()
    }

    /// Reads a signed checkpoint and verifies it: signed by one of the logs, under whose name it
    /// stands, and cosigned by the quorum.
    pub fn open(&self, note: &str) -> Result<Checkpoint, Error> {
        let note = Note::parse(note)?;
        let keys = self.keys();
        let verified = note.verify(&keys)?;
        let checkpoint = Checkpoint::from_verified(&verified, None)?;
        if self.is_quorum(verified.cosignatures()) {
            Ok(checkpoint)
        } else {
            Err(Error::QuorumMissing { cosignatures: verified.cosignatures().len() })
        }
    }

    /// Whether these cosignatures are enough.
    pub fn is_quorum(&self, cosignatures: &[Cosignature<'_>]) -> bool {
        let mut cosigned: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let met = match rule {
                Rule::Witness(witness) => self.witnesses.get(*witness).is_some_and(|witness| {
                    cosignatures.iter().any(|cosignature| *cosignature.key() == witness.key)
                }),
                Rule::Group { threshold, members } => {
                    let met = members.iter().filter(|member| cosigned.get(**member) == Some(&true));
                    met.count() >= *threshold
                }
            };
            cosigned.push(met);
        }
        match self.quorum {
            Quorum::Nobody => true,
            Quorum::Rule(rule) => cosigned.get(rule) == Some(&true),
        }
    }
}

/// A policy while it is read.
#[derive(Default)]
struct Reader<'a> {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    rules: Vec<Rule>,
    names: HashMap<&'a str, usize>,
    /// The rules that are a member of a group already.
    members: HashSet<usize>,
    keys: HashSet<(KeyKind, [u8; 32])>,
    quorum: Option<Quorum>,
}

/// What is wrong with a line.
enum Problem {
    Malformed(&'static str),
    Key(Error),
}

impl Problem {
    fn at(self, line: usize) -> Error {
        match self {
            Self::Malformed(what) => Error::PolicyMalformed { line, what },
            Self::Key(error) => Error::PolicyKey { line, source: Box::new(error) },
        }
    }
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), Problem> {
        if line.contains(|c: char| (c < ' ' && c != '\t') || c == '\u{7f}') {
            return Err(Problem::Malformed("control character"));
        }
        let items = line.split([' ', '\t']).filter(|item| !item.is_empty()).collect::<Vec<_>>();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", vkey, url @ ..] => {
                let log = self.party(KeyKind::Ed25519, vkey, url)?;
                self.logs.push(log);
                Ok(())
            }
            ["witness", name, vkey, url @ ..] => {
                let witness = self.party(KeyKind::Cosignature, vkey, url)?;
                self.define(name, Rule::Witness(self.witnesses.len()))?;
                self.witnesses.push(witness);
                Ok(())
            }
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => {
                let quorum = match *name {
                    "none" => Quorum::Nobody,
                    name => Quorum::Rule(self.defined(name)?),
                };
                match self.quorum.replace(quorum) {
                    None => Ok(()),
                    Some(_) => Err(Problem::Malformed("a second quorum")),
                }
            }
            _ => Err(Problem::Malformed("not a log, witness, group or quorum line")),
        }
    }

    fn party(&mut self, kind: KeyKind, vkey: &str, url: &[&str]) -> Result<Party, Problem> {
        let key = VerifierKey::parse(vkey).map_err(Problem::Key)?;
        if key.kind() != kind {
            return Err(Problem::Malformed(
                "a key of the wrong type: 0x01 for logs, 0x04 for witnesses",
            ));
        }
        if !self.keys.insert((kind, *key.public_bytes())) {
            return Err(Problem::Malformed("the same public key again"));
        }
        match url {
            [] => Ok(Party { key, url: None }),
            [url] => Ok(Party { key, url: Some((*url).to_owned()) }),
            _ => Err(Problem::Malformed("more than a key and a URL")),
        }
    }

    fn group(&mut self, name: &'a str, threshold: &str, members: &[&str]) -> Result<(), Problem> {
        let threshold = match threshold {
            "any" => Some(1),
            "all" => Some(members.len()),
            number => lexeme::decimal(number).and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = threshold
            .filter(|threshold| (1..=members.len()).contains(threshold))
            .ok_or(Problem::Malformed("not all, any or a number from 1 to that of the members"))?;
        let members = members.iter().map(|member| self.defined(member));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        for member in &members {
            if !self.members.insert(*member) {
                return Err(Problem::Malformed("a member that is in a group already"));
            }
        }
        self.define(name, Rule::Group { threshold, members })
    }

    fn define(&mut self, name: &'a str, rule: Rule) -> Result<(), Problem> {
        if name == "none" || self.names.contains_key(name) {
            return Err(Problem::Malformed("a name that is taken"));
        }
        self.names.insert(name, self.rules.len());
        self.rules.push(rule);
        Ok(())
    }

    fn defined(&self, name: &str) -> Result<usize, Problem> {
        self.names.get(name).copied().ok_or(Problem::Malformed("a name that no line above defines"))
    }
}

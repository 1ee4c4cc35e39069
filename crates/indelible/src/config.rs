//! Configuration: what was written in a file, and what will happen.
//!
//! A flag stands over the environment, the environment over the file. Unknown members are refused.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use server::instance::{InstanceOptions, Scrub, default_state_folder};

use crate::cli::{Place, Roots};
use crate::exit::usage;

/// A configuration file, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfig {
    /// The data directory.
    pub(crate) data: Option<PathBuf>,
    /// Where the highest checkpoints are remembered, outside of the data directory.
    pub(crate) state_dir: Option<PathBuf>,
    /// Where to listen.
    #[serde(default, deserialize_with = "listen")]
    pub(crate) listen: Option<SocketAddr>,
    /// A certificate chain in PEM.
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key in PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// Whether tiles and bundles can be read without a token.
    pub(crate) public_read_path: Option<bool>,
    /// Appends stop while less space than this is free.
    pub(crate) reserve_bytes: Option<u64>,
    /// The folders below which daily deposits may be put.
    pub(crate) deposit_roots: Option<Vec<PathBuf>>,
    /// The most bytes of one import over HTTP, decompressed.
    pub(crate) import_bytes_max: Option<u64>,
    /// How long the input of one import over HTTP may take.
    pub(crate) import_seconds_max: Option<u64>,
    /// The time of the UTC day from which on trails are checked, or `never`.
    pub(crate) check_at: Option<String>,
    /// Entries that a check reads in a second at most; 0 for as fast as it goes.
    pub(crate) check_entries_per_second: Option<u64>,
    /// The origins whose pages may call the platforms' own APIs.
    pub(crate) cors_origins: Option<Vec<String>>,
    /// Where targets can be looked at, by their types.
    pub(crate) links: Option<BTreeMap<String, String>>,
}

impl RawConfig {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// When trails are checked, if they are.
    pub(crate) fn scrub(&self) -> Result<Option<Scrub>> {
        let usual = Scrub::default();
        let minute = match self.check_at.as_deref() {
            Some("never") => return Ok(None),
            Some(text) => minute_of_day(text).ok_or_else(|| {
                usage(format!("check_at = `{text}` is not a time such as 02:00, nor `never`"))
            })?,
            None => usual.minute,
        };
        let entries_per_second = self.check_entries_per_second.unwrap_or(usual.entries_per_second);
        Ok(Some(Scrub { minute, entries_per_second }))
    }

    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        // Misuse, which no later start mends: a supervisor is not to try again.
        Self::parse(&text)
            .map_err(|error| usage(format!("{} is not a configuration: {error}", path.display())))
    }
}

/// A data directory and how to open it.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) options: InstanceOptions,
    pub(crate) raw: RawConfig,
}

impl Config {
    pub(crate) fn of(place: &Place) -> Result<Self> {
        let raw =
            place.config.as_deref().map_or_else(|| Ok(RawConfig::default()), RawConfig::read)?;
        let data =
            place.data.clone().or_else(|| raw.data.clone()).ok_or_else(|| {
                usage("which data directory? Give --data DIR, or set INDELIBLE_DATA")
            })?;
        let state = place.state_dir.clone().or_else(|| raw.state_dir.clone());
        let state = state.unwrap_or_else(default_state_folder);
        apart(&data, &state)?;
        let mut options = InstanceOptions::new(state);
        options.public_read_path = raw.public_read_path.unwrap_or(false);
        options.deposit_roots = absolute(raw.deposit_roots.as_deref().unwrap_or_default())?;
        options.reserve_bytes = raw.reserve_bytes.unwrap_or(options.reserve_bytes);
        Ok(Self { data, options, raw })
    }

    /// With the roots of deposits that a flag or the environment names, in the place of the file's.
    pub(crate) fn with_roots(place: &Place, roots: &Roots) -> Result<Self> {
        let mut config = Self::of(place)?;
        if !roots.deposit_root.is_empty() {
            config.options.deposit_roots = absolute(&roots.deposit_root)?;
        }
        Ok(config)
    }
}

/// Refuses a state directory that lies in the data directory: a copy of the one would carry the other,
/// and then nobody would know that it is an older one.
pub(crate) fn apart(data: &Path, state: &Path) -> Result<()> {
    let real = |path: &Path| {
        std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_default()
    };
    if real(state).starts_with(real(data)) {
        return Err(usage(format!(
            "the state directory {} lies in the data directory, and would be copied with it; name \
             another one with --state-dir",
            state.display()
        )));
    }
    Ok(())
}

/// An address with its port; `localhost` is this machine over IPv4.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let numbers = text.replacen("localhost:", "127.0.0.1:", 1);
    let wrong =
        "not an address and a port, such as 127.0.0.1:8787, or 0.0.0.0:8787 for all networks";
    numbers.parse().map_err(|_| wrong.to_owned())
}

fn listen<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Option<SocketAddr>, D::Error> {
    address(&String::deserialize(text)?).map(Some).map_err(serde::de::Error::custom)
}

fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let absolute = |path: &PathBuf| {
        std::path::absolute(path).with_context(|| format!("`{}` is no root", path.display()))
    };
    paths.iter().map(absolute).collect()
}

/// The minute of the day that `HH:MM` names.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, below: u16| -> Option<u16> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| digits && *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

#[cfg(test)]
mod tests {
    use server::Origin;

    use super::*;

    #[test]
    fn checks_are_nightly_unless_told_otherwise() {
        let scrub = |text: &str| RawConfig::parse(text).unwrap().scrub();
        assert_eq!(scrub("").unwrap(), Some(Scrub::default()));
        assert_eq!(scrub("check_at = \"23:59\"").unwrap().unwrap().minute, 1_439);
        assert_eq!(scrub("check_at = \"never\"").unwrap(), None);
        for bad in ["24:00", "2:00", "0200", "+1:00", ""] {
            let error = scrub(&format!("check_at = \"{bad}\"")).unwrap_err();
            assert!(error.to_string().contains("never"), "{error}");
        }
    }

    #[test]
    fn the_example_names_every_member_and_parses() {
        let example = include_str!("../../../indelible.example.toml");
        let all: String = example
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let config = RawConfig::parse(&all).unwrap();
        let RawConfig {
            data,
            state_dir,
            listen,
            tls_cert,
            tls_key,
            public_read_path,
            reserve_bytes,
            deposit_roots,
            import_bytes_max,
            import_seconds_max,
            check_at,
            check_entries_per_second,
            cors_origins,
            links,
        } = config;
        assert!(data.is_some() && state_dir.is_some() && listen.is_some());
        assert!(tls_cert.is_some() && tls_key.is_some());
        assert!(public_read_path.is_some() && reserve_bytes.is_some());
        assert!(deposit_roots.is_some());
        assert!(import_bytes_max.is_some() && import_seconds_max.is_some());
        assert!(check_at.is_some() && check_entries_per_second.is_some());
        server::Links::new(links.unwrap()).unwrap();
        assert!(cors_origins.unwrap().iter().all(|origin| Origin::parse(origin).is_ok()));
        RawConfig::parse(example).unwrap();
    }

    #[test]
    fn a_member_that_nobody_knows_is_refused_by_name() {
        let error = RawConfig::parse("lisen = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.to_string().contains("lisen"), "{error}");
    }

    #[test]
    fn an_address_has_a_port_and_may_be_localhost() {
        assert_eq!(address("localhost:80").unwrap(), address("127.0.0.1:80").unwrap());
        assert_eq!(address("[::1]:80").unwrap().port(), 80);
        for bad in [":8787", "127.0.0.1", "localhost", "example.org:80", ""] {
            assert!(address(bad).unwrap_err().contains("127.0.0.1:8787"), "{bad}");
        }
    }
}

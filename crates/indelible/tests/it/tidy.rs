//! The rules of the house that a machine can see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The arrows of ARCHITECTURE.md: which crates of ours each crate may use.
const EDGES: [(&str, &[&str]); 9] = [
    ("tlog", &[]),
    ("event", &[]),
    ("store", &[]),
    ("dialect", &["event"]),
    ("trail", &["store", "tlog", "event"]),
    ("search", &["trail", "event"]),
    ("registry", &["trail", "event"]),
    ("server", &["tlog", "event", "dialect", "store", "trail", "search", "registry"]),
    ("indelible", &["tlog", "event", "dialect", "store", "trail", "search", "registry", "server"]),
];

/// Lines that a source file has at most before its tests.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> serde_json::Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> =
        packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let used = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap())
            .filter(|name| ours.contains(name))
            .collect();
        edges.insert(package["name"].as_str().unwrap(), used);
    }
    for (name, allowed) in EDGES {
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let used = &edges[name];
        let wrong: Vec<_> = used.difference(&allowed).collect();
        assert!(wrong.is_empty(), "{name} must not use {wrong:?}");
    }
}

#[test]
fn the_pure_crates_pull_in_no_runtime() {
    for name in ["tlog", "event", "dialect"] {
        let manifest =
            fs::read_to_string(root().join(format!("crates/{name}/Cargo.toml"))).unwrap();
        let manifest = manifest.split("[dev-dependencies]").next().unwrap();
        for heavy in ["tokio", "tantivy", "axum", "hyper", "ureq", "rustix"] {
            assert!(!manifest.contains(heavy), "{name} must not use {heavy}");
        }
    }
}

#[test]
fn every_crate_stands_in_the_architecture() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(
            architecture.contains(&format!("| `{name}` |")),
            "{name} is not in ARCHITECTURE.md"
        );
    }
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn source_files_stay_small_and_nothing_is_left_undone() {
    let mut paths = Vec::new();
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let source = folder.unwrap().path().join("src");
        sources(&source, &mut paths);
    }
    assert!(paths.len() > 100);
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let code: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
        assert!(code.len() <= LINES_MAX, "{} has {} lines", path.display(), code.len());
        for word in ["todo!(", "unimplemented!(", "FIXME"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

/// The cases in which the four platforms' records are irregular, of which each has a test named after
/// it.
const IRREGULAR_CASES: std::ops::RangeInclusive<u32> = 1..=16;

#[test]
fn every_irregular_case_has_a_test() {
    let mut paths = Vec::new();
    sources(&root().join("crates"), &mut paths);
    let all: String = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for case in IRREGULAR_CASES {
        let names = [format!("fn case_{case}_"), format!("fn case_{case:02}_")];
        assert!(names.iter().any(|name| all.contains(name)), "case {case} has no test");
    }
}

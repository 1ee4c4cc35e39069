//! The real server, killed again and again while clients write: nothing that was acknowledged is
//! lost, nothing is there twice, and the trails check out.

use std::collections::{HashMap, HashSet};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tlog::{BundleId, Checkpoint, VerifierKey};

use crate::load::{Acknowledged, Load};
use crate::shell::Shell;

const ROUNDS: u64 = 50;

/// A slower machine does fewer rounds in this time, and fails.
const TIME_MAX: Duration = Duration::from_mins(8);

const TRAILS: [&str; 3] = ["lab", "plant", "wide"];

const CLIENTS: [(&str, usize); 6] =
    [("lab", 1), ("lab", 40), ("plant", 1), ("plant", 300), ("wide", 7), ("wide", 1_500)];

#[test]
fn fifty_kills_under_load_lose_and_double_nothing() {
    let shell = Shell::new();
    let keys: HashMap<&str, String> = TRAILS
        .iter()
        .map(|trail| (*trail, shell.done(&["trail", "create", trail]).trim().to_owned()))
        .collect();
    let token = shell.done(&["token", "create", "--scope", "append,read"]);
    let load = Load::start(token.trim(), &CLIENTS);
    let begin = Instant::now();
    let mut server = shell.serve(&[]);
    let mut before = 0;
    for round in 0..ROUNDS {
        assert!(begin.elapsed() < TIME_MAX, "only {round} rounds");
        load.point_at(Some(&server.url));
        // Some rounds must acknowledge something; the last of them may be long on a busy machine.
        thread::sleep(Duration::from_millis(200 + round * 37 % 400));
        if round % 10 == 9 {
            shell.done(&["check"]);
            assert!(load.acknowledged() > before, "nothing was acknowledged in ten rounds");
            before = load.acknowledged();
        }
        server.kill();
        load.point_at(None);
        server = shell.serve(&[]);
    }
    load.point_at(Some(&server.url));
    let acknowledged = load.finish();
    assert!(acknowledged.retries > ROUNDS, "the kills were not felt");
    shell.done(&["check"]);
    let said = server.stop();
    assert!(said.iter().any(|line| line.contains("stopped")), "{said:?}");
    shell.done(&["check"]);
    for trail in TRAILS {
        compare(&shell, trail, &keys[trail], &acknowledged);
    }
}

/// Compares a trail, entry by entry, with what was acknowledged: all clients finished, so both must
/// be the same set.
fn compare(shell: &Shell, trail: &str, vkey: &str, acknowledged: &Acknowledged) {
    let tree = format!("tree-{trail}");
    shell.done(&["export", "--trail", trail, "--static", &tree]);
    shell.done(&["verify", "--vkey", vkey, &tree]);
    let folder = shell.path(&tree);
    let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
    let key = VerifierKey::parse(vkey).unwrap();
    let size = Checkpoint::open(&note, None, &[key]).unwrap().size();
    let expected: HashMap<&str, _> = acknowledged
        .receipts
        .iter()
        .filter(|((of, _), _)| of == trail)
        .map(|((_, id), receipt)| (id.as_str(), receipt))
        .collect();
    assert_eq!(size.get(), expected.len() as u64, "{trail}: lost or doubled");
    let mut seen = HashSet::new();
    for bundle in BundleId::every(size) {
        let bytes = std::fs::read(folder.join(bundle.path())).unwrap();
        for (index, entry) in (bundle.first_leaf().get()..).zip(bundle.entries(&bytes)) {
            let entry = entry.unwrap();
            let event: Value = serde_json::from_slice(entry).unwrap();
            let id = event["id"].as_str().unwrap();
            let receipt = expected.get(id).unwrap_or_else(|| panic!("{trail}: {id} is unknown"));
            assert_eq!(receipt.index, index, "{trail}: {id}");
            assert_eq!(receipt.leaf_hash, tlog::leaf_hash(entry).to_string(), "{trail}: {id}");
            assert!(seen.insert(id.to_owned()), "{trail}: {id} is there twice");
        }
    }
    assert_eq!(seen.len(), expected.len());
    let found = shell.done(&["search", "action:sample.update", "--trail", trail, "-o", "json"]);
    let found: HashSet<String> = found
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, seen, "{trail}: search finds other events");
}

//! Commands on a directory that a running server holds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::load::{Load, agent};
use crate::shell::{Shell, opencga};

#[test]
fn check_beside_a_server_under_load_finds_nothing_wrong() {
    let shell = Shell::new();
    for trail in ["lab", "plant"] {
        shell.done(&["trail", "create", trail]);
    }
    let token = shell.done(&["token", "create", "--scope", "append,read"]);
    let server = shell.serve(&[]);
    let load = Load::start(token.trim(), &[("lab", 1), ("lab", 700), ("plant", 60), ("plant", 1)]);
    load.point_at(Some(&server.url));
    let begin = Instant::now();
    let mut rounds = 0;
    while begin.elapsed() < Duration::from_secs(8) {
        shell.done(&["check"]);
        rounds += 1;
    }
    assert!(rounds > 2, "{rounds}");
    assert!(load.acknowledged() > 100);
    load.finish();
    // What is really wrong is still found, while the server holds the directory.
    std::thread::sleep(Duration::from_secs(2));
    let bundle = shell.path("data/trails/plant/tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&bundle).unwrap();
    fs::write(&bundle, bytes).unwrap();
    let journal = fs::read_dir(shell.path("data/trails/lab/journal")).unwrap();
    let segment = journal.map(|item| item.unwrap().path()).find(|path| path.is_file()).unwrap();
    fs::OpenOptions::new()
        .append(true)
        .open(&segment)
        .map(|mut file| {
            std::io::Write::write_all(&mut file, b"IDLFRAME torn").unwrap();
        })
        .unwrap();
    let errors = shell.fails(3, &["check"]);
    assert!(errors.contains("plant/tile/entries/000"), "{errors}");
    assert!(errors.contains("lab/journal/"), "{errors}");
    // It is on record, with who looked.
    let asked = ["search", "action:trail.check target:trail/plant", "--trail", "system"];
    let begin = Instant::now();
    loop {
        let found = shell.done(&[&asked[..], &["--limit", "1", "-o", "json"]].concat());
        if found.contains("plant/tile/entries/000") {
            assert!(found.contains("\"failure\"") && found.contains("\"user\""), "{found}");
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{found}");
    }
    server.kill();
}

const EVENT: &str = r#"{"id":"e1","occurred_at":"2026-11-21T08:00:00Z","source":{"system":"lims"},"actor":{"type":"user","id":"ana"},"action":"sample.update","target":{"type":"sample","id":"S-1"},"outcome":{"status":"success"}}"#;

/// What a reading command says, once without a server and once beside one.
const QUESTIONS: [&[&str]; 10] = [
    &["search", "actor:ana", "--trail", "lab", "-o", "json"],
    &["search", "actor:ana", "--trail", "lab"],
    &["search", "", "--trail", "lab", "-o", "csv", "--limit", "1"],
    &["export", "--trail", "lab", "--format", "csv"],
    &["export", "--trail", "lab", "--format", "jsonl", "--query", "id:e1"],
    &["export", "--trail", "lab", "--dialect", "opencga"],
    &["receipt", "0", "--trail", "lab"],
    &["trail", "list", "-o", "json"],
    &["token", "list", "-o", "json"],
    &["check"],
];

#[test]
fn commands_do_and_say_the_same_beside_a_server() {
    let shell = Shell::new();
    let server = shell.serve(&[]);
    let socket = fs::metadata(shell.path("data/control.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    // Changes go to the server and bind at once.
    let vkey = shell.done(&["trail", "create", "lab"]);
    let token = shell.done(&["token", "create", "--trail", "lab", "--scope", "append,read"]);
    let append = |token: &str, body: &str| {
        agent()
            .post(format!("{}/api/v1/trails/lab/events", server.url))
            .header("Authorization", &format!("Bearer {}", token.trim()))
            .send(body)
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(append(&token, EVENT), 201);
    for number in 2..40 {
        assert_eq!(append(&token, &EVENT.replace("\"e1\"", &format!("\"e{number}\""))), 201);
    }
    let gone = shell.done(&["token", "create", "--scope", "append"]);
    assert_eq!(append(&gone, EVENT), 200);
    shell.done(&["token", "revoke", gone.split('_').nth(1).unwrap(), "--reason", "test"]);
    assert_eq!(append(&gone, EVENT), 401);
    // The receipt waits until a checkpoint covers the last of them.
    shell.done(&["receipt", "38", "--trail", "lab"]);
    shell.done(&["export", "--trail", "lab", "--static", "tree"]);
    shell.done(&["verify", "--vkey", vkey.trim(), "tree"]);

    let system = shell.done(&["search", "action:trail.create", "--trail", "system", "-o", "json"]);
    let made: Value = serde_json::from_str(system.lines().next().unwrap()).unwrap();
    assert_eq!(made["actor"]["roles"][0], "operator");
    assert_ne!(made["actor"]["id"], "uid:0", "the name is told: {made}");

    let beside: Vec<String> = QUESTIONS.iter().map(|question| shell.done(question)).collect();
    assert!(beside.iter().take(7).all(|answer| answer.lines().count() > 0));
    server.stop();
    assert!(!shell.path("data/control.sock").try_exists().unwrap(), "the socket goes");
    for (question, beside) in QUESTIONS.iter().zip(beside) {
        // Only the server's own trails grew: it says there who asked.
        let mine = |text: &str| -> Vec<String> {
            let built_in = |line: &str| line.contains("access") || line.contains("system");
            text.lines().filter(|line| !built_in(line)).map(ToOwned::to_owned).collect()
        };
        assert_eq!(mine(&shell.done(question)), mine(&beside), "{question:?}");
    }
}

#[test]
fn mistakes_beside_a_server_are_named_with_their_exit_codes() {
    let shell = Shell::new();
    let server = shell.serve(&[]);
    let check = |code: i32, arguments: &[&str], expected: &str| {
        let errors = shell.fails(code, arguments);
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    };
    let over = ["token", "create", "--scope", "read", "--expires", "2020-01-01T00:00:00Z"];
    check(2, &over, "expires_at is over already at 2020-01-01T00:00:00");
    check(1, &["search", "", "--trail", "nope"], "trail create");
    check(1, &["receipt", "0", "--trail", "nope"], "trail create");
    check(2, &["search", "actr:ana", "--trail", "lab"], "actr");
    shell.done(&["trail", "create", "lab"]);
    check(1, &["trail", "create", "lab"], "already");
    check(1, &["receipt", "7", "--trail", "lab"], "no event 7");
    check(1, &["token", "create", "--trail", "nope", "--scope", "read"], "no such trail");
    check(1, &["token", "revoke", "000000000000"], "no token");
    // A second server does not come in, and harms nothing.
    check(1, &["serve", "--listen", "127.0.0.1:0"], "open");
    shell.done(&["trail", "list"]);
    // A socket that a killed server left is nobody.
    server.kill();
    assert!(shell.path("data/control.sock").try_exists().unwrap());
    shell.done(&["trail", "list"]);
    shell.serve(&[]).stop();
}

#[test]
fn a_directory_with_a_long_path_has_its_socket_too() {
    let shell = Shell::new();
    let long = format!("{}/data", ["0123456789abcdef0123456789abcdef"; 4].join("/"));
    let parent = shell.path(&long);
    fs::create_dir_all(parent.parent().unwrap()).unwrap();
    shell.done(&["init", &long, "--origin", "long.example"]);
    let server = shell.serve(&["--data", &long]);
    assert!(shell.path(&long).join("control.sock").try_exists().unwrap());
    shell.done(&["trail", "create", "lab", "--data", &long]);
    server.stop();
    shell.done(&["trail", "list", "--data", &long]);
}

#[test]
fn an_import_beside_a_server_goes_through_it() {
    let shell = Shell::new();
    let server = shell.serve(&[]);
    shell.done(&["trail", "create", "lab"]);
    let files = [opencga("v3.0.0_test.json"), opencga("v3.1.0_test.json")];
    let import = ["import", "opencga", &files[0], &files[1], "--trail", "lab"];
    let counts = |text: &str| serde_json::from_str::<Value>(text.lines().last().unwrap()).unwrap();
    let first = counts(&shell.done(&import));
    assert_eq!((&first["read"], &first["recorded"]), (&150.into(), &150.into()));
    let again = counts(&shell.done(&import));
    assert_eq!((&again["recorded"], &again["already"]), (&0.into(), &150.into()));
    fs::write(shell.path("broken.json"), "{\"nothing\": ").unwrap();
    let errors = shell.fails(1, &["import", "opencga", "broken.json", "--trail", "lab"]);
    assert!(errors.contains("broken.json"), "{errors}");
    let errors = shell.fails(1, &["import", "opencga", &files[0], "--trail", "nope"]);
    assert!(errors.contains("trail create"), "{errors}");
    assert_eq!(shell.done(&["deposit", "list", "--trail", "lab", "-o", "csv"]).lines().count(), 1);
    server.stop();
    shell.done(&["check"]);
}

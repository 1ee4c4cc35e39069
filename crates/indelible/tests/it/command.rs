//! What a person types, and what comes back.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::shell::{Shell, opencga, with_trail};

#[test]
fn init_refuses_a_directory_that_has_something_in_it() {
    let shell = Shell::new();
    assert!(shell.fails(1, &["init", "data", "--origin", "x"]).contains("not empty"));
    assert!(shell.fails(2, &["init", "other", "--origin", "a b+c"]).contains("--origin"));
    assert!(!shell.path("other").try_exists().unwrap(), "nothing was begun");
    assert!(shell.fails(2, &["init"]).contains("--origin"));
}

#[test]
fn a_wrong_configuration_is_misuse_so_that_no_supervisor_tries_it_again() {
    let (shell, _) = with_trail();
    for (wrong, named) in [
        ("lisen = \"127.0.0.1:1\"", "lisen"),
        ("listen = \"nowhere\"", "127.0.0.1:8787"),
        ("check_at = \"25:00\"", "check_at"),
        ("cors_origins = [\"nowhere\"]", "nowhere"),
        ("links = { file = \"nowhere\" }", "file"),
        ("tls_cert = \"cert.pem\"", "key"),
    ] {
        std::fs::write(shell.path("wrong.toml"), wrong).unwrap();
        let serve = ["serve", "--data", "data", "--config", "wrong.toml"];
        let told = shell.fails(2, &serve);
        assert!(told.contains(named), "{wrong}: {told}");
    }
}

#[test]
fn an_empty_directory_becomes_private_and_one_of_somebody_else_is_not_taken_for_none() {
    let shell = Shell::new();
    let made = shell.path("made");
    std::fs::create_dir(&made).unwrap();
    std::fs::set_permissions(&made, Permissions::from_mode(0o755)).unwrap();
    shell.done(&["init", "made", "--origin", "x"]);
    assert_eq!(std::fs::metadata(&made).unwrap().mode() & 0o777, 0o700);

    // Whoever asks must be able to get as far as the directory.
    std::fs::set_permissions(shell.folder.path(), Permissions::from_mode(0o755)).unwrap();
    let command = shell.command(&["trail", "list", "--data", "made"]);
    let denied = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(shell.folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8(denied.stderr).unwrap();
    assert!(errors.contains("run this as the user"), "{errors}");
    assert!(errors.contains("ermission denied"), "{errors}");
}

#[test]
fn a_table_says_that_there_is_more_and_that_there_is_nothing() {
    let (shell, _) = with_trail();
    shell.done(&["import", "opencga", &opencga("v3.0.0_test.json"), "--trail", "lab"]);
    let told = |arguments: &[&str]| {
        let output = shell.run(arguments);
        assert!(output.status.success());
        let rows = String::from_utf8(output.stdout).unwrap().lines().count();
        (rows, String::from_utf8(output.stderr).unwrap())
    };
    let (_, cut) = told(&["search", "", "--trail", "lab"]);
    assert!(cut.contains("newest 50") && cut.contains("--limit"), "{cut}");
    let (rows, cut) = told(&["search", "", "--trail", "lab", "-o", "json", "--limit", "3"]);
    assert!(rows == 3 && cut.contains("newest 3"), "{rows} {cut}");
    let (_, whole) = told(&["search", "", "--trail", "lab", "-o", "json"]);
    assert_eq!(whole, "");
    let (rows, none) = told(&["search", "actor:nobody9", "--trail", "lab", "-o", "json"]);
    assert!(rows == 0 && none.contains("no event is like this"), "{none}");
    std::fs::write(shell.path("empty"), "").unwrap();
    let (_, empty) = told(&["import", "opencga", "empty", "--trail", "lab"]);
    assert!(empty.contains("nothing was read"), "{empty}");
}

#[test]
fn a_key_of_another_log_is_a_slip_and_said_to_be_one() {
    let (shell, vkey) = with_trail();
    shell.done(&["import", "opencga", &opencga("v3.1.0_opencga.json"), "--trail", "lab"]);
    let says = |log: &str| shell.fails(3, &["verify", "--vkey", &vkey, log]);
    let other = says("data/trails/system");
    assert!(other.contains("signed by test.example/system"), "{other}");
    assert!(other.contains("--vkey is of test.example/lab"), "{other}");
    let checkpoint = shell.path("data/trails/lab/checkpoint");
    let forged = std::fs::read_to_string(&checkpoint).unwrap().replacen('\n', "\n1", 1);
    std::fs::remove_file(&checkpoint).unwrap();
    std::fs::write(&checkpoint, forged).unwrap();
    let forged = says("data/trails/lab");
    assert!(!forged.contains("--vkey is of"), "{forged}");
}

#[test]
fn real_records_come_in_once_are_found_and_prove_themselves() {
    let (shell, vkey) = with_trail();
    let files = [opencga("v3.0.0_test.json"), opencga("v3.1.0_test.json")];
    let import = ["import", "opencga", &files[0], &files[1], "--trail", "lab"];
    let counts: Value = serde_json::from_str(shell.done(&import).lines().last().unwrap()).unwrap();
    assert_eq!(counts["read"], 150);
    assert_eq!(counts["recorded"], 150);
    let again: Value = serde_json::from_str(shell.done(&import).lines().last().unwrap()).unwrap();
    assert_eq!((&again["recorded"], &again["already"]), (&0.into(), &150.into()));

    let found = shell.done(&["search", "action:login", "--trail", "lab", "-o", "json"]);
    assert!(found.lines().count() > 5);
    for line in found.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["action"], "LOGIN");
        assert!(event["index"].is_u64());
    }
    let lines = shell.done(&["export", "--trail", "lab", "--format", "jsonl"]);
    assert_eq!(lines.lines().count(), 154, "150 records and four imports");
    assert!(!lines.contains("eyJ"), "no token survives");
    let csv = shell.done(&["export", "--trail", "lab", "--format", "csv"]);
    assert!(csv.starts_with("index,"));

    shell.done(&["check"]);
    assert!(
        shell.done(&["verify", "--vkey", &vkey, "data/trails/lab"]).starts_with("verified: 154")
    );
    std::fs::write(shell.path("r.tlog-proof"), shell.done(&["receipt", "3", "--trail", "lab"]))
        .unwrap();
    shell.done(&["verify", "--vkey", &vkey, "r.tlog-proof"]);
    shell.done(&["export", "--trail", "lab", "--static", "tree"]);
    shell.done(&["verify", "--vkey", &vkey, "tree"]);
}

#[test]
fn what_was_changed_is_named_with_exit_code_3() {
    let (shell, vkey) = with_trail();
    let file = opencga("v3.1.0_opencga.json");
    shell.done(&["import", "opencga", &file, "--trail", "lab"]);
    let receipt = shell.done(&["receipt", "0", "--trail", "lab"]);
    std::fs::write(shell.path("r.tlog-proof"), receipt.replacen("index 0", "index 1", 1)).unwrap();
    shell.fails(3, &["verify", "--vkey", &vkey, "r.tlog-proof"]);
    let bundle = shell.path("data/trails/lab/tile/entries/000.p/13");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&bundle).unwrap();
    std::fs::write(&bundle, bytes).unwrap();
    assert!(shell.fails(3, &["check"]).contains("tile/entries/000.p/13"));
    shell.fails(3, &["verify", "--vkey", &vkey, "data/trails/lab"]);
}

#[test]
fn a_changed_receipt_is_not_misuse_and_a_proof_without_an_entry_is() {
    let (shell, vkey) = with_trail();
    shell.done(&["import", "opencga", &opencga("v3.1.0_opencga.json"), "--trail", "lab"]);
    let receipt = shell.done(&["receipt", "0", "--trail", "lab"]);
    let verify = ["verify", "--vkey", &vkey, "r.tlog-proof"];
    let mut extra = receipt.lines().nth(1).unwrap().to_owned();
    assert!(extra.starts_with("extra "));
    extra.replace_range(20..24, "AAAA");
    let lines: Vec<&str> = receipt.lines().collect();
    let changed = [&[lines[0], &extra], &lines[2..]].concat().join("\n") + "\n";
    std::fs::write(shell.path("r.tlog-proof"), changed).unwrap();
    assert!(shell.fails(3, &verify).contains("changed"));
    let bare = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    std::fs::write(shell.path("r.tlog-proof"), bare).unwrap();
    assert!(shell.fails(2, &verify).contains("--entry"));
}

#[test]
fn check_goes_on_behind_what_it_cannot_read_and_names_a_trail_that_is_gone() {
    let (shell, _) = with_trail();
    shell.done(&["trail", "create", "plant"]);
    for trail in ["lab", "plant"] {
        shell.done(&["import", "opencga", &opencga("v3.1.0_opencga.json"), "--trail", trail]);
    }
    let bundle = shell.path("data/trails/lab/tile/entries/000.p/13");
    let tile = shell.path("data/trails/lab/tile/0/000.p/13");
    let kept = std::fs::read(&tile).unwrap();
    std::fs::remove_file(&bundle).unwrap();
    std::os::unix::fs::symlink(&tile, &bundle).unwrap();
    let mut changed = kept;
    changed[40] ^= 1;
    std::fs::remove_file(&tile).unwrap();
    std::fs::write(&tile, changed).unwrap();
    std::fs::remove_dir_all(shell.path("data/trails/plant")).unwrap();
    std::fs::remove_file(shell.path("data/keys/access")).unwrap();
    let told = shell.fails(3, &["check"]);
    for named in ["entries/000.p/13: cannot be read", "lab/", "plant/", "access: cannot be checked"]
    {
        assert!(told.contains(named), "{named}: {told}");
    }
    std::fs::remove_file(shell.path("data/keys/plant")).unwrap();
    assert!(shell.fails(3, &["check"]).contains("remembers the trail test.example/plant"));
}

#[test]
fn whoever_has_read_enough_ends_a_command_quietly() {
    let (shell, _) = with_trail();
    shell.done(&["import", "opencga", &opencga("v3.0.0_test.json"), "--trail", "lab"]);
    for command in ["search '' -o json", "export --format csv"] {
        let line = format!("set -o pipefail; \"$0\" {command} --trail lab | head -c 1");
        let program = shell.command(&[]);
        let output = Command::new("bash")
            .args(["-c", &line])
            .arg(program.get_program())
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(shell.folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{command}: {errors}");
    }
}

#[test]
fn tail_goes_on_behind_the_last_event_when_a_server_comes_back_and_ends_with_its_token() {
    let (shell, _) = with_trail();
    let token = shell.done(&["token", "create", "--trail", "lab", "--scope", "append,read"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = free.to_string();
    let server = shell.serve_at(&address, &[]);
    let url = server.url.clone();
    let tail = ["tail", "--server", &url, "--token", token.trim(), "--trail", "lab"];
    let mut tail = shell.command(&tail);
    let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut said = BufReader::new(tail.stderr.take().unwrap()).lines();
    let import = |file: &str| {
        shell.done(&["import", "opencga", &opencga(file), "--trail", "lab"]);
    };
    // It follows from when it is there.
    std::thread::sleep(Duration::from_secs(1));
    import("v3.1.0_opencga.json");
    let indexes = |lines: &mut dyn Iterator<Item = std::io::Result<String>>, count: usize| {
        let list = lines.take(count).map(|line| {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            event["index"].as_u64().unwrap()
        });
        list.collect::<Vec<_>>()
    };
    let first = indexes(&mut lines, 13);
    assert_eq!(first, (0..13).collect::<Vec<u64>>());
    server.stop();
    assert!(said.next().unwrap().unwrap().contains("waiting for it"));
    import("v3.0.0_test.json");
    let server = shell.serve_at(&address, &[]);
    assert_eq!(indexes(&mut lines, 70), (13..83).collect::<Vec<u64>>());
    let id = token.trim().split('_').nth(1).unwrap();
    shell.done(&["token", "revoke", id, "--reason", "test"]);
    server.stop();
    let server = shell.serve_at(&address, &[]);
    assert_eq!(tail.wait().unwrap().code(), Some(4), "it may not any more");
    server.stop();
}

#[test]
fn mistakes_are_named_with_their_fix() {
    let (shell, _) = with_trail();
    let check = |code: i32, arguments: &[&str], expected: &str| {
        let errors = shell.fails(code, arguments);
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    };
    check(1, &["search", "", "--trail", "nope"], "trail create");
    check(2, &["search", "actr:ana", "--trail", "lab"], "actr");
    check(2, &["search", "outcome:maybe", "--trail", "lab"], "denied or unknown, not `maybe`");
    check(2, &["search", "kind:deletes", "--trail", "lab"], "not `deletes`");
    check(2, &["import", "nope", "x", "--trail", "lab"], "opencga");
    let real = opencga("v3.1.0_opencga.json");
    let redact = ["import", "opencga", &real, "--trail", "lab", "--redact", "params/token"];
    check(1, &redact, "/params/input");
    let tail =
        ["tail", "--server", "http://127.0.0.1:1", "--token", "x", "--trail", "lab", "acter:x"];
    check(2, &tail, "actor");
    check(2, &["init", "third", "--origin", "t", "--state-dir", "third/state"], "--state-dir");
    check(2, &["trail", "list", "--state-dir", "data/state"], "--state-dir");
    check(1, &["import", "opencga", "missing.json", "--trail", "lab"], "missing.json");
    check(2, &["token", "create", "--scope", "fly"], "append, read or admin");
    let over = ["token", "create", "--scope", "read", "--expires", "2020-01-01T00:00:00Z"];
    check(2, &over, "--expires is over already at 2020-01-01T00:00:00");
    check(2, &["trail", "create", "Lab"], "slug");
    check(1, &["trail", "create", "lab"], "already");
    check(2, &["verify", "--vkey", "x", "data/trails/lab"], "--vkey");
    check(1, &["serve", "--data", "nowhere"], "indelible init");
    check(2, &["export", "--trail", "lab", "--format", "xlsx"], "jsonl");
}

#[test]
fn a_token_is_alone_on_stdout() {
    let (shell, _) = with_trail();
    let token = shell.done(&["token", "create", "--trail", "lab", "--scope", "append,read"]);
    assert!(token.starts_with("idl_") && token.trim().lines().count() == 1, "{token}");
    let list = shell.done(&["token", "list", "-o", "json"]);
    assert!(!list.contains(token.trim()), "secrets are not listed");
    assert_eq!(list.lines().count(), 2);
    let id = token.trim().split('_').nth(1).unwrap().to_owned();
    shell.done(&["token", "revoke", &id, "--reason", "test"]);
    let listed = shell.done(&["token", "list"]);
    assert!(listed.contains("revoked"));
    let again = shell.run(&["token", "revoke", &id, "--reason", "again"]);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.success() && said.contains("is revoked since"), "{said}");
    assert_eq!(shell.done(&["token", "list"]), listed);
    let revoked = shell.done(&["search", "action:token.revoke", "--trail", "system", "-o", "json"]);
    assert_eq!(revoked.lines().count(), 1, "{revoked}");
}

#[test]
fn counts_are_numbers_in_json() {
    let (shell, _) = with_trail();
    shell.done(&["import", "opencga", &opencga("v3.1.0_opencga.json"), "--trail", "lab"]);
    let row = |arguments: &[&str]| -> Value {
        let out = shell.done(arguments);
        let rows: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        rows.into_iter().find(|row| row.get("trail").is_none_or(|trail| trail == "lab")).unwrap()
    };
    let checked = row(&["check", "-o", "json"]);
    assert_eq!(
        checked,
        serde_json::json!({
            "trail": "lab", "published": 13, "committed": 13, "checked": 13, "problems": 0,
        })
    );
    assert_eq!(row(&["trail", "list", "-o", "json"])["events"], 13);
    let csv = shell.done(&["check", "--trail", "lab", "-o", "csv"]);
    assert_eq!(csv.lines().last(), Some("lab,13,13,13,0"));
}

#[test]
fn a_demo_on_a_busy_port_leaves_nothing_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let shell = Shell::new();
    std::fs::create_dir(shell.path("tmp")).unwrap();
    std::fs::create_dir(shell.path("own")).unwrap();
    for folder in [&[][..], &["new"], &["own"]] {
        let mut command = shell.command(&["demo", "--listen", &address]);
        let output = command.args(folder).env("TMPDIR", shell.path("tmp")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&address) && said.contains("--listen"), "{said}");
        assert_eq!(std::fs::read_dir(shell.path("tmp")).unwrap().count(), 0);
        assert!(!shell.path("new").try_exists().unwrap());
        assert_eq!(std::fs::read_dir(shell.path("own")).unwrap().count(), 0, "it stays as it was");
    }
}

#[test]
fn an_older_copy_of_the_directory_is_refused() {
    let (shell, _) = with_trail();
    let copy = |from: &str, to: &str| {
        let status = Command::new("cp")
            .args(["-a", from, to])
            .current_dir(shell.path("."))
            .status()
            .unwrap();
        assert!(status.success());
    };
    copy("data", "older");
    shell.done(&["import", "opencga", &opencga("v3.1.0_opencga.json"), "--trail", "lab"]);
    let errors = shell.fails(3, &["search", "", "--trail", "lab", "--data", "older"]);
    assert!(errors.contains("went back"), "{errors}");
    shell.done(&["search", "", "--trail", "lab"]);
}

#[test]
fn deposits_are_ordered_run_verified_and_ended() {
    let (shell, _) = with_trail();
    std::fs::create_dir(shell.path("deposits")).unwrap();
    let root = shell.path("deposits").canonicalize().unwrap();
    let folder = root.join("lab").display().to_string();
    shell.done(&["import", "opencga", &opencga("v3.1.0_test.json"), "--trail", "lab"]);
    let order = ["deposit", "create", "--trail", "lab", "--to", &folder];
    let refused = shell.fails(2, &order);
    assert!(refused.contains("deposit_roots"), "{refused}");
    let mut order = order.to_vec();
    order.extend(["--deposit-root", "deposits", "--imports", "--dialect", "opencga"]);
    let id = shell.done(&order);
    let again = shell.fails(1, &order);
    assert!(again.contains(id.trim()), "{again}");
    let listed = shell.done(&["deposit", "list", "--trail", "lab", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed["id"], &listed["destination"]), (&id.trim().into(), &folder.into()));
    let run = ["deposit", "run", "--deposit-root", "deposits", "-o", "csv"];
    let ran = shell.done(&run);
    assert!(ran.lines().any(|line| line == format!("{},0,0,0", id.trim())), "{ran}");
    shell.done(&["deposit", "remove", id.trim(), "--trail", "lab", "--reason", "moved"]);
    shell.fails(1, &["deposit", "remove", "0123456789ab", "--trail", "lab"]);
    shell.fails(2, &["deposit", "remove", "x", "--trail", "lab"]);
    let elsewhere = shell.fails(1, &["deposit", "run"]);
    assert!(elsewhere.contains("deposit_roots"), "{elsewhere}");
    let listed = shell.done(&["deposit", "list", "--trail", "lab", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_ne!(listed["ended"], "");
}

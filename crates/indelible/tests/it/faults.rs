//! Faults seen through the real server and the real command: a full disk, one that may not be
//! written, damage of every kind, an older copy.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::load::agent;
use crate::shell::{Running, Shell};

/// What a server says to a request: its status and its body.
fn ask(server: &Running, token: &str, path: &str) -> (u16, String) {
    let request = agent().get(format!("{}{path}", server.url));
    let request = request.header("Authorization", &format!("Bearer {}", token.trim()));
    let mut response = request.call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn append(server: &Running, token: &str, body: &Value) -> (u16, String) {
    let request = agent().post(format!("{}/api/v1/trails/lab/events", server.url));
    let request = request.header("Authorization", &format!("Bearer {}", token.trim()));
    let mut response = request.send(body.to_string()).unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn event(number: usize) -> Value {
    json!({
        "id": format!("e{number}"),
        "occurred_at": "2026-11-21T08:00:00Z",
        "source": {"system": "lims"},
        "actor": {"type": "user", "id": "ana"},
        "action": "sample.update",
        "params": {"note": if number == 5 { "x".repeat(20_000) } else { format!("run {number}") }},
    })
}

fn events(range: std::ops::Range<usize>) -> Value {
    range.map(event).collect()
}

/// A trail of 600 events of which number 5 has a detached value, and a token for all.
fn filled() -> (Shell, String) {
    let shell = Shell::new();
    shell.done(&["trail", "create", "lab"]);
    let token = shell.done(&["token", "create", "--scope", "append,read"]);
    let server = shell.serve(&[]);
    let (status, answer) = append(&server, &token, &events(0..600));
    assert_eq!(status, 201, "{answer}");
    server.stop();
    (shell, token)
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    // In every part: a bundle is packed in pieces, of which one is read.
    bytes.iter_mut().skip(25).step_by(50).for_each(|byte| *byte ^= 0x10);
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn segment(data: &Path) -> PathBuf {
    let items = fs::read_dir(data.join("trails/lab/journal")).unwrap();
    items.map(|item| item.unwrap().path()).find(|path| path.is_file()).unwrap()
}

/// What is damaged, how, and the request that meets it.
type Damage<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);

#[test]
fn damage_of_every_kind_is_an_error_and_never_an_answer() {
    let (shell, token) = filled();
    let damages: [Damage<'_>; 8] = [
        ("a bundle", &|data| flip(&data.join("trails/lab/tile/entries/000")), "/events/7"),
        (
            "a partial bundle",
            &|data| flip(&data.join("trails/lab/tile/entries/002.p/88")),
            "/events/599",
        ),
        (
            "a missing bundle",
            &|data| {
                fs::remove_file(data.join("trails/lab/tile/entries/001")).unwrap();
            },
            "/events/300",
        ),
        ("a tile", &|data| flip(&data.join("trails/lab/tile/0/000")), "/events/7"),
        ("an opening", &|data| flip(&data.join("trails/lab/opening/005")), "/events/5"),
        ("the checkpoint", &|data| flip(&data.join("trails/lab/checkpoint")), "/events/0"),
        ("the journal", &|data| flip(&segment(data)), "/events/0"),
        (
            "a foreign tile",
            &|data| {
                let tile = data.join("trails/lab/tile/0");
                fs::remove_file(tile.join("001")).unwrap();
                fs::copy(tile.join("000"), tile.join("001")).unwrap();
            },
            "/events/300",
        ),
    ];
    for (name, damage, path) in damages {
        let data = shell.path("damaged");
        copy(&shell.path("data"), &data);
        damage(&data);
        let errors = shell.fails(3, &["check", "--data", "damaged"]);
        assert!(errors.contains("trails/lab/"), "{name}: {errors}");
        let server = shell.serve(&["--data", "damaged"]);
        let (status, body) = ask(&server, &token, &format!("/api/v1/trails/lab{path}"));
        assert_eq!(status, 500, "{name}: {body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "trail-damaged", "{name}");
        // Where it is, is for those who run the server.
        for secret in ["trails/", "tile", "journal", "keys", "damaged/"] {
            assert!(!body.replace("trail-damaged", "").contains(secret), "{name}: {body}");
        }
        // The others are served.
        assert_eq!(ask(&server, &token, "/api/v1/trails/system/events").0, 200, "{name}");
        drop(server);
        fs::remove_dir_all(&data).unwrap();
    }
}

#[test]
fn projections_that_are_damaged_or_gone_come_back() {
    let (shell, token) = filled();
    let search = shell.path("data/search/lab");
    for item in walk(&search) {
        fs::OpenOptions::new().append(true).open(&item).unwrap().write_all(b"x").unwrap();
    }
    fs::remove_dir_all(shell.path("data/ids")).unwrap();
    let server = shell.serve(&[]);
    let path = "/api/v1/trails/lab/events?q=run&limit=1000&at_least=599";
    let (status, body) = ask(&server, &token, path);
    assert_eq!(status, 200, "{body}");
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(page["events"].as_array().unwrap().len(), 599);
    let (status, body) = append(&server, &token, &events(0..600));
    assert_eq!(status, 200, "all are known: {body}");
    server.stop();
    shell.done(&["check"]);
}

#[test]
fn a_damaged_system_trail_or_key_stops_the_start() {
    let (shell, _) = filled();
    copy(&shell.path("data"), &shell.path("damaged"));
    flip(&shell.path("damaged/trails/system/checkpoint"));
    shell.fails(3, &["serve", "--data", "damaged", "--listen", "127.0.0.1:0"]);
    shell.fails(3, &["check", "--data", "damaged"]);
    fs::remove_dir_all(shell.path("damaged")).unwrap();
    copy(&shell.path("data"), &shell.path("damaged"));
    fs::write(shell.path("damaged/keys/system"), "PRIVATE+KEY+nonsense").unwrap();
    let errors = shell.fails(1, &["serve", "--data", "damaged", "--listen", "127.0.0.1:0"]);
    assert!(errors.contains("keys/system") && !errors.contains("nonsense"), "{errors}");
}

#[test]
fn an_older_copy_is_refused_by_the_server_too() {
    let (shell, token) = filled();
    copy(&shell.path("data"), &shell.path("older"));
    let server = shell.serve(&[]);
    assert_eq!(append(&server, &token, &event(1_000)).0, 201);
    server.stop();
    // Only this trail went back; the others are served.
    copy(&shell.path("data"), &shell.path("mixed"));
    fs::remove_dir_all(shell.path("mixed/trails/lab")).unwrap();
    copy(&shell.path("older/trails/lab"), &shell.path("mixed/trails/lab"));
    let server = shell.serve(&["--data", "mixed"]);
    let (status, body) = ask(&server, &token, "/api/v1/trails/lab/events/0");
    assert_eq!(status, 500, "{body}");
    assert!(body.contains("trail-damaged"));
    assert_eq!(append(&server, &token, &event(1_001)).0, 500);
    drop(server);
    // The whole directory went back: the `system` trail has a start and a stop since.
    let errors = shell.fails(3, &["serve", "--data", "older", "--listen", "127.0.0.1:0"]);
    assert!(errors.contains("went back"), "{errors}");
    let state = shell.path("state");
    assert!(errors.contains(&state.display().to_string()), "{errors}");
    assert!(errors.contains("docs/operations.md"), "{errors}");
    let errors = shell.fails(3, &["check", "--data", "older"]);
    assert!(errors.contains("the remembered checkpoint knows"), "{errors}");
    // The way back that it describes: the remembered checkpoints are moved aside, not lost.
    fs::rename(&state, shell.path("state.aside")).unwrap();
    let server = shell.serve(&["--data", "older"]);
    assert_eq!(append(&server, &token, &event(1_002)).0, 201);
    server.stop();
    shell.done(&["check", "--data", "older"]);
}

#[test]
fn damage_is_not_taken_for_another_directory() {
    let (shell, _) = filled();
    let tiles = fs::read_dir(shell.path("data/trails/system/tile/0/000.p")).unwrap();
    let tile = tiles.map(|entry| entry.unwrap().path()).next().unwrap();
    flip(&tile);
    let errors = shell.fails(3, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(errors.contains("tile") || errors.contains("root"), "{errors}");
    assert!(!errors.contains("state directory"), "{errors}");
}

#[test]
fn root_makes_nothing_in_a_directory_of_somebody_else() {
    let shell = Shell::new();
    std::os::unix::fs::chown(shell.path("data"), Some(65_534), None).unwrap();
    for command in [&["trail", "create", "lab"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let errors = shell.fails(2, command);
        assert!(errors.contains("sudo -u '#65534'"), "{errors}");
    }
    shell.done(&["check"]);
}

#[test]
fn a_drill_with_a_state_directory_of_its_own_leaves_the_original_alone() {
    let (shell, token) = filled();
    copy(&shell.path("data"), &shell.path("copy"));
    // What is made again at a start need not be in a backup.
    for projection in ["search", "ids"] {
        fs::remove_dir_all(shell.path("copy").join(projection)).unwrap();
    }
    let drill = ["--data", "copy", "--state-dir", "drill-state"];
    shell.done(&[&["check"][..], &drill].concat());
    let server = shell.serve(&drill);
    assert_eq!(ask(&server, &token, "/api/v1/trails/lab/events/599").0, 200);
    // The id of an event that is recorded is known again.
    assert_eq!(append(&server, &token, &event(7)).0, 200);
    let path = "/api/v1/trails/lab/events?q=actor:ana&at_least=599";
    assert_eq!(ask(&server, &token, path).0, 200);
    server.stop();
    let server = shell.serve(&[]);
    assert_eq!(append(&server, &token, &event(1_000)).0, 201);
    server.stop();
}

/// A file system in memory, unmounted when it is dropped. It needs root, as the whole suite does.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let disk = Self(TempDir::new().unwrap());
        disk.run(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        disk
    }

    fn run(&self, arguments: &[&str]) {
        let status = Command::new("mount").args(arguments).arg(self.0.path()).status().unwrap();
        assert!(status.success(), "this test mounts a tmpfs, which needs root and CAP_SYS_ADMIN");
    }

    fn data(&self) -> String {
        self.0.path().join("data").into_os_string().into_string().unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a failing test may still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_507_and_appends_resume_when_there_is_room() {
    let shell = Shell::new();
    let disk = SmallDisk::mount("160m");
    let data = disk.data();
    shell.done(&["init", &data, "--origin", "small.example"]);
    let vkey = shell.done(&["trail", "create", "lab", "--data", &data]);
    let token = shell.done(&["token", "create", "--scope", "append,read", "--data", &data]);
    let server = shell.serve(&["--data", &data]);
    assert_eq!(append(&server, &token, &events(0..300)).0, 201);
    // Less than the reserve is free, then nothing at all.
    let ballast = disk.0.path().join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    let page = vec![1; 1 << 20];
    for size in [110 << 20, u64::MAX] {
        let mut written = fs::metadata(&ballast).unwrap().len();
        while written < size && file.write_all(&page).is_ok() {
            written += page.len() as u64;
        }
        let (status, body) = append(&server, &token, &event(1_000));
        assert_eq!(status, 507, "{body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "disk-full");
        for path in ["/events/7", "/events/5", "/status", "/events?q=run", "/count"] {
            let (status, body) = ask(&server, &token, &format!("/api/v1/trails/lab{path}"));
            assert_eq!(status, 200, "{path}: {body}");
        }
        shell.done(&["check", "--data", &data, "--trail", "lab"]);
    }
    // A server that starts on it says what is recorded.
    server.stop();
    let server = shell.serve(&["--data", &data]);
    assert_eq!(ask(&server, &token, "/api/v1/trails/lab/events/299").0, 200);
    assert_eq!(append(&server, &token, &event(1_000)).0, 507);
    std::thread::sleep(Duration::from_secs(2));
    fs::remove_file(&ballast).unwrap();
    drop(file);
    let (status, body) = append(&server, &token, &events(1_000..1_010));
    assert_eq!(status, 201, "{body}");
    let receipt = shell.done(&["receipt", "309", "--trail", "lab", "--data", &data]);
    fs::write(shell.path("r.tlog-proof"), receipt).unwrap();
    shell.done(&["verify", "--vkey", vkey.trim(), "r.tlog-proof"]);
    server.stop();
    shell.done(&["check", "--data", &data]);
    let found =
        shell.done(&["search", "actor:ana", "--trail", "lab", "-o", "json", "--data", &data]);
    assert_eq!(found.lines().count(), 310);
}

#[test]
fn a_directory_that_may_not_be_written_is_named_and_can_be_checked() {
    let shell = Shell::new();
    let disk = SmallDisk::mount("160m");
    let data = disk.data();
    shell.done(&["init", &data, "--origin", "small.example"]);
    shell.done(&["trail", "create", "lab", "--data", &data]);
    disk.run(&["-o", "remount,ro"]);
    let errors = shell.fails(1, &["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert!(errors.contains("Read-only"), "{errors}");
    let errors = shell.fails(1, &["trail", "create", "other", "--data", &data]);
    assert!(errors.contains("Read-only"), "{errors}");
    shell.done(&["check", "--data", &data]);
}

#[test]
fn a_hangup_reads_the_certificate_again_and_ends_nothing() {
    let shell = Shell::new();
    let server = shell.serve(&[]);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    let said = server.stop();
    assert!(said.iter().any(|line| line.contains("nothing to read again")), "{said:?}");

    let certificates = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../server/tests/it/data")
        .canonicalize()
        .unwrap();
    for name in ["localhost.pem", "localhost.key"] {
        fs::copy(certificates.join(name), shell.path(name)).unwrap();
    }
    let server = shell.serve(&["--tls-cert", "localhost.pem", "--tls-key", "localhost.key"]);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    fs::write(shell.path("localhost.pem"), "broken").unwrap();
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    // Commands go through the socket, which has no certificate.
    shell.done(&["trail", "list"]);
    let said = server.stop().join("\n");
    assert!(said.contains("read the certificate and its key again"), "{said}");
    assert!(said.contains("localhost.pem") && said.contains("stays in use"), "{said}");
}

#[test]
fn a_clock_is_confirmed_where_a_server_runs() {
    let shell = Shell::new();
    assert!(shell.fails(1, &["clock", "confirm"]).contains("no server"));
    let server = shell.serve(&[]);
    let output = shell.run(&["clock", "confirm", "--reason", "checked against a watch"]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("believed already"));
    server.stop();
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    items.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

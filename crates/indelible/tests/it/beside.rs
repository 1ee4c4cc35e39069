//! Commands on a directory that a running server holds.

use std::fs;
use std::time::{Duration, Instant};

use crate::load::Load;
use crate::shell::Shell;

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
    server.kill();
}

//! `verify` where there is no log, and where there is a wrong one: the two are told apart.

use std::fs;

use crate::shell::with_trail;

#[test]
fn a_folder_without_a_log_is_no_wrong_log_and_the_right_one_is_named() {
    let (shell, vkey) = with_trail();
    fs::create_dir(shell.path("empty")).unwrap();
    let fails = |code: i32, log: &str| shell.fails(code, &["verify", "--vkey", &vkey, log]);
    for (log, said) in [
        ("data", "The logs below it are data/trails/access, data/trails/lab, data/trails/system"),
        ("data/trails", "data/trails/lab"),
        ("empty", "there is no log in empty"),
        ("nowhere", "cannot read nowhere"),
        ("localhost:1/trails/lab", "http(s) URL"),
        ("data/trails/lab/checkpoint", "is the checkpoint of a log"),
    ] {
        let errors = fails(1, log);
        assert!(errors.contains(said) && errors.contains("`checkpoint`"), "{log}: {errors}");
    }
    fs::rename(shell.path("data/trails/lab/checkpoint"), shell.path("kept")).unwrap();
    fs::create_dir_all(shell.path("data/trails/lab/tile")).unwrap();
    assert!(fails(3, "data/trails/lab").contains("checkpoint is missing"));
    fs::write(shell.path("data/trails/lab/checkpoint"), "<html>").unwrap();
    fails(3, "data/trails/lab");
}

#[test]
fn a_url_without_a_log_is_no_wrong_log_either() {
    let (shell, vkey) = with_trail();
    let server = shell.serve(&["--public-read-path"]);
    let url = server.url.clone();
    shell.done(&["verify", "--vkey", &vkey, &format!("{url}/trails/lab/")]);
    let fails = |code: i32, log: &str| shell.fails(code, &["verify", "--vkey", &vkey, log]);
    for path in ["", "/trails", "/trails/nope", "/trails/lab/checkpoint", "/t/lab", "/signin"] {
        let errors = fails(1, &format!("{url}{path}"));
        assert!(errors.contains(&format!("{url}/trails/SLUG")), "{path}: {errors}");
    }
    assert!(fails(4, &format!("{url}/trails/system")).contains("--token"));
    let other = shell.done(&["trail", "create", "other"]);
    let errors = shell.fails(3, &["verify", "--vkey", other.trim(), &format!("{url}/trails/lab")]);
    assert!(errors.contains("does not verify"), "{errors}");
    server.stop();
    assert!(fails(1, &format!("{url}/trails/lab")).contains("cannot read http"));
}

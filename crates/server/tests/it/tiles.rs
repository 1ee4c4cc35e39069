//! The static read path, told by `tiles.txt`.
//!
//! Each case is a request line, headers of the request, `->` with the status, and what the answer
//! must say: `header: value` to the letter, `- header` for none, `bytes: N` for its length,
//! `starts: text` for its beginning.

use axum::body::Body;
use axum::http::Request;
use tlog::{BundleId, Checkpoint, Frontier, Tile, TreeSize};

use crate::app::TestApp;

const SCRIPT: &str = include_str!("tiles.txt");

fn public() -> TestApp {
    TestApp::with(server::AppOptions::new(), |options| options.public_read_path = true)
}

#[tokio::test]
async fn the_script_is_kept() {
    let app = public();
    app.fill(70_000).await;
    let mut cases = 0;
    for case in SCRIPT.split("\n\n").filter(|case| !case.trim_start().starts_with('#')) {
        let lines: Vec<&str> = case.lines().filter(|line| !line.starts_with('#')).collect();
        let Some((request_line, rest)) = lines.split_first() else { continue };
        let (method, path) = request_line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        let arrow = rest.iter().position(|line| line.starts_with("->")).unwrap();
        for line in &rest[..arrow] {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        let status = rest[arrow].strip_prefix("-> ").unwrap();
        assert_eq!(answer.status.as_str(), status, "{request_line}");
        for line in &rest[arrow + 1..] {
            if let Some(name) = line.strip_prefix("- ") {
                assert_eq!(answer.header(name), "", "{request_line}: {name}");
                continue;
            }
            let (name, value) = line.split_once(": ").unwrap();
            match name {
                "bytes" => assert_eq!(answer.body.len().to_string(), value, "{request_line}"),
                "starts" => assert!(answer.text().starts_with(value), "{request_line}"),
                _ => assert_eq!(answer.header(name), value, "{request_line}: {name}"),
            }
        }
        cases += 1;
    }
    assert!(cases > 30, "{cases}");
}

#[tokio::test]
async fn a_stranger_rebuilds_the_tree_from_what_is_served() {
    let app = public();
    for (more, size) in [(1, 1), (254, 255), (1, 256), (1, 257)] {
        let from = size - more;
        let events: Vec<String> = (from..size).map(crate::app::event).collect();
        app.append(format!("[{}]", events.join(","))).await;
        app.settle();
        let note = app.get_anonymously("/trails/lab/checkpoint").await;
        let slug = registry::Slug::parse("lab").unwrap();
        let keys = [app.instance.trail(&slug).unwrap().trail.verifier()];
        let checkpoint = Checkpoint::open(note.text(), None, &keys).unwrap();
        assert_eq!(checkpoint.size(), TreeSize::new(size as u64));
        let mut frontier = Frontier::new();
        for bundle in BundleId::every(checkpoint.size()) {
            let served = app.get_anonymously(&format!("/trails/lab/{}", bundle.path())).await;
            for entry in bundle.entries(&served.body) {
                frontier.push(tlog::leaf_hash(entry.unwrap()));
            }
        }
        assert_eq!(frontier.root(), checkpoint.root());
        for tile in Tile::every(checkpoint.size()) {
            let served = app.get_anonymously(&format!("/trails/lab/{}", tile.path())).await;
            assert_eq!(served.body.len(), tile.len_bytes(), "{}", tile.path());
        }
    }
}

#[tokio::test]
async fn without_a_public_read_path_nothing_is_public() {
    let app = TestApp::new();
    app.fill(1).await;
    for trail in ["lab", "nowhere", "system"] {
        for path in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
            let answer = app.get_anonymously(&format!("/trails/{trail}/{path}")).await;
            answer.problem("unauthenticated");
        }
    }
    let note = app.get("/trails/lab/checkpoint").await;
    assert!(note.text().starts_with("audit.example.org/lab\n1\n"));
    assert_eq!(note.header("access-control-allow-origin"), "");
    let tile = app.get("/trails/lab/tile/0/000.p/1").await;
    assert_eq!(tile.body.len(), 32);
    assert_eq!(tile.header("cache-control"), "private, max-age=31536000, immutable");
}

#[tokio::test]
async fn the_built_in_trails_are_never_public() {
    let app = public();
    app.fill(1).await;
    for trail in ["system", "access"] {
        for path in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
            let path = format!("/trails/{trail}/{path}");
            app.get_anonymously(&path).await.problem("unauthenticated");
        }
        let note = app.get(&format!("/trails/{trail}/checkpoint")).await;
        assert!(note.text().starts_with(&format!("audit.example.org/{trail}\n")));
    }
}

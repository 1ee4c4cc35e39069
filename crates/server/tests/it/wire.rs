//! Real sockets: slow and cut-off uploads, connections, TLS, and the stop.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use server::{AppOptions, ServeOptions, Server, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use trail::Feed as _;

use crate::app::{TestApp, event};

/// A server on a port of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// A server with times that a test can wait for.
pub(crate) async fn run(app: &TestApp, adjust: impl FnOnce(&mut ServeOptions)) -> Running {
    let mut options = ServeOptions::new("127.0.0.1:0".parse().unwrap());
    options.header_timeout = Duration::from_millis(300);
    options.app = AppOptions {
        body_idle: Duration::from_millis(200),
        body_total: Duration::from_millis(600),
        ..AppOptions::new()
    };
    adjust(&mut options);
    let server = Server::bind(app.instance.clone(), options).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run(async move { drop(stopped.await) }));
    Running { address, stop, ended }
}

fn head(app: &TestApp, length: usize) -> String {
    format!(
        "POST /api/v1/trails/lab/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {length}\r\n\r\n",
        app.token
    )
}

/// Reads until the server closes or the answer is whole.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(Ok(count)) =
        tokio::time::timeout(Duration::from_secs(5), stream.read(&mut piece)).await
    {
        text.extend_from_slice(&piece[..count]);
        if count == 0 || text.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8(text).unwrap()
}

fn committed(app: &TestApp) -> u64 {
    let slug = registry::Slug::parse("lab").unwrap();
    app.instance.trail(&slug).unwrap().trail.committed_size()
}

#[tokio::test]
async fn an_upload_that_pauses_or_never_ends_is_given_up() {
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    let mut paused = TcpStream::connect(server.address).await.unwrap();
    let body = event(0);
    paused.write_all(head(&app, body.len()).as_bytes()).await.unwrap();
    paused.write_all(&body.as_bytes()[..10]).await.unwrap();
    let text = answer(&mut paused).await;
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    assert!(text.contains("upload-too-slow"));
    let mut trickling = TcpStream::connect(server.address).await.unwrap();
    trickling.write_all(head(&app, 1_000).as_bytes()).await.unwrap();
    let begin = std::time::Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        if trickling.write_all(b" ").await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut piece = [0; 64];
        if let Ok(count) = trickling.try_read(&mut piece) {
            assert!(piece[..count].starts_with(b"HTTP/1.1 408 "));
            break;
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(4), "it was given up");
    assert_eq!(committed(&app), 0);
}

#[tokio::test]
async fn a_cut_off_upload_records_nothing() {
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    for events in [event(0), format!("[{},{}]", event(0), event(1))] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head(&app, events.len() + 5).as_bytes()).await.unwrap();
        stream.write_all(events.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        answer(&mut stream).await;
    }
    assert_eq!(committed(&app), 0);
}

#[tokio::test]
async fn headers_that_do_not_come_end_the_connection() {
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_told_so_before_it_is_sent() {
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head(&app, 40 * 1024 * 1024).as_bytes()).await.unwrap();
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    assert!(text.contains("\"limit\":33554432"), "{text}");
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_publishes() {
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = event(0);
    stream.write_all(head(&app, body.len()).as_bytes()).await.unwrap();
    stream.write_all(&body.as_bytes()[..20]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody new is let in");
    stream.write_all(&body.as_bytes()[20..]).await.unwrap();
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 201 "), "{text}");
    tokio::time::timeout(Duration::from_secs(20), server.ended).await.unwrap().unwrap();
    let slug = registry::Slug::parse("lab").unwrap();
    let published = app.instance.trail(&slug).unwrap().trail.published();
    assert_eq!(published.checkpoint.size().get(), 1);
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_their_turn() {
    let app = TestApp::new();
    let server = run(&app, |options| {
        options.connections_max = 1;
        options.header_timeout = Duration::from_secs(20);
    })
    .await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut piece = [0; 512];
    assert!(first.read(&mut piece).await.unwrap() > 0);
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut piece)).await;
    assert!(early.is_err(), "it waits");
    drop(first);
    let count = tokio::time::timeout(Duration::from_secs(5), second.read(&mut piece)).await;
    assert!(count.unwrap().unwrap() > 0);
}

/// Connects and trusts one certificate.
pub(crate) async fn handshake(
    address: SocketAddr,
    certificate: &Path,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    let stream = TcpStream::connect(address).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data");
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("c.key"));
    let put = |name: &str| {
        std::fs::copy(data.join(format!("{name}.pem")), &certificate).unwrap();
        std::fs::copy(data.join(format!("{name}.key")), &key).unwrap();
    };
    put("localhost");
    let tls = Tls::read(&certificate, &key).unwrap();
    let app = TestApp::new();
    let server = run(&app, |options| options.tls = Some(tls.clone())).await;
    let trusts = async |name: &str| {
        let root = data.join(format!("{name}.pem"));
        handshake(server.address, &root, "http/1.1").await.is_ok()
    };
    assert!(trusts("localhost").await && !trusts("renewed").await);
    put("renewed");
    tls.reload().unwrap();
    assert!(trusts("renewed").await && !trusts("localhost").await);
    std::fs::write(&key, "broken").unwrap();
    assert!(tls.reload().is_err());
    assert!(trusts("renewed").await, "what was read before stays");
}

/// Sends a request line as it is, and gives what is answered.
async fn raw(app: &TestApp, server: &Running, line: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        app.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
    ended.unwrap().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn path_tricks_lead_nowhere() {
    let app = TestApp::with(AppOptions::new(), |options| options.public_read_path = true);
    app.fill(1).await;
    let server = run(&app, |_| {}).await;
    let slugs = [
        "..",
        ".",
        "../lab",
        "..%2flab",
        "%2e%2e",
        "%2e%2e%2flab",
        "lab%00",
        "lab%2e",
        "lab/",
        "/lab",
        "LAB",
        "l%61b%2f..",
        "lab;x",
        "lab\\..",
        "..%5c..",
        "%c0%ae%c0%ae",
        "lab%20",
        "%25%32%65",
    ];
    let rests = ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"];
    for slug in slugs {
        for rest in rests {
            let text = raw(&app, &server, &format!("GET /trails/{slug}/{rest}")).await;
            assert!(text.starts_with("HTTP/1.1 40"), "{slug} {rest}: {text}");
        }
        for rest in ["events", "events/0", "status", "export?format=csv"] {
            let text = raw(&app, &server, &format!("GET /api/v1/trails/{slug}/{rest}")).await;
            assert!(text.starts_with("HTTP/1.1 40"), "{slug} {rest}: {text}");
        }
        let text = raw(&app, &server, &format!("POST /api/v1/trails/{slug}/events")).await;
        assert!(text.starts_with("HTTP/1.1 40"), "{slug}: {text}");
    }
    for path in [
        "/trails/lab/tile/../../../keys/lab",
        "/trails/lab/tile/%2e%2e/%2e%2e/%2e%2e/keys/lab",
        "/trails/lab/tile/entries/../../../../keys/lab",
        "/trails/lab/tile//0/000.p/1",
        "/trails/lab/tile/0/0.p/1",
        "/trails/lab/tile/0/000.p/01",
        "/trails/lab/journal/0000000000000001",
        "/trails/lab/../../keys/lab",
        "/../keys/lab",
        "/keys/lab",
        "//trails/lab/checkpoint",
        "/trails/lab/checkpoints/../checkpoint",
        "/t/../keys/lab",
        "/assets/../../keys/lab",
        "*",
        "http://x/../keys/lab",
    ] {
        let text = raw(&app, &server, &format!("GET {path}")).await;
        assert!(text.starts_with("HTTP/1.1 4"), "{path}: {text}");
        assert!(!text.contains("PRIVATE") && !text.contains("IDLJRNL"), "{path}: {text}");
    }
    let text = raw(&app, &server, "GET /trails/lab/checkpoint").await;
    assert!(text.starts_with("HTTP/1.1 200 "), "the honest path is there: {text}");
}

#[tokio::test]
async fn it_speaks_tls_with_http_1_and_2() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data");
    let (certificate, key) = (data.join("localhost.pem"), data.join("localhost.key"));
    assert!(Tls::read(&key, &certificate).is_err(), "each is the other");
    let tls = Tls::read(&certificate, &key).unwrap();
    let app = TestApp::new();
    let server = run(&app, |options| options.tls = Some(tls)).await;
    for protocol in ["http/1.1", "h2"] {
        let mut stream = handshake(server.address, &certificate, protocol).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        let mut piece = vec![0; 512];
        if protocol == "h2" {
            stream
                .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
                .await
                .unwrap();
            let count = stream.read(&mut piece).await.unwrap();
            assert_eq!(piece.get(3), Some(&4), "a SETTINGS frame of {count} bytes");
        } else {
            stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            let count = stream.read(&mut piece).await.unwrap();
            assert!(piece[..count].starts_with(b"HTTP/1.1 200 OK"));
        }
    }
}

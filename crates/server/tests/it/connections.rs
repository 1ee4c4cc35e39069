//! Connections that nothing comes of: they are closed, and no others.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use server::Tls;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::app::TestApp;
use crate::wire::{Running, handshake, run};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Long enough for everything that is to happen.
const SOON: Duration = Duration::from_secs(5);

/// Longer than any test waits.
const NEVER: Duration = Duration::from_mins(1);

/// All that is answered until the server closes.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ended = timeout(4 * SOON, stream.read_to_end(&mut bytes)).await;
    // A server that gives up does not always say farewell.
    let _ = ended.expect("it is closed");
    bytes
}

fn certificate() -> (PathBuf, PathBuf) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data");
    (data.join("localhost.pem"), data.join("localhost.key"))
}

/// A connection that speaks HTTP/2 by hand.
struct H2 {
    stream: TcpStream,
    came: Vec<u8>,
    data: Vec<u8>,
    is_closed: bool,
    /// Whether an answer has come to its end.
    is_whole: bool,
}

impl H2 {
    /// Begins, with room for so many bytes in each answer.
    async fn open(server: &Running, window: u32) -> Self {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let mut this =
            Self { stream, came: Vec::new(), data: Vec::new(), is_closed: false, is_whole: false };
        this.stream.write_all(PREFACE).await.unwrap();
        let [a, b, c, d] = window.to_be_bytes();
        this.send(4, 0, 0, &[0, 4, a, b, c, d]).await;
        this
    }

    async fn send(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(id.to_be_bytes());
        frame.extend(payload);
        self.is_closed |= self.stream.write_all(&frame).await.is_err();
    }

    async fn get(&mut self, app: &TestApp, path: &str) {
        // `GET` and `http` are in the table of every connection, and so are these names.
        let mut head = vec![0x82, 0x86];
        let bearer = format!("Bearer {}", app.token);
        for (name, value) in [(&[0x04][..], path), (&[0x01], "x"), (&[0x0f, 0x08], &bearer)] {
            head.extend(name);
            head.push(u8::try_from(value.len()).unwrap());
            head.extend(value.as_bytes());
        }
        self.send(1, 0x4 | 0x1, 1, &head).await;
    }

    /// Does what a living client does for a while, with pings of its own; makes room for so many
    /// bytes more every time.
    async fn live(&mut self, time: Duration, room: u32) {
        let begin = Instant::now();
        let mut piece = vec![0; 64 * 1024];
        while begin.elapsed() < time && !self.is_closed && !self.is_whole {
            match timeout(Duration::from_millis(50), self.stream.read(&mut piece)).await {
                Ok(Ok(count)) if count > 0 => self.came.extend(&piece[..count]),
                Ok(_) => self.is_closed = true,
                Err(_) if room == 0 => self.send(6, 0, 0, b"pingpong").await,
                Err(_) => {
                    self.send(8, 0, 0, &room.to_be_bytes()).await;
                    self.send(8, 0, 1, &room.to_be_bytes()).await;
                }
            }
            self.answer_frames().await;
        }
    }

    async fn answer_frames(&mut self) {
        while let Some(&[a, b, c, kind, flags, ..]) = self.came.first_chunk::<9>() {
            let end = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
            if self.came.len() < end {
                return;
            }
            let frame: Vec<u8> = self.came.drain(..end).collect();
            match kind {
                0 => {
                    self.data.extend(&frame[9..]);
                    self.is_whole |= flags & 1 == 1;
                }
                4 if flags == 0 => self.send(4, 1, 0, b"").await,
                6 if flags == 0 => self.send(6, 1, 0, &frame[9..]).await,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    for begin in [&b""[..], b"P", &PREFACE[..16], &PREFACE[..23], PREFACE] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin).await.unwrap();
        let since = Instant::now();
        rest(&mut stream).await;
        assert!(since.elapsed() >= Duration::from_millis(250), "{begin:?} had its time");
    }
    let mut stream =
        UnixStream::connect(app.instance.directory().join("control.sock")).await.unwrap();
    rest(&mut stream).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_with_tls_too() {
    let (certificate, key) = certificate();
    let tls = Tls::read(&certificate, &key).unwrap();
    let app = TestApp::new();
    let server = run(&app, |options| options.tls = Some(tls)).await;
    for protocol in ["http/1.1", "h2"] {
        let mut stream = handshake(server.address, &certificate, protocol).await.unwrap();
        rest(&mut stream).await;
    }
}

#[tokio::test]
async fn a_first_byte_that_is_late_but_in_time_is_heard() {
    let app = TestApp::new();
    let server = run(&app, |options| options.header_timeout = Duration::from_secs(2)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for piece in ["P", "O", "ST /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.write_all(piece.as_bytes()).await.unwrap();
    }
    assert!(rest(&mut stream).await.starts_with(b"HTTP/1.1 405 "));
}

#[tokio::test]
async fn pings_do_not_keep_a_connection_without_requests() {
    let app = TestApp::new();
    let server = run(&app, |options| options.write_timeout = NEVER).await;
    let mut idle = H2::open(&server, 65_535).await;
    let since = Instant::now();
    idle.live(SOON, 0).await;
    assert!(idle.is_closed && since.elapsed() >= Duration::from_millis(250));
    let mut asked = H2::open(&server, 65_535).await;
    asked.get(&app, "/livez").await;
    asked.live(SOON, 0).await;
    assert!(asked.is_whole && !asked.is_closed);
    asked.is_whole = false;
    asked.live(SOON, 0).await;
    assert!(asked.is_closed, "after its last answer");
}

#[tokio::test]
async fn a_stream_of_events_is_kept_while_it_waits_for_one() {
    let app = TestApp::new();
    let server = run(&app, |options| {
        options.write_timeout = Duration::from_millis(300);
        options.app.heartbeat = Duration::from_millis(900);
    })
    .await;
    let mut client = H2::open(&server, 65_535).await;
    client.get(&app, "/api/v1/trails/lab/events/stream").await;
    client.live(Duration::from_secs(2), 0).await;
    assert!(!client.is_closed);
    let text = String::from_utf8_lossy(&client.data).into_owned();
    assert!(text.matches(": alive").count() >= 2, "{text}");
    client.send(3, 0, 1, &8_u32.to_be_bytes()).await;
    client.live(SOON, 0).await;
    assert!(client.is_closed, "it does not want the stream any more");
}

#[tokio::test]
async fn an_answer_that_an_http_2_client_makes_no_room_for_ends_the_connection() {
    let app = TestApp::new();
    let server = run(&app, |options| {
        options.header_timeout = NEVER;
        options.write_timeout = Duration::from_millis(300);
    })
    .await;
    for (window, path) in [(0, "/livez"), (20_000, "/openapi.json")] {
        let mut client = H2::open(&server, window).await;
        client.get(&app, path).await;
        client.live(SOON, 0).await;
        assert!(client.is_closed, "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_an_http_2_client_takes_slowly_comes_whole() {
    let app = TestApp::new();
    let server = run(&app, |options| options.write_timeout = Duration::from_secs(1)).await;
    let whole = app.get("/openapi.json").await.body;
    let mut client = H2::open(&server, 1_000).await;
    client.get(&app, "/openapi.json").await;
    let since = Instant::now();
    client.live(4 * SOON, 3_000).await;
    assert!(client.is_whole && client.data == whole, "{} bytes", client.data.len());
    assert!(since.elapsed() > Duration::from_secs(1), "it took its time");
}

/// How many answers of a hundred kilobytes are asked for: more than the system buffers.
const ANSWERS: usize = 150;

/// Asks for many large answers.
async fn ask_for_much(stream: &mut (impl AsyncWrite + Unpin)) {
    let one = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n";
    let all = format!("{one}\r\n").repeat(ANSWERS - 1) + one + "connection: close\r\n\r\n";
    stream.write_all(all.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_loses_its_place() {
    let app = TestApp::new();
    let server = run(&app, |options| {
        options.connections_max = 1;
        options.write_timeout = Duration::from_secs(1);
    })
    .await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    ask_for_much(&mut first).await;
    let since = Instant::now();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut second).await.starts_with(b"HTTP/1.1 200 "));
    assert!(since.elapsed() < Duration::from_secs(4), "what the system buffers is soon full");
    let got = rest(&mut first).await;
    assert!(answers(&got) < ANSWERS, "it was cut off");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_loses_its_place_with_tls_too() {
    let (certificate, key) = certificate();
    let tls = Tls::read(&certificate, &key).unwrap();
    let app = TestApp::new();
    let server = run(&app, |options| {
        options.connections_max = 1;
        options.header_timeout = SOON;
        options.write_timeout = Duration::from_millis(300);
        options.tls = Some(tls);
    })
    .await;
    let mut first = handshake(server.address, &certificate, "http/1.1").await.unwrap();
    ask_for_much(&mut first).await;
    let second = timeout(2 * SOON, handshake(server.address, &certificate, "http/1.1")).await;
    assert!(second.expect("the place is free").is_ok());
    assert!(answers(&rest(&mut first).await) < ANSWERS, "it was cut off");
}

fn answers(bytes: &[u8]) -> usize {
    String::from_utf8_lossy(bytes).matches("HTTP/1.1 200 OK\r\n").count()
}

/// Reads a little at a time for a while, and then all that is left.
async fn read_slowly(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut got = Vec::new();
    let mut piece = vec![0; 8 * 1024];
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(3) {
        let count = stream.read(&mut piece).await.unwrap();
        got.extend(&piece[..count]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    got.extend(rest(stream).await);
    got
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_all_of_it() {
    let app = TestApp::new();
    let server = run(&app, |options| options.write_timeout = Duration::from_millis(500)).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    ask_for_much(&mut stream).await;
    assert_eq!(answers(&read_slowly(&mut stream).await), ANSWERS);
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_all_of_it_with_tls_too() {
    let (certificate, key) = certificate();
    let tls = Tls::read(&certificate, &key).unwrap();
    let app = TestApp::new();
    let server = run(&app, |options| {
        options.header_timeout = SOON;
        options.write_timeout = Duration::from_millis(500);
        options.tls = Some(tls);
    })
    .await;
    let mut stream = handshake(server.address, &certificate, "http/1.1").await.unwrap();
    ask_for_much(&mut stream).await;
    assert_eq!(answers(&read_slowly(&mut stream).await), ANSWERS);
}

/// Sends the beginning of a form that has so many bytes, and gives what is answered.
async fn begin_form(server: &Running, path: &str, more: &str, length: usize) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: {length}\r\n\r\nto");
    stream.write_all(head.as_bytes()).await.unwrap();
    String::from_utf8(rest(&mut stream).await).unwrap()
}

#[tokio::test]
async fn a_form_that_does_not_come_is_given_up() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    let app = TestApp::new();
    let server = run(&app, |_| {}).await;
    let token = format!("token={}", app.token);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let signin = format!(
        "POST /signin HTTP/1.1\r\nhost: x\r\n{FORM}connection: close\r\n\
         content-length: {}\r\n\r\n{token}",
        token.len()
    );
    stream.write_all(signin.as_bytes()).await.unwrap();
    let signed_in = String::from_utf8(rest(&mut stream).await).unwrap();
    let session = signed_in.split_once("set-cookie: ").unwrap().1.split(';').next().unwrap();
    let form = format!("{FORM}cookie: {session}\r\n");
    for path in ["/signin", "/display", "/t/lab/views", "/t/lab/integrity"] {
        let slow = begin_form(&server, path, &form, 100).await;
        assert!(slow.starts_with("HTTP/1.1 408 "), "{path}: {slow}");
        assert!(slow.contains("text/html") && slow.contains("upload-too-slow"), "{slow}");
        let large = begin_form(&server, path, &form, 100_000).await;
        assert!(large.starts_with("HTTP/1.1 413 "), "{path}: {large}");
        let other = begin_form(&server, path, &format!("cookie: {session}\r\n"), 2).await;
        assert!(other.starts_with("HTTP/1.1 415 "), "{path}: {other}");
    }
}

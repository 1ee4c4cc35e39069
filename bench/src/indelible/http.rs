//! HTTP/1.1 as far as a load generator needs it: one request, one answer, connections kept.
//!
//! It reads the status, the length and the body, and nothing else. Absent on purpose: TLS,
//! redirects, compression, pipelining.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    body: Vec<u8>,
}

/// How the length of a body is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::with_capacity(1 << 16), body: Vec::new() })
    }

    /// Sends a whole request and reads the answer: its status and its body.
    pub(crate) async fn request(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        self.stream.write_all(request).await.context("send")?;
        let head_end = loop {
            if let Some(end) = memchr::memmem::find(&self.input, b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(self.input.len() < HEAD_BYTES_MAX, "the answer's head has no end");
            self.fill().await?;
        };
        let head = self.input.get(..head_end).unwrap_or_default();
        let (status, framing) = parse_head(head)?;
        self.input.drain(..head_end);
        self.body.clear();
        match framing {
            Framing::Length(bytes) => self.take(bytes).await?,
            Framing::Chunked => self.take_chunks().await?,
        }
        Ok((status, &self.body))
    }

    async fn fill(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.input).await.context("read")?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }

    /// Moves so many bytes from the input to the body.
    async fn take(&mut self, bytes: usize) -> Result<()> {
        while self.input.len() < bytes {
            self.fill().await?;
        }
        self.body.extend(self.input.drain(..bytes));
        Ok(())
    }

    async fn take_chunks(&mut self) -> Result<()> {
        loop {
            let end = loop {
                if let Some(end) = memchr::memmem::find(&self.input, b"\r\n") {
                    break end;
                }
                self.fill().await?;
            };
            let line = std::str::from_utf8(self.input.get(..end).unwrap_or_default())?;
            let bytes = usize::from_str_radix(line.trim(), 16).context("a chunk's size")?;
            self.input.drain(..end + 2);
            self.take(bytes).await?;
            let kept = self.body.len();
            self.take(2).await?;
            self.body.truncate(kept);
            if bytes == 0 {
                return Ok(());
            }
        }
    }
}

fn parse_head(head: &[u8]) -> Result<(u16, Framing)> {
    let head = std::str::from_utf8(head)?;
    let status = head.get(9..12).context("no status")?.parse().context("no status")?;
    let mut framing = Framing::Length(0);
    for line in head.lines().skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse().context("content-length")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
    Ok((status, framing))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(text: &'static str) -> (u16, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 64];
            let _ = stream.read(&mut buffer).await.unwrap();
            for piece in text.as_bytes().chunks(7) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut connection = Connection::open(address).await.unwrap();
        let (status, body) = connection.request(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let read = (status, String::from_utf8(body.to_vec()).unwrap());
        server.await.unwrap();
        read
    }

    #[tokio::test]
    async fn answers_with_a_length_and_in_chunks_are_read_whole() {
        let plain = "HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\nhello world";
        assert_eq!(answer(plain).await, (201, "hello world".into()));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n";
        assert_eq!(answer(chunked).await, (200, "hello world".into()));
    }
}

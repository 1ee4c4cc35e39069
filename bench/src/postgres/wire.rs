//! PostgreSQL's protocol, version 3, as far as the benchmark speaks it: simple queries, `COPY` from
//! the client and one prepared statement.
//!
//! A client library would cost the processor more than this, on two cores shared with the server:
//! both sides are driven by the lightest client there is. No TLS, no passwords: the socket lies in
//! a folder that only the benchmark can enter.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// One connection, which is one server process.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    out: Vec<u8>,
    input: Vec<u8>,
    taken: usize,
}

/// Rows of an answer in text form.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bodies: Vec<Vec<u8>>,
}

impl Connection {
    /// Connects as the superuser to a database.
    pub(crate) async fn open(socket: &Path, database: &str) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .await
            .with_context(|| format!("connect to {}", socket.display()))?;
        let mut connection =
            Self { stream, out: Vec::new(), input: Vec::with_capacity(1 << 16), taken: 0 };
        let body = format!("user\0postgres\0database\0{database}\0\0");
        connection.out.extend(length(body.len() + 8)?);
        connection.out.extend(196_608_u32.to_be_bytes());
        connection.out.extend(body.as_bytes());
        connection.answer().await?;
        Ok(connection)
    }

    /// Runs SQL and takes the rows of its answer.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Rows> {
        self.message(b'Q', &[sql.as_bytes(), b"\0"])?;
        self.answer().await.with_context(|| format!("run {sql}"))
    }

    /// Runs SQL whose answer is one number.
    pub(crate) async fn number(&mut self, sql: &str) -> Result<u64> {
        let rows = self.query(sql).await?;
        let text = rows.first().next().context("no row")?;
        text.parse().with_context(|| format!("a number was expected, not {text:?}"))
    }

    /// Runs a `COPY … FROM STDIN` with all its data, in one write: one transaction, durable when
    /// this returns.
    pub(crate) async fn copy(&mut self, sql: &str, data: &[u8]) -> Result<()> {
        self.message(b'Q', &[sql.as_bytes(), b"\0"])?;
        self.message(b'd', &[data])?;
        self.message(b'c', &[])?;
        self.answer().await.context("copy")?;
        Ok(())
    }

    /// Prepares the statement that [`Connection::execute`] runs.
    pub(crate) async fn prepare(&mut self, sql: &str) -> Result<()> {
        self.message(b'P', &[b"s\0", sql.as_bytes(), b"\0\0\0"])?;
        self.message(b'S', &[])?;
        self.answer().await.context("prepare")?;
        Ok(())
    }

    /// Runs the prepared statement with parameters in text form: one transaction.
    pub(crate) async fn execute(&mut self, parameters: &[&[u8]]) -> Result<()> {
        let count = u16::try_from(parameters.len())?.to_be_bytes();
        let body: usize = parameters.iter().map(|value| value.len() + 4).sum();
        self.out.push(b'B');
        self.out.extend(length(body + 4 + 3 + 2 + 2 + 2)?);
        self.out.extend(b"\0s\0\0\0");
        self.out.extend(count);
        for value in parameters {
            self.out.extend(length(value.len())?);
            self.out.extend(*value);
        }
        self.out.extend(b"\0\0");
        self.message(b'E', &[b"\0\0\0\0\0"])?;
        self.message(b'S', &[])?;
        self.answer().await.context("insert")?;
        Ok(())
    }

    fn message(&mut self, kind: u8, parts: &[&[u8]]) -> Result<()> {
        self.out.push(kind);
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        self.out.extend(length(bytes + 4)?);
        for part in parts {
            self.out.extend(*part);
        }
        Ok(())
    }

    /// Sends what is pending and reads until the server is ready for the next.
    async fn answer(&mut self) -> Result<Rows> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        let mut rows = Rows::default();
        let mut failure = None;
        loop {
            let (kind, body) = self.read().await?;
            match kind {
                b'Z' => break,
                b'D' => rows.bodies.push(body.to_vec()),
                b'E' => failure = Some(String::from_utf8_lossy(body).replace('\0', " ")),
                b'R' => ensure!(body == [0; 4], "the server asks for a password"),
                _ => {}
            }
        }
        if let Some(failure) = failure {
            bail!("{failure}");
        }
        Ok(rows)
    }

    /// The next message: its kind and its body.
    async fn read(&mut self) -> Result<(u8, &[u8])> {
        loop {
            let pending = self.input.get(self.taken..).unwrap_or_default();
            if let [kind, a, b, c, d, ..] = *pending {
                let size = usize::try_from(u32::from_be_bytes([a, b, c, d]))? + 1;
                if pending.len() >= size {
                    let start = self.taken;
                    self.taken += size;
                    let body = self.input.get(start + 5..start + size).unwrap_or_default();
                    return Ok((kind, body));
                }
            }
            self.input.drain(..self.taken);
            self.taken = 0;
            let read = self.stream.read_buf(&mut self.input).await?;
            ensure!(read > 0, "the server closed the connection");
        }
    }
}

impl Rows {
    /// How many rows there are.
    pub(crate) const fn len(&self) -> usize {
        self.bodies.len()
    }

    /// The columns of the first row.
    pub(crate) fn first(&self) -> impl Iterator<Item = &str> {
        self.iter().next().unwrap_or_default().into_iter()
    }

    /// Each row's columns; NULL is empty.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Vec<&str>> {
        self.bodies.iter().map(|body| columns(body).unwrap_or_default())
    }
}

fn columns(body: &[u8]) -> Option<Vec<&str>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut columns = Vec::with_capacity(usize::from(u16::from_be_bytes(*count)));
    for _ in 0..u16::from_be_bytes(*count) {
        let (size, after) = rest.split_first_chunk::<4>()?;
        let size = usize::try_from(i32::from_be_bytes(*size)).unwrap_or_default();
        let (value, after) = after.split_at_checked(size)?;
        columns.push(std::str::from_utf8(value).ok()?);
        rest = after;
    }
    Some(columns)
}

fn length(bytes: usize) -> Result<[u8; 4]> {
    Ok(i32::try_from(bytes)?.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_row_are_read_and_null_is_empty() {
        let body = [&[0, 3][..], &[0, 0, 0, 2], b"ab", &[255; 4], &[0, 0, 0, 1], b"c"].concat();
        assert_eq!(columns(&body), Some(vec!["ab", "", "c"]));
        assert_eq!(columns(&body[..9]), None);
    }
}

//! The door for the person at the machine: a Unix socket in the data directory.
//!
//! Commands on a directory that a server holds go through it, so that nobody has to stop the server
//! or to keep a token at hand. It speaks the same HTTP as the port.
//!
//! **Trust.** Whoever comes in may do everything: they run as the user of the server or as root, as
//! the system itself says of the peer, and could read the directory's keys anyway. The name that they
//! give for themselves is taken as it is and stands in the events that they cause.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{Extensions, HeaderMap};
use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the data directory.
pub const CONTROL_SOCKET: &str = "control.sock";

/// The header in which the person at the machine says their name.
pub const OPERATOR_HEADER: &str = "indelible-operator";

/// A longer name is no name.
const NAME_BYTES_MAX: usize = 255;

/// Marks a request that came through the door.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    uid: u32,
}

impl Operator {
    /// What the person of a request is called, if it came through the door.
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions) -> Option<String> {
        let Self { uid } = extensions.get()?;
        let name = headers.get(OPERATOR_HEADER).and_then(|name| name.to_str().ok());
        let name = name.filter(|name| (1..=NAME_BYTES_MAX).contains(&name.len()));
        Some(name.map_or_else(|| format!("uid:{uid}"), ToOwned::to_owned))
    }
}

/// The path by which a socket of a directory is reached: a socket's own path has at most 107 bytes,
/// a directory's may have more.
pub fn control_path(directory: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(CONTROL_SOCKET)
}

/// The open door. It is closed and its name removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    directory: File,
    listener: UnixListener,
    /// Who made the socket: the user that this process runs as.
    uid: u32,
}

impl Control {
    /// Opens the door. The caller holds the directory's lock, so that a socket that is there already
    /// was left by a process that died.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let directory = File::open(directory)?;
        let path = control_path(&directory);
        match fs::symlink_metadata(&path) {
            Ok(left) if left.file_type().is_socket() => fs::remove_file(&path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let uid = fs::symlink_metadata(&path)?.uid();
        Ok(Self { directory, listener, uid })
    }

    /// The next person who may come in.
    pub(crate) async fn accept(&self) -> (UnixStream, Operator) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => match stream.peer_cred() {
                    // Before the socket's mode was set, anybody may have connected.
                    Ok(peer) if peer.uid() == 0 || peer.uid() == self.uid => {
                        return (stream, Operator { uid: peer.uid() });
                    }
                    Ok(peer) => {
                        tracing::warn!(uid = peer.uid(), "another user at the control socket");
                    }
                    Err(error) => tracing::warn!(%error, "nobody known at the control socket"),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept at the control socket");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // One that stays is taken for what it is by the next server and by every command.
        let _ = fs::remove_file(control_path(&self.directory));
    }
}

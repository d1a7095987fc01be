//! The socket as a file: where it lies, whom it lets in, and that nobody else listens there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{chown, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// No socket at this path.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The folder of the socket is not one that only its owner can change.
    #[error("{folder}: {what}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the operator must change.
        what: &'static str,
    },
    /// Something that is no socket has the name. It stays.
    #[error("{0} is there already, and is no socket")]
    Taken(String),
    /// Another process listens there.
    #[error("another engine listens at {0}: end it first, or name another socket")]
    Live(String),
    /// The system's word.
    #[error("cannot {what} {path}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: String,
        /// The system's word.
        source: io::Error,
    },
}

/// The socket's place. Dropping it removes the socket.
pub(crate) struct Place {
    path: PathBuf,
    /// Locked as long as we listen; the kernel lets it go when the process ends, however it ends.
    _lock: File,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays behind is replaced by the next engine.
        drop(fs::remove_file(&self.path));
    }
}

/// Listens at `path`, for processes of the user `uid` alone: only that user may open the socket's file.
pub(crate) fn listen(path: &Path, uid: u32) -> Result<(UnixListener, Place), SocketError> {
    let ours = geteuid().as_raw();
    check_folder(folder_of(path), ours, uid)?;
    let lock = lock(path)?;
    remove_stale(path)?;
    // Under another name until it is as it must be.
    let unfinished = beside(path, ".new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(system("remove", &unfinished)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&unfinished).map_err(system("listen at", &unfinished))?;
    fs::set_permissions(&unfinished, Permissions::from_mode(0o600))
        .map_err(system("restrict", &unfinished))?;
    if uid != ours {
        chown(&unfinished, Some(uid), None)
            .map_err(system("give to the other user", &unfinished))?;
    }
    fs::rename(&unfinished, path).map_err(system("put in place", path))?;
    let path = path.to_owned();
    Ok((listener, Place { path, _lock: lock }))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Ours, no link, and nobody else can put anything there. Where the socket is for our own user, nobody else looks in.
fn check_folder(folder: &Path, ours: u32, uid: u32) -> Result<(), SocketError> {
    let found = fs::symlink_metadata(folder).map_err(system("look at", folder))?;
    let closed_to_others = if uid == ours { 0o077 } else { 0o022 };
    let what = if !found.is_dir() {
        "not a folder"
    } else if found.uid() != ours {
        "the folder of the socket must belong to the user that runs the engine"
    } else if found.mode() & closed_to_others == 0 {
        return Ok(());
    } else if uid == ours {
        "others can reach the folder of the socket: make its mode 0700"
    } else {
        "others can change the folder of the socket: make its mode 0711"
    };
    let folder = folder.display().to_string();
    Err(SocketError::Folder { folder, what })
}

fn lock(path: &Path) -> Result<File, SocketError> {
    let at = beside(path, ".lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&at)
        .map_err(system("open", &at))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SocketError::Live(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(system("lock", &at)(error)),
    }
}

/// With the lock in hand a socket that is there is one that was left behind, unless another kind of program listens.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(system("look at", path)(error)),
        Ok(found) if !found.file_type().is_socket() => {
            Err(SocketError::Taken(path.display().to_string()))
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            Err(SocketError::Live(path.display().to_string()))
        }
        Ok(_) => fs::remove_file(path).map_err(system("remove", path)),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

pub(crate) fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SocketError {
    let path = path.display().to_string();
    move |source| SocketError::System { what, path, source }
}

/// The user of the process at the other end, as the kernel knows it since that process connected.
pub(crate) fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    #[cfg(target_os = "linux")]
    {
        let peer = rustix::net::sockopt::socket_peercred(stream)?;
        Ok(peer.uid.as_raw())
    }
    #[cfg(not(target_os = "linux"))]
    {
        drop(stream);
        Err(ErrorKind::Unsupported.into())
    }
}

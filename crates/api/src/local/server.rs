//! The socket: ours alone, and every connection's user looked at before a byte of it is read.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::backend::Backend;
use super::routes::router;

/// Connections at once.
const CONNECTIONS_MAX: usize = 64;
/// Longest that one may take: a request, its answer, and the wait between.
const CONNECTION_MAX: Duration = Duration::from_secs(120);
/// Longest that a request's head may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// A socket that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another process answers there.
    #[error("{0}: another node serves this socket; stop it first")]
    Taken(PathBuf),
    /// Something else has its name.
    #[error("{0} is there and is no socket: name another one under api.socket")]
    NoSocket(PathBuf),
    /// The system's word.
    #[error("{0}: {1}")]
    System(PathBuf, io::Error),
}

/// What was refused.
#[derive(Clone, Debug, Default)]
pub struct ServerStatus {
    strangers: Arc<AtomicU64>,
}

impl ServerStatus {
    /// Connections of other users.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }
}

/// The interface of a node, listening.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    uids: BTreeSet<u32>,
    status: ServerStatus,
}

impl Server {
    /// Listens at `path` with mode 0600. Our own user may connect, and whoever `uids` names, where the file's mode and
    /// folder let them. A socket that nobody serves any more is replaced.
    ///
    /// # Errors
    /// [`ServerError`]
    pub fn bind(path: &Path, uids: BTreeSet<u32>) -> Result<Self, ServerError> {
        let system = |error| ServerError::System(path.to_owned(), error);
        if let Ok(found) = fs::symlink_metadata(path) {
            if !found.file_type().is_socket() {
                return Err(ServerError::NoSocket(path.to_owned()));
            }
            if Probe::connect(path).is_ok() {
                return Err(ServerError::Taken(path.to_owned()));
            }
            fs::remove_file(path).map_err(system)?;
        }
        // Under another name until its mode is right: there is no moment at which others could connect.
        let mut unready = path.as_os_str().to_owned();
        unready.push(".new");
        let unready = PathBuf::from(unready);
        let _absent = fs::remove_file(&unready);
        let listener = UnixListener::bind(&unready).map_err(system)?;
        let mode = if uids.is_empty() { 0o600 } else { 0o666 };
        fs::set_permissions(&unready, fs::Permissions::from_mode(mode)).map_err(system)?;
        fs::rename(&unready, path).map_err(system)?;
        let mut uids = uids;
        uids.insert(rustix::process::geteuid().as_raw());
        Ok(Self {
            listener,
            path: path.to_owned(),
            uids,
            status: ServerStatus::default(),
        })
    }

    /// Counts of what was refused.
    #[must_use]
    pub fn status(&self) -> ServerStatus {
        self.status.clone()
    }

    /// Serves until `stop` is ready; then requests under way get a moment to end.
    pub async fn serve(self, backend: Backend, stop: impl std::future::Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let place = Arc::clone(&places).acquire_owned();
            let accepted = async {
                let place = place.await;
                (place, self.listener.accept().await)
            };
            tokio::select! {
                () = &mut stop => break,
                (place, accepted) = accepted => {
                    let Ok((stream, _)) = accepted else {
                        // No descriptors left, or the like: it is tried again, not at full speed.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    };
                    if self.is_allowed(&stream) {
                        let backend = backend.clone();
                        connections.spawn(async move {
                            // Longer than any question may wait: what takes longer is nobody's question.
                            let served = connection(stream, backend);
                            let _late = tokio::time::timeout(CONNECTION_MAX, served).await;
                            drop(place);
                        });
                    }
                }
            }
            while connections.try_join_next().is_some() {}
        }
        let ending = async { while connections.join_next().await.is_some() {} };
        let _late = tokio::time::timeout(Duration::from_millis(500), ending).await;
    }

    /// Who is not known to us is counted and heard no further.
    fn is_allowed(&self, stream: &UnixStream) -> bool {
        let peer = stream.peer_cred();
        let allowed = peer.is_ok_and(|peer| self.uids.contains(&peer.uid()));
        if !allowed {
            self.status.strangers.fetch_add(1, Ordering::Relaxed);
        }
        allowed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever comes next replaces it anyway.
        let _gone = fs::remove_file(&self.path);
    }
}

async fn connection(stream: UnixStream, backend: Backend) {
    let service = TowerToHyperService::new(router(backend));
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .keep_alive(false)
        .max_buf_size(64 * 1024);
    // A client that breaks off has nobody to be told.
    let _broken_off = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

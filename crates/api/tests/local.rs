#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The local interface's socket: who gets in, and who is not even heard.

use std::fs::{set_permissions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use hardfrost_api::local::{Backend, Server, ServerStatus};
use rustix::process::{geteuid, Uid};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

/// A user that is not this test's.
const NOBODY: u32 = 65534;

/// A server in a thread of this test. Nobody stands behind it: `/healthz` asks nobody.
struct Served {
    folder: TempDir,
    status: ServerStatus,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Served {
    fn new(uids: &[u32]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Everybody may pass: what keeps strangers out is not the folder here.
        set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        let (path, uids) = (folder.path().join("node.sock"), uids.to_vec());
        let (stop, stopping) = oneshot::channel::<()>();
        let (told, ready) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::bind(&path, uids.into_iter().collect()).unwrap();
                told.send(server.status()).unwrap();
                let (calls, _nobody) = mpsc::channel(1);
                let (_changes, changed) = watch::channel(0);
                let stopped = async { drop(stopping.await) };
                server.serve(Backend::new(calls, changed), stopped).await;
            });
        });
        Self {
            folder,
            status: ready.recv().unwrap(),
            stop,
            thread,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("node.sock")
    }

    /// How many were turned away.
    fn end(self) -> u64 {
        drop(self.stop);
        self.thread.join().unwrap();
        self.status.strangers()
    }
}

/// What a user hears who asks whether the node is well; `None` if it does not even connect.
fn health(path: &Path, uid: u32) -> Option<String> {
    // Only this thread becomes somebody else.
    let asks = |path: &Path| {
        if uid != geteuid().as_raw() {
            let uid = Uid::from_raw(uid);
            rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        }
        let mut stream = UnixStream::connect(path).ok()?;
        // What is sent may find the line closed.
        drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
        let mut said = String::new();
        drop(stream.read_to_string(&mut said));
        Some(said)
    };
    thread::scope(|scope| scope.spawn(|| asks(path)).join().unwrap())
}

#[test]
fn n08_the_nodes_own_user_gets_in_and_the_mode_keeps_all_others_out() {
    let served = Served::new(&[]);
    let path = served.path();
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let own = health(&path, geteuid().as_raw()).unwrap();
    assert!(own.ends_with("ok\n"), "{own}");
    if geteuid().is_root() {
        assert_eq!(health(&path, NOBODY), None);
    } else {
        println!("skipped: only root can be another user");
    }
    assert_eq!(served.end(), 0);
}

#[test]
fn n08_of_those_whom_the_mode_lets_in_only_who_is_named_is_heard() {
    if !geteuid().is_root() {
        println!("skipped: only root can be another user");
        return;
    }
    let served = Served::new(&[NOBODY]);
    let named = health(&served.path(), NOBODY).unwrap();
    assert!(named.ends_with("ok\n"), "{named}");
    // Closed before a byte is read, and nothing is said.
    assert_eq!(health(&served.path(), NOBODY - 1).as_deref(), Some(""));
    assert_eq!(served.end(), 1);
}

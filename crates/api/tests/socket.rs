#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! An engine behind a socket is as one in this process, for one client of one user.

mod support;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{chown, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hardfrost_api::engine::{
    ConnectError, EngineClient, EngineGone, EngineHandle, EngineIdentity, EngineServer,
    EngineServerStop, EngineThread, ServerCounts, SocketError,
};
use hardfrost_engine::{Command, Convict, InstallPolicy, Reply, Ticket, Unquarantine};
use hardfrost_primitives::{Hash32, KeyGroup, Member};
use hardfrost_spend::Policy;
use rustix::process::geteuid;
use support::{clock, deal, engine, make_key, wait, Counted, Inbox};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

const IDENTITY: EngineIdentity = EngineIdentity {
    store: [7; 16],
    generation: 3,
};

/// A user that is not this test's.
const NOBODY: u32 = 65534;

/// A server in a thread of this test.
struct Served {
    folder: TempDir,
    log: Counted,
    stop: EngineServerStop,
    thread: JoinHandle<ServerCounts>,
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    folder
}

impl Served {
    fn new() -> Self {
        let folder = folder();
        let server = EngineServer::bind(&folder.path().join("engine.sock"), None).unwrap();
        Self::with(folder, server)
    }

    fn with(folder: TempDir, server: EngineServer) -> Self {
        let log = Counted::default();
        let engine = EngineThread::start(engine(), log.clone(), clock).unwrap();
        let stop = server.stopper();
        let thread = thread::spawn(move || server.run(&engine, IDENTITY).unwrap());
        Self {
            folder,
            log,
            stop,
            thread,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    fn connect(&self) -> Result<(EngineHandle, Inbox), ConnectError> {
        let (replies, inbox) = unbounded_channel();
        let (handle, identity) = EngineClient::connect(&self.path(), replies)?;
        assert_eq!(identity, IDENTITY);
        Ok((handle, inbox))
    }

    /// As soon as the one before is gone.
    fn connect_next(&self) -> (EngineHandle, Inbox) {
        loop {
            match self.connect() {
                Ok(connected) => return connected,
                Err(ConnectError::Busy(_)) => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn end(self) -> ServerCounts {
        self.stop.stop();
        let counts = self.thread.join().unwrap();
        assert!(!self.folder.path().join("engine.sock").exists());
        counts
    }
}

#[test]
fn a_key_is_made_through_the_socket_with_a_sync_for_a_batch() {
    let served = Served::new();
    let (engine, mut inbox) = served.connect().unwrap();
    assert_eq!(wait(engine.held_keys()), Ok(Vec::new()));
    make_key(&engine, &mut inbox);
    assert_eq!(served.log.appends(), 2);
    let held = wait(engine.held_keys()).unwrap();
    let [key] = &held[..] else {
        panic!("{held:?}");
    };
    assert_eq!(key.seats, Member::all(2).collect());
    assert_eq!(&*key.file, b"certificate");
    let status = wait(engine.status()).unwrap();
    assert_eq!(status.keys[0].key_group, *key.public.key_group());
    assert_eq!(wait(engine.operator_words()), Ok(Vec::new()));
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(wait(engine.left_behind(day)), Ok(Vec::new()));
    let proof = vec![9; (2 << 20) - 9];
    let convict = Command::Convict(Convict {
        key_group: key.public.key_group().clone(),
        member: Member::new(2).unwrap(),
        evidence: Hash32([9; 32]),
        proof: proof.clone(),
    });
    engine.ask(vec![(Ticket(0), convict)]).unwrap();
    assert!(matches!(
        inbox.blocking_recv(),
        Some((Ticket(0), Reply::Changed(_)))
    ));
    let convictions = wait(engine.convictions()).unwrap();
    assert_eq!(convictions[0].proof, proof);
    drop((engine, inbox));
    assert_eq!(served.end().served, 1);
}

#[test]
fn a_command_too_large_for_a_message_is_refused_and_the_line_lives_on() {
    let served = Served::new();
    let (engine, mut inbox) = served.connect().unwrap();
    make_key(&engine, &mut inbox);
    let held = wait(engine.held_keys()).unwrap();
    let convict = Command::Convict(Convict {
        key_group: held[0].public.key_group().clone(),
        member: Member::FIRST,
        evidence: Hash32([1; 32]),
        proof: vec![0; 16 << 20],
    });
    engine.ask(vec![(Ticket(4), convict)]).unwrap();
    let (ticket, reply) = inbox.blocking_recv().unwrap();
    let Reply::Rejected(rejection) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(
        (ticket, rejection.code().as_str()),
        (Ticket(4), "capacity_exceeded")
    );
    assert_eq!(wait(engine.status()).unwrap().keys.len(), 1);
}

#[test]
fn a_second_client_is_told_that_the_engine_is_busy() {
    let served = Served::new();
    let (first, inbox) = served.connect().unwrap();
    let refused = served.connect().err().unwrap();
    assert!(matches!(refused, ConnectError::Busy(_)), "{refused}");
    assert!(
        refused.to_string().contains("one engine has one node"),
        "{refused}"
    );
    assert!(wait(first.status()).is_ok());
    drop((first, inbox));
    let (next, _inbox) = served.connect_next();
    assert!(wait(next.status()).is_ok());
    drop(next);
    let counts = served.end();
    assert_eq!((counts.served, counts.strangers), (2, 0));
    assert!(counts.busy >= 1);
}

#[test]
fn what_a_client_had_under_way_ends_with_it() {
    let served = Served::new();
    let (first, mut inbox) = served.connect().unwrap();
    first.ask(vec![(Ticket(1), deal(Member::FIRST))]).unwrap();
    assert!(matches!(
        inbox.blocking_recv(),
        Some((_, Reply::DkgDealt(_)))
    ));
    assert_eq!(wait(first.status()).unwrap().ceremonies, 1);
    drop((first, inbox));
    let (next, _inbox) = served.connect_next();
    assert_eq!(wait(next.status()).unwrap().ceremonies, 0);
}

#[test]
fn a_server_that_stops_answers_what_was_asked_and_says_why_it_goes() {
    let served = Served::new();
    let (engine, mut inbox) = served.connect().unwrap();
    make_key(&engine, &mut inbox);
    let counts = served.end();
    assert_eq!(counts.served, 1);
    assert_eq!(inbox.blocking_recv(), None);
    let why = engine.gone().unwrap();
    assert!(matches!(why, EngineGone::Closed(_)), "{why}");
    assert_eq!(wait(engine.status()), Err(why));
}

/// Everything that is said until the line ends.
fn rest(mut stream: UnixStream) -> String {
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn what_is_no_message_closes_the_connection_with_a_reason_and_harms_nobody_else() {
    let served = Served::new();
    let hello = [0, 0, 0, 3, 0, 1, 0];
    let malformed: [(&[u8], &str); 5] = [
        (&[0, 0, 0, 1, 200], "ToEngine does not read"),
        (&[0, 0, 0, 2, 1, 0], "ToEngine does not read"),
        (&hello, "a second hello does not read"),
        (&[0xff; 4], "at most 16777216 are taken"),
        (
            &[0, 0, 0, 6, 1, 0, 0, 0, 0, 9],
            "a message with bytes left over does not read",
        ),
    ];
    for (bytes, why) in malformed {
        let mut stream = next_by_hand(&served);
        stream.write_all(&hello).unwrap();
        stream.write_all(bytes).unwrap();
        let said = rest(stream);
        assert!(
            said.contains(why) || why.starts_with("ToEngine"),
            "{said}: {why}"
        );
        assert!(!said.is_empty());
    }
    // Another version, and something else than a hello.
    for bytes in [&[0, 0, 0, 3, 0, 2, 0][..], &[0, 0, 0, 5, 1, 0, 0, 0, 0]] {
        let mut stream = next_by_hand(&served);
        stream.write_all(bytes).unwrap();
        assert_eq!(rest(stream), "");
    }
    // Cut short in a message.
    let mut stream = next_by_hand(&served);
    stream.write_all(&hello).unwrap();
    stream.write_all(&[0, 0, 0, 9, 1]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(stream), "");
    let (engine, _inbox) = served.connect_next();
    assert!(wait(engine.status()).is_ok());
    drop(engine);
    assert_eq!(served.end().malformed, 7);
}

/// Connects by hand and hears the greeting, as soon as the one before is gone.
fn next_by_hand(served: &Served) -> UnixStream {
    // A client that is let in and leaves shows that the one before has gone.
    drop(served.connect_next());
    loop {
        let mut stream = UnixStream::connect(served.path()).unwrap();
        let mut head = [0; 4 + 16 + 2 + 1];
        stream.read_exact(&mut head).unwrap();
        if head[22] == 0 {
            let mut identity = [0; 24];
            stream.read_exact(&mut identity).unwrap();
            return stream;
        }
    }
}

#[test]
fn whatever_else_listens_is_no_engine() {
    let folder = folder();
    let path = folder.path().join("engine.sock");
    let (replies, _inbox) = unbounded_channel();
    let none = EngineClient::connect(&path, replies.clone()).err().unwrap();
    assert!(matches!(none, ConnectError::Unreachable { .. }), "{none}");
    let listener = UnixListener::bind(&path).unwrap();
    let said: [(&[u8], bool); 3] = [
        (b"", false),
        (b"HTTP/1.1 200 OK", false),
        // An engine of another release, which is busy.
        (b"\0\0\0\x13hardfrost-engine\x02\0\x01", true),
    ];
    for (bytes, is_version) in said {
        let other = thread::spawn({
            let listener = listener.try_clone().unwrap();
            move || listener.accept().unwrap().0.write_all(bytes).unwrap()
        });
        let refused = EngineClient::connect(&path, replies.clone()).err().unwrap();
        let told = matches!(refused, ConnectError::Version { theirs: 2, .. });
        assert_eq!(told, is_version, "{refused}");
        other.join().unwrap();
    }
}

#[test]
fn n08_the_socket_and_its_folder_are_out_of_others_reach() {
    let served = Served::new();
    let mode = fs::symlink_metadata(served.path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    served.end();
    let folder = folder();
    let path = folder.path().join("engine.sock");
    for mode in [0o755, 0o710, 0o777, 0o701] {
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        let refused = EngineServer::bind(&path, None).err().unwrap();
        assert!(
            matches!(refused, SocketError::Folder { .. }),
            "{mode:o}: {refused}"
        );
        assert!(!path.exists());
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    // A link to a folder is none.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let refused = EngineServer::bind(&link.join("engine.sock"), None)
        .err()
        .unwrap();
    assert!(matches!(refused, SocketError::Folder { .. }), "{refused}");
    if geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), None).unwrap();
        let refused = EngineServer::bind(&path, None).err().unwrap();
        assert!(matches!(refused, SocketError::Folder { .. }), "{refused}");
    }
}

#[test]
fn n08_another_user_is_closed_before_a_byte_is_read_or_said() {
    if !geteuid().is_root() {
        println!("skipped: only root can be another user");
        return;
    }
    // The engine is for nobody, and we are root, whom no mode keeps out.
    let folder = folder();
    let path = folder.path().join("engine.sock");
    let server = EngineServer::bind(&path, Some(NOBODY)).unwrap();
    let served = Served::with(folder, server);
    for _ in 0..3 {
        let mut stream = UnixStream::connect(&path).unwrap();
        // Somebody who is let in waits for an answer, and no longer than this.
        let timeout = Some(Duration::from_secs(5));
        stream.set_read_timeout(timeout).unwrap();
        // What is sent may find the line closed.
        drop(stream.write_all(&[0, 0, 0, 3, 0, 1, 0]));
        let mut said = Vec::new();
        // An end, or a line that was reset because what we said was not read.
        drop(stream.read_to_end(&mut said));
        assert_eq!(said, b"");
    }
    let refused = served.connect().err().unwrap();
    assert!(
        matches!(refused, ConnectError::NoEngine { .. }),
        "{refused}"
    );
    let counts = served.end();
    assert_eq!((counts.strangers, counts.served), (4, 0));
}

#[test]
fn n08_the_user_who_is_meant_gets_in_and_no_other() {
    if !geteuid().is_root() {
        println!("skipped: only root can be another user");
        return;
    }
    let folder = folder();
    let path = folder.path().join("engine.sock");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    let server = EngineServer::bind(&path, Some(NOBODY)).unwrap();
    let served = Served::with(folder, server);
    // Only this thread becomes somebody else.
    let as_user = |uid: u32| {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let uid = rustix::process::Uid::from_raw(uid);
                rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
                served.connect()
            });
            thread.join().unwrap()
        })
    };
    let refused = as_user(NOBODY - 1).err().unwrap();
    assert!(
        matches!(refused, ConnectError::Unreachable { .. }),
        "{refused}"
    );
    let (engine, _inbox) = as_user(NOBODY).unwrap();
    assert!(wait(engine.status()).is_ok());
    drop(engine);
    let counts = served.end();
    assert_eq!((counts.strangers, counts.served), (0, 1));
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_a_live_one_is_not() {
    let folder = folder();
    let path = folder.path().join("engine.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = EngineServer::bind(&path, None).unwrap();
    let second = EngineServer::bind(&path, None).err().unwrap();
    assert!(matches!(second, SocketError::Live(_)), "{second}");
    drop(server);
    assert!(!path.exists());
    // Another kind of program, which does not know of our lock.
    let stranger = UnixListener::bind(&path).unwrap();
    let refused = EngineServer::bind(&path, None).err().unwrap();
    assert!(matches!(refused, SocketError::Live(_)), "{refused}");
    drop(stranger);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "no socket").unwrap();
    let refused = EngineServer::bind(&path, None).err().unwrap();
    assert!(matches!(refused, SocketError::Taken(_)), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "no socket");
}

#[test]
fn a_node_that_was_taken_over_lifts_no_limit_and_pardons_nobody() {
    let served = Served::new();
    let key_group = KeyGroup::from_key([2; 33]).unwrap();
    let orders = [
        Command::InstallPolicy(InstallPolicy {
            key_group: key_group.clone(),
            policy: Policy::default(),
        }),
        Command::Unquarantine(Unquarantine {
            key_group,
            member: Member::FIRST,
        }),
    ];
    for order in orders {
        let (handle, mut inbox) = served.connect_next();
        handle.ask(vec![(Ticket(1), order)]).unwrap();
        assert_eq!(inbox.blocking_recv(), None);
        let gone = handle.gone().unwrap().to_string();
        assert!(gone.contains("hardfrost store"), "{gone}");
    }
}

#[test]
fn an_engine_is_named_in_a_log_by_a_short_hexadecimal_word() {
    let said = format!("{IDENTITY:?}");
    assert_eq!(said, "EngineIdentity { 07070707…, generation 3 }");
}

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! `hardfrost engine serve` as a process: its promises to the operator, and a group whose secrets are all in such
//! processes.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, Permissions};
use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hardfrost_api::engine::{ConnectError, EngineClient, EngineGone, EngineHandle, EngineIdentity};
use hardfrost_dkg::{CeremonyKind, Descriptor};
use hardfrost_engine::{Command as Ask, Reply, Ticket};
use hardfrost_frost::dkg::Seat as DkgSeat;
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::{Hash32, KeySpec, Member, Monotonic, Now, RequestId, Suite, UnixTime};
use hardfrost_roast::Outcome;
use hardfrost_seat::{Event, Input, Output, Request, Seat, SeatTerms};
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Amount, Network, Payment, ScriptBuf, SpendPlan,
    UnsignedPsbt,
};
use hardfrost_store::{KeyProvider, Store, StoreDir};
use hardfrost_wire::{FromPeer, Incarnation, Operator, OperatorIndex, OperatorKey, Roster};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use rustix::process::geteuid;
use tempfile::TempDir;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};

const PATIENCE: Duration = Duration::from_secs(600);

/// A user that is not this test's.
const NOBODY: u32 = 65534;

type Inbox = UnboundedReceiver<(Ticket, Reply)>;

/// A store, its key, and a folder for the socket.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyProvider::make_key_file(&folder.path().join("key")).unwrap();
        Store::create(&StoreDir::new(folder.path().join("store")), &key).unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn socket(&self) -> PathBuf {
        self.path().join("run/engine.sock")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
        command.current_dir(self.path()).args(["engine", "serve"]);
        command.args(["--store", "store", "--key-file", "key"]);
        command.args(["--socket", "run/engine.sock"]).args(more);
        command
    }

    fn start(&self, more: &[&str]) -> Process {
        let mut command = self.command(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        said.read_line(&mut ready).unwrap();
        let mut process = Process { child, ready };
        assert!(
            process.ready.contains("ready on"),
            "{}",
            process.complaint()
        );
        process
    }

    fn connect(&self) -> Result<(EngineHandle, Inbox, EngineIdentity), ConnectError> {
        let (replies, inbox) = unbounded_channel();
        let (handle, identity) = EngineClient::connect(&self.socket(), replies)?;
        Ok((handle, inbox, identity))
    }

    /// Why it does not start.
    fn refused(&self, more: &[&str]) -> String {
        let output = self.command(more).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

struct Process {
    child: Child,
    ready: String,
}

impl Process {
    fn id(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(self.id(), signal).unwrap();
        self.child.wait().unwrap()
    }

    /// What it said of its end.
    fn complaint(&mut self) -> String {
        let mut said = String::new();
        self.child.kill().unwrap();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }

    fn shown(&self, file: &str, line: &str) -> String {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap();
        let found = text.lines().find(|l| l.starts_with(line)).unwrap();
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait<T>(question: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(question)
}

#[test]
fn it_says_when_it_is_ready_and_ends_in_order() {
    let home = Home::new();
    for (generation, signal) in [(1, Signal::SIGTERM), (2, Signal::SIGINT)] {
        let mut process = home.start(&[]);
        let (engine, mut inbox, identity) = home.connect().unwrap();
        // Making the store was no opening.
        assert_eq!(identity.generation, generation);
        let named = format!("generation {generation}, ready on run/engine.sock");
        assert!(process.ready.contains(&named), "{}", process.ready);
        assert_eq!(wait(engine.held_keys()), Ok(Vec::new()));
        assert_eq!(process.end(signal).code(), Some(0));
        assert!(!home.socket().exists());
        assert_eq!(inbox.blocking_recv(), None);
        let gone = engine.gone().unwrap();
        assert!(matches!(gone, EngineGone::Closed(_)), "{gone}");
    }
}

#[test]
fn a_kill_in_the_middle_is_told_and_needs_no_hand_afterwards() {
    let home = Home::new();
    let mut process = home.start(&[]);
    let (engine, mut inbox, first) = home.connect().unwrap();
    // More than it has answered when it dies.
    let deal = |number| {
        Ask::DkgDeal(DkgSeat {
            ceremony: Hash32([number; 32]),
            member: Member::FIRST,
            threshold: 90,
            count: 100,
        })
    };
    let batch = (0..16).map(|number| (Ticket(number.into()), deal(number)));
    engine.ask(batch.collect()).unwrap();
    assert_eq!(process.end(Signal::SIGKILL).code(), None);
    let mut answered = 0;
    while inbox.blocking_recv().is_some() {
        answered += 1;
    }
    assert!(answered < 16, "it died too late for this test");
    let gone = engine.gone().unwrap();
    assert!(matches!(gone, EngineGone::Closed(_)), "{gone}");
    assert_eq!(engine.ask(Vec::new()).err(), Some(gone.clone()));
    assert_eq!(wait(engine.status()), Err(gone));
    assert!(home.socket().exists(), "a killed process removes nothing");
    let _process = home.start(&[]);
    let (engine, _inbox, second) = home.connect().unwrap();
    assert_eq!(second.store, first.store);
    assert!(second.generation > first.generation);
    assert_eq!(wait(engine.status()).unwrap().ceremonies, 0);
}

#[test]
fn it_is_locked_down() {
    let home = Home::new();
    let process = home.start(&[]);
    assert_eq!(process.shown("status", "Seccomp:"), "Seccomp: 2");
    assert_eq!(process.shown("status", "NoNewPrivs:"), "NoNewPrivs: 1");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(
            process.shown("status", set),
            format!("{set} 0000000000000000")
        );
    }
    let core = process.shown("limits", "Max core file size");
    assert_eq!(core, "Max core file size 0 0 bytes");
    let threads = fs::read_dir(format!("/proc/{}/task", process.child.id())).unwrap();
    let mut count = 0;
    for thread in threads {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2"), "{status}");
        count += 1;
    }
    assert!(
        count >= 3,
        "the engine, the store and the server have threads"
    );
}

#[test]
fn n08_the_socket_is_for_its_user_alone() {
    let home = Home::new();
    let mut process = home.start(&[]);
    let mode = fs::symlink_metadata(home.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    process.end(Signal::SIGTERM);
    let run = home.path().join("run");
    fs::set_permissions(&run, Permissions::from_mode(0o755)).unwrap();
    let why = home.refused(&[]);
    assert!(why.contains("make its mode 0700"), "{why}");
    fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
    if !geteuid().is_root() {
        println!("the rest is skipped: only root can be another user");
        return;
    }
    // For nobody; we are root, whom no mode keeps out.
    let mut process = home.start(&["--allow-uid", "65534"]);
    let refused = home.connect().err().unwrap();
    assert!(
        matches!(refused, ConnectError::NoEngine { .. }),
        "{refused}"
    );
    assert_eq!(process.end(Signal::SIGTERM).code(), Some(0));
}

#[test]
fn it_becomes_the_user_it_is_told_to_be() {
    if !geteuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let home = Home::new();
    for file in [".", "key", "store"] {
        chown(home.path().join(file), Some(NOBODY), None).unwrap();
    }
    for entry in fs::read_dir(home.path().join("store")).unwrap() {
        chown(entry.unwrap().path(), Some(NOBODY), None).unwrap();
    }
    let mut process = home.start(&["--user", "nobody", "--allow-uid", "0"]);
    let uids = process.shown("status", "Uid:");
    assert_eq!(uids, format!("Uid: {NOBODY} {NOBODY} {NOBODY} {NOBODY}"));
    let (engine, _inbox, _) = home.connect().unwrap();
    assert!(wait(engine.status()).is_ok());
    assert_eq!(process.end(Signal::SIGTERM).code(), Some(0));
    let why = home.refused(&["--user", "nobody-of-this-name"]);
    assert!(why.contains("there is no user"), "{why}");
}

#[test]
fn a_second_engine_is_refused_by_the_first_ones_store_and_socket() {
    let home = Home::new();
    let _process = home.start(&[]);
    let why = home.refused(&[]);
    assert!(why.contains("another engine listens"), "{why}");
    let elsewhere = home
        .command(&[])
        .args(["--socket", "run/other.sock"])
        .output();
    let twice = String::from_utf8(elsewhere.unwrap().stderr).unwrap();
    assert!(twice.contains("cannot be used multiple times"), "{twice}");
}

/// A node without an engine of its own: a seat, and a handle.
struct Node {
    seat: Seat,
    engine: EngineHandle,
    inbox: Inbox,
    letters: VecDeque<Input>,
    events: Vec<Event>,
    // The handle goes first.
    _process: Process,
    _home: Home,
}

/// Nodes whose frames go from one to the other in this test.
struct Group {
    nodes: Vec<Node>,
    started: Instant,
}

fn operator_key(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [0; 32]).unwrap()
}

impl Group {
    fn new(count: u16) -> (Self, Arc<Roster>) {
        let operator = |member| Operator {
            name: format!("operator-{member}"),
            key: operator_key(member).public(),
            seats: BTreeSet::from([member]),
        };
        let operators = Member::all(count).map(operator).collect();
        let roster = Arc::new(Roster::new(Suite::Bip445, operators).unwrap());
        let node = |member: Member| {
            let home = Home::new();
            let process = home.start(&[]);
            let (engine, inbox, _) = home.connect().unwrap();
            let seat = Seat::new(SeatTerms {
                member,
                key: operator_key(member),
                incarnation: Incarnation([u8::try_from(member.number()).unwrap(); 16]),
                roster: Arc::clone(&roster),
            });
            Node {
                seat,
                engine,
                inbox,
                letters: VecDeque::new(),
                events: Vec::new(),
                _process: process,
                _home: home,
            }
        };
        let nodes = Member::all(count).map(node).collect();
        let started = Instant::now();
        (Self { nodes, started }, roster)
    }

    fn now(&self) -> Now {
        let utc = std::time::UNIX_EPOCH.elapsed().unwrap();
        Now {
            mono: Monotonic::after_start(self.started.elapsed()),
            utc: UnixTime(utc.as_secs()),
        }
    }

    fn ask_everybody(&mut self, request: &Request) {
        for node in &mut self.nodes {
            node.letters.push_back(Input::Local(request.clone()));
        }
        self.settle();
    }

    /// Until nobody has anything to read.
    fn settle(&mut self) {
        while let Some(place) = self.nodes.iter().position(|node| !node.letters.is_empty()) {
            self.turn(place);
        }
    }

    /// One node reads one thing, asks its engine, and waits for as many replies.
    fn turn(&mut self, place: usize) {
        let now = self.now();
        let node = &mut self.nodes[place];
        let input = node.letters.pop_front().unwrap();
        let (mut sends, mut batch) = (Vec::new(), Vec::new());
        for output in node.seat.handle(now, input) {
            match output {
                Output::Send(bytes) => sends.push((None, bytes)),
                Output::SendTo(peer, bytes) => sends.push((Some(usize::from(peer.0)), bytes)),
                Output::Engine(ticket, command) => batch.push((ticket, command)),
                Output::Event(event) => node.events.push(event),
            }
        }
        let asked = batch.len();
        if asked > 0 {
            node.engine.ask(batch).unwrap();
        }
        for _ in 0..asked {
            let (ticket, reply) = node.inbox.blocking_recv().unwrap();
            node.letters.push_back(Input::Engine(ticket, reply));
        }
        let from = OperatorIndex(u16::try_from(place).unwrap());
        for (to, bytes) in sends {
            for (other, node) in self.nodes.iter_mut().enumerate() {
                if other != place && to.is_none_or(|to| to == other) {
                    let frame = FromPeer::authenticated(from, bytes.clone());
                    node.letters.push_back(Input::Peer(frame));
                }
            }
        }
    }

    /// The key that everybody has made.
    fn key(&self) -> Arc<GroupPublic> {
        let made = self.nodes.iter().map(|node| {
            let found = node.events.iter().find_map(|event| {
                let Event::KeyMade(_, public) = event else {
                    return None;
                };
                Some(Arc::clone(public))
            });
            found.unwrap_or_else(|| panic!("{:?}", node.events))
        });
        let made: Vec<_> = made.collect();
        assert!(made.iter().all(|public| *public == made[0]));
        Arc::clone(&made[0])
    }

    /// The signatures that everybody has.
    fn signatures(&self) -> Vec<Signature> {
        let signed = self.nodes.iter().map(|node| {
            let found = node.events.iter().find_map(|event| {
                let Event::Ended(report) = event else {
                    return None;
                };
                let Outcome::Signed(signature) = &report.outcome else {
                    return None;
                };
                Some(*signature)
            });
            found.unwrap_or_else(|| panic!("{:?}", node.events))
        });
        signed.collect()
    }
}

/// A transaction that pays somebody else.
fn spend(group: &Arc<GroupPublic>) -> UnsignedPsbt {
    let bare = DerivedGroup::new(Arc::clone(group), KeySpec::group_key()).unwrap();
    let ours = address(&bare, Network::Regtest).script_pubkey();
    let funding = funding_transaction(ours, Amount::from_sat(50_000));
    let payment = Payment {
        to: ScriptBuf::from_bytes([&[0, 20], &[7; 20][..]].concat()),
        amount: Amount::from_sat(20_000),
        fee: Amount::from_sat(500),
    };
    spending_psbt(&funding, 0, group, payment).unwrap()
}

#[test]
fn two_of_three_make_a_key_and_sign_with_all_secrets_in_other_processes() {
    let (mut group, roster) = Group::new(3);
    group.ask_everybody(&Request::MakeKey(Descriptor {
        kind: CeremonyKind::Generate,
        roster: roster.hash(),
        threshold: 2,
        count: 3,
        salt: [3; 32],
        deadline: group.now().utc.plus(PATIENCE),
    }));
    let key = group.key();
    for node in &group.nodes {
        let held = wait(node.engine.held_keys()).unwrap();
        assert_eq!(held.len(), 1);
        assert_eq!(*held[0].public, *key);
        assert_eq!(held[0].seats, BTreeSet::from([node.seat.member()]));
    }
    let psbt = spend(&key);
    group.ask_everybody(&Request::Approve {
        key_group: key.key_group().clone(),
        psbt: psbt.to_bytes(),
        request: RequestId::new("rent").unwrap(),
        life: PATIENCE,
    });
    let plan = SpendPlan::new(&psbt, &key).unwrap();
    let input = &plan.inputs()[0];
    let signer = DerivedGroup::new(Arc::clone(&key), input.key_spec.clone()).unwrap();
    let signatures = group.signatures();
    assert!(signatures
        .iter()
        .all(|s| s.verifies(&input.message, &signer.output_key())));
    let status: Vec<_> = group
        .nodes
        .iter()
        .map(|node| wait(node.engine.status()).unwrap())
        .collect();
    let signed = status.iter().filter(|status| status.records.consumed > 0);
    assert_eq!(signed.count(), 2);
    assert!(status.iter().all(|status| status.live_attempts == 0));
}

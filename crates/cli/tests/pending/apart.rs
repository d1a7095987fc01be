//! Nodes whose engines are processes of their own. One that is stopped (SIGSTOP) holds its member at the step that asks
//! it: so each step of a key generation is reached for certain, and none is passed.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use hardfrost_api::engine::EngineClient;
use hardfrost_api::local::{CeremonyView, ClientError, KeyView, NodeView, StartCeremony};
use hardfrost_engine::Uncertified;
use hardfrost_primitives::Hash32;

use crate::federation::process::Process;
use crate::federation::{hardfrost, Federation, Site, WITHIN};

pub const CONTRIBUTIONS: &str = "waiting for contributions";
pub const SEALED: &str = "waiting for sealed shares";
pub const CONFIRMATIONS: &str = "waiting for confirmations";
pub const COMPUTES: &str = "this node computes";

/// Who is killed, who keeps everybody waiting, and who is neither.
pub const VICTIM: usize = 1;
pub const HOLDS: usize = 0;
pub const OTHER: usize = 2;
pub const ALL: [usize; 3] = [0, 1, 2];

pub struct Apart {
    engines: Vec<Option<Process>>,
    pub federation: Federation,
    ceremony: Option<CeremonyView>,
}

impl Apart {
    /// Three nodes that run and hold no key; those of `apart` each with its engine beside it.
    pub fn start(apart: &[usize]) -> Self {
        let mut this = Self {
            engines: ALL.map(|_| None).into(),
            federation: Federation::furnish(3, Site::Loopback),
            ceremony: None,
        };
        for number in apart {
            this.set_apart(*number);
            this.start_engine(*number);
        }
        ALL.iter()
            .for_each(|number| this.federation.restart(*number));
        this
    }

    fn set_apart(&self, number: usize) {
        let folder = self.federation.folder(number);
        let run = folder.join("run");
        fs::DirBuilder::new().mode(0o700).create(run).unwrap();
        let file = folder.join("node.toml");
        let whole = fs::read_to_string(&file).unwrap();
        let store = "store = \"engine\"\nkey_file = \"engine.key\"";
        let apart = whole.replace(store, "socket = \"run/engine.sock\"");
        assert_ne!(apart, whole);
        fs::write(&file, apart).unwrap();
    }

    fn socket(&self, number: usize) -> PathBuf {
        self.federation.folder(number).join("run/engine.sock")
    }

    pub fn start_engine(&mut self, number: usize) {
        let folder = self.federation.folder(number);
        let mut command = hardfrost();
        command
            .args(["engine", "serve", "--store"])
            .arg(folder.join("engine"))
            .arg("--key-file")
            .arg(folder.join("engine.key"))
            .arg("--socket")
            .arg(self.socket(number))
            .stdout(Stdio::piped());
        let mut engine = Process::start(&mut command);
        engine.says("ready on");
        self.engines[number] = Some(engine);
    }

    pub fn engine(&self, number: usize) -> &Process {
        self.engines[number].as_ref().unwrap()
    }

    /// kill -9
    pub fn kill_engine(&mut self, number: usize) {
        self.engines[number] = None;
    }

    /// An engine is killed and starts again; its node too, or not.
    pub fn restart_engine(&mut self, number: usize, with_node: bool) {
        if with_node {
            self.federation.kill(number);
        }
        self.kill_engine(number);
        self.start_engine(number);
        if with_node {
            self.federation.restart(number);
        }
    }

    /// What is durable and not certified at an engine whose node is dead, once what that node had asked is done.
    pub fn uncertified(&self, number: usize) -> Vec<Uncertified> {
        let began = Instant::now();
        loop {
            let (replies, _inbox) = tokio::sync::mpsc::unbounded_channel();
            match EngineClient::connect(&self.socket(number), replies) {
                Ok((engine, _)) => return self.federation.wait(engine.uncertified()).unwrap(),
                // It has not noticed yet that its node is gone.
                Err(busy) => assert!(began.elapsed() < WITHIN, "{busy}"),
            }
        }
    }

    /// A node begins a key generation of two of three.
    pub fn begin(&mut self, number: usize) {
        let begin = StartCeremony::Begin {
            threshold: 2,
            minutes: 10,
            roster: None,
        };
        self.ceremony = Some(self.post(number, &begin).unwrap());
    }

    pub fn join(&self, number: usize) -> CeremonyView {
        let join = StartCeremony::Join {
            join: self.ceremony.as_ref().unwrap().code.clone(),
            threshold: Some(2),
        };
        self.post(number, &join).unwrap()
    }

    /// The same with a code that says another deadline, and whose check fits.
    pub fn join_under(&self, number: usize, deadline: u64) -> CeremonyView {
        let code = &self.ceremony.as_ref().unwrap().code;
        let named = format!("{}{deadline:016x}{}", &code[..12], &code[28..92]);
        let check = Hash32::of(&hex::decode(&named).unwrap());
        let join = StartCeremony::Join {
            join: format!("{named}{}", hex::encode(&check.0[..4])),
            threshold: Some(2),
        };
        self.post(number, &join).unwrap()
    }

    fn post(&self, number: usize, body: &StartCeremony) -> Result<CeremonyView, ClientError> {
        let asked = self.federation.client(number).post("/v1/ceremonies", body);
        self.federation.wait(asked)
    }

    pub fn view(&self, number: usize) -> Result<CeremonyView, ClientError> {
        let id = &self.ceremony.as_ref().unwrap().id;
        let path = format!("/v1/ceremonies/{id}?wait=1");
        self.federation.get(number, &path)
    }

    /// Waits until a node says this of the ceremony. It may be without its engine for a while.
    pub fn until(&self, number: usize, done: impl Fn(&CeremonyView) -> bool) -> CeremonyView {
        let began = Instant::now();
        loop {
            let told = self.view(number);
            match told {
                Ok(view) if done(&view) => return view,
                told => assert!(began.elapsed() < WITHIN, "node {number}: {told:?}"),
            }
        }
    }

    pub fn until_step(&self, number: usize, step: &str) {
        self.until(number, |view| view.step == step);
    }

    pub fn until_waits(&self, number: usize, step: &str, awaited: usize) {
        let awaited = [u16::try_from(awaited).unwrap() + 1];
        self.until(number, |view| view.step == step && view.awaited == awaited);
    }

    /// All take part; the one that holds them up has not contributed.
    pub fn until_contributions(&mut self) {
        self.engine(HOLDS).pause();
        self.begin(VICTIM);
        self.join(HOLDS);
        self.join(OTHER);
        self.until_waits(VICTIM, CONTRIBUTIONS, HOLDS);
        self.until_waits(OTHER, CONTRIBUTIONS, HOLDS);
    }

    /// All have contributed; the engine of `delays` is asked to seal, and all others wait for that.
    pub fn until_sealing(&mut self, delays: usize) {
        self.until_contributions();
        self.engine(delays).pause();
        self.engine(HOLDS).go_on();
        for number in ALL.into_iter().filter(|number| *number != delays) {
            self.until_waits(number, SEALED, delays);
        }
        self.until_step(delays, COMPUTES);
    }

    /// Two are pending and wait for the one whose engine is asked for its share and does not answer.
    pub fn until_pending(&mut self, delays: usize) {
        self.until_sealing(delays);
        self.engine(HOLDS).pause();
        self.engine(delays).go_on();
        self.until_waits(VICTIM, CONFIRMATIONS, HOLDS);
        self.until_waits(OTHER, CONFIRMATIONS, HOLDS);
        self.until_step(HOLDS, COMPUTES);
    }

    pub fn until_made(&self, numbers: &[usize]) {
        for number in numbers {
            self.until(*number, |view| view.state == "made");
        }
    }

    /// A node that was started since knows nothing of how its key was made.
    fn until_holds_a_key(&self, number: usize) -> NodeView {
        let began = Instant::now();
        loop {
            let told: Result<NodeView, _> = self.federation.get(number, "/v1/node?wait=1");
            match told {
                Ok(node) if node.federations[0].keys.len() == 1 => return node,
                told => assert!(began.elapsed() < WITHIN, "node {number}: {told:?}"),
            }
        }
    }

    /// Everybody has the key, and nothing else of its making; any two sign with it.
    pub fn all_sign(&mut self) {
        for number in ALL {
            let node = self.until_holds_a_key(number);
            assert_eq!(node.federations[0].pending, []);
            let kept = fs::read_dir(self.kept(number)).unwrap();
            assert_eq!(kept.count(), 0, "terms of what is over");
        }
        let keys: Vec<KeyView> = self.federation.get(VICTIM, "/v1/keys").unwrap();
        self.federation.hold(&keys[0]);
        for other in [HOLDS, OTHER] {
            self.federation.sign(&[VICTIM, other]);
        }
    }

    /// Where a node keeps the terms of its key generations.
    pub fn kept(&self, number: usize) -> PathBuf {
        self.federation.folder(number).join("ceremonies")
    }
}

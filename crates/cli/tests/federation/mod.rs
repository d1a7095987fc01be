//! A federation of real nodes: folders that the program made, processes, a key that they made together. Whatever is
//! waited for has a deadline and comes as an event: a line, an end, an answer that was held back until something
//! changed. All processes end with the value.

pub mod coins;
pub mod network;
pub mod process;
pub mod slow;

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hardfrost_api::local::{
    ApprovalView, ApproveBody, CeremonyView, Client, ClientError, KeyView, NodeView, SessionView,
    StartCeremony,
};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use coins::{GroupKey, Spend};
use network::Network;
use process::Process;

/// Nothing here takes longer, on a machine that does much else too.
pub const WITHIN: Duration = Duration::from_secs(90);
/// How long one question is held back.
const HELD_BACK: &str = "wait=5";

/// Where the nodes are.
pub enum Site {
    /// On loopback addresses that no other process of these tests has.
    Loopback,
    /// Each in a network namespace of its own.
    Network(Network),
}

impl Site {
    /// Where node `number`, from 0, listens.
    fn address(&self, number: usize) -> String {
        match self {
            Self::Network(network) => format!("{}:7400", network.address(number)),
            Self::Loopback => {
                let [.., high, low] = std::process::id().to_be_bytes();
                let host = format!("127.{}.{low}.{}", 1 + high % 250, 1 + number % 250);
                // The kernel knows a port that nobody has there.
                let found = std::net::TcpListener::bind(format!("{host}:0")).unwrap();
                found.local_addr().unwrap().to_string()
            }
        }
    }

    fn start(&self, number: usize, command: &mut Command) -> Process {
        match self {
            Self::Loopback => Process::start(command),
            Self::Network(network) => network.node(number).within(|| Process::start(command)),
        }
    }
}

struct Node {
    folder: PathBuf,
    process: Option<Process>,
    client: Client,
}

pub struct Federation {
    nodes: Vec<Node>,
    site: Site,
    asking: Runtime,
    key: Option<Arc<GroupKey>>,
    spends: u64,
    // Last: the folders go after the processes.
    folder: TempDir,
}

/// The program, on which no outer service manager looks.
pub fn hardfrost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command
        .env_remove("CREDENTIALS_DIRECTORY")
        .stdin(Stdio::null());
    command
}

pub fn said(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> String {
    said(hardfrost().args(arguments).output().unwrap())
}

impl Federation {
    /// `count` nodes that run and hold a key of which `threshold` sign.
    pub fn start(threshold: u16, count: usize, site: Site) -> Self {
        let mut federation = Self::furnish(count, site);
        federation.begin(threshold);
        federation
    }

    /// Starts all of them, and makes a key.
    pub fn begin(&mut self, threshold: u16) {
        let all: Vec<usize> = (0..self.count()).collect();
        all.iter().for_each(|number| self.restart(*number));
        self.make_key(threshold, &all);
    }

    /// The transports of all get these limits, lines of a configuration, at their next start.
    pub fn limit(&self, lines: &str) {
        for node in &self.nodes {
            let file = node.folder.join("node.toml");
            let configuration = fs::read_to_string(&file).unwrap();
            assert!(configuration.ends_with("[network]\n"), "{configuration}");
            fs::write(file, configuration + lines).unwrap();
        }
    }

    /// Their folders, with one roster of all.
    pub fn furnish(count: usize, site: Site) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = |number: usize| {
            let name = format!("n{}", number + 1);
            let home = folder.path().join(&name);
            let shown = home.to_str().unwrap();
            let listen = site.address(number);
            run(&["init", shown, "--name", &name, "--listen", &listen]);
            Node {
                client: Client::at(&home.join("hardfrost.sock")),
                folder: home,
                process: None,
            }
        };
        let nodes: Vec<Node> = (0..count).map(node).collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let federation = Self {
            nodes,
            site,
            asking: runtime.unwrap(),
            key: None,
            spends: 0,
            folder,
        };
        let all: Vec<usize> = (0..count).collect();
        let roster = federation.roster_of(&all);
        all.iter()
            .for_each(|number| federation.give_roster(*number, &roster));
        federation
    }

    /// A roster of these nodes' operators.
    pub fn roster_of(&self, numbers: &[usize]) -> String {
        let card = |number: &usize| self.folder(*number).join("card.toml");
        let mut command = hardfrost();
        command
            .args(["roster", "new"])
            .args(numbers.iter().map(card));
        said(command.output().unwrap())
    }

    /// The roster that a node finds when it starts.
    pub fn give_roster(&self, number: usize, roster: &str) {
        fs::write(self.folder(number).join("roster.toml"), roster).unwrap();
    }

    pub fn folder(&self, number: usize) -> &Path {
        &self.nodes[number].folder
    }

    /// Where things lie that belong to no node.
    pub fn table(&self) -> &Path {
        self.folder.path()
    }

    pub fn network(&mut self) -> &mut Network {
        match &mut self.site {
            Site::Network(network) => network,
            Site::Loopback => panic!("this federation is on loopback"),
        }
    }

    pub fn client(&self, number: usize) -> &Client {
        &self.nodes[number].client
    }

    /// The process of a node that runs.
    pub fn process(&mut self, number: usize) -> &mut Process {
        self.nodes[number].process.as_mut().unwrap()
    }

    /// How a node's process is begun.
    pub fn run_command(&self, number: usize) -> Command {
        let mut command = hardfrost();
        command
            .args(["node", "run", "--node"])
            .arg(self.folder(number));
        command
    }

    /// Starts a node that does not run, and waits until it says that it is ready.
    pub fn restart(&mut self, number: usize) {
        let mut command = self.run_command(number);
        self.restart_as(number, &mut command);
    }

    /// The same, by this command.
    pub fn restart_as(&mut self, number: usize, command: &mut Command) {
        let mut process = self.site.start(number, command);
        process.ready();
        self.nodes[number].process = Some(process);
    }

    /// Starts a node that is not expected to run, and gives back its last words.
    pub fn start_refused(&self, number: usize) -> String {
        let mut process = self.site.start(number, &mut self.run_command(number));
        let (status, said) = process.ended();
        assert_eq!(status.code(), Some(1), "{said}");
        said
    }

    /// kill -9
    pub fn kill(&mut self, number: usize) {
        self.nodes[number].process = None;
    }

    /// All at one instant.
    pub fn kill_all(&mut self) {
        let processes = self.nodes.iter_mut().filter_map(|node| node.process.take());
        let processes: Vec<Process> = processes.collect();
        processes.iter().for_each(Process::kill);
    }

    /// The store of a node that does not run is sound; says how many records it holds.
    pub fn check_store(&self, number: usize) -> u64 {
        let folder = self.folder(number);
        let (store, key) = (folder.join("engine"), folder.join("engine.key"));
        let mut command = hardfrost();
        command.args(["store", "check", "--json"]).arg(store);
        let told = said(command.arg("--key-file").arg(key).output().unwrap());
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["sound"], true, "{told}");
        told["records"].as_u64().unwrap()
    }

    pub fn get<T: DeserializeOwned>(&self, number: usize, path: &str) -> Result<T, ClientError> {
        self.asking.block_on(self.nodes[number].client.get(path))
    }

    pub fn status(&self, number: usize) -> NodeView {
        self.get(number, "/v1/node").unwrap()
    }

    /// Makes a key with these nodes, which are all of their roster.
    pub fn make_key(&mut self, threshold: u16, numbers: &[usize]) {
        let begun = self.begin_key(numbers[0], threshold);
        self.join_key(&begun, numbers);
    }

    /// The first of them begins.
    pub fn begin_key(&self, number: usize, threshold: u16) -> CeremonyView {
        let begin = StartCeremony::Begin {
            threshold,
            minutes: 10,
            roster: None,
        };
        self.ceremony(number, &begin)
    }

    /// The others, but the first of `numbers`, take part; then all of them hold the key.
    pub fn join_key(&mut self, begun: &CeremonyView, numbers: &[usize]) {
        let join = StartCeremony::Join {
            join: begun.code.clone(),
            threshold: Some(begun.threshold),
        };
        for number in &numbers[1..] {
            self.ceremony(*number, &join);
        }
        for number in numbers {
            self.made(*number, &begun.id);
        }
        let keys: Vec<KeyView> = self.get(numbers[0], "/v1/keys").unwrap();
        let made = self.made(numbers[0], &begun.id);
        let made = keys.iter().find(|key| key.key_group == made);
        self.hold(made.unwrap());
    }

    /// From now on they sign with this key, once it proves itself.
    pub fn hold(&mut self, key: &KeyView) {
        self.key = Some(Arc::new(GroupKey::verified(key)));
    }

    fn ceremony(&self, number: usize, body: &StartCeremony) -> CeremonyView {
        let asked = self.client(number).post("/v1/ceremonies", body);
        self.asking.block_on(asked).unwrap()
    }

    /// The key, once it is made at this node.
    fn made(&self, number: usize, ceremony: &str) -> String {
        let began = Instant::now();
        loop {
            let path = format!("/v1/ceremonies/{ceremony}?{HELD_BACK}");
            let view: CeremonyView = self.get(number, &path).unwrap();
            match view.state.as_str() {
                "made" => return view.key_group.unwrap(),
                "waiting" => assert!(began.elapsed() < WITHIN, "{view:?}"),
                _ => panic!("{view:?}"),
            }
        }
    }

    pub fn key(&self) -> &Arc<GroupKey> {
        self.key.as_ref().unwrap()
    }

    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Waits for what asks the nodes.
    pub fn wait<T>(&self, asking: impl Future<Output = T>) -> T {
        self.asking.block_on(asking)
    }

    pub fn is_running(&self, number: usize) -> bool {
        self.nodes[number].process.is_some()
    }

    /// A transaction of coins that no other has.
    pub fn spend(&mut self) -> Spend {
        self.spends += 1;
        self.key().spend(self.spends)
    }

    pub fn approve(&self, number: usize, spend: &Spend) -> Result<ApprovalView, ClientError> {
        self.asking.block_on(approve(self.client(number), spend))
    }

    /// How the transaction's session ends at a node.
    pub fn end(&self, number: usize, spend: &Spend) -> SessionView {
        let ended = ended(self.client(number).clone(), spend.session().to_owned());
        self.asking.block_on(ended).unwrap()
    }

    /// These nodes sign, and consensus accepts it.
    pub fn sign(&mut self, on: &[usize]) -> String {
        let spend = self.spend();
        self.sign_this(on, &spend)
    }

    /// The same for a transaction that some may have approved already. Where an attempt ends late, nodes may end up
    /// with the signatures of two: either is good.
    pub fn sign_this(&self, on: &[usize], spend: &Spend) -> String {
        self.sign_each(on, spend).into_iter().next().unwrap()
    }

    /// These nodes sign, where each may end up with the signature of another attempt. Consensus accepts all of them.
    pub fn sign_each(&self, on: &[usize], spend: &Spend) -> BTreeSet<String> {
        for number in on {
            self.approve(*number, spend).unwrap();
        }
        self.ends_signed(on, spend)
    }

    /// The signatures with which these nodes end up, each once. Consensus accepts all of them.
    pub fn ends_signed(&self, on: &[usize], spend: &Spend) -> BTreeSet<String> {
        let mut ending = JoinSet::new();
        let ends = self.asking.block_on(async {
            for number in on {
                let client = self.client(*number).clone();
                ending.spawn(ended(client, spend.session().to_owned()));
            }
            ending.join_all().await
        });
        let signature = |view: Result<SessionView, ClientError>| {
            let view = view.unwrap();
            assert_eq!(view.state, "signed", "{view:?}");
            view.signature.unwrap()
        };
        let signatures: BTreeSet<String> = ends.into_iter().map(signature).collect();
        for signature in &signatures {
            let signed = self.folder.path().join("signed.psbt");
            fs::write(&signed, spend.complete(signature).unwrap().to_bytes()).unwrap();
            // It asks consensus before it prints anything.
            run(&["psbt", "finalize", signed.to_str().unwrap()]);
        }
        signatures
    }

    /// Looks at a node again and again, each time after its log has grown or a moment has passed, until `done`.
    pub fn watch(&mut self, number: usize, done: impl Fn(&NodeView) -> bool) -> NodeView {
        let began = Instant::now();
        loop {
            let view = self.status(number);
            if done(&view) {
                return view;
            }
            assert!(began.elapsed() < WITHIN, "{view:?}");
            let said = self.process(number).line(Duration::from_millis(100));
            assert_ne!(said, Err(RecvTimeoutError::Disconnected), "it ended");
        }
    }
}

/// A node's operator approves.
pub async fn approve(client: &Client, spend: &Spend) -> Result<ApprovalView, ClientError> {
    let body = ApproveBody {
        key_group: Some(spend.key_group().to_owned()),
        psbt: spend.to_base64(),
        request: None,
        minutes: 60,
    };
    let view: ApprovalView = client.post("/v1/approvals", &body).await?;
    spend.is_signed_in(&view.inputs[0].session);
    Ok(view)
}

/// A session's end at a node, waited for with questions that the node holds back.
pub async fn ended(client: Client, session: String) -> Result<SessionView, ClientError> {
    let began = Instant::now();
    loop {
        let view: SessionView = client
            .get(&format!("/v1/sessions/{session}?{HELD_BACK}"))
            .await?;
        if view.state != "signing" {
            return Ok(view);
        }
        assert!(began.elapsed() < WITHIN, "{view:?}");
    }
}

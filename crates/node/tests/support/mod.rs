//! Nodes as operators run them, but for the process: real folders, stores, sockets and interfaces.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hardfrost_api::local::{
    ApprovalView, ApproveBody, CeremonyView, Client, ClientError, KeyView, NodeView, ReadyView,
    SessionView, StartCeremony,
};
use hardfrost_dkg::Certificate;
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_node::{
    make, Card, Config, NewHome, Prepared, RosterFile, RunError, CARD_FILE, CONFIG_FILE,
};
use hardfrost_primitives::{Hash32, KeySpec, Suite};
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Amount, Network, Payment, SpendPlan, UnsignedPsbt,
};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A node that runs in this process.
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), RunError>>,
}

/// Operators on this machine, each with its own folder, and the nodes of those that run.
pub struct Federation {
    pub folder: TempDir,
    nodes: Vec<Option<Running>>,
}

/// Addresses that no other test uses, in this process or another: the whole of 127/8 is this machine, and a folder's
/// name is its own.
fn host(folder: &Path, node: usize) -> String {
    let Hash32([high, low, port, ..]) = Hash32::of(folder.as_os_str().as_encoded_bytes());
    let port = 7000 + u16::from(port);
    format!("127.{high}.{low}.{}:{port}", node + 1)
}

impl Federation {
    /// One folder for each number of seats, a roster of them all, and every node running.
    pub async fn start(seats: &[u16]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cards: Vec<Card> = seats
            .iter()
            .enumerate()
            .map(|(node, seats)| {
                let at = folder.path().join(format!("node-{node}"));
                let wanted = NewHome {
                    name: format!("operator {node}"),
                    listen: vec![host(folder.path(), node)],
                    addresses: vec![host(folder.path(), node)],
                    seats: *seats,
                };
                make(&at, &wanted).unwrap()
            })
            .collect();
        let roster = RosterFile::of_cards(Suite::Bip445, &cards)
            .unwrap()
            .to_toml();
        let mut all = Self {
            folder,
            nodes: seats.iter().map(|_| None).collect(),
        };
        for node in 0..seats.len() {
            std::fs::write(all.home(node).join("roster.toml"), &roster).unwrap();
            all.run(node).await;
        }
        all
    }

    /// These operators make another roster, of their own, and start again with it.
    pub async fn band(&mut self, nodes: &[usize], suite: Suite) {
        let card = |node: &usize| {
            let text = std::fs::read_to_string(self.home(*node).join(CARD_FILE)).unwrap();
            Card::from_toml(&text).unwrap()
        };
        let cards: Vec<Card> = nodes.iter().map(card).collect();
        let roster = RosterFile::of_cards(suite, &cards).unwrap().to_toml();
        for node in nodes {
            self.stop(*node).await;
            let home = self.home(*node);
            std::fs::write(home.join("other.toml"), &roster).unwrap();
            let config = std::fs::read_to_string(home.join(CONFIG_FILE)).unwrap();
            let both = r#"rosters = ["roster.toml", "other.toml"]"#;
            let config = config.replace(r#"rosters = ["roster.toml"]"#, both);
            std::fs::write(home.join(CONFIG_FILE), config).unwrap();
            self.run(*node).await;
        }
    }

    pub fn home(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}"))
    }

    /// Starts a node, and waits until it listens.
    pub async fn run(&mut self, node: usize) {
        let prepared = Prepared::read(Config::read(&self.home(node)).unwrap(), None).unwrap();
        let (stop, stopping) = oneshot::channel::<()>();
        let (ready, listens) = oneshot::channel();
        let ended = tokio::task::spawn_local(async move {
            let stopped = async { drop(stopping.await) };
            let listening = |_: &[std::net::SocketAddr]| ready.send(()).unwrap();
            hardfrost_node::run(prepared, &|transport, _, _| transport, listening, stopped).await
        });
        if listens.await.is_err() {
            panic!("node {node}: {:?}", ended.await.unwrap());
        }
        self.nodes[node] = Some(Running { stop, ended });
    }

    /// Stops a node in order.
    pub async fn stop(&mut self, node: usize) {
        let running = self.nodes[node].take().unwrap();
        running.stop.send(()).unwrap();
        running.ended.await.unwrap().unwrap();
    }

    pub fn client(&self, node: usize) -> Client {
        Client::at(&self.home(node).join("hardfrost.sock"))
    }

    /// A key of which any t sign.
    pub async fn make_key(&self, threshold: u16) -> KeyView {
        let begin = StartCeremony::Begin {
            threshold,
            minutes: 5,
            roster: None,
        };
        let begun: CeremonyView = self.client(0).post("/v1/ceremonies", &begin).await.unwrap();
        for node in 1..self.nodes.len() {
            let join = StartCeremony::Join {
                join: begun.code.clone(),
                threshold: Some(threshold),
            };
            let joined: Result<CeremonyView, _> =
                self.client(node).post("/v1/ceremonies", &join).await;
            assert_eq!(joined.unwrap().id, begun.id);
        }
        let everybody: Vec<usize> = (0..self.nodes.len()).collect();
        self.made(&everybody, &begun.id).await;
        self.key(0).await
    }

    /// A key generation ends with a key at all of these.
    pub async fn made(&self, nodes: &[usize], id: &str) {
        for node in nodes {
            let path = format!("/v1/ceremonies/{id}?wait=30");
            let mut view: CeremonyView = self.client(*node).get(&path).await.unwrap();
            while view.state == "waiting" {
                view = self.client(*node).get(&path).await.unwrap();
            }
            assert_eq!(view.state, "made", "{view:?}");
        }
    }

    /// Whether a node can sign, by its own word.
    pub async fn ready(&self, node: usize) -> ReadyView {
        let view: NodeView = self.client(node).get("/v1/node").await.unwrap();
        view.ready
    }

    pub async fn key(&self, node: usize) -> KeyView {
        let keys: Vec<KeyView> = self.client(node).get("/v1/keys").await.unwrap();
        keys.into_iter().next().unwrap()
    }

    /// The node's operator approves.
    pub async fn approve(
        &self,
        node: usize,
        (key, psbt): (&KeyView, &UnsignedPsbt),
    ) -> Result<ApprovalView, ClientError> {
        let body = ApproveBody {
            key_group: Some(key.key_group.clone()),
            psbt: psbt.to_base64(),
            request: None,
            minutes: 10,
        };
        self.client(node).post("/v1/approvals", &body).await
    }

    /// How the session of an approval ends here.
    pub async fn end(&self, node: usize, approval: &ApprovalView) -> SessionView {
        let path = format!("/v1/sessions/{}?wait=30", approval.inputs[0].session);
        loop {
            let view: SessionView = self.client(node).get(&path).await.unwrap();
            if view.state != "signing" {
                return view;
            }
        }
    }

    /// These operators approve; each of their nodes ends with a signature that verifies.
    pub async fn sign(&self, nodes: &[usize], psbt: &UnsignedPsbt) {
        self.sign_with(&self.key(nodes[0]).await, nodes, psbt).await;
    }

    /// The same, with a key of several.
    pub async fn sign_with(&self, key: &KeyView, nodes: &[usize], psbt: &UnsignedPsbt) {
        let mut approvals = Vec::new();
        for node in nodes {
            approvals.push(self.approve(*node, (key, psbt)).await.unwrap());
        }
        let public = public(key);
        let plan = SpendPlan::new(psbt, &public).unwrap();
        for (node, approval) in nodes.iter().zip(&approvals) {
            let view = self.end(*node, approval).await;
            assert_eq!(view.state, "signed", "node {node}: {view:?}");
            let mut signature = [0; 64];
            hex::decode_to_slice(view.signature.unwrap(), &mut signature).unwrap();
            let signatures = [(view.input.unwrap(), Signature(signature))].into();
            plan.complete(psbt.clone(), &signatures).unwrap();
        }
    }
}

/// What a node's certificate proves.
pub fn public(key: &KeyView) -> Arc<GroupPublic> {
    let roster = RosterFile::from_toml(&key.roster_toml).unwrap().roster;
    let bytes = hex::decode(&key.certificate_hex).unwrap();
    let public = Certificate::from_bytes(&bytes).unwrap().verify(&roster);
    public.unwrap()
}

/// A transaction that spends made-up coins of the key, another one for each sum.
pub fn psbt(key: &KeyView, sats: u64, fee: u64) -> UnsignedPsbt {
    let public = public(key);
    let bare = DerivedGroup::new(public.clone(), KeySpec::group_key()).unwrap();
    let coins = address(&bare, Network::Regtest).script_pubkey();
    let funding = funding_transaction(coins.clone(), Amount::from_sat(1_000_000 + sats));
    let payment = Payment {
        to: coins,
        amount: Amount::from_sat(500_000),
        fee: Amount::from_sat(fee),
    };
    spending_psbt(&funding, 0, &public, payment).unwrap()
}

/// Runs a test in the one thread that nodes have.
pub fn run(test: impl std::future::Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

/// The code of a refusal.
pub fn code<T: std::fmt::Debug>(refused: Result<T, ClientError>) -> String {
    match refused {
        Err(ClientError::Refused(problem)) => problem.code,
        other => panic!("{other:?}"),
    }
}

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

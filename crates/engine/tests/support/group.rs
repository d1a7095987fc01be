//! Engines, their logs, and the keys they make together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_engine::{
    Approve, Artifact, CeremonySeat, DkgOpen, DkgSeal, Engine, Install, Log, MemoryLog, Rejection,
};
use hardfrost_frost::dkg::{Round1, SealedShare, Seat};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, KeySpec, Limits, Member, Now, RequestId};
use hardfrost_spend::{funding_transaction, script_pubkey, spending_psbt};
use hardfrost_spend::{Amount, Payment, ScriptBuf};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::signing::{Signing, SUITE};
use super::{at, durable, member, APPROVAL_LIFE};

/// What stands for the certificate's hash.
pub const CERTIFICATE: Hash32 = Hash32([0xce; 32]);
/// What stands for the certificate: the engine cannot read it.
pub const CERTIFICATE_FILE: &[u8] = b"certified by everybody";
/// The tag under which these engines may approve what is no transaction.
pub const RAW_TAG: &str = "app/greeting";

const TRANSCRIPT: Hash32 = Hash32([0x7a; 32]);

/// One process: an engine, its log, its randomness, its seats.
pub struct Node {
    pub engine: Engine,
    pub log: MemoryLog,
    pub rng: ChaCha20Rng,
    pub seats: Vec<Member>,
    limits: Limits,
}

/// All processes of a group, and its first key.
pub struct Group {
    pub nodes: Vec<Node>,
    pub public: Arc<GroupPublic>,
}

impl Node {
    fn new(seed: u8, seats: &[u16], limits: Limits) -> Self {
        let mut log = MemoryLog::default();
        Self {
            engine: engine(limits, &mut log),
            log,
            rng: ChaCha20Rng::from_seed([seed; 32]),
            seats: seats.iter().map(|number| member(*number)).collect(),
            limits,
        }
    }

    /// The process dies and starts again with what its log holds.
    pub fn restart(&mut self) {
        self.engine = engine(self.limits, &mut self.log);
    }

    pub fn records(&mut self, kind: u8) -> usize {
        let records = self.log.replay().unwrap();
        records.iter().filter(|r| r.kind() == kind).count()
    }

    pub fn approve(&mut self, now: Now, request: Approve) -> Result<Signing, Rejection> {
        let group = Arc::clone(self.engine.group(&request.key_group).unwrap());
        let suite = request.suite;
        let staged = self.engine.approve(now, request)?;
        let committed = durable(staged, &mut self.log);
        let approval = self.engine.release_approval(committed)?;
        Ok(Signing::new(group, suite, &approval.inputs[0]))
    }
}

fn engine(limits: Limits, log: &mut impl Log) -> Engine {
    let tags = BTreeSet::from([RAW_TAG.to_owned()]);
    Engine::recover(limits, tags, &log.replay().unwrap()).unwrap()
}

/// A transaction that pays somebody else, as PSBT bytes. Another value is another message.
pub fn psbt(public: &GroupPublic, sats: u64) -> Vec<u8> {
    let funding = funding_transaction(script_pubkey(public), Amount::from_sat(sats));
    let stranger = [&[0x51, 0x20][..], &[9; 32]].concat();
    let payment = Payment {
        to: ScriptBuf::from_bytes(stranger),
        amount: Amount::from_sat(10_000),
        fee: Amount::from_sat(200),
    };
    spending_psbt(&funding, 0, public, payment)
        .unwrap()
        .to_bytes()
}

impl Group {
    /// A t-of-n key, one seat a process.
    pub fn new(threshold: u16, count: u16) -> Self {
        Self::with(threshold, count, Limits::default())
    }

    pub fn with(threshold: u16, count: u16, limits: Limits) -> Self {
        let seats: Vec<Vec<u16>> = (1..=count).map(|number| vec![number]).collect();
        Self::seated(threshold, &seats, limits)
    }

    /// A key whose seats live where `seats` says.
    pub fn seated(threshold: u16, seats: &[Vec<u16>], limits: Limits) -> Self {
        let mut nodes: Vec<Node> = (1..)
            .zip(seats)
            .map(|(seed, seats)| Node::new(seed, seats, limits))
            .collect();
        let public = make_key(&mut nodes, threshold, Hash32([1; 32]));
        Self { nodes, public }
    }

    /// Another key of the same members, held beside the first.
    pub fn make_another_key(&mut self) -> Arc<GroupPublic> {
        make_key(&mut self.nodes, self.public.threshold(), Hash32([2; 32]))
    }

    /// The process that holds a seat.
    pub fn node(&mut self, number: u16) -> &mut Node {
        let holds = |node: &&mut Node| node.seats.contains(&member(number));
        self.nodes.iter_mut().find(holds).unwrap()
    }

    /// Every operator approves one and the same transaction.
    pub fn approve(&mut self, sats: u64) -> Signing {
        let artifact = Artifact::Psbt(psbt(&self.public, sats));
        self.approve_artifact(&self.public.clone(), artifact)
    }

    /// Every operator approves a raw message of `public`.
    pub fn approve_raw(&mut self, public: &Arc<GroupPublic>, data: &[u8]) -> Signing {
        let artifact = Artifact::Tagged {
            tag: RAW_TAG.to_owned(),
            data: data.to_vec(),
            key_spec: KeySpec::group_key(),
        };
        self.approve_artifact(public, artifact)
    }

    fn approve_artifact(&mut self, public: &Arc<GroupPublic>, artifact: Artifact) -> Signing {
        let request = approve(public, artifact);
        let approved = self.nodes.iter_mut();
        let approved = approved.map(|node| node.approve(at(0), request.clone()).unwrap());
        approved.last().unwrap()
    }
}

/// A request to approve for an hour.
pub fn approve(public: &GroupPublic, artifact: Artifact) -> Approve {
    Approve {
        key_group: public.key_group().clone(),
        artifact,
        suite: SUITE,
        request: RequestId::new("test").unwrap(),
        life: APPROVAL_LIFE,
        replaces: None,
    }
}

fn make_key(nodes: &mut [Node], threshold: u16, ceremony: Hash32) -> Arc<GroupPublic> {
    let count = nodes.iter().map(|node| node.seats.len()).sum::<usize>() as u16;
    let mut shown: BTreeMap<Member, Round1> = BTreeMap::new();
    for node in &mut *nodes {
        for member in node.seats.clone() {
            let seat = Seat {
                ceremony,
                member,
                threshold,
                count,
            };
            shown.insert(member, node.engine.dkg_deal(seat, &mut node.rng).unwrap());
        }
    }
    let mut sealed: BTreeMap<Member, BTreeMap<Member, SealedShare>> = BTreeMap::new();
    for node in &mut *nodes {
        for member in node.seats.clone() {
            let mut others = shown.clone();
            others.remove(&member);
            let request = DkgSeal {
                seat: CeremonySeat { ceremony, member },
                transcript: TRANSCRIPT,
                others,
            };
            sealed.insert(member, node.engine.dkg_seal(request).unwrap());
        }
    }
    let mut public = None;
    for node in nodes {
        for member in node.seats.clone() {
            let seat = CeremonySeat { ceremony, member };
            public = Some(finish(node, seat, &sealed));
        }
    }
    public.unwrap()
}

fn finish(
    node: &mut Node,
    seat: CeremonySeat,
    sealed: &BTreeMap<Member, BTreeMap<Member, SealedShare>>,
) -> Arc<GroupPublic> {
    let to_us = |(from, to): (&Member, &BTreeMap<Member, SealedShare>)| {
        Some((*from, *to.get(&seat.member)?))
    };
    let open = DkgOpen {
        seat,
        sealed: sealed.iter().filter_map(to_us).collect(),
        transcript: TRANSCRIPT,
    };
    let staged = node.engine.dkg_open(open).unwrap();
    let pending = durable(staged, &mut node.log);
    node.engine.release_pending_key(pending).unwrap();
    let install = Install {
        seat,
        certificate: CERTIFICATE,
        file: CERTIFICATE_FILE.to_vec(),
    };
    let staged = node.engine.install(install).unwrap();
    let installed = durable(staged, &mut node.log);
    node.engine.release_install(installed).unwrap()
}

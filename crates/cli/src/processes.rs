//! Every node a process of its own, with its stores, on loopback. They are asked over their local interfaces, as their
//! operators would.

mod asking;
mod child;
mod signing;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context};
use clap::ValueEnum;
use hardfrost_api::local::{
    CeremonyView, Client, ConvictionView, KeyView, NodeView, StartCeremony,
};
use hardfrost_frost::GroupPublic;
use hardfrost_node::{Config, RosterFile};
use hardfrost_primitives::{KeyGroup, Member, RequestId, Suite};
use hardfrost_spend::UnsignedPsbt;
use hardfrost_wire::Roster;
use tokio::task::JoinSet;

use crate::cheat::CheatKind;
use crate::cluster::{Cluster, Faults, MadeKey, Signing};
use crate::group_folder::{is_in_use, name, GroupFolder};
use crate::progress::Progress;
use asking::{joined, pause, refusal, Asked, Asking};
use child::{NodeProcess, Place};

/// A port that was free may be taken before the node listens there: so often new ones are looked for.
const TRIES: usize = 4;
/// A node that is started answers within this.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// Nodes that have not met by then sign without having met: that is what they are made for.
const MEET_PATIENCE: Duration = Duration::from_secs(60);
/// Nodes that have met ask each other for what is pending within a second, and then ever more rarely.
const SETTLE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a key generation may take.
const KEY_MINUTES: u64 = 30;

/// n processes and the folder that they live in.
pub struct Processes {
    // Ended before their folder goes: fields are dropped in this order.
    nodes: Vec<NodeProcess>,
    folder: GroupFolder,
    asking: Asking,
    roster: Arc<Roster>,
    key: Option<Arc<GroupPublic>>,
    faults: Faults,
    convicted: BTreeSet<Member>,
    /// Proofs that were there before.
    known: BTreeSet<String>,
}

impl Processes {
    /// Makes so many nodes with operators of their own, and starts them.
    ///
    /// # Errors
    /// The folder is not to be had, or a node does not start.
    pub fn found(
        folder: GroupFolder,
        (suite, count): (Suite, u16),
        progress: &dyn Progress,
    ) -> anyhow::Result<Self> {
        let mut asking = Asking::start()?;
        for _ in 1..TRIES {
            let roster = folder.found(suite, count, progress)?;
            // Somebody else may be quicker to take a port, not four times.
            match start_all(&folder, &roster, (&mut asking, progress)) {
                Ok(nodes) => return Self::new(folder, roster, (nodes, asking), progress),
                Err(_) if any_in_use(&folder, &roster) => folder.unmake()?,
                Err(error) => return Err(error),
            }
        }
        let roster = folder.found(suite, count, progress)?;
        let nodes = start_all(&folder, &roster, (&mut asking, progress))?;
        Self::new(folder, roster, (nodes, asking), progress)
    }

    /// Starts the nodes that are there.
    ///
    /// # Errors
    /// The folder is not in order, or a node does not start.
    pub fn open(folder: GroupFolder, progress: &dyn Progress) -> anyhow::Result<Self> {
        let mut asking = Asking::start()?;
        let roster = folder.open()?;
        let nodes = start_all(&folder, &roster, (&mut asking, progress))?;
        Self::new(folder, roster, (nodes, asking), progress)
    }

    /// Nodes that are what they should be, and have met.
    fn new(
        folder: GroupFolder,
        roster: RosterFile,
        (nodes, asking): (Vec<NodeProcess>, Asking),
        progress: &dyn Progress,
    ) -> anyhow::Result<Self> {
        let mut group = Self {
            nodes,
            folder,
            asking,
            roster: Arc::new(roster.roster),
            key: None,
            faults: Faults::default(),
            convicted: BTreeSet::new(),
            known: BTreeSet::new(),
        };
        group.check_who_they_are()?;
        group.meet(progress)?;
        Ok(group)
    }

    /// That each node is the one of its operator: folders may have been exchanged.
    fn check_who_they_are(&mut self) -> anyhow::Result<()> {
        let views: BTreeMap<Member, NodeView> = self.asking.get(self.everybody(), "/v1/node")?;
        let ours = self.roster.hash().to_string();
        for (member, view) in views {
            let name = name(member, self.roster.count());
            let key = self.roster.key_of(member).map(ToString::to_string);
            ensure!(
                key.as_ref() == Some(&view.operator),
                "{name}'s operator key is not the one that roster.toml names"
            );
            ensure!(
                view.federations.iter().any(|one| one.roster == ours),
                "{name}'s node has another roster than the group's roster.toml"
            );
        }
        Ok(())
    }

    /// Waits until every node that is awake has a way to every other, if that comes soon.
    fn meet(&mut self, progress: &dyn Progress) -> anyhow::Result<()> {
        let awake = self.asked(|member| !self.faults.silent.contains(&member));
        let numbers: BTreeSet<u16> = awake.iter().map(|(member, _)| member.number()).collect();
        let count = awake.len();
        let until = Instant::now() + MEET_PATIENCE;
        self.asking.wait(async {
            for (place, (member, client)) in awake.into_iter().enumerate() {
                progress.reached("nodes meet", place, count);
                loop {
                    let view: NodeView = client
                        .get("/v1/node")
                        .await
                        .map_err(|error| refusal(member, error))?;
                    if has_met(&view, &numbers) || Instant::now() > until {
                        break;
                    }
                    pause().await;
                }
            }
            Ok(())
        })
    }

    fn everybody(&self) -> Vec<Asked> {
        self.asked(|_| true)
    }

    fn asked(&self, whom: impl Fn(Member) -> bool) -> Vec<Asked> {
        let all = self.nodes.iter().filter(|node| whom(node.member));
        all.map(|node| (node.member, node.client())).collect()
    }

    /// Whether its operator does what it should. What a convict's node says is no outcome: its own engine keeps it out.
    fn is_honest(&self, member: Member) -> bool {
        !self.faults.silent.contains(&member)
            && !self.faults.cheats.contains_key(&member)
            && !self.convicted.contains(&member)
    }

    /// The same error, or what stands behind it where a node has ended by itself.
    fn explained(&mut self, error: anyhow::Error) -> anyhow::Error {
        let silent = &self.faults.silent;
        let awake = self.nodes.iter_mut();
        let mut awake = awake.filter(|node| !silent.contains(&node.member));
        match awake.find_map(|node| node.ended().map(|_| node.last_words())) {
            Some(words) => error.context(words),
            None => error,
        }
    }

    /// Has the key made, and tells how far it is.
    fn make(&mut self, threshold: u16, progress: &dyn Progress) -> anyhow::Result<()> {
        let mut others = self.everybody().into_iter();
        let first = others.next().context("a group has members")?;
        let terms = StartCeremony::Begin {
            threshold,
            minutes: KEY_MINUTES,
            roster: None,
        };
        let mut asked = vec![first.clone()];
        let begun: BTreeMap<Member, CeremonyView> = self
            .asking
            .post(asked.clone(), ("/v1/ceremonies", &terms))?;
        let begun = begun.into_values().next().context("an answer")?;
        let join = StartCeremony::Join {
            join: begun.code,
            threshold: Some(threshold),
        };
        let others: Vec<Asked> = others.collect();
        let _joined: BTreeMap<Member, CeremonyView> = self
            .asking
            .post(others.clone(), ("/v1/ceremonies", &join))?;
        asked.extend(others);
        self.asking.wait(followed(asked, begun.id, progress))
    }

    /// A key generation that was cut off goes on by itself where its shares are durable, which takes a moment. One that
    /// can never end is not waited for.
    fn settle(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + SETTLE_PATIENCE;
        let asked = self.everybody();
        self.asking.wait(async {
            for (member, client) in asked {
                loop {
                    let view: NodeView = client
                        .get("/v1/node")
                        .await
                        .map_err(|error| refusal(member, error))?;
                    let all = &view.federations;
                    if all.iter().all(|one| one.pending.is_empty()) || Instant::now() > until {
                        break;
                    }
                    pause().await;
                }
            }
            Ok(())
        })
    }

    /// The key that all nodes hold, verified here.
    fn held_key(&mut self) -> anyhow::Result<Option<MadeKey>> {
        self.settle()?;
        let held: BTreeMap<Member, Vec<KeyView>> = self.asking.get(self.everybody(), "/v1/keys")?;
        let keys: Vec<&KeyView> = held.values().flatten().collect();
        let Some(first) = keys.first() else {
            return Ok(None);
        };
        let same = |one: &&KeyView| one.certificate == first.certificate;
        ensure!(
            held.values().all(|keys| keys.len() == 1) && keys.iter().all(same),
            "the nodes do not hold one and the same key: its making was interrupted"
        );
        let key = views::key(first, &self.roster)?;
        self.key = Some(Arc::clone(&key.public));
        Ok(Some(key))
    }

    /// Starts the node of a member once more, as a traitor's.
    fn betray(&mut self, member: Member, kind: CheatKind) -> anyhow::Result<()> {
        let threshold = self.key.as_ref().map_or(0, |key| key.threshold());
        let place = self.nodes.iter().position(|node| node.member == member);
        let place = place.context("a member has a node")?;
        child::end(vec![self.nodes.remove(place)]);
        let kind = kind.to_possible_value().context("a kind has a name")?;
        let threshold = threshold.to_string();
        let arguments = [
            "traitor",
            "--kind",
            kind.get_name(),
            "--threshold",
            &threshold,
        ];
        let traitor = place_of(&self.folder, member, self.roster.count());
        let mut traitor = NodeProcess::start(traitor, &arguments.map(str::to_owned))?;
        self.asking.wait(answers(&mut traitor))?;
        self.nodes.insert(place, traitor);
        Ok(())
    }

    /// What is proven against members, as the honest nodes know it. Nothing is believed that is not proven.
    fn convictions(&mut self) -> anyhow::Result<Vec<ConvictionView>> {
        let honest = self.asked(|member| self.is_honest(member));
        let all: BTreeMap<Member, Vec<ConvictionView>> =
            self.asking.get(honest, "/v1/convictions")?;
        Ok(all.into_values().flatten().collect())
    }
}

fn has_met(view: &NodeView, awake: &BTreeSet<u16>) -> bool {
    let mut peers = view.federations.iter().flat_map(|one| &one.peers);
    peers.all(|peer| peer.link != "none" || !peer.seats.iter().any(|seat| awake.contains(seat)))
}

fn place_of(folder: &GroupFolder, member: Member, count: u16) -> Place {
    Place {
        member,
        name: name(member, count),
        folder: folder.node(member, count),
    }
}

/// Starts every node and waits until all of them answer. Those that were started end if one does not.
fn start_all(
    folder: &GroupFolder,
    roster: &RosterFile,
    (asking, progress): (&mut Asking, &dyn Progress),
) -> anyhow::Result<Vec<NodeProcess>> {
    let count = roster.roster.count();
    let run = ["node", "run"].map(str::to_owned);
    progress.step("starting the nodes", usize::from(count));
    let mut nodes = Starting::default();
    for member in Member::all(count) {
        let place = place_of(folder, member, count);
        nodes.0.push(NodeProcess::start(place, &run)?);
    }
    asking.wait(async {
        for node in &mut nodes.0 {
            answers(node).await?;
            progress.member_done();
        }
        Ok(())
    })?;
    Ok(std::mem::take(&mut nodes.0))
}

/// Nodes that are ended together where one of them does not start.
#[derive(Default)]
struct Starting(Vec<NodeProcess>);

impl Drop for Starting {
    fn drop(&mut self) {
        child::end(std::mem::take(&mut self.0));
    }
}

/// Waits until a node that was started answers.
async fn answers(node: &mut NodeProcess) -> anyhow::Result<()> {
    let client: Client = node.client();
    let until = Instant::now() + START_PATIENCE;
    loop {
        if client.get::<NodeView>("/v1/node").await.is_ok() {
            return Ok(());
        }
        if node.ended().is_some() || Instant::now() > until {
            bail!("{}", node.last_words());
        }
        pause().await;
    }
}

/// Whether somebody else listens where one of the nodes should. The nodes are ended.
fn any_in_use(folder: &GroupFolder, roster: &RosterFile) -> bool {
    let count = roster.roster.count();
    let configs = Member::all(count).filter_map(|one| Config::read(&folder.node(one, count)).ok());
    let mut addresses = configs.flat_map(|config| config.listen);
    addresses.any(is_in_use)
}

/// Follows a key generation at all nodes to its end.
async fn followed(asked: Vec<Asked>, id: String, progress: &dyn Progress) -> anyhow::Result<()> {
    let first = asked.first().map(|(member, _)| *member);
    let path: Arc<str> = format!("/v1/ceremonies/{id}?wait=30").into();
    let look = |(member, client): Asked| {
        let path = Arc::clone(&path);
        async move {
            let view = client.get::<CeremonyView>(&path).await;
            (member, client, view)
        }
    };
    let mut open = JoinSet::new();
    for one in asked {
        open.spawn(look(one));
    }
    while let Some(task) = open.join_next().await {
        let (member, client, view) = joined(task);
        let view = view.map_err(|error| refusal(member, error))?;
        match view.state.as_str() {
            "made" => continue,
            "failed" => bail!("no key was made: {}", view.failure.unwrap_or_default()),
            _ => {}
        }
        if Some(member) == first {
            let members = usize::from(view.members);
            let done = members.saturating_sub(view.awaited.len());
            progress.reached(&view.step, done, members);
        }
        open.spawn(look((member, client)));
    }
    Ok(())
}

impl Cluster for Processes {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn known_key(&mut self) -> anyhow::Result<Option<MadeKey>> {
        let key = self.held_key()?;
        if key.is_some() {
            for view in self.convictions()? {
                self.known.insert(view.evidence);
                if view.in_force {
                    self.convicted.insert(Member::new(view.member)?);
                }
            }
        }
        Ok(key)
    }

    fn convicted(&self) -> BTreeSet<Member> {
        self.convicted.clone()
    }

    fn make_key(&mut self, threshold: u16, progress: &dyn Progress) -> anyhow::Result<MadeKey> {
        let made = self.make(threshold, progress);
        made.map_err(|error| self.explained(error))?;
        self.held_key()?.context("no node holds the key")
    }

    fn turn_faulty(&mut self, faults: &Faults, progress: &dyn Progress) -> anyhow::Result<()> {
        self.faults = faults.clone();
        let silent = self.nodes.iter_mut();
        let silent = silent.filter(|node| faults.silent.contains(&node.member));
        silent.for_each(NodeProcess::kill);
        for (done, (member, kind)) in faults.cheats.iter().enumerate() {
            progress.reached("starting the cheats' nodes", done, faults.cheats.len());
            self.betray(*member, *kind)?;
        }
        if faults.cheats.is_empty() {
            return Ok(());
        }
        self.meet(progress)
    }

    fn sign(
        &mut self,
        key_group: &KeyGroup,
        psbt: &UnsignedPsbt,
        request: &RequestId,
        progress: &dyn Progress,
    ) -> anyhow::Result<Signing> {
        let signed = self.sign_all((key_group, request), psbt, progress);
        signed.map_err(|error| self.explained(error))
    }

    fn close(self: Box<Self>) {}
}

impl Drop for Processes {
    fn drop(&mut self) {
        child::end(std::mem::take(&mut self.nodes));
    }
}

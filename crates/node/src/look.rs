//! What an operator sees of a node. What only the engine knows is asked of it, and waited for beside the loop.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_api::engine::{EngineGone, EngineHandle};
use hardfrost_api::local::{
    Answer, ConvictionView, EngineView, FederationView, KeyView, NodeView, PeerView, PendingView,
    Problem, ReadyView, StoppedView,
};
use hardfrost_dkg::Certificate;
use hardfrost_engine::{Conviction, HeldKey, Status};
use hardfrost_evidence::{Evidence, EvidenceFile};
use hardfrost_net::{EndpointStatus, Link, PeerStatus};
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::Roster;
use tokio::time::timeout;

use crate::core::Core;
use crate::federation::Federation;
use crate::reach::Reach;
use crate::roster_file::RosterFile;

/// What stays the same while a node runs.
pub struct Look {
    /// The roster files, in the order of the configuration.
    pub files: Arc<Vec<RosterFile>>,
    /// The operator's public key.
    pub operator: String,
    /// Where other nodes reach this one.
    pub listen: Vec<String>,
    /// The socket of the engine's process, if it has one.
    pub engine_socket: Option<String>,
    /// The transport's limits.
    pub network: crate::network::Table,
    /// What the endpoint refused.
    pub refused: Box<dyn Fn() -> EndpointStatus + Send>,
}

/// Whoever asks is told by then that the engine says nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

const SILENT: &str = "the engine does not answer: see whether its process is stopped, or its disk";

fn gone(error: &EngineGone) -> Problem {
    Problem::unavailable(error.to_string())
}

/// Waits for what the engine says, beside the loop.
fn later<T: Send + 'static>(
    answer: Answer<T>,
    told: impl std::future::Future<Output = Result<T, Problem>> + Send + 'static,
) {
    tokio::spawn(async move {
        let told = timeout(ANSWER_WITHIN, told).await;
        // Who asked may have gone.
        let _gone = answer.send(told.unwrap_or_else(|_| Err(Problem::unavailable(SILENT))));
    });
}

impl Look {
    /// The node at a glance.
    pub fn node(&self, core: &Core, answer: Answer<NodeView>) {
        let engine = core.engine().clone();
        let reach = Reach::of(core);
        let seen = self.without_engine(core, SILENT);
        later(answer, async move {
            let Ok(status) = timeout(ANSWER_WITHIN / 2, engine.status()).await else {
                return Ok(seen);
            };
            let status = status.map_err(|error| gone(&error))?;
            Ok(NodeView {
                ready: reach.ready(&status),
                engine: EngineView {
                    socket: seen.engine.socket,
                    ..engine_view(&status)
                },
                ..seen
            })
        });
    }

    /// The node while its engine's process is away.
    pub fn without_engine(&self, core: &Core, why: &str) -> NodeView {
        let ceremonies = core.journal.generations(|place| core.seat(place));
        NodeView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            operator: self.operator.clone(),
            started: core.began().0,
            listen: self.listen.clone(),
            ready: ReadyView {
                ready: false,
                connected: false,
                missing: vec![why.to_owned()],
            },
            engine: EngineView {
                socket: self.engine_socket.clone(),
                away: Some(why.to_owned()),
                ..EngineView::default()
            },
            federations: core.federations().iter().map(federation).collect(),
            unplaced: core.unplaced.iter().cloned().collect(),
            ceremonies: ceremonies
                .into_iter()
                .filter(|one| one.state == "waiting")
                .collect(),
            network: self.network.clone(),
            refused: refused((self.refused)()),
        }
    }

    /// What there is to say while the engine's process is away.
    pub fn away(&self) -> String {
        let socket = self.engine_socket.as_deref().unwrap_or("its socket");
        format!(
            "the engine at {socket} is away: start it again (hardfrost engine serve), and the node \
             goes on by itself"
        )
    }

    /// Whether it can sign.
    pub fn ready(&self, core: &Core, answer: Answer<ReadyView>) {
        let engine = core.engine().clone();
        let reach = Reach::of(core);
        later(answer, async move {
            match engine.status().await {
                Ok(status) => Ok(reach.ready(&status)),
                Err(error) => Ok(ReadyView {
                    ready: false,
                    connected: false,
                    missing: vec![error.to_string()],
                }),
            }
        });
    }

    /// The keys that are held.
    pub fn keys(&self, core: &Core, answer: Answer<Vec<KeyView>>) {
        let engine = core.engine().clone();
        let files = Arc::clone(&self.files);
        later(answer, async move {
            let held = engine.held_keys().await.map_err(|error| gone(&error))?;
            let status = engine.status().await.map_err(|error| gone(&error))?;
            let view = |held: &HeldKey| key(held, &status, &files);
            Ok(held.iter().filter_map(view).collect())
        });
    }

    /// Who is convicted.
    pub fn convictions(&self, core: &Core, answer: Answer<Vec<ConvictionView>>) {
        let engine = core.engine().clone();
        let files = Arc::clone(&self.files);
        later(answer, async move {
            let found = convicted(&engine).await;
            let (convictions, held) = found.map_err(|error| gone(&error))?;
            let view = |one: &Conviction| conviction(one, &held, &files);
            Ok(convictions.iter().filter_map(view).collect())
        });
    }
}

async fn convicted(engine: &EngineHandle) -> Result<(Vec<Conviction>, Vec<HeldKey>), EngineGone> {
    Ok((engine.convictions().await?, engine.held_keys().await?))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn engine_view(status: &Status) -> EngineView {
    EngineView {
        socket: None,
        away: None,
        faulted: status.faulted,
        live_attempts: count(status.live_attempts),
        sessions: count(status.sessions),
        approvals: count(status.records.approvals),
        consumed: count(status.records.consumed),
    }
}

/// Why connections were refused, where any were.
fn refused(status: EndpointStatus) -> Vec<(String, u64)> {
    let all = [
        ("stranger", status.strangers_refused),
        ("failed handshake", status.handshakes_failed),
        ("slow handshake", status.handshakes_timed_out),
        ("too many handshakes", status.handshakes_displaced),
        ("malformed hello", status.malformed_hellos),
        ("another roster", status.unknown_network),
        ("another's place", status.wrong_index),
        ("unproven operator", status.bad_proof),
        ("no common version", status.no_common_version),
    ];
    let any = all.into_iter().filter(|(_, count)| *count > 0);
    any.map(|(why, count)| (why.to_owned(), count)).collect()
}

/// Of several seats that wait for one key, each names itself; the first says whom it waits for.
fn pending(all: &Federation) -> Vec<PendingView> {
    let mut views: Vec<PendingView> = Vec::new();
    for seat in all.seats() {
        for (open, key) in seat.pending() {
            let key_group = key.key_group().to_string();
            let own = seat.member().number();
            if let Some(known) = views.iter_mut().find(|view| view.key_group == key_group) {
                known.seats.push(own);
                continue;
            }
            let (_, awaited) = open.awaited();
            views.push(PendingView {
                key_group,
                threshold: key.threshold(),
                members: key.count(),
                seats: vec![own],
                awaited: awaited.iter().map(|member| member.number()).collect(),
            });
        }
    }
    views
}

fn federation(all: &Federation) -> FederationView {
    let roster = all.roster();
    let groups = all
        .seats()
        .first()
        .into_iter()
        .flat_map(|seat| seat.groups());
    FederationView {
        roster: roster.hash().to_string(),
        suite: roster.suite().to_string(),
        members: roster.count(),
        seats: all.seats().iter().map(|s| s.member().number()).collect(),
        keys: groups.map(ToString::to_string).collect(),
        pending: pending(all),
        peers: all.peers().iter().map(|status| peer(all, status)).collect(),
        noise: all.seats().iter().map(hardfrost_seat::Seat::noise).sum(),
    }
}

fn peer(all: &Federation, status: &PeerStatus) -> PeerView {
    let operators = all.roster().operators();
    let named = |place: u16| operators.get(usize::from(place));
    let name = |place: u16| named(place).map(|it| it.name.clone()).unwrap_or_default();
    let (link, detail) = match &status.link {
        Link::Direct { address, .. } => ("direct", address.map(|at| at.to_string())),
        Link::Relayed(through) => ("relayed", Some(format!("through {}", name(through.0)))),
        Link::None { last_error } => ("none", last_error.clone()),
    };
    let counts = &status.counts;
    let dropped = [
        counts.dropped_full,
        counts.dropped_unreachable,
        counts.dropped_oversized,
        counts.dropped_over_quota,
        all.over_quota(status.peer),
    ];
    let seats = named(status.peer.0).into_iter().flat_map(|it| &it.seats);
    PeerView {
        operator: name(status.peer.0),
        seats: seats.map(|seat| seat.number()).collect(),
        link: link.to_owned(),
        detail,
        round_trip_millis: status.round_trip.map(|took| took.as_secs_f64() * 1000.0),
        skew_millis: status.skew_millis,
        build: status.build.clone(),
        sent: counts.frames_sent,
        received: counts.frames_received,
        dropped: dropped.iter().sum(),
    }
}

/// The roster that a held key was made under, if this node has it, with its file.
fn roster_of<'a>(held: &HeldKey, files: &'a [RosterFile]) -> Option<&'a RosterFile> {
    let certificate = Certificate::from_bytes(&held.file).ok()?;
    let hash: Hash32 = certificate.descriptor().roster;
    files.iter().find(|file| file.roster.hash() == hash)
}

fn key(held: &HeldKey, status: &Status, files: &[RosterFile]) -> Option<KeyView> {
    let file = roster_of(held, files)?;
    let name = held.public.key_group();
    let known = status.keys.iter().find(|known| known.key_group == *name);
    let stopped = known.and_then(|known| known.rekeyed.as_ref());
    let quarantined = known.map(|known| &known.quarantined);
    Some(KeyView {
        key_group: name.to_string(),
        threshold: held.public.threshold(),
        members: held.public.count(),
        seats: held.seats.iter().map(|seat| seat.number()).collect(),
        share_epoch: held.share_epoch,
        roster: file.roster.hash().to_string(),
        suite: file.roster.suite().to_string(),
        certificate: held.certificate.to_string(),
        certificate_hex: hex::encode(&held.file),
        roster_toml: file.to_toml(),
        stopped: stopped.map(|rekeyed| StoppedView {
            since: rekeyed.at.0,
            reason: rekeyed.reason.as_str().to_owned(),
        }),
        quarantined: quarantined.map_or_else(Vec::new, |members| {
            members.iter().map(|member| member.number()).collect()
        }),
    })
}

fn conviction(one: &Conviction, held: &[HeldKey], files: &[RosterFile]) -> Option<ConvictionView> {
    let proof = Evidence::from_frame(&one.proof)?;
    let mut held = held.iter();
    let key = held.find(|held| *held.public.key_group() == one.key_group)?;
    let file = roster_of(key, files)?;
    let evidence = EvidenceFile::new(proof.clone(), &file.roster, key.file.to_vec());
    Some(ConvictionView {
        key_group: one.key_group.to_string(),
        member: one.member.number(),
        operator: operator_name(&file.roster, one.member),
        kind: proof.kind().to_string(),
        evidence: one.evidence.to_string(),
        file_hex: hex::encode(evidence.to_bytes()),
        in_force: one.in_force,
    })
}

fn operator_name(roster: &Roster, member: Member) -> String {
    let index = roster.operator_of(member);
    let operator = index.and_then(|index| roster.operators().get(usize::from(index.0)));
    operator.map(|it| it.name.clone()).unwrap_or_default()
}

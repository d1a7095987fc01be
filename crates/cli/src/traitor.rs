//! A node whose operator cheats, for the demonstration: the same node, but what it sends is tampered with on its way
//! into the network.

use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context as Waker, Poll};

use anyhow::Context;
use clap::Args;
use hardfrost_net::{Arrival, Class, PeerIndex, PeerStatus, Transport};
use hardfrost_node::{Config, Keys};
use hardfrost_wire::{Roster, Sizes};

use crate::cheat::{CheatKind, Saboteur};
use crate::operate::node::{plainly, serve};
use crate::Failure;

/// Run a node that cheats
#[derive(Args)]
pub struct Traitor {
    /// The node's folder
    #[arg(long, value_name = "FOLDER")]
    node: PathBuf,
    /// How it cheats
    #[arg(long, value_name = "KIND")]
    kind: CheatKind,
    /// How many members sign with the group's key
    #[arg(long, value_name = "T")]
    threshold: u16,
    /// Stop also when standard input ends
    #[arg(long)]
    attached: bool,
}

/// Runs it.
///
/// # Errors
/// As for any node.
pub fn run(arguments: &Traitor) -> Result<(), Failure> {
    let config = Config::read(&arguments.node).context("the node does not start")?;
    let (kind, threshold) = (arguments.kind, arguments.threshold);
    let wrap = move |transport: Box<dyn Transport>, keys: &Keys, roster: &Roster| {
        let own = keys.operator().public();
        let seats = roster.operators().iter().find(|one| one.key == own);
        let seat = seats.and_then(|operator| operator.seats.first().copied());
        let Some(member) = seat else {
            return plainly(transport, keys, roster);
        };
        let sizes = Sizes {
            threshold,
            count: roster.count(),
        };
        let tampering = Tampering {
            transport,
            saboteur: Saboteur::new(kind, member, keys.operator(), sizes),
            roster: roster.clone(),
        };
        Box::new(tampering)
    };
    Ok(serve(config, &wrap, arguments.attached)?)
}

/// A way into the network that changes what goes out.
struct Tampering {
    transport: Box<dyn Transport>,
    saboteur: Saboteur,
    roster: Roster,
}

impl Transport for Tampering {
    fn send(&mut self, peer: PeerIndex, bytes: &Arc<[u8]>, class: Class) {
        let place = usize::from(peer.0);
        for instead in self.saboteur.tamper(place, bytes, &self.roster) {
            self.transport.send(peer, &instead.into(), class);
        }
    }

    fn receive(&mut self, limit: usize) -> Vec<Arrival> {
        let arrivals = self.transport.receive(limit);
        for arrival in &arrivals {
            if let Arrival::Frame { bytes, .. } = arrival {
                self.saboteur.sees(bytes);
            }
        }
        for (place, bytes) in self.saboteur.due(&self.roster) {
            let peer = PeerIndex(u16::try_from(place).unwrap_or(u16::MAX));
            self.transport.send(peer, &bytes.into(), Class::Once);
        }
        arrivals
    }

    fn poll_ready(&mut self, cx: &mut Waker<'_>) -> Poll<()> {
        self.transport.poll_ready(cx)
    }

    fn peers(&self) -> Vec<PeerStatus> {
        self.transport.peers()
    }
}

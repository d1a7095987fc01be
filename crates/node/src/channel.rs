//! Who speaks at the other end of a connection, proven by operator keys.

use std::sync::Arc;

use hardfrost_net::{Identity, NetworkTerms, PeerIndex, PeerTerms, TransportPublic};
use hardfrost_wire::{Kind, OperatorKey, OperatorPublic, Sizes};

use crate::roster_file::RosterFile;

/// What the transport's own messages may add to a body.
const FRAME_EXTRA_BYTES: usize = 4096;

struct Operators {
    own: OperatorKey,
    all: Vec<OperatorPublic>,
}

impl Identity for Operators {
    fn prove(&self, binding: &[u8; 32]) -> [u8; 64] {
        self.own.prove_channel(binding)
    }

    fn proves(&self, peer: PeerIndex, binding: &[u8; 32], proof: &[u8; 64]) -> bool {
        let operator = self.all.get(usize::from(peer.0));
        operator.is_some_and(|operator| operator.proves_channel(binding, proof))
    }
}

/// This operator is not in the roster, or somebody's node is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Our operator key has no seat.
    #[error("this node's operator key, {0}, has no seat in the roster")]
    NotListed(OperatorPublic),
    /// An entry has no transport key.
    #[error("operator {0:?} has no transport key: make the roster of all operators' cards")]
    NoContact(String),
}

/// The network of a roster's operators, as `own` takes part in it.
///
/// # Errors
/// [`TermsError`]
pub fn terms(file: &RosterFile, own: OperatorKey) -> Result<NetworkTerms, TermsError> {
    let operators = file.roster.operators();
    let mut indexed = (0u16..).zip(operators);
    let me = indexed.find(|(_, operator)| operator.key == own.public());
    let (me, _) = me.ok_or_else(|| TermsError::NotListed(own.public()))?;
    let peer = |(operator, contact): (&hardfrost_wire::Operator, &Option<_>)| {
        let missing = || TermsError::NoContact(operator.name.clone());
        let contact: &crate::card::Contact = contact.as_ref().ok_or_else(missing)?;
        Ok(PeerTerms {
            transport: TransportPublic(contact.transport),
            addresses: contact.addresses.clone(),
        })
    };
    let peers = operators.iter().zip(&file.contacts).map(peer);
    Ok(NetworkTerms {
        id: file.roster.hash().0,
        me: PeerIndex(me),
        peers: peers.collect::<Result<_, _>>()?,
        frame_bytes_max: frame_bytes_max(file.roster.count()),
        identity: Arc::new(Operators {
            all: operators.iter().map(|operator| operator.key).collect(),
            own,
        }),
    })
}

/// The largest frame of any kind that a group among n seats can have, whatever its t.
fn frame_bytes_max(count: u16) -> usize {
    let sizes = (1..=count).map(|threshold| Sizes { threshold, count });
    let all = sizes.flat_map(|sizes| Kind::ALL.map(|kind| kind.frame_bytes_max(sizes)));
    all.max().unwrap_or_default() + FRAME_EXTRA_BYTES
}

//! A group of nodes, wherever they run. The demo speaks to this and cannot tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_dkg::Certificate;
use hardfrost_evidence::Evidence;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{KeyGroup, Member, RequestId, SessionId};
use hardfrost_seat::SessionReport;
use hardfrost_spend::UnsignedPsbt;
use hardfrost_wire::Roster;

use crate::cheat::CheatKind;
use crate::progress::Progress;

/// A certified key.
pub struct MadeKey {
    /// The proof that all n members hold shares of it.
    pub certificate: Certificate,
    /// The key.
    pub public: Arc<GroupPublic>,
}

/// Members that do not do their part.
#[derive(Clone, Default)]
pub struct Faults {
    /// They never answer.
    pub silent: BTreeSet<Member>,
    /// They cheat.
    pub cheats: BTreeMap<Member, CheatKind>,
}

/// What became of a signing request.
pub struct Signing {
    /// What every node approved: inputs by their index, each with the session that signs it.
    pub inputs: Vec<(usize, SessionId)>,
    /// One report for each session: of the honest node that ended it first.
    pub sessions: Vec<SessionReport>,
    /// The first proof against each member that was convicted meanwhile.
    pub convicted: BTreeMap<Member, Evidence>,
}

/// What a demonstration needs of a group of nodes.
pub trait Cluster {
    /// Who the operators are.
    fn roster(&self) -> &Roster;

    /// The key that the nodes hold already, if they do.
    ///
    /// # Errors
    /// Some nodes hold a key that others do not, or one that the roster does not certify.
    fn known_key(&mut self) -> anyhow::Result<Option<MadeKey>>;

    /// Who was convicted before, as any of the nodes knows it.
    fn convicted(&self) -> BTreeSet<Member>;

    /// Makes a t-of-n key among all seats.
    ///
    /// # Errors
    /// The ceremony failed; the error names whose contribution did.
    fn make_key(&mut self, threshold: u16, progress: &dyn Progress) -> anyhow::Result<MadeKey>;

    /// From now on these members do not do their part.
    ///
    /// # Errors
    /// A node that is to cheat does not start.
    fn turn_faulty(&mut self, faults: &Faults, progress: &dyn Progress) -> anyhow::Result<()>;

    /// Has every node's operator approve the transaction, then waits for every session to end.
    ///
    /// # Errors
    /// A node refused, or a session did not end.
    fn sign(
        &mut self,
        key_group: &KeyGroup,
        psbt: &UnsignedPsbt,
        request: &RequestId,
        progress: &dyn Progress,
    ) -> anyhow::Result<Signing>;

    /// Ends all nodes in order.
    fn close(self: Box<Self>);
}

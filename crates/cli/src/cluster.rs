//! A group of nodes, wherever they run. The demo speaks to this and cannot tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_dkg::Certificate;
use hardfrost_engine::Approval;
use hardfrost_evidence::Evidence;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{KeyGroup, Member, RequestId};
use hardfrost_seat::SessionReport;
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
    /// What every node approved.
    pub approval: Approval,
    /// One report for each session: of the honest node that ended it first.
    pub sessions: Vec<SessionReport>,
    /// The first proof against each convicted member.
    pub convicted: BTreeMap<Member, Evidence>,
}

/// What a demonstration needs of a group of nodes.
pub trait Cluster {
    /// Who the operators are.
    fn roster(&self) -> &Roster;

    /// Makes a t-of-n key among all seats.
    ///
    /// # Errors
    /// The ceremony failed; the error names whose contribution did.
    fn make_key(&mut self, threshold: u16, progress: &dyn Progress) -> anyhow::Result<MadeKey>;

    /// From now on these members do not do their part.
    fn turn_faulty(&mut self, faults: &Faults);

    /// Has every node's operator approve the transaction, then waits for every session to end.
    ///
    /// # Errors
    /// A node refused, or a session did not end.
    fn sign(
        &mut self,
        key_group: &KeyGroup,
        psbt: &[u8],
        request: &RequestId,
        progress: &dyn Progress,
    ) -> anyhow::Result<Signing>;
}

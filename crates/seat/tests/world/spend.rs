//! A transaction to sign, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_engine::Engine;
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::derive::session_id;
use hardfrost_primitives::{KeySpec, RequestId, SessionId};
use hardfrost_roast::{Outcome, Terms};
use hardfrost_seat::{Event, Request};
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Amount, Network, Payment, ScriptBuf, SpendPlan,
    UnsignedPsbt,
};
use hardfrost_wire::Roster;

use super::{World, PATIENCE, SUITE};

/// A session is forgotten so long after its deadline.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a group is asked to sign.
pub struct Spend {
    pub psbt: UnsignedPsbt,
    pub plan: SpendPlan,
}

impl Spend {
    pub fn new(group: &Arc<GroupPublic>) -> Self {
        let bare = DerivedGroup::new(Arc::clone(group), KeySpec::group_key()).unwrap();
        let ours = address(&bare, Network::Regtest).script_pubkey();
        let funding = funding_transaction(ours.clone(), Amount::from_sat(50_000));
        let payment = Payment {
            to: ScriptBuf::from_bytes([&[0, 20], &[7; 20][..]].concat()),
            amount: Amount::from_sat(20_000),
            fee: Amount::from_sat(500),
        };
        let psbt = spending_psbt(&funding, 0, group, payment).unwrap();
        let plan = SpendPlan::new(&psbt, group).unwrap();
        Self { psbt, plan }
    }

    pub fn request(&self, group: &GroupPublic, name: &str) -> Request {
        self.request_for(group, name, PATIENCE)
    }

    pub fn request_for(&self, group: &GroupPublic, name: &str, life: Duration) -> Request {
        Request::Approve {
            key_group: group.key_group().clone(),
            psbt: self.psbt.to_bytes(),
            request: RequestId::new(name).unwrap(),
            life,
        }
    }

    /// What every seat takes for the session's terms.
    pub fn terms(&self, group: &Arc<GroupPublic>, roster: &Arc<Roster>, name: &str) -> Terms {
        let input = &self.plan.inputs()[0];
        let derived = DerivedGroup::new(Arc::clone(group), input.key_spec.clone()).unwrap();
        Terms {
            session: self.session(group, name),
            message: input.message,
            group: Arc::new(derived),
            share_epoch: 0,
            roster: Arc::clone(roster),
        }
    }

    pub fn session(&self, group: &GroupPublic, name: &str) -> SessionId {
        let input = &self.plan.inputs()[0];
        let request = RequestId::new(name).unwrap();
        let (message, spec) = (&input.message, &input.key_spec);
        session_id(group.key_group(), message, spec, SUITE, &request)
    }

    /// The index of the node that coordinates the first attempt.
    pub fn coordinator(&self, group: &Arc<GroupPublic>, roster: &Arc<Roster>, name: &str) -> usize {
        let context = self.terms(group, roster, name).context(1);
        usize::from(context.coordinator().unwrap().number()) - 1
    }

    /// The signature completes the transaction.
    pub fn assert_signed(&self, signature: Signature) {
        let signatures = [(0, signature)].into();
        let signed = self.plan.complete(self.psbt.clone(), &signatures).unwrap();
        signed.finalize().unwrap();
    }
}

impl World {
    /// How each node's sessions ended.
    pub fn outcomes(&self, index: usize) -> Vec<Outcome> {
        let ended = |event: &Event| {
            let Event::Ended(report) = event else {
                return None;
            };
            Some(report.outcome.clone())
        };
        self.nodes[index].events.iter().filter_map(ended).collect()
    }

    /// The node's one session ended with a signature of the plan's one input.
    pub fn assert_signed(&self, index: usize, spend: &Spend) {
        let outcomes = self.outcomes(index);
        let [Outcome::Signed(signature)] = outcomes[..] else {
            panic!("node {index}: {outcomes:?}");
        };
        spend.assert_signed(signature);
    }

    pub fn assert_all_signed(&self, spend: &Spend) {
        (0..self.nodes.len()).for_each(|index| self.assert_signed(index, spend));
    }

    /// Live attempts in each engine.
    pub fn live(&self) -> Vec<usize> {
        let engines = self.hosts.iter().map(|host| &host.engine);
        engines.map(Engine::live_attempts).collect()
    }
}

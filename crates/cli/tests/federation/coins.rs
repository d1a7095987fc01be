//! Made-up coins of a group, and transactions that spend them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hardfrost_api::local::KeyView;
use hardfrost_dkg::Certificate;
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_node::RosterFile;
use hardfrost_spend::{
    funding_transaction, script_pubkey, spending_psbt, Amount, Payment, ScriptBuf, SignedPsbt,
    SpendError, SpendPlan, UnsignedPsbt,
};

const PAID: Amount = Amount::from_sat(750_000);
const FEE: Amount = Amount::from_sat(1_000);
const WORTH: u64 = 1_000_000;

/// A group's key, as its certificate proves it.
pub struct GroupKey {
    public: Arc<GroupPublic>,
    name: String,
}

/// A transaction to sign.
pub struct Spend {
    psbt: UnsignedPsbt,
    plan: SpendPlan,
    key_group: String,
    session: OnceLock<String>,
}

impl GroupKey {
    pub fn verified(view: &KeyView) -> Self {
        let roster = RosterFile::from_toml(&view.roster_toml).unwrap().roster;
        let certificate = hex::decode(&view.certificate_hex).unwrap();
        let certificate = Certificate::from_bytes(&certificate).unwrap();
        let public = certificate.verify(&roster).unwrap();
        assert_eq!(public.key_group().to_string(), view.key_group);
        Self {
            public,
            name: view.key_group.clone(),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A transaction that spends a coin worth `more` than the least.
    pub fn spend(&self, more: u64) -> Spend {
        let coins = script_pubkey(&self.public);
        let funding = funding_transaction(coins, Amount::from_sat(WORTH + more));
        let payment = Payment {
            // Version 0 and 20 bytes: somebody else's.
            to: ScriptBuf::from_bytes([&[0, 20][..], &[7; 20]].concat()),
            amount: PAID,
            fee: FEE,
        };
        let psbt = spending_psbt(&funding, 0, &self.public, payment).unwrap();
        Spend {
            plan: SpendPlan::new(&psbt, &self.public).unwrap(),
            psbt,
            key_group: self.name.clone(),
            session: OnceLock::new(),
        }
    }
}

impl Spend {
    pub fn key_group(&self) -> &str {
        &self.key_group
    }

    pub fn to_base64(&self) -> String {
        self.psbt.to_base64()
    }

    /// Its session, the same at every node; there is none before somebody has approved it.
    pub fn session(&self) -> &str {
        self.session.get().unwrap()
    }

    /// A node told the session.
    pub fn is_signed_in(&self, session: &str) {
        let known = self.session.get_or_init(|| session.to_owned());
        assert_eq!(known, session);
    }

    /// With its signature, which must be one.
    pub fn complete(&self, signature: &str) -> Result<SignedPsbt, SpendError> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(signature, &mut bytes).unwrap();
        let signatures = BTreeMap::from([(0, Signature(bytes))]);
        self.plan.complete(self.psbt.clone(), &signatures)
    }
}

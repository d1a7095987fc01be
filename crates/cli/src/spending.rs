//! The demonstration's transaction: made-up coins, what spends them, and what came of it.

use std::collections::BTreeMap;

use anyhow::Context;
use bitcoin::consensus::encode::serialize_hex;
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::KeySpec;
use hardfrost_roast::Outcome;
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Address, Amount, Network, Payment, ScriptBuf,
    SpendPlan, Transaction, UnsignedPsbt,
};

use crate::cluster::Signing;
use crate::consensus;
use crate::out_dir::OutDir;

const FUNDED: Amount = Amount::from_sat(1_000_000);
const PAID: Amount = Amount::from_sat(750_000);
const FEE: Amount = Amount::from_sat(1_000);

/// What the group is to sign.
pub struct Spending {
    pub address: Address,
    pub funding: Transaction,
    pub psbt: UnsignedPsbt,
    pub plan: SpendPlan,
}

impl Spending {
    /// Coins on the group's address, and a PSBT that pays most of them to somebody else.
    ///
    /// # Errors
    /// None for a group that is one.
    pub fn prepare(group: &std::sync::Arc<GroupPublic>) -> anyhow::Result<Self> {
        let bare = DerivedGroup::new(group.clone(), KeySpec::group_key())?;
        let address = address(&bare, Network::Regtest);
        let funding = funding_transaction(address.script_pubkey(), FUNDED);
        let payee = bitcoin::hashes::Hash::hash(b"somebody else");
        let to = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::from_raw_hash(payee));
        let payment = Payment {
            to,
            amount: PAID,
            fee: FEE,
        };
        let psbt = spending_psbt(&funding, 0, group, payment)?;
        let plan = SpendPlan::new(&psbt, group)?;
        Ok(Self {
            address,
            funding,
            psbt,
            plan,
        })
    }

    /// Completes the PSBT and asks consensus about the transaction, and about a corrupted twin.
    ///
    /// # Errors
    /// Signatures that do not complete it, or files that cannot be written.
    pub fn finish(
        &self,
        signatures: &BTreeMap<usize, Signature>,
        out: &OutDir,
    ) -> anyhow::Result<(Transaction, bool)> {
        let signed = self.plan.complete(self.psbt.clone(), signatures)?;
        let transaction = signed.finalize()?;
        out.write("spend.after.psbt", &signed.to_bytes())?;
        out.write("spending.hex", serialize_hex(&transaction).as_bytes())?;
        let spent = self
            .funding
            .output
            .first()
            .context("the funding has an output")?;
        let spent = [spent.clone()];
        let twin = consensus::corrupted_twin(&transaction);
        let verified =
            consensus::accepts(&transaction, &spent) && !consensus::accepts(&twin, &spent);
        Ok((transaction, verified))
    }
}

/// The signature of every input, or why there is none, by input.
pub fn signatures(signing: &Signing) -> Result<BTreeMap<usize, Signature>, Vec<String>> {
    let mut signatures = BTreeMap::new();
    let mut unsigned = Vec::new();
    for input in &signing.approval.inputs {
        let report = signing
            .sessions
            .iter()
            .find(|report| report.session == input.session);
        let why = match report.map(|report| &report.outcome) {
            Some(Outcome::Signed(signature)) => {
                signatures.insert(input.index, *signature);
                continue;
            }
            Some(Outcome::Infeasible) => "infeasible: too many members are convicted",
            Some(Outcome::Refused(why) | Outcome::Stuck(why)) => why.as_str(),
            Some(Outcome::Cancelled) => "its operator cancelled it",
            Some(Outcome::Expired) => "its deadline passed",
            None => "its session did not begin",
        };
        unsigned.push(format!("input {} is not signed: {why}", input.index));
    }
    if unsigned.is_empty() {
        Ok(signatures)
    } else {
        Err(unsigned)
    }
}

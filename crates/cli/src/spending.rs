//! The demonstration's transaction: made-up coins, what spends them, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{TxOut, Witness};
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::KeySpec;
use hardfrost_roast::Outcome;
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Address, Amount, Network, Payment, ScriptBuf,
    SpendError, SpendPlan, Transaction, UnsignedPsbt,
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
    /// Where the coins come from, if they are made up.
    pub funding: Option<Transaction>,
    pub psbt: UnsignedPsbt,
    pub plan: SpendPlan,
}

impl Spending {
    /// Coins on the group's address, and a PSBT that pays most of them to somebody else.
    ///
    /// # Errors
    /// None for a group that is one.
    pub fn prepare(group: &Arc<GroupPublic>) -> anyhow::Result<Self> {
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
            funding: Some(funding),
            psbt,
            plan,
        })
    }

    /// Somebody else's PSBT.
    ///
    /// # Errors
    /// It asks nothing of the group, or what it asks is not to be signed.
    pub fn of(psbt: UnsignedPsbt, group: &Arc<GroupPublic>) -> anyhow::Result<Self> {
        let bare = DerivedGroup::new(group.clone(), KeySpec::group_key())?;
        let plan = SpendPlan::new(&psbt, group)?;
        Ok(Self {
            address: address(&bare, Network::Regtest),
            funding: None,
            psbt,
            plan,
        })
    }

    /// Completes the PSBT and asks consensus about our inputs, and about a corrupted twin.
    ///
    /// # Errors
    /// Signatures that do not complete it, or files that cannot be written.
    pub fn finish(
        &self,
        signatures: &BTreeMap<usize, Signature>,
        out: &OutDir,
    ) -> anyhow::Result<Finished> {
        let signed = self.plan.complete(self.psbt.clone(), signatures)?;
        out.write("spend.after.psbt", &signed.to_bytes())?;
        let (transaction, unsigned_by_others) = match signed.finalize() {
            Ok(transaction) => (transaction, Vec::new()),
            Err(SpendError::NotFinal(inputs)) => (self.with_ours(signatures), inputs),
            Err(other) => return Err(other.into()),
        };
        if unsigned_by_others.is_empty() {
            out.write("spending.hex", serialize_hex(&transaction).as_bytes())?;
        }
        let spends = self.plan.spends().iter();
        let spent: Vec<TxOut> = spends
            .map(|spend| TxOut {
                value: spend.value,
                script_pubkey: spend.script_pubkey.clone(),
            })
            .collect();
        let ours: Vec<usize> = signatures.keys().copied().collect();
        let twin = consensus::corrupted_twin(&transaction, &ours);
        let verified = consensus::accepts(&transaction, &spent, &ours)
            && !consensus::accepts(&twin, &spent, &ours);
        Ok(Finished {
            transaction,
            unsigned_by_others,
            verified,
        })
    }

    /// The transaction with our signatures only.
    fn with_ours(&self, signatures: &BTreeMap<usize, Signature>) -> Transaction {
        let mut transaction = self.psbt.transaction().clone();
        for (index, signature) in signatures {
            if let Some(input) = transaction.input.get_mut(*index) {
                input.witness = Witness::from_slice(&[signature.0]);
            }
        }
        transaction
    }
}

/// A transaction that the group has signed.
pub struct Finished {
    pub transaction: Transaction,
    /// Inputs that still lack somebody else's signature.
    pub unsigned_by_others: Vec<usize>,
    /// Consensus accepts our inputs, and refuses a twin.
    pub verified: bool,
}

/// The signature of every input, or why there is none, by input.
pub fn signatures(signing: &Signing) -> Result<BTreeMap<usize, Signature>, Vec<String>> {
    let mut signatures = BTreeMap::new();
    let mut unsigned = Vec::new();
    for (index, session) in &signing.inputs {
        let report = signing
            .sessions
            .iter()
            .find(|report| report.session == *session);
        let why = match report.map(|report| &report.outcome) {
            Some(Outcome::Signed(signature)) => {
                signatures.insert(*index, *signature);
                continue;
            }
            Some(Outcome::Infeasible) => "infeasible: too many members are convicted",
            Some(Outcome::Refused(why) | Outcome::Stuck(why)) => why.as_str(),
            Some(Outcome::Cancelled) => "its operators gave up waiting",
            Some(Outcome::Expired) => "its deadline passed",
            None => "its session did not begin",
        };
        unsigned.push(format!("input {index} is not signed: {why}"));
    }
    if unsigned.is_empty() {
        Ok(signatures)
    } else {
        Err(unsigned)
    }
}

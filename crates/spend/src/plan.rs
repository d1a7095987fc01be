//! What a PSBT asks the group to sign, and what that would do.

use std::collections::BTreeSet;
use std::sync::Arc;

use bitcoin::psbt::Input;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, ScriptBuf, TapSighashType, Transaction, TxOut, Txid,
};
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_primitives::{Hash32, KeySpec, Message};

use crate::fee::{estimate, fee, SIGNATURE_BYTES};
use crate::ours::{output_key, KeyFinder};
use crate::prevouts::prevouts;
use crate::{SpendError, UnsignedPsbt};

/// Inputs of one transaction at most.
pub const INPUTS_MAX: usize = 1000;
/// Outputs of one transaction at most.
pub const OUTPUTS_MAX: usize = 1000;

/// A transaction and everything that the group must sign for it. Only [`SpendPlan::new`] makes one, from a PSBT, and
/// recomputes all of it; so a message in a plan is explained by the transaction beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendPlan {
    psbt_hash: Hash32,
    inputs: Vec<OurInput>,
    spends: Vec<PlannedSpend>,
    outputs: Vec<PlannedOutput>,
    txid: Txid,
    fee: Amount,
    fee_rate: FeeRate,
}

/// An input that the group is to sign: one signing session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OurInput {
    /// Its place in the transaction, from 0.
    pub index: usize,
    /// The BIP-341 key-spend sighash, SIGHASH_DEFAULT, over all previous outputs.
    pub message: Message,
    /// Which key of the group signs.
    pub key_spec: KeySpec,
    /// The x-only key that the signature must verify under.
    pub output_key: [u8; 32],
    /// What the input brings.
    pub value: Amount,
}

/// Any input, ours or not, as far as people need it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedSpend {
    /// The output it spends.
    pub outpoint: OutPoint,
    /// That output's script.
    pub script_pubkey: ScriptBuf,
    /// That output's amount.
    pub value: Amount,
    /// Whether it belongs to the group.
    pub is_ours: bool,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedOutput {
    /// Where the amount goes.
    pub script_pubkey: ScriptBuf,
    /// The amount.
    pub value: Amount,
    /// Change: it pays to the bare group key, or to a key that an input of ours in this very transaction spends from.
    /// Anything else counts as spending, whatever the PSBT says of it.
    pub is_ours: bool,
}

impl SpendPlan {
    /// Works out what `psbt` asks of `group`. Inputs of others are left alone. An input of ours that is signed already
    /// is left alone when the signature is right, and is an error when it is not.
    ///
    /// # Errors
    /// See [`SpendError`].
    pub fn new(psbt: &UnsignedPsbt, group: &Arc<GroupPublic>) -> Result<Self, SpendError> {
        let psbt_hash = psbt.hash();
        let psbt = psbt.psbt();
        let tx = &psbt.unsigned_tx;
        within_limits(tx)?;
        let prevouts = prevouts(psbt)?;
        let fee = fee(&prevouts, &tx.output)?;
        let ours = our_inputs(psbt, &prevouts, group)?;
        let spends = spends(tx, &prevouts, &ours);
        let outputs = outputs(&tx.output, &spends, group);
        let inputs = unsigned(psbt, ours)?;
        let fee_rate = fee / estimate(psbt).weight();
        Ok(Self {
            psbt_hash,
            inputs,
            spends,
            outputs,
            txid: tx.compute_txid(),
            fee,
            fee_rate,
        })
    }

    /// The inputs to sign, ascending; at least one.
    #[must_use]
    pub fn inputs(&self) -> &[OurInput] {
        &self.inputs
    }

    /// All inputs, in order.
    #[must_use]
    pub fn spends(&self) -> &[PlannedSpend] {
        &self.spends
    }

    /// All outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> &[PlannedOutput] {
        &self.outputs
    }

    /// [`UnsignedPsbt::hash`] of what the plan was made from.
    #[must_use]
    pub fn psbt_hash(&self) -> Hash32 {
        self.psbt_hash
    }

    /// The transaction's id: witnesses do not change it.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.txid
    }

    /// Inputs less outputs.
    #[must_use]
    pub fn fee(&self) -> Amount {
        self.fee
    }

    /// Fee by weight, with a 64-byte witness for each input that is not final: exact when all inputs are ours, an upper
    /// bound when others still have larger witnesses to add.
    #[must_use]
    pub fn fee_rate(&self) -> FeeRate {
        self.fee_rate
    }

    /// What leaves the group's hands: all outputs that are not ours. The fee comes on top.
    #[must_use]
    pub fn spent(&self) -> Amount {
        // Cannot overflow: the sum of all outputs was checked.
        let foreign = self.outputs.iter().filter(|output| !output.is_ours);
        foreign.map(|output| output.value).sum()
    }
}

pub(crate) fn within_limits(tx: &Transaction) -> Result<(), SpendError> {
    if tx.input.len() > INPUTS_MAX {
        return Err(SpendError::TooManyInputs(tx.input.len()));
    }
    if tx.output.len() > OUTPUTS_MAX {
        return Err(SpendError::TooManyOutputs(tx.output.len()));
    }
    if tx.output.is_empty() {
        return Err(SpendError::NoOutputs);
    }
    Ok(())
}

/// Every input that spends from a key of the group, with its message.
fn our_inputs(
    psbt: &Psbt,
    prevouts: &[TxOut],
    group: &Arc<GroupPublic>,
) -> Result<Vec<OurInput>, SpendError> {
    let mut finder = KeyFinder::new(group);
    let mut cache = SighashCache::new(&psbt.unsigned_tx);
    let mut ours = Vec::new();
    for (index, (prevout, given)) in prevouts.iter().zip(&psbt.inputs).enumerate() {
        let Some(output_key) = output_key(&prevout.script_pubkey) else {
            continue;
        };
        let Some(key_spec) = finder.find(&output_key, given) else {
            continue;
        };
        only_default_sighash(index, given)?;
        let all = Prevouts::All(prevouts);
        let sighash = cache.taproot_key_spend_signature_hash(index, &all, TapSighashType::Default);
        // Fails only for an index or a number of prevouts that do not fit the transaction.
        let sighash = sighash.map_err(|_| SpendError::MissingPrevout(index))?;
        ours.push(OurInput {
            index,
            message: Message(*AsRef::<[u8; 32]>::as_ref(&sighash)),
            key_spec,
            output_key,
            value: prevout.value,
        });
    }
    if ours.is_empty() {
        return Err(SpendError::NothingOfOurs);
    }
    Ok(ours)
}

/// Any other type leaves a part of the transaction open to change after it is signed (BIP 341, "Hash types").
fn only_default_sighash(index: usize, given: &Input) -> Result<(), SpendError> {
    match given.sighash_type.map(|given| given.to_u32()) {
        None | Some(0) => Ok(()),
        Some(sighash_type) => Err(SpendError::SighashTypeNotAllowed {
            index,
            sighash_type,
        }),
    }
}

fn spends(tx: &Transaction, prevouts: &[TxOut], ours: &[OurInput]) -> Vec<PlannedSpend> {
    let ours: BTreeSet<usize> = ours.iter().map(|input| input.index).collect();
    let spend = |(index, (input, prevout)): (usize, (&bitcoin::TxIn, &TxOut))| PlannedSpend {
        outpoint: input.previous_output,
        script_pubkey: prevout.script_pubkey.clone(),
        value: prevout.value,
        is_ours: ours.contains(&index),
    };
    tx.input
        .iter()
        .zip(prevouts)
        .enumerate()
        .map(spend)
        .collect()
}

fn outputs(outputs: &[TxOut], spends: &[PlannedSpend], group: &GroupPublic) -> Vec<PlannedOutput> {
    let ours = spends.iter().filter(|spend| spend.is_ours);
    let mut scripts: BTreeSet<ScriptBuf> = ours.map(|spend| spend.script_pubkey.clone()).collect();
    scripts.insert(crate::script_pubkey(group));
    let output = |output: &TxOut| PlannedOutput {
        script_pubkey: output.script_pubkey.clone(),
        value: output.value,
        is_ours: scripts.contains(&output.script_pubkey),
    };
    outputs.iter().map(output).collect()
}

/// Leaves out what is signed already, if rightly.
fn unsigned(psbt: &Psbt, ours: Vec<OurInput>) -> Result<Vec<OurInput>, SpendError> {
    let mut unsigned = Vec::new();
    for input in ours {
        let Some(signature) = psbt.inputs.get(input.index).and_then(present_signature) else {
            unsigned.push(input);
            continue;
        };
        let signature = <[u8; SIGNATURE_BYTES]>::try_from(signature)
            .ok()
            .map(Signature);
        let right = |signature: &Signature| signature.verifies(&input.message, &input.output_key);
        if !signature.is_some_and(|signature| right(&signature)) {
            return Err(SpendError::FalseSignature(input.index));
        }
    }
    if unsigned.is_empty() {
        return Err(SpendError::NothingToSign);
    }
    Ok(unsigned)
}

/// The bytes that stand where our signature goes. Final fields that no key-path spend has count as false bytes.
fn present_signature(given: &Input) -> Option<Vec<u8>> {
    match (&given.final_script_sig, &given.final_script_witness) {
        (None, None) => given.tap_key_sig.map(|signature| signature.to_vec()),
        (None, Some(witness)) if witness.len() == 1 => {
            Some(witness.iter().flatten().copied().collect())
        }
        (Some(_), _) | (None, Some(_)) => Some(Vec::new()),
    }
}

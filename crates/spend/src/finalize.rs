//! Signatures into the PSBT, and the PSBT into a transaction (BIP 174 "Input Finalizer", BIP 371).

use std::collections::BTreeMap;

use bitcoin::base64::prelude::{Engine as _, BASE64_STANDARD};
use bitcoin::psbt::Input;
use bitcoin::secp256k1::schnorr;
use bitcoin::{taproot, Psbt, ScriptBuf, TapSighashType, Transaction, TxIn, TxOut, Witness};
use hardfrost_frost::Signature;

use crate::{SpendError, SpendPlan, UnsignedPsbt};

/// A PSBT with a verified signature in every input of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPsbt {
    psbt: Psbt,
}

impl SpendPlan {
    /// Puts `signatures`, by input index, into the PSBT that the plan was made from. Each is verified under its input's
    /// output key first.
    ///
    /// # Errors
    /// [`SpendError::OtherPsbt`], or [`SpendError::Signatures`] with every missing, false and idle one by its index.
    pub fn complete(
        &self,
        psbt: UnsignedPsbt,
        signatures: &BTreeMap<usize, Signature>,
    ) -> Result<SignedPsbt, SpendError> {
        if psbt.hash() != self.psbt_hash() {
            return Err(SpendError::OtherPsbt);
        }
        self.check(signatures)?;
        let mut psbt = psbt.into_psbt();
        for (index, signature) in signatures {
            let input = psbt.inputs.get_mut(*index);
            let signature = schnorr::Signature::from_slice(&signature.0).ok();
            if let (Some(input), Some(signature)) = (input, signature) {
                let sighash_type = TapSighashType::Default;
                input.tap_key_sig = Some(taproot::Signature {
                    signature,
                    sighash_type,
                });
            }
        }
        Ok(SignedPsbt { psbt })
    }

    fn check(&self, signatures: &BTreeMap<usize, Signature>) -> Result<(), SpendError> {
        let (mut missing, mut invalid) = (Vec::new(), Vec::new());
        for input in self.inputs() {
            match signatures.get(&input.index) {
                None => missing.push(input.index),
                Some(signature) if signature.verifies(&input.message, &input.output_key) => {}
                Some(_) => invalid.push(input.index),
            }
        }
        let asked = |index: &usize| self.inputs().iter().any(|input| input.index == *index);
        let idle: Vec<usize> = signatures.keys().copied().filter(|i| !asked(i)).collect();
        if missing.is_empty() && invalid.is_empty() && idle.is_empty() {
            Ok(())
        } else {
            Err(SpendError::Signatures {
                missing,
                invalid,
                idle,
            })
        }
    }
}

impl SignedPsbt {
    /// A PSBT that somebody has signed. Its signatures are as they were brought: whoever broadcasts the transaction
    /// lets consensus code judge it first.
    #[must_use]
    pub fn brought(psbt: UnsignedPsbt) -> Self {
        Self {
            psbt: psbt.into_psbt(),
        }
    }

    /// What each input spends, where the PSBT says so.
    #[must_use]
    pub fn spent(&self) -> Option<Vec<TxOut>> {
        let inputs = self.psbt.unsigned_tx.input.iter().zip(&self.psbt.inputs);
        inputs
            .map(|(spending, input)| {
                let index = usize::try_from(spending.previous_output.vout).ok()?;
                let previous = input.non_witness_utxo.as_ref();
                let output = previous.and_then(|tx| tx.output.get(index));
                input.witness_utxo.as_ref().or(output).cloned()
            })
            .collect()
    }

    /// The binary form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.psbt.serialize()
    }

    /// Base64 text, without a newline.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.to_bytes())
    }

    /// The transaction, ready to be sent: the finalizer's work and the extractor's (BIP 174).
    ///
    /// # Errors
    /// [`SpendError::NotFinal`] with the inputs of others that still lack a signature.
    pub fn finalize(&self) -> Result<Transaction, SpendError> {
        let psbt = self.finalized()?.psbt;
        let mut tx = psbt.unsigned_tx;
        for (input, fields) in tx.input.iter_mut().zip(psbt.inputs) {
            input.script_sig = fields.final_script_sig.unwrap_or_default();
            input.witness = fields.final_script_witness.unwrap_or_default();
        }
        Ok(tx)
    }

    /// The PSBT with final witnesses; of every input only the previous outputs and unknown fields stay beside them, as
    /// BIP 174 and BIP 371 want it.
    ///
    /// # Errors
    /// [`SpendError::NotFinal`].
    pub fn finalized(&self) -> Result<Self, SpendError> {
        let mut psbt = self.psbt.clone();
        let mut open = Vec::new();
        let inputs = psbt.unsigned_tx.input.iter().zip(psbt.inputs.iter_mut());
        for (index, (spending, input)) in inputs.enumerate() {
            match final_fields(spending, input) {
                Some((script_sig, witness)) => *input = finalized(input, script_sig, witness),
                None => open.push(index),
            }
        }
        if open.is_empty() {
            Ok(Self { psbt })
        } else {
            Err(SpendError::NotFinal(open))
        }
    }
}

type FinalFields = (Option<ScriptBuf>, Option<Witness>);

/// What is final already, or the witness of a key-path spend: its signature alone.
fn final_fields(spending: &TxIn, input: &Input) -> Option<FinalFields> {
    if input.final_script_sig.is_some() || input.final_script_witness.is_some() {
        return Some((
            input.final_script_sig.clone(),
            input.final_script_witness.clone(),
        ));
    }
    let signature = input
        .tap_key_sig
        .filter(|_| spends_taproot(spending, input))?;
    Some((None, Some(Witness::p2tr_key_spend(&signature))))
}

fn spends_taproot(spending: &TxIn, input: &Input) -> bool {
    let number = usize::try_from(spending.previous_output.vout).ok();
    let previous = input.non_witness_utxo.as_ref();
    let output = previous
        .zip(number)
        .and_then(|(tx, number)| tx.output.get(number));
    let output: Option<&TxOut> = output.or(input.witness_utxo.as_ref());
    output.is_some_and(|output| output.script_pubkey.is_p2tr())
}

fn finalized(input: &Input, script_sig: Option<ScriptBuf>, witness: Option<Witness>) -> Input {
    Input {
        non_witness_utxo: input.non_witness_utxo.clone(),
        witness_utxo: input.witness_utxo.clone(),
        final_script_sig: script_sig,
        final_script_witness: witness,
        proprietary: input.proprietary.clone(),
        unknown: input.unknown.clone(),
        ..Input::default()
    }
}

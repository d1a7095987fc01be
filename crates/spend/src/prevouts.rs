//! What the inputs spend, checked against everything the PSBT tells of it.

use std::collections::BTreeSet;

use bitcoin::psbt::Input;
use bitcoin::{OutPoint, Psbt, TxOut};

use crate::SpendError;

/// The previous output of every input, in order. BIP 341 ("Common signature message") commits to all their amounts and
/// scripts, so one missing makes every signature impossible and one false makes it worthless.
pub(crate) fn prevouts(psbt: &Psbt) -> Result<Vec<TxOut>, SpendError> {
    let mut seen = BTreeSet::new();
    let inputs = psbt.unsigned_tx.input.iter().zip(&psbt.inputs).enumerate();
    inputs
        .map(|(index, (spending, given))| {
            if !seen.insert(spending.previous_output) {
                return Err(SpendError::DuplicateInput(spending.previous_output));
            }
            prevout(index, spending.previous_output, given)
        })
        .collect()
}

fn prevout(index: usize, outpoint: OutPoint, given: &Input) -> Result<TxOut, SpendError> {
    let Some(previous) = &given.non_witness_utxo else {
        return given
            .witness_utxo
            .clone()
            .ok_or(SpendError::MissingPrevout(index));
    };
    let txid = previous.compute_txid();
    if txid != outpoint.txid {
        return Err(SpendError::WrongPreviousTransaction { index, given: txid });
    }
    let number = usize::try_from(outpoint.vout).ok();
    let output = number.and_then(|number| previous.output.get(number));
    let output = output.ok_or(SpendError::NoSuchPrevout(index))?;
    match &given.witness_utxo {
        Some(witness_utxo) if witness_utxo != output => Err(SpendError::PrevoutsDiffer(index)),
        Some(_) | None => Ok(output.clone()),
    }
}

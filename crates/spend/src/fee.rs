//! Sums, the fee, and the size that the fee pays for.

use bitcoin::{Amount, Psbt, Transaction, TxOut, Witness};

use crate::SpendError;

/// A BIP-340 signature without a sighash byte.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// Inputs less outputs; every amount and every partial sum within 21 million bitcoin.
pub(crate) fn fee(prevouts: &[TxOut], outputs: &[TxOut]) -> Result<Amount, SpendError> {
    let (inputs, outputs) = (sum(prevouts)?, sum(outputs)?);
    inputs
        .checked_sub(outputs)
        .ok_or(SpendError::NegativeFee { inputs, outputs })
}

/// The sum, each amount and each partial sum within 21 million bitcoin.
fn sum(outputs: &[TxOut]) -> Result<Amount, SpendError> {
    outputs.iter().try_fold(Amount::ZERO, |sum, output| {
        let sum = sum
            .checked_add(output.value)
            .filter(|sum| *sum <= Amount::MAX_MONEY);
        sum.ok_or(SpendError::AmountOutOfRange)
    })
}

/// The transaction with witnesses of the size it will have.
pub(crate) fn estimate(psbt: &Psbt) -> Transaction {
    let mut tx = psbt.unsigned_tx.clone();
    for (input, given) in tx.input.iter_mut().zip(&psbt.inputs) {
        let is_final = given.final_script_sig.is_some() || given.final_script_witness.is_some();
        input.script_sig = given.final_script_sig.clone().unwrap_or_default();
        input.witness = match &given.final_script_witness {
            Some(witness) => witness.clone(),
            None if is_final => Witness::new(),
            None => Witness::from_slice(&[[0; SIGNATURE_BYTES]]),
        };
    }
    tx
}

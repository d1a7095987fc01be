//! The last word on a transaction: Bitcoin Core's own script verification.

use bitcoin::consensus::encode::serialize;
use bitcoin::{Transaction, TxOut, Witness};
use bitcoinconsensus::{verify_with_flags, Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT};

/// Whether consensus accepts the `inputs` of `transaction`, which spends `spent` in the order of all its inputs. All
/// spent outputs are handed over: without them taproot is not checked at all.
pub fn accepts(transaction: &Transaction, spent: &[TxOut], inputs: &[usize]) -> bool {
    if spent.len() != transaction.input.len() || inputs.is_empty() {
        return false;
    }
    let bytes = serialize(transaction);
    let scripts: Vec<&[u8]> = spent
        .iter()
        .map(|out| out.script_pubkey.as_bytes())
        .collect();
    let utxos: Vec<Utxo> = spent
        .iter()
        .zip(&scripts)
        .map(|(out, script)| Utxo {
            script_pubkey: script.as_ptr(),
            script_pubkey_len: u32::try_from(script.len()).unwrap_or(u32::MAX),
            value: i64::try_from(out.value.to_sat()).unwrap_or(i64::MAX),
        })
        .collect();
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    inputs.iter().all(|index| {
        let (Some(out), Some(script)) = (spent.get(*index), scripts.get(*index)) else {
            return false;
        };
        let value = out.value.to_sat();
        verify_with_flags(script, value, &bytes, Some(&utxos), *index, flags).is_ok()
    })
}

/// The same transaction with one bit of the first of these inputs' signature flipped.
pub fn corrupted_twin(transaction: &Transaction, inputs: &[usize]) -> Transaction {
    let mut twin = transaction.clone();
    let first = inputs.first().and_then(|index| twin.input.get_mut(*index));
    if let Some(input) = first {
        let mut items = input.witness.to_vec();
        if let Some(byte) = items.first_mut().and_then(|signature| signature.last_mut()) {
            *byte ^= 1;
        }
        input.witness = Witness::from_slice(&items);
    }
    twin
}

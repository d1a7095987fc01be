//! Transactions for demonstrations and tests: money that exists nowhere, and a PSBT that spends it.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, XOnlyPublicKey,
};
use hardfrost_frost::GroupPublic;

use crate::{script_pubkey, UnsignedPsbt};

/// Change below this is not relayed: Bitcoin Core's dust limit for a P2TR output at its default rate.
const DUST: Amount = Amount::from_sat(330);

/// Whom to pay, how much, and the fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The script paid to.
    pub to: ScriptBuf,
    /// What it is paid.
    pub amount: Amount,
    /// What the miner is paid.
    pub fee: Amount,
}

/// No PSBT can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FundingError {
    /// The funding transaction has no such output.
    #[error("the funding transaction has no output {0}")]
    NoSuchOutput(u32),
    /// Amount and fee exceed the output.
    #[error("the payment and its fee exceed the {0} that there are")]
    TooLittle(Amount),
    /// Change too small to be relayed.
    #[error("the change of {0} is too small to be relayed: pay it as fee, or spend less")]
    Dust(Amount),
}

/// A well-formed transaction that pays `value` to `to` out of nothing, in the shape of a coinbase. The same arguments
/// give the same transaction, so two fundings of one key need different values.
#[must_use]
pub fn funding_transaction(to: ScriptBuf, value: Amount) -> Transaction {
    let input = TxIn {
        previous_output: OutPoint::null(),
        // A coinbase script has 2 to 100 bytes.
        script_sig: ScriptBuf::from_bytes(b"\x09hardfrost".to_vec()),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![TxOut {
            value,
            script_pubkey: to,
        }],
    }
}

/// A PSBT that spends output `vout` of `funding`, the bare group key's, with the change back to it.
///
/// # Errors
/// See [`FundingError`].
pub fn spending_psbt(
    funding: &Transaction,
    vout: u32,
    group: &GroupPublic,
    payment: Payment,
) -> Result<UnsignedPsbt, FundingError> {
    let number = usize::try_from(vout).ok();
    let spent = number.and_then(|number| funding.output.get(number));
    let spent = spent.ok_or(FundingError::NoSuchOutput(vout))?;
    let outputs = outputs(spent.value, group, payment)?;
    let unsigned = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::new(funding.compute_txid(), vout),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            ..TxIn::default()
        }],
        output: outputs,
    };
    let mut psbt = Psbt::from_unsigned_tx(unsigned).expect("no scripts or witnesses are in it");
    for input in &mut psbt.inputs {
        input.witness_utxo = Some(spent.clone());
        input.non_witness_utxo = Some(funding.clone());
        // P is tr(P0), so the internal key of its address is P0 (D9).
        let [_, p0 @ ..] = group.internal_key();
        input.tap_internal_key = XOnlyPublicKey::from_slice(p0).ok();
    }
    Ok(UnsignedPsbt::from_psbt(psbt))
}

fn outputs(
    spent: Amount,
    group: &GroupPublic,
    payment: Payment,
) -> Result<Vec<TxOut>, FundingError> {
    let needed = payment.amount.checked_add(payment.fee);
    let change = needed.and_then(|needed| spent.checked_sub(needed));
    let change = change.ok_or(FundingError::TooLittle(spent))?;
    let paid = TxOut {
        value: payment.amount,
        script_pubkey: payment.to,
    };
    if change == Amount::ZERO {
        return Ok(vec![paid]);
    }
    if change < DUST {
        return Err(FundingError::Dust(change));
    }
    Ok(vec![
        paid,
        TxOut {
            value: change,
            script_pubkey: script_pubkey(group),
        },
    ])
}

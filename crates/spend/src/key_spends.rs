//! A transaction given by its parts, all of whose inputs are taproot key spends.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::TapNodeHash;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut,
};
use hardfrost_primitives::{Hash32, Message};

use crate::fee::fee;
use crate::ours::output_key;
use crate::plan::within_limits;
use crate::prevouts::prevouts;
use crate::{SpendError, UnsignedPsbt};

/// A transaction of version 1, without lock time, every sequence final, that spends taproot outputs by their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpends {
    psbt: Psbt,
    messages: Vec<Message>,
}

/// An output that is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Which.
    pub outpoint: OutPoint,
    /// What it brings.
    pub value: Amount,
    /// Its script.
    pub script_pubkey: ScriptBuf,
}

impl KeySpends {
    /// The transaction that spends `coins` and pays `outputs`, in their order.
    ///
    /// # Errors
    /// Nothing spent or paid, too much of either, a coin twice or not taproot, sums out of range, outputs above inputs.
    pub fn new(coins: &[Coin], outputs: &[(Amount, ScriptBuf)]) -> Result<Self, SpendError> {
        let input = |coin: &Coin| TxIn {
            previous_output: coin.outpoint,
            sequence: Sequence::MAX,
            ..TxIn::default()
        };
        let output = |(value, script): &(Amount, ScriptBuf)| TxOut {
            value: *value,
            script_pubkey: script.clone(),
        };
        let unsigned = Transaction {
            version: Version::ONE,
            lock_time: LockTime::ZERO,
            input: coins.iter().map(input).collect(),
            output: outputs.iter().map(output).collect(),
        };
        within_limits(&unsigned)?;
        if coins.is_empty() {
            return Err(SpendError::NoInputs);
        }
        let not_taproot = |coin: &Coin| output_key(&coin.script_pubkey).is_none();
        if let Some(index) = coins.iter().position(not_taproot) {
            return Err(SpendError::NotTaproot(index));
        }
        let mut psbt = Psbt::from_unsigned_tx(unsigned).expect("no scripts or witnesses are in it");
        for (input, coin) in psbt.inputs.iter_mut().zip(coins) {
            input.witness_utxo = Some(output(&(coin.value, coin.script_pubkey.clone())));
        }
        let spent = prevouts(&psbt)?;
        fee(&spent, &psbt.unsigned_tx.output)?;
        let messages = messages(&psbt.unsigned_tx, &spent)?;
        Ok(Self { psbt, messages })
    }

    /// The transaction without signatures, as it goes over the network (BIP 144 needs witnesses, so the old format).
    #[must_use]
    pub fn transaction_bytes(&self) -> Vec<u8> {
        serialize(&self.psbt.unsigned_tx)
    }

    /// For each input the BIP-341 key-spend sighash, SIGHASH_DEFAULT.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The same as a PSBT. A root, where one is given, is named for every input: whether it fits is computed from the
    /// key, not believed.
    #[must_use]
    pub fn psbt(&self, root: Option<Hash32>) -> UnsignedPsbt {
        let mut psbt = self.psbt.clone();
        let root = root.map(|root| TapNodeHash::from_byte_array(root.0));
        for input in &mut psbt.inputs {
            input.tap_merkle_root = root;
        }
        UnsignedPsbt::from_psbt(psbt)
    }
}

fn messages(tx: &Transaction, spent: &[TxOut]) -> Result<Vec<Message>, SpendError> {
    let mut cache = SighashCache::new(tx);
    let all = Prevouts::All(spent);
    let sighash = |index| {
        let made = cache.taproot_key_spend_signature_hash(index, &all, TapSighashType::Default);
        // Fails only for an index or a number of prevouts that do not fit the transaction.
        let made = made.map_err(|_| SpendError::MissingPrevout(index))?;
        Ok(Message(*AsRef::<[u8; 32]>::as_ref(&made)))
    };
    (0..spent.len()).map(sighash).collect()
}

//! A transaction given by its parts: what it looks like, what is signed of it, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Sequence, Transaction, TxOut};
use hardfrost_spend::{Amount, Coin, KeySpends, OutPoint, ScriptBuf, SpendError, Txid};

fn taproot(byte: u8) -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x51, 0x20][..], &[byte; 32]].concat())
}

fn coin(vout: u32, sats: u64) -> Coin {
    Coin {
        outpoint: OutPoint::new(Txid::from_byte_array([7; 32]), vout),
        value: Amount::from_sat(sats),
        script_pubkey: taproot(2),
    }
}

fn pays(sats: u64) -> Vec<(Amount, ScriptBuf)> {
    vec![(Amount::from_sat(sats), taproot(9))]
}

#[test]
fn every_input_signs_the_whole_transaction_and_all_that_it_spends() {
    let coins = [coin(0, 5_000), coin(1, 6_000)];
    let spends = KeySpends::new(&coins, &pays(10_000)).unwrap();
    let tx: Transaction = deserialize(&spends.transaction_bytes()).unwrap();
    assert_eq!((tx.version.0, tx.lock_time.to_consensus_u32()), (1, 0));
    assert!(tx
        .input
        .iter()
        .all(|input| input.sequence == Sequence::MAX && input.witness.is_empty()));
    let spent = coins.clone().map(|coin| TxOut {
        value: coin.value,
        script_pubkey: coin.script_pubkey,
    });
    let mut cache = SighashCache::new(&tx);
    for (index, message) in spends.messages().iter().enumerate() {
        let all = Prevouts::All(&spent);
        let sighash = cache.taproot_key_spend_signature_hash(index, &all, TapSighashType::Default);
        assert_eq!(message.0, sighash.unwrap().to_byte_array());
    }
    assert_eq!(spends.messages().len(), 2);
}

#[test]
fn what_no_group_can_sign_or_nobody_would_mean_is_refused() {
    let refused = |coins: &[Coin], outputs: &[_]| KeySpends::new(coins, outputs).unwrap_err();
    assert_eq!(refused(&[], &pays(1)), SpendError::NoInputs);
    assert_eq!(refused(&[coin(0, 9)], &[]), SpendError::NoOutputs);
    let mut other = coin(1, 9);
    other.script_pubkey = ScriptBuf::from_bytes([&[0, 0x14][..], &[2; 20]].concat());
    assert_eq!(
        refused(&[coin(0, 9), other], &pays(1)),
        SpendError::NotTaproot(1)
    );
    let twice = refused(&[coin(0, 9), coin(0, 9)], &pays(1));
    assert_eq!(twice, SpendError::DuplicateInput(coin(0, 9).outpoint));
    let above = refused(&[coin(0, 9)], &pays(10));
    assert!(matches!(above, SpendError::NegativeFee { .. }));
    let never = refused(&[coin(0, u64::MAX)], &pays(1));
    assert_eq!(never, SpendError::AmountOutOfRange);
    let many: Vec<Coin> = (0..1001).map(|vout| coin(vout, 9)).collect();
    assert_eq!(refused(&many, &pays(1)), SpendError::TooManyInputs(1001));
}

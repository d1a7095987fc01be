//! A group whose key a test splits, its signatures, and an independent judge of the transactions.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bitcoin::consensus::serialize;
use bitcoin::{Amount, Psbt, ScriptBuf, Transaction, TxOut};
use bitcoinconsensus::{verify_with_flags, Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT};
use frost_secp256k1_tr::keys::{self, EvenY, IdentifierList, KeyPackage};
use frost_secp256k1_tr::SigningKey;
use hardfrost_frost::{
    aggregate, sign, CheckedPackage, DerivedGroup, DerivedShare, GroupPublic, KeyShare, Signature,
};
use hardfrost_primitives::{KeySpec, Member, Message};
use hardfrost_spend::{
    funding_transaction, script_pubkey, spending_psbt, Payment, SpendPlan, UnsignedPsbt,
};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde_json::Value;
use zeroize::Zeroizing;

/// The published vectors in `path`.
pub fn vectors(path: &str) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    serde_json::from_str(&std::fs::read_to_string(root.join(path)).unwrap()).unwrap()
}

/// Hex in a vector file as bytes.
pub fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap()
}

/// A 2-of-3 group and its shares.
pub struct Wallet {
    pub group: Arc<GroupPublic>,
    pub shares: Vec<KeyShare>,
}

impl Wallet {
    /// Splits `secret` with the library's dealer, normalised to even Y.
    pub fn split(secret: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(secret);
        let key = SigningKey::deserialize(&secret).unwrap();
        let (shares, public) = keys::split(&key, 3, 2, IdentifierList::Default, &mut rng).unwrap();
        let public = public.into_even_y(None);
        let key: Vec<u8> = public.verifying_key().serialize().unwrap();
        let verifying: Vec<[u8; 33]> = public
            .verifying_shares()
            .values()
            .map(|share| share.serialize().unwrap().try_into().unwrap())
            .collect();
        let group = GroupPublic::dangerous_dealt(key.try_into().unwrap(), 2, &verifying);
        let group = Arc::new(group.unwrap());
        let share = |(m, share)| {
            let package = KeyPackage::try_from(share).unwrap().into_even_y(None);
            let bytes = Zeroizing::new(package.signing_share().serialize().try_into().unwrap());
            KeyShare::from_bytes(m, &bytes, group.clone()).unwrap()
        };
        let shares = Member::all(3)
            .zip(shares.into_values())
            .map(share)
            .collect();
        Self { group, shares }
    }

    /// Members 1 and 3 sign `message`, whatever it is: below the engine nothing asks what it means.
    pub fn sign(&self, spec: &KeySpec, message: Message) -> Signature {
        let mut rng = ChaCha20Rng::from_seed(message.0);
        let group = Arc::new(DerivedGroup::new(self.group.clone(), spec.clone()).unwrap());
        let signers = [&self.shares[0], &self.shares[2]];
        let nonces = signers.map(|share| share.commit(&mut rng));
        let commitments = signers.iter().zip(&nonces);
        let commitments = commitments
            .map(|(s, n)| (s.member(), n.commitments()))
            .collect();
        let package = CheckedPackage::new(group.clone(), message, commitments).unwrap();
        let shares = signers.iter().zip(nonces).map(|(share, nonces)| {
            let derived = DerivedShare::new(share, group.clone()).unwrap();
            (share.member(), sign(&derived, nonces, &package).unwrap())
        });
        aggregate(&package, &shares.collect()).unwrap()
    }

    /// Signatures for every input of the plan.
    pub fn sign_all(&self, plan: &SpendPlan) -> BTreeMap<usize, Signature> {
        let inputs = plan.inputs().iter();
        inputs
            .map(|input| (input.index, self.sign(&input.key_spec, input.message)))
            .collect()
    }

    /// The group's own money, and a PSBT that pays some of it away.
    pub fn funded(&self) -> (Transaction, UnsignedPsbt) {
        let funding = funding_transaction(script_pubkey(&self.group), Amount::from_sat(100_000));
        let psbt = spending_psbt(&funding, 0, &self.group, payment(60_000)).unwrap();
        (funding, psbt)
    }
}

pub fn wallet() -> Wallet {
    Wallet::split([0x42; 32])
}

pub fn payment(sat: u64) -> Payment {
    Payment {
        to: somebody(),
        amount: Amount::from_sat(sat),
        fee: Amount::from_sat(1_000),
    }
}

/// A script of nobody we know.
pub fn somebody() -> ScriptBuf {
    ScriptBuf::from_hex("00147dd65592d0ab2fe0d0257d571abf032cd9db93dc").unwrap()
}

/// The PSBT after a change to it, read anew from its bytes.
pub fn changed(psbt: &UnsignedPsbt, change: impl FnOnce(&mut Psbt)) -> UnsignedPsbt {
    let mut psbt = Psbt::deserialize(&psbt.to_bytes()).unwrap();
    change(&mut psbt);
    UnsignedPsbt::parse(&psbt.serialize()).unwrap()
}

/// Whether Bitcoin's consensus code accepts every input of `tx`, which spends `spent`. The spent outputs go along:
/// without them it does not look at taproot at all.
pub fn consensus(tx: &Transaction, spent: &[TxOut]) -> Result<(), bitcoinconsensus::Error> {
    let utxo = |output: &TxOut| Utxo {
        script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
        script_pubkey_len: output.script_pubkey.len().try_into().unwrap(),
        value: output.value.to_sat().try_into().unwrap(),
    };
    let utxos: Vec<Utxo> = spent.iter().map(utxo).collect();
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    let bytes = serialize(tx);
    assert_eq!(tx.input.len(), spent.len());
    spent.iter().enumerate().try_for_each(|(index, output)| {
        let script = output.script_pubkey.as_bytes();
        let value = output.value.to_sat();
        verify_with_flags(script, value, &bytes, Some(&utxos), index, flags)
    })
}

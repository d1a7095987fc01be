//! From funding to a transaction that Bitcoin's consensus code accepts, and its twins that it does not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod wallet;

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint};
use bitcoin::key::XOnlyPublicKey;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::{Address, Psbt, ScriptBuf, Sequence, Transaction, TxOut, Witness};
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Taproot};
use hardfrost_spend::{
    address, descriptor, funding_transaction, script_pubkey, spending_psbt, Amount, Explanation,
    FundingError, Network, SpendError, SpendPlan, UnsignedPsbt,
};
use wallet::{changed, consensus, payment, somebody, wallet, Wallet};

fn sat(sat: u64) -> Amount {
    Amount::from_sat(sat)
}

#[test]
fn a_payment_of_the_group_is_valid_and_one_false_bit_is_not() {
    for wallet in [wallet(), Wallet::generated()] {
        pays(&wallet);
    }
}

fn pays(wallet: &Wallet) {
    let (funding, psbt) = wallet.funded();
    let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
    assert_eq!(plan.inputs().len(), 1);
    assert_eq!(plan.inputs()[0].key_spec, KeySpec::group_key());
    assert_eq!((plan.fee(), plan.spent()), (sat(1_000), sat(60_000)));

    let signed = plan
        .complete(psbt.clone(), &wallet.sign_all(&plan))
        .unwrap();
    let tx = signed.finalize().unwrap();
    assert_eq!(tx.compute_txid(), plan.txid());
    assert_eq!(tx.weight(), wallet_weight(&tx));
    assert_eq!(plan.fee_rate(), plan.fee() / tx.weight());
    assert_eq!((tx.version.0, tx.lock_time.to_consensus_u32()), (2, 0));
    assert_eq!(tx.input[0].sequence, Sequence::ENABLE_RBF_NO_LOCKTIME);
    assert_eq!(consensus(&tx, &funding.output), Ok(()));

    for bit in [0, 255, 256, 511] {
        let mut twin = tx.clone();
        let mut signature = twin.input[0].witness[0].to_vec();
        assert_eq!(signature.len(), 64);
        signature[bit / 8] ^= 1 << (bit % 8);
        twin.input[0].witness = Witness::from_slice(&[signature]);
        assert!(consensus(&twin, &funding.output).is_err(), "bit {bit}");
    }
    let mut dearer = funding.output.clone();
    dearer[0].value = sat(100_001);
    assert!(consensus(&tx, &dearer).is_err());
}

fn wallet_weight(tx: &Transaction) -> bitcoin::Weight {
    bitcoin::Weight::from_wu(4 * tx.base_size() as u64 + (tx.total_size() - tx.base_size()) as u64)
}

#[test]
fn an_address_is_the_internal_keys_own() {
    let group = Wallet::generated().group;
    let p0 = *group.internal_key();
    assert_ne!(p0[1..], group.verifying_key()[1..]);
    let bare = DerivedGroup::new(group.clone(), KeySpec::group_key()).unwrap();
    let internal = XOnlyPublicKey::from_slice(&p0[1..]).unwrap();
    for network in [
        Network::Bitcoin,
        Network::Testnet,
        Network::Signet,
        Network::Regtest,
    ] {
        let theirs = Address::p2tr(SECP256K1, internal, None, network);
        assert_eq!(address(&bare, network), theirs);
        assert_eq!(script_pubkey(&group), theirs.script_pubkey());
    }
    let key = hex::encode(&group.verifying_key()[1..]);
    let shown = descriptor(&group);
    assert!(shown.starts_with(&format!("rawtr({key})#")), "{shown}");
    assert_eq!(shown.len(), "rawtr()#".len() + 64 + 8);

    let funding = funding_transaction(script_pubkey(&group), sat(50_000));
    let psbt = spending_psbt(&funding, 0, &group, payment(20_000)).unwrap();
    let read = Psbt::deserialize(&psbt.to_bytes()).unwrap();
    assert_eq!(read.inputs[0].tap_internal_key, Some(internal));
    assert_eq!(read.inputs[0].non_witness_utxo, Some(funding));
    assert_eq!(SpendPlan::new(&psbt, &group).unwrap().inputs().len(), 1);
}

/// A PSBT with one input for each of these previous outputs, which pays most of it to somebody.
fn spending(prevouts: &[TxOut]) -> UnsignedPsbt {
    let mut tx = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: Vec::new(),
        output: vec![TxOut {
            value: sat(10_000),
            script_pubkey: somebody(),
        }],
    };
    for output in prevouts {
        let funding = funding_transaction(output.script_pubkey.clone(), output.value);
        let previous_output = bitcoin::OutPoint::new(funding.compute_txid(), 0);
        tx.input.push(bitcoin::TxIn {
            previous_output,
            ..Default::default()
        });
    }
    let mut psbt = Psbt::from_unsigned_tx(tx).unwrap();
    for (input, output) in psbt.inputs.iter_mut().zip(prevouts) {
        input.witness_utxo = Some(output.clone());
    }
    UnsignedPsbt::parse(&psbt.serialize()).unwrap()
}

fn p2tr(group: &Arc<GroupPublic>, spec: &KeySpec) -> ScriptBuf {
    let derived = DerivedGroup::new(group.clone(), spec.clone()).unwrap();
    address(&derived, Network::Regtest).script_pubkey()
}

/// Every taproot, with and without a path.
fn specs() -> Vec<KeySpec> {
    let path: Vec<ChildIndex> = [1, 7].map(|i| ChildIndex::new(i).unwrap()).into();
    let root = Taproot::Root(Hash32([0x11; 32]));
    let taproots = [Taproot::Untweaked, Taproot::KeyPathOnly, root];
    let of = |path: &Vec<ChildIndex>| taproots.map(|t| KeySpec::new(path.clone(), t).unwrap());
    [of(&Vec::new()), of(&path)].concat()
}

/// What a descriptor wallet tells of a key: its path and its script tree.
fn describe(input: &mut bitcoin::psbt::Input, spec: &KeySpec) {
    let steps = spec.path().iter().map(|i| ChildNumber::from(i.number()));
    let path = DerivationPath::from(steps.collect::<Vec<_>>());
    let any_key: XOnlyPublicKey =
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            .parse()
            .unwrap();
    input.tap_internal_key = Some(any_key);
    input
        .tap_key_origins
        .insert(any_key, (Vec::new(), (Fingerprint::default(), path)));
    if let Taproot::Root(root) = spec.taproot() {
        input.tap_merkle_root = Some(bitcoin::hashes::Hash::from_byte_array(root.0));
    }
}

#[test]
fn every_key_spec_is_found_and_signs_and_a_foreign_input_is_left_alone() {
    let wallet = wallet();
    let stranger = Wallet::split([0x77; 32]);
    let mut scripts: Vec<ScriptBuf> = specs().iter().map(|s| p2tr(&wallet.group, s)).collect();
    scripts.insert(2, script_pubkey(&stranger.group));
    let numbered = scripts.into_iter().zip(5_000..);
    let prevouts: Vec<TxOut> = numbered
        .map(|(script_pubkey, v)| TxOut {
            value: sat(v),
            script_pubkey,
        })
        .collect();
    let psbt = changed(&spending(&prevouts), |psbt| {
        let ours = psbt
            .inputs
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| *index != 2);
        for ((_, input), spec) in ours.zip(specs()) {
            describe(input, &spec);
        }
    });

    let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
    let found: Vec<_> = plan
        .inputs()
        .iter()
        .map(|i| (i.index, i.key_spec.clone()))
        .collect();
    let expected: Vec<_> = [0, 1, 3, 4, 5, 6].into_iter().zip(specs()).collect();
    assert_eq!(found, expected);
    assert_eq!(
        plan.spends().iter().filter(|spend| !spend.is_ours).count(),
        1
    );

    let ours = plan.complete(psbt, &wallet.sign_all(&plan)).unwrap();
    assert_eq!(ours.finalize(), Err(SpendError::NotFinal(vec![2])));
    // The stranger goes on where we ended, with our signatures in place.
    let next = UnsignedPsbt::parse(&ours.to_bytes()).unwrap();
    let theirs = SpendPlan::new(&next, &stranger.group).unwrap();
    assert_eq!(
        theirs.inputs().iter().map(|i| i.index).collect::<Vec<_>>(),
        [2]
    );
    let done = theirs.complete(next, &stranger.sign_all(&theirs)).unwrap();
    assert_eq!(consensus(&done.finalize().unwrap(), &prevouts), Ok(()));
}

#[test]
fn every_missing_false_and_idle_signature_is_named() {
    let wallet = wallet();
    let script = script_pubkey(&wallet.group);
    let prevouts = [6_000, 7_000, 8_000].map(|value| TxOut {
        value: sat(value),
        script_pubkey: script.clone(),
    });
    let psbt = spending(&prevouts);
    let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
    let good = wallet.sign_all(&plan);
    let mixed_up = BTreeMap::from([(0, good[&0]), (1, good[&2]), (9, good[&0])]);
    let named = SpendError::Signatures {
        missing: vec![2],
        invalid: vec![1],
        idle: vec![9],
    };
    assert_eq!(plan.complete(psbt.clone(), &mixed_up), Err(named));
    let not_even_a_point =
        BTreeMap::from([(0, Signature([0xff; 64])), (1, good[&1]), (2, good[&2])]);
    let named = SpendError::Signatures {
        missing: vec![],
        invalid: vec![0],
        idle: vec![],
    };
    assert_eq!(plan.complete(psbt.clone(), &not_even_a_point), Err(named));

    let other = changed(&psbt, |psbt| psbt.unsigned_tx.output[0].value = sat(10_001));
    assert_eq!(plan.complete(other, &good), Err(SpendError::OtherPsbt));
    let done = plan.complete(psbt, &good).unwrap();
    assert_eq!(consensus(&done.finalize().unwrap(), &prevouts), Ok(()));
}

#[test]
fn what_is_signed_already_is_left_alone_if_it_is_right() {
    let wallet = wallet();
    let script = script_pubkey(&wallet.group);
    let prevouts = [6_000, 7_000].map(|value| TxOut {
        value: sat(value),
        script_pubkey: script.clone(),
    });
    let psbt = spending(&prevouts);
    let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
    let signatures = wallet.sign_all(&plan);
    let whole = plan.complete(psbt.clone(), &signatures).unwrap();
    let reread = UnsignedPsbt::parse(&whole.to_bytes()).unwrap();
    assert_eq!(
        SpendPlan::new(&reread, &wallet.group),
        Err(SpendError::NothingToSign)
    );
    let last = UnsignedPsbt::parse(&whole.finalized().unwrap().to_bytes()).unwrap();
    assert_eq!(
        SpendPlan::new(&last, &wallet.group),
        Err(SpendError::NothingToSign)
    );

    // One of two, as a signature and as a final witness.
    for from in [&reread, &last] {
        let from = Psbt::deserialize(&from.to_bytes()).unwrap();
        let half = changed(&psbt, |psbt| psbt.inputs[1] = from.inputs[1].clone());
        let plan = SpendPlan::new(&half, &wallet.group).unwrap();
        assert_eq!(
            plan.inputs().iter().map(|i| i.index).collect::<Vec<_>>(),
            [0]
        );
        assert!(plan.spends().iter().all(|spend| spend.is_ours));
        let one = BTreeMap::from([(0, signatures[&0])]);
        let tx = plan.complete(half, &one).unwrap().finalize().unwrap();
        assert_eq!(consensus(&tx, &prevouts), Ok(()));
    }
    // The other input's signature, or final fields that no key-path spend has.
    let signed = Psbt::deserialize(&reread.to_bytes()).unwrap();
    let wrongs: [&dyn Fn(&mut Psbt); 3] = [
        &|psbt| psbt.inputs[1].tap_key_sig = signed.inputs[0].tap_key_sig,
        &|psbt| psbt.inputs[1].final_script_sig = Some(somebody()),
        &|psbt| psbt.inputs[1].final_script_witness = Some(Witness::from_slice(&[[1], [2]])),
    ];
    for wrong in wrongs {
        let wrong = changed(&psbt, wrong);
        assert_eq!(
            SpendPlan::new(&wrong, &wallet.group),
            Err(SpendError::FalseSignature(1))
        );
    }
}

#[test]
fn a_final_psbt_keeps_only_what_bip_174_keeps() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let psbt = changed(&psbt, |psbt| {
        describe(&mut psbt.inputs[0], &KeySpec::group_key());
        psbt.inputs[0].sighash_type = Some(bitcoin::TapSighashType::Default.into());
    });
    let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
    let signed = plan.complete(psbt, &wallet.sign_all(&plan)).unwrap();
    let last = Psbt::deserialize(&signed.finalized().unwrap().to_bytes()).unwrap();
    let kept = bitcoin::psbt::Input {
        witness_utxo: last.inputs[0].witness_utxo.clone(),
        non_witness_utxo: last.inputs[0].non_witness_utxo.clone(),
        final_script_witness: last.inputs[0].final_script_witness.clone(),
        ..Default::default()
    };
    assert_eq!(last.inputs[0], kept);
    assert_eq!(kept.final_script_witness.unwrap().len(), 1);
    assert!(kept.witness_utxo.is_some() && kept.non_witness_utxo.is_some());
    assert_eq!(last.extract_tx().unwrap(), signed.finalize().unwrap());
}

#[test]
fn another_groups_psbt_is_refused() {
    let (_, psbt) = wallet().funded();
    let stranger = Wallet::split([0x77; 32]);
    let refused = SpendPlan::new(&psbt, &stranger.group);
    assert_eq!(refused, Err(SpendError::NothingOfOurs));
    let elsewhere = changed(&psbt, |psbt| {
        psbt.inputs[0].non_witness_utxo = None;
        psbt.inputs[0].witness_utxo.as_mut().unwrap().script_pubkey = somebody();
        psbt.inputs[0].tap_merkle_root = Some(bitcoin::hashes::Hash::all_zeros());
    });
    let refused = SpendPlan::new(&elsewhere, &wallet().group);
    assert_eq!(refused, Err(SpendError::NothingOfOurs));
}

#[test]
fn the_explanation_says_who_gets_what() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
    let bare = DerivedGroup::new(wallet.group.clone(), KeySpec::group_key()).unwrap();
    let ours = address(&bare, Network::Regtest);
    let theirs = Address::from_script(&somebody(), Network::Regtest).unwrap();
    let expected = format!(
        "transaction {}\n\
         input 0: 0.00100000 BTC, ours, from {ours}\n\
         output 0: 0.00060000 BTC, spent, to {theirs}\n\
         output 1: 0.00039000 BTC, change, back to us, to {ours}\n\
         spent 0.00060000 BTC\n\
         fee 0.00001000 BTC, 7.04 sat/vB\n",
        plan.txid()
    );
    assert_eq!(
        Explanation::new(&plan, Network::Regtest).to_string(),
        expected
    );
}

#[test]
fn a_payment_that_cannot_be_made_is_refused() {
    let wallet = wallet();
    let funding = funding_transaction(script_pubkey(&wallet.group), sat(100_000));
    let with = |vout, amount| spending_psbt(&funding, vout, &wallet.group, payment(amount));
    assert_eq!(with(1, 1), Err(FundingError::NoSuchOutput(1)));
    assert_eq!(with(0, 99_001), Err(FundingError::TooLittle(sat(100_000))));
    assert_eq!(
        with(0, u64::MAX),
        Err(FundingError::TooLittle(sat(100_000)))
    );
    assert_eq!(with(0, 98_900), Err(FundingError::Dust(sat(100))));
    let exact = SpendPlan::new(&with(0, 99_000).unwrap(), &wallet.group).unwrap();
    assert_eq!((exact.outputs().len(), exact.spent()), (1, sat(99_000)));
}

//! Attacks b01 to b05, b08 and b10 on what is signed. Where an attack would take money, the test first takes it below
//! the rule, with Bitcoin's consensus code as the judge, and then meets the rule.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod wallet;

use bitcoin::psbt::PsbtSighashType;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{secp256k1::schnorr, Witness};
use bitcoin::{taproot, Amount, OutPoint, ScriptBuf, TapSighashType, Transaction, TxOut, Txid};
use hardfrost_frost::Signature;
use hardfrost_primitives::{Hash32, KeySpec, Message};
use hardfrost_spend::{
    Explanation, Network, PsbtError, SpendError, SpendPlan, TaggedError, TaggedMessage,
    UnsignedPsbt,
};
use wallet::{changed, consensus, somebody, wallet, Wallet};

/// The transaction of `psbt` with this signature in its only input.
fn with_signature(psbt: &UnsignedPsbt, signature: Signature, kind: TapSighashType) -> Transaction {
    let mut tx = bitcoin::Psbt::deserialize(&psbt.to_bytes())
        .unwrap()
        .unsigned_tx;
    let signature = schnorr::Signature::from_slice(&signature.0).unwrap();
    let signature = taproot::Signature {
        signature,
        sighash_type: kind,
    };
    tx.input[0].witness = Witness::p2tr_key_spend(&signature);
    tx
}

fn plan(wallet: &Wallet, psbt: &UnsignedPsbt) -> Result<SpendPlan, SpendError> {
    SpendPlan::new(psbt, &wallet.group)
}

#[test]
fn b01_a_digest_without_its_transaction_is_no_plan() {
    let wallet = wallet();
    let (funding, psbt) = wallet.funded();
    let digest = plan(&wallet, &psbt).unwrap().inputs()[0].message;

    // Without the rule: whoever hands the members this digest as it is gets a valid spend.
    let signature = wallet.sign(&KeySpec::group_key(), digest);
    let tx = with_signature(&psbt, signature, TapSighashType::Default);
    assert_eq!(consensus(&tx, &funding.output), Ok(()));

    // With it: a digest is no PSBT in any form, and nothing else makes a plan.
    for bytes in [
        digest.0.to_vec(),
        hex::encode(digest.0).into_bytes(),
        Vec::new(),
    ] {
        assert_eq!(UnsignedPsbt::parse(&bytes), Err(PsbtError::NotAPsbt));
    }
}

#[test]
fn b02_every_previous_output_must_be_there() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let none = changed(&psbt, |psbt| {
        psbt.inputs[0].witness_utxo = None;
        psbt.inputs[0].non_witness_utxo = None;
    });
    assert_eq!(plan(&wallet, &none), Err(SpendError::MissingPrevout(0)));
    // The one of an input that is not ours is no less needed.
    let foreign = changed(&psbt, |psbt| {
        let txid: Txid = "aa".repeat(32).parse().unwrap();
        let mut input = psbt.unsigned_tx.input[0].clone();
        input.previous_output = OutPoint::new(txid, 0);
        psbt.unsigned_tx.input.push(input);
        psbt.inputs.push(bitcoin::psbt::Input::default());
    });
    assert_eq!(plan(&wallet, &foreign), Err(SpendError::MissingPrevout(1)));
    // Either field alone is enough.
    for which in [0, 1] {
        let one = changed(&psbt, |psbt| match which {
            0 => psbt.inputs[0].witness_utxo = None,
            _ => psbt.inputs[0].non_witness_utxo = None,
        });
        assert!(plan(&wallet, &one).is_ok());
    }
}

#[test]
fn b02_a_false_previous_output_is_refused() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    // A smaller amount hides most of the fee from whoever approves it.
    let amount = changed(&psbt, |psbt| {
        psbt.inputs[0].witness_utxo.as_mut().unwrap().value = Amount::from_sat(99_100);
    });
    assert_eq!(plan(&wallet, &amount), Err(SpendError::PrevoutsDiffer(0)));
    let script = changed(&psbt, |psbt| {
        psbt.inputs[0].witness_utxo.as_mut().unwrap().script_pubkey = somebody();
    });
    assert_eq!(plan(&wallet, &script), Err(SpendError::PrevoutsDiffer(0)));

    // The false amount in both places: then it is another transaction.
    let both = changed(&psbt, |psbt| {
        let input = &mut psbt.inputs[0];
        input.witness_utxo.as_mut().unwrap().value = Amount::from_sat(99_100);
        input.non_witness_utxo.as_mut().unwrap().output[0].value = Amount::from_sat(99_100);
    });
    let refused = plan(&wallet, &both);
    assert!(matches!(
        refused,
        Err(SpendError::WrongPreviousTransaction { index: 0, .. })
    ));
    let elsewhere = changed(&psbt, |psbt| {
        psbt.unsigned_tx.input[0].previous_output.vout = 1;
    });
    assert_eq!(plan(&wallet, &elsewhere), Err(SpendError::NoSuchPrevout(0)));
}

#[test]
fn b02_amounts_and_inputs_are_those_of_a_possible_transaction() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let with = |change: &dyn Fn(&mut bitcoin::Psbt)| plan(&wallet, &changed(&psbt, change));
    let twice = with(&|psbt| {
        psbt.unsigned_tx
            .input
            .push(psbt.unsigned_tx.input[0].clone());
        psbt.inputs.push(psbt.inputs[0].clone());
    });
    assert!(matches!(twice, Err(SpendError::DuplicateInput(_))));
    let more = with(&|psbt| psbt.unsigned_tx.output[0].value = Amount::from_sat(100_001));
    assert!(matches!(more, Err(SpendError::NegativeFee { .. })));
    // Two of these wrap around to almost nothing in 64 bits.
    let huge = Amount::from_sat(u64::MAX / 2 + 100);
    let wraps = with(&|psbt| {
        psbt.unsigned_tx
            .output
            .iter_mut()
            .for_each(|it| it.value = huge)
    });
    assert_eq!(wraps, Err(SpendError::AmountOutOfRange));
    // More than there will ever be, alone and in sum.
    for (value, count) in [
        (Amount::MAX_MONEY + Amount::from_sat(1), 1),
        (Amount::MAX_MONEY, 2),
    ] {
        let rich = with(&|psbt| {
            let utxo = TxOut {
                value,
                script_pubkey: psbt.unsigned_tx.output[1].script_pubkey.clone(),
            };
            let input = bitcoin::psbt::Input {
                witness_utxo: Some(utxo),
                ..Default::default()
            };
            psbt.inputs = vec![input; count];
            psbt.unsigned_tx.input = vec![psbt.unsigned_tx.input[0].clone(); count];
            let spending = psbt.unsigned_tx.input.iter_mut();
            spending
                .zip(0..)
                .for_each(|(input, vout)| input.previous_output.vout = vout);
        });
        assert_eq!(rich, Err(SpendError::AmountOutOfRange));
    }
}

#[test]
fn b02_a_transaction_has_outputs_and_an_end() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let with = |change: &dyn Fn(&mut bitcoin::Psbt)| plan(&wallet, &changed(&psbt, change));
    let none = with(&|psbt| {
        psbt.unsigned_tx.output.clear();
        psbt.outputs.clear();
    });
    assert_eq!(none, Err(SpendError::NoOutputs));
    let many = with(&|psbt| {
        let small = TxOut {
            value: Amount::from_sat(1),
            script_pubkey: somebody(),
        };
        psbt.unsigned_tx.output = vec![small; 1001];
        psbt.outputs = vec![psbt.outputs[0].clone(); 1001];
    });
    assert_eq!(many, Err(SpendError::TooManyOutputs(1001)));
    let wide = with(&|psbt| {
        psbt.unsigned_tx.input = vec![psbt.unsigned_tx.input[0].clone(); 1001];
        psbt.inputs = vec![bitcoin::psbt::Input::default(); 1001];
    });
    assert_eq!(wide, Err(SpendError::TooManyInputs(1001)));
}

#[test]
fn b03_an_unreadable_psbt_is_refused_alone() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let (good, text) = (psbt.to_bytes(), psbt.to_base64());
    for cut in 0..good.len() {
        assert!(UnsignedPsbt::parse(&good[..cut]).is_err(), "{cut} bytes");
    }
    for cut in 0..text.len() {
        assert!(
            UnsignedPsbt::parse(&text.as_bytes()[..cut]).is_err(),
            "{cut} characters"
        );
    }
    // As tools write it: in lines.
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|l| std::str::from_utf8(l).unwrap())
        .collect();
    assert_eq!(
        UnsignedPsbt::parse(lines.join("\r\n").as_bytes()),
        UnsignedPsbt::parse(&good)
    );
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(UnsignedPsbt::parse(&longer), Err(PsbtError::LeftOver(1)));
    let garbled = text.replace('A', "\u{1b}");
    assert_eq!(
        UnsignedPsbt::parse(garbled.as_bytes()),
        Err(PsbtError::Base64)
    );
    let huge = [good.as_slice(), &vec![0; 4 << 20]].concat();
    assert_eq!(
        UnsignedPsbt::parse(&huge),
        Err(PsbtError::TooLarge(huge.len()))
    );
    let huge = vec![b'c'; (6 << 20) + 1];
    assert_eq!(
        UnsignedPsbt::parse(&huge),
        Err(PsbtError::TooLarge(huge.len()))
    );

    // Every byte, changed: refused or read, explained or refused, and never the end of us.
    for place in 0..good.len() {
        for value in [0x00, 0x01, 0x20, 0x7f, 0xfd, 0xff] {
            let mut bytes = good.clone();
            bytes[place] = value;
            if let Ok(psbt) = UnsignedPsbt::parse(&bytes) {
                let explained = |plan| Explanation::new(&plan, Network::Bitcoin).to_string();
                let _ = plan(&wallet, &psbt).map(explained);
            }
        }
    }
    assert!(plan(&wallet, &UnsignedPsbt::parse(&good).unwrap()).is_ok());
}

#[test]
fn b04_no_sighash_type_but_the_default_is_signed() {
    let wallet = wallet();
    let (funding, psbt) = wallet.funded();

    // Without the rule: a signature under SIGHASH_NONE, made for one payment, pays everything to a thief.
    let mut unsigned = bitcoin::Psbt::deserialize(&psbt.to_bytes()).unwrap();
    let mut cache = SighashCache::new(&unsigned.unsigned_tx);
    let all = Prevouts::All(&funding.output);
    let digest = cache
        .taproot_key_spend_signature_hash(0, &all, TapSighashType::None)
        .unwrap();
    let digest = Message(*AsRef::<[u8; 32]>::as_ref(&digest));
    let signature = wallet.sign(&KeySpec::group_key(), digest);
    let thief = TxOut {
        value: Amount::from_sat(99_900),
        script_pubkey: ScriptBuf::new(),
    };
    unsigned.unsigned_tx.output = vec![thief];
    unsigned.outputs.truncate(1);
    let stolen = UnsignedPsbt::parse(&unsigned.serialize()).unwrap();
    let tx = with_signature(&stolen, signature, TapSighashType::None);
    assert_eq!(consensus(&tx, &funding.output), Ok(()));

    // With it: not even SIGHASH_ALL, which signs the same and costs a byte, and nothing undefined.
    for sighash_type in [1, 2, 3, 0x81, 0x82, 0x83, 0x80, 0x100, u32::MAX] {
        let asked = Some(PsbtSighashType::from_u32(sighash_type));
        let asking = changed(&psbt, |psbt| psbt.inputs[0].sighash_type = asked);
        let error = plan(&wallet, &asking).unwrap_err();
        assert_eq!(
            error,
            SpendError::SighashTypeNotAllowed {
                index: 0,
                sighash_type
            }
        );
        assert!(error.is_sighash_type());
    }
    let default = changed(&psbt, |psbt| {
        psbt.inputs[0].sighash_type = Some(TapSighashType::Default.into());
    });
    assert!(plan(&wallet, &default).is_ok());
}

#[test]
fn b05_a_raw_message_is_never_a_sighash() {
    let wallet = wallet();
    let (funding, psbt) = wallet.funded();
    let digest = plan(&wallet, &psbt).unwrap().inputs()[0].message;
    let spends = |message: Message| {
        let signature = wallet.sign(&KeySpec::group_key(), message);
        let tx = with_signature(&psbt, signature, TapSighashType::Default);
        consensus(&tx, &funding.output).is_ok()
    };

    // Without the rule: a "raw message" that is a sighash, signed as it is, spends the money.
    assert!(spends(digest));
    // With it: the same bytes under a tag do not.
    let tagged = TaggedMessage::new("app/proof", &digest.0).unwrap();
    assert_ne!(tagged.message(), digest);
    assert!(!spends(tagged.message()));

    // Nor can the tag be the sighash's own, under which the signed data hash to the digest.
    let mut data = vec![0];
    let tx = bitcoin::Psbt::deserialize(&psbt.to_bytes())
        .unwrap()
        .unsigned_tx;
    let all = Prevouts::All(&funding.output);
    let mut cache = SighashCache::new(&tx);
    data.clear();
    cache
        .taproot_encode_signing_data_to(&mut data, 0, &all, None, None, TapSighashType::Default)
        .unwrap();
    assert_eq!(Hash32::tagged("TapSighash", &data).0, digest.0);
    assert_eq!(
        TaggedMessage::new("TapSighash", &data),
        Err(TaggedError::Reserved)
    );
}

#[test]
fn b05_a_tag_is_a_namespace_and_a_name() {
    let new = |tag: &str| TaggedMessage::new(tag, b"data").map(|_| ());
    for tag in [
        "app/proof",
        "a/b",
        "my-app2/Some name, v1/2",
        &format!("app/{}", "x".repeat(60)),
    ] {
        assert_eq!(new(tag), Ok(()), "{tag}");
    }
    let reserved = [
        "TapTweak",
        "TapLeaf",
        "TapBranch",
        "TapSighash",
        "BIP0340/challenge",
        "BIP0340/nonce",
        "BIP0340/aux",
        "bip0340/challenge",
        "MuSig/aux",
        "KeyAgg list",
        "hardfrost/key-test",
        "FROST/x",
    ];
    for tag in reserved {
        assert_eq!(new(tag), Err(TaggedError::Reserved), "{tag}");
    }
    for tag in ["proof", "/proof", "app/", "App/proof", "a b/c", "/"] {
        assert_eq!(new(tag), Err(TaggedError::NoNamespace), "{tag}");
    }
    for tag in ["app/\n", "app/\u{1b}[0m", "app/é", "app/\u{7f}"] {
        assert_eq!(new(tag), Err(TaggedError::TagAlphabet), "{tag:?}");
    }
    assert_eq!(new(""), Err(TaggedError::TagLength(0)));
    assert_eq!(
        new(&format!("app/{}", "x".repeat(61))),
        Err(TaggedError::TagLength(65))
    );
    let data = vec![0; (1 << 20) + 1];
    let refused = TaggedMessage::new("app/x", &data);
    assert_eq!(refused, Err(TaggedError::DataLength(data.len())));
}

#[test]
fn b08_change_is_what_pays_our_own_key_whatever_the_psbt_says() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let honest = plan(&wallet, &psbt).unwrap();
    let ours: Vec<bool> = honest
        .outputs()
        .iter()
        .map(|output| output.is_ours)
        .collect();
    assert_eq!(
        (ours, honest.spent()),
        (vec![false, true], Amount::from_sat(60_000))
    );

    // The change goes to a stranger, dressed up with all that marks the group's own change.
    let false_change = changed(&psbt, |psbt| {
        psbt.unsigned_tx.output[1].script_pubkey = somebody();
        psbt.outputs[1].tap_internal_key = psbt.inputs[0].tap_internal_key;
    });
    let plan = plan(&wallet, &false_change).unwrap();
    assert!(plan.outputs().iter().all(|output| !output.is_ours));
    assert_eq!(plan.spent(), Amount::from_sat(99_000));
}

#[test]
fn b10_data_in_a_transaction_cannot_move_the_cursor() {
    let wallet = wallet();
    let (_, psbt) = wallet.funded();
    let nasty = "\u{1b}[2J\r\nfee 0\u{202e}txt\u{200b}\u{9b}31m";
    let nasty = changed(&psbt, |psbt| {
        let data: [u8; 25] = nasty.as_bytes().try_into().unwrap();
        psbt.unsigned_tx.output[0].script_pubkey = ScriptBuf::new_op_return(data);
    });
    let plan = plan(&wallet, &nasty).unwrap();
    let shown = Explanation::new(&plan, Network::Regtest);
    let line = &shown.outputs[0];
    assert!(line.contains("?[2J??fee 0?txt??31m"), "{line:?}");
    assert!(shown
        .lines()
        .all(|line| line.chars().all(|c| !c.is_control())));
}

//! One record of each kind, as releases have appended it: a log outlives every release.

use std::sync::Arc;

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Parity, Scalar, SECP256K1};
use hardfrost_frost::{GroupPublic, KeyShare};
use hardfrost_locked::Region;
use hardfrost_primitives::{
    AttemptId, ChildIndex, Hash32, KeyGroup, KeySpec, Member, Message, RequestId, SessionId, Suite,
    Taproot, UnixTime,
};
use hardfrost_spend::{Policy, SpendFacts, SpentCoin};
use zeroize::Zeroizing;

use crate::attempt::AttemptKey;
use crate::reason::Reason;
use crate::record::{
    ApprovalRecord, ApprovedFacts, ApprovedItem, CompletedRecord, ConsumedRecord, ConvictionRecord,
    EncodedRecord, InstalledKey, PendingShareOfKey, PolicyRecord, QuarantineRecord, Record,
    RekeyRecord, RetiredRecord,
};
use bytes::{held_to, Specimen};

#[path = "../../../vectors/frames/recorded.rs"]
mod bytes;

const FILE: &str = "records.txt";
const AT: UnixTime = UnixTime(1_800_000_000);

fn hash(byte: u8) -> Hash32 {
    Hash32([byte; 32])
}

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

fn session() -> SessionId {
    SessionId::new("hf-recorded").unwrap()
}

fn reason() -> Reason {
    Reason::new("a laptop was stolen").unwrap()
}

fn key_spec() -> KeySpec {
    let path = [7, 1 << 20].map(|index| ChildIndex::new(index).unwrap());
    KeySpec::new(path.to_vec(), Taproot::Root(hash(9))).unwrap()
}

/// Member 2's share of a 2-of-2 key: P0 is 7·G with even Y, the shares lie on a line of slope 5.
fn share(region: &Region) -> KeyShare {
    let number = |number: u8| {
        let mut bytes = [0; 32];
        bytes[31] = number;
        bytes
    };
    let untweaked = Keypair::from_seckey_slice(SECP256K1, &number(7)).unwrap();
    let internal = untweaked.x_only_public_key().0;
    let tweaked = untweaked.tap_tweak(SECP256K1, None).to_keypair();
    let secret = tweaked.secret_key();
    let (_, parity) = secret.x_only_public_key(SECP256K1);
    let secret = if parity == Parity::Odd {
        secret.negate()
    } else {
        secret
    };
    let line = |x: u8| {
        let rise = Scalar::from_be_bytes(number(5 * x)).unwrap();
        secret.add_tweak(&rise).unwrap()
    };
    let public = |x| line(x).public_key(SECP256K1).serialize();
    let internal = internal.public_key(Parity::Even).serialize();
    let group = GroupPublic::new(internal, 2, &[public(1), public(2)]).unwrap();
    let share = Zeroizing::new(line(2).secret_bytes());
    KeyShare::from_bytes(member(2), &share, Arc::new(group), region).unwrap()
}

fn key_group(region: &Region) -> KeyGroup {
    share(region).group().key_group().clone()
}

fn keys(region: &Region) -> [(&'static str, Record); 2] {
    let (ceremony, certificate) = (hash(1), hash(3));
    let pending = PendingShareOfKey {
        ceremony,
        share_epoch: 4,
        transcript: hash(2),
        share: share(region),
    };
    let installed = InstalledKey {
        ceremony,
        member: member(2),
        certificate,
        file: b"a certificate".to_vec(),
    };
    [
        ("1/key-pending", Record::KeyPending(pending)),
        ("2/key-installed", Record::KeyInstalled(installed)),
    ]
}

fn facts() -> SpendFacts {
    SpendFacts {
        outputs: 1,
        spent_sats: 90_000,
        largest_sats: 90_000,
        fee_sats: 1_000,
        fee_rate_sats_per_kwu: 1_600,
        txid: [4; 32],
        coins: vec![SpentCoin {
            txid: [5; 32],
            index: 6,
        }],
    }
}

fn approval(region: &Region, facts: ApprovedFacts, replaces: Option<Hash32>) -> Record {
    let item = ApprovedItem {
        session: session(),
        message: Message([7; 32]),
        key_spec: key_spec(),
    };
    Record::Approved(ApprovalRecord {
        key_group: key_group(region),
        artifact: hash(8),
        request: RequestId::new("rent").unwrap(),
        suite: Suite::Bip445,
        expires: AT,
        policy: hash(10),
        facts,
        replaces,
        items: vec![item],
    })
}

fn signing(region: &Region) -> [(&'static str, Record); 4] {
    let tagged = ApprovedFacts::Tagged("example/tag".into());
    let spend = ApprovedFacts::Spend(facts());
    let attempt = AttemptKey {
        key_group: key_group(region),
        session: session(),
        attempt: AttemptId::from_hash(hash(11)),
        member: member(2),
    };
    let consumed = ConsumedRecord {
        attempt: attempt.clone(),
        message: Message([7; 32]),
        key_spec: key_spec(),
        suite: Suite::Tr,
        share_epoch: 4,
    };
    let completed = CompletedRecord {
        attempt,
        transcript_digest: hash(12),
        key_spec: key_spec(),
        suite: Suite::Bip445,
        package: hash(13),
    };
    [
        ("3/approved-spend", approval(region, spend, None)),
        (
            "3/approved-tagged",
            approval(region, tagged, Some(hash(14))),
        ),
        ("4/consumed", Record::Consumed(consumed)),
        ("5/completed", Record::Completed(completed)),
    ]
}

fn rekey(region: &Region, session: Option<SessionId>) -> Record {
    Record::Rekey(RekeyRecord {
        key_group: key_group(region),
        session,
        at: AT,
        reason: reason(),
    })
}

fn quarantine(region: &Region, reason: Option<Reason>) -> Record {
    Record::Quarantine(QuarantineRecord {
        key_group: key_group(region),
        member: member(1),
        at: AT,
        reason,
    })
}

fn orders(region: &Region) -> [(&'static str, Record); 7] {
    let key_group = || key_group(region);
    let conviction = ConvictionRecord {
        key_group: key_group(),
        member: member(1),
        at: AT,
        evidence: hash(15),
        proof: b"a proof".to_vec(),
    };
    let retired = RetiredRecord {
        key_group: key_group(),
        session: session(),
    };
    let policy = PolicyRecord {
        key_group: key_group(),
        at: AT,
        policy: Policy {
            fee_sats_max: Some(10_000),
            ..Policy::default()
        },
    };
    [
        ("6/kill-switch", rekey(region, None)),
        ("6/kill-switch-of-a-session", rekey(region, Some(session()))),
        ("7/quarantine", quarantine(region, Some(reason()))),
        ("7/let-in", quarantine(region, None)),
        ("8/conviction", Record::Conviction(conviction)),
        ("9/retired", Record::Retired(retired)),
        ("10/policy", Record::Policy(policy)),
    ]
}

/// Decoded and encoded again, the record is this one.
fn specimen((name, record): (&'static str, Record)) -> Specimen {
    let encoded = record.encode();
    let kind = encoded.kind();
    let written = encoded.as_bytes().to_vec();
    let expected = written.clone();
    Specimen::new(name, written, move |bytes| {
        let region = Region::new().unwrap();
        let stored = EncodedRecord::new(kind, bytes.to_vec().into());
        let read = Record::decode(&stored, 0, &region).ok();
        read.is_some_and(|read| {
            let again = read.encode();
            again.kind() == kind && again.as_bytes() == expected
        })
    })
}

fn specimens() -> Vec<Specimen> {
    let region = Region::new().unwrap();
    let all = keys(&region).into_iter();
    let all = all.chain(signing(&region)).chain(orders(&region));
    all.map(specimen).collect()
}

#[test]
fn records_are_those_that_were_recorded() {
    held_to(FILE, &specimens());
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    bytes::add(FILE, &specimens());
}

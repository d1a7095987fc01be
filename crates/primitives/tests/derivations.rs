//! D3 to D7 against the published vectors, and attack e19: one derivation, one digest each, numbers from 1.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use hardfrost_primitives::derive::{
    attempt_id, coordinator, fingerprint, session_id, transcript_digest, AttemptContext,
    ElectionSeed,
};
use hardfrost_primitives::{
    members_ascending, Hash32, KeyGroup, KeySpec, Member, Message, RequestId, SessionId, Suite,
};
use serde_json::Value;

fn vectors(path: &str) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    serde_json::from_str(&fs::read_to_string(root.join(path)).unwrap()).unwrap()
}

fn members(value: &Value) -> BTreeSet<Member> {
    let numbers = value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_u64().unwrap());
    members_ascending(numbers.map(|n| Member::from_u64(n).unwrap())).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn e19_seeds_and_coordinators_are_the_published_ones() {
    let file = vectors("attempt/coordinator_seed_vectors.json");
    let cases = file["vectors"].as_array().unwrap();
    assert!(cases.len() >= 3);
    for case in cases {
        let seed = ElectionSeed::of_foreign_handle(
            text(&case["keyGroup"]),
            &SessionId::new(text(&case["sessionID"])).unwrap(),
            &text(&case["messageDigestHex"]).parse().unwrap(),
        );
        let number = u32::try_from(case["wireAttemptNumber"].as_u64().unwrap()).unwrap();
        let expected = Member::from_u64(case["expectedCoordinator"].as_u64().unwrap()).unwrap();
        assert_eq!(
            seed.fold().to_string(),
            text(&case["expectedShuffleSeedInt64"])
        );
        let included = members(&case["includedMembers"]);
        assert_eq!(
            coordinator(seed, number, &included),
            Some(expected),
            "{}",
            case["name"]
        );
        assert_eq!(
            coordinator(seed, 0, &included),
            None,
            "attempts are numbered from 1"
        );
    }
}

#[test]
fn e19_the_shuffle_is_the_published_one() {
    let file = vectors("attempt/coordinator_shuffle_sample.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 60);
    for case in cases {
        // The corpus counts from 0 and reaches one further than our numbers do: there the sum goes into the seed.
        let zero_based = case["attemptNumber"].as_u64().unwrap();
        let fold: i64 = text(&case["seedInt64"]).parse().unwrap();
        let (fold, number) = match u32::try_from(zero_based + 1) {
            Ok(number) => (fold, number),
            Err(_) => (fold.wrapping_add(i64::try_from(zero_based).unwrap()), 1),
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&fold.to_be_bytes());
        let seed = ElectionSeed::from_bytes(seed);
        let expected = Member::from_u64(case["expectedCoordinator"].as_u64().unwrap()).unwrap();
        let elected = coordinator(seed, number, &members(&case["members"]));
        assert_eq!(elected, Some(expected), "{}", case["name"]);
    }
}

#[test]
fn e19_fingerprints_and_attempt_ids_are_the_published_ones() {
    let file = vectors("attempt/attempt_context_vectors.json");
    for case in file["vectors"].as_array().unwrap() {
        let included = members(&case["included_participants"]);
        let print = fingerprint(&included);
        let expected = text(&case["expected_included_participants_fingerprint"]);
        assert_eq!(print.to_string(), expected);
        let id = attempt_id(
            &SessionId::new(text(&case["session_id"])).unwrap(),
            text(&case["message_digest_hex"]).parse().unwrap(),
            u32::try_from(case["attempt_number"].as_u64().unwrap()).unwrap(),
            Member::from_u64(case["coordinator_identifier"].as_u64().unwrap()).unwrap(),
            print,
        );
        assert_eq!(id.to_string(), text(&case["expected_attempt_id"]));
    }
}

fn sample() -> AttemptContext {
    let key_group: KeyGroup = format!("02{}", "4d".repeat(32)).parse().unwrap();
    AttemptContext {
        session: SessionId::new("sample").unwrap(),
        key_group,
        message: Message([7; 32]),
        key_spec: KeySpec::group_key(),
        suite: Suite::Tr,
        threshold: 3,
        share_epoch: 0,
        group_public: Hash32([8; 32]),
        roster: Hash32([9; 32]),
        attempt_number: 1,
        included: Member::all(5).collect(),
        excluded: BTreeSet::new(),
        parked: BTreeSet::new(),
    }
}

#[test]
fn e19_the_two_digests_of_a_message_never_meet() {
    let context = sample();
    let digest = transcript_digest(&context.message);
    assert_ne!(digest.0, context.message.0);
    // D3 hashes the message itself; a seed over the transcript digest is another seed.
    let mixed = ElectionSeed::derive(&context.key_group, &context.session, &Message(digest.0));
    assert_ne!(mixed, context.seed());
}

#[test]
fn every_part_of_a_context_changes_its_hash() {
    let base = sample();
    let one = BTreeSet::from([Member::new(5).unwrap()]);
    type Change = fn(&mut AttemptContext, &BTreeSet<Member>);
    let changes: [Change; 10] = [
        |c, _| c.session = SessionId::new("other").unwrap(),
        |c, _| c.message = Message([1; 32]),
        |c, _| c.key_spec = KeySpec::from_bytes(&[0, 1]).unwrap(),
        |c, _| c.threshold = 4,
        |c, _| c.share_epoch = 1,
        |c, _| c.group_public = Hash32([0; 32]),
        |c, _| c.roster = Hash32([0; 32]),
        |c, _| c.attempt_number = 2,
        |c, one| c.excluded = one.clone(),
        |c, one| c.parked = one.clone(),
    ];
    let mut seen = BTreeSet::from([base.hash()]);
    for change in changes {
        let mut context = base.clone();
        change(&mut context, &one);
        assert!(seen.insert(context.hash()));
    }
}

#[test]
fn a_preimage_has_one_encoding_and_every_changed_byte_is_another_or_none() {
    let context = sample();
    let preimage = context.preimage();
    for place in 0..preimage.len() {
        let mut changed = preimage.clone();
        changed[place] ^= 1;
        assert_ne!(
            AttemptContext::from_preimage(&changed).ok(),
            Some(context.clone()),
            "{place}"
        );
        assert!(AttemptContext::from_preimage(&preimage[..place]).is_err());
    }
    assert!(AttemptContext::from_preimage(&[&preimage[..], &[0]].concat()).is_err());
}

#[test]
fn d6_and_d7_are_the_published_ones() {
    let file = vectors("hardfrost/derivations.json");
    let contexts = file["attempt_context"].as_array().unwrap();
    assert_eq!(contexts.len(), 2);
    for case in contexts {
        let context = context_of(case);
        assert_eq!(hex::encode(context.preimage()), text(&case["preimage"]));
        assert_eq!(context.hash().to_string(), text(&case["hash"]));
        assert_eq!(
            AttemptContext::from_preimage(&context.preimage()),
            Ok(context)
        );
    }
    let sessions = file["session"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    for case in sessions {
        let id = session_id(
            &text(&case["key_group"]).parse().unwrap(),
            &text(&case["message"]).parse().unwrap(),
            &KeySpec::from_bytes(&hex::decode(text(&case["key_spec"])).unwrap()).unwrap(),
            Suite::try_from(u8::try_from(case["suite"].as_u64().unwrap()).unwrap()).unwrap(),
            &RequestId::new(text(&case["request_id"])).unwrap(),
        );
        assert_eq!(id.as_str(), text(&case["session_id"]));
    }
}

fn context_of(case: &Value) -> AttemptContext {
    let number = |name: &str| u32::try_from(case[name].as_u64().unwrap()).unwrap();
    AttemptContext {
        session: SessionId::new(text(&case["session_id"])).unwrap(),
        key_group: text(&case["key_group"]).parse().unwrap(),
        message: text(&case["message"]).parse().unwrap(),
        key_spec: KeySpec::from_bytes(&hex::decode(text(&case["key_spec"])).unwrap()).unwrap(),
        suite: Suite::try_from(u8::try_from(number("suite")).unwrap()).unwrap(),
        threshold: u16::try_from(number("threshold")).unwrap(),
        share_epoch: number("share_epoch"),
        group_public: text(&case["group_public_hash"]).parse().unwrap(),
        roster: text(&case["roster_hash"]).parse().unwrap(),
        attempt_number: number("attempt_number"),
        included: members(&case["included"]),
        excluded: members(&case["excluded"]),
        parked: members(&case["parked"]),
    }
}

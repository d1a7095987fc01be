//! One value of every kind that travels, for the tests of the codec.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_engine::{
    Abort, About, Aggregate, Approval, Approve, ApprovedInput, Artifact, AttemptIds, AttemptKey,
    CeremonySeat, Changed, Code, Command, Convict, Conviction, Counts, DkgOpen, DkgSeal,
    EmergencyRekey, FinalizeSession, HeldKey, Install, InstallPolicy, KeyStatus, LifecycleReason,
    MemberCommitments, Open, OpenApproval, Opened, Operation, OperatorWord, PolicyReason,
    Quarantine, Quarantined, Reason, RecordCounts, Rejection, Rekeyed, Reply, Round2,
    SigningPackage, Status, Uncertified, Unquarantine, Verdict, VerifyShare,
};
use hardfrost_frost::dkg::{DkgFault, Round1, Seat};
use hardfrost_frost::{
    Candidate, Commitments, DerivedGroup, FrostIdentifier, GroupPublic, LockError, ShareFault,
    Signature, SignatureShare,
};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{
    AttemptId, ChildIndex, Fingerprint, Hash32, KeyGroup, KeySpec, Member, Message, RequestId,
    SessionId, Suite, Taproot, UnixTime,
};
use hardfrost_spend::{Policy, PolicyLimit};

use super::message::{Answer, Ask};

/// The generator, as good a point as any.
const POINT: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn point() -> [u8; 33] {
    let mut bytes = [0; 33];
    for (byte, hex) in bytes.iter_mut().zip(POINT.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap();
    }
    bytes
}

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

fn hash(byte: u8) -> Hash32 {
    Hash32([byte; 32])
}

fn key_group() -> KeyGroup {
    POINT.parse().unwrap()
}

fn session() -> SessionId {
    SessionId::new("a-session").unwrap()
}

fn reason() -> Reason {
    Reason::new("a laptop was stolen").unwrap()
}

fn key_spec() -> KeySpec {
    let path = [7, 1 << 20].map(|index| ChildIndex::new(index).unwrap());
    KeySpec::new(path.to_vec(), Taproot::Root(hash(9))).unwrap()
}

fn attempt_key() -> AttemptKey {
    AttemptKey {
        key_group: key_group(),
        session: session(),
        attempt: AttemptId::from_hash(hash(3)),
        member: member(2),
    }
}

fn package() -> SigningPackage {
    let commitments = |number| MemberCommitments {
        member: member(number),
        hiding: [2; 33],
        binding: [0; 33],
    };
    SigningPackage {
        message: Message([5; 32]),
        key_spec: key_spec(),
        commitments: [1, 3].map(commitments).to_vec(),
    }
}

fn round1() -> Round1 {
    Round1 {
        commitment: vec![[2; 33], [3; 33]],
        proof_of_knowledge: [4; 64],
        ephemeral: [2; 33],
        possession: [6; 64],
    }
}

fn context() -> AttemptContext {
    AttemptContext {
        session: session(),
        key_group: key_group(),
        message: Message([5; 32]),
        key_spec: KeySpec::group_key(),
        suite: Suite::Bip445,
        threshold: 2,
        share_epoch: 4,
        group_public: hash(1),
        roster: hash(2),
        attempt_number: 77,
        included: Member::all(5).collect(),
        excluded: BTreeSet::new(),
        parked: [member(9)].into(),
    }
}

fn ids() -> AttemptIds {
    AttemptIds {
        coordinator: member(4),
        fingerprint: Fingerprint::from_hash(hash(7)),
        attempt: AttemptId::from_hash(hash(8)),
    }
}

fn seat() -> CeremonySeat {
    CeremonySeat {
        ceremony: hash(11),
        member: member(1),
    }
}

fn approve(artifact: Artifact) -> Approve {
    Approve {
        key_group: key_group(),
        artifact,
        suite: Suite::Tr,
        request: RequestId::new("rent-for-june").unwrap(),
        life: Duration::from_millis(3_600_500),
        replaces: Some(hash(13)),
    }
}

/// A key whose polynomial is a constant: every share is the key.
fn public() -> Arc<GroupPublic> {
    let dealt = GroupPublic::dangerous_dealt(point(), 2, &[point(); 2]).unwrap();
    let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    let tweaked = DerivedGroup::new(Arc::new(dealt), spec).unwrap();
    let mut key = [2; 33];
    key[1..].copy_from_slice(&tweaked.output_key());
    Arc::new(GroupPublic::new(point(), 2, &[key; 3]).unwrap())
}

fn approval() -> Approval {
    let input = ApprovedInput {
        index: 3,
        session: session(),
        message: Message([5; 32]),
        key_spec: key_spec(),
    };
    Approval {
        key_group: key_group(),
        artifact: hash(21),
        expires: UnixTime(1 << 33),
        policy: hash(22),
        replaces: None,
        inputs: vec![input],
    }
}

fn quarantined() -> Quarantined {
    Quarantined {
        quarantined: true,
        allowlisted: false,
        reason: Some(reason()),
        evidence: Some(hash(23)),
    }
}

fn rekeyed() -> Rekeyed {
    Rekeyed {
        at: UnixTime(5),
        reason: reason(),
    }
}

fn key_generation() -> Vec<Command> {
    vec![
        Command::DkgDeal(Seat {
            ceremony: hash(11),
            member: member(1),
            threshold: 2,
            count: 3,
        }),
        Command::DkgSeal(DkgSeal {
            seat: seat(),
            transcript: hash(12),
            others: [(member(2), round1()), (member(3), round1())].into(),
        }),
        Command::DkgOpen(DkgOpen {
            seat: seat(),
            sealed: [(member(2), [1; 48]), (member(3), [2; 48])].into(),
            transcript: hash(12),
        }),
        Command::Install(Install {
            seat: seat(),
            certificate: hash(14),
            file: vec![1, 2, 3],
        }),
        Command::DkgAbort(seat()),
    ]
}

fn signing() -> Vec<Command> {
    vec![
        Command::Approve(approve(Artifact::Psbt(b"psbt".to_vec()))),
        Command::Approve(approve(Artifact::Tagged {
            tag: "another-protocol".to_owned(),
            data: vec![0; 300],
            key_spec: KeySpec::group_key(),
        })),
        Command::DeriveContext(context()),
        Command::Open(Open {
            member: member(4),
            context: context(),
            ids: ids(),
            life: Duration::from_secs(60),
        }),
        Command::Round1(attempt_key()),
        Command::Round2(Round2 {
            key: attempt_key(),
            package: package(),
        }),
        Command::Abort(Abort {
            key_group: key_group(),
            session: session(),
            attempt: None,
            member: Some(member(1)),
        }),
        Command::Aggregate(Aggregate {
            key: attempt_key(),
            package: package(),
            shares: [(member(1), SignatureShare([1; 32]))].into(),
        }),
        Command::VerifyShare(VerifyShare {
            key_group: key_group(),
            session: Some(session()),
            key_spec: key_spec(),
            suite: Suite::Tr,
            package: package(),
            member: member(3),
            share: vec![0; 31],
        }),
    ]
}

fn orders() -> Vec<Command> {
    let key_group = key_group();
    vec![
        Command::EmergencyRekey(EmergencyRekey {
            key_group: key_group.clone(),
            session: Some(session()),
            reason: reason(),
        }),
        Command::FinalizeSession(FinalizeSession {
            key_group: key_group.clone(),
            session: session(),
        }),
        Command::Quarantine(Quarantine {
            key_group: key_group.clone(),
            member: member(2),
            reason: reason(),
        }),
        Command::Unquarantine(Unquarantine {
            key_group: key_group.clone(),
            member: member(2),
        }),
        Command::Convict(Convict {
            key_group: key_group.clone(),
            member: member(2),
            evidence: hash(15),
            proof: vec![7; 1000],
        }),
        Command::InstallPolicy(InstallPolicy {
            key_group,
            policy: Policy {
                fee_sats_max: Some(10_000),
                ..Policy::default()
            },
        }),
    ]
}

/// Every command.
pub(crate) fn commands() -> Vec<Command> {
    let mut commands = key_generation();
    commands.extend(signing());
    commands.extend(orders());
    commands
}

fn faults() -> Vec<DkgFault> {
    vec![
        DkgFault::Size,
        DkgFault::Incomplete,
        DkgFault::Commitment(member(1)),
        DkgFault::ProofOfKnowledge(member(2)),
        DkgFault::Possession(member(3)),
        DkgFault::CopiedEphemeral(member(4), member(5)),
        DkgFault::Sealed(member(6)),
        DkgFault::Share(member(7)),
        DkgFault::NoKey,
        DkgFault::Memory(LockError::told(ErrorKind::PermissionDenied)),
    ]
}

fn rejections() -> Vec<Rejection> {
    let faults = [
        ShareFault::Missing,
        ShareFault::Undecodable,
        ShareFault::Invalid,
    ];
    let candidates = (1..).zip(faults).map(|(number, fault)| Candidate {
        member: member(number),
        fault,
    });
    vec![
        Rejection::Validation("no such coin".to_owned()),
        Rejection::SessionConflict("other payload".into()),
        Rejection::SessionNotFound,
        Rejection::DkgNotReady,
        Rejection::Round1NotStarted,
        Rejection::ConsumedNonceReplay,
        Rejection::AttemptSuperseded,
        Rejection::AttemptAlreadyAggregated,
        Rejection::InvalidSignatureShare(candidates.collect()),
        Rejection::SigningPolicy(PolicyReason::MessageNotBoundToApproval),
        Rejection::SigningPolicy(PolicyReason::ApprovalExpired),
        Rejection::SigningPolicy(PolicyReason::RawMessageSigningDisabled),
        Rejection::SigningPolicy(PolicyReason::SighashTypeNotAllowed),
        Rejection::SigningPolicy(PolicyReason::Limit(PolicyLimit::OutputCount)),
        Rejection::SigningPolicy(PolicyReason::Limit(PolicyLimit::TotalOutputValue)),
        Rejection::SigningPolicy(PolicyReason::Limit(PolicyLimit::SingleOutputValue)),
        Rejection::SigningPolicy(PolicyReason::Limit(PolicyLimit::Fee)),
        Rejection::SigningPolicy(PolicyReason::Limit(PolicyLimit::FeeRate)),
        Rejection::SigningPolicy(PolicyReason::CoinSpentByAnotherApproval),
        Rejection::Quarantine(member(8)),
        Rejection::Lifecycle(LifecycleReason::EmergencyRekeyRequired),
        Rejection::SessionFinalized,
        Rejection::CapacityExceeded("the log takes no record now".into()),
        Rejection::StorageFault,
        Rejection::Internal,
    ]
}

/// Every reply, with every refusal and fault.
pub(crate) fn replies() -> Vec<Reply> {
    let identifiers = [1, 2].map(|number| (member(number), FrostIdentifier::of(member(number))));
    let mut replies = vec![
        Reply::DkgDealt(round1()),
        Reply::DkgSealed([(member(2), [1; 48])].into()),
        Reply::DkgPending(public()),
        Reply::Installed(public()),
        Reply::Approved(approval()),
        Reply::Derived(ids(), identifiers.to_vec()),
        Reply::Opened(Opened {
            attempt: AttemptId::from_hash(hash(8)),
            idempotent: true,
        }),
        Reply::Committed(Commitments::from_bytes(&point(), &point()).unwrap()),
        Reply::Share(SignatureShare([3; 32])),
        Reply::Aborted(false),
        Reply::Signed(Signature([4; 64])),
        Reply::Verdict(Verdict::Valid),
        Reply::Verdict(Verdict::Invalid),
        Reply::Verdict(Verdict::Indeterminate),
        Reply::Changed(Changed::Rekeyed(rekeyed())),
        Reply::Changed(Changed::Finalized),
        Reply::Changed(Changed::Quarantine(quarantined())),
        Reply::Changed(Changed::Policy(hash(24))),
    ];
    replies.extend(faults().into_iter().map(Reply::DkgFailed));
    replies.extend(rejections().into_iter().map(Reply::Rejected));
    replies
}

fn status() -> Status {
    let counts = |calls| Counts {
        calls,
        successes: 2,
        rejections: Code::ALL.into_iter().zip(1..).collect(),
        faults: 1,
    };
    let operations = commands();
    let operations: BTreeSet<Operation> = operations.iter().map(Command::operation).collect();
    Status {
        faulted: true,
        keys: vec![KeyStatus {
            key_group: key_group(),
            threshold: 2,
            count: 3,
            share_epoch: 1,
            seats: [member(1), member(3)].into(),
            policy: hash(25),
            rekeyed: Some(rekeyed()),
            rekeyed_sessions: vec![session()],
            quarantined: [member(2)].into(),
        }],
        pending_shares: 1,
        ceremonies: 2,
        sessions: 3,
        live_attempts: 4,
        under_way: 5,
        records: RecordCounts {
            installed: 6,
            pending: 7,
            approvals: 8,
            consumed: 9,
            completed: 10,
            rekeys: 11,
            quarantines: 12,
            retired: 13,
        },
        counters: BTreeMap::from_iter(operations.into_iter().zip((20..).map(counts))),
    }
}

/// Every question.
pub(crate) fn asks() -> [Ask; 7] {
    [
        Ask::HeldKeys,
        Ask::OperatorWords,
        Ask::Convictions,
        Ask::Status,
        Ask::LeftBehind(Duration::from_millis(1500)),
        Ask::OpenApprovals,
        Ask::Uncertified,
    ]
}

/// Every answer.
pub(crate) fn answers() -> Vec<Answer> {
    let word = |about| OperatorWord {
        key_group: key_group(),
        about,
        at: UnixTime(9),
        reason: None,
    };
    let about = [
        About::Group,
        About::Session(session()),
        About::Member(member(2)),
    ];
    vec![
        Answer::HeldKeys(vec![HeldKey {
            public: public(),
            share_epoch: 0,
            seats: [member(2)].into(),
            certificate: hash(26),
            file: vec![5; 70].into(),
        }]),
        Answer::OperatorWords(about.map(word).to_vec()),
        Answer::Convictions(vec![Conviction {
            key_group: key_group(),
            member: member(3),
            evidence: hash(27),
            proof: vec![6; 90],
            in_force: true,
        }]),
        Answer::Status(vec![status()]),
        Answer::LeftBehind(vec![FinalizeSession {
            key_group: key_group(),
            session: session(),
        }]),
        Answer::OpenApprovals(vec![OpenApproval {
            request: RequestId::new("one").unwrap(),
            approval: approval(),
        }]),
        Answer::Uncertified(vec![Uncertified {
            ceremony: hash(28),
            member: member(2),
            share_epoch: 0,
            transcript: hash(29),
            public: public(),
        }]),
    ]
}

//! The engine's commands and replies, and what they carry, as bytes. No key share, no nonce and no secret of a ceremony
//! is among them: there is no variant that could hold one.

use std::io::ErrorKind;
use std::sync::Arc;

use hardfrost_engine::{
    Abort, About, Aggregate, Approval, Approve, ApprovedInput, Artifact, AttemptIds, CeremonySeat,
    Changed, Code, Command, Convict, Conviction, Counts, DkgOpen, DkgSeal, EmergencyRekey,
    FinalizeSession, HeldKey, Install, InstallPolicy, KeyStatus, LifecycleReason,
    MemberCommitments, Open, OpenApproval, Opened, Operation, OperatorWord, PolicyReason,
    Quarantine, Quarantined, RecordCounts, Rejection, Rekeyed, Reply, Round2, SigningPackage,
    Status, Ticket, Uncertified, Unquarantine, Verdict, VerifyShare,
};
use hardfrost_frost::dkg::{DkgFault, Round1, Seat};
use hardfrost_frost::{
    Candidate, Commitments, FrostIdentifier, GroupPublic, LockError, ShareFault, Signature,
    SignatureShare,
};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::Member;
use hardfrost_spend::PolicyLimit;

use super::coded::{coded_enum, coded_struct, Bytes, Coded, Malformed};

coded_enum!(Command {
    0 DkgDeal(seat),
    1 DkgSeal(request),
    2 DkgOpen(request),
    3 Install(request),
    4 DkgAbort(seat),
    5 Approve(request),
    6 DeriveContext(context),
    7 Open(request),
    8 Round1(key),
    9 Round2(request),
    10 Abort(request),
    11 Aggregate(request),
    12 VerifyShare(question),
    13 EmergencyRekey(request),
    14 FinalizeSession(request),
    15 Quarantine(request),
    16 Unquarantine(request),
    17 Convict(request),
    18 InstallPolicy(request),
});

coded_enum!(Reply {
    0 DkgDealt(contribution),
    1 DkgSealed(sealed),
    2 DkgPending(public),
    3 Installed(public),
    4 DkgFailed(fault),
    5 Approved(approval),
    6 Derived(ids, identifiers),
    7 Opened(opened),
    8 Committed(commitments),
    9 Share(share),
    10 Aborted(ended),
    11 Signed(signature),
    12 Verdict(verdict),
    13 Changed(changed),
    14 Rejected(rejection),
});

coded_struct!(Seat {
    ceremony,
    member,
    threshold,
    count
});
coded_struct!(CeremonySeat { ceremony, member });
coded_struct!(DkgSeal {
    seat,
    transcript,
    others
});
coded_struct!(DkgOpen {
    seat,
    sealed,
    transcript
});
coded_struct!(Install {
    seat,
    certificate,
    file
});
coded_struct!(Round1 {
    commitment,
    proof_of_knowledge,
    ephemeral,
    possession
});
coded_struct!(Approve {
    key_group,
    artifact,
    suite,
    request,
    life,
    replaces
});
coded_struct!(ApprovedInput {
    index,
    session,
    message,
    key_spec
});
coded_struct!(Approval {
    key_group,
    artifact,
    expires,
    policy,
    replaces,
    inputs
});
coded_struct!(OpenApproval { request, approval });
coded_struct!(AttemptContext {
    session,
    key_group,
    message,
    key_spec,
    suite,
    threshold,
    share_epoch,
    group_public,
    roster,
    attempt_number,
    included,
    excluded,
    parked,
});
coded_struct!(AttemptIds {
    coordinator,
    fingerprint,
    attempt
});
coded_struct!(Open {
    member,
    context,
    ids,
    life
});
coded_struct!(Opened {
    attempt,
    idempotent
});
coded_struct!(MemberCommitments {
    member,
    hiding,
    binding
});
coded_struct!(SigningPackage {
    message,
    key_spec,
    commitments
});
coded_struct!(Round2 { key, package });
coded_struct!(Abort {
    key_group,
    session,
    attempt,
    member
});
coded_struct!(Aggregate {
    key,
    package,
    shares
});
coded_struct!(VerifyShare {
    key_group,
    session,
    key_spec,
    suite,
    package,
    member,
    share
});
coded_struct!(EmergencyRekey {
    key_group,
    session,
    reason
});
coded_struct!(FinalizeSession { key_group, session });
coded_struct!(Quarantine {
    key_group,
    member,
    reason
});
coded_struct!(Unquarantine { key_group, member });
coded_struct!(Convict {
    key_group,
    member,
    evidence,
    proof
});
coded_struct!(InstallPolicy { key_group, policy });
coded_struct!(Rekeyed { at, reason });
coded_struct!(Quarantined {
    quarantined,
    allowlisted,
    reason,
    evidence
});
coded_struct!(Candidate { member, fault });
coded_struct!(HeldKey {
    public,
    share_epoch,
    seats,
    certificate,
    file
});
coded_struct!(Uncertified {
    ceremony,
    member,
    share_epoch,
    transcript,
    public
});
coded_struct!(OperatorWord {
    key_group,
    about,
    at,
    reason
});
coded_struct!(Conviction {
    key_group,
    member,
    evidence,
    proof,
    in_force
});
coded_struct!(Counts {
    calls,
    successes,
    rejections,
    faults
});
coded_struct!(Status {
    faulted,
    keys,
    pending_shares,
    ceremonies,
    sessions,
    live_attempts,
    under_way,
    records,
    counters,
});
coded_struct!(KeyStatus {
    key_group,
    threshold,
    count,
    share_epoch,
    seats,
    policy,
    rekeyed,
    rekeyed_sessions,
    quarantined,
});
coded_struct!(RecordCounts {
    installed,
    pending,
    approvals,
    consumed,
    completed,
    rekeys,
    quarantines,
    retired,
});

coded_enum!(Verdict { 0 Valid, 1 Invalid, 2 Indeterminate });
coded_enum!(Changed { 0 Rekeyed(rekeyed), 1 Finalized, 2 Quarantine(standing), 3 Policy(hash) });
coded_enum!(ShareFault { 0 Missing, 1 Undecodable, 2 Invalid });
coded_enum!(About { 0 Group, 1 Session(session), 2 Member(member) });
coded_enum!(LifecycleReason { 0 EmergencyRekeyRequired });
coded_enum!(PolicyLimit {
    0 OutputCount,
    1 TotalOutputValue,
    2 SingleOutputValue,
    3 Fee,
    4 FeeRate,
});
coded_enum!(PolicyReason {
    0 MessageNotBoundToApproval,
    1 ApprovalExpired,
    2 RawMessageSigningDisabled,
    3 SighashTypeNotAllowed,
    4 Limit(limit),
    5 CoinSpentByAnotherApproval,
});
coded_enum!(DkgFault {
    0 Size,
    1 Incomplete,
    2 Commitment(member),
    3 ProofOfKnowledge(member),
    4 Possession(member),
    5 CopiedEphemeral(first, second),
    6 Sealed(member),
    7 Share(member),
    8 NoKey,
    9 Memory(error),
});
coded_enum!(Rejection {
    0 Validation(why),
    1 SessionConflict(why),
    2 SessionNotFound,
    3 DkgNotReady,
    4 Round1NotStarted,
    5 ConsumedNonceReplay,
    6 AttemptSuperseded,
    7 AttemptAlreadyAggregated,
    8 InvalidSignatureShare(candidates),
    9 SigningPolicy(reason),
    10 Quarantine(member),
    11 Lifecycle(reason),
    12 SessionFinalized,
    13 CapacityExceeded(what),
    14 StorageFault,
    15 Internal,
});
coded_enum!(Code {
    0 ValidationError,
    1 SessionConflict,
    2 SessionNotFound,
    3 DkgNotReady,
    4 Round1NotStarted,
    5 ConsumedNonceReplay,
    6 AttemptSuperseded,
    7 AttemptAlreadyAggregated,
    8 InvalidSignatureShare,
    9 SigningPolicyRejected,
    10 QuarantinePolicyRejected,
    11 LifecyclePolicyRejected,
    12 SessionFinalized,
    13 CapacityExceeded,
    14 StorageFault,
    15 InternalError,
});
coded_enum!(Operation {
    0 DkgDeal,
    1 DkgSeal,
    2 DkgOpen,
    3 Install,
    4 DkgAbort,
    5 Approve,
    6 DeriveContext,
    7 Open,
    8 Round1,
    9 Round2,
    10 Abort,
    11 Aggregate,
    12 VerifyShare,
    13 EmergencyRekey,
    14 FinalizeSession,
    15 Quarantine,
    16 Unquarantine,
    17 Convict,
    18 InstallPolicy,
});

impl Coded for Ticket {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        u64::take(from).map(Self)
    }
}

impl Coded for Artifact {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Psbt(psbt) => {
                out.push(0);
                psbt.put(out);
            }
            Self::Tagged {
                tag,
                data,
                key_spec,
            } => {
                out.push(1);
                tag.put(out);
                data.put(out);
                key_spec.put(out);
            }
        }
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        Ok(match u8::take(from)? {
            0 => Self::Psbt(Coded::take(from)?),
            1 => Self::Tagged {
                tag: Coded::take(from)?,
                data: Coded::take(from)?,
                key_spec: Coded::take(from)?,
            },
            _ => return Err(Malformed("Artifact")),
        })
    }
}

impl Coded for Commitments {
    fn put(&self, out: &mut Vec<u8>) {
        self.hiding().put(out);
        self.binding().put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let (hiding, binding) = Coded::take(from)?;
        Self::from_bytes(&hiding, &binding).map_err(|_| Malformed("Commitments"))
    }
}

impl Coded for Signature {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        Coded::take(from).map(Self)
    }
}

/// A share is public once the engine has released it, and the engine answers with no other.
impl Coded for SignatureShare {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        Coded::take(from).map(Self)
    }
}

impl Coded for FrostIdentifier {
    fn put(&self, out: &mut Vec<u8>) {
        self.member().put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        Member::take(from).map(Self::of)
    }
}

impl Coded for Arc<GroupPublic> {
    fn put(&self, out: &mut Vec<u8>) {
        GroupPublic::to_bytes(self).put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let bytes = Vec::<u8>::take(from)?;
        let public = GroupPublic::from_bytes(&bytes);
        public.map(Self::new).map_err(|_| Malformed("GroupPublic"))
    }
}

/// What a system says of memory that it does not lock; anything else is told as the last.
const MEMORY: [ErrorKind; 4] = [
    ErrorKind::OutOfMemory,
    ErrorKind::PermissionDenied,
    ErrorKind::Unsupported,
    ErrorKind::Other,
];

impl Coded for LockError {
    fn put(&self, out: &mut Vec<u8>) {
        let place = MEMORY.iter().position(|kind| *kind == self.kind());
        let place = place.unwrap_or(MEMORY.len() - 1);
        out.push(u8::try_from(place).expect("there are four"));
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let place = usize::from(u8::take(from)?);
        let kind = MEMORY.get(place).copied();
        kind.map(Self::told).ok_or(Malformed("LockError"))
    }
}

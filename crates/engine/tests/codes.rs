#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The table of codes: contract with every caller. A code is never renamed and never changes its class.

use std::collections::BTreeSet;

use hardfrost_engine::Recovery::{Recoverable, Terminal};
use hardfrost_engine::{Code, LifecycleReason, PolicyReason, Recovery, Rejection};
use hardfrost_primitives::Member;

const TABLE: [(Code, &str, Recovery); 16] = [
    (Code::ValidationError, "validation_error", Recoverable),
    (Code::SessionConflict, "session_conflict", Recoverable),
    (Code::SessionNotFound, "session_not_found", Terminal),
    (Code::DkgNotReady, "dkg_not_ready", Recoverable),
    (Code::Round1NotStarted, "round1_not_started", Recoverable),
    (
        Code::ConsumedNonceReplay,
        "consumed_nonce_replay",
        Recoverable,
    ),
    (Code::AttemptSuperseded, "attempt_superseded", Recoverable),
    (
        Code::AttemptAlreadyAggregated,
        "attempt_already_aggregated",
        Recoverable,
    ),
    (
        Code::InvalidSignatureShare,
        "invalid_signature_share",
        Recoverable,
    ),
    (
        Code::SigningPolicyRejected,
        "signing_policy_rejected",
        Recoverable,
    ),
    (
        Code::QuarantinePolicyRejected,
        "quarantine_policy_rejected",
        Recoverable,
    ),
    (
        Code::LifecyclePolicyRejected,
        "lifecycle_policy_rejected",
        Recoverable,
    ),
    (Code::SessionFinalized, "session_finalized", Terminal),
    (Code::CapacityExceeded, "capacity_exceeded", Recoverable),
    (Code::StorageFault, "storage_fault", Terminal),
    (Code::InternalError, "internal_error", Terminal),
];

#[test]
fn every_code_is_listed_once_with_its_text_and_class() {
    assert_eq!(
        Code::ALL.map(|code| (code, code.as_str(), code.recovery())),
        TABLE
    );
    let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    let codes: BTreeSet<Code> = Code::ALL.into_iter().collect();
    assert_eq!(codes.len(), Code::ALL.len());
}

#[test]
fn every_rejection_has_the_code_of_its_name() {
    let rejections = [
        Rejection::Validation(String::new()),
        Rejection::SessionConflict("".into()),
        Rejection::SessionNotFound,
        Rejection::DkgNotReady,
        Rejection::Round1NotStarted,
        Rejection::ConsumedNonceReplay,
        Rejection::AttemptSuperseded,
        Rejection::AttemptAlreadyAggregated,
        Rejection::InvalidSignatureShare(Vec::new()),
        Rejection::SigningPolicy(PolicyReason::ApprovalExpired),
        Rejection::Quarantine(Member::FIRST),
        Rejection::Lifecycle(LifecycleReason::EmergencyRekeyRequired),
        Rejection::SessionFinalized,
        Rejection::CapacityExceeded("".into()),
        Rejection::StorageFault,
        Rejection::Internal,
    ];
    let codes = rejections.each_ref().map(Rejection::code);
    assert_eq!(codes, Code::ALL);
    assert_eq!(Rejection::Internal.to_string(), "internal error");
    let reasons = rejections.iter().filter_map(Rejection::reason_code);
    let words = [
        "approval_expired",
        "member_quarantined",
        "emergency_rekey_required",
    ];
    assert!(reasons.eq(words));
}

#[test]
fn a_policy_reason_is_a_stable_word() {
    let reasons = [
        (
            PolicyReason::MessageNotBoundToApproval,
            "message_not_bound_to_approval",
        ),
        (PolicyReason::ApprovalExpired, "approval_expired"),
        (
            PolicyReason::RawMessageSigningDisabled,
            "raw_message_signing_disabled",
        ),
        (
            PolicyReason::SighashTypeNotAllowed,
            "sighash_type_not_allowed",
        ),
    ];
    for (reason, word) in reasons {
        assert_eq!(reason.to_string(), word);
    }
}

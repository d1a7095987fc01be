//! The caller must act; nothing changed. Codes are contract, texts are not. This is the one table of codes.

use std::borrow::Cow;

use hardfrost_frost::Candidate;
use hardfrost_locked::LockError;
use hardfrost_primitives::Member;
use hardfrost_spend::PolicyLimit;

/// A stable name for what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "each code is documented on the rejection that carries it"
)]
pub enum Code {
    ValidationError,
    SessionConflict,
    SessionNotFound,
    DkgNotReady,
    Round1NotStarted,
    ConsumedNonceReplay,
    AttemptSuperseded,
    AttemptAlreadyAggregated,
    InvalidSignatureShare,
    SigningPolicyRejected,
    QuarantinePolicyRejected,
    LifecyclePolicyRejected,
    SessionFinalized,
    CapacityExceeded,
    StorageFault,
    InternalError,
}

/// What a caller may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing changed, or a new attempt will do.
    Recoverable,
    /// Give up on this session, or reopen the engine.
    Terminal,
}

/// Why the signing policy refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyReason {
    /// No approval names this session, message and key.
    #[error("message_not_bound_to_approval")]
    MessageNotBoundToApproval,
    /// The approval's time is over.
    #[error("approval_expired")]
    ApprovalExpired,
    /// Raw messages need a rule that names their tag.
    #[error("raw_message_signing_disabled")]
    RawMessageSigningDisabled,
    /// The transaction asks for more than the default sighash.
    #[error("sighash_type_not_allowed")]
    SighashTypeNotAllowed,
    /// The transaction exceeds a limit of the operator's.
    #[error(transparent)]
    Limit(PolicyLimit),
    /// Another approved transaction spends a coin of this one. Approve it in the place of that one, or not at all.
    #[error("coin_spent_by_another_approval")]
    CoinSpentByAnotherApproval,
}

/// Why a key does not sign any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleReason {
    /// The kill switch is set: make a new key and move the coins.
    #[error("emergency_rekey_required")]
    EmergencyRekeyRequired,
}

/// A refused request. Nothing changed: no session, no slot, no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Malformed or mismatching input.
    #[error("the request is not valid: {0}")]
    Validation(String),
    /// Same key, other payload.
    #[error("this is already bound otherwise: {0}")]
    SessionConflict(Cow<'static, str>),
    /// No live entry for the member in this attempt.
    #[error("no such session, or no live attempt of this member")]
    SessionNotFound,
    /// No key for the group here.
    #[error("this engine holds no key of the group")]
    DkgNotReady,
    /// Round2 before Round1.
    #[error("round1 has not been called for this attempt")]
    Round1NotStarted,
    /// The nonces of this attempt are spent: open a new attempt.
    #[error("the nonces of this attempt are spent: open a new attempt")]
    ConsumedNonceReplay,
    /// Older than the window.
    #[error("the attempt is older than the window of live attempts")]
    AttemptSuperseded,
    /// The attempt is completed.
    #[error("the attempt is completed: a lost signature needs a new attempt")]
    AttemptAlreadyAggregated,
    /// Bad shares, all of them.
    #[error("{} signature shares are missing or bad", .0.len())]
    InvalidSignatureShare(Vec<Candidate>),
    /// The approval gate is closed.
    #[error("policy refuses: {0}")]
    SigningPolicy(PolicyReason),
    /// This member is kept out.
    #[error("member {0} is quarantined")]
    Quarantine(Member),
    /// The key does not sign any more.
    #[error("the key's life is over: {0}")]
    Lifecycle(LifecycleReason),
    /// The session is over for good.
    #[error("the session is finalized")]
    SessionFinalized,
    /// A limit; nothing changed.
    #[error("at the limit: {0}")]
    CapacityExceeded(Cow<'static, str>),
    /// The log failed in a way that leaves the disk's content unknown. Reopen the engine.
    #[error("storage failed: reopen the engine")]
    StorageFault,
    /// A broken invariant of ours.
    #[error("internal error")]
    Internal,
}

impl Rejection {
    pub(crate) fn memory(_: LockError) -> Self {
        Self::CapacityExceeded(
            "locked memory: the operator must raise the limit (`ulimit -l`, or LimitMEMLOCK=)"
                .into(),
        )
    }

    pub(crate) fn invalid(why: impl std::fmt::Display) -> Self {
        Self::Validation(why.to_string())
    }

    /// The stable name.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Validation(_) => Code::ValidationError,
            Self::SessionConflict(_) => Code::SessionConflict,
            Self::SessionNotFound => Code::SessionNotFound,
            Self::DkgNotReady => Code::DkgNotReady,
            Self::Round1NotStarted => Code::Round1NotStarted,
            Self::ConsumedNonceReplay => Code::ConsumedNonceReplay,
            Self::AttemptSuperseded => Code::AttemptSuperseded,
            Self::AttemptAlreadyAggregated => Code::AttemptAlreadyAggregated,
            Self::InvalidSignatureShare(_) => Code::InvalidSignatureShare,
            Self::SigningPolicy(_) => Code::SigningPolicyRejected,
            Self::Quarantine(_) => Code::QuarantinePolicyRejected,
            Self::Lifecycle(_) => Code::LifecyclePolicyRejected,
            Self::SessionFinalized => Code::SessionFinalized,
            Self::CapacityExceeded(_) => Code::CapacityExceeded,
            Self::StorageFault => Code::StorageFault,
            Self::Internal => Code::InternalError,
        }
    }
}

impl Rejection {
    /// The stable word beside the code, where a gate refused.
    #[must_use]
    pub fn reason_code(&self) -> Option<String> {
        match self {
            Self::SigningPolicy(reason) => Some(reason.to_string()),
            Self::Lifecycle(reason) => Some(reason.to_string()),
            Self::Quarantine(_) => Some("member_quarantined".to_owned()),
            Self::Validation(_)
            | Self::SessionConflict(_)
            | Self::SessionNotFound
            | Self::DkgNotReady
            | Self::Round1NotStarted
            | Self::ConsumedNonceReplay
            | Self::AttemptSuperseded
            | Self::AttemptAlreadyAggregated
            | Self::InvalidSignatureShare(_)
            | Self::SessionFinalized
            | Self::CapacityExceeded(_)
            | Self::StorageFault
            | Self::Internal => None,
        }
    }
}

impl Code {
    /// Every code, for the test that lists the table.
    pub const ALL: [Self; 16] = [
        Self::ValidationError,
        Self::SessionConflict,
        Self::SessionNotFound,
        Self::DkgNotReady,
        Self::Round1NotStarted,
        Self::ConsumedNonceReplay,
        Self::AttemptSuperseded,
        Self::AttemptAlreadyAggregated,
        Self::InvalidSignatureShare,
        Self::SigningPolicyRejected,
        Self::QuarantinePolicyRejected,
        Self::LifecyclePolicyRejected,
        Self::SessionFinalized,
        Self::CapacityExceeded,
        Self::StorageFault,
        Self::InternalError,
    ];

    /// The code as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ValidationError => "validation_error",
            Self::SessionConflict => "session_conflict",
            Self::SessionNotFound => "session_not_found",
            Self::DkgNotReady => "dkg_not_ready",
            Self::Round1NotStarted => "round1_not_started",
            Self::ConsumedNonceReplay => "consumed_nonce_replay",
            Self::AttemptSuperseded => "attempt_superseded",
            Self::AttemptAlreadyAggregated => "attempt_already_aggregated",
            Self::InvalidSignatureShare => "invalid_signature_share",
            Self::SigningPolicyRejected => "signing_policy_rejected",
            Self::QuarantinePolicyRejected => "quarantine_policy_rejected",
            Self::LifecyclePolicyRejected => "lifecycle_policy_rejected",
            Self::SessionFinalized => "session_finalized",
            Self::CapacityExceeded => "capacity_exceeded",
            Self::StorageFault => "storage_fault",
            Self::InternalError => "internal_error",
        }
    }

    /// Whether a new try can do.
    #[must_use]
    pub fn recovery(self) -> Recovery {
        match self {
            Self::SessionNotFound
            | Self::SessionFinalized
            | Self::StorageFault
            | Self::InternalError => Recovery::Terminal,
            Self::ValidationError
            | Self::SessionConflict
            | Self::DkgNotReady
            | Self::Round1NotStarted
            | Self::ConsumedNonceReplay
            | Self::AttemptSuperseded
            | Self::AttemptAlreadyAggregated
            | Self::InvalidSignatureShare
            | Self::SigningPolicyRejected
            | Self::QuarantinePolicyRejected
            | Self::LifecyclePolicyRejected
            | Self::CapacityExceeded => Recovery::Recoverable,
        }
    }
}

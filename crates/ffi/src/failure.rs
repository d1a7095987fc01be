//! What a host is told when a call is refused. Codes are contract, texts are not; this is the boundary's one table.

use hardfrost_engine::{Code, NotAdopted, RecoverError, Recovery, Rejection};
use hardfrost_frost::dkg::DkgFault;
use hardfrost_primitives::Member;
use hardfrost_store::StoreError;

/// A stable name for what went wrong, as hosts know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCode {
    /// What the engine refused, under its own name or the one that hosts know.
    Engine(Code),
    /// The store's key did not come, or is another's. Nothing changed.
    KeyProviderUnavailable,
    /// No `init_signer_config` yet, or not since the store failed.
    SignerNotConfigured,
}

/// What a host may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryClass {
    /// Nothing changed, or a new attempt will do.
    Recoverable,
    /// Give up on this session, or configure the library anew.
    Terminal,
}

/// A refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) reason: Option<String>,
    pub(crate) culprits: Vec<Member>,
}

impl ErrorCode {
    /// The code as text. Two of the engine's have another name here.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Engine(Code::Round1NotStarted) => "sign_round_not_started",
            Self::Engine(Code::AttemptAlreadyAggregated) => {
                "interactive_attempt_already_aggregated"
            }
            Self::Engine(Code::InvalidSignatureShare) => "aggregate_share_verification_failed",
            Self::Engine(code) => code.as_str(),
            Self::KeyProviderUnavailable => "key_provider_unavailable",
            Self::SignerNotConfigured => "signer_not_configured",
        }
    }

    /// Whether a new try can do.
    #[must_use]
    pub fn recovery(self) -> RecoveryClass {
        match self {
            Self::Engine(code) => match code.recovery() {
                Recovery::Recoverable => RecoveryClass::Recoverable,
                Recovery::Terminal => RecoveryClass::Terminal,
            },
            Self::KeyProviderUnavailable | Self::SignerNotConfigured => RecoveryClass::Recoverable,
        }
    }

    /// Every code that a host may meet.
    pub fn all() -> impl Iterator<Item = Self> {
        let ours = [Self::KeyProviderUnavailable, Self::SignerNotConfigured];
        Code::ALL.into_iter().map(Self::Engine).chain(ours)
    }
}

impl RecoveryClass {
    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recoverable => "recoverable",
            Self::Terminal => "terminal",
        }
    }
}

impl Failure {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason: None,
            culprits: Vec::new(),
        }
    }

    fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Malformed or mismatching input. The text never repeats what was sent.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Engine(Code::ValidationError), message)
    }

    /// A field that does not read, by its name.
    pub(crate) fn field(name: &'static str, why: impl std::fmt::Display) -> Self {
        Self::invalid(format!("{name}: {why}"))
    }

    pub(crate) fn conflict(message: &'static str) -> Self {
        Self::new(ErrorCode::Engine(Code::SessionConflict), message)
    }

    pub(crate) fn not_found(message: &'static str) -> Self {
        Self::new(ErrorCode::Engine(Code::SessionNotFound), message)
    }

    pub(crate) fn at_limit(message: &'static str) -> Self {
        Self::new(ErrorCode::Engine(Code::CapacityExceeded), message)
    }

    /// A broken invariant of ours, without a word on it.
    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::Engine(Code::InternalError), "internal error")
    }

    pub(crate) fn not_configured() -> Self {
        let message =
            "frost_tbtc_init_signer_config has not been called, or not since storage failed";
        Self::new(ErrorCode::SignerNotConfigured, message)
    }

    pub(crate) fn no_build() -> Self {
        let message = "no transaction was built for this session: call frost_tbtc_build_taproot_tx";
        Self::new(ErrorCode::Engine(Code::SigningPolicyRejected), message)
            .because("missing_policy_checked_build_tx")
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let culprits = match &rejection {
            Rejection::InvalidSignatureShare(all) => all.iter().map(|c| c.member).collect(),
            Rejection::Quarantine(member) => vec![*member],
            Rejection::Validation(_)
            | Rejection::SessionConflict(_)
            | Rejection::SessionNotFound
            | Rejection::DkgNotReady
            | Rejection::Round1NotStarted
            | Rejection::ConsumedNonceReplay
            | Rejection::AttemptSuperseded
            | Rejection::AttemptAlreadyAggregated
            | Rejection::SigningPolicy(_)
            | Rejection::Lifecycle(_)
            | Rejection::SessionFinalized
            | Rejection::CapacityExceeded(_)
            | Rejection::StorageFault
            | Rejection::Internal => Vec::new(),
        };
        Self {
            code: ErrorCode::Engine(rejection.code()),
            message: rejection.to_string(),
            reason: rejection.reason_code(),
            culprits,
        }
    }
}

impl From<NotAdopted> for Failure {
    fn from(not: NotAdopted) -> Self {
        not.rejection.into()
    }
}

impl From<DkgFault> for Failure {
    fn from(fault: DkgFault) -> Self {
        let mut failure = Self::invalid(fault.to_string()).because("dkg_fault");
        failure.culprits.extend(fault.culprit());
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        let storage = |reason| {
            let code = ErrorCode::Engine(Code::StorageFault);
            Self::new(code, message.clone()).because(reason)
        };
        // What names a key's place may be the key itself, put into the wrong field: it is not repeated.
        let key = |reason| {
            let message = "the store's key did not come, or is not this store's";
            Self::new(ErrorCode::KeyProviderUnavailable, message.to_owned()).because(reason)
        };
        match error {
            StoreError::Absent(_) => storage("absent"),
            StoreError::Exists(_) => storage("exists"),
            StoreError::Held(_) => storage("held"),
            StoreError::NewerSchema { .. } => storage("newer_schema"),
            StoreError::Corrupt(_) => storage("corrupt"),
            StoreError::Disk(_) | StoreError::Undecided(_) => storage("disk"),
            StoreError::Refused(_) => Self::field("state_path", message),
            StoreError::Provider(_) | StoreError::NewProvider(_) => key("unavailable"),
            StoreError::WrongKey => key("wrong_key"),
            StoreError::OtherKindOfKey { .. } => key("other_kind_of_key"),
        }
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Limits(_) | RecoverError::Lowered { .. } => {
                Self::invalid(error.to_string())
            }
            RecoverError::Memory(_) => {
                let code = ErrorCode::Engine(Code::CapacityExceeded);
                Self::new(code, error.to_string()).because("locked_memory")
            }
            RecoverError::Record(_) | RecoverError::Contradiction(_) => {
                let code = ErrorCode::Engine(Code::StorageFault);
                Self::new(code, error.to_string()).because("corrupt")
            }
        }
    }
}

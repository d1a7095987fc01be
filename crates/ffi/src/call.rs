//! The calls of the boundary, by name.

/// A function that C sees, but for the one that frees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "each is documented on the function of its name"
)]
pub enum Call {
    Version,
    AbiVersion,
    InitSignerConfig,
    DkgPart1,
    DkgPart2,
    DkgPart2Sealed,
    DkgPart3,
    PersistDistributedDkgKeyPackage,
    BuildTaprootTx,
    DeriveInteractiveAttemptContext,
    InteractiveSessionOpen,
    InteractiveSessionRound1,
    InteractiveSessionRound2,
    InteractiveSessionAbort,
    InteractiveAggregate,
    NewSigningPackage,
    VerifySignatureShare,
    TriggerEmergencyRekey,
    QuarantineStatus,
    HardeningMetrics,
}

impl Call {
    /// Every call, in the order of the header.
    pub const ALL: [Self; 20] = [
        Self::Version,
        Self::AbiVersion,
        Self::InitSignerConfig,
        Self::DkgPart1,
        Self::DkgPart2,
        Self::DkgPart2Sealed,
        Self::DkgPart3,
        Self::PersistDistributedDkgKeyPackage,
        Self::BuildTaprootTx,
        Self::DeriveInteractiveAttemptContext,
        Self::InteractiveSessionOpen,
        Self::InteractiveSessionRound1,
        Self::InteractiveSessionRound2,
        Self::InteractiveSessionAbort,
        Self::InteractiveAggregate,
        Self::NewSigningPackage,
        Self::VerifySignatureShare,
        Self::TriggerEmergencyRekey,
        Self::QuarantineStatus,
        Self::HardeningMetrics,
    ];

    /// The name without its prefix `frost_tbtc_`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::AbiVersion => "abi_version",
            Self::InitSignerConfig => "init_signer_config",
            Self::DkgPart1 => "dkg_part1",
            Self::DkgPart2 => "dkg_part2",
            Self::DkgPart2Sealed => "dkg_part2_sealed",
            Self::DkgPart3 => "dkg_part3",
            Self::PersistDistributedDkgKeyPackage => "persist_distributed_dkg_key_package",
            Self::BuildTaprootTx => "build_taproot_tx",
            Self::DeriveInteractiveAttemptContext => "derive_interactive_attempt_context",
            Self::InteractiveSessionOpen => "interactive_session_open",
            Self::InteractiveSessionRound1 => "interactive_session_round1",
            Self::InteractiveSessionRound2 => "interactive_session_round2",
            Self::InteractiveSessionAbort => "interactive_session_abort",
            Self::InteractiveAggregate => "interactive_aggregate",
            Self::NewSigningPackage => "new_signing_package",
            Self::VerifySignatureShare => "verify_signature_share",
            Self::TriggerEmergencyRekey => "trigger_emergency_rekey",
            Self::QuarantineStatus => "quarantine_status",
            Self::HardeningMetrics => "hardening_metrics",
        }
    }

    /// Whether a request goes with it.
    #[must_use]
    pub fn takes_request(self) -> bool {
        !matches!(
            self,
            Self::Version | Self::AbiVersion | Self::HardeningMetrics
        )
    }
}

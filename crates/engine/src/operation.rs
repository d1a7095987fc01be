//! What an engine can be asked, by name, and how often it was.

use std::collections::BTreeMap;

use crate::command::{Command, Reply};
use crate::engine::Engine;
use crate::rejection::Code;

/// The name of an operation, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is documented on the command of its name")]
pub enum Operation {
    DkgDeal,
    DkgSeal,
    DkgOpen,
    Install,
    DkgAbort,
    Approve,
    DeriveContext,
    Open,
    Round1,
    Round2,
    Abort,
    Aggregate,
    VerifyShare,
    EmergencyRekey,
    FinalizeSession,
    Quarantine,
    Unquarantine,
    Convict,
    InstallPolicy,
}

/// How often an operation was asked for, and how that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub calls: u64,
    /// What was asked for came about.
    pub successes: u64,
    /// Refused, by code.
    pub rejections: BTreeMap<Code, u64>,
    /// Another member's contribution to a key generation failed its check.
    pub faults: u64,
}

impl Operation {
    /// The name as text, for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DkgDeal => "dkg_deal",
            Self::DkgSeal => "dkg_seal",
            Self::DkgOpen => "dkg_open",
            Self::Install => "install",
            Self::DkgAbort => "dkg_abort",
            Self::Approve => "approve",
            Self::DeriveContext => "derive_context",
            Self::Open => "open",
            Self::Round1 => "round1",
            Self::Round2 => "round2",
            Self::Abort => "abort",
            Self::Aggregate => "aggregate",
            Self::VerifyShare => "verify_share",
            Self::EmergencyRekey => "emergency_rekey",
            Self::FinalizeSession => "finalize_session",
            Self::Quarantine => "quarantine",
            Self::Unquarantine => "unquarantine",
            Self::Convict => "convict",
            Self::InstallPolicy => "install_policy",
        }
    }
}

impl Command {
    /// Which operation it asks for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::DkgDeal(_) => Operation::DkgDeal,
            Self::DkgSeal(_) => Operation::DkgSeal,
            Self::DkgOpen(_) => Operation::DkgOpen,
            Self::Install(_) => Operation::Install,
            Self::DkgAbort(_) => Operation::DkgAbort,
            Self::Approve(_) => Operation::Approve,
            Self::DeriveContext(_) => Operation::DeriveContext,
            Self::Open(_) => Operation::Open,
            Self::Round1(_) => Operation::Round1,
            Self::Round2(_) => Operation::Round2,
            Self::Abort(_) => Operation::Abort,
            Self::Aggregate(_) => Operation::Aggregate,
            Self::VerifyShare(_) => Operation::VerifyShare,
            Self::EmergencyRekey(_) => Operation::EmergencyRekey,
            Self::FinalizeSession(_) => Operation::FinalizeSession,
            Self::Quarantine(_) => Operation::Quarantine,
            Self::Unquarantine(_) => Operation::Unquarantine,
            Self::Convict(_) => Operation::Convict,
            Self::InstallPolicy(_) => Operation::InstallPolicy,
        }
    }
}

impl Engine {
    pub(crate) fn count(&mut self, operation: Operation, reply: &Reply) {
        self.counters.entry(operation).or_default().count(reply);
    }
}

impl Counts {
    fn count(&mut self, reply: &Reply) {
        self.calls += 1;
        match reply {
            Reply::Rejected(rejection) => {
                *self.rejections.entry(rejection.code()).or_default() += 1;
            }
            Reply::DkgFailed(_) => self.faults += 1,
            Reply::DkgDealt(_)
            | Reply::DkgSealed(_)
            | Reply::DkgPending(_)
            | Reply::Installed(_)
            | Reply::Approved(_)
            | Reply::Derived(..)
            | Reply::Opened(_)
            | Reply::Committed(_)
            | Reply::Share(_)
            | Reply::Aborted(_)
            | Reply::Signed(_)
            | Reply::Verdict(_)
            | Reply::Changed(_) => self.successes += 1,
        }
    }
}
